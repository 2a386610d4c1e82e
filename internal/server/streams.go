package server

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/orrery-catalog/orrery/schema/resolve"
)

// Streams bounds subscriptions and the connections that they use. Zero fields mean the defaults.
type Streams struct {
	Connections  int           // event streams and WebSockets open at one time; default 4,096
	PerClient    int           // of them from one address; default 2,048, as many may come by one proxy
	Operations   int           // under way in one WebSocket; default 32
	WriteTimeout time.Duration // for a client to take what is sent; default 10 s
	KeepAlive    time.Duration // between two signs of life on a quiet connection; default 15 s
	InitTimeout  time.Duration // for the first message of a WebSocket; default 10 s
}

func (s Streams) orDefaults() Streams {
	count := func(n *int, byDefault int) {
		if *n == 0 {
			*n = byDefault
		}
	}
	span := func(d *time.Duration, byDefault time.Duration) {
		if *d == 0 {
			*d = byDefault
		}
	}
	count(&s.Connections, 4096)
	count(&s.PerClient, 2048)
	count(&s.Operations, 32)
	span(&s.WriteTimeout, 10*time.Second)
	span(&s.KeepAlive, 15*time.Second)
	span(&s.InitTimeout, 10*time.Second)
	return s
}

// turnstile counts the connections that stay.
type turnstile struct {
	limits Streams

	mu       sync.Mutex
	open     int
	byClient map[string]int
}

// errTooMany says that a connection is one too many.
var errTooMany = errors.New("there are too many open streams: close some, or try again later")

// enter lets a connection in until leave is called, or refuses it.
func (t *turnstile) enter(r *http.Request) (leave func(), err error) {
	client, _, splitErr := net.SplitHostPort(r.RemoteAddr)
	if splitErr != nil {
		client = r.RemoteAddr
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open == t.limits.Connections || t.byClient[client] == t.limits.PerClient {
		return nil, errTooMany
	}
	t.open++
	t.byClient[client]++
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.open--
		if t.byClient[client]--; t.byClient[client] == 0 {
			delete(t.byClient, client)
		}
	}, nil
}

// Why a subscription ended, as a label of metrics.
const (
	endComplete = "complete"    // there was no more to tell
	endClient   = "client"      // the client did not want more, or went away
	endSlow     = "slow_client" // the client did not read
	endStopping = "stopping"    // the server stopped
	endError    = "error"
)

// stream gives each answer of a subscription to send, until it ends, send fails or ctx ends. An answer without data is the
// last one and says why. begun is called when nothing that happens from then on is missed.
func (g *graphQL) stream(ctx context.Context, operation *graphql.OperationContext, transport string, begun func(),
	send func(*graphql.Response) error,
) {
	open := g.metrics.subscriptions.WithLabelValues(transport)
	open.Inc()
	reason := endError // of a panic
	defer func() {
		open.Dec()
		g.metrics.ends.WithLabelValues(transport, reason).Inc()
		g.metrics.answered(operation, reason == endError || reason == endSlow)
	}()
	responses, ctx := g.exec.DispatchOperation(ctx, operation)
	begun()
	for {
		response := responses(ctx)
		if response == nil {
			reason = endComplete
			if ctx.Err() != nil {
				reason = endOf(ctx)
			}
			return
		}
		release, ok := g.unread.hold(response)
		if !ok {
			response = tooManyUnread()
		}
		g.metrics.count(response)
		err := send(response)
		release()
		switch {
		case isTimeout(err): // which has ended ctx too
			reason = endSlow
			return
		case err != nil && ctx.Err() != nil:
			reason = endOf(ctx)
			return
		case err != nil:
			reason = endClient
			return
		case response.Data == nil:
			if hasCode(response.Errors, resolve.CodeSlowClient) {
				reason = endSlow
			}
			return
		}
		g.metrics.events.WithLabelValues(transport).Inc()
	}
}

func endOf(ctx context.Context) string {
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errStopping):
		return endStopping
	case isTimeout(cause):
		return endSlow
	default:
		return endClient
	}
}

func isTimeout(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded)
}
