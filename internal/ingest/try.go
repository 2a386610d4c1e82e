package ingest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/scanners"
)

// Trial is what the catalog would be if a source said something else, beside what it is.
type Trial struct {
	// Came and Mended are the problems that there would be, and those that would be no more, sorted by
	// [catalog.CompareProblems].
	Came, Mended []catalog.Problem
	Entities     []catalog.EntityChange // by Ref; each differs
	Edges        []catalog.EdgesChange  // by From; each differs
	// Before is a Snapshot of the catalog as it was when it was tried, After of what it would be, at the same revision: a
	// question may be asked of both.
	Before, After *graph.Snapshot
}

// ErrNotReady says that there is nothing yet that a Trial could begin with.
var ErrNotReady = errors.New("nothing has been scanned yet")

// TrialSizeError says that a Trial would keep commits waiting for too long.
type TrialSizeError struct {
	Documents int // that would come, change or go
	Max       int
}

func (e *TrialSizeError) Error() string {
	return fmt.Sprintf("%d documents would change, more than the %d that can be tried at once", e.Documents, e.Max)
}

// The codes of the problems that stand with what was read last and could not be read again, itself or what is around it.
const (
	CodeStale     = codeStale
	CodeUnreached = codeUnreached
)

// maxTried is how many documents a Trial may put or take away. Commits wait for it as they would for another commit of so
// many, without what its writing takes, and then for its way back.
const maxTried = 10_000

// Try tells what the catalog would be if a source said this of these scopes, and of what lies below those that end in "/".
// The scopes are settled by the rules of a scan of these parts, but for the brake: nothing that would go waits for a person,
// and what waits already goes on waiting. Nothing is written, and commits, readers and history know nothing of it. It takes
// time in the size of what would change, and commits wait for a part of that. Try owns the documents from here on. Errors:
// [graph.ErrUnknownSource], [ErrNotReady], a [*TrialSizeError], the cause of the end of ctx.
func (c *Catalog) Try(ctx context.Context, source string, scopes []scanners.Scope) (*Trial, error) {
	tried, err := c.source(source)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(scopes)) // not nil, which would be everything
	for i, scope := range scopes {
		names[i] = scope.Name
	}
	s := c.newScan(tried, names)
	s.tell = func(graph.ScanProgress) {} // nobody is to see a scan
	for _, scope := range scopes {
		if err := s.Report(ctx, scope); err != nil {
			return nil, err
		}
	}
	before, change, err := c.try(ctx, tried, s)
	if err != nil {
		return nil, err
	}
	return &Trial{
		Came: change.Problems, Mended: change.Mended, Entities: change.Entities, Edges: change.Edges,
		Before: before, After: before.Apply(change, before.Revision(), before.Time(), before.Sources()),
	}, nil
}

// try merges what a scan says, and takes that back. What it returns is the Snapshot of the state, and what would change.
func (c *Catalog) try(ctx context.Context, source Source, s *scan) (*graph.Snapshot, *catalog.ModelChange, error) {
	if err := c.lockCommits(ctx); err != nil {
		return nil, nil, err
	}
	defer c.unlockCommits()
	snapshot := c.Snapshot() // shows the state, as does the Merger, while committing is held
	if snapshot == nil || !c.loaded {
		return nil, nil, ErrNotReady
	}
	held := c.state.of(source.ID)
	work, err := s.suppose(source, held)
	if err != nil {
		return nil, nil, err
	}
	if n := work.differing(); n > maxTried {
		return nil, nil, &TrialSizeError{Documents: n, Max: maxTried}
	}
	done, err := c.prepare(step{source: source.ID, time: c.state.now(c.config.Now()), scopes: work.scopes})
	if err != nil {
		return nil, nil, err
	}
	before, err := done.before() // first, so that the way back is sure
	if err != nil {
		return nil, nil, err
	}
	change := c.merger.Apply(done.change.Remove, slices.Values(done.change.Put))
	c.merger.Apply(done.added, slices.Values(before))
	return snapshot, change, nil
}

// suppose is settle for a Trial.
func (s *scan) suppose(source Source, held *holding) (*settling, error) {
	w := &settling{
		source: source, held: held, seen: catalog.InstantOf(held.status.LastGood), scopes: make(map[string][]entry),
		missing: make(map[string][]missed), taken: make(map[string]bool),
	}
	take := func(name string, now statement) error {
		if now.state == scanners.Unchanged {
			return nil
		}
		err := w.take(name, now)
		w.keepWaiting(name)
		return err
	}
	for name, now := range s.scopes {
		if err := take(name, now); err != nil {
			return nil, err
		}
	}
	for name := range s.unreported(held) {
		if err := take(name, s.above(name)); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// keepWaiting keeps the documents of a scope that wait for a person's word on their removal, unless they are stated again.
func (w *settling) keepWaiting(scope string) {
	after, changes := w.scopes[scope]
	if !changes {
		return
	}
	before := w.held.scope(scope)
	for _, e := range before {
		if i, found := findKey(after, e.key); e.held() && !found {
			after = slices.Insert(slices.Clip(after), i, e)
		}
	}
	if w.scopes[scope] = after; equal(before, after) {
		delete(w.scopes, scope)
	}
}

// differing counts the documents that would come, change or go.
func (w *settling) differing() int {
	n := 0
	for scope, after := range w.scopes {
		before := w.held.scope(scope)
		n += len(before)
		for _, e := range after {
			if i, found := findKey(before, e.key); !found {
				n++
			} else if before[i].equal(e) {
				n--
			}
		}
	}
	return n
}
