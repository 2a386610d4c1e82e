package server

import (
	"encoding/json"
	"io"
	"net/http"
	"time"

	"github.com/orrery-catalog/orrery/graph"
)

// stillReading is why there is no answer before the first snapshot.
const stillReading = "the catalog is still being read"

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
}

// ready is 503 with the reason as long as questions cannot be answered. Data that is old is no reason: it is better than
// none.
func ready(config Config) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		snapshot := config.Snapshots.Snapshot()
		answer, status := describe(snapshot, time.Now()), http.StatusOK
		switch {
		case snapshot == nil:
			answer.Reason = stillReading
		case config.Ready != nil:
			if err := config.Ready(r.Context()); err != nil {
				answer.Reason = err.Error()
			}
		}
		if answer.Reason != "" {
			answer.Status, status = "unavailable", http.StatusServiceUnavailable
		}
		w.Header().Set("Content-Type", mediaJSON)
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(answer)
	})
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
