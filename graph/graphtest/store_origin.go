package graphtest

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// begin makes a change that is an origin, and requires that it works.
func (h *history) begin(t testing.TB, change graph.Change) {
	t.Helper()
	change.Origin = true
	if change.Time.IsZero() {
		change.Time = timeOf(change.Base + 1)
	}
	revision, err := h.store.Apply(t.Context(), change)
	if err != nil || revision != change.Base+1 {
		t.Fatalf("an origin after %d on top of revision %d made revision %d, %v", change.Base, h.state.revision, revision, err)
	}
	h.record(t, change)
}

// refuse requires that a change is refused and that nothing changes.
func (h *history) refuse(t testing.TB, change graph.Change, want error) {
	t.Helper()
	change.Time = timeOf(1)
	if revision, err := h.store.Apply(t.Context(), change); !errors.Is(err, want) || revision != 0 {
		t.Fatalf("a change with base %d, origin %t on top of revision %d: revision %d, %v, want %v",
			change.Base, change.Origin, h.state.revision, revision, err, want)
	}
	h.state.requireEqual(t, load(t, h.store, func() {}), "after a change that was refused")
}

// requireOrigin requires that nothing before the revision, which is greater than 1, can be loaded or followed.
func requireOrigin(t testing.TB, store graph.Store, origin graph.Revision, earlier ...time.Time) {
	t.Helper()
	states := []graph.AsOf{{Revision: 1}, {Revision: origin / 2}, {Revision: origin - 1}}
	for _, at := range earlier {
		states = append(states, graph.AsOf{Time: at})
	}
	for _, at := range states {
		revision, records := store.Load(t.Context(), at)
		if err := lastError(records); !errors.Is(err, graph.ErrCompacted) || revision != 0 {
			t.Fatalf("load at %+v of a store that begins at %d: revision %d, %v, want ErrCompacted", at, origin, revision, err)
		}
	}
	for _, after := range []graph.Revision{0, origin / 2, origin - 1} {
		for _, err := range follow(t, store, after) {
			if !errors.Is(err, graph.ErrCompacted) {
				t.Fatalf("follow after %d of a store that begins at %d: %v, want ErrCompacted", after, origin, err)
			}
			break
		}
	}
}

// requireRemembered requires after which revisions the history is told, and that it is right there. Revision 0 asks for
// what there is and cannot be refused.
func (h *history) requireRemembered(t testing.TB, store graph.Store, forgotten graph.Revision) {
	t.Helper()
	for after := range h.state.revision + 2 {
		query := graph.HistoryQuery{After: after}
		if after == 0 || after >= forgotten {
			h.requireAnswer(t, store, query)
			continue
		}
		for _, err := range store.History(t.Context(), query) {
			if !errors.Is(err, graph.ErrCompacted) {
				t.Fatalf("the history after %d, kept after %d: %v, want ErrCompacted", after, forgotten, err)
			}
			break
		}
	}
}

// testOrigin begins a store in the middle of the numbers, and goes on from there as usual.
func testOrigin(t *testing.T, engine Engine) {
	h, random := newHistory(t, engine), rand.New(rand.NewPCG(15, 16))
	first := randomChange(random)
	first.Base, first.Put = 41, storedDocuments(0, 30, 1)
	first.Remove = []catalog.DocumentID{storedID(99)} // was never there
	first.States = []graph.State{{Source: "s", Name: "n", Data: []byte("data")}, {Source: "s", Name: "absent"}}
	h.begin(t, first)
	states := map[graph.Revision]*storeState{42: h.state.clone()}
	requireAll := func(store graph.Store) {
		t.Helper()
		h.state.requireEqual(t, load(t, store, func() {}), "the newest state")
		for revision, state := range states {
			state.requireEqual(t, loadAt(t, store, graph.AsOf{Revision: revision}, func() {}), "by revision")
			state.requireEqual(t, loadAt(t, store, graph.AsOf{Time: timeOf(revision)}, func() {}), "by time")
			h.requireCommits(t, store, revision)
		}
		requireOrigin(t, store, 42, timeOf(42).Add(-time.Microsecond), timeOf(0))
		requireNoPast(t, store, graph.AsOf{Revision: h.state.revision + 1})
		h.requireRemembered(t, store, 41)
	}
	requireAll(h.store)
	for range 5 {
		h.apply(t, randomChange(random))
		states[h.state.revision] = h.state.clone()
	}
	requireAll(h.store)
	requireAll(engine.Join(t, h.store))
	h.store = engine.Reopen(t, h.store)
	requireAll(h.store)
	h.check(t)
}

// testOriginOfOldHistory carries the history of revisions over whose states are gone, with gaps and crooked clocks, and
// then the oldest state.
func testOriginOfOldHistory(t *testing.T, engine Engine) {
	h, random := newHistory(t, engine), rand.New(rand.NewPCG(17, 18))
	for _, revision := range []graph.Revision{8, 9, 10, 15, 16, 40, 41} {
		h.begin(t, graph.Change{
			Base: revision - 1, Recorded: randomChange(random).Recorded, Time: timeOf(graph.Revision(random.IntN(50))),
		})
		requireOrigin(t, h.store, revision)
		h.requireRemembered(t, h.store, 7)
		h.state.requireEqual(t, load(t, h.store, func() {}), "no state")
	}
	h.begin(t, graph.Change{Base: 43, Put: storedDocuments(0, 20, 1), Recorded: randomChange(random).Recorded})
	h.store = engine.Reopen(t, h.store)
	base := h.state.clone()
	for range 3 {
		h.apply(t, randomChange(random))
	}
	for _, reader := range []graph.Store{h.store, engine.Join(t, h.store)} {
		requireOrigin(t, reader, 44, timeOf(44).Add(-1), timeOf(1))
		base.requireEqual(t, loadAt(t, reader, graph.AsOf{Revision: 44}, func() {}), "the origin")
		base.requireEqual(t, loadAt(t, reader, graph.AsOf{Time: timeOf(44)}, func() {}), "the time of the origin")
		h.requireCommits(t, reader, 44)
		h.requireRemembered(t, reader, 7)
		for range 100 {
			h.requireAnswer(t, reader, graph.HistoryQuery{
				Since: timeOf(graph.Revision(random.IntN(30))), Until: timeOf(graph.Revision(30 + random.IntN(30))),
				After: 7 + graph.Revision(random.IntN(50)), Through: graph.Revision(random.IntN(60)), From: random.IntN(8), Limit: random.IntN(20),
			})
		}
	}
	h.check(t)
}

// testOriginRefused holds where an origin is not allowed: behind what there is, and over what is held.
func testOriginRefused(t *testing.T, engine Engine) {
	h := newHistory(t, engine)
	origin := func(base graph.Revision) graph.Change {
		return graph.Change{Origin: true, Base: base, Put: storedDocuments(0, 3, 9)}
	}
	h.refuse(t, graph.Change{Origin: true, Base: 1<<63 - 1}, graph.ErrBadChange)
	h.refuse(t, graph.Change{Origin: true, Base: 1<<64 - 1}, graph.ErrBadChange)
	h.refuse(t, graph.Change{Base: 5, Put: storedDocuments(0, 3, 9)}, graph.ErrConflict) // without being an origin
	h.begin(t, graph.Change{Base: 5, Recorded: []graph.FieldChange{birth(1)}})
	for _, behind := range []graph.Revision{0, 4, 5} {
		h.refuse(t, origin(behind), graph.ErrConflict)
	}
	h.apply(t, graph.Change{States: []graph.State{{Source: "s", Name: "n", Data: []byte{}}}})
	for _, base := range []graph.Revision{6, 7, 100} {
		h.refuse(t, origin(base), graph.ErrConflict)
	}
	h.apply(t, graph.Change{States: []graph.State{{Source: "s", Name: "n"}}, Put: storedDocuments(0, 2, 1)})
	for _, base := range []graph.Revision{6, 8, 100} {
		h.refuse(t, origin(base), graph.ErrConflict)
	}
	token, err := h.store.Lease(t.Context(), graph.LeaseScans, "a", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	h.apply(t, graph.Change{Remove: []catalog.DocumentID{storedID(0), storedID(1)}})
	fenced := origin(20)
	fenced.Lease, fenced.Fence = graph.LeaseScans, token+1
	h.refuse(t, fenced, graph.ErrFenced)
	h.requireCommits(t, h.store, 6)
	// A store that was emptied is empty.
	h.begin(t, graph.Change{Base: 20, Put: storedDocuments(0, 3, 9), Lease: graph.LeaseScans, Fence: token})
	requireOrigin(t, h.store, 21, timeOf(20))
	h.requireRemembered(t, h.store, 5)
	h.apply(t, graph.Change{Put: storedDocuments(2, 5, 10)})
	h.requireCommits(t, h.store, 21)
	h.check(t)
}

// testOriginWithoutHistory begins a store with a revision of whose history nothing is known.
func testOriginWithoutHistory(t *testing.T, engine Engine) {
	h := newHistory(t, engine)
	h.begin(t, graph.Change{Base: 6, Put: storedDocuments(0, 3, 1)})
	h.requireRemembered(t, h.store, 7)
	h.apply(t, graph.Change{Put: storedDocuments(2, 5, 10)})
	h.apply(t, graph.Change{Recorded: []graph.FieldChange{birth(1)}})
	h.requireRemembered(t, h.store, 7)
	requireOrigin(t, h.store, 7, timeOf(6))
	h.requireCommits(t, h.store, 7)
	h.check(t)
}

// testOriginFromTheStart makes revision 1 an origin, which has nothing before it but the empty store.
func testOriginFromTheStart(t *testing.T, engine Engine) {
	h := newHistory(t, engine)
	h.begin(t, graph.Change{Put: storedDocuments(0, 3, 1), Recorded: []graph.FieldChange{birth(0), birth(1)}})
	for _, err := range follow(t, h.store, 0) {
		if !errors.Is(err, graph.ErrCompacted) {
			t.Errorf("follow from before the origin: %v, want ErrCompacted", err)
		}
		break
	}
	h.requireRemembered(t, h.store, 0)
	h.check(t)
	h.requireCommits(t, h.store, 1)
}

// testOriginUnderFollowers has an origin pass over who follows the empty store, and several compete to be it.
func testOriginUnderFollowers(t *testing.T, engine Engine) {
	h := newHistory(t, engine)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	readers := []graph.Store{h.store, engine.Join(t, h.store)}
	ends := make([]error, len(readers))
	var following sync.WaitGroup
	for i, reader := range readers {
		following.Go(func() {
			for commit, err := range reader.Follow(ctx, 0) {
				if ends[i] = err; err == nil {
					t.Errorf("a follower of the empty store was given revision %d", commit.Revision)
				}
				return
			}
		})
	}
	changes, errs := make([]graph.Change, 5), make([]error, 5)
	var all sync.WaitGroup
	for i := range changes {
		changes[i] = graph.Change{
			Origin: true, Base: 9, Time: timeOf(10), Put: storedDocuments(0, 500, i), Recorded: []graph.FieldChange{birth(i)},
		}
		all.Go(func() { _, errs[i] = h.store.Apply(t.Context(), changes[i]) })
	}
	all.Wait()
	following.Wait()
	winners := 0
	for i, err := range errs {
		if err == nil {
			winners++
			h.record(t, changes[i])
		} else if !errors.Is(err, graph.ErrConflict) {
			t.Errorf("%v, want ErrConflict", err)
		}
	}
	if winners != 1 {
		t.Fatalf("%d of %d are the origin", winners, len(errs))
	}
	for _, err := range ends {
		if !errors.Is(err, graph.ErrCompacted) {
			t.Errorf("a follower was passed over: %v, want ErrCompacted", err)
		}
	}
	h.requireRemembered(t, h.store, 9)
	h.check(t)
}
