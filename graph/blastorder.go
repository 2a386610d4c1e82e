package graph

import (
	"cmp"
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

// sortImpacted orders by impact (worst first), then distance, then Ref.
func (v *view) sortImpacted(w *scratch, impacted []node) []node {
	if v.overlay != nil && len(v.overlay.entities) > 0 {
		slices.SortFunc(impacted, func(x, y node) int {
			sx, sy := w.state[x], w.state[y]
			return cmp.Or(cmp.Compare(sy.impact(), sx.impact()), cmp.Compare(sx.distance(), sy.distance()), v.compare(x, y))
		})
		return impacted
	}
	keys := make([]uint64, len(impacted))
	for i, a := range impacted {
		s := w.state[a]
		keys[i] = uint64(Outage-s.impact())<<62 | uint64(s>>stateDistanceShift)<<32 | uint64(uint32(a))
	}
	slices.Sort(keys)
	for i, key := range keys {
		impacted[i] = node(uint32(key))
	}
	return impacted
}
