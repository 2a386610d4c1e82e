package graph

import (
	"cmp"
	"maps"
	"slices"
)

// move is a need that comes to, or all needs of one source that go from, the row of a target.
type move struct {
	to    node
	seen  inNeed
	group int32
	goes  bool // all of seen.from
}

// setRow replaces the needs of a by those kept, which are in order, and others; at most once in an edit. The rows of the
// targets follow with flush.
func (e *edit) setRow(a node, kept []outNeed, added []statedNeed) {
	row := e.merge(a, kept, added)
	old := *e.out.at(a)
	if len(row) > 0 || len(old) > 0 {
		e.regroup(a, old, row)
		*e.out.write(e.edition, a) = row
		e.moveTargets(a, old, row)
	}
}

// merge makes a row in order, with numbers of groups.
func (e *edit) merge(a node, kept []outNeed, added []statedNeed) []outNeed {
	if len(kept)+len(added) == 0 {
		return nil
	}
	if !slices.IsSortedFunc(added, e.compareStated) {
		slices.SortStableFunc(added, e.compareStated)
	}
	clear(e.numbers)
	last := int32(noGroup)
	for _, need := range *e.out.at(a) {
		if need.group != noGroup && need.group != last {
			last = need.group
			e.numbers[(*e.groups.at(last)).groupKey] = last
		}
	}
	row := e.outRows.take(len(kept) + len(added))
	for i := range added {
		stated := &added[i]
		need := outNeed{to: stated.to, attr: stated.attr, group: noGroup, edge: stated.edge}
		key := e.keyOf(stated)
		if stated.origin != plain {
			need.attr |= attrGrouped
			need.group = e.number(a, key)
		}
		for len(kept) > 0 && e.compareToStated(&kept[0], stated, key) <= 0 {
			row, kept = append(row, kept[0]), kept[1:]
		}
		row = append(row, need)
	}
	return append(row, kept...)
}

// number is that of a group of a, maybe a new one.
func (e *edit) number(a node, key groupKey) int32 {
	number, ok := e.numbers[key]
	if !ok {
		if number = a; *e.groups.at(a) != nil {
			number = e.take()
		}
		e.setGroup(e.edition, number, &group{groupKey: key})
		e.numbers[key] = number
	}
	return number
}

func (e *edit) keyOf(need *statedNeed) groupKey {
	switch need.origin {
	case plain:
		return groupKey{}
	case stated:
		return groupKey{stated, e.edge(need.from, need.to, need.edge).AnyOf}
	default:
		return groupKey{need.origin, originNames[need.origin]}
	}
}

// compareStated keeps the order of rows: hubs last, targets by Ref, then group name and origin. Needs that are equal so
// stay in the order of their relations.
func (e *edit) compareStated(x, y statedNeed) int {
	if c := cmp.Or(cmp.Compare(x.attr&attrToHub, y.attr&attrToHub), cmp.Compare(x.place, y.place)); c != 0 {
		return c
	}
	return e.keyOf(&x).compare(e.keyOf(&y))
}

func (e *edit) compareToStated(x *outNeed, y *statedNeed, key groupKey) int {
	c := cmp.Or(cmp.Compare(x.attr&attrToHub, y.attr&attrToHub), cmp.Compare(e.placeOf(x), y.place))
	if c != 0 {
		return c
	}
	var own groupKey
	if x.group != noGroup {
		own = (*e.groups.at(x.group)).groupKey
	}
	return own.compare(key)
}

func (k groupKey) compare(other groupKey) int {
	return cmp.Or(cmp.Compare(k.name, other.name), cmp.Compare(k.origin, other.origin))
}

// placeOf is the place of the target, or of the topic of a hub.
func (s *Snapshot) placeOf(need *outNeed) place {
	to := need.to
	if need.attr&attrToHub != 0 {
		to = s.topic(to)
	}
	return *s.places.at(to)
}

// tally counts the different members of a group.
type tally struct {
	every int32            // in every environment
	own   map[uint32]int32 // in one, but not in every
}

// regroup counts the members of the groups of a row, and gives up groups that are no more. Needs of one group to the same
// target stand together.
func (e *edit) regroup(a node, old, row []outNeed) {
	clear(e.tallies)
	for i := 0; i < len(row); {
		need := row[i]
		end := i + 1
		for end < len(row) && row[end].to == need.to && row[end].group == need.group {
			end++
		}
		if need.group != noGroup {
			e.tallies[need.group] = e.tallies[need.group].with(row[i:end])
		}
		i = end
	}
	for number, t := range e.tallies {
		made := t.sized()
		was := *e.groups.at(number)
		if made.groupKey = was.groupKey; made.size != was.size || !maps.Equal(made.mixed, was.mixed) {
			e.setGroup(e.edition, number, &made)
		}
	}
	last := int32(noGroup)
	for _, need := range old {
		if need.group == noGroup || need.group == last {
			continue
		}
		last = need.group
		if _, used := e.tallies[last]; !used && *e.groups.at(last) != nil {
			e.setGroup(e.edition, last, nil)
			if last != a {
				e.free(last)
			}
		}
	}
}

// with counts one more member, which the needs lead to.
func (t tally) with(needs []outNeed) tally {
	isEvery := func(n outNeed) bool { return n.attr.environment() == envEvery }
	if slices.ContainsFunc(needs, isEvery) {
		t.every++
		return t
	}
	if t.own == nil {
		t.own = map[uint32]int32{}
	}
	for i, need := range needs {
		env := need.attr.environment()
		if !slices.ContainsFunc(needs[:i], func(n outNeed) bool { return n.attr.environment() == env }) {
			t.own[env]++
		}
	}
	return t
}

func (t tally) sized() group {
	g := group{size: t.every}
	if t.own == nil {
		return g
	}
	for env := range t.own {
		t.own[env] += t.every
	}
	t.own[envEvery] = t.every
	g.mixed = t.own
	if size, ok := g.mixed[envProduction]; ok {
		g.size = size
	}
	return g
}

// moveTargets tells the targets what is different for them between the old row of a and the new one.
func (e *edit) moveTargets(a node, old, row []outNeed) {
	same := func(x, y *outNeed) bool {
		return x.to == y.to && x.group == y.group &&
			x.seenFrom(a, &e.before.groups) == y.seenFrom(a, &e.groups)
	}
	first, oldEnd, end := 0, len(old), len(row)
	for first < min(oldEnd, end) && same(&old[first], &row[first]) {
		first++
	}
	for oldEnd > first && end > first && same(&old[oldEnd-1], &row[end-1]) {
		oldEnd--
		end--
	}
	// All needs of a target go together.
	for first > 0 && (startsWithin(old, first) || startsWithin(row, first)) {
		first--
	}
	for oldEnd < len(old) && (startsWithin(old, oldEnd) || startsWithin(row, end)) {
		oldEnd++
		end++
	}
	last := node(-1)
	for i := range old[first:oldEnd] {
		if need := &old[first+i]; need.to != last {
			last = need.to
			e.moves = append(e.moves, move{to: need.to, seen: inNeed{from: a}, goes: true})
		}
	}
	for i := range row[first:end] {
		need := &row[first+i]
		e.moves = append(e.moves, move{to: need.to, seen: need.seenFrom(a, &e.groups), group: need.group})
	}
}

// startsWithin says whether place i is behind the first of several needs of one target.
func startsWithin(row []outNeed, i int) bool {
	return i > 0 && i < len(row) && row[i].to == row[i-1].to
}

// flush brings the rows of the targets up to date. Rows were set in the order of their nodes.
func (e *edit) flush() {
	e.inRows.chunk = chunkOf(len(e.moves))
	moves := sortByNode(e.moves, e.end, func(m *move) node { return m.to })
	e.moves = nil
	for i := 0; i < len(moves); {
		end := i + 1
		for end < len(moves) && moves[end].to == moves[i].to {
			end++
		}
		e.moveIn(moves[i:end])
		i = end
	}
}

// moveIn replaces the row of one target. Both it and the moves are by source.
func (e *edit) moveIn(moves []move) {
	target := moves[0].to
	old, oldGroups := *e.in.at(target), *e.inGroups.at(target)
	made := e.inRows.take(len(old) + len(moves))
	var groups []int32
	isOther := func(m move) bool { return m.seen.attr&attrOther != 0 }
	if oldGroups != nil || slices.ContainsFunc(moves, isOther) {
		groups = make([]int32, 0, len(old)+len(moves))
	}
	keep := func(i int) {
		made = append(made, old[i])
		switch {
		case oldGroups != nil:
			groups = append(groups, oldGroups[i])
		case groups != nil:
			groups = append(groups, noGroup)
		}
	}
	i := 0
	for _, m := range moves {
		for i < len(old) && old[i].from < m.seen.from {
			keep(i)
			i++
		}
		if m.goes {
			for i < len(old) && old[i].from == m.seen.from {
				i++
			}
			continue
		}
		made = append(made, m.seen)
		if groups != nil {
			groups = append(groups, m.group)
		}
	}
	for ; i < len(old); i++ {
		keep(i)
	}
	if len(made) == 0 {
		made, groups = nil, nil
	}
	*e.in.write(e.edition, target) = made
	if groups != nil || oldGroups != nil {
		*e.inGroups.write(e.edition, target) = groups
	}
}
