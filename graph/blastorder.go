package graph

import (
	"cmp"
	"container/heap"
	"slices"
	"sync"
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
	if count := int(v.end); len(w.queue) > count/manyTouched {
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

// bucket is the impacted entities of one impact and distance.
type bucket struct {
	end      int32 // in impactOrder.nodes; it starts where the one before it ends
	distance int32
	impact   Impact
}

// impactOrder holds the impacted entities by impact (worst first) and distance. Within those they are brought into the
// order of Ref when somebody looks.
type impactOrder struct {
	nodes   []node
	buckets []bucket

	mu     sync.Mutex
	sorted map[int][]node // by place in buckets
}

// add appends a bucket.
func (o *impactOrder) add(nodes []node, impact Impact, distance int32) {
	o.nodes = append(o.nodes, nodes...)
	o.buckets = append(o.buckets, bucket{int32(len(o.nodes)), distance, impact})
}

// slice lists the entities from place first to place end of the whole order.
func (o *impactOrder) slice(s *Snapshot, first, end int) []node {
	nodes := make([]node, 0, end-first)
	i, _ := slices.BinarySearchFunc(o.buckets, first, func(b bucket, first int) int {
		return cmp.Or(cmp.Compare(int(b.end), first), -1) // the first that ends behind it
	})
	for at := first; at < end; i++ {
		start, behind := o.start(i), min(end, int(o.buckets[i].end))
		nodes = append(nodes, o.members(s, i, behind-start)[at-start:behind-start]...)
		at = behind
	}
	return nodes
}

func (o *impactOrder) start(i int) int {
	if i == 0 {
		return 0
	}
	return int(o.buckets[i-1].end)
}

// members are at least the first count of a bucket in the order of Ref.
func (o *impactOrder) members(s *Snapshot, i, count int) []node {
	members := o.nodes[o.start(i):o.buckets[i].end]
	if len(members) == 1 {
		return members
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	sorted := o.sorted[i]
	if len(sorted) >= count {
		return sorted
	}
	if o.sorted == nil {
		o.sorted = map[int][]node{}
	}
	if len(sorted) > 0 || count > len(members)/8 {
		count = len(members) // who asks on asks for all in the end
	}
	o.sorted[i] = s.firstInOrder(members, count)
	return o.sorted[i]
}

// placed is a node with what decides on its place in an order.
type placed struct {
	place place
	a     node
}

// firstInOrder copies the first count of nodes, sorted by Ref.
func (s *Snapshot) firstInOrder(nodes []node, count int) []node {
	first := make(lastOnTop, 0, count)
	for _, a := range nodes {
		switch p := (placed{*s.places.at(a), a}); {
		case len(first) < count:
			if first = append(first, p); len(first) == count && count < len(nodes) {
				heap.Init(&first)
			}
		case p.place < first[0].place:
			first[0] = p
			heap.Fix(&first, 0)
		}
	}
	slices.SortFunc(first, func(x, y placed) int { return cmp.Compare(x.place, y.place) })
	sorted := make([]node, count)
	for i := range first {
		sorted[i] = first[i].a
	}
	return sorted
}

// lastOnTop is a heap of the first nodes seen so far.
type lastOnTop []placed

func (h lastOnTop) Len() int           { return len(h) }
func (h lastOnTop) Less(i, j int) bool { return h[i].place > h[j].place }
func (h lastOnTop) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *lastOnTop) Push(any)          {} // only what is there is replaced
func (h *lastOnTop) Pop() any          { return nil }
