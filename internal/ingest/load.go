package ingest

import (
	"context"
	"fmt"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// load reads the whole store, in place of what is held, and publishes it unless it is empty. Documents are merged while
// they stream by, so that their decoded form is never there twice. Only New and the holder of committing may call it.
func (c *Catalog) load(ctx context.Context) error {
	if c.config.Store == nil {
		return nil
	}
	revision, records := c.config.Store.Load(ctx, graph.AsOf{})
	next := newState()
	next.revision = revision
	c.mu.RLock()
	next.documents = c.state.documents + 1
	c.mu.RUnlock()
	result, err := c.merge(next.documents, func(yield func(*catalog.Document, error) bool) {
		for record, err := range records {
			switch {
			case err != nil:
				yield(nil, err)
				return
			case record.State != nil:
				next.setState(*record.State)
			case record.Document != nil:
				e, err := newEntry(record.Document)
				if err != nil {
					yield(nil, err)
					return
				}
				next.put(record.Document.ID, e)
				if !yield(record.Document, nil) {
					return
				}
			}
		}
	})
	if err != nil {
		return fmt.Errorf("load the store: %w", err)
	}
	next.time = next.newest()

	c.publishing.Lock()
	defer c.publishing.Unlock()
	c.merged = result
	c.mu.Lock()
	c.state = next
	sources := c.describeAll()
	c.mu.Unlock()
	if revision == 0 {
		return nil
	}
	for i := range sources {
		sources[i].Lost = result.lost[sources[i].ID]
	}
	c.show(graph.Build(graph.Input{Revision: revision, Time: next.time, Model: result.model, Sources: sources}))
	return nil
}
