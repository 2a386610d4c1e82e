package resolve

import (
	"strings"
	"time"

	"github.com/orrery-catalog/orrery/graph"
)

// unconfirmedAfter is how long a Snapshot counts as the newest after the store has last confirmed it.
const unconfirmedAfter = 5 * time.Second

// maxReasonBytes bounds what is told of an error of the store.
const maxReasonBytes = 300

// StoreState says that answers may be old, in the extensions of each.
type StoreState struct {
	// Confirmed is when the store last held nothing newer than what answers show; null = not since the server started.
	Confirmed  *time.Time `json:"confirmed"`
	AgeSeconds *float64   `json:"ageSeconds"` // since then
	Reason     string     `json:"reason"`
}

// Unconfirmed tells how old the newest Snapshot may be; nil while it counts as new.
func Unconfirmed(f graph.Freshness, now time.Time) *StoreState {
	confirmed, age := Confirmed(f, now)
	switch {
	case f.Err == nil && confirmed == nil: // nobody has asked yet
		return nil
	case confirmed != nil && now.Sub(*confirmed) <= unconfirmedAfter:
		return nil
	}
	return &StoreState{Confirmed: confirmed, AgeSeconds: age, Reason: reasonOf(f)}
}

// Confirmed is when the newest Snapshot was last known to be all that the store held, and how many seconds ago that was;
// nil = never.
func Confirmed(f graph.Freshness, now time.Time) (at *time.Time, seconds *float64) {
	if f.Confirmed.IsZero() {
		return nil, nil
	}
	age := max(0, now.Sub(f.Confirmed).Seconds())
	return new(f.Confirmed.UTC()), &age
}

func reasonOf(f graph.Freshness) string {
	if f.Err == nil {
		return "what the store holds is not here yet"
	}
	return Reason(f.Err)
}

// Reason is an error of the store as people are told it: one line, not too long.
func Reason(err error) string {
	text := oneLine(err.Error())
	if len(text) > maxReasonBytes {
		text = strings.ToValidUTF8(text[:maxReasonBytes], "") + "…"
	}
	return text
}

// NotYet says why there is no answer before the first Snapshot.
func NotYet(freshness func() graph.Freshness) string {
	if freshness != nil {
		if err := freshness().Err; err != nil {
			return "waiting for the store: " + Reason(err)
		}
	}
	return "the catalog is still being read"
}
