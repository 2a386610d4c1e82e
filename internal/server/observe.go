package server

import (
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/rs/zerolog"
)

// observe logs and counts requests, and turns a panic into a 500. Paths are logged without their query, which may hold
// what a person asked for.
func observe(log zerolog.Logger, m *metrics, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		watched := &watchedWriter{ResponseWriter: w}
		defer func() {
			value := recover()
			err, _ := value.(error)
			aborted := errors.Is(err, http.ErrAbortHandler)
			if value != nil && !aborted {
				log.Error().Str("panic", fmt.Sprint(value)).Bytes("stack", debug.Stack()).Str("path", r.URL.Path).
					Msg("a request panicked")
				if watched.status == 0 {
					http.Error(watched, "this could not be answered because of a fault in Orrery; its log says more",
						http.StatusInternalServerError)
				}
			}
			if watched.status == 0 {
				watched.status = http.StatusOK
			}
			route := r.Pattern // of the mux; few
			if route == "" {
				route = "none"
			}
			took := time.Since(start)
			m.requests.WithLabelValues(route, strconv.Itoa(watched.status)).Inc()
			if !watched.streams() { // how long those stay says nothing
				m.durations.WithLabelValues(route).Observe(took.Seconds())
			}
			level := zerolog.InfoLevel
			switch route {
			case "GET /livez", "GET /readyz", "GET /metrics": // machines ask every few seconds
				level = zerolog.DebugLevel
			}
			log.WithLevel(level).Str("method", r.Method).Str("path", r.URL.Path).Int("status", watched.status).
				Int64("bytes", watched.bytes).Dur("took", took).Str("remote", r.RemoteAddr).
				Bool("aborted", aborted).Msg("request")
			if aborted {
				panic(http.ErrAbortHandler) // has net/http break the connection
			}
		}()
		next.ServeHTTP(watched, r)
	})
}

type watchedWriter struct {
	http.ResponseWriter
	status int // 0 until the header is written
	bytes  int64
}

func (w *watchedWriter) WriteHeader(status int) {
	if w.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *watchedWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// streams says whether the answer was one that goes on.
func (w *watchedWriter) streams() bool {
	return w.status == http.StatusSwitchingProtocols || strings.HasPrefix(w.Header().Get("Content-Type"), mediaEvents)
}

// Unwrap lets http.ResponseController reach what is below.
func (w *watchedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
