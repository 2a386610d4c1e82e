package ingest

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// Snapshots of past states are kept for who asks again, the newest use first: two, and no more than one where both together
// would have more entities and relations than this.
const (
	maxKeptPast     = 2
	maxKeptPastSize = 1_500_000
)

// past makes Snapshots of past states, one at a time, and remembers what changed where no store does.
type past struct {
	turn chan struct{} // held while one is made

	mu   sync.Mutex
	kept []*graph.Snapshot // guarded by mu

	memory memory
}

func newPast() *past { return &past{turn: make(chan struct{}, 1)} }

// find gives a kept Snapshot; nil where it is not there.
func (p *past) find(revision graph.Revision) *graph.Snapshot {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.IndexFunc(p.kept, func(s *graph.Snapshot) bool { return s.Revision() == revision })
	if i < 0 {
		return nil
	}
	found := p.kept[i]
	p.kept = slices.Insert(slices.Delete(p.kept, i, i+1), 0, found)
	return found
}

func (p *past) keep(s *graph.Snapshot) {
	p.mu.Lock()
	defer p.mu.Unlock()
	size := 0
	p.kept = slices.DeleteFunc(slices.Insert(p.kept, 0, s), func(old *graph.Snapshot) bool {
		size += sizeOf(old)
		return old != s && size > maxKeptPastSize
	})
	p.kept = p.kept[:min(len(p.kept), maxKeptPast)]
}

// forget drops what is kept: it is of another database.
func (p *past) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.kept = nil
}

func sizeOf(s *graph.Snapshot) int {
	size := s.Len()
	for range s.Edges() {
		size++
	}
	return size
}

// At is the Snapshot of a state that was; of the newest, it is the one that is. Errors: graph.ErrNoPast without a store,
// and those of graph.Store's Load. It takes as long as loading the store does, unless it was asked for just before.
func (c *Catalog) At(ctx context.Context, at graph.AsOf) (*graph.Snapshot, error) {
	newest := c.Snapshot()
	switch {
	case newest == nil:
		return nil, fmt.Errorf("%w: nothing has been scanned yet", graph.ErrNoRevision)
	case at == graph.AsOf{} || at.Revision == newest.Revision():
		return newest, nil
	case !at.Time.IsZero() && !at.Time.Before(newest.Time()):
		return newest, nil
	case c.config.Store == nil:
		return nil, graph.ErrNoPast
	}
	revision, err := c.revisionAt(ctx, at)
	if err != nil {
		return nil, err
	}
	if revision == newest.Revision() {
		return newest, nil
	}
	if found := c.past.find(revision); found != nil {
		return found, nil
	}
	select {
	case c.past.turn <- struct{}{}:
		defer func() { <-c.past.turn }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if found := c.past.find(revision); found != nil { // made by who had the turn before
		return found, nil
	}
	made, err := c.rebuild(ctx, revision)
	if err != nil {
		return nil, err
	}
	c.past.keep(made)
	return made, nil
}

// revisionAt asks the store, without loading anything.
func (c *Catalog) revisionAt(ctx context.Context, at graph.AsOf) (graph.Revision, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	revision, records := c.config.Store.Load(ctx, at)
	for _, err := range records {
		return revision, err
	}
	return revision, nil
}

// rebuild makes the Snapshot of a state that the store has.
func (c *Catalog) rebuild(ctx context.Context, revision graph.Revision) (*graph.Snapshot, error) {
	_, records := c.config.Store.Load(ctx, graph.AsOf{Revision: revision})
	was := newState()
	var failed error
	model := catalog.Merge(func(yield func(*catalog.Document) bool) {
		for record, err := range records {
			if err == nil && record.State != nil {
				was.setState(*record.State)
				continue
			}
			if err == nil {
				err = was.remember(record.Document)
			}
			if err != nil {
				failed = err
				return
			}
			if !yield(record.Document) {
				return
			}
		}
	}, c.config.Merge)
	if failed != nil {
		return nil, fmt.Errorf("load revision %d: %w", revision, failed)
	}
	return graph.Build(graph.Input{
		Revision: revision, Time: was.newest(), Model: model, Sources: was.describeSources(),
	}), nil
}

// remember counts a document as held, without keeping what it says.
func (s *state) remember(document *catalog.Document) error {
	e, err := newEntry(document)
	if err != nil {
		return err
	}
	e.said = nil
	s.put(document.ID, e)
	return nil
}

// describeSources describes the sources as they were known then, whatever is configured now.
func (s *state) describeSources() []graph.Source {
	ids := s.sourceIDs()
	described := make([]graph.Source, len(ids))
	for i, id := range ids {
		h := s.of(id)
		h.summarize()
		known := Source{ID: id, Kind: h.status.Kind, Environment: h.status.Given.Environment}
		described[i] = h.describe(id, known, !h.status.Retired)
	}
	return described
}

// History is that of the store; without one, the newest [MaxRemembered] records of this process.
func (c *Catalog) History(ctx context.Context, query graph.HistoryQuery) iter.Seq2[graph.Recorded, error] {
	if c.config.Store != nil {
		return c.config.Store.History(ctx, query)
	}
	return c.past.memory.history(query)
}
