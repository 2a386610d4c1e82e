package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"
	"go.opentelemetry.io/otel/attribute"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/tracing"
)

// maxConflicts is how often a change is computed anew because somebody else has changed the store; each time, the pause
// before that is up to twice as long, at most longestConflict.
const (
	maxConflicts    = 50
	longestConflict = 250 * time.Millisecond
)

// step is one change of what one source holds, computed from the state.
type step struct {
	source string
	time   time.Time
	scopes map[string][]entry // the new documents of each scope that changes; none = the scope is gone
	status *status            // the new one of the source; nil = it stays
	answer *answer            // part of status, to be told what the step does; nil = nobody asked
	states []graph.State
}

// longestRetry is the longest pause between two attempts to commit what the store cannot take for now.
const longestRetry = 10 * time.Second

// errNothing is what the computing of a step returns that would change nothing worth a revision.
var errNothing = errors.New("there is nothing to commit")

// difference tells what a step changed.
type difference struct {
	put, removed int
	revision     graph.Revision
	held         *graph.HeldRemoval
}

// commit is the only way in which a writer changes the state. It computes a step from the present state, merges it, writes
// it to the store, and only then makes it the state and publishes it; on failure it takes the merging back. The Merger and
// the newest Snapshot thus always show the state. Where the store has moved on, what others committed is adopted and the
// step computed anew; so whether a commit took place whose answer got lost makes no difference to the next attempt. It is
// made under the term, if there is one, and ends that where the store says that the lease has passed to somebody else.
func (c *Catalog) commit(ctx context.Context, t *term, compute func(*state) (step, error)) (difference, error) {
	if err := c.lockCommits(ctx); err != nil {
		return difference{}, err
	}
	defer c.unlockCommits()
	if err := c.ensureLoaded(ctx); err != nil {
		return difference{}, err
	}
	loads := c.loads
	for conflicts := 0; ; conflicts++ {
		if t != nil && c.loads != loads {
			t.lose(errOtherState)
		}
		if t != nil && t.reason() != nil {
			return difference{}, t.reason()
		}
		// Nobody else changes the state while committing is held.
		next, err := compute(c.state)
		if errors.Is(err, errNothing) {
			return difference{revision: c.state.revision, held: c.state.sources[next.source].awaits()}, nil
		}
		if err != nil {
			return difference{}, err
		}
		work, err := c.prepare(next)
		if err != nil {
			return difference{}, err
		}
		change := c.merge(work.change.Remove, work.change.Put)
		work.change.Recorded = c.Snapshot().FieldChanges(change)
		if t != nil {
			work.change.Lease, work.change.Fence = graph.LeaseScans, t.fence
		}
		revision, err := c.apply(ctx, work.change)
		if err == nil {
			done := difference{put: len(work.change.Put), removed: len(work.change.Remove), revision: revision}
			c.advance(revision, next, work)
			work = nil // a first scan is large
			c.publish(change)
			c.called(next.states)
			done.held = c.state.sources[next.source].awaits()
			return done, nil
		}
		c.metrics.commitFailures.Inc()
		if undoErr := c.undo(work); undoErr != nil {
			return difference{}, errors.Join(err, undoErr)
		}
		if errors.Is(err, graph.ErrFenced) && t != nil {
			t.lose(err)
			return difference{}, t.reason()
		}
		if !errors.Is(err, graph.ErrConflict) {
			return difference{}, err
		}
		c.metrics.conflicts.Inc()
		if conflicts == maxConflicts {
			return difference{}, err
		}
		if conflicts > 0 {
			pause(ctx, rand.N(min(time.Millisecond<<min(conflicts, 10), longestConflict)))
		}
		if err := c.catchUp(ctx); err != nil {
			return difference{}, err
		}
	}
}

// commitWaiting commits, and under a term waits for it as long as the store is away or the lease in doubt: each attempt
// computes the step anew, from what the store holds by then.
func (c *Catalog) commitWaiting(ctx context.Context, t *term, compute func(*state) (step, error)) (difference, error) {
	if t == nil {
		return c.commit(ctx, nil, compute)
	}
	waits := backoff.NewExponentialBackOff()
	waits.MaxInterval = longestRetry
	for {
		if err := t.wait(ctx); err != nil {
			c.outage.ends(toWrite)
			return difference{}, err
		}
		done, err := c.commit(ctx, t, compute)
		switch {
		case ctx.Err() != nil:
			c.outage.ends(toWrite)
			return done, err
		case errors.Is(err, graph.ErrUnavailable):
			c.outage.fails(toWrite, err)
		case !errors.Is(err, graph.ErrConflict):
			c.outage.works(toWrite)
			return done, err
		}
		pause(ctx, waits.NextBackOff())
	}
}

// lockCommits takes committing. The error is the cause of the end of ctx.
func (c *Catalog) lockCommits(ctx context.Context) error {
	select {
	case c.committing <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (c *Catalog) unlockCommits() { <-c.committing }

// prepared is a step ready to be merged and written.
type prepared struct {
	change graph.Change
	scopes map[string][]entry // those of the step, with their stamps
	added  []catalog.DocumentID
	// replaced are the entries in whose place others stand, or none.
	replaced []replaced
}

type replaced struct {
	scope string
	entry entry
}

// prepare finds the difference between the state and what it shall be: only documents that are packed differently are put.
func (c *Catalog) prepare(next step) (*prepared, error) {
	work := &prepared{
		change: graph.Change{Base: c.state.revision, Time: next.time, States: slices.Clone(next.states)},
		scopes: make(map[string][]entry, len(next.scopes)),
	}
	newest, err := next.time.MarshalText()
	if err != nil {
		return nil, err
	}
	held := c.state.of(next.source)
	stamper := newStamper(held, catalog.InstantOf(next.time))
	for _, scope := range slices.Sorted(maps.Keys(next.scopes)) {
		if err := work.scope(next.source, scope, held.scope(scope), next.scopes[scope], stamper); err != nil {
			return nil, fmt.Errorf("scope %s: %w", scope, err)
		}
	}
	if next.answer != nil {
		next.answer.Revision, next.answer.Put, next.answer.Removed = c.state.revision+1, len(work.change.Put), len(work.change.Remove)
	}
	if next.status != nil {
		data, err := json.Marshal(next.status)
		if err != nil {
			return nil, err
		}
		work.change.States = append(work.change.States, graph.State{Source: next.source, Name: statusName, Data: data})
	}
	work.change.States = append(work.change.States, graph.State{Name: newestName, Data: newest})
	return work, nil
}

// scope walks the documents of one scope before and after, both sorted by key.
func (w *prepared) scope(source, scope string, before, after []entry, stamper *stamper) error {
	stamped := slices.Clone(after)
	i := 0
	for len(before) > 0 || i < len(after) {
		switch {
		case i == len(after) || len(before) > 0 && before[0].key < after[i].key:
			w.change.Remove = append(w.change.Remove, catalog.DocumentID{Source: source, Scope: scope, Key: before[0].key})
			w.replaced = append(w.replaced, replaced{scope, before[0]})
			before = before[1:]
			continue
		case len(before) == 0 || after[i].key < before[0].key:
			w.added = append(w.added, catalog.DocumentID{Source: source, Scope: scope, Key: after[i].key})
		case before[0].equal(after[i]):
			before, i = before[1:], i+1
			continue
		default:
			w.replaced = append(w.replaced, replaced{scope, before[0]})
			before = before[1:]
		}
		e, document, err := stamper.stamp(scope, after[i])
		if err != nil {
			return err
		}
		stamped[i] = e
		w.change.Put = append(w.change.Put, document)
		i++
	}
	w.scopes[scope] = stamped
	return nil
}

// merge merges a change of documents; nil where there is none.
func (c *Catalog) merge(remove []catalog.DocumentID, put []*catalog.Document) *catalog.ModelChange {
	if len(remove)+len(put) == 0 {
		return nil
	}
	defer c.metrics.mergeTime()()
	return c.merger.Apply(remove, slices.Values(put))
}

// before are the documents in whose place others stand, or none.
func (w *prepared) before() ([]*catalog.Document, error) {
	before := make([]*catalog.Document, len(w.replaced))
	for i, r := range w.replaced {
		var err error
		if before[i], err = r.entry.document(); err != nil {
			return nil, err
		}
	}
	return before, nil
}

// undo takes a merged step back.
func (c *Catalog) undo(work *prepared) error {
	before, err := work.before()
	if err != nil {
		return fmt.Errorf("take back what could not be written: %w", err)
	}
	c.merge(work.added, before)
	return nil
}

func (c *Catalog) apply(ctx context.Context, change graph.Change) (revision graph.Revision, err error) {
	if c.config.Store == nil {
		return change.Base + 1, nil
	}
	defer c.metrics.commitTime()()
	ctx, span := tracing.Begin(ctx, "commit", attribute.Int("orrery.documents.put", len(change.Put)),
		attribute.Int("orrery.documents.removed", len(change.Remove)))
	defer func() { span.End(err) }()
	return c.config.Store.Apply(ctx, change)
}

// advance makes a committed step the state.
func (c *Catalog) advance(revision graph.Revision, next step, work *prepared) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for scope, entries := range work.scopes {
		c.state.replace(next.source, scope, entries)
	}
	for _, state := range work.change.States {
		c.state.setState(state)
	}
	c.state.revision, c.state.time, c.state.dated = revision, work.change.Time, true
	if c.config.Store == nil {
		c.past.memory.add(revision, work.change.Time, work.change.Recorded)
	}
	if h := c.state.sources[next.source]; h != nil {
		h.summarize()
	}
}
