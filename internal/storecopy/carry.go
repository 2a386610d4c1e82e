package storecopy

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/orrery-catalog/orrery/graph"
)

// carry brings the copy to the newest revision of the source, which it gives.
func (c *copier) carry(ctx context.Context, newest graph.Revision) (graph.Revision, error) {
	if !c.followed && c.at == 0 {
		var err error
		if c.followed, err = isWhole(ctx, c.from, newest); err != nil {
			return newest, fmt.Errorf("the source: %w", err)
		}
	}
	if !c.followed {
		if err := c.begin(ctx, newest); err != nil {
			return newest, err
		}
	}
	for range maxRounds {
		if c.at < newest {
			if err := c.follow(ctx, newest); err != nil {
				return newest, err
			}
		}
		now, err := Newest(ctx, c.from)
		if err != nil {
			return newest, fmt.Errorf("the source: %w", err)
		}
		if now == newest {
			break
		}
		newest = now
	}
	return newest, nil
}

// isWhole says whether a store that is not empty has forgotten nothing.
func isWhole(ctx context.Context, store graph.Store, newest graph.Revision) (bool, error) {
	oldest, err := oldestState(ctx, store, newest)
	if err != nil || oldest > 1 {
		return false, err
	}
	since, err := forgotten(ctx, store, newest)
	if err != nil || since > 0 {
		return false, err
	}
	for _, err := range store.Follow(ctx, 0) {
		if errors.Is(err, graph.ErrCompacted) {
			return false, nil
		}
		return err == nil, err
	}
	return false, context.Cause(ctx)
}

// follow carries the changes over, through the revision.
func (c *copier) follow(ctx context.Context, through graph.Revision) error {
	after := c.at
	stream, stop := ahead(ctx, func(ctx context.Context) iter.Seq2[step, error] { return steps(ctx, c.from, after, through) })
	defer stop()
	return c.replay(ctx, stream, through)
}

func (c *copier) replay(ctx context.Context, stream iter.Seq2[step, error], through graph.Revision) error {
	for s, err := range stream {
		if err != nil {
			return fmt.Errorf("the source: %w", err)
		}
		if err := c.apply(ctx, graph.Change{
			Base: s.commit.Revision - 1, Time: s.commit.Time, Put: s.commit.Put, Remove: s.commit.Remove, States: s.commit.States,
			Recorded: s.recorded,
		}, through); err != nil {
			return err
		}
	}
	if c.at != through {
		return context.Cause(ctx) // the stream ended with it
	}
	return nil
}

// begin carries over the history of revisions whose states are gone, then the oldest state, and what follows it.
func (c *copier) begin(ctx context.Context, newest graph.Revision) error {
	known := c.at // the copy tells the history through it
	for {
		since, err := forgotten(ctx, c.from, newest)
		if err != nil {
			return fmt.Errorf("the source: %w", err)
		}
		if known > 0 && known < since {
			return fmt.Errorf("%w in the source, which has forgotten all up to %d by now: remove the copy and begin anew", graph.ErrCompacted, since)
		}
		oldest, err := oldestState(ctx, c.from, newest)
		if err != nil {
			return fmt.Errorf("the source: %w", err)
		}
		oldest = max(oldest, since)
		for t, err := range history(ctx, c.from, max(known, since), oldest-1) {
			if err != nil {
				return fmt.Errorf("the source: %w", err)
			}
			if err := c.origin(ctx, since, t, graph.Change{}, newest); err != nil {
				return err
			}
		}
		known = oldest - 1
		if forgot, err := c.base(ctx, since, oldest, newest); !forgot {
			return err
		}
		// The source forgot that state before it was read: the next one is the oldest.
	}
}

// base begins the copy with the oldest state of the source and goes on with what follows. It has forgotten the state where
// it is gone before anything of it was written.
func (c *copier) base(ctx context.Context, since, oldest, newest graph.Revision) (forgot bool, err error) {
	t := told{revision: oldest}
	if t.time, err = timeOf(ctx, c.from, oldest); err != nil {
		return false, fmt.Errorf("the source: %w", err)
	}
	if oldest > since {
		for one, err := range history(ctx, c.from, oldest-1, oldest) {
			if err != nil {
				return errors.Is(err, graph.ErrCompacted), fmt.Errorf("the source: %w", err)
			}
			t.recorded = one.recorded
		}
	}
	// The reader of what follows is on its way before the state is read, so that the source does not forget it meanwhile.
	stream, stop := ahead(ctx, func(ctx context.Context) iter.Seq2[step, error] { return steps(ctx, c.from, oldest, newest) })
	defer stop()
	var state graph.Change
	_, records := c.from.Load(ctx, graph.AsOf{Revision: oldest})
	for record, err := range records {
		switch {
		case err != nil:
			return errors.Is(err, graph.ErrCompacted), fmt.Errorf("the source: %w", err)
		case record.Document != nil:
			state.Put = append(state.Put, record.Document)
		default:
			state.States = append(state.States, *record.State)
		}
	}
	if err := c.origin(ctx, since, t, state, newest); err != nil {
		return false, err
	}
	return false, c.replay(ctx, stream, newest)
}

// origin makes the copy begin with the revision. An empty copy is first told since when it knows of history.
func (c *copier) origin(ctx context.Context, since graph.Revision, t told, state graph.Change, through graph.Revision) error {
	begins := max(since, 1)
	if c.at == 0 && begins < t.revision && (since+1 < t.revision || len(t.recorded) == 0) {
		if err := c.apply(ctx, graph.Change{Origin: true, Base: begins - 1, Time: t.time}, through); err != nil {
			return err
		}
	}
	state.Origin, state.Base, state.Time, state.Recorded = true, t.revision-1, t.time, t.recorded
	return c.apply(ctx, state, through)
}

// apply makes a change of the copy.
func (c *copier) apply(ctx context.Context, change graph.Change, through graph.Revision) error {
	change.Lease, change.Fence = graph.LeaseScans, c.fence
	revision, err := c.to.Apply(ctx, change)
	if err != nil {
		return fmt.Errorf("the copy: %w", err)
	}
	c.at = revision
	c.revisions++
	if c.options.Progress != nil {
		c.options.Progress(revision, through)
	}
	return nil
}
