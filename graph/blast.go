package graph

import (
	"cmp"
	"slices"

	"github.com/orrery-catalog/orrery/catalog"
)

// BlastOptions narrows [Snapshot.BlastRadius].
type BlastOptions struct {
	Filter      Filter
	MaxDistance int // 0 = no limit; filters the answer, never cuts propagation
}

// Blast is a blast radius: what is hit when something fails, and how hard. It answers lazily, so that a page of a large
// one costs little. It holds its Snapshot. All methods may be called from many goroutines.
type Blast struct {
	view   *view
	failed []FailedEntity
	order  []node // impacted, by impact, distance, Ref
	totals [Outage + 1]int
	states states // of the failed and of all impacted, whatever their distance
	limit  int    // of distance
}

// FailedEntity is one that was assumed to fail.
type FailedEntity struct {
	Entity *catalog.Entity
	PartOf catalog.Ref // the asked-for System, Domain, Cluster or Zone whose part it is; "" = asked for itself
}

// BlastRadius computes what an outage of all the given entities together does: the least fixpoint of these rules.
//   - What failed has OUTAGE.
//   - A plain need of strength s gives HARD → the impact on its target, SOFT → that, at most DEGRADED, ASYNC → that, at most
//     DELAYED.
//   - An any-of group, each member taken through its own strength, gives OUTAGE if all members have it, else DEGRADED if
//     any has that or worse, else DELAYED if any has that.
//   - The impact on an entity is the highest that any of its needs and groups gives.
//
// Failing a System, Domain, Cluster or Zone fails its parts, and theirs, too: over partOf relations that count. The
// error is a *NotFoundError.
func (s *Snapshot) BlastRadius(failed []catalog.Ref, options BlastOptions) (*Blast, error) {
	v := s.view(options.Filter)
	b := &Blast{view: v, limit: options.MaxDistance}
	w := v.borrow()
	defer v.giveBack(w)
	for _, ref := range failed {
		a := v.find(ref)
		if a < 0 {
			return nil, s.notFound(string(ref))
		}
		if w.state[a] == 0 {
			v.fail(w, a)
			b.failed = append(b.failed, FailedEntity{Entity: v.entity(a)})
		}
	}
	b.failed = append(b.failed, v.failParts(w)...)
	count := len(w.queue)
	v.spread(w)
	v.measure(w, w.queue[:count])
	b.collect(w, count)
	return b, nil
}

func (v *view) fail(w *scratch, a node) {
	w.state[a] = state(Outage)
	w.queue = append(w.queue, a)
}

// failParts fails the parts of what failed, where that is a whole of parts by its kind. A part of several wholes is
// told with the one that was asked for first.
func (v *view) failParts(w *scratch) []FailedEntity {
	var parts []FailedEntity
	visited := map[node]bool{}
	for _, whole := range slices.Clone(w.queue) {
		switch v.ref(whole).Kind() {
		case "system", "domain", "cluster", "zone":
		default:
			continue
		}
		for open := []node{whole}; len(open) > 0; {
			a := open[len(open)-1]
			open = open[:len(open)-1]
			if visited[a] {
				continue
			}
			visited[a] = true
			for _, need := range v.out(a) {
				if !v.isPart(need) {
					continue
				}
				open = append(open, need.to)
				if w.state[need.to] == 0 {
					v.fail(w, need.to)
					parts = append(parts, FailedEntity{Entity: v.entity(need.to), PartOf: v.ref(whole)})
				}
			}
		}
	}
	slices.SortFunc(parts, func(x, y FailedEntity) int { return cmp.Compare(x.Entity.Ref, y.Entity.Ref) })
	return parts
}

// isPart says whether a need counts that follows from a partOf relation.
func (v *view) isPart(need outNeed) bool {
	return need.group != noGroup && v.group(need.group).origin == parts && v.counts(need.attr)
}

// through is what an impact on the target of a need does to its source.
func through(impact Impact, strength catalog.Strength) Impact {
	return min(impact, Impact(strength)) // ASYNC, SOFT, HARD let pass at most DELAYED, DEGRADED, OUTAGE
}

// spread finds the impact on every entity, from the failed ones in the queue, worst impact first: when an entity is
// taken up its impact is final, as what is left to take up can give at most the impact under way. So every need is
// followed once. The queue then holds every entity with an impact.
func (v *view) spread(w *scratch) {
	v.spreadFrom(w, 0, Outage)
	for impact := Degraded; impact > None; impact-- {
		start := len(w.queue)
		for _, a := range w.later[impact] {
			if w.state[a].impact() == impact { // else it got worse meanwhile and is in the queue
				w.queue = append(w.queue, a)
			}
		}
		v.spreadFrom(w, start, impact)
	}
}

// spreadFrom takes up the entities of the queue from start on, all of the same impact.
func (v *view) spreadFrom(w *scratch, start int, impact Impact) {
	for i := start; i < len(w.queue); i++ {
		v.spreadTo(w, w.queue[i], impact, impact)
	}
}

// spreadTo passes the impact on one node on to those that need it. current is the impact that is being taken up.
func (v *view) spreadTo(w *scratch, b node, impact, current Impact) {
	needs, groups := v.in(b)
	lastGroup := int32(noGroup)
	for i, need := range needs {
		if !v.counts(need.attr) {
			continue
		}
		given := through(impact, need.attr.strength())
		if need.attr&attrGrouped != 0 && given == Outage { // counted even where the source is out already: for measure
			number := groups[i]
			if number == lastGroup { // relations of two types to the same member
				continue
			}
			lastGroup = number
			if w.lost[number] == 0 {
				w.hit = append(w.hit, number)
			}
			w.lost[number]++
			if w.lost[number] < v.size(number) {
				given = Degraded
			}
		}
		if v.isHub(need.from) {
			if w.state[need.from] == 0 {
				w.state[need.from] = state(impact)
				w.hubs = append(w.hubs, need.from)
				v.spreadTo(w, need.from, impact, current)
			}
			continue
		}
		if w.state[need.from].impact() >= given {
			continue
		}
		w.state[need.from] = state(given)
		if given == current {
			w.queue = append(w.queue, need.from)
		} else {
			w.later[given] = append(w.later[given], need.from)
		}
	}
}

// measure gives every entity with an impact its distance: breadth first, over the needs that support the impact on their
// source.
func (v *view) measure(w *scratch, failed []node) {
	front := append([]node(nil), failed...)
	var next []node
	for _, a := range front {
		w.state[a] |= atDistance(0)
	}
	for d := 1; len(front) > 0; d++ {
		next = next[:0]
		at := atDistance(d)
		for _, b := range front {
			next = v.measureTo(w, b, w.state[b].impact(), at, next)
		}
		front, next = next, front
	}
}

// measureTo gives the distance at to those without one that b supports, and appends them to next.
func (v *view) measureTo(w *scratch, b node, impact Impact, at state, next []node) []node {
	needs, groups := v.in(b)
	for i, need := range needs {
		reached := w.state[need.from]
		if reached.impact() == None || reached>>stateDistanceShift != 0 || !v.counts(need.attr) {
			continue
		}
		if v.isHub(need.from) {
			w.state[need.from] |= at
			next = v.measureTo(w, need.from, impact, at, next)
			continue
		}
		if through(impact, need.attr.strength()) < reached.impact() {
			continue
		}
		if need.attr&attrGrouped != 0 && reached.impact() == Outage && w.lost[groups[i]] < v.size(groups[i]) {
			continue
		}
		w.state[need.from] |= at
		next = append(next, need.from)
	}
	return next
}

// collect keeps the answer: the impacted (in the queue behind the failed) in order, and the state of all.
func (b *Blast) collect(w *scratch, failed int) {
	impacted := w.queue[failed:]
	b.states = b.view.keepStates(w)
	kept := make([]node, 0, len(impacted))
	for _, a := range impacted {
		s := w.state[a]
		if b.limit > 0 && s.distance() > b.limit {
			continue
		}
		b.totals[s.impact()]++
		kept = append(kept, a)
	}
	b.order = b.view.sortImpacted(w, kept)
}
