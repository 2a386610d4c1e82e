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
		if !v.kind(whole).isWhole() {
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
		v.spreadTo(w, w.queue[i], impact)
	}
}

// spreadTo passes the impact on one node, which is being taken up, on to those that need it.
func (v *view) spreadTo(w *scratch, b node, impact Impact) {
	states, chosen, env := w.state, v.chosen, v.env
	lastGroup := int32(noGroup)
	for _, need := range v.in(b) {
		if e := need.attr.environment(); need.attr&chosen == 0 || e != envEvery && e != env {
			continue
		}
		given := through(impact, need.attr.strength())
		if need.attr&(attrGrouped|attrHub) != 0 {
			if need.attr&attrHub != 0 {
				v.spreadByHub(w, need.from, impact)
				continue
			}
			if given == Outage { // counted even where the source is out already: for measure
				if need.group == lastGroup { // several relations to the same member
					continue
				}
				lastGroup = need.group
				given = v.lose(w, lastGroup)
			}
		}
		if states[need.from].impact() >= given {
			continue
		}
		states[need.from] = state(given)
		if given == impact {
			w.queue = append(w.queue, need.from)
		} else {
			w.later[given] = append(w.later[given], need.from)
		}
	}
}

// lose counts a lost member of a group and returns what the group gives.
func (v *view) lose(w *scratch, number int32) Impact {
	if w.lost[number] == 0 {
		w.hit = append(w.hit, number)
	}
	w.lost[number]++
	if w.lost[number] < v.size(number) {
		return Degraded
	}
	return Outage
}

// spreadByHub passes an impact on to the consumers of a topic, once: the first producer that is hit delays them all.
func (v *view) spreadByHub(w *scratch, hub node, impact Impact) {
	if w.state[hub] == 0 {
		w.state[hub] = state(impact)
		w.hubs = append(w.hubs, hub)
		v.spreadTo(w, hub, impact)
	}
}

// measure gives every entity with an impact its distance: breadth first, over the needs that support the impact on their
// source.
func (v *view) measure(w *scratch, failed []node) {
	w.front = append(w.front[:0], failed...)
	for _, a := range w.front {
		w.state[a] |= atDistance(0)
	}
	for d := 1; len(w.front) > 0; d++ {
		w.next = w.next[:0]
		for _, b := range w.front {
			v.measureTo(w, b, w.state[b].impact(), atDistance(d))
		}
		w.front, w.next = w.next, w.front
	}
}

// measureTo gives the distance at to those without one whose impact is supported by that on b.
func (v *view) measureTo(w *scratch, b node, impact Impact, at state) {
	states, chosen, env := w.state, v.chosen, v.env
	for _, need := range v.in(b) {
		reached := states[need.from]
		if reached >= atDistance(0) {
			continue
		}
		if e := need.attr.environment(); need.attr&chosen == 0 || e != envEvery && e != env {
			continue
		}
		if need.attr&attrHub != 0 {
			states[need.from] |= at
			v.measureTo(w, need.from, impact, at)
			continue
		}
		if through(impact, need.attr.strength()) < reached.impact() {
			continue
		}
		if need.attr&attrGrouped != 0 && reached.impact() == Outage && w.lost[need.group] < v.size(need.group) {
			continue
		}
		states[need.from] |= at
		w.next = append(w.next, need.from)
	}
}

// collect keeps the answer: the impacted (in the queue behind the failed) in order, and the state of all.
func (b *Blast) collect(w *scratch, failed int) {
	b.states = b.view.keepStates(w)
	impacted := w.queue[failed:]
	if b.limit > 0 {
		impacted = slices.DeleteFunc(slices.Clone(impacted), func(a node) bool { return w.state[a].distance() > b.limit })
	}
	for _, a := range impacted {
		b.totals[w.state[a].impact()]++
	}
	b.order = b.view.sortImpacted(w, impacted)
}
