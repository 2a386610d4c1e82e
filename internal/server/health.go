package server

import (
	"encoding/json"
	"io"
	"net/http"
	"time"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/schema/resolve"
)

func live(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, "ok\n")
}

// readiness is the answer of /readyz. Fields may be added.
type readiness struct {
	Status string `json:"status"`           // ok or unavailable
	Reason string `json:"reason,omitempty"` // why it is unavailable
	// The revision that questions are answered on and when it was made, which is long ago where nothing changes.
	Revision graph.Revision `json:"revision"`
	Time     *time.Time     `json:"time"`
	// How old the data may be: the last good scan of the source for which that is longest ago. null where there is none that
	// was ever scanned. Never scanned ones count in sources only.
	OldestGoodScan *time.Time                `json:"oldestGoodScan"`
	AgeSeconds     *float64                  `json:"ageSeconds"`
	Sources        map[graph.SourceState]int `json:"sources"` // by state
	Store          *storeReadiness           `json:"store"`   // null where there is none
}

// storeReadiness tells how far the revision can be taken for the newest one of the store.
type storeReadiness struct {
	Reachable bool `json:"reachable"`
	// Confirmed is when the store last held nothing newer; null = not since the start.
	Confirmed  *time.Time `json:"confirmed"`
	AgeSeconds *float64   `json:"ageSeconds"` // since then
	Error      *string    `json:"error"`      // why it cannot be reached
}

// ready is 503 with the reason as long as questions cannot be answered. Data that is old is no reason, nor is a store that
// is away: old data is better than none.
func ready(config Config) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		snapshot := config.Snapshots.Snapshot()
		now := time.Now()
		answer, status := describe(snapshot, now), http.StatusOK
		if config.Freshness != nil {
			answer.Store = describeStore(config.Freshness(), now)
		}
		if snapshot == nil {
			answer.Status, answer.Reason = "unavailable", resolve.NotYet(config.Freshness)
			status = http.StatusServiceUnavailable
		}
		w.Header().Set("Content-Type", mediaJSON)
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(answer)
	})
}

func describeStore(f graph.Freshness, now time.Time) *storeReadiness {
	answer := &storeReadiness{Reachable: f.Err == nil}
	answer.Confirmed, answer.AgeSeconds = resolve.Confirmed(f, now)
	if f.Err != nil {
		answer.Error = new(resolve.Reason(f.Err))
	}
	return answer
}

func describe(snapshot *graph.Snapshot, now time.Time) readiness {
	answer := readiness{Status: "ok", Sources: map[graph.SourceState]int{}}
	if snapshot == nil {
		return answer
	}
	answer.Revision = snapshot.Revision()
	if made := snapshot.Time().UTC(); !made.IsZero() {
		answer.Time = &made
	}
	for _, source := range snapshot.Sources() {
		answer.Sources[source.State]++
		good := source.LastGood.UTC()
		if source.Unconfigured || good.IsZero() || answer.OldestGoodScan != nil && !good.Before(*answer.OldestGoodScan) {
			continue
		}
		answer.OldestGoodScan = &good
	}
	if answer.OldestGoodScan != nil {
		age := max(0, now.Sub(*answer.OldestGoodScan).Seconds())
		answer.AgeSeconds = &age
	}
	return answer
}
