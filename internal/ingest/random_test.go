package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/ingest"
	"github.com/orrery-catalog/orrery/scanners"
)

// village is a scanner of made-up files that change at random.
type village struct {
	*rand.Rand
	files map[string]*villageFile
	state int // of the last scan that it was given back
	fails bool
}

type villageFile struct {
	state     scanners.ScopeState
	documents []villageDocument
}

// villageDocument describes one of a few entities in one of a few ways.
type villageDocument struct{ entity, variant int }

const villagers = 40 // entities that the files of all villages describe

func villager(i int) catalog.Ref { return catalog.Ref(fmt.Sprintf("component:default/v%02d", i)) }

// document says the same each time it is made.
func (d villageDocument) document(location string, ordinal int) *catalog.Document {
	random := rand.New(rand.NewPCG(uint64(d.entity), uint64(d.variant)))
	document := document(location, ordinal, fmt.Sprintf("%s Title %d", villager(d.entity), d.variant))
	claim := &document.Claims[0]
	claim.Descriptor.Owner = catalog.Ref(fmt.Sprintf("group:default/g%d", random.IntN(3)))
	claim.Edges = append(claim.Edges, catalog.EdgeClaim{
		Target: catalog.Subject{Ref: claim.Descriptor.Owner}, Type: catalog.OwnedBy, Evidence: catalog.Declared,
	})
	for range random.IntN(4) {
		claim.Edges = append(claim.Edges, catalog.EdgeClaim{
			Target: catalog.Subject{Ref: villager(random.IntN(villagers))}, Type: catalog.DependsOn,
			Evidence: catalog.Declared, Strength: catalog.Strength(random.IntN(4)), Line: int32(random.IntN(9)),
		})
	}
	if random.IntN(3) == 0 {
		claim.Aliases = []catalog.AliasClaim{{Alias: catalog.Alias(fmt.Sprintf("otel:v%d", random.IntN(6)))}}
	}
	return document
}

func (v *village) names() []string {
	names := make([]string, 0, len(v.files))
	for name := range v.files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// change changes some files.
func (v *village) change() {
	switch v.IntN(12) {
	case 0:
		clear(v.files)
	case 1:
		for i := range villagers / 2 {
			v.files[fmt.Sprintf("all/%d", i)] = &villageFile{documents: []villageDocument{{i, 0}}}
		}
	case 2:
		for _, name := range v.names() {
			if strings.HasPrefix(name, "all/") {
				v.files["moved/"+name] = v.files[name]
				delete(v.files, name)
			}
		}
	}
	for range 1 + v.IntN(6) {
		name := fmt.Sprintf("%c/%d", 'a'+rune(v.IntN(3)), v.IntN(4))
		if v.IntN(4) == 0 {
			delete(v.files, name)
			continue
		}
		file := &villageFile{state: []scanners.ScopeState{scanners.Read, scanners.Read, scanners.Partly, scanners.Unreadable}[v.IntN(4)]}
		for range v.IntN(4) {
			file.documents = append(file.documents, villageDocument{v.IntN(villagers), v.IntN(3)})
		}
		v.files[name] = file
	}
}

func (v *village) Scan(ctx context.Context, _ []byte, sink scanners.Sink) ([]byte, error) {
	return v.ScanParts(ctx, nil, nil, sink)
}

func (v *village) ScanParts(ctx context.Context, _ []byte, parts []string, sink scanners.Sink) ([]byte, error) {
	for _, name := range v.names() {
		if parts != nil && !slices.ContainsFunc(parts, func(part string) bool {
			return part == name || strings.HasSuffix(part, "/") && strings.HasPrefix(name, part)
		}) {
			continue
		}
		if err := sink.Report(ctx, v.files[name].scope(name)); err != nil {
			return nil, err
		}
	}
	if v.fails {
		return nil, errors.New("the village is closed")
	}
	v.state++
	return []byte(fmt.Sprint(v.state)), nil
}

func (f *villageFile) scope(name string) scanners.Scope {
	scope := scanners.Scope{Name: name, State: f.state}
	if f.state != scanners.Read {
		scope.Error = "it is torn"
		scope.Documents = append(scope.Documents, document(name, 0, "!torn"))
	}
	if f.state != scanners.Unreadable {
		for i, d := range f.documents {
			scope.Documents = append(scope.Documents, d.document(name, i+1))
		}
	}
	return scope
}

// TestRandomScans holds that after any sequence of scans of all and of parts, approvals, failures and restarts the newest
// Snapshot is what merging all that is stored gives, and that what is counted is what there is.
func TestRandomScans(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			scanAtRandom(t, rand.New(rand.NewPCG(seed, 4)))
		})
	}
}

func scanAtRandom(t *testing.T, random *rand.Rand) {
	store := &spy{Store: openStore(t, storePath(t), false)}
	villages := make([]*village, 3)
	for i := range villages {
		villages[i] = &village{Rand: random, files: make(map[string]*villageFile)}
	}
	var sources []ingest.Source
	var c *ingest.Catalog
	now := clock()
	open := func(readOnly bool) *ingest.Catalog {
		opened, err := ingest.New(t.Context(), ingest.Config{Store: store, Sources: sources, Now: now, ReadOnly: readOnly})
		if err != nil {
			t.Fatal(err)
		}
		return opened
	}
	restart := func() {
		sources = nil
		for i, v := range villages {
			if random.IntN(8) > 0 { // or else it is taken out of the configuration
				sources = append(sources, ingest.Source{ID: fmt.Sprint("s", i), Kind: "files", Scanner: v, Priority: 10 + random.IntN(2)})
			}
		}
		c = open(false)
	}
	restart()
	held := 0
	for step := range 120 {
		what := ""
		switch pick := random.IntN(20); {
		case pick == 0:
			what = "restart"
			restart()
		case pick == 1:
			what = "approve"
			for _, source := range snapshotSources(c) {
				if source.Held != nil {
					if _, err := c.ApproveScan(t.Context(), source.ID, source.Held.Digest); err != nil {
						t.Fatal(err)
					}
				}
			}
		case pick == 2:
			what = "scan while the store is away"
			villages[random.IntN(3)].change()
			store.before = func(graph.Change) error { return graph.ErrUnavailable }
			_, _ = c.Scan(t.Context())
			store.before = nil
		case pick == 3:
			what = "scan while somebody else writes"
			villages[random.IntN(3)].change()
			store.before = interferes(t, store, villageDocument{random.IntN(villagers), 9})
			_, _ = c.Scan(t.Context())
			store.before = nil
		case pick == 4:
			what = "failing scan"
			v := villages[random.IntN(3)]
			v.change()
			v.fails = true
			_, _ = c.Scan(t.Context())
			v.fails = false
		case pick < 12 && len(sources) > 0:
			source := sources[random.IntN(len(sources))]
			v := source.Scanner.(*village)
			v.change()
			parts := []string{"a/", "b/1", "b/2", "nowhere", "moved/all/3", "all/", "c/2", "c/"}[random.IntN(4):][:1+random.IntN(4)]
			what = fmt.Sprint("scan of ", parts, " of ", source.ID)
			if result := c.ScanParts(t.Context(), source.ID, parts...); result.Err != nil {
				t.Fatal(result.Err)
			}
		default:
			what = "scan"
			villages[random.IntN(3)].change()
			if _, err := c.Scan(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if c.Snapshot() == nil {
			continue
		}
		for _, source := range c.Snapshot().Sources() {
			if source.Held != nil {
				held++
			}
		}
		scratch := graph.Build(graph.Input{Model: catalog.Merge(stored(t, store), catalog.MergeOptions{})})
		if diff := cmp.Diff(contentOf(scratch), contentOf(c.Snapshot())); diff != "" {
			t.Fatalf("step %d, %s (-merged from the store +published):\n%.3000s", step, what, diff)
		}
		if graph.Digest(scratch) != graph.Digest(c.Snapshot()) {
			t.Fatalf("step %d, %s: the digests differ", step, what)
		}
		reader := open(true).Snapshot()
		if diff := cmp.Diff(reader.Sources(), c.Snapshot().Sources()); diff != "" {
			t.Fatalf("step %d, %s: sources (-read from the store +published):\n%s", step, what, diff)
		}
		if reader.Revision() != c.Snapshot().Revision() || !reader.Time().Equal(c.Snapshot().Time()) {
			t.Fatalf("step %d, %s: revision %d of %v, stored is %d of %v", step, what,
				c.Snapshot().Revision(), c.Snapshot().Time(), reader.Revision(), reader.Time())
		}
	}
	if held == 0 {
		t.Error("nothing was ever held, so that little was tested")
	}
}

func snapshotSources(c *ingest.Catalog) []graph.Source {
	if c.Snapshot() == nil {
		return nil
	}
	return c.Snapshot().Sources()
}

// interferes writes a document of another source before the first change.
func interferes(t *testing.T, store *spy, d villageDocument) func(graph.Change) error {
	done := false
	return func(change graph.Change) error {
		if done {
			return nil
		}
		done = true
		theirs := d.document("elsewhere", 0)
		theirs.ID = catalog.DocumentID{Source: "other", Scope: "f", Key: string(theirs.Claims[0].Subject.Ref)}
		_, err := store.Store.Apply(t.Context(), graph.Change{Base: change.Base, Time: change.Time, Put: []*catalog.Document{theirs}})
		return err
	}
}

// stored yields all documents of a store.
func stored(t *testing.T, store graph.Store) func(func(*catalog.Document) bool) {
	return func(yield func(*catalog.Document) bool) {
		_, records := store.Load(t.Context(), graph.AsOf{})
		for record, err := range records {
			if err != nil {
				t.Error(err)
				return
			}
			if record.Document != nil && !yield(record.Document) {
				return
			}
		}
	}
}
