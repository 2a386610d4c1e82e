// Package storecopy moves everything that one store holds to another one, whatever their engines.
//
// The copy tells the same as the source of every revision: its number, its time, its changes and the history that it made.
// It begins with the history of revisions whose states the source no longer keeps, goes on with the oldest state that it
// keeps, and then follows it, revision by revision. So memory holds one state and a few revisions at most, and a copy that
// was interrupted is what the source was at an earlier revision: it is continued from there, after a look whether it
// really is. The rows of traffic, which belong to no revision, come last, as they are then.
package storecopy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// Holder has [graph.LeaseScans] of a copy while it is not finished, also after the process has ended: nobody shall scan
// into half a catalog and take the rest for removed. Another copy takes it over.
const Holder = "an unfinished `orrery store copy`, which the same command again finishes"

// unfinishedFor is how long the lease is kept unless the copy is finished.
const unfinishedFor = 10 * 365 * 24 * time.Hour

// maxRounds bounds how often a copy goes on because the source was written meanwhile.
const maxRounds = 10

// Errors that callers explain.
var (
	// ErrNothing says that there is nothing in the source.
	ErrNothing = errors.New("nothing is in it yet")
	// ErrOccupied says that the copy's place holds something else than an earlier state of the source.
	ErrOccupied = errors.New("it holds something else")
)

// UnfinishedError says how far the copy came. It is continued by copying again.
type UnfinishedError struct {
	At, Through graph.Revision
	Err         error
}

func (e *UnfinishedError) Error() string {
	return fmt.Sprintf("unfinished at revision %d of %d: %v", e.At, e.Through, e.Err)
}

// Unwrap gives the reason.
func (e *UnfinishedError) Unwrap() error { return e.Err }

// Options of a copy.
type Options struct {
	// Merge is how the documents of both are merged when they are compared in the end.
	Merge catalog.MergeOptions
	// Progress is told now and then which revision the copy is at and which it goes to; nil = nobody wants to know.
	Progress func(at, through graph.Revision)
}

// Summary is what a copy has in the end.
type Summary struct {
	Revision          graph.Revision // the newest
	Revisions         int            // carried over this time, as far as anything is known of them; not those whose commit had no answer
	Documents, States int            // of the newest state
	Records           int            // of history
	Rows              int            // of traffic
	Digest            string         // of graph.Digest
	Behind            graph.Revision // how many newer ones the source has by now, because it is in use
}

// Copy brings to what from holds. The other must be empty or a copy of an earlier state. In the end both are compared, and
// a *DifferenceError says where they differ. While it copies, it has the lease [graph.LeaseScans] of the copy, so that no
// server scans into it; it keeps it if it does not come to its end.
func Copy(ctx context.Context, from, to graph.TrafficStore, options Options) (Summary, error) {
	c := &copier{from: from, to: to, options: options}
	newest, err := Newest(ctx, from)
	if err != nil {
		return Summary{}, fmt.Errorf("the source: %w", err)
	}
	if newest == 0 {
		return Summary{}, fmt.Errorf("the source: %w", ErrNothing)
	}
	if err := c.compareStart(ctx, newest); err != nil {
		return Summary{}, err
	}
	if c.fence, err = to.Lease(ctx, graph.LeaseScans, Holder, unfinishedFor); err != nil {
		return Summary{}, fmt.Errorf("the copy: %w", err)
	}
	summary, newest, err := c.persist(ctx, newest)
	if err != nil {
		return Summary{}, c.unfinished(newest, err)
	}
	summary.Behind = newest - c.at
	if _, err := to.Lease(ctx, graph.LeaseScans, Holder, 0); err != nil {
		return Summary{}, c.unfinished(newest, fmt.Errorf("give the lease back: %w", err))
	}
	return summary, nil
}

// copier is one copy on its way.
type copier struct {
	from, to graph.TrafficStore
	options  Options
	fence    graph.FencingToken

	at        graph.Revision // the newest of the copy
	followed  bool           // the state at that revision is the source's, so that its changes can follow
	revisions int            // carried over
	rows      int            // of traffic, that the copy has
}

func (c *copier) unfinished(through graph.Revision, err error) error {
	return &UnfinishedError{At: c.at, Through: max(through, c.at), Err: err}
}

// compareStart finds out where the copy goes on: what it holds must be what the source held at that revision.
func (c *copier) compareStart(ctx context.Context, newest graph.Revision) error {
	at, err := Newest(ctx, c.to)
	if err != nil {
		return fmt.Errorf("the copy: %w", err)
	}
	c.at, c.followed = at, false
	if at == 0 {
		has, err := hasTraffic(ctx, c.to)
		if err != nil {
			return fmt.Errorf("the copy: %w", err)
		}
		if has {
			return fmt.Errorf("%w: it has rows of traffic, and no revision", ErrOccupied)
		}
		return nil
	}
	if at > newest {
		return fmt.Errorf("%w: it is at revision %d, and the source at %d", ErrOccupied, at, newest)
	}
	copied, err := summarize(ctx, c.to, at, nil)
	if err != nil {
		return fmt.Errorf("the copy: %w", err)
	}
	original, err := summarize(ctx, c.from, at, nil)
	switch {
	case err == nil:
		c.followed = true
		err = compareStates(at, original, copied)
	case errors.Is(err, graph.ErrCompacted) && copied.documents+copied.states == 0:
		err = c.compareForgotten(ctx, at, newest) // it has only history yet
	case errors.Is(err, graph.ErrCompacted):
		err = fmt.Errorf("%w: it is at revision %d, and the source no longer keeps that state", ErrOccupied, at)
	}
	if err == nil {
		_, err = compareHistories(ctx, c.from, c.to, at)
	}
	if different := new(DifferenceError); errors.As(err, &different) {
		return fmt.Errorf("%w: %w", ErrOccupied, different)
	}
	return err
}

// compareForgotten requires that the source remembers what comes after the revision.
func (c *copier) compareForgotten(ctx context.Context, at, newest graph.Revision) error {
	since, err := forgotten(ctx, c.from, newest)
	if err == nil && since > at {
		err = fmt.Errorf("%w: it is at revision %d, and the source no longer tells what changed after it", ErrOccupied, at)
	}
	return err
}

// compareEnd compares what both hold in the end.
func (c *copier) compareEnd(ctx context.Context) (Summary, error) {
	original, err := summarize(ctx, c.from, c.at, &c.options.Merge)
	if err != nil {
		return Summary{}, fmt.Errorf("the source: %w", err)
	}
	copied, err := summarize(ctx, c.to, c.at, &c.options.Merge)
	if err != nil {
		return Summary{}, fmt.Errorf("the copy: %w", err)
	}
	if err := compareStates(c.at, original, copied); err != nil {
		return Summary{}, err
	}
	records, err := compareHistories(ctx, c.from, c.to, c.at)
	return Summary{
		Revision: c.at, Revisions: c.revisions, Documents: copied.documents, States: copied.states, Records: records, Rows: c.rows, Digest: copied.digest,
	}, err
}
