package server

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/coder/websocket"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/orrery-catalog/orrery/schema/resolve"
)

// subprotocol is that of the graphql-transport-ws protocol, which this file speaks:
// https://github.com/graphql/graphql-over-http/blob/main/rfcs/GraphQLOverWebSocket.md
const subprotocol = "graphql-transport-ws"

// The codes with which a WebSocket is closed, as the protocol has them.
const (
	closeBadMessage  websocket.StatusCode = 4400
	closeNotBegun    websocket.StatusCode = 4401
	closeSubprotocol websocket.StatusCode = 4406
	closeInitTimeout websocket.StatusCode = 4408
	closeSameID      websocket.StatusCode = 4409
	closeBegunTwice  websocket.StatusCode = 4429
)

const maxIDBytes = 128

// socket is one WebSocket. One goroutine reads, one an operation answers it.
type socket struct {
	*graphQL
	conn    *websocket.Conn
	headers http.Header
	limits  Streams

	ctx    context.Context // of all operations: ends with the connection or when the server stops
	cancel context.CancelCauseFunc

	begun      bool
	operations sync.WaitGroup
	mu         sync.Mutex
	active     map[string]*context.CancelCauseFunc // by id; nil once the client wants no more, or the end was told
	running    int
}

// message is one of the protocol, either way.
type message struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// errLeft says that a client has ended an operation.
var errLeft = errors.New("the client wants no more")

// serveSocket is called behind the guard: a page of another site does not come here.
func (g *graphQL) serveSocket(w http.ResponseWriter, r *http.Request) {
	leave, err := g.turnstile.enter(r)
	if err != nil {
		g.metrics.refusals.Inc()
		g.tooBusy(w, mediaJSON, err.Error())
		return
	}
	defer leave()
	busy := &lifetimeOf(r.Context()).busy
	busy.Add(1)
	defer busy.Done()

	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{subprotocol}})
	if err != nil {
		return // it has answered
	}
	defer func() { _ = conn.CloseNow() }()
	conn.SetReadLimit(maxBodyBytes)
	if conn.Subprotocol() != subprotocol {
		_ = conn.Close(closeSubprotocol, "Subprotocol not acceptable")
		return
	}
	s := &socket{
		graphQL: g, conn: conn, headers: r.Header, limits: g.turnstile.limits,
		active: make(map[string]*context.CancelCauseFunc),
	}
	s.ctx, s.cancel = untilStop(r.Context())
	s.serve(r.Context())
}

func (s *socket) serve(ctx context.Context) {
	late := time.AfterFunc(s.limits.InitTimeout, func() { s.close(closeInitTimeout, "Connection initialisation timeout") })
	var stopped sync.WaitGroup
	stopped.Add(1)
	unhook := context.AfterFunc(s.ctx, func() { //nolint:contextcheck // which is made of ctx
		defer stopped.Done()
		s.operations.Wait() // each tells its end
		switch cause := context.Cause(s.ctx); {
		case errors.Is(cause, errStopping):
			s.close(websocket.StatusGoingAway, "the server stops")
		default:
			_ = s.conn.CloseNow()
		}
	})
	alive := s.keepAlive(ctx)

	s.read(ctx, late)

	late.Stop()
	alive.Stop()
	s.cancel(nil)
	if unhook() {
		stopped.Done()
	}
	_ = s.conn.CloseNow() // frees an operation that is writing
	stopped.Wait()
	s.operations.Wait()
}

// keepAlive asks for a sign of life from time to time, and ends the connection when there is none.
func (s *socket) keepAlive(ctx context.Context) *time.Timer {
	var alive *time.Timer
	alive = time.AfterFunc(time.Hour, func() {
		ctx, cancel := context.WithTimeout(ctx, s.limits.WriteTimeout)
		defer cancel()
		if err := s.conn.Ping(ctx); err == nil {
			alive.Reset(s.limits.KeepAlive)
		} else if s.ctx.Err() == nil {
			s.cancel(err)
		}
	})
	alive.Reset(s.limits.KeepAlive)
	return alive
}

func (s *socket) read(ctx context.Context, late *time.Timer) {
	for {
		kind, data, err := s.conn.Read(ctx)
		if err != nil {
			return
		}
		var m message
		if kind != websocket.MessageText || json.Unmarshal(data, &m) != nil {
			s.close(closeBadMessage, "Invalid message received")
			return
		}
		switch m.Type {
		case "connection_init":
			if s.begun {
				s.close(closeBegunTwice, "Too many initialisation requests")
				return
			}
			s.begun = true
			late.Stop()
			err = s.write(ctx, message{Type: "connection_ack"})
		case "ping":
			err = s.write(ctx, message{Type: "pong", Payload: m.Payload})
		case "pong":
		case "subscribe":
			switch {
			case !s.begun:
				s.close(closeNotBegun, "Unauthorized")
				return
			case m.ID == "" || len(m.ID) > maxIDBytes:
				s.close(closeBadMessage, "Invalid message received: the id must have 1 to 128 bytes")
				return
			case !s.subscribe(ctx, m):
				return
			}
		case "complete":
			s.forget(m.ID)
		default:
			s.close(closeBadMessage, "Invalid message received")
			return
		}
		if err != nil {
			return
		}
	}
}

// close says why the connection ends.
func (s *socket) close(code websocket.StatusCode, reason string) { _ = s.conn.Close(code, reason) }

// forget ends an operation that the client wants no more of.
func (s *socket) forget(id string) {
	s.mu.Lock()
	cancel := s.active[id]
	delete(s.active, id)
	s.mu.Unlock()
	if cancel != nil {
		(*cancel)(errLeft)
	}
}

// subscribe begins an operation; false ends the connection, whose context it is given.
func (s *socket) subscribe(ctx context.Context, m message) bool {
	asked, cancel := context.WithCancelCause(s.ctx)
	s.mu.Lock()
	same, full := s.active[m.ID] != nil, s.running == s.limits.Operations
	if !same && !full {
		s.active[m.ID] = &cancel
		s.running++
	}
	s.mu.Unlock()
	switch {
	case same:
		cancel(nil)
		s.close(closeSameID, "Subscriber already exists for that id")
		return false
	case full:
		cancel(nil)
		return s.tell(ctx, m.ID, failure(resolve.CodeUnavailable, "too many operations are under way on this connection: "+
			"end some, or open another")) == nil
	}
	s.operations.Go(func() {
		defer cancel(nil)
		ended := s.operate(asked, m, func(r *graphql.Response) error { return s.tell(ctx, m.ID, r) })
		s.mu.Lock()
		wanted := s.active[m.ID] == &cancel // not ended, nor begun anew, by the client
		if wanted {
			delete(s.active, m.ID)
		}
		s.running--
		s.mu.Unlock()
		if wanted && !ended {
			_ = s.write(ctx, message{ID: m.ID, Type: "complete"})
		}
	})
	return true
}

// operate answers one operation. It says whether an error has ended it, behind which no end is told.
func (s *socket) operate(ctx context.Context, m message, send func(*graphql.Response) error) (ended bool) {
	tell := func(response *graphql.Response) error {
		ended = response.Data == nil
		return send(response)
	}
	params := &graphql.RawParams{Headers: s.headers}
	params.ReadTime.Start = graphql.Now()
	if err := readJSON(m.Payload, params); err != nil {
		_ = tell(failure(resolve.CodeBadInput, err.Error()))
		return ended
	}
	params.ReadTime.End = graphql.Now()
	ctx = graphql.StartOperationTrace(ctx)
	defer func() {
		if value := recover(); value != nil {
			_ = tell(s.panicked(ctx, value))
		}
	}()
	operation, refused := s.prepare(ctx, params)
	if refused != nil {
		_ = tell(refused)
		return ended
	}
	switch operation.Operation.Operation {
	case ast.Subscription:
		s.stream(ctx, operation, transportSocket, func() {}, tell)
	case ast.Query:
		response := s.execute(ctx, operation)
		if response == nil {
			return ended // the client has gone
		}
		release, ok := s.unread.hold(response)
		defer release()
		if !ok {
			response = tooManyUnread()
		}
		_ = tell(response)
	default:
		_ = tell(failure(resolve.CodeBadInput, "mutations are taken by POST only"))
	}
	return ended
}

// tell sends an answer; one without data ends its operation.
func (s *socket) tell(ctx context.Context, id string, response *graphql.Response) error {
	m := message{ID: id, Type: "next"}
	var err error
	if response.Data == nil {
		m.Type = "error"
		m.Payload, err = json.Marshal(response.Errors)
	} else {
		m.Payload, err = encode(response)
	}
	if err != nil {
		return err
	}
	return s.write(ctx, m)
}

// write ends the connection where the client does not read.
func (s *socket) write(ctx context.Context, m message) error {
	data, err := json.Marshal(m)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.limits.WriteTimeout)
	defer cancel()
	err = s.conn.Write(ctx, websocket.MessageText, data)
	if err != nil && ctx.Err() != nil {
		return ctx.Err() // which the library has closed the connection for
	}
	return err
}
