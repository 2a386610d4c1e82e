package catalog_test

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
)

// applied is a Model to which changes are applied, as whoever serves it does.
type applied struct {
	entities map[catalog.Ref]*catalog.Entity
	rows     map[catalog.Ref][]catalog.Edge
	problems []catalog.Problem
}

func newApplied() *applied {
	return &applied{entities: map[catalog.Ref]*catalog.Entity{}, rows: map[catalog.Ref][]catalog.Edge{}}
}

// apply says what a change should not have said.
func (a *applied) apply(change *catalog.ModelChange) (wrong string) {
	sorted := slices.IsSortedFunc(change.Entities, func(x, y catalog.EntityChange) int { return cmp.Compare(x.Ref, y.Ref) }) &&
		slices.IsSortedFunc(change.Edges, func(x, y catalog.EdgesChange) int { return cmp.Compare(x.From, y.From) }) &&
		slices.IsSortedFunc(change.Problems, catalog.CompareProblems) &&
		slices.IsSortedFunc(change.Mended, catalog.CompareProblems) &&
		slices.IsSortedFunc(change.Moved, catalog.CompareProblems)
	if !sorted {
		return "the change is out of order"
	}
	for _, e := range change.Entities {
		if reflect.DeepEqual(a.entities[e.Ref], e.Entity) {
			return fmt.Sprintf("the entity %s is as it was", e.Ref)
		}
		if a.entities[e.Ref] = e.Entity; e.Entity == nil {
			delete(a.entities, e.Ref)
		}
	}
	for _, row := range change.Edges {
		if reflect.DeepEqual(a.rows[row.From], row.Edges) {
			return fmt.Sprintf("the edges from %s are as they were", row.From)
		}
		if a.rows[row.From] = row.Edges; row.Edges == nil {
			delete(a.rows, row.From)
		}
	}
	for _, p := range change.Mended {
		i, found := slices.BinarySearchFunc(a.problems, p, catalog.CompareProblems)
		if !found {
			return fmt.Sprintf("the problem %s that went was not there", p)
		}
		a.problems = slices.Delete(a.problems, i, i+1)
	}
	for _, p := range change.Problems {
		i, found := slices.BinarySearchFunc(a.problems, p, catalog.CompareProblems)
		if found {
			return fmt.Sprintf("the problem %s that came was there", p)
		}
		a.problems = slices.Insert(a.problems, i, p)
	}
	for _, p := range change.Moved {
		i, found := slices.BinarySearchFunc(a.problems, p, catalog.CompareProblems)
		if !found || reflect.DeepEqual(a.problems[i], p) {
			return fmt.Sprintf("the problem %s did not move", p)
		}
		a.problems[i] = p
	}
	return ""
}

func (a *applied) model() *catalog.Model {
	model := &catalog.Model{Problems: append([]catalog.Problem(nil), a.problems...)}
	for _, ref := range slices.Sorted(maps.Keys(a.entities)) {
		model.Entities = append(model.Entities, a.entities[ref])
		model.Edges = append(model.Edges, a.rows[ref]...)
	}
	return model
}

// randomChange removes and puts documents. A few keys are used again and again, so that documents replace one another.
func randomChange(r *rand.Rand, present map[catalog.DocumentID]*catalog.Document) (remove []catalog.DocumentID, put []*catalog.Document) {
	for id, document := range present {
		switch r.IntN(8) {
		case 0:
			remove = append(remove, id)
		case 1: // it goes stale, or is renewed
			again := *document
			again.Stale, again.LastSeen = !again.Stale, randomInstant(r)
			put = append(put, &again)
		case 2: // the same at another commit
			again := *document
			again.Version = randomVersion(r)
			put = append(put, &again)
		case 3: // a claim less, or another
			again := *document
			again.Claims = slices.Clone(again.Claims)
			again.Claims[0] = randomClaim(r)
			put = append(put, &again)
		}
	}
	if r.IntN(10) == 0 {
		remove = slices.Collect(maps.Keys(present))
	}
	for range r.IntN(4) {
		put = append(put, randomDocument(r, fmt.Sprint(r.IntN(3))))
	}
	remove = append(remove, catalog.DocumentID{Source: "absent"})
	return remove, put
}

func TestMergerEqualsMerge(t *testing.T) {
	for seed := range randomRounds() / 20 {
		r := rand.New(rand.NewPCG(seed, 4))
		options := worldRules
		if seed%2 == 0 {
			options = catalog.MergeOptions{}
		}
		merger, served := catalog.NewMerger(options), newApplied()
		present := map[catalog.DocumentID]*catalog.Document{}
		for step := range 40 {
			at := fmt.Sprintf("seed %d, step %d", seed, step)
			before := maps.Clone(present)
			remove, put := randomChange(r, present)
			apply := func(remove []catalog.DocumentID, put []*catalog.Document) {
				for _, id := range remove {
					delete(present, id)
				}
				for _, document := range put {
					present[document.ID] = document
				}
				if wrong := served.apply(merger.Apply(remove, slices.Values(put))); wrong != "" {
					t.Fatalf("%s: %s", at, wrong)
				}
				want := catalog.Merge(maps.Values(present), options)
				if got := merger.Model(); !reflect.DeepEqual(want, got) {
					t.Fatalf("%s: the merger differs from a merge (-merge +merger):\n%s", at, gocmp.Diff(want, got))
				}
				for _, e := range merger.Model().Entities {
					if served.entities[e.Ref] != e {
						t.Fatalf("%s: %s did not change and is another", at, e.Ref)
					}
				}
				if got := served.model(); !reflect.DeepEqual(want, got) {
					t.Fatalf("%s: the changes do not lead there (-merge +changes):\n%s", at, gocmp.Diff(want, got))
				}
			}
			apply(remove, put)
			if r.IntN(4) > 0 {
				continue
			}
			// And back, as after a commit that failed.
			var gone []catalog.DocumentID
			for id := range present {
				if before[id] == nil {
					gone = append(gone, id)
				}
			}
			apply(gone, slices.Collect(maps.Values(before)))
		}
	}
}

// Two sources fight over a Ref: each time one of them writes, only that Ref is touched, whoever else needs it.
func TestFightTouchesOneRef(t *testing.T) {
	const contested = catalog.Ref("component:default/contested")
	documents := []*catalog.Document{
		document("n", describe("component:default/neighbour", dependsOn(contested))),
		sighting("otel:contested"), document("o", describe("component:default/stranger", dependsOn("component:default/x"))),
	}
	merger := catalog.NewMerger(catalog.MergeOptions{})
	merger.Apply(nil, slices.Values(documents))
	fighter := func(source string, round int) *catalog.Document {
		d := document(source, describe(contested, dependsOn("component:default/neighbour")))
		d.ID.Source, d.Claims[0].Descriptor.Title = source, fmt.Sprint(source, round)
		d.Priority += round % 2 // now one wins, now the other
		return d
	}
	for _, source := range []string{"a", "b"} {
		merger.Apply(nil, slices.Values([]*catalog.Document{fighter(source, 0)}))
	}
	for round := range 100 {
		for i, source := range []string{"a", "b"} {
			change := merger.Apply(nil, slices.Values([]*catalog.Document{fighter(source, round+i)}))
			for _, e := range change.Entities {
				if e.Ref != contested {
					t.Fatalf("%s changed as well", e.Ref)
				}
			}
			for _, row := range change.Edges {
				if row.From != contested {
					t.Fatalf("the edges from %s changed as well", row.From)
				}
			}
			if len(change.Problems) > 1 || len(change.Mended) > 1 {
				t.Fatalf("problems: %v; mended: %v", change.Problems, change.Mended)
			}
		}
	}
}

func TestMergerWithoutChange(t *testing.T) {
	merger := catalog.NewMerger(worldRules)
	documents := randomDocuments(rand.New(rand.NewPCG(1, 5)))
	merger.Apply(nil, slices.Values(documents))
	for range 2 {
		if change := merger.Apply([]catalog.DocumentID{{Key: "absent"}}, slices.Values(documents)); !change.IsEmpty() {
			t.Errorf("%+v", change)
		}
	}
	var ids []catalog.DocumentID
	for _, document := range documents {
		ids = append(ids, document.ID)
	}
	merger.Apply(ids, slices.Values([]*catalog.Document(nil)))
	if model := merger.Model(); len(model.Entities)+len(model.Edges)+len(model.Problems) > 0 {
		t.Errorf("without documents there is %+v", model)
	}
}

// Months of changes, each with names that never were before, leave nothing behind.
func TestMergerForgets(t *testing.T) {
	merger := catalog.NewMerger(worldRules)
	round := 0
	churn := func(rounds int) (bytes uint64) {
		for end := round + rounds; round < end; round++ {
			name := fmt.Sprintf("x%d", round%50)
			fresh := fmt.Sprintf("fresh%d", round)
			service := selecting(catalog.NewRef("component", "", fresh), "", in("app", fresh))
			service.ID = catalog.DocumentID{Source: "a", Key: name}
			service.Claims[0].Aliases = []catalog.AliasClaim{{Alias: catalog.Alias("otel:" + fresh)}, {Alias: "host:contested"}}
			service.Claims[0].Edges = []catalog.EdgeClaim{dependsOn(catalog.NewRef("resource", "", fresh))}
			service.Problems = []catalog.Problem{{Location: fresh, Code: catalog.CodeSelfDependency, Ref: service.Claims[0].Subject.Ref}}
			seen := workload(catalog.Alias("k8s:eu/shop/deployment/"+fresh), "app="+fresh+" app.kubernetes.io/name="+fresh)
			seen.ID = catalog.DocumentID{Source: "b", Key: name}
			seen.Claims[0].Aliases = []catalog.AliasClaim{{Alias: catalog.Alias("dns:" + fresh + ".shop.svc")}}
			seen.Claims[0].Edges = []catalog.EdgeClaim{{
				Target: catalog.Subject{Alias: catalog.Alias("host:" + fresh)}, Type: catalog.DependsOn, Evidence: catalog.Observed,
			}, {
				Target: catalog.Subject{Alias: "host:hub"}, Type: catalog.DependsOn, Evidence: catalog.Observed,
			}}
			merger.Apply(nil, slices.Values([]*catalog.Document{service, seen}))
		}
		runtime.GC()
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		return memory.HeapAlloc
	}
	before := churn(1000)
	after := churn(10_000)
	if after > before+200_000 {
		t.Errorf("10,000 changes keep %d bytes", after-before)
	}
	runtime.KeepAlive(merger)
}

// A change makes nothing that grows with the catalog around it.
func TestChangeCostsWhatItTouches(t *testing.T) {
	allocations := func(n int) float64 {
		var documents []*catalog.Document
		for i := range n {
			documents = append(documents, document(fmt.Sprint(i), describe(catalog.NewRef("component", "", fmt.Sprint("c", i)),
				dependsOn("api:default/hub"), catalog.EdgeClaim{
					Target: catalog.Subject{Alias: "host:hub"}, Type: catalog.DependsOn, Evidence: catalog.Inferred,
				})))
		}
		merger := catalog.NewMerger(catalog.MergeOptions{})
		merger.Apply(nil, slices.Values(documents))
		titled := *documents[1]
		claim := titled.Claims[0]
		descriptor := *claim.Descriptor
		descriptor.Title = "another"
		claim.Descriptor = &descriptor
		titled.Claims = []catalog.Claim{claim}
		return testing.AllocsPerRun(20, func() {
			merger.Apply(nil, slices.Values([]*catalog.Document{&titled}))
			merger.Apply(nil, slices.Values(documents[1:2]))
		})
	}
	if few, many := allocations(100), allocations(10_000); many > 2*few {
		t.Errorf("a change among 100 makes %g allocations, among 10,000 %g", few, many)
	}
}
