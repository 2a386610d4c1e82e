package graph_test

import (
	"fmt"
	"testing"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// numbered is a model of count Components, named so that the order of Ref is that of the numbers.
func numbered(count int) *catalog.Model {
	model := &catalog.Model{Entities: make([]*catalog.Entity, count)}
	for i := range model.Entities {
		model.Entities[i] = &catalog.Entity{Descriptor: catalog.Descriptor{Ref: number(i)}}
	}
	return model
}

func number(i int) catalog.Ref { return catalog.Ref(fmt.Sprintf("component:default/c%07d", i)) }

func declared(model *catalog.Model, from, to int, role catalog.Role) {
	model.Edges = append(model.Edges, catalog.Edge{
		From: number(from), To: number(to), Type: catalog.DependsOn, Strength: catalog.Hard, Role: role,
		Evidence: []catalog.Evidence{{Kind: catalog.Declared, Origin: &catalog.Origin{}}},
	})
}

// TestLongChain walks a chain that any recursion would overflow on, closed to a ring.
func TestLongChain(t *testing.T) {
	count := 1_000_000
	if testing.Short() {
		count = 50_000
	}
	model := numbered(count)
	for i := range count {
		declared(model, i, (i+1)%count, catalog.NoRole)
	}
	s := graph.Build(graph.Input{Model: model})
	if cycles := s.Cycles(); len(cycles) != 1 || len(cycles[0]) != count {
		t.Errorf("%d cycles", len(cycles))
	}
	blast, err := s.BlastRadius([]catalog.Ref{number(count - 1)}, graph.BlastOptions{})
	if err != nil || blast.Len() != count-1 {
		t.Fatalf("%d impacted, %v", blast.Len(), err)
	}
	page := blast.Page(count-3, 100)
	if last := page[len(page)-1]; last.Entity.Ref != number(0) || last.Distance != count-1 || last.Path != nil {
		t.Errorf("the farthest is %s at %d, with a path of %d", last.Entity.Ref, last.Distance, len(last.Path))
	}
	page = blast.Page(graph.MaxPathLength-1, 2)
	if len(page[0].Path) != graph.MaxPathLength || page[1].Path != nil {
		t.Errorf("paths of %d and %d", len(page[0].Path), len(page[1].Path))
	}
	if path, err := s.Path(number(0), number(count-1), graph.Filter{}); err != nil || len(path) != count-1 {
		t.Errorf("a path of %d, %v", len(path), err)
	}
	if deps, err := s.Deps(number(0), graph.DepsOptions{}); err != nil || len(deps.Entities) != count-1 || len(deps.Edges) != count {
		t.Errorf("%d entities and %d edges, %v", len(deps.Entities), len(deps.Edges), err)
	}
}

// TestLargeTopic says that a topic costs as many edges as it has members: the product of both sides would not fit.
func TestLargeTopic(t *testing.T) {
	const side = 100_000
	model := numbered(2*side + 1) // producers, the topic, consumers
	for i := range side {
		declared(model, i, side, catalog.Publish)
	}
	for i := range side {
		declared(model, side+1+i, side, catalog.Consume)
	}
	s := graph.Build(graph.Input{Model: model})
	blast, err := s.BlastRadius([]catalog.Ref{number(7)}, graph.BlastOptions{})
	if err != nil || blast.Totals()[graph.Delayed] != side || blast.Len() != side {
		t.Fatalf("%v, %v", blast.Totals(), err)
	}
	for _, hit := range blast.Page(0, 3) {
		if len(hit.Path) != 1 || hit.Path[0].To != number(7) || hit.Path[0].Via != number(side) {
			t.Errorf("got %+v", hit.Path)
		}
	}
	if path, err := s.Path(number(side+1), number(side-1), graph.Filter{}); err != nil || len(path) != 1 {
		t.Errorf("got %v, %v", path, err)
	}
	if cycles := s.Cycles(); len(cycles) != 0 {
		t.Errorf("%d cycles", len(cycles))
	}
}
