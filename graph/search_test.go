package graph_test

import (
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/descriptor"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/graphtest"
	"github.com/orrery-catalog/orrery/graph/search"
	"github.com/orrery-catalog/orrery/internal/testenv"
)

// Names of real catalogs, misspelt at random (once from 4 characters, twice from 8), find their entity among the first
// three at least 95 times of 100.
func TestSearchForgivesTypos(t *testing.T) {
	const typos, wanted = 200, 0.95
	s := realCatalogs(t)
	var entities []*catalog.Entity
	for e := range s.Entities("") {
		if len(e.Name) >= 4 && !e.Placeholder {
			entities = append(entities, e)
		}
	}
	found, asked := 0, 0
	for seed := range uint64(5) {
		random := rand.New(rand.NewPCG(seed, typos))
		before := found
		for range typos {
			e := entities[random.IntN(len(entities))]
			typed := misspelt(random, e.Name)
			result := s.Search(search.Request{Query: search.Parse(typed), Limit: 3})
			asked++
			if slices.ContainsFunc(result.Hits, func(h search.Hit) bool { return h.Entity == e }) {
				found++
				continue
			}
			var instead []string
			for _, hit := range result.Hits {
				instead = append(instead, string(hit.Ref))
			}
			t.Logf("%s typed as %s: %s", e.Ref, typed, strings.Join(instead, ", "))
		}
		t.Logf("seed %d: %d of %d typos in %d names", seed, found-before, typos, len(entities))
	}
	if float64(found) < wanted*float64(asked) {
		t.Errorf("only %d of %d", found, asked)
	}
}

// misspelt makes one edit, or two in a name of 8 characters or more. No edit undoes the other.
func misspelt(random *rand.Rand, name string) string {
	edits := 1
	if len(name) >= 8 {
		edits = 2
	}
	for typed := name; ; typed = name {
		for range edits {
			typed = edited(random, typed)
		}
		if typed != name {
			return typed
		}
	}
}

func edited(random *rand.Rand, name string) string {
	letter := string(rune('a' + random.IntN(26)))
	at := random.IntN(len(name) - 1)
	switch random.IntN(4) {
	case 0:
		return name[:at] + letter + name[at:]
	case 1:
		return name[:at] + name[at+1:]
	case 2:
		return name[:at] + letter + name[at+1:]
	default:
		return name[:at] + name[at+1:at+2] + name[at:at+1] + name[at+2:]
	}
}

// realCatalogs is everything in the corpora as one catalog.
func realCatalogs(t *testing.T) *graph.Snapshot {
	t.Helper()
	root := filepath.Join(testenv.Corpora(t), "catalogs")
	var documents []*catalog.Document
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".yaml" && filepath.Ext(path) != ".yml" {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for i, parsed := range descriptor.Parse(data, descriptor.Options{Location: path}).Documents {
			if d := parsed.Document; d != nil {
				d.ID = catalog.DocumentID{Source: "corpora", Scope: path, Key: string(parsed.Ref)}
				d.Ordinal, d.Location, d.Priority = i, path, catalog.DefaultPriorityFiles
				documents = append(documents, d)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return graph.Build(graph.Input{Revision: 1, Model: catalog.Merge(slices.Values(documents), catalog.MergeOptions{})})
}

// The index follows the changes: each snapshot answers as one that was built at once, also while and after the index is
// built anew in the background, and after later snapshots were made.
func TestSearchFollowsChanges(t *testing.T) {
	type state struct {
		snapshot *graph.Snapshot
		built    *graph.Snapshot
	}
	random := rand.New(rand.NewPCG(7, 7))
	merger := catalog.NewMerger(catalog.MergeOptions{})
	snapshot := graph.Build(graph.Input{})
	documents := slices.Collect(graphtest.Company{Services: 120, Seed: 3}.Documents())
	present := map[catalog.DocumentID]bool{}
	var states []state
	changed := 0
	for step := range 100 {
		var remove []catalog.DocumentID
		var put []*catalog.Document
		for range 1 + random.IntN(40) {
			d := documents[random.IntN(len(documents))]
			if present[d.ID] && random.IntN(4) == 0 {
				remove = append(remove, d.ID)
				delete(present, d.ID)
				continue
			}
			if !slices.Contains(remove, d.ID) {
				put = append(put, renamed(random, d))
				present[d.ID] = true
			}
		}
		change := merger.Apply(remove, slices.Values(put))
		changed += len(change.Entities)
		snapshot = snapshot.Apply(change, graph.Revision(step+1), time.Time{}, nil)
		built := graph.Build(graph.Input{Revision: graph.Revision(step + 1), Model: merger.Model()})
		states = append(states, state{snapshot, built})
		if step%5 == 4 { // some snapshots are only searched later, some never
			continue
		}
		compareSearches(t, random, snapshot, built)
	}
	var searches sync.WaitGroup
	for seed := range uint64(4) {
		searches.Go(func() {
			random := rand.New(rand.NewPCG(seed, 8))
			for range 6 {
				s := states[random.IntN(len(states))]
				compareSearches(t, random, s.snapshot, s.built)
			}
		})
	}
	searches.Wait()
	if changed < 1500 {
		t.Errorf("only %d entities changed: too few for the index to be built anew", changed)
	}
}

// renamed is a document about the same entity, with other words, tags, tiers and dependencies.
func renamed(random *rand.Rand, d *catalog.Document) *catalog.Document {
	other := *d
	other.Claims = slices.Clone(d.Claims)
	claim := &other.Claims[0]
	descriptor := *claim.Descriptor
	descriptor.Title = []string{"Checkout Ledger", "pay roll", "Search of things"}[random.IntN(3)]
	descriptor.Tags = []string{[]string{"go", "java"}[random.IntN(2)]}
	descriptor.Annotations = map[string]string{catalog.AnnotationTier: string(rune('0' + random.IntN(5)))}
	claim.Descriptor = &descriptor
	if random.IntN(2) == 0 {
		claim.Edges = claim.Edges[:random.IntN(len(claim.Edges)+1)]
	}
	return &other
}

func compareSearches(t *testing.T, random *rand.Rand, got, want *graph.Snapshot) {
	t.Helper()
	for range 4 {
		text := []string{
			"", "c", "checkout", "pay", "tag:go", "ledgr chekout", "tier:1 s", "serch things", "kind:component of the", "api",
		}[random.IntN(10)]
		request := search.Request{Query: search.Parse(text), Limit: 1 + random.IntN(200)}
		a, b := want.Search(request), got.Search(request)
		if diff := cmp.Diff(a, b, cmpopts.IgnoreUnexported(search.Position{})); diff != "" {
			t.Errorf("revision %d, %q (-want +got):\n%s", got.Revision(), text, diff)
		}
	}
}
