package graph_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/graphtest"
)

// BenchmarkGrowth asks the same of companies of 1,000, 10,000 and 100,000 services with 10 dependencies each: what a
// question costs may follow what it touches, but not the size of the graph around it.
func BenchmarkGrowth(b *testing.B) {
	for _, services := range []int{1_000, 10_000, 100_000} {
		if services > 10_000 && testing.Short() {
			continue
		}
		company := graphtest.Company{Services: services, Edges: 10 * services, Seed: 1}
		s := graph.Build(graph.Input{Revision: 1, Model: catalog.Merge(company.Documents(), catalog.MergeOptions{})})
		run := func(name string, ask func(i int) error) {
			b.Run(fmt.Sprintf("%s/services=%d", name, services), func(b *testing.B) {
				for i := 0; b.Loop(); i += 7919 {
					if err := ask(i); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		run("lookup", func(i int) error {
			ref := company.ServiceRef(i % services)
			if _, err := s.Ownership(ref); err != nil {
				return err
			}
			_, err := s.Deps(ref, graph.DepsOptions{Depth: 1})
			return err
		})
		changes := flips(s, company.ServiceRef(services/2))
		applied := s
		run("apply", func(i int) error {
			applied = applied.Apply(changes[i%2], 2, s.Time(), nil)
			return nil
		})
		run("small-blast", func(int) error {
			_, err := s.BlastRadius([]catalog.Ref{company.ServiceRef(0)}, graph.BlastOptions{})
			return err
		})
		run("hottest-blast", func(int) error {
			_, err := s.BlastRadius([]catalog.Ref{company.Hottest()}, graph.BlastOptions{})
			return err
		})
	}
}

// TestApplyTouchesLittle says that a change of one document takes as much memory in a company of twenty times the size.
func TestApplyTouchesLittle(t *testing.T) {
	allocated := func(services int) uint64 {
		company := graphtest.Company{Services: services, Edges: 5 * services, Seed: 1}
		s := graph.Build(graph.Input{Revision: 1, Model: catalog.Merge(company.Documents(), catalog.MergeOptions{})})
		changes := flips(s, company.ServiceRef(services/2))
		const times = 20
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for i := range times {
			s = s.Apply(changes[i%2], 2, s.Time(), nil)
		}
		runtime.ReadMemStats(&after)
		return (after.TotalAlloc - before.TotalAlloc) / times
	}
	small, large := allocated(500), allocated(10_000)
	if large > 2*small {
		t.Errorf("%d bytes for a change among 500 services, %d among 10,000", small, large)
	}
	t.Logf("%d and %d bytes", small, large)
}
