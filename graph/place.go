package graph

import (
	"math"
	"slices"

	"github.com/orrery-catalog/orrery/catalog"
)

// place tells where an entity stands in the order of Ref, so that comparing two takes no look at their Refs. Places leave
// gaps for entities that come later.
type place uint64

// arrange gives entities that are new their places: nodes in the order of Ref, none of which is in the tree yet.
func (e *edit) arrange(nodes []node) {
	for len(nodes) > 0 {
		run := nodes
		e.byRef.Ascend(at(e.ref(nodes[0])), func(next *catalog.Entity) bool {
			run = nodes[:firstAfter(nodes, func(a node) bool { return e.ref(a) > next.Ref })]
			return false
		})
		e.spread(run)
		nodes = nodes[len(run):]
	}
}

func firstAfter(nodes []node, isAfter func(node) bool) int {
	if i := slices.IndexFunc(nodes, isAfter); i >= 0 {
		return i
	}
	return len(nodes)
}

// Where a gap is used up, the entities around it move apart: as few as get gaps of at least minGap.
const (
	minMoved = 16
	minGap   = 1 << 16
)

// spread puts a run of new entities evenly between its neighbours.
func (e *edit) spread(run []node) {
	for width := 0; ; width = max(minMoved, 2*width) {
		var members []node
		low, high := place(0), place(math.MaxUint64)
		seen := 0
		e.byRef.Descend(at(e.ref(run[0])), func(entity *catalog.Entity) bool {
			if seen == width {
				low = *e.places.at(e.find(entity.Ref))
				return false
			}
			members = append(members, e.find(entity.Ref))
			seen++
			return true
		})
		slices.Reverse(members)
		members = append(members, run...)
		seen = 0
		e.byRef.Ascend(at(e.ref(run[len(run)-1])), func(entity *catalog.Entity) bool {
			if seen == width {
				high = *e.places.at(e.find(entity.Ref))
				return false
			}
			members = append(members, e.find(entity.Ref))
			seen++
			return true
		})
		gap := (high - low) / place(len(members)+1)
		if gap < minGap && (width > 0 || gap == 0) && len(members) < e.byRef.Len()+len(run) {
			continue
		}
		for i, a := range members {
			*e.places.write(e.edition, a) = low + gap*place(i+1)
		}
		return
	}
}
