package ingest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// load reads the whole store, in place of what is held, and publishes it unless it is empty. Documents are merged while
// they stream by, so that their decoded form is never there twice. An error changes nothing. Only New and the holder of
// committing may call it.
func (c *Catalog) load(ctx context.Context) error {
	if c.config.Store == nil {
		c.loaded = true
		return nil
	}
	began := time.Now()
	revision, records := c.config.Store.Load(ctx, graph.AsOf{})
	next := newState()
	merger := catalog.NewMerger(c.config.Merge)
	var failed error
	everything := merger.Apply(nil, func(yield func(*catalog.Document) bool) {
		for record, err := range records {
			switch {
			case err != nil:
				failed = err
				return
			case record.State != nil:
				next.setState(*record.State)
			case record.Document != nil:
				e, err := newEntry(record.Document)
				if err != nil {
					failed = err
					return
				}
				next.put(record.Document.ID, e)
				if !yield(record.Document) {
					return
				}
			}
		}
	})
	if failed != nil {
		return fmt.Errorf("load the store: %w", failed)
	}
	next.revision, next.time = revision, next.newest()
	next.dated = c.hasDated(ctx, next)
	for _, h := range next.sources {
		h.summarize()
	}
	c.mu.Lock()
	c.state = next
	c.mu.Unlock()
	if t := c.term.Load(); c.loaded && t != nil { // what it scans now rests on what was held before
		t.lose(errOtherState)
	}
	c.past.forget()
	c.merger, c.loaded = merger, true
	c.loads++
	c.freshness.confirm(began)
	if revision > 0 || c.Snapshot() != nil { // a database that is empty now has nothing of what was shown
		c.show(c.follow(graph.Build(graph.Input{}), everything))
	}
	return nil
}

// errOtherState says that the store was loaded anew while a scan was under way. What a scanner says is unchanged since the
// scan before was perhaps never in the state that was loaded, so that all is scanned from there.
var errOtherState = errors.New("the store could not be followed and was loaded anew")

// hasDated says whether the store has the state's time, or an earlier one, at the state's revision. It has for all that a
// Catalog commits.
func (c *Catalog) hasDated(ctx context.Context, s *state) bool {
	if s.revision == 0 || s.time.IsZero() {
		return false
	}
	found, err := c.revisionAt(ctx, graph.AsOf{Time: s.time})
	return err == nil && found >= s.revision
}

// replaced says whether another database stands in the place of the one that the state is of: an older copy, say, that was
// written to. When that has as many revisions, following it does not tell.
func (c *Catalog) replaced(ctx context.Context) (bool, error) {
	c.mu.RLock()
	revision, at, dated := c.state.revision, c.state.time, c.state.dated
	c.mu.RUnlock()
	if !dated {
		return false, nil
	}
	found, err := c.revisionAt(ctx, graph.AsOf{Time: at})
	if errors.Is(err, graph.ErrCompacted) || errors.Is(err, graph.ErrNoRevision) {
		return true, nil
	}
	return err == nil && found < revision, err
}

// ensureLoaded loads the store, unless that is done. The caller holds committing.
func (c *Catalog) ensureLoaded(ctx context.Context) error {
	if c.loaded {
		return nil
	}
	return c.load(ctx)
}
