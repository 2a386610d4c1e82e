package graph

import (
	"maps"
	"slices"

	"github.com/orrery-catalog/orrery/catalog"
)

// Differing lists, sorted, the entities whose [Snapshot.Projection] may be another one in s than in old: all that are, and
// where one snapshot was made from the other by [Snapshot.Apply], maybe through many steps, hardly any others. Entities
// that only one of them has are among them. It takes time in the number of pages and of what differs.
func (s *Snapshot) Differing(old *Snapshot) []catalog.Ref {
	d := difference{refs: map[catalog.Ref]bool{}}
	for i := range max(len(s.facts.list), len(old.facts.list)) {
		before, now := old.pageAt(i), s.pageAt(i)
		if before == now {
			continue
		}
		for row := range node(pageSize) {
			a := node(i)<<pageBits + row
			d.compare(old, s, a)
		}
	}
	return slices.Sorted(maps.Keys(d.refs))
}

// pagePair is where two tables have the same nodes.
type pagePair struct {
	facts     *page[facts]
	relations *page[relations]
}

func (s *Snapshot) pageAt(i int) (p pagePair) {
	if i < len(s.facts.list) {
		p.facts = s.facts.list[i]
	}
	if i < len(s.relations.list) {
		p.relations = s.relations.list[i]
	}
	return p
}

type difference struct{ refs map[catalog.Ref]bool }

// compare looks at what two snapshots have under the same number. Numbers of snapshots that were not made from one
// another mean different entities: then both are told, and so is every entity in the end.
func (d *difference) compare(old, now *Snapshot, a node) {
	was, is := old.entityAt(a), now.entityAt(a)
	switch {
	case was == is && (is == nil || sameRow(old.relations.at(a).out, now.relations.at(a).out)):
		return
	case was == nil || is == nil || was.Ref != is.Ref || kindOf(was) != kindOf(is):
		// A relation to what is no entity is not written, and what follows from one depends on the kind.
		d.addSources(old, a)
		d.addSources(now, a)
	}
	d.add(was)
	d.add(is)
}

func (d *difference) add(entity *catalog.Entity) {
	if entity != nil {
		d.refs[entity.Ref] = true
	}
}

func (d *difference) addSources(s *Snapshot, a node) {
	if s.entityAt(a) == nil {
		return // its sources have no relation that is written; the other snapshot tells those that have one there
	}
	for _, source := range s.relations.at(a).in {
		d.add(s.entity(source))
	}
}

// sameRow says whether two rows are the same piece of memory. Snapshots share the rows that no change touched.
func sameRow(x, y []catalog.Edge) bool {
	return len(x) == len(y) && (len(x) == 0 || &x[0] == &y[0])
}
