package graph_test

import (
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/graphtest"
)

// The graph of the targets: 100,000 services and 1,000,000 stated dependencies (with ownership, parts and the like it has
// more of both).
var company = graphtest.Company{Services: 100_000, Edges: 1_000_000, Seed: 1}

var model = sync.OnceValue(func() *catalog.Model { return catalog.Merge(company.Documents(), catalog.MergeOptions{}) })

var snapshot = sync.OnceValue(func() *graph.Snapshot { return graph.Build(graph.Input{Revision: 1, Model: model()}) })

// typical is a service whose blast radius is the median of those of services spread over the company.
var typical = sync.OnceValue(func() catalog.Ref {
	type reach struct {
		ref   catalog.Ref
		count int
	}
	var reaches []reach
	for i := 0; i < company.Services; i += company.Services / 201 {
		ref := company.ServiceRef(i)
		blast, err := snapshot().BlastRadius([]catalog.Ref{ref}, graph.BlastOptions{})
		if err != nil {
			panic(err)
		}
		reaches = append(reaches, reach{ref, blast.Len()})
	}
	slices.SortFunc(reaches, func(a, b reach) int { return a.count - b.count })
	return reaches[len(reaches)/2].ref
})

func BenchmarkBuild(b *testing.B) {
	input := graph.Input{Revision: 1, Model: model()}
	for b.Loop() {
		graph.Build(input)
	}
	b.StopTimer()
	before := heap()
	built := graph.Build(input)
	b.ReportMetric(float64(heap()-before)/(1<<20), "MiB/snapshot")
	b.ReportMetric(float64(len(input.Model.Edges)), "edges")
	runtime.KeepAlive(built)
}

// heap is what is in use after a collection.
func heap() uint64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// flips are changes of one document and back: a service gets another description and loses its last dependency.
func flips(s *graph.Snapshot, ref catalog.Ref) [2]*catalog.ModelChange {
	entity, err := s.Entity(ref)
	if err != nil {
		panic(err)
	}
	var row []catalog.Edge
	out, _ := s.Relations(ref)
	for edge := range out {
		row = append(row, *edge)
	}
	last := len(row) - 1
	for row[last].Type != catalog.DependsOn {
		last--
	}
	changed := *entity
	changed.Description = "It was changed."
	return [2]*catalog.ModelChange{
		{
			Entities: []catalog.EntityChange{{Ref: ref, Entity: &changed}},
			Edges:    []catalog.EdgesChange{{From: ref, Edges: slices.Delete(slices.Clone(row), last, last+1)}},
		},
		{
			Entities: []catalog.EntityChange{{Ref: ref, Entity: entity}},
			Edges:    []catalog.EdgesChange{{From: ref, Edges: row}},
		},
	}
}

// BenchmarkApply makes a snapshot of another one, after a change of one document.
func BenchmarkApply(b *testing.B) {
	s := snapshot()
	changes := flips(s, typical())
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		s = s.Apply(changes[i%2], 2, s.Time(), nil)
	}
}

// BenchmarkBlastRadius takes the whole answer: impact, distance and totals of all, and the first 100 with their paths.
func BenchmarkBlastRadius(b *testing.B) {
	for _, c := range []struct {
		name string
		of   func() catalog.Ref
	}{{"hottest", company.Hottest}, {"typical", typical}, {"small", func() catalog.Ref { return company.ServiceRef(0) }}} {
		b.Run(c.name, func(b *testing.B) {
			failed := []catalog.Ref{c.of()}
			snapshot()
			var blast *graph.Blast
			for b.Loop() {
				var err error
				if blast, err = snapshot().BlastRadius(failed, graph.BlastOptions{}); err != nil {
					b.Fatal(err)
				}
				blast.Totals()
				blast.Page(0, 100)
			}
			b.ReportMetric(float64(blast.Len()), "impacted")
		})
	}
}

func BenchmarkBlastPage(b *testing.B) {
	blast, err := snapshot().BlastRadius([]catalog.Ref{company.Hottest()}, graph.BlastOptions{})
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		offset int
	}{{"first", 0}, {"last", blast.Len() - 100}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				blast.Page(c.offset, 100)
			}
		})
	}
}

func BenchmarkBlastTeams(b *testing.B) {
	blast, err := snapshot().BlastRadius([]catalog.Ref{company.Hottest()}, graph.BlastOptions{})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		blast.Teams()
		blast.Tiers()
		blast.Journeys()
		blast.Systems()
	}
}

func BenchmarkWhatIf(b *testing.B) {
	options := graph.BlastOptions{Filter: graph.Filter{
		Add: []graph.WhatIfEdge{{From: company.ServiceRef(0), To: typical()}},
	}}
	for b.Loop() {
		if _, err := snapshot().BlastRadius([]catalog.Ref{typical()}, options); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDeps(b *testing.B) {
	for _, c := range []struct {
		name  string
		depth int
	}{{"direct", 1}, {"all", 0}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				if _, err := snapshot().Deps(typical(), graph.DepsOptions{Depth: c.depth}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkPath(b *testing.B) {
	for b.Loop() {
		if _, err := snapshot().Path(company.ServiceRef(0), company.Hottest(), graph.Filter{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCycles(b *testing.B) {
	for b.Loop() {
		snapshot().Cycles()
	}
}

func BenchmarkOwnership(b *testing.B) {
	i := 0
	for b.Loop() {
		if _, err := snapshot().Ownership(company.ServiceRef(i % company.Services)); err != nil {
			b.Fatal(err)
		}
		i += 7919
	}
}

func BenchmarkResolve(b *testing.B) {
	b.Run("name", func(b *testing.B) {
		i := 0
		for b.Loop() {
			if _, err := snapshot().Resolve(company.ServiceRef(i % company.Services).Name()); err != nil {
				b.Fatal(err)
			}
			i += 7919
		}
	})
	b.Run("missing", func(b *testing.B) {
		for b.Loop() {
			if _, err := snapshot().Resolve("paymets-1234"); err == nil {
				b.Fatal("it was found")
			}
		}
	})
}
