package graph

import (
	"cmp"
	"math/bits"
	"slices"
)

// states keeps the state of the nodes that a walk touched: all nodes in one table where they are many, else the touched
// ones by node.
type states struct {
	all   []state
	nodes []node // sorted
	few   []state
}

// manyTouched is the part of all nodes (one in ...) from which on a copy of the whole table is cheaper.
const manyTouched = 64

func (v *view) keepStates(w *scratch) states {
	if count := v.nodeCount(); len(w.queue) > count/manyTouched {
		return states{all: slices.Clone(w.state[:count])}
	}
	kept := states{nodes: slices.Clone(w.queue), few: make([]state, len(w.queue))}
	slices.Sort(kept.nodes)
	for i, a := range kept.nodes {
		kept.few[i] = w.state[a]
	}
	return kept
}

// of is the state of a node; 0 where it was not touched.
func (s *states) of(a node) state {
	if s.all != nil {
		return s.all[a]
	}
	if i, ok := slices.BinarySearch(s.nodes, a); ok {
		return s.few[i]
	}
	return 0
}

// sortImpacted copies the nodes in the order of impact (worst first), then distance, then Ref.
func (v *view) sortImpacted(w *scratch, impacted []node) []node {
	if v.overlay != nil && len(v.overlay.entities) > 0 {
		sorted := slices.Clone(impacted)
		slices.SortFunc(sorted, func(x, y node) int {
			sx, sy := w.state[x], w.state[y]
			return cmp.Or(cmp.Compare(sy.impact(), sx.impact()), cmp.Compare(sx.distance(), sy.distance()), v.compare(x, y))
		})
		return sorted
	}
	// Counting sort: nodes in the order of Ref go to the place of their impact and distance.
	farthest := 0
	for _, a := range impacted {
		farthest = max(farthest, w.state[a].distance())
	}
	places := make([]int32, int(Outage)*(farthest+1)+1)
	place := func(a node) *int32 {
		s := w.state[a]
		return &places[int(Outage-s.impact())*(farthest+1)+s.distance()]
	}
	for _, a := range impacted {
		*place(a)++
	}
	next := int32(0)
	for i, count := range places {
		places[i] = next
		next += count
	}
	sorted := make([]node, len(impacted))
	for _, a := range inOrder(impacted, len(w.state)) {
		at := place(a)
		sorted[*at] = a
		*at++
	}
	return sorted
}

// inOrder copies different nodes sorted: by marking them where they are many.
func inOrder(nodes []node, count int) []node {
	if len(nodes) < count/manyTouched {
		sorted := slices.Clone(nodes)
		slices.Sort(sorted)
		return sorted
	}
	marked := make([]uint64, count/64+1)
	for _, a := range nodes {
		marked[a/64] |= 1 << (a % 64)
	}
	sorted := make([]node, 0, len(nodes))
	for i, word := range marked {
		for ; word != 0; word &= word - 1 {
			sorted = append(sorted, node(i*64+bits.TrailingZeros64(word)))
		}
	}
	return sorted
}
