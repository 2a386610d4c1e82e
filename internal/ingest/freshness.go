package ingest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/orrery-catalog/orrery/graph"
)

const (
	// probeEvery is how often Run asks the store whether it answers, and probeTime how long it may take to.
	probeEvery = 2 * time.Second
	probeTime  = 4 * time.Second
	// steadyStream is how long the store must have been followed without an error for that to count: a stream that breaks
	// off at once tells nothing.
	steadyStream = time.Second
)

// freshness keeps until when the Snapshot is known to be all that the store held.
type freshness struct {
	received atomic.Int64 // commits that have come, and are not in the Snapshot yet

	mu        sync.Mutex
	now       graph.Freshness // guarded by mu
	followed  bool            // guarded by mu; a stream of commits is open
	following time.Time       // guarded by mu; since when, as all times here by the monotonic clock
}

// follows notes that a stream of what others commit was opened.
func (f *freshness) follows(at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.followed, f.following = true, at
}

// stops notes that it has ended.
func (f *freshness) stops() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.followed = false
	f.received.Store(0)
}

// steady says whether the store was followed without an error for a while by the time, and all that came was taken.
func (f *freshness) steady(at time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.followed && at.Sub(f.following) >= steadyStream && f.received.Load() == 0
}

// confirm notes that everything the store held at a moment is in the Snapshot.
func (f *freshness) confirm(at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = graph.Freshness{Confirmed: at}
}

// fails notes that an attempt to confirm failed.
func (f *freshness) fails(at time.Time, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.now.Err == nil {
		f.now.Since = at
	}
	f.now.Err = err
}

func (f *freshness) get() graph.Freshness {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

// Freshness tells until when the Snapshot is known to be all that the store held, and since when it is not known, and why.
// It asks nobody and answers at once. While Run runs, it is brought up to date every few seconds. A Catalog without a store
// is always fresh.
func (c *Catalog) Freshness() graph.Freshness {
	if c.config.Store == nil {
		return graph.Freshness{Confirmed: time.Now()}
	}
	return c.freshness.get()
}

// cannotRead notes that the store could not be read.
func (c *Catalog) cannotRead(err error) {
	c.freshness.fails(time.Now(), err)
	c.outage.fails(toRead, err)
}

// probe asks the store time and again whether it answers, until ctx ends. Where others write too, an answer says something
// of the Snapshot only if the store is followed.
func (c *Catalog) probe(ctx context.Context, following bool) {
	for ctx.Err() == nil {
		began := time.Now()
		err := c.ready(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			c.cannotRead(err)
		case following && !c.freshness.steady(began):
		case following:
			if err = c.caughtUp(ctx); err != nil {
				if ctx.Err() == nil {
					c.freshness.fails(time.Now(), err)
				}
				break
			}
			c.confirmed(began)
		default:
			c.confirmed(began)
		}
		pause(ctx, probeEvery)
	}
}

func (c *Catalog) confirmed(at time.Time) {
	c.freshness.confirm(at)
	c.outage.works(toRead)
}

// errNotFollowed says that the store answers, but not with what others commit.
var errNotFollowed = errors.New("what other processes committed does not arrive")

// caughtUp waits until the state has everything that the store holds at the beginning: that a stream is open does not say
// that it moves. A state of another database is replaced.
func (c *Catalog) caughtUp(ctx context.Context) error {
	asking, cancel := context.WithTimeoutCause(ctx, probeTime, errNotFollowed)
	defer cancel()
	newest, err := c.revisionAt(asking, graph.AsOf{})
	if err != nil {
		return err
	}
	switch replaced, err := c.replaced(asking); {
	case err != nil:
		return err
	case replaced:
		return c.reload(ctx)
	case !c.awaitRevision(asking, newest):
		return context.Cause(asking)
	}
	return nil
}

func (c *Catalog) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, probeTime, errNoAnswer)
	defer cancel()
	return c.config.Store.Ready(ctx)
}
