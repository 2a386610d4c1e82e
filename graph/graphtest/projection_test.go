package graphtest_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/graphtest"
	"github.com/orrery-catalog/orrery/graph/graphtest/oracle"
)

// TestDiffering changes random catalogs and asks what has to be written anew, between any two of the states, also
// backwards and where one of them was built from scratch.
func TestDiffering(t *testing.T) {
	runs := 100
	if testing.Short() {
		runs = 20
	}
	for seed := range uint64(runs) {
		random := rand.New(rand.NewPCG(seed, 5))
		var files []string
		model := &catalog.Model{}
		states := []*graph.Snapshot{graph.Build(graph.Input{Model: model})}
		for step := range 5 {
			files = changeFiles(random, files)
			next := catalog.Merge(slices.Values(parse(t, files)), catalog.MergeOptions{})
			if truth, err := oracle.Read(files...); err == nil && seed%2 == 0 && len(truth.Entities) > 0 {
				addLive(rand.New(rand.NewPCG(seed, 0)), next, truth, &graphtest.Traffic{})
			}
			change := differenceOf(model, next)
			last := states[len(states)-1]
			now := last.Apply(change, graph.Revision(step), time.Time{}, nil)
			checkFew(t, last, now, change)
			states = append(states, now)
			model = next
		}
		states = append(states, graph.Build(graph.Input{Model: model}))
		hashes := make([]map[catalog.Ref]string, len(states))
		for i, state := range states {
			hashes[i] = hashesOf(state)
		}
		for i, from := range states {
			for j, to := range states {
				differing := to.Differing(from)
				for _, ref := range reallyDiffering(hashes[i], hashes[j]) {
					if _, found := slices.BinarySearch(differing, ref); !found {
						t.Fatalf("seed %d: %s is another one and not told among %s", seed, ref, differing)
					}
				}
			}
		}
	}
}

// checkFew finds entities told that the change has nothing to do with.
func checkFew(t *testing.T, from, to *graph.Snapshot, change *catalog.ModelChange) {
	t.Helper()
	changed := map[catalog.Ref]bool{}
	for _, e := range change.Entities {
		changed[e.Ref] = true
	}
	for _, e := range change.Edges {
		changed[e.From] = true
	}
	really := reallyDiffering(hashesOf(from), hashesOf(to))
	for _, ref := range to.Differing(from) {
		if !changed[ref] && !slices.Contains(really, ref) {
			t.Errorf("%s is told and did not change", ref)
		}
	}
}

func hashesOf(s *graph.Snapshot) map[catalog.Ref]string {
	all := map[catalog.Ref]string{}
	for e := range s.Entities("") {
		all[e.Ref] = s.Projection(e.Ref).Hash
	}
	return all
}

func reallyDiffering(was, is map[catalog.Ref]string) []catalog.Ref {
	return slices.DeleteFunc(keysOf(was, is), func(ref catalog.Ref) bool { return was[ref] == is[ref] })
}

// TestDifferingOfLargeCatalog changes one entity of many, and none.
func TestDifferingOfLargeCatalog(t *testing.T) {
	merger := catalog.NewMerger(catalog.MergeOptions{})
	company := graphtest.Company{Services: 2000}
	before := graph.Build(graph.Input{}).Apply(merger.Apply(nil, company.Documents()), 1, time.Time{}, nil)
	var changed *catalog.Document
	for document := range company.Documents() {
		if document.Claims[0].Descriptor != nil && document.Claims[0].Descriptor.Ref == company.ServiceRef(1000) {
			changed = document
		}
	}
	changed.Claims[0].Descriptor.Title = "another one"
	after := before.Apply(merger.Apply(nil, slices.Values([]*catalog.Document{changed})), 2, time.Time{}, nil)
	if diff := gocmp.Diff([]catalog.Ref{company.ServiceRef(1000)}, after.Differing(before)); diff != "" {
		t.Errorf("after one change (-want +got):\n%s", diff)
	}
	if told := after.Apply(nil, 3, time.Time{}, nil).Differing(after); len(told) != 0 {
		t.Errorf("after no change: %s", told)
	}
}

// TestDifferingOfHubs adds one part to a System of many, and one consumer to a topic of many.
func TestDifferingOfHubs(t *testing.T) {
	merger := catalog.NewMerger(catalog.MergeOptions{})
	document := func(i int) *catalog.Document {
		ref := catalog.NewRef(catalog.KindComponent, "", fmt.Sprint("c", i))
		role := catalog.Consume
		if i%2 == 0 {
			role = catalog.Publish
		}
		edge := func(target catalog.Ref, relation catalog.RelationType, role catalog.Role) catalog.EdgeClaim {
			return catalog.EdgeClaim{Target: catalog.Subject{Ref: target}, Type: relation, Evidence: catalog.Declared, Role: role}
		}
		return &catalog.Document{ID: catalog.DocumentID{Source: "s", Scope: string(ref)}, Claims: []catalog.Claim{{
			Subject: catalog.Subject{Ref: ref}, Descriptor: &catalog.Descriptor{Ref: ref, Kind: "Component", Namespace: "default", Name: ref.Name()},
			Edges: []catalog.EdgeClaim{
				edge("system:default/large", catalog.PartOf, catalog.NoRole), edge("resource:default/topic", catalog.DependsOn, role),
				edge("api:default/shared", catalog.ProvidesAPI, catalog.NoRole),
			},
		}}}
	}
	var documents []*catalog.Document
	for i := range 2000 {
		documents = append(documents, document(i))
	}
	before := graph.Build(graph.Input{}).Apply(merger.Apply(nil, slices.Values(documents)), 1, time.Time{}, nil)
	for i := range 2 {
		added := document(2000 + i)
		after := before.Apply(merger.Apply(nil, slices.Values([]*catalog.Document{added})), before.Revision()+1, time.Time{}, nil)
		if diff := gocmp.Diff([]catalog.Ref{added.Claims[0].Subject.Ref}, after.Differing(before)); diff != "" {
			t.Errorf("one more (-want +got):\n%s", diff)
		}
		if written := len(after.Projection(added.Claims[0].Subject.Ref).Relations); written != 6 {
			t.Errorf("%d relations are written, want 6", written)
		}
		before = after
	}
}

// TestProjectedReach follows the written needs with the plainest of walks: what it reaches is what the blast radius hits.
func TestProjectedReach(t *testing.T) {
	runs := 1000
	if testing.Short() {
		runs = 150
	}
	for seed := range uint64(runs) {
		random := rand.New(rand.NewPCG(seed, 6))
		files := graphtest.RandomCatalog(random)
		model := catalog.Merge(slices.Values(parse(t, files)), catalog.MergeOptions{})
		truth, err := oracle.Read(files...)
		if err != nil {
			t.Fatal(err)
		}
		if seed%3 != 0 {
			addLive(random, model, truth, &graphtest.Traffic{})
		}
		snapshot := graph.Build(graph.Input{Model: model})
		for _, environment := range []string{"production", "staging", "nowhere"} {
			written := readWritten(snapshot, environment)
			for e := range snapshot.Entities("") {
				blast, err := snapshot.BlastRadius([]catalog.Ref{e.Ref}, graph.BlastOptions{Filter: graph.Filter{Environment: environment}})
				must(err)
				var want []string
				for _, hit := range blast.Page(0, -1) {
					want = append(want, string(hit.Entity.Ref))
				}
				slices.Sort(want)
				if diff := gocmp.Diff(want, written.reach(e.Ref)); diff != "" {
					t.Fatalf("seed %d: %s fails in %s (-blast radius +written graph):\n%s", seed, e.Ref, environment, diff)
				}
			}
		}
	}
}

// writtenNeeds are the relations as they are written that count in one environment.
type writtenNeeds struct {
	needing map[graph.ProjectedEnd][]graph.ProjectedEnd
	parts   map[graph.ProjectedEnd][]graph.ProjectedEnd
}

func readWritten(s *graph.Snapshot, environment string) writtenNeeds {
	w := writtenNeeds{map[graph.ProjectedEnd][]graph.ProjectedEnd{}, map[graph.ProjectedEnd][]graph.ProjectedEnd{}}
	for e := range s.Entities("") {
		for _, r := range s.Projection(e.Ref).Relations {
			environments := r.Properties["environments"].([]string)
			counts := slices.Contains(environments, "*") || slices.Contains(environments, environment)
			if environment == graph.ProductionEnvironment && counts != r.Properties["counts"].(bool) {
				panic(fmt.Sprint("counts is not what environments says: ", r))
			}
			switch {
			case !counts:
			case r.Type == graph.WrittenDependsOn:
				w.needing[r.To] = append(w.needing[r.To], r.From)
			case r.Type == graph.WrittenPartOf:
				w.parts[r.To] = append(w.parts[r.To], r.From)
			}
		}
	}
	return w
}

// reach lists, sorted, what a failure reaches against the direction of the needs.
func (w writtenNeeds) reach(failed catalog.Ref) []string {
	lost := []graph.ProjectedEnd{{ID: string(failed)}}
	if slices.Contains([]string{"system", "domain", "cluster", "zone"}, failed.Kind()) {
		lost = closure(lost, w.parts)
	}
	var reached []string
	for _, end := range closure(lost, w.needing)[len(lost):] {
		if !end.Publishers {
			reached = append(reached, end.ID)
		}
	}
	slices.Sort(reached)
	return reached
}

// closure adds all that is reached to what it starts at.
func closure(start []graph.ProjectedEnd, next map[graph.ProjectedEnd][]graph.ProjectedEnd) []graph.ProjectedEnd {
	found := slices.Clone(start)
	seen := map[graph.ProjectedEnd]bool{}
	for _, end := range found {
		seen[end] = true
	}
	for i := 0; i < len(found); i++ {
		for _, end := range next[found[i]] {
			if !seen[end] {
				seen[end] = true
				found = append(found, end)
			}
		}
	}
	return found
}
