package server

import (
	"io"
	"net/http"
)

// stillReading is why there is no answer before the first snapshot.
const stillReading = "the catalog is still being read"

func live(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, "ok\n")
}

// ready is 503 with the reason as long as questions cannot be answered.
func ready(config Config) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if config.Snapshots.Snapshot() == nil {
			http.Error(w, stillReading, http.StatusServiceUnavailable)
			return
		}
		if config.Ready != nil {
			if err := config.Ready(r.Context()); err != nil {
				http.Error(w, err.Error(), http.StatusServiceUnavailable)
				return
			}
		}
		live(w, r)
	})
}
