package githubtest

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"time"
)

// Fault is what goes wrong with some requests.
type Fault struct {
	Endpoint string // as in [Call]; "" = all
	// Fits narrows it further; nil = all of the endpoint.
	Fits  func(*http.Request) bool
	After int // so many requests that fit are answered before
	Times int // so many go wrong then; 0 = all until it is [GitHub.Mend]ed
	Fail  Failure

	seen, failed int
}

// Failure answers a request instead of next, or changes what next answers.
type Failure func(next http.Handler) http.Handler

// Fail makes requests go wrong from now on. Where several faults fit, the one that came first is taken.
func (g *GitHub) Fail(f Fault) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.faults = append(g.faults, &f)
}

// Mend ends all faults.
func (g *GitHub) Mend() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.faults = nil
}

// failure is what goes wrong with this request, nil: nothing.
func (g *GitHub) failure(endpoint string, r *http.Request) Failure {
	g.mu.Lock()
	defer g.mu.Unlock()
	var chosen Failure
	for _, f := range g.faults {
		if f.Endpoint != "" && f.Endpoint != endpoint || f.Fits != nil && !f.Fits(r) {
			continue
		}
		if f.seen++; f.seen <= f.After || f.Times > 0 && f.failed >= f.Times || chosen != nil {
			continue
		}
		f.failed++
		chosen = f.Fail
	}
	return chosen
}

// Status answers with a status and the page of HTML that GitHub's front gives for 5xx.
func Status(status int) Failure {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.WriteHeader(status)
			_, _ = fmt.Fprintf(w, "<html><head><title>Unicorn! &middot; GitHub</title></head><body>%d</body></html>", status)
		})
	}
}

// Refused answers with a status and a message, as GitHub's own refusals are written.
func Refused(status int, message string) Failure {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { refuse(status, message).write(w) })
	}
}

// SecondaryLimit refuses with 403 or 429, and with Retry-After unless that is negative.
func SecondaryLimit(status int, retryAfter time.Duration) Failure {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			no := secondary(status)
			if retryAfter >= 0 {
				no.header.Set("Retry-After", strconv.Itoa(int(retryAfter.Seconds())))
			}
			no.write(w)
		})
	}
}

// PrimaryLimit refuses as if the budget were used up until the reset.
func PrimaryLimit(reset time.Time) Failure {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			no := (&principal{}).exhausted()
			(&budget{limit: 5000, used: 5000, reset: reset}).tell(no.header, "core")
			no.write(w)
		})
	}
}

// Slow answers after the time, or never where the request is given up before.
func Slow(by time.Duration) Failure {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-time.After(by):
				next.ServeHTTP(w, r)
			case <-r.Context().Done():
			}
		})
	}
}

// Dropped ends the connection without an answer.
func Dropped() Failure {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	}
}

// Cut ends the connection in the middle of the body.
func Cut() Failure {
	return changed(func(w http.ResponseWriter, status int, body []byte) {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(status)
		_, _ = w.Write(body[:len(body)/2])
	})
}

// BrokenJSON answers with half of the body, as if that were all.
func BrokenJSON() Failure {
	return changed(func(w http.ResponseWriter, status int, body []byte) {
		w.WriteHeader(status)
		_, _ = w.Write(body[:len(body)/2])
	})
}

// Hooked runs before each answer: to change the state in the middle of a scan.
func Hooked(before func(*http.Request)) Failure {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			before(r)
			next.ServeHTTP(w, r)
		})
	}
}

// changed answers with the headers of the true answer, and what write makes of its body.
func changed(write func(w http.ResponseWriter, status int, body []byte)) Failure {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			recorder := httptest.NewRecorder()
			recorder.Body = &bytes.Buffer{}
			next.ServeHTTP(recorder, r)
			for name, values := range recorder.Header() {
				if name != "Content-Length" {
					w.Header()[name] = values
				}
			}
			write(w, recorder.Code, recorder.Body.Bytes())
		})
	}
}
