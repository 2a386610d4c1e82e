package graph

import (
	"cmp"
	"slices"

	"github.com/orrery-catalog/orrery/catalog"
)

// edit makes a Snapshot out of another one. What it changes it copies first, a page at a time, so that it costs what it
// touches, and the other one stays as it is.
type edit struct {
	*Snapshot // under way
	before    *Snapshot
	edition   *edition
	loose     []loose // nodes that may stand for nothing now
	freed     []node  // for later edits only: within one, a node means the same before and after

	outRows    arena[outNeed]
	inRows     arena[inNeed]
	moves      []move
	ends       map[catalog.Ref]node // of the entities, where nearly all are new: faster than refs
	numbers    map[groupKey]int32   // of the row under way
	tallies    map[int32]tally      // of the row under way
	isEnvOwned bool                 // the map of environments is a copy
}

type loose struct {
	a   node
	ref catalog.Ref
}

func (s *Snapshot) edit() *edit {
	next := *s
	next.facts.fork()
	next.places.fork()
	next.relations.fork()
	next.out.fork()
	next.in.fork()
	next.inGroups.fork()
	next.groups.fork()
	next.sizes.fork()
	return &edit{
		Snapshot: &next, before: s, edition: &edition{}, numbers: map[groupKey]int32{}, tallies: map[int32]tally{},
	}
}

// take makes a node that stands for nothing yet.
func (e *edit) take() node {
	var a node
	if e.unused != nil {
		a, e.unused = e.unused.a, e.unused.next
	} else {
		a = e.end
		e.end++
		e.facts.grow(e.edition, e.end)
		e.places.grow(e.edition, e.end)
		e.relations.grow(e.edition, e.end)
		e.out.grow(e.edition, e.end)
		e.in.grow(e.edition, e.end)
		e.inGroups.grow(e.edition, e.end)
		e.groups.grow(e.edition, e.end)
		e.sizes.grow(e.edition, e.end)
	}
	e.facts.write(e.edition, a).owner = -1
	return a
}

// enter makes an entity of a Ref that has been none.
func (e *edit) enter(entity *catalog.Entity) node {
	a := e.absent.find(entity.Ref)
	if a >= 0 {
		e.absent.remove(e.edition, entity.Ref)
	} else {
		a = e.take()
	}
	e.refs.set(e.edition, entity.Ref, a)
	e.putFacts(a, entity)
	return a
}

func (e *edit) putFacts(a node, entity *catalog.Entity) {
	f := e.facts.write(e.edition, a)
	f.entity, f.tier, f.kind = entity, uint8(entity.Tier()), kindOf(entity)
}

// leave makes a Ref that is no entity of one.
func (e *edit) leave(a node) {
	ref := e.ref(a)
	e.refs.remove(e.edition, ref)
	e.absent.set(e.edition, ref, a)
	e.facts.write(e.edition, a).entity = nil
	e.loose = append(e.loose, loose{a, ref})
}

// endOf is the node of a Ref, which need be no entity.
func (e *edit) endOf(ref catalog.Ref) node {
	if a, ok := e.ends[ref]; ok {
		return a
	}
	if a := e.find(ref); a >= 0 {
		return a
	}
	a := e.absent.find(ref)
	if a < 0 {
		a = e.take()
		e.absent.set(e.edition, ref, a)
	}
	return a
}

// release gives back the nodes that stand for nothing.
func (e *edit) release() {
	for _, l := range e.loose {
		f, r := e.facts.at(l.a), e.relations.at(l.a)
		if f.entity != nil || f.owns > 0 || len(r.out)+len(r.in) > 0 || e.absent.find(l.ref) != l.a {
			continue
		}
		e.absent.remove(e.edition, l.ref)
		e.free(l.a)
	}
	for _, a := range e.freed {
		e.unused = &unused{a, e.unused}
	}
}

func (e *edit) free(a node) {
	*e.facts.write(e.edition, a) = facts{}
	e.freed = append(e.freed, a)
}

// link is a relation, seen as one between two nodes, that comes or goes.
type link struct {
	source, target node
	comes          bool
}

// relate brings the lists of sources up to date.
func (e *edit) relate(links []link) {
	links = sortByNode(links, e.end, func(l *link) node { return l.target })
	var sources arena[node]
	sources.chunk = chunkOf(len(links))
	var gone, come []node
	for i := 0; i < len(links); {
		target := links[i].target
		gone, come = gone[:0], come[:0]
		for ; i < len(links) && links[i].target == target; i++ {
			if links[i].comes {
				come = append(come, links[i].source)
			} else {
				gone = append(gone, links[i].source)
			}
		}
		slices.Sort(gone)
		if !slices.IsSortedFunc(come, e.compareSources) {
			slices.SortFunc(come, e.compareSources)
		}
		come = slices.Compact(come)
		row := e.relations.write(e.edition, target)
		merged := sources.take(len(row.in) + len(come))
		for _, a := range row.in {
			if _, found := slices.BinarySearch(gone, a); found {
				continue
			}
			for len(come) > 0 && e.compareSources(come[0], a) < 0 {
				merged, come = append(merged, come[0]), come[1:]
			}
			merged = append(merged, a)
		}
		row.in = append(merged, come...)
		if len(row.in) == 0 {
			row.in = nil
		}
	}
}

// compareSources orders by Ref. What is no entity has no place of its own.
func (e *edit) compareSources(a, b node) int { return cmp.Or(e.compare(a, b), cmp.Compare(a, b)) }

// arena cuts rows out of larger pieces, where many are made at once.
type arena[T any] struct {
	chunk int // least size of a piece
	rest  []T
}

// chunkOf is the size of pieces for count elements in all: not so large that a few rows in use hold much that is not.
func chunkOf(count int) int { return min(count, 4096) }

// take is an empty row with room for count.
func (a *arena[T]) take(count int) []T {
	if count > len(a.rest) {
		a.rest = make([]T, max(count, a.chunk))
	}
	row := a.rest[:0:count]
	a.rest = a.rest[count:]
	return row
}

// sortByNode is a stable sort, that counts where there are many.
func sortByNode[T any](items []T, end node, key func(*T) node) []T {
	if len(items) < int(end)/manyTouched {
		slices.SortStableFunc(items, func(x, y T) int { return cmp.Compare(key(&x), key(&y)) })
		return items
	}
	start := make([]int32, end+1)
	for i := range items {
		start[key(&items[i])+1]++
	}
	sum(start)
	sorted := make([]T, len(items))
	for i := range items {
		k := key(&items[i])
		sorted[start[k]] = items[i]
		start[k]++
	}
	return sorted
}

// sum turns counts into starts: each becomes the sum up to itself.
func sum(counts []int32) {
	for i := 1; i < len(counts); i++ {
		counts[i] += counts[i-1]
	}
}

// nodeSet is a set of nodes.
type nodeSet struct {
	bits  []uint64
	nodes []node // in the order in which they were added
}

func (s *nodeSet) has(a node) bool {
	i := int(a / 64)
	return i < len(s.bits) && s.bits[i]&(1<<(a%64)) != 0
}

// add says whether the node is new.
func (s *nodeSet) add(a node) bool {
	if s.has(a) {
		return false
	}
	for int(a/64) >= len(s.bits) {
		s.bits = append(s.bits, 0)
	}
	s.bits[a/64] |= 1 << (a % 64)
	s.nodes = append(s.nodes, a)
	return true
}
