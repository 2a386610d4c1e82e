package ingest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/orrery-catalog/orrery/graph"
)

// The times of the lease of scans. A holder that was killed is followed by another after leaseTTL + leaseRetry at most, and
// what a call takes.
const (
	leaseTTL   = 10 * time.Second
	leaseRenew = 3 * time.Second
	// leaseMargin is how long before its end a lease that could not be renewed counts for nothing any more: a change that is
	// on its way arrives a little later.
	leaseMargin = 2 * time.Second
	// leaseRetry is the time between two attempts to get the lease, or to renew it when that failed, at most.
	leaseRetry = 2 * time.Second
	// leaseCall is how long one attempt may take.
	leaseCall = 4 * time.Second
	// borrowWait is how long a command asks a store for the lease that answered before and is too slow now.
	borrowWait = 20 * time.Second
	// borrowPatience is how long a command waits for a store that is away before it gives up what it scanned.
	borrowPatience = time.Minute
)

// errLeaseLost says that what was done under the lease of scans came to nothing, as the lease was lost.
var errLeaseLost = errors.New("the lease of scans was lost")

// errNoAnswer is why a short question to the store was given up.
var errNoAnswer = fmt.Errorf("%w: it does not answer in time", graph.ErrUnavailable)

// term is a time during which this process holds the lease of scans, under one fencing token. A lease that cannot be
// renewed because the store is away is in doubt: nothing is begun or committed, but what was scanned waits, as the term goes
// on if nobody else took the lease meanwhile. Nothing rests on the clocks: the store refuses what comes under an old token.
type term struct {
	fence graph.FencingToken
	ctx   context.Context // of the work; ends with errLeaseLost and the reason as its cause, or because its parent did
	end   context.CancelCauseFunc

	mu      sync.Mutex
	until   time.Time     // guarded by mu; what is sure ends then, by the monotonic clock
	renewed chan struct{} // guarded by mu; closed when until moves
}

// extend notes that the lease was renewed by a call that began at the time.
func (t *term) extend(began time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.until = began.Add(leaseTTL - leaseMargin)
	close(t.renewed)
	t.renewed = make(chan struct{})
}

// sure says whether nobody else can hold the lease, and gives a channel that is closed when it is renewed.
func (t *term) sure() (bool, <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ctx.Err() == nil && time.Now().Before(t.until), t.renewed
}

// wait waits while the lease is in doubt. The error is the cause of the end of ctx or of the term.
func (t *term) wait(ctx context.Context) error {
	for {
		sure, renewed := t.sure()
		switch {
		case t.ctx.Err() != nil:
			return t.reason()
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case sure:
			return nil
		}
		select {
		case <-renewed:
		case <-t.ctx.Done():
		case <-ctx.Done():
		}
	}
}

// lose ends the term for good.
func (t *term) lose(why error) { t.end(fmt.Errorf("%w: %w", errLeaseLost, why)) }

// reason says why the term has ended; nil = it has not.
func (t *term) reason() error { return context.Cause(t.ctx) }

// whenLost calls f, in a goroutine of its own, if the lease is lost for good.
func (t *term) whenLost(f func(why error)) {
	context.AfterFunc(t.ctx, func() {
		if why := t.reason(); errors.Is(why, errLeaseLost) {
			f(why)
		}
	})
}

// bind is a context that ends with ctx and with the term.
func (t *term) bind(ctx context.Context) (context.Context, func()) {
	bound, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(t.ctx, func() { cancel(context.Cause(t.ctx)) })
	return bound, func() { stop(); cancel(nil) }
}

// lease asks the store for the lease, for so long.
func (c *Catalog) lease(ctx context.Context, ttl time.Duration) (graph.FencingToken, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, leaseCall, errNoAnswer)
	defer cancel()
	return c.config.Store.Lease(ctx, graph.LeaseScans, c.config.Holder, ttl)
}

// hold takes the lease of scans, renews it in the background, and gives it back when ctx ends or release is called, which
// waits for that. Where it cannot be renewed for longer than patience after it was sure, it counts as lost; 0 = never. The
// error is that of graph.Store's Lease.
func (c *Catalog) hold(ctx context.Context, patience time.Duration) (held *term, release func(), err error) {
	began := time.Now()
	fence, err := c.lease(ctx, leaseTTL)
	if err != nil {
		return nil, nil, err
	}
	t := &term{fence: fence, renewed: make(chan struct{})}
	t.ctx, t.end = context.WithCancelCause(ctx)
	t.extend(began)
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.renew(t, patience)
		if errors.Is(t.reason(), errLeaseLost) {
			return
		}
		// That the lease could not be given back costs the others the time until it ends.
		_, _ = c.lease(context.WithoutCancel(ctx), 0)
	}()
	return t, func() { t.end(nil); <-done }, nil
}

// renew renews the lease until the term ends, or is lost.
func (c *Catalog) renew(t *term, patience time.Duration) {
	for wait := leaseRenew; ; {
		pause(t.ctx, wait)
		if t.ctx.Err() != nil {
			return
		}
		began := time.Now()
		fence, err := c.lease(t.ctx, leaseTTL)
		switch {
		case t.ctx.Err() != nil:
			return
		case err == nil && fence == t.fence:
			t.extend(began)
			c.outage.works(toLease)
			wait = leaseRenew
		case err == nil:
			t.lose(errors.New("another process had it meanwhile"))
		case errors.Is(err, graph.ErrLeaseHeld), errors.Is(err, graph.ErrFenced), errors.Is(err, graph.ErrClosed), errors.Is(err, graph.ErrReadOnly):
			t.lose(err)
		default:
			c.outage.fails(toLease, err)
			t.mu.Lock()
			late := began.Sub(t.until)
			t.mu.Unlock()
			if patience > 0 && late > patience {
				t.lose(err)
			}
			wait = someOf(leaseRetry)
		}
	}
}

// lead does the work of the holder of the lease whenever this process is it, until ctx ends. Work returns when its term
// has ended.
func (c *Catalog) lead(ctx context.Context, work func(*term)) {
	other := ""
	for ctx.Err() == nil {
		t, release, err := c.hold(ctx, 0)
		var held *graph.LeaseHeldError
		switch {
		case ctx.Err() != nil && err != nil:
			return
		case err == nil:
			c.outage.works(toLease)
			c.config.Log.Info().Str("holder", c.config.Holder).Msg("this replica scans from now on")
			c.metrics.takeovers.Inc()
			c.term.Store(t)
			t.whenLost(func(why error) {
				c.config.Log.Warn().Err(why).Msg("this replica scans no more; what it was scanning is scanned by who has the lease")
			})
			work(t)
			c.term.Store(nil)
			release()
			c.inbox.wake() // what was heard here is scanned by another one now
			other = ""
		case errors.As(err, &held):
			c.outage.works(toLease)
			if held.Holder != other {
				other = held.Holder
				c.config.Log.Info().Str("holder", other).Msg("another replica scans")
			}
		default:
			c.outage.fails(toLease, err)
		}
		pause(ctx, someOf(leaseRetry))
	}
}

// Leads says whether this process may scan now: it holds the lease, or nobody else can.
func (c *Catalog) Leads() bool { return !c.config.ReadOnly && (!c.replicated() || c.leads() != nil) }

// leads is the term of this process; nil = another one scans, or none.
func (c *Catalog) leads() *term {
	if t := c.term.Load(); t != nil && t.ctx.Err() == nil {
		return t
	}
	return nil
}

// borrow is the term of this process or, where it has none, one for the caller alone, who must release it.
func (c *Catalog) borrow(ctx context.Context) (t *term, release func(), err error) {
	if t := c.leads(); t != nil {
		return t, func() {}, nil
	}
	for began := time.Now(); ; {
		t, release, err = c.hold(ctx, borrowPatience)
		if !errors.Is(err, graph.ErrUnavailable) || time.Since(began) > borrowWait || ctx.Err() != nil {
			return t, release, err
		}
		pause(ctx, someOf(leaseRetry))
	}
}

// awaitNewest waits until all that the store held at the beginning is in the state, so that what is due is not judged by
// what was known before the last holder's last scans. It returns whether that came about before ctx ended.
func (c *Catalog) awaitNewest(ctx context.Context) bool {
	for ctx.Err() == nil {
		newest, err := c.revisionAt(ctx, graph.AsOf{})
		if err == nil {
			return c.awaitRevision(ctx, newest)
		}
		if ctx.Err() == nil {
			c.cannotRead(err)
			pause(ctx, someOf(followPause))
		}
	}
	return false
}

// awaitRevision waits until the Snapshot is of a revision or a later one. It returns whether that came about before ctx
// ended.
func (c *Catalog) awaitRevision(ctx context.Context, revision graph.Revision) bool {
	for {
		changed := c.Changed()
		c.mu.RLock()
		now := c.state.revision
		c.mu.RUnlock()
		if now >= revision {
			return ctx.Err() == nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

// someOf is a random part of a time, at least half of it, so that many do not come at once.
func someOf(d time.Duration) time.Duration { return d/2 + rand.N(d/2+1) }
