package graphtest

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// pastHistory is a history that remembers what the store held at every revision.
type pastHistory struct {
	*history
	states []*storeState // at revision 0, 1 ...
}

// remember keeps the states of the revisions that were made since it was called last.
func (p *pastHistory) remember(t testing.TB) {
	t.Helper()
	if len(p.states) == 0 {
		p.states = append(p.states, newStoreState())
	}
	for _, commit := range p.commits[len(p.states)-1:] {
		next := p.states[len(p.states)-1].clone()
		next.apply(t, commit)
		p.states = append(p.states, next)
	}
}

// requirePast asks for every revision, and for times at and between those of the changes.
func (p *pastHistory) requirePast(t testing.TB, store graph.Store) {
	t.Helper()
	p.remember(t)
	for revision := 1; revision < len(p.states); revision++ {
		p.states[revision].requireEqual(t, loadAt(t, store, graph.AsOf{Revision: graph.Revision(revision)}, func() {}), "by revision")
	}
	for _, commit := range p.commits {
		for _, offset := range []time.Duration{-time.Hour, -time.Microsecond, -1, 0, 1, time.Microsecond, time.Hour} {
			p.requireAt(t, store, commit.Time.Add(offset))
		}
	}
}

// requireAt looks for the newest revision whose time is not later.
func (p *pastHistory) requireAt(t testing.TB, store graph.Store, at time.Time) {
	t.Helper()
	want := 0
	for _, commit := range p.commits {
		if !commit.Time.After(at) {
			want = int(commit.Revision)
		}
	}
	if want == 0 {
		requireNoPast(t, store, graph.AsOf{Time: at})
		return
	}
	p.states[want].requireEqual(t, loadAt(t, store, graph.AsOf{Time: at}, func() {}), "by time")
}

func requireNoPast(t testing.TB, store graph.Store, at graph.AsOf) {
	t.Helper()
	revision, records := store.Load(t.Context(), at)
	if err := lastError(records); !errors.Is(err, graph.ErrNoRevision) || revision != 0 {
		t.Fatalf("load at %+v: revision %d, %v, want ErrNoRevision", at, revision, err)
	}
}

func testPast(t *testing.T, engine Engine) {
	p, random := &pastHistory{history: newHistory(t, engine)}, rand.New(rand.NewPCG(9, 10))
	requireNoPast(t, p.store, graph.AsOf{Revision: 1})
	requireNoPast(t, p.store, graph.AsOf{Time: timeOf(1)})
	for range 12 {
		p.apply(t, randomChange(random))
	}
	p.apply(t, graph.Change{})
	p.apply(t, graph.Change{Remove: []catalog.DocumentID{storedID(1), storedID(2), storedID(3)}})
	p.apply(t, graph.Change{Put: storedDocuments(0, 3, 7)}) // back again
	p.requirePast(t, p.store)
	for _, ahead := range []graph.Revision{p.state.revision + 1, 1 << 40, 1<<64 - 1} {
		requireNoPast(t, p.store, graph.AsOf{Revision: ahead})
	}
	p.state.requireEqual(t, loadAt(t, p.store, graph.AsOf{Time: timeOf(1 << 30)}, func() {}), "in the future")
	if err := lastError(second(p.store.Load(t.Context(), graph.AsOf{Revision: 1, Time: timeOf(1)}))); err == nil {
		t.Error("a load by revision and time at once gave no error")
	}
	p.store = engine.Reopen(t, p.store)
	p.requirePast(t, p.store)
	p.apply(t, randomChange(random))
	p.requirePast(t, engine.Join(t, p.store))
}

// testPastOfCrookedClocks makes changes whose times go back and stand still.
func testPastOfCrookedClocks(t *testing.T, engine Engine) {
	p, random := &pastHistory{history: newHistory(t, engine)}, rand.New(rand.NewPCG(11, 12))
	for range 15 {
		change := randomChange(random)
		change.Time = timeOf(graph.Revision(random.IntN(6)))
		p.apply(t, change)
	}
	p.requirePast(t, p.store)
}

// testPastWhileOthersWrite makes a change between any two records of a load of what was.
func testPastWhileOthersWrite(t *testing.T, engine Engine) {
	p, random := &pastHistory{history: newHistory(t, engine)}, rand.New(rand.NewPCG(13, 14))
	for range 6 {
		p.apply(t, randomChange(random))
	}
	p.remember(t)
	for revision := 1; revision <= 6; revision++ {
		n := 0
		got := loadAt(t, p.store, graph.AsOf{Revision: graph.Revision(revision)}, func() {
			if n++; n%5 == 1 {
				p.apply(t, p.disturbance())
			}
		})
		p.states[revision].requireEqual(t, got, "a load while others write")
	}
	p.requirePast(t, p.store)
	p.check(t)
}

func second[A, B any](_ A, b B) B { return b }
