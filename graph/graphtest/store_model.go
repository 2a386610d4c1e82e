package graphtest

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// storeState is what a store should hold at one revision, in the plainest way: two maps. Documents are packed, because
// packed ones are equal exactly when the documents are.
type storeState struct {
	revision  graph.Revision
	documents map[catalog.DocumentID]string
	states    map[stateID]string
}

type stateID struct{ source, name string }

func newStoreState() *storeState {
	return &storeState{documents: map[catalog.DocumentID]string{}, states: map[stateID]string{}}
}

func (s *storeState) clone() *storeState {
	return &storeState{s.revision, maps.Clone(s.documents), maps.Clone(s.states)}
}

// apply does what Change and Commit are said to do.
func (s *storeState) apply(t testing.TB, commit graph.Commit) {
	t.Helper()
	s.revision = commit.Revision
	for _, document := range commit.Put {
		s.documents[document.ID] = packed(t, document)
	}
	for _, id := range commit.Remove {
		delete(s.documents, id)
	}
	for _, state := range commit.States {
		if id := (stateID{state.Source, state.Name}); state.Data == nil {
			delete(s.states, id)
		} else {
			s.states[id] = string(state.Data)
		}
	}
}

func packed(t testing.TB, document *catalog.Document) string {
	t.Helper()
	data, err := graph.EncodeDocument(document)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func (s *storeState) requireEqual(t testing.TB, got *storeState, where string) {
	t.Helper()
	if got.revision != s.revision {
		t.Fatalf("%s: revision %d, want %d", where, got.revision, s.revision)
	}
	for id, want := range s.documents {
		if have, ok := got.documents[id]; !ok {
			t.Fatalf("%s: document %+v is missing at revision %d", where, id, s.revision)
		} else if have != want {
			t.Fatalf("%s: document %+v at revision %d (-want +got):\n%s", where, id, s.revision,
				cmp.Diff(unpacked(t, want), unpacked(t, have)))
		}
	}
	for id := range got.documents {
		if _, ok := s.documents[id]; !ok {
			t.Fatalf("%s: document %+v should not be there at revision %d", where, id, s.revision)
		}
	}
	if diff := cmp.Diff(s.states, got.states); diff != "" {
		t.Fatalf("%s: states at revision %d (-want +got):\n%s", where, s.revision, diff)
	}
}

func unpacked(t testing.TB, data string) *catalog.Document {
	t.Helper()
	document, err := graph.DecodeDocument([]byte(data))
	if err != nil {
		t.Fatal(err)
	}
	return document
}

// history is a store together with what it should hold: the state now and every change that was made.
type history struct {
	store    graph.Store
	state    *storeState
	commits  []graph.Commit   // with Revision 1, 2 ...
	recorded []graph.Recorded // in the order made
}

func newHistory(t testing.TB, engine Engine) *history {
	return &history{store: engine.Open(t), state: newStoreState()}
}

// apply makes the change on top of the newest revision, and requires that it works.
func (h *history) apply(t testing.TB, change graph.Change) {
	t.Helper()
	change.Base = h.state.revision
	if change.Time.IsZero() {
		change.Time = timeOf(change.Base + 1)
	}
	revision, err := h.store.Apply(t.Context(), change)
	if err != nil {
		t.Fatalf("apply on top of revision %d: %v", change.Base, err)
	}
	if revision != change.Base+1 {
		t.Fatalf("apply on top of revision %d made revision %d", change.Base, revision)
	}
	h.record(t, change)
}

func (h *history) record(t testing.TB, change graph.Change) {
	t.Helper()
	commit := graph.Commit{
		Revision: change.Base + 1, Time: change.Time.UTC().Truncate(time.Microsecond),
		Put: change.Put, Remove: change.Remove, States: change.States,
	}
	h.commits = append(h.commits, h.inOrder(commit))
	for i, field := range change.Recorded {
		h.recorded = append(h.recorded, graph.Recorded{FieldChange: field, Revision: commit.Revision, Time: commit.Time, Position: i})
	}
	h.state.apply(t, commit)
}

// inOrder is the commit as Follow gives it: sorted, without removals of what was absent.
func (h *history) inOrder(commit graph.Commit) graph.Commit {
	commit.Put = slices.SortedFunc(slices.Values(commit.Put), compareDocuments)
	commit.Remove = slices.DeleteFunc(slices.Clone(commit.Remove), func(id catalog.DocumentID) bool {
		_, was := h.state.documents[id]
		return !was
	})
	slices.SortFunc(commit.Remove, compareIDs)
	commit.States = slices.DeleteFunc(slices.Clone(commit.States), func(state graph.State) bool {
		_, was := h.state.states[stateID{state.Source, state.Name}]
		return state.Data == nil && !was
	})
	slices.SortFunc(commit.States, compareStates)
	return commit
}

// timeOf is a time for a revision, a second after that of the one before.
func timeOf(revision graph.Revision) time.Time {
	return time.Date(2024, 2, 29, 23, 59, 0, 0, time.UTC).Add(time.Duration(revision) * time.Second)
}

// check requires that the store holds what it should, by the way that a process takes which starts while another writes:
// in the middle of the load a change is made, the load must give the state before it, and Follow on top the state after.
func (h *history) check(t testing.TB) {
	t.Helper()
	h.checkThrough(t, h.store)
}

// checkThrough is check with another store that reads the same data.
func (h *history) checkThrough(t testing.TB, reader graph.Store) {
	t.Helper()
	before, half := h.state.clone(), (len(h.state.documents)+len(h.state.states))/2
	n := 0
	got := load(t, reader, func() {
		if n++; n == half+1 {
			h.apply(t, h.disturbance())
		}
	})
	before.requireEqual(t, got, "load")
	if before.revision == h.state.revision { // nothing was there to be loaded
		h.apply(t, h.disturbance())
	}
	for commit, err := range follow(t, reader, got.revision) {
		if err != nil {
			t.Fatalf("follow on top of a load: %v", err)
		}
		got.apply(t, commit)
		if got.revision == h.state.revision {
			break
		}
	}
	h.state.requireEqual(t, got, "load and follow")
}

// disturbance replaces, removes and puts documents and states all over the order in which a load gives them.
func (h *history) disturbance() graph.Change {
	var change graph.Change
	ids := slices.SortedFunc(maps.Keys(h.state.documents), compareIDs)
	for i, id := range ids {
		switch {
		case i != 0 && i != len(ids)/2 && i < len(ids)-2:
		case i == len(ids)-1 && id.Key != "~":
			change.Remove = append(change.Remove, id)
		default:
			change.Put = append(change.Put, &catalog.Document{ID: id, Location: "disturbed", Ordinal: int(h.state.revision)})
		}
	}
	for _, id := range []catalog.DocumentID{{}, {Source: "~", Scope: "~", Key: "~"}} {
		if _, is := h.state.documents[id]; !is {
			change.Put = append(change.Put, &catalog.Document{ID: id, Location: "disturbing"})
		}
	}
	change.States = []graph.State{{Source: "disturbance", Name: "n", Data: []byte{byte(h.state.revision)}}}
	return change
}

// load drains a load of the newest state.
func load(t testing.TB, store graph.Store, each func()) *storeState {
	t.Helper()
	return loadAt(t, store, graph.AsOf{}, each)
}

// loadAt drains a load into a state and requires its order. each is called after every record.
func loadAt(t testing.TB, store graph.Store, at graph.AsOf, each func()) *storeState {
	t.Helper()
	got := newStoreState()
	revision, records := store.Load(t.Context(), at)
	got.revision = revision
	var last *graph.Record
	for record, err := range records {
		if err != nil {
			t.Fatalf("load: %v", err)
		}
		if last != nil && compareRecords(*last, record) >= 0 {
			t.Fatalf("load is out of order: %+v came before %+v", *last, record)
		}
		last = &record
		switch {
		case record.Document != nil && record.State == nil:
			got.documents[record.Document.ID] = packed(t, record.Document)
		case record.State != nil && record.Document == nil:
			got.states[stateID{record.State.Source, record.State.Name}] = string(record.State.Data)
		default:
			t.Fatalf("load gave a record with %v and %v", record.Document, record.State)
		}
		each()
	}
	return got
}

// patience bounds every wait of the suite for something that must happen, so that a fault is a failure and no hang.
const patience = time.Minute

// follow is Follow with the suite's patience: a stream that gives nothing for too long ends with an error.
func follow(t testing.TB, store graph.Store, after graph.Revision) iter.Seq2[graph.Commit, error] {
	return func(yield func(graph.Commit, error) bool) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		timer := time.AfterFunc(patience, cancel)
		defer timer.Stop()
		for commit, err := range store.Follow(ctx, after) {
			if !yield(commit, err) {
				return
			}
			timer.Reset(patience)
		}
		yield(graph.Commit{}, errors.New("the stream ended by itself, or gave nothing for too long"))
	}
}

// requireCommits follows and requires exactly the commits made after the revision.
func (h *history) requireCommits(t testing.TB, store graph.Store, after graph.Revision) {
	t.Helper()
	want := slices.DeleteFunc(slices.Clone(h.commits), func(c graph.Commit) bool { return c.Revision <= after })
	if len(want) == 0 {
		return
	}
	for commit, err := range follow(t, store, after) {
		if err != nil {
			t.Fatalf("follow after %d: %v", after, err)
		}
		requireCommit(t, want[0], commit)
		if want = want[1:]; len(want) == 0 {
			return
		}
	}
}

// requireCommit compares a commit with what inOrder expects.
func requireCommit(t testing.TB, want, got graph.Commit) {
	t.Helper()
	if got.Revision != want.Revision || got.Time != want.Time {
		t.Fatalf("follow gave revision %d of %v, want %d of %v", got.Revision, got.Time, want.Revision, want.Time)
	}
	// cmp alone would take minutes for what is large and nearly always equal.
	if !slices.EqualFunc(want.Put, got.Put, func(a, b *catalog.Document) bool { return packed(t, a) == packed(t, b) }) ||
		!slices.Equal(want.Remove, got.Remove) || !slices.EqualFunc(want.States, got.States, equalStates) {
		t.Fatalf("commit %d (-want +got):\n%s", want.Revision, cmp.Diff(want, got, cmpopts.EquateEmpty()))
	}
}

func equalStates(a, b graph.State) bool {
	return a.Source == b.Source && a.Name == b.Name && bytes.Equal(a.Data, b.Data) && (a.Data == nil) == (b.Data == nil)
}

// requireHistory compares the whole recorded history.
func (h *history) requireHistory(t testing.TB, store graph.Store) {
	t.Helper()
	h.requireAnswer(t, store, graph.HistoryQuery{})
}

// requireAnswer compares the answer to one query.
func (h *history) requireAnswer(t testing.TB, store graph.Store, query graph.HistoryQuery) {
	t.Helper()
	if want, got := h.newestFirst(query), recordedOf(t, store, query); !slices.Equal(want, got) {
		query.Refs = query.Refs[:min(len(query.Refs), 10)]
		t.Fatalf("history of %+v (-want +got):\n%s", query, cmp.Diff(want, got, cmpopts.EquateEmpty()))
	}
}

// newestFirst answers a query by looking at everything.
func (h *history) newestFirst(query graph.HistoryQuery) []graph.Recorded {
	wanted := make(map[catalog.Ref]bool)
	for _, ref := range query.Refs {
		wanted[ref] = true
	}
	found := slices.DeleteFunc(slices.Clone(h.recorded), func(r graph.Recorded) bool {
		return r.Revision <= query.After || query.Through > 0 && (r.Revision > query.Through ||
			r.Revision == query.Through && r.Position < query.From) || r.Time.Before(query.Since) ||
			!query.Until.IsZero() && !r.Time.Before(query.Until) || len(wanted) > 0 && !wanted[r.Ref]
	})
	slices.SortStableFunc(found, compareRecorded)
	if query.Limit > 0 && len(found) > query.Limit {
		found = found[:query.Limit]
	}
	return found
}

func recordedOf(t testing.TB, store graph.Store, query graph.HistoryQuery) []graph.Recorded {
	t.Helper()
	var all []graph.Recorded
	for recorded, err := range store.History(t.Context(), query) {
		if err != nil {
			t.Fatalf("history: %v", err)
		}
		all = append(all, recorded)
	}
	return all
}
