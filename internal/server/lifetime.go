package server

import (
	"context"
	"errors"
	"sync"
)

// errStopping is the cause of the end of what stays for long when the server stops.
var errStopping = errors.New("the server stops")

// lifetime tells requests that stay for long when the server stops. Run puts it into the context of every request; without
// it, a handler does not stop.
type lifetime struct {
	stopping context.Context // ends when subscriptions are to end
	over     context.Context // ends when nothing more is waited for
	busy     sync.WaitGroup  // what net/http does not know of or does not wait for
}

type lifetimeKey struct{}

func lifetimeOf(ctx context.Context) *lifetime {
	if l, ok := ctx.Value(lifetimeKey{}).(*lifetime); ok {
		return l
	}
	return &lifetime{stopping: context.Background(), over: context.Background()}
}

// untilStop is a context that ends with the given one or, by errStopping, when the server stops.
func untilStop(ctx context.Context) (context.Context, context.CancelCauseFunc) {
	stopping := lifetimeOf(ctx).stopping
	ctx, cancel := context.WithCancelCause(ctx)
	unhook := context.AfterFunc(stopping, func() { cancel(errStopping) })
	return ctx, func(cause error) { unhook(); cancel(cause) }
}

// beyondClient is a context that goes on when the client goes away: what it asked to be done is done as a whole. It ends
// when the server no longer waits.
func beyondClient(ctx context.Context) (context.Context, context.CancelFunc) {
	l := lifetimeOf(ctx)
	l.busy.Add(1)
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	unhook := context.AfterFunc(l.over, cancel)
	return ctx, func() { unhook(); cancel(); l.busy.Done() }
}

// wait waits until nothing is busy; false = ctx has ended before.
func (l *lifetime) wait(ctx context.Context) bool {
	idle := make(chan struct{})
	go func() {
		l.busy.Wait()
		close(idle)
	}()
	select {
	case <-idle:
		return true
	case <-ctx.Done():
		return false
	}
}
