package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/graphtest"
	"github.com/orrery-catalog/orrery/internal/ingest"
)

// twoFolders is a Catalog of two folders.
type twoFolders struct {
	*ingest.Catalog
	dirs  map[string]string
	store graph.Store
	kept  []*graph.Snapshot // one for each revision
}

func newTwoFolders(t *testing.T, store graph.Store) *twoFolders {
	t.Helper()
	f := &twoFolders{dirs: map[string]string{"one": t.TempDir(), "two": t.TempDir()}, store: store}
	f.open(t)
	return f
}

func (f *twoFolders) open(t *testing.T) {
	t.Helper()
	f.Catalog = newCatalog(t, f.store, filesSource(t, "one", f.dirs["one"]), filesSource(t, "two", f.dirs["two"]))
}

// randomStep puts a random catalog, maybe a broken one, into one of the folders and scans that.
func randomStep(t *testing.T, random *rand.Rand, all ...*twoFolders) {
	t.Helper()
	source := []string{"one", "two"}[random.IntN(2)]
	text := strings.Join(graphtest.RandomCatalog(random), "---\n")
	switch random.IntN(8) {
	case 0:
		text = "kind: [\n"
	case 1:
		text += "---\nkind: Component\n"
	}
	approved := random.IntN(2) == 0
	for _, f := range all {
		if err := os.WriteFile(filepath.Join(f.dirs[source], "catalog-info.yaml"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		scan(t, f.Catalog, source)
		f.kept = append(f.kept, f.Snapshot())
		if approved && approve(t, f.Catalog, source) {
			f.kept = append(f.kept, f.Snapshot())
		}
	}
}

// requirePast asks for every kept Snapshot again, by revision and by time.
func (f *twoFolders) requirePast(t *testing.T, c *ingest.Catalog) {
	t.Helper()
	for i, want := range f.kept {
		if i > 0 && want.Revision() == f.kept[i-1].Revision() {
			continue
		}
		for _, at := range []graph.AsOf{{Revision: want.Revision()}, {Time: want.Time()}} {
			got, err := c.At(t.Context(), at)
			if err != nil {
				t.Fatalf("at %+v: %v", at, err)
			}
			requireSame(t, want, got)
		}
	}
}

// requireSame compares all that two Snapshots say, and some of what they answer.
func requireSame(t *testing.T, want, got *graph.Snapshot) {
	t.Helper()
	if want.Revision() != got.Revision() || !want.Time().Equal(got.Time()) || graph.Digest(want) != graph.Digest(got) {
		t.Fatalf("revision %d of %v is not revision %d of %v", got.Revision(), got.Time(), want.Revision(), want.Time())
	}
	if diff := cmp.Diff(contentOf(want), contentOf(got)); diff != "" {
		t.Fatalf("revision %d (-want +got):\n%s", want.Revision(), diff)
	}
	sources := func(s *graph.Snapshot) []graph.Source {
		known := slices.Clone(s.Sources())
		return slices.DeleteFunc(known, func(source graph.Source) bool { return source.State == graph.SourcePending })
	}
	if diff := cmp.Diff(sources(want), sources(got)); diff != "" {
		t.Fatalf("sources of revision %d (-want +got):\n%s", want.Revision(), diff)
	}
	for entity := range want.Entities("") {
		a, err := want.BlastRadius([]catalog.Ref{entity.Ref}, graph.BlastOptions{})
		if err != nil {
			t.Fatal(err)
		}
		b, err := got.BlastRadius([]catalog.Ref{entity.Ref}, graph.BlastOptions{})
		if err != nil || !maps.Equal(a.Totals(), b.Totals()) {
			t.Fatalf("what breaks with %s at revision %d: %+v, %v, want %+v", entity.Ref, want.Revision(), b.Totals(), err, a.Totals())
		}
	}
}

// TestPast holds that the state as of any revision is the one that was shown at that revision, whatever was scanned since.
func TestPast(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 17))
			path := storePath(t)
			f := newTwoFolders(t, openStore(t, path, false))
			for range 12 {
				randomStep(t, random, f)
			}
			f.requirePast(t, f.Catalog)
			// The history tells each step.
			for i, now := range f.kept {
				var before *graph.Snapshot
				if i > 0 {
					before = f.kept[i-1]
				}
				if err := graphtest.CheckRecorded(orEmpty(before), now, recordsBetween(t, f.Catalog, before, now)); err != nil {
					t.Fatal(err)
				}
			}
			// A process that starts later knows the same, and goes on.
			if err := f.store.Close(); err != nil {
				t.Fatal(err)
			}
			f.store = openStore(t, path, false)
			f.open(t)
			f.requirePast(t, f.Catalog)
			randomStep(t, random, f)
			f.requirePast(t, f.Catalog)
			reader, err := ingest.New(t.Context(), ingest.Config{Store: openStore(t, path, true), ReadOnly: true})
			if err != nil {
				t.Fatal(err)
			}
			f.requirePastOfReader(t, reader)
		})
	}
}

// requirePastOfReader leaves out the newest, whose sources the reader shows as it is configured.
func (f *twoFolders) requirePastOfReader(t *testing.T, reader *ingest.Catalog) {
	t.Helper()
	newest := f.kept[len(f.kept)-1].Revision()
	past := &twoFolders{kept: slices.DeleteFunc(slices.Clone(f.kept), func(s *graph.Snapshot) bool { return s.Revision() == newest })}
	past.requirePast(t, reader)
}

// TestMemoryTellsWhatAStoreTells asks random questions of a history without a store and of one with it.
func TestMemoryTellsWhatAStoreTells(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 18))
	stored, remembered := newTwoFolders(t, openStore(t, storePath(t), false)), newTwoFolders(t, nil)
	var refs []catalog.Ref
	for range 15 {
		randomStep(t, random, stored, remembered)
		for entity := range stored.Snapshot().Entities("") {
			refs = append(refs, entity.Ref)
		}
	}
	newest := stored.Snapshot()
	answer := func(c *twoFolders, query graph.HistoryQuery) (all []graph.Recorded) {
		for recorded, err := range c.History(t.Context(), query) {
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, recorded)
		}
		return all
	}
	n := 0
	for range 300 {
		query := graph.HistoryQuery{Limit: random.IntN(30), After: graph.Revision(random.IntN(4))}
		if random.IntN(2) == 0 {
			query.Through, query.From = graph.Revision(random.IntN(int(newest.Revision())+2)), random.IntN(8)
		}
		if random.IntN(2) == 0 {
			query.Since = newest.Time().Add(-time.Duration(random.IntN(60)) * time.Second)
		}
		if random.IntN(2) == 0 {
			query.Until = newest.Time().Add(-time.Duration(random.IntN(30)) * time.Second)
		}
		for range random.IntN(3) {
			query.Refs = append(query.Refs, refs[random.IntN(len(refs))])
		}
		want := answer(stored, query)
		n += len(want)
		if diff := cmp.Diff(want, answer(remembered, query)); diff != "" {
			t.Fatalf("history of %+v (-store +memory):\n%s", query, diff)
		}
	}
	if n < 300 {
		t.Errorf("only %d records were compared", n)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	w := &world{}
	c := newCatalog(t, nil, ingest.Source{ID: "w", Scanner: w})
	for version := range 4 {
		var scopes []scope
		for i := range ingest.MaxRemembered * 2 / 5 {
			scopes = append(scopes, read(fmt.Sprint("f", i), fmt.Sprintf("component:default/n%d-%d", version, i)))
		}
		scopes = append(scopes, read("g", refA))
		w.says(scopes...)
		scan(t, c)
		approve(t, c, "w")
	}
	n, oldest := 0, graph.Revision(0)
	for recorded, err := range c.History(t.Context(), graph.HistoryQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		n, oldest = n+1, recorded.Revision
	}
	if n > ingest.MaxRemembered || n < ingest.MaxRemembered/5 {
		t.Errorf("%d records are remembered", n)
	}
	for after, want := range map[graph.Revision]error{0: nil, 1: graph.ErrCompacted, oldest - 2: graph.ErrCompacted, oldest - 1: nil, oldest: nil} {
		var got error
		for _, got = range c.History(t.Context(), graph.HistoryQuery{After: after}) {
			break
		}
		if !errors.Is(got, want) {
			t.Errorf("after %d of a memory from %d on: %v, want %v", after, oldest, got, want)
		}
	}
}

func TestPastOfACatalogWithoutAStore(t *testing.T) {
	w := &world{}
	c := newCatalog(t, nil, ingest.Source{ID: "w", Scanner: w})
	if _, err := c.At(t.Context(), graph.AsOf{}); !errors.Is(err, graph.ErrNoRevision) {
		t.Errorf("before the first scan: %v, want ErrNoRevision", err)
	}
	w.says(read("f", refA))
	scan(t, c)
	w.says(read("f", refA), read("g", refB))
	scan(t, c)
	newest := c.Snapshot()
	for at, want := range map[graph.AsOf]error{
		{}:                                nil,
		{Revision: newest.Revision()}:     nil,
		{Time: newest.Time()}:             nil,
		{Time: newest.Time().Add(1e9)}:    nil,
		{Time: newest.Time().Add(-1e9)}:   graph.ErrNoPast,
		{Revision: newest.Revision() - 1}: graph.ErrNoPast,
	} {
		got, err := c.At(t.Context(), at)
		if !errors.Is(err, want) || want == nil && got != newest {
			t.Errorf("at %+v: %v, %v, want %v", at, got, err, want)
		}
	}
}

// countingStore counts the loads of which more than the revision was read.
type countingStore struct {
	graph.Store
	loads atomic.Int32
}

func (s *countingStore) Load(ctx context.Context, at graph.AsOf) (graph.Revision, iter.Seq2[graph.Record, error]) {
	revision, records := s.Store.Load(ctx, at)
	return revision, func(yield func(graph.Record, error) bool) {
		n := 0
		for record, err := range records {
			if n++; n == 2 {
				s.loads.Add(1)
			}
			if !yield(record, err) {
				return
			}
		}
	}
}

// TestPastIsMadeOnce has many ask for few past states at the same time.
func TestPastIsMadeOnce(t *testing.T) {
	counted := &countingStore{Store: openStore(t, storePath(t), false)}
	f := newTwoFolders(t, counted)
	random := rand.New(rand.NewPCG(5, 19))
	for range 6 {
		randomStep(t, random, f)
	}
	counted.loads.Store(0)
	ask := func(revision graph.Revision) *graph.Snapshot {
		s, err := f.At(t.Context(), graph.AsOf{Revision: revision})
		if err != nil {
			t.Error(err)
		}
		return s
	}
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() { ask(graph.Revision(1 + i%2)) })
	}
	all.Wait()
	if n := counted.loads.Load(); n != 2 {
		t.Errorf("two states were loaded %d times", n)
	}
	one, two := ask(1), ask(2)
	if ask(3); ask(2) != two || ask(1) == one {
		t.Error("the two that were used last are not the ones that are kept")
	}
	if n := counted.loads.Load(); n != 4 {
		t.Errorf("there were %d loads, want 4", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.At(ctx, graph.AsOf{Revision: 3}); !errors.Is(err, context.Canceled) && err != nil {
		t.Errorf("with an ended context: %v", err)
	}
	if _, err := f.At(t.Context(), graph.AsOf{Revision: 1 << 40}); !errors.Is(err, graph.ErrNoRevision) {
		t.Errorf("a revision that is not there yet: %v, want ErrNoRevision", err)
	}
	if _, err := f.At(t.Context(), graph.AsOf{Time: time.Unix(1, 0)}); !errors.Is(err, graph.ErrNoRevision) {
		t.Errorf("before the first revision: %v, want ErrNoRevision", err)
	}
}
