package ingest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// maxConflicts is how often a change is computed anew because somebody else has changed the store.
const maxConflicts = 5

// step is one change of the state, computed from it.
type step struct {
	source string
	time   time.Time
	scopes map[string][]entry // the new documents of each scope that changes; none = the scope is gone
	states []graph.State
}

// commit computes a step from the present state, writes it to the store, and only then makes it the state. Where the
// store has moved on, it is loaded and the step computed anew.
func (c *Catalog) commit(ctx context.Context, compute func(*state) (step, error)) (difference, error) {
	select {
	case c.committing <- struct{}{}:
		defer func() { <-c.committing }()
	case <-ctx.Done():
		return difference{}, context.Cause(ctx)
	}
	for conflicts := 0; ; conflicts++ {
		// Nobody else changes the state while committing is held.
		next, err := compute(c.state)
		if err != nil {
			return difference{}, err
		}
		change, counts, err := c.change(next)
		if err != nil {
			return difference{}, err
		}
		revision, err := c.apply(ctx, change)
		if err == nil {
			c.advance(revision, next, change)
			counts.revision = revision
			return counts, nil
		}
		if !errors.Is(err, graph.ErrConflict) || conflicts == maxConflicts {
			return difference{}, err
		}
		if err := c.load(ctx); err != nil {
			return difference{}, err
		}
	}
}

// difference counts what a step changes.
type difference struct {
	put, removed int
	revision     graph.Revision
}

// change is the difference between the state and what it shall be: only documents that are packed differently are put.
func (c *Catalog) change(next step) (graph.Change, difference, error) {
	change := graph.Change{
		Base: c.state.revision, Time: next.time, States: next.states,
	}
	for _, scope := range slices.Sorted(maps.Keys(next.scopes)) {
		put, removed := compare(c.state.held[next.source][scope], next.scopes[scope])
		for _, e := range put {
			document, err := e.document()
			if err != nil {
				return graph.Change{}, difference{}, fmt.Errorf("scope %s: %w", scope, err)
			}
			change.Put = append(change.Put, document)
		}
		for _, key := range removed {
			change.Remove = append(change.Remove, catalog.DocumentID{Source: next.source, Scope: scope, Key: key})
		}
	}
	return change, difference{put: len(change.Put), removed: len(change.Remove)}, nil
}

// compare walks two lists of entries, both sorted by key.
func compare(before, after []entry) (put []entry, removed []string) {
	for len(before) > 0 || len(after) > 0 {
		switch {
		case len(before) == 0 || len(after) > 0 && after[0].key < before[0].key:
			put, after = append(put, after[0]), after[1:]
		case len(after) == 0 || before[0].key < after[0].key:
			removed, before = append(removed, before[0].key), before[1:]
		default:
			if string(before[0].packed) != string(after[0].packed) {
				put = append(put, after[0])
			}
			before, after = before[1:], after[1:]
		}
	}
	return put, removed
}

func (c *Catalog) apply(ctx context.Context, change graph.Change) (graph.Revision, error) {
	if c.config.Store == nil {
		return change.Base + 1, nil
	}
	return c.config.Store.Apply(ctx, change)
}

// advance makes a committed step the state.
func (c *Catalog) advance(revision graph.Revision, next step, change graph.Change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for scope, entries := range next.scopes {
		c.state.set(next.source, scope, entries)
	}
	for _, state := range change.States {
		c.state.setState(state)
	}
	c.state.revision, c.state.time = revision, change.Time
	if len(change.Put)+len(change.Remove) > 0 {
		c.state.documents++
	}
}
