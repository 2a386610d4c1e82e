package ingest

import (
	"sync"
	"time"

	"github.com/orrery-catalog/orrery/graph"
)

// freshness keeps until when the Snapshot is known to be all that the store held.
type freshness struct {
	mu  sync.Mutex
	now graph.Freshness // guarded by mu
}

// confirm notes that everything the store held at a moment is in the Snapshot.
func (f *freshness) confirm(at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if at.Before(f.now.Confirmed) { // a confirmation that took long, or a clock that was set back
		at = f.now.Confirmed
	}
	f.now = graph.Freshness{Confirmed: at}
}

// fail notes that an attempt to confirm failed.
func (f *freshness) fail(at time.Time, err error) {
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
// It asks nobody and answers at once. While Run runs, it is brought up to date every second or two. A Catalog without a
// store is always fresh.
func (c *Catalog) Freshness() graph.Freshness {
	if c.config.Store == nil {
		return graph.Freshness{Confirmed: c.config.Now()}
	}
	return c.freshness.get()
}
