package server

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
)

// Server-sent events as the GraphQL over SSE protocol has them, in the mode of distinct connections: one operation a
// request, its answers as events of the name next, and one of the name complete at the end.
var (
	eventNext = []byte("event: next\ndata: ")
	// A browser passes an event on only if it has data.
	eventComplete = []byte("event: complete\ndata:\n\n")
	eventAlive    = []byte(":\n\n")
)

// streamEvents answers one operation by events: a subscription as long as it goes on, anything else once.
func (g *graphQL) streamEvents(w http.ResponseWriter, r *http.Request, operation *graphql.OperationContext) {
	leave, err := g.turnstile.enter(r)
	if err != nil {
		g.metrics.refusals.Inc()
		g.tooBusy(w, mediaJSON, err.Error())
		return
	}
	defer leave()
	ctx, cancel := untilStop(r.Context())
	defer cancel(nil)
	var events *eventWriter
	begun := func() { events = g.openEvents(w, cancel) }
	defer func() {
		if events != nil {
			events.close()
		}
	}()
	g.stream(ctx, operation, transportEvents, begun, func(response *graphql.Response) error { return events.next(response) })
	if cause := context.Cause(ctx); cause == nil || errors.Is(cause, errStopping) {
		_ = events.write(eventComplete) // who has gone needs no end
	}
}

// answerByEvent is for a client that only takes events.
func (g *graphQL) answerByEvent(w http.ResponseWriter, response *graphql.Response) {
	g.metrics.count(response)
	events := g.openEvents(w, func(error) {})
	defer events.close()
	if events.next(response) == nil {
		_ = events.write(eventComplete)
	}
}

// eventWriter writes events, and a sign of life when there was none for a while. After close it writes no more.
type eventWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
	limits  Streams

	mu     sync.Mutex
	alive  *time.Timer
	closed bool
}

// openEvents begins an answer. stalled hears why the client cannot be written to.
func (g *graphQL) openEvents(w http.ResponseWriter, stalled context.CancelCauseFunc) *eventWriter {
	header := w.Header()
	header.Set("Content-Type", mediaEvents+"; charset=utf-8")
	header.Set("X-Accel-Buffering", "no") // has nginx pass on each event at once
	e := &eventWriter{w: w, control: http.NewResponseController(w), limits: g.turnstile.limits}
	_ = e.control.SetReadDeadline(time.Time{}) // that of a usual request is too short; a recorder has none
	e.mu.Lock()
	defer e.mu.Unlock()
	e.alive = time.AfterFunc(e.limits.KeepAlive, func() {
		if err := e.write(eventAlive); err != nil {
			stalled(err)
		}
	})
	w.WriteHeader(http.StatusOK)
	if err := e.send(eventAlive); err != nil {
		stalled(err)
	}
	return e
}

func (e *eventWriter) next(response *graphql.Response) error {
	body, err := encode(response)
	if err != nil {
		return err
	}
	event := make([]byte, 0, len(eventNext)+len(body)+2)
	event = append(append(event, eventNext...), bytes.TrimRight(body, "\n")...)
	return e.write(append(event, "\n\n"...))
}

func (e *eventWriter) write(event []byte) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil
	}
	e.alive.Reset(e.limits.KeepAlive)
	return e.send(event)
}

func (e *eventWriter) send(event []byte) error {
	_ = e.control.SetWriteDeadline(time.Now().Add(e.limits.WriteTimeout)) // a recorder has none
	if _, err := e.w.Write(event); err != nil {
		return err
	}
	return e.control.Flush()
}

func (e *eventWriter) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	e.alive.Stop()
}
