package ingest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// ApproveScan removes what waits for a person's word, if it is still what the digest was shown for. Errors:
// [graph.ErrUnknownSource], [graph.ErrNothingHeld], [graph.ErrHeldMoved], [graph.ErrReadOnly], and those of the store.
func (c *Catalog) ApproveScan(ctx context.Context, id, digest string) (graph.ScanResult, error) {
	if c.config.ReadOnly {
		return graph.ScanResult{}, graph.ErrReadOnly
	}
	_, unknown := c.source(id)
	started := c.config.Now()
	approve := func(s *state) (step, error) {
		h := s.sources[id]
		removal := h.awaits()
		switch {
		case h == nil && unknown != nil:
			return step{}, unknown
		case removal == nil:
			return step{}, fmt.Errorf("source %s: %w", id, graph.ErrNothingHeld)
		case removal.Digest != digest:
			return step{}, fmt.Errorf("source %s: %w: it has the digest %s now", id, graph.ErrHeldMoved, removal.Digest)
		}
		next := step{source: id, time: s.now(c.config.Now()), scopes: make(map[string][]entry)}
		for held := range h.held {
			if _, done := next.scopes[held.scope]; !done {
				next.scopes[held.scope] = slices.DeleteFunc(slices.Clone(h.scope(held.scope)), entry.held)
			}
		}
		if unknown != nil && h.documents == len(h.held) {
			next.forget(h)
			return next, nil
		}
		now := h.status
		now.HeldSince, now.HeldOf, now.Retired = time.Time{}, 0, false
		now.Counted, now.CountedSince = 0, time.Time{}
		next.status = &now
		return next, nil
	}
	done, err := c.commit(ctx, nil, approve)
	if c.replicated() && (errors.Is(err, graph.ErrNothingHeld) || errors.Is(err, graph.ErrHeldMoved) || errors.Is(err, graph.ErrUnknownSource)) {
		// Who asks may have it from another process, which knows more.
		if err := c.refresh(ctx); err != nil {
			return graph.ScanResult{}, err
		}
		done, err = c.commit(ctx, nil, approve)
	}
	if err != nil {
		return graph.ScanResult{}, err
	}
	c.metrics.changed(id, done)
	return graph.ScanResult{
		Source: id, Revision: done.revision, Put: done.put, Removed: done.removed, Held: done.held,
		Duration: c.config.Now().Sub(started),
	}, nil
}

// forget makes a step remove all that is held of a source.
func (s *step) forget(h *holding) {
	h.scopes.Scan(func(scope string, _ []entry) bool {
		s.scopes[scope] = nil
		return true
	})
	s.states = append(s.states, graph.State{Source: s.source, Name: statusName})
	s.states = append(s.states, h.cursor.changes(s.source, nil)...)
	if !h.requested.none() {
		s.states = append(s.states, graph.State{Source: s.source, Name: requestedName})
	}
	if h.delivered != nil {
		s.states = append(s.states, graph.State{Source: s.source, Name: deliveredName})
	}
}

// retire lets the sources go that are no longer configured, by the rule for removals: one that said something about more
// than one entity is held as a whole. What cannot be done now is tried again with the next scan of all. t may be nil.
func (c *Catalog) retire(ctx context.Context, t *term) {
	c.mu.RLock()
	ids := slices.DeleteFunc(c.state.sourceIDs(), func(id string) bool { _, err := c.source(id); return err == nil })
	c.mu.RUnlock()
	for _, id := range ids {
		done, err := c.commitWaiting(ctx, t, func(s *state) (step, error) { return c.retired(s, id) })
		if err != nil && ctx.Err() == nil {
			c.config.Log.Warn().Err(err).Str("source", id).Msg("what is left of a source that is not configured stays as it is for now")
		}
		c.metrics.changed(id, done)
	}
}

func (c *Catalog) retired(s *state, id string) (step, error) {
	h := s.sources[id]
	if h == nil {
		return step{source: id}, errNothing
	}
	next := step{source: id, time: s.now(c.config.Now()), scopes: make(map[string][]entry)}
	if !tooMuch(h.entities, h.entities) {
		next.forget(h)
		return next, nil
	}
	if h.status.Retired && len(h.held) == h.documents {
		return step{source: id}, errNothing
	}
	seen := catalog.InstantOf(h.status.LastGood)
	var failed error
	h.scopes.Scan(func(scope string, entries []entry) bool {
		held := make([]entry, 0, len(entries))
		for _, e := range entries {
			if e.subject == "" {
				continue
			}
			e, err := e.asHeld(id, seen)
			if err != nil {
				failed = err
				return false
			}
			held = append(held, e)
		}
		next.scopes[scope] = held
		return true
	})
	if failed != nil {
		return step{}, failed
	}
	now := h.status
	now.Retired, now.HeldOf = true, h.entities
	if now.HeldSince.IsZero() {
		now.HeldSince = next.time
	}
	next.states = append(next.states, h.cursor.changes(id, nil)...) // so that the source, should it come back, is read whole
	next.status = &now
	return next, nil
}
