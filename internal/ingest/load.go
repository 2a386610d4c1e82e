package ingest

import (
	"context"
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
	for _, h := range next.sources {
		h.summarize()
	}
	c.mu.Lock()
	c.state = next
	c.mu.Unlock()
	c.merger, c.loaded = merger, true
	c.freshness.confirm(began)
	if revision > 0 {
		c.show(c.follow(graph.Build(graph.Input{}), everything))
	}
	return nil
}

// ensureLoaded loads the store, unless that is done. The caller holds committing.
func (c *Catalog) ensureLoaded(ctx context.Context) error {
	if c.loaded {
		return nil
	}
	return c.load(ctx)
}
