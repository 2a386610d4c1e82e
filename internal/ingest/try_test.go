package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/ingest"
	"github.com/orrery-catalog/orrery/scanners"
)

// TestTryAtRandom holds that what a Trial says is what a commit of the same gives, and that the catalog is afterwards as if
// nobody had tried anything.
func TestTryAtRandom(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			tryAtRandom(t, rand.New(rand.NewPCG(seed, 31)))
		})
	}
}

func tryAtRandom(t *testing.T, random *rand.Rand) {
	var elapsed atomic.Int64
	now := func() time.Time { return time.Date(2026, 3, 1, 12, 0, int(elapsed.Load()), 0, time.UTC) }
	villages := make([]*village, 3)
	var sources []ingest.Source
	for i := range villages {
		villages[i] = &village{Rand: random, files: make(map[string]*villageFile)}
		sources = append(sources, ingest.Source{ID: fmt.Sprint("s", i), Kind: "files", Scanner: villages[i], Priority: 10 + i%2, Ages: true})
	}
	open := func(store graph.Store, sources []ingest.Source) *ingest.Catalog {
		c, err := ingest.New(t.Context(), ingest.Config{Store: store, Sources: sources, Now: now})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	stores := []graph.Store{openStore(t, storePath(t), false), openStore(t, storePath(t), false)}
	tried, untried := open(stores[0], sources), open(stores[1], sources)
	for step := range 20 {
		elapsed.Add(1)
		villages[random.IntN(3)].change()
		parts := []string{"a/", "b/1", "b/2", "moved/all/3", "all/", "c/2", "c/"}[random.IntN(4):][:1+random.IntN(3)]
		source := sources[random.IntN(3)].ID
		for _, c := range []*ingest.Catalog{tried, untried} {
			if step%3 == 0 {
				scan(t, c)
			} else if result := c.ScanParts(t.Context(), source, parts...); result.Err != nil {
				t.Fatal(result.Err)
			}
		}
		what := fmt.Sprintf("step %d", step)
		equalCatalogs(t, what, untried, tried)
		if diff := cmp.Diff(documents(t, stores[1]), documents(t, stores[0])); diff != "" {
			t.Fatalf("%s: stored (-never tried +tried):\n%.3000s", what, diff)
		}

		i := random.IntN(3)
		said := village{Rand: random, files: make(map[string]*villageFile)}
		for range 1 + random.IntN(3) {
			said.change()
		}
		var scopes []scanners.Scope
		var names []string
		for _, name := range said.names() {
			if random.IntN(2) > 0 {
				scopes, names = append(scopes, said.files[name].scope(name)), append(names, name)
			} else {
				delete(said.files, name)
			}
		}
		for _, name := range []string{"a/", "a/1", "all/7"} {
			if random.IntN(4) == 0 && !slices.Contains(names, name) { // or something in its place that says nothing
				scopes, names = append(scopes, scanners.Scope{Name: name, State: scanners.Read}), append(names, name)
			}
		}
		trial, err := tried.Try(t.Context(), sources[i].ID, scopes)
		if err != nil {
			t.Fatal(err)
		}
		copied := openStore(t, storePath(t), false)
		copyStore(t, stores[0], copied)
		really := slices.Clone(sources)
		really[i].Scanner = &said
		c := open(copied, really)
		if len(names) > 0 {
			if result := c.ScanParts(t.Context(), sources[i].ID, names...); result.Err != nil {
				t.Fatal(result.Err)
			}
		}
		if diff := cmp.Diff(contentOf(c.Snapshot()), contentOf(trial.After)); diff != "" {
			t.Fatalf("%s, %s says %v (-really +tried):\n%.3000s", what, sources[i].ID, names, diff)
		}
		if graph.Digest(c.Snapshot()) != graph.Digest(trial.After) {
			t.Fatalf("%s: the digests differ", what)
		}
		consistent(t, what, trial)
		if tried.Snapshot() != trial.Before {
			t.Fatalf("%s: another Snapshot was published", what)
		}
	}
}

// consistent holds that the differences that a Trial tells are those between its Snapshots.
func consistent(t *testing.T, what string, trial *ingest.Trial) {
	t.Helper()
	count := make(map[catalog.Problem]int)
	for p := range trial.Before.Problems("") {
		count[*p]++
	}
	for _, p := range trial.Came {
		count[p]++
	}
	for _, p := range trial.Mended {
		count[p]--
	}
	for p := range trial.After.Problems("") {
		count[*p]--
	}
	for p, n := range count {
		if n != 0 {
			t.Errorf("%s: problem %v is %d times too often", what, p, n)
		}
	}
	changed := make(map[catalog.Ref]bool)
	for _, c := range trial.Entities {
		changed[c.Ref] = true
		if now, _ := trial.After.Entity(c.Ref); now != c.Entity {
			t.Errorf("%s: %s is not what the trial says", what, c.Ref)
		}
	}
	for entity := range trial.Before.Entities("") {
		if now, _ := trial.After.Entity(entity.Ref); now != entity && !changed[entity.Ref] {
			t.Errorf("%s: %s changed untold", what, entity.Ref)
		}
	}
}

func equalCatalogs(t *testing.T, what string, want, got *ingest.Catalog) {
	t.Helper()
	if diff := cmp.Diff(contentOf(want.Snapshot()), contentOf(got.Snapshot())); diff != "" {
		t.Fatalf("%s (-never tried +tried):\n%.3000s", what, diff)
	}
	if diff := cmp.Diff(want.Snapshot().Sources(), got.Snapshot().Sources()); diff != "" {
		t.Fatalf("%s: sources (-never tried +tried):\n%s", what, diff)
	}
	if graph.Digest(want.Snapshot()) != graph.Digest(got.Snapshot()) || want.Snapshot().Revision() != got.Snapshot().Revision() {
		t.Fatalf("%s: the digests or revisions differ", what)
	}
}

func documents(t *testing.T, store graph.Store) map[catalog.DocumentID]*catalog.Document {
	all := make(map[catalog.DocumentID]*catalog.Document)
	for document := range stored(t, store) {
		all[document.ID] = document
	}
	return all
}

// copyStore writes all that a store holds into an empty one.
func copyStore(t *testing.T, from, into graph.Store) {
	t.Helper()
	change := graph.Change{Time: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	_, records := from.Load(t.Context(), graph.AsOf{})
	for record, err := range records {
		switch {
		case err != nil:
			t.Fatal(err)
		case record.Document != nil:
			change.Put = append(change.Put, record.Document)
		case record.State != nil:
			change.States = append(change.States, *record.State)
		}
	}
	if _, err := into.Apply(t.Context(), change); err != nil {
		t.Fatal(err)
	}
}

// tries says scopes as a world does.
func tries(c *ingest.Catalog, source string, scopes ...scope) (*ingest.Trial, error) {
	var said []scanners.Scope
	for _, s := range scopes {
		report := scanners.Scope{Name: s.name, State: s.state}
		for i, what := range s.says {
			report.Documents = append(report.Documents, document(s.name, i, what))
		}
		said = append(said, report)
	}
	return c.Try(context.Background(), source, said)
}

func TestTry(t *testing.T) {
	w, other := &world{}, &world{}
	w.says(read("a", "component:default/a A", "component:default/b B"), read("dir/c", "component:default/c >component:default/a"))
	other.says(read("x", "component:default/x"))
	c := newCatalog(t, nil, ingest.Source{ID: "s", Scanner: w}, ingest.Source{ID: "o", Scanner: other})
	scan(t, c)
	for name, test := range map[string]struct {
		says []scope
		want []string
	}{
		"nothing":        {nil, []string{"component:default/a A", "component:default/b B", "component:default/c", "component:default/x"}},
		"unchanged":      {[]scope{unchanged("a")}, []string{"component:default/a A", "component:default/b B", "component:default/c", "component:default/x"}},
		"removed":        {[]scope{read("a", "component:default/b B")}, []string{"component:default/a placeholder", "component:default/b B", "component:default/c", "component:default/x"}},
		"everything":     {[]scope{gone("a"), gone("dir/c")}, []string{"component:default/x"}},
		"a folder":       {[]scope{read("dir/")}, []string{"component:default/a A", "component:default/b B", "component:default/x"}},
		"moved":          {[]scope{gone("a"), read("z", "component:default/a A", "component:default/b B")}, []string{"component:default/a A", "component:default/b B", "component:default/c", "component:default/x"}},
		"broken":         {[]scope{unreadable("a")}, []string{"component:default/a A stale", "component:default/b B stale", "component:default/c", "component:default/x"}},
		"another's word": {[]scope{read("w", "component:default/x X")}, []string{"component:default/a A", "component:default/b B", "component:default/c", "component:default/x X"}},
	} {
		t.Run(name, func(t *testing.T) {
			before := c.Snapshot()
			source := "s"
			trial, err := tries(c, source, test.says...)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, shown(trial.After)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if c.Snapshot() != before || trial.Before != before {
				t.Error("there is another Snapshot")
			}
		})
	}
	if _, err := tries(c, "nobody"); !errors.Is(err, graph.ErrUnknownSource) {
		t.Errorf("of an unknown source: %v", err)
	}
	if _, err := tries(c, "s", read("a"), read("a")); err == nil {
		t.Error("one scope was taken twice")
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := c.Try(ended, "s", []scanners.Scope{{Name: "a"}}); !errors.Is(err, context.Canceled) {
		t.Errorf("when its time is over: %v", err)
	}
}

func TestTryBeforeThereIsAnything(t *testing.T) {
	c := newCatalog(t, openStore(t, storePath(t), false), ingest.Source{ID: "s", Scanner: &world{}})
	if _, err := tries(c, "s", read("a", "component:default/a")); !errors.Is(err, ingest.ErrNotReady) {
		t.Error(err)
	}
}

// TestTryWhileRemovalsWait holds that what waits for a person's word goes on waiting in a Trial, and that what the Trial
// removes does not wait.
func TestTryWhileRemovalsWait(t *testing.T) {
	w := &world{}
	w.says(read("a", "component:default/a"), read("b", "component:default/b"))
	c := newCatalog(t, nil, ingest.Source{ID: "s", Scanner: w})
	scan(t, c)
	w.says()
	if held := scan(t, c).Sources[0].Held; held == nil || held.Entities != 2 {
		t.Fatalf("held: %v", held)
	}
	trial, err := tries(c, "s", read("b", "component:default/z"))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"component:default/a stale", "component:default/b stale", "component:default/z"}
	if diff := cmp.Diff(want, shown(trial.After)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if trial, err = tries(c, "s", read("b", "component:default/b")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"component:default/a stale", "component:default/b"}, shown(trial.After)); diff != "" {
		t.Errorf("stated again (-want +got):\n%s", diff)
	}
}

func TestTryTooMuch(t *testing.T) {
	w := &world{}
	w.says(read("a", "component:default/a"))
	c := newCatalog(t, nil, ingest.Source{ID: "s", Scanner: w})
	scan(t, c)
	var says []string
	for i := range 10_001 {
		says = append(says, fmt.Sprintf("component:default/c%d", i))
	}
	if _, err := tries(c, "s", read("b", says...)); err == nil {
		t.Error("more than is bearable was tried")
	} else if size := new(ingest.TrialSizeError); !errors.As(err, &size) || size.Documents != 10_001 {
		t.Error(err)
	}
	if _, err := tries(c, "s", read("b", says[1:]...)); err != nil {
		t.Error(err)
	}
}

// BenchmarkTry is how long commits wait for a Trial of so many documents.
func BenchmarkTry(b *testing.B) {
	for _, documents := range []int{1, 100, 10_000} {
		b.Run(fmt.Sprint(documents), func(b *testing.B) {
			w := &world{}
			var held, says []string
			for i := range 20_000 {
				held = append(held, fmt.Sprintf("component:default/c%d Title >component:default/c%d >component:default/c%d", i, i*7%20_000, i*13%20_000))
			}
			for i := range documents {
				says = append(says, fmt.Sprintf("component:default/c%d Other >component:default/c%d", i, i*3%20_000))
			}
			w.says(read("a", held...))
			c, err := ingest.New(b.Context(), ingest.Config{Sources: []ingest.Source{{ID: "s", Scanner: w}}})
			if err != nil {
				b.Fatal(err)
			}
			if _, err := c.Scan(b.Context()); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, err := tries(c, "s", read("b", says...)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
