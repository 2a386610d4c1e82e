package graph

import (
	"cmp"
	"slices"

	"github.com/orrery-catalog/orrery/catalog"
)

// Cycles are the strongly connected components of more than one entity over the needs of production, each sorted by Ref,
// the list by first Ref. A self-edge is no cycle (it is a Problem of its own).
func (s *Snapshot) Cycles() [][]catalog.Ref {
	var cycles [][]catalog.Ref
	for _, component := range s.view(Filter{}).components() {
		component = slices.DeleteFunc(component, s.isHub)
		if len(component) < 2 {
			continue
		}
		slices.SortFunc(component, s.compare)
		refs := make([]catalog.Ref, len(component))
		for i, a := range component {
			refs[i] = s.ref(a)
		}
		cycles = append(cycles, refs)
	}
	slices.SortFunc(cycles, func(x, y []catalog.Ref) int { return cmp.Compare(x[0], y[0]) })
	return cycles
}

// components are the strongly connected components of more than one node, by Tarjan's algorithm with a stack of its own
// in place of recursion. Hubs are ordinary nodes here: they join exactly those entities that needs by way of a topic
// join.
func (v *view) components() [][]node {
	type frame struct {
		a    node
		next int32 // place in the row of a
	}
	var (
		components [][]node
		frames     []frame
		open       []node // of no component yet
		count      = int(v.end)
		order      = make([]int32, count) // in which nodes were met, from 1; 0 = not met
		low        = make([]int32, count) // smallest order known to be reachable among the open
		isOpen     = make([]bool, count)
		met        int32
	)
	enter := func(a node) {
		met++
		order[a], low[a], isOpen[a] = met, met, true
		open = append(open, a)
		frames = append(frames, frame{a: a})
	}
	for root := range node(count) {
		if order[root] != 0 {
			continue
		}
		enter(root)
		for len(frames) > 0 {
			top := &frames[len(frames)-1]
			a := top.a
			if row := v.needsOf(a); int(top.next) < len(row) {
				need := row[top.next]
				top.next++
				switch {
				case !v.counts(need.attr):
				case order[need.to] == 0:
					enter(need.to)
				case isOpen[need.to]:
					low[a] = min(low[a], order[need.to])
				}
				continue
			}
			frames = frames[:len(frames)-1]
			if len(frames) > 0 {
				below := frames[len(frames)-1].a
				low[below] = min(low[below], low[a])
			}
			if low[a] != order[a] {
				continue
			}
			start := len(open) - 1
			for open[start] != a {
				start--
			}
			for _, b := range open[start:] {
				isOpen[b] = false
			}
			if len(open)-start > 1 {
				components = append(components, slices.Clone(open[start:]))
			}
			open = open[:start]
		}
	}
	return components
}
