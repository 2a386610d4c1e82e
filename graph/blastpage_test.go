package graph_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/graphtest"
)

// TestPagesOfLargeAnswers asks for pages in any order: each must be the part of the whole that it is, however little of the
// order was made for those before it.
func TestPagesOfLargeAnswers(t *testing.T) {
	company := graphtest.Company{Services: 3_000, Edges: 12_000, Seed: 7}
	s := graph.Build(graph.Input{Model: catalog.Merge(company.Documents(), catalog.MergeOptions{})})
	radius := func() *graph.Blast {
		blast, err := s.BlastRadius([]catalog.Ref{company.Hottest()}, graph.BlastOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return blast
	}
	refs := func(page []graph.Impacted) []catalog.Ref {
		list := make([]catalog.Ref, len(page))
		for i := range page {
			list[i] = page[i].Entity.Ref
		}
		return list
	}
	order := radius().Page(0, -1)
	if len(order) < 1000 || !slices.IsSortedFunc(order, func(a, b graph.Impacted) int {
		switch {
		case a.Impact != b.Impact:
			return int(b.Impact) - int(a.Impact)
		case a.Distance != b.Distance:
			return a.Distance - b.Distance
		case a.Entity.Ref < b.Entity.Ref:
			return -1
		}
		return 1
	}) {
		t.Fatalf("%d impacted, and maybe out of order", len(order))
	}
	whole, random := refs(order), rand.New(rand.NewPCG(1, 2))
	for range 30 {
		blast := radius()
		for range 5 {
			offset, limit := random.IntN(len(whole)), random.IntN(200)
			if random.IntN(3) == 0 {
				offset = random.IntN(50)
			}
			want := whole[offset:min(offset+limit, len(whole))]
			if got := refs(blast.Page(offset, limit)); !slices.Equal(got, want) {
				t.Fatalf("from %d, %d: %v, want %v", offset, limit, got, want)
			}
		}
	}
}
