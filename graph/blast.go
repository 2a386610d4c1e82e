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
	order  impactOrder
	totals [Outage + 1]int
	states states // of the failed and of all impacted, whatever their distance
	limit  int    // of distance

	environment string
	touched     touched
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
	b := &Blast{view: v, limit: options.MaxDistance, environment: cmp.Or(options.Filter.Environment, ProductionEnvironment)}
	w := v.borrow()
	defer v.giveBack(w)
	for _, ref := range failed {
		a := v.find(ref)
		if a < 0 {
			return nil, s.notFound(string(ref))
		}
		if w.mark[a] == 0 {
			v.fail(w, a)
			b.failed = append(b.failed, FailedEntity{Entity: v.entity(a)})
		}
	}
	b.failed = append(b.failed, v.failParts(w)...)
	v.spreadOutage(w)
	v.measure(w)
	b.collect(w)
	return b, nil
}

func (v *view) fail(w *scratch, a node) {
	w.mark[a] = mark(Outage) | measured
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
			for _, need := range v.needsOf(a) {
				if !v.isPart(need) {
					continue
				}
				open = append(open, need.to)
				if w.mark[need.to] == 0 {
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

// measure gives everything that is hit less than out its impact and distance: breadth first for one impact after the
// other, the worst first. With the outages known, DEGRADED is whatever is reached from there over needs that let it pass,
// and DELAYED what is left of all that is reached; so the needs of each entity are followed once.
func (v *view) measure(w *scratch) {
	for impact := Degraded; impact > None; impact-- {
		reached := w.reached[impact]
		w.front = w.front[:0]
		for d := 0; len(w.front)+len(reached[0])+len(reached[1])+len(reached[2]) > 0; d++ {
			for i := range reached {
				for len(reached[i]) > 0 && reached[i][0].distance == d {
					v.take(w, reached[i][0].a, impact)
					reached[i] = reached[i][1:]
				}
			}
			w.next = w.next[:0]
			for front := w.front; len(front) > 0; {
				rows := v.rowsAhead(w, front)
				for i, row := range rows {
					w.state[front[i]] = state(impact) | atDistance(d)
					v.reach(w, row, impact, d+1)
				}
				front = front[len(rows):]
			}
			w.queue = append(w.queue, w.front...)
			if len(w.front) > 0 {
				w.inOrder = append(w.inOrder, w.front...)
				w.buckets = append(w.buckets, bucket{int32(len(w.inOrder)), int32(d), impact})
			}
			w.front, w.next = w.next, w.front
		}
	}
}

// take puts an entity that was reached from a worse impact into the layer under way, unless a nearer or worse way to it
// was found.
func (v *view) take(w *scratch, a node, impact Impact) {
	if m := w.mark[a]; m&measured == 0 && m.impact() == impact {
		w.mark[a] |= measured
		w.front = append(w.front, a)
	}
}

// reach follows a row of needs to what has this impact, less than an outage: those whose source has the same by it are in
// the next layer, the others are noted for when their own impact is measured.
func (v *view) reach(w *scratch, row []inNeed, impact Impact, distance int) {
	marks, chosen, env := w.mark, v.chosen, v.env
	for _, need := range row {
		m := marks[need.from]
		if m&measured != 0 {
			continue
		}
		if e := need.attr.environment(); need.attr&chosen == 0 || e != envEvery && e != env {
			continue
		}
		if need.attr&attrHub != 0 {
			if w.enterHub(need.from, impact) {
				v.reach(w, v.needsTo(need.from), impact, distance)
			}
			continue
		}
		given := through(impact, need.attr.strength())
		if given == impact {
			marks[need.from] = mark(given) | measured
			w.next = append(w.next, need.from)
		} else {
			w.note(need.from, given, impact, distance)
		}
	}
}

// note remembers that an entity has an impact, if nothing worse, by what has a worse one; once from each of these, as the
// nearest comes first.
func (w *scratch) note(a node, given, from Impact, distance int) {
	if m := w.mark[a]; m.impact() < given || m.impact() == given && m.noted() != from {
		w.mark[a] = mark(given) | notedFrom(from)
		w.reached[given][Outage-from] = append(w.reached[given][Outage-from], distant{a, distance})
	}
}

// enterHub says whether the consumers of a topic are to be reached: once from each impact, by the nearest producer.
func (w *scratch) enterHub(hub node, impact Impact) bool {
	m := w.mark[hub]
	if m == 0 {
		w.hubs = append(w.hubs, hub)
	}
	w.mark[hub] = notedFrom(impact)
	return m.noted() != impact
}

// collect keeps the answer: the impacted, and the state of all.
func (b *Blast) collect(w *scratch) {
	b.states = b.view.keepStates(w)
	b.order.nodes = make([]node, 0, len(w.inOrder))
	start := int32(0)
	for _, bucket := range w.buckets {
		if b.limit == 0 || int(bucket.distance) <= b.limit {
			b.order.add(w.inOrder[start:bucket.end], bucket.impact, bucket.distance)
			b.totals[bucket.impact] += int(bucket.end - start)
		}
		start = bucket.end
	}
}
