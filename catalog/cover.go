package catalog

import (
	"cmp"
	"maps"
	"slices"
)

// A declared path covers what is seen. Where A was seen to depend on B, or its configuration suggests it, and nobody
// declares that edge, one of these may be declared instead:
//
//   - A needs an API that B provides;
//   - A consumes a topic that B publishes to, or the other way round, by the roles of their edges to it;
//   - A needs what B is part of (a System, a parent), directly or by what that is part of, up to [maxWholes];
//   - A consumes B itself.
//
// Then what was seen is evidence on A's declared edge to the API, topic or whole, and no edge of its own. Strength, role
// and any-of group stay as declared; of the details (the protocol ...) it fills those that the declared edge lacks. Where
// several edges of A cover it, each gets the evidence, up to [maxPaths]: nobody knows which of them was used, and so
// none counts as never seen, and nothing moves when another of them goes.
//
// Alternatives go together: unless each member of an any-of group is covered, none is. One that was left alone in its group
// would stand for an outage, though the others still answer.
//
// It depends on the row of A and on the steps in those of B and of what B is part of; covering changes no step. So rows are
// made first, then covered, in any order.

const (
	maxWholes = 32 // the nearest things that something is part of, a step and then by Ref
	maxPaths  = 16 // the first by Ref
)

// step is what is declared of the target of something seen, and may be the second half of a path to it.
type step struct {
	to       Ref
	provides bool
	whole    bool // the target is part of it, or is it
	role     Role
}

// steps are those of one target, each Ref once, in order.
type steps struct {
	list   []step
	looked []int32 // entities in whose rows they stand
}

// coverage remembers, for rows in which something is seen that nobody declares, on whose rows it depends how they are
// covered. It is empty for a catalog of files alone.
type coverage struct {
	looked  map[int32][]looked // by the entity of the row
	readers map[int32][]reader // by the entity that is looked at
}

// looked is an entity that is looked at, with the place among its readers.
type looked struct{ at, place int32 }

// reader is an entity that looks, with the place among those that it looks at.
type reader struct{ ref, slot int32 }

func newCoverage() coverage {
	return coverage{looked: make(map[int32][]looked), readers: make(map[int32][]reader)}
}

// look replaces the entities that one looks at.
func (c *coverage) look(ref int32, at []int32) {
	before := c.looked[ref]
	if slices.EqualFunc(before, at, func(l looked, id int32) bool { return l.at == id }) {
		return
	}
	for _, l := range before {
		list, moved := take(c.readers[l.at], l.place)
		if moved {
			other := list[l.place]
			c.looked[other.ref][other.slot].place = l.place
		}
		keep(c.readers, l.at, list)
	}
	now := make([]looked, len(at))
	for slot, id := range at {
		now[slot] = looked{id, int32(len(c.readers[id]))}
		c.readers[id] = append(c.readers[id], reader{ref, int32(slot)})
	}
	keep(c.looked, ref, now)
}

func isDeclared(e *Edge) bool { return e.Evidence[0].Kind == Declared } // the first kind in order

// isSeen says whether it is what a declared path may cover.
func isSeen(e *Edge) bool { return e.Type == DependsOn && e.From != e.To && !isDeclared(e) }

// covers says whether it may be the first half of a path.
func covers(e *Edge) bool {
	return (e.Type == DependsOn || e.Type == ConsumesAPI) && e.From != e.To && isDeclared(e)
}

// isStep says whether it may be the second half of a path.
func isStep(e *Edge) bool {
	switch e.Type {
	case ProvidesAPI, PartOf:
		return isDeclared(e)
	case DependsOn, ConsumesAPI:
		return e.Role != NoRole && isDeclared(e)
	default:
		return false
	}
}

// sameSteps compares what rows have of steps.
func sameSteps(a, b []Edge) bool {
	for {
		i, j := firstStep(a), firstStep(b)
		if i < 0 || j < 0 {
			return i == j
		}
		if a[i].To != b[j].To || a[i].Type != b[j].Type || a[i].Role != b[j].Role {
			return false
		}
		a, b = a[i+1:], b[j+1:]
	}
}

func firstStep(row []Edge) int {
	for i := range row {
		if isStep(&row[i]) {
			return i
		}
	}
	return -1
}

// isCoverable says whether there is anything that may be covered, and anything that may cover it.
func isCoverable(row []Edge) bool {
	seen, declared := false, false
	for i := range row {
		seen = seen || isSeen(&row[i])
		declared = declared || covers(&row[i])
	}
	return seen && declared
}

// wait lets a row, which is the one under way, wait for [combiner.coverRows] where something in it may be covered. Those
// that depend on its steps are made anew, too, where it has others now.
func (c *combiner) wait(id int32) bool {
	if readers := c.coverage.readers[id]; len(readers) > 0 && !sameSteps(c.refs.at(id).row, c.edges) {
		for _, r := range readers {
			c.again = append(c.again, r.ref)
		}
	}
	if !isCoverable(c.edges) {
		c.coverage.look(id, nil)
		return false
	}
	if c.plain == nil {
		c.plain = make(map[int32][]Edge)
	}
	c.plain[id] = c.kept()
	return true
}

// coverRows covers what is seen in the rows that wait for it, and in those whose paths changed.
func (c *combiner) coverRows() {
	for _, id := range c.again {
		if c.refs.at(id).marks&markRow == 0 {
			c.mark(id, markRow)
			c.row(id)
		}
	}
	known := make(map[int32]*steps)
	for _, id := range slices.Sorted(maps.Keys(c.plain)) {
		row := c.plain[id]
		c.coverage.look(id, c.lookedAt(row, known))
		if c.cover(row, known) {
			c.finish(id, c.edges, true)
		} else {
			c.finish(id, row, false)
		}
	}
}

// lookedAt lists, each once, the entities on whose rows it depends how a row is covered.
func (c *combiner) lookedAt(row []Edge, known map[int32]*steps) []int32 {
	var all []int32
	for i := range row {
		if isSeen(&row[i]) {
			all = append(all, c.stepsOf(c.refIDs[row[i].To], known).looked...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// rowOf is what is so far made of the row of an entity. Its steps are those that it will have.
func (c *combiner) rowOf(id int32) []Edge {
	if plain, ok := c.plain[id]; ok {
		return plain
	}
	return c.refs.at(id).row
}

func (c *combiner) stepsOf(id int32, known map[int32]*steps) *steps {
	if s := known[id]; s != nil {
		return s
	}
	s := &steps{looked: []int32{id}}
	known[id] = s
	for i, row := 0, c.rowOf(id); i < len(row); i++ {
		if edge := &row[i]; isStep(edge) {
			s.list = append(s.list, step{to: edge.To, provides: edge.Type == ProvidesAPI, role: roleOf(edge)})
		}
	}
	// Breadth first, so that the nearest wholes count.
	for next := 0; next < len(s.looked); next++ {
		whole := s.looked[next]
		s.list = append(s.list, step{to: c.refs.at(whole).ref, whole: true})
		for i, row := 0, c.rowOf(whole); i < len(row) && len(s.looked) <= maxWholes; i++ {
			if row[i].Type != PartOf || !isDeclared(&row[i]) {
				continue
			}
			if further := c.refIDs[row[i].To]; !slices.Contains(s.looked, further) {
				s.looked = append(s.looked, further)
			}
		}
	}
	slices.SortFunc(s.list, func(a, b step) int { return cmp.Compare(a.to, b.to) })
	united := s.list[:0]
	for _, one := range s.list {
		if last := len(united) - 1; last >= 0 && united[last].to == one.to {
			united[last].provides = united[last].provides || one.provides
			united[last].whole = united[last].whole || one.whole
			united[last].role |= one.role
			continue
		}
		united = append(united, one)
	}
	s.list = slices.Clip(united)
	return s
}

// roleOf is NoRole for what is no dependency on a topic.
func roleOf(e *Edge) Role {
	if e.Type == DependsOn || e.Type == ConsumesAPI {
		return e.Role
	}
	return NoRole
}

// leads says whether the declared edge to the same entity and the step make a path.
func (s step) leads(e *Edge) bool {
	return s.provides || s.whole || e.Role.Consumes() && s.role.Publishes() || e.Role.Publishes() && s.role.Consumes()
}

// paths lists the declared edges of a row, of which the places are given, that make a path with one of the steps. It takes
// time in the shorter of the two lists.
func paths(row []Edge, declared []int32, list []step) (found []int32) {
	for len(declared) > 0 && len(list) > 0 && len(found) < maxPaths {
		edge := &row[declared[0]]
		switch order := cmp.Compare(edge.To, list[0].to); {
		case order < 0:
			skip, _ := slices.BinarySearchFunc(declared, list[0].to, func(i int32, to Ref) int { return cmp.Compare(row[i].To, to) })
			declared = declared[skip:]
		case order > 0:
			skip, _ := slices.BinarySearchFunc(list, edge.To, func(s step, to Ref) int { return cmp.Compare(s.to, to) })
			list = list[skip:]
		default:
			if list[0].leads(edge) {
				found = append(found, declared[0])
			}
			declared = declared[1:]
		}
	}
	return found
}

// cover makes, as the row under way, what a row is once what is seen in it has gone to the paths that cover it. It says
// false where none does, and leaves the row under way alone.
func (c *combiner) cover(row []Edge, known map[int32]*steps) bool {
	var declared []int32
	for i := range row {
		if covers(&row[i]) {
			declared = append(declared, int32(i))
		}
	}
	gone := make(map[int32][]int32) // → paths, of what is covered
	apart := make(map[string]bool)  // groups with a member that is not
	for i := range row {
		var found []int32
		if edge := &row[i]; isSeen(edge) {
			found = paths(row, declared, c.stepsOf(c.refIDs[edge.To], known).list)
		}
		if len(found) > 0 {
			gone[int32(i)] = found
		} else if row[i].AnyOf != "" {
			apart[row[i].AnyOf] = true
		}
	}
	maps.DeleteFunc(gone, func(i int32, _ []int32) bool { return apart[row[i].AnyOf] })
	if len(gone) == 0 {
		return false
	}
	more := make(map[int32][]int32) // what goes to a declared edge, in order
	for _, i := range slices.Sorted(maps.Keys(gone)) {
		for _, path := range gone[i] {
			more[path] = append(more[path], i)
		}
	}
	c.edges, c.evidence = c.edges[:0], c.evidence[:0]
	for i := range row {
		if gone[int32(i)] != nil {
			continue
		}
		edge, first := row[i], len(c.evidence)
		c.evidence = append(c.evidence, edge.Evidence...)
		for _, seen := range more[int32(i)] {
			c.evidence = append(c.evidence, row[seen].Evidence...)
			edge.Details = filled(edge.Details, row[seen].Details)
		}
		edge.Evidence = c.uniteFrom(first)
		edge.Stale = !slices.ContainsFunc(edge.Evidence, func(e Evidence) bool { return !e.Stale })
		c.edges = append(c.edges, edge)
	}
	return true
}

// filled is d with what it lacks and other has. Neither is changed.
func filled(d, other *EdgeDetails) *EdgeDetails {
	if d == nil || other == nil {
		return cmp.Or(d, other)
	}
	return &EdgeDetails{
		Fallback:        cmp.Or(d.Fallback, other.Fallback),
		CallsPerRequest: cmp.Or(d.CallsPerRequest, other.CallsPerRequest),
		Timeout:         cmp.Or(d.Timeout, other.Timeout),
		Protocol:        cmp.Or(d.Protocol, other.Protocol),
	}
}
