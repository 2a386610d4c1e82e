package ingest_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/graphtest"
)

// database is a store in memory that many use at once, each through a door of its own. It keeps everything; its states are
// made by going through all changes again.
type database struct {
	mu      sync.Mutex
	origin  graph.Revision // the one before the first of commits
	oldest  graph.Revision // the first whose state is kept
	commits []keptChange
	newest  keptChange       // the state at the newest revision
	history []graph.Recorded // in order
	forgot  graph.Revision   // revisions after it have all their history
	leases  map[string]granted
	changed chan struct{}
	traffic trafficRows
}

// keptChange is a change as it is kept: documents are packed, so that nobody shares memory.
type keptChange struct {
	time   time.Time
	put    map[catalog.DocumentID][]byte // nil = removed
	states map[stateID][]byte            // nil = removed
}

type stateID struct{ source, name string }

type granted struct {
	holder string // "" = nobody
	token  graph.FencingToken
	until  time.Time
}

func newDatabase() *database {
	return &database{leases: make(map[string]granted), changed: make(chan struct{})}
}

func (d *database) head() graph.Revision { return d.origin + graph.Revision(len(d.commits)) }

// content is the state at a revision.
func (d *database) content(at graph.Revision) keptChange {
	if at == d.head() && d.newest.put != nil {
		return d.newest
	}
	all := keptChange{put: make(map[catalog.DocumentID][]byte), states: make(map[stateID][]byte)}
	for _, commit := range d.commits[:at-d.origin] {
		maps.Copy(all.put, commit.put)
		maps.Copy(all.states, commit.states)
	}
	maps.DeleteFunc(all.put, func(_ catalog.DocumentID, packed []byte) bool { return packed == nil })
	maps.DeleteFunc(all.states, func(_ stateID, data []byte) bool { return data == nil })
	return all
}

func (s keptChange) lists() (put []*catalog.Document, remove []catalog.DocumentID, states []graph.State, err error) {
	for _, id := range slices.SortedFunc(maps.Keys(s.put), func(a, b catalog.DocumentID) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Scope, b.Scope), cmp.Compare(a.Key, b.Key))
	}) {
		if s.put[id] == nil {
			remove = append(remove, id)
			continue
		}
		document, err := graph.DecodeDocument(bytes.Clone(s.put[id]))
		if err != nil {
			return nil, nil, nil, err
		}
		document.ID = id
		put = append(put, document)
	}
	for _, id := range slices.SortedFunc(maps.Keys(s.states), func(a, b stateID) int {
		return cmp.Or(cmp.Compare(a.source, b.source), cmp.Compare(a.name, b.name))
	}) {
		states = append(states, graph.State{Source: id.source, Name: id.name, Data: bytes.Clone(s.states[id])})
	}
	return put, remove, states, nil
}

// door is how one process uses a database. Its switches make it misbehave.
type door struct {
	*database
	readOnly bool
	closed   chan struct{}
	close    func()

	faults sync.Mutex
	// fault is asked before each call, and again after an Apply that took place; nil = nothing is wrong. It may wait.
	fault  func(ctx context.Context, call string) error
	broken chan struct{} // closed when fault is set
	calls  map[string]int
}

// The calls that a fault is asked about.
const (
	callApply   = "Apply"
	callApplied = "Applied" // it took place, and the answer gets lost
	callLoad    = "Load"
	callLoaded  = "Loaded" // to its end; no fault is asked for
	callFollow  = "Follow"
	callReady   = "Ready"
	callLease   = "Lease"
	callHistory = "History"
)

func (d *database) door() *door {
	closed := make(chan struct{})
	return &door{
		database: d, closed: closed, close: sync.OnceFunc(func() { close(closed) }),
		broken: make(chan struct{}), calls: make(map[string]int),
	}
}

// breaks sets what is wrong; nil = nothing.
func (d *door) breaks(fault func(ctx context.Context, call string) error) {
	d.faults.Lock()
	defer d.faults.Unlock()
	d.fault = fault
	close(d.broken)
	d.broken = make(chan struct{})
}

// away is a fault: the database cannot be reached.
func away(context.Context, string) error { return fmt.Errorf("%w: no route", graph.ErrUnavailable) }

func (d *door) called(call string) int {
	d.faults.Lock()
	defer d.faults.Unlock()
	return d.calls[call]
}

func (d *door) usable(ctx context.Context, call string) error {
	d.faults.Lock()
	fault := d.fault
	d.calls[call]++
	d.faults.Unlock()
	if fault != nil {
		if err := fault(ctx, call); err != nil {
			return err
		}
	}
	select {
	case <-d.closed:
		return graph.ErrClosed
	default:
		return context.Cause(ctx)
	}
}

func (d *door) Apply(ctx context.Context, change graph.Change) (graph.Revision, error) {
	if err := d.usable(ctx, callApply); err != nil {
		return 0, err
	}
	revision, err := d.apply(change)
	if err == nil {
		if err := d.usable(context.WithoutCancel(ctx), callApplied); err != nil {
			return 0, err
		}
	}
	return revision, err
}

func (d *door) apply(change graph.Change) (graph.Revision, error) {
	if d.readOnly {
		return 0, graph.ErrReadOnly
	}
	if err := change.Check(); err != nil {
		return 0, err
	}
	now := keptChange{
		time: change.Time.UTC().Truncate(time.Microsecond),
		put:  make(map[catalog.DocumentID][]byte), states: make(map[stateID][]byte),
	}
	for _, document := range change.Put {
		packed, err := graph.EncodeDocument(document)
		if err != nil {
			return 0, err
		}
		now.put[document.ID] = bytes.Clone(packed)
	}
	for _, state := range change.States {
		now.states[stateID{state.Source, state.Name}] = bytes.Clone(state.Data)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if change.Lease != "" && (change.Fence == 0 || d.leases[change.Lease].token != change.Fence) {
		return 0, fmt.Errorf("%w: %d", graph.ErrFenced, change.Fence)
	}
	before := d.content(d.head())
	switch {
	case change.Origin && (change.Base < d.head() || len(before.put)+len(before.states) > 0):
		return 0, graph.ErrConflict
	case change.Origin:
		if d.head() == 0 {
			if d.forgot = change.Base; len(change.Recorded) == 0 {
				d.forgot++
			}
		}
		d.origin, d.oldest, d.commits = change.Base, change.Base+1, nil
	case change.Base != d.head():
		return 0, graph.ErrConflict
	}
	for _, id := range change.Remove {
		if before.put[id] != nil {
			now.put[id] = nil
		}
	}
	maps.DeleteFunc(now.states, func(id stateID, data []byte) bool { return data == nil && before.states[id] == nil })
	d.commits, d.newest = append(d.commits, now), before
	for id, packed := range now.put {
		if before.put[id] = packed; packed == nil {
			delete(before.put, id)
		}
	}
	for id, data := range now.states {
		if before.states[id] = data; data == nil {
			delete(before.states, id)
		}
	}
	for i, recorded := range change.Recorded {
		d.history = append(d.history, graph.Recorded{FieldChange: recorded, Revision: d.head(), Time: now.time, Position: i})
	}
	close(d.changed)
	d.changed = make(chan struct{})
	return d.head(), nil
}

func (d *door) Load(ctx context.Context, at graph.AsOf) (graph.Revision, iter.Seq2[graph.Record, error]) {
	failed := func(err error) (graph.Revision, iter.Seq2[graph.Record, error]) {
		return 0, func(yield func(graph.Record, error) bool) { yield(graph.Record{}, err) }
	}
	if err := d.usable(ctx, callLoad); err != nil {
		return failed(err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	revision := d.head()
	switch {
	case at.Revision > 0 && !at.Time.IsZero():
		return failed(errors.New("by its revision or by a time"))
	case at.Revision > revision:
		return failed(graph.ErrNoRevision)
	case at.Revision > 0:
		revision = at.Revision
	case !at.Time.IsZero():
		for revision > d.origin && d.commits[revision-d.origin-1].time.After(at.Time) {
			revision--
		}
		if revision == 0 {
			return failed(graph.ErrNoRevision)
		}
	}
	if revision < d.oldest {
		return failed(graph.ErrCompacted)
	}
	put, _, states, err := d.content(revision).lists()
	if err != nil {
		return failed(err)
	}
	done := false
	return revision, func(yield func(graph.Record, error) bool) {
		if done {
			yield(graph.Record{}, errors.New("a load can be run through only once"))
			return
		}
		done = true
		for i := range len(put) + len(states) {
			if err := d.usable(ctx, callLoad); err != nil {
				yield(graph.Record{}, err)
				return
			}
			var record graph.Record
			if i < len(put) {
				record.Document = put[i]
			} else {
				record.State = &states[i-len(put)]
			}
			if !yield(record, nil) {
				return
			}
		}
		if err := context.Cause(ctx); err != nil {
			yield(graph.Record{}, err)
		}
		d.faults.Lock()
		d.calls[callLoaded]++
		d.faults.Unlock()
	}
}

func (d *door) Follow(ctx context.Context, after graph.Revision) iter.Seq2[graph.Commit, error] {
	return func(yield func(graph.Commit, error) bool) {
		for ctx.Err() == nil {
			d.faults.Lock()
			broken := d.broken
			d.faults.Unlock()
			if err := d.usable(ctx, callFollow); err != nil {
				if ctx.Err() == nil {
					yield(graph.Commit{}, err)
				}
				return
			}
			d.mu.Lock()
			head, oldest, changed := d.head(), d.oldest, d.changed
			var next keptChange
			if after < head && after >= oldest {
				next = d.commits[after-d.origin]
			}
			d.mu.Unlock()
			switch {
			case after > head, after < oldest:
				yield(graph.Commit{}, graph.ErrCompacted)
				return
			case after == head:
				select {
				case <-changed:
				case <-broken:
				case <-d.closed:
				case <-ctx.Done():
				}
				continue
			}
			after++
			commit := graph.Commit{Revision: after, Time: next.time}
			var err error
			commit.Put, commit.Remove, commit.States, err = next.lists()
			if !yield(commit, err) || err != nil {
				return
			}
		}
	}
}

func (d *door) History(ctx context.Context, query graph.HistoryQuery) iter.Seq2[graph.Recorded, error] {
	return func(yield func(graph.Recorded, error) bool) {
		if err := d.usable(ctx, callHistory); err != nil {
			yield(graph.Recorded{}, err)
			return
		}
		d.mu.Lock()
		history, forgot := slices.Clone(d.history), d.forgot
		d.mu.Unlock()
		if query.After > 0 && query.After < forgot {
			yield(graph.Recorded{}, graph.ErrCompacted)
			return
		}
		slices.SortStableFunc(history, func(a, b graph.Recorded) int { return cmp.Compare(b.Revision, a.Revision) })
		n := 0
		for _, r := range history {
			if r.Revision <= query.After || query.Through > 0 && r.Revision > query.Through ||
				!query.Since.IsZero() && r.Time.Before(query.Since) || !query.Until.IsZero() && !r.Time.Before(query.Until) ||
				len(query.Refs) > 0 && !slices.Contains(query.Refs, r.Ref) || r.Revision == query.Through && r.Position < query.From {
				continue
			}
			if query.Limit > 0 && n == query.Limit {
				return
			}
			n++
			if err := d.usable(ctx, callHistory); err != nil {
				yield(graph.Recorded{}, err)
				return
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (d *door) Ready(ctx context.Context) error { return d.usable(ctx, callReady) }

func (d *door) Lease(ctx context.Context, name, holder string, ttl time.Duration) (graph.FencingToken, error) {
	if err := d.usable(ctx, callLease); err != nil {
		return 0, err
	}
	switch {
	case d.readOnly:
		return 0, graph.ErrReadOnly
	case ttl < 0:
		return 0, errors.New("less than no time")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.leases[name]
	if now.holder != "" && now.holder != holder && time.Now().Before(now.until) {
		return 0, &graph.LeaseHeldError{Name: name, Holder: now.holder, Until: now.until}
	}
	switch {
	case ttl == 0 && now.holder == holder:
		now.holder = ""
	case ttl > 0:
		if now.holder != holder {
			now.token++
		}
		now.holder, now.until = holder, time.Now().Add(ttl)
	}
	d.leases[name] = now
	return now.token, nil
}

func (d *door) Capabilities() graph.Capabilities {
	return graph.Capabilities{Engine: "memory", Version: "1", Place: "here", Replicated: true}
}

func (d *door) Close() error {
	d.close()
	return nil
}

// TestDatabase holds that the database of these tests behaves as a store does.
func TestDatabase(t *testing.T) {
	open := func(t testing.TB, d *database, readOnly bool) graph.Store {
		door := d.door()
		door.readOnly = readOnly
		t.Cleanup(door.close)
		return door
	}
	of := func(t testing.TB, store graph.Store) *door {
		door, ok := store.(*door)
		if !ok {
			t.Fatalf("a %T", store)
		}
		return door
	}
	graphtest.RunStore(t, graphtest.Engine{
		Open: func(t testing.TB) graph.Store { return open(t, newDatabase(), false) },
		Reopen: func(t testing.TB, store graph.Store) graph.Store {
			of(t, store).close()
			return open(t, of(t, store).database, false)
		},
		Join: func(t testing.TB, store graph.Store) graph.Store { return open(t, of(t, store).database, true) },
		Break: func(t testing.TB, store graph.Store) func() {
			of(t, store).breaks(away)
			return func() { of(t, store).breaks(nil) }
		},
		AgeTraffic: func(t testing.TB, store graph.Store, by time.Duration) { of(t, store).ageTraffic(by) },
	})
}
