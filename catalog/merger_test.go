package catalog_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
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
	sorted := slices.IsSortedFunc(change.Entities, func(x, y catalog.EntityChange) int { return gocompare(x.Ref, y.Ref) }) &&
		slices.IsSortedFunc(change.Edges, func(x, y catalog.EdgesChange) int { return gocompare(x.From, y.From) }) &&
		slices.IsSortedFunc(change.Problems, catalog.CompareProblems) &&
		slices.IsSortedFunc(change.Mended, catalog.CompareProblems)
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
	return ""
}

func gocompare(a, b catalog.Ref) int {
	switch {
	case a < b:
		return -1
	case a == b: // nothing comes twice
		return 1
	}
	return 1
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
		case 2: // a claim less, or another
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
