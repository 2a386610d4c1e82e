package graph

import (
	"slices"

	"github.com/orrery-catalog/orrery/catalog"
)

// spreadOutage finds every outage, from those of the failed in the queue, with its distance: breadth first, so that most
// entities are reached by a nearest way first. What is hit less by an outage is noted on the way.
//
// An outage is the only impact that takes counting, as all members of a group must be lost. The last one decides that the
// group is, but the first one how near it is: where these are not in one layer, distances come out too large and are mended
// afterwards.
func (v *view) spreadOutage(w *scratch) {
	failed := len(w.queue)
	for first, d := 0, 0; first < len(w.queue); d++ {
		end := len(w.queue)
		for first < end {
			rows := v.rowsAhead(w, w.queue[first:end])
			for i, row := range rows {
				lost := w.queue[first+i]
				w.state[lost] = state(Outage) | atDistance(d)
				v.reachByOutage(w, lost, row, d+1)
			}
			first += len(rows)
		}
		if count := len(w.queue) - end; count > 0 {
			w.buckets = append(w.buckets, bucket{int32(len(w.queue) - failed), int32(d + 1), Outage})
		}
	}
	if len(w.nearer) > 0 {
		v.mend(w, w.queue[failed:])
	}
	w.inOrder = append(w.inOrder, w.queue[failed:]...)
}

// reachByOutage follows the row of needs to b, which is out.
func (v *view) reachByOutage(w *scratch, b node, row []inNeed, distance int) {
	marks, chosen, env := w.mark, v.chosen, v.env
	lastGroup := int32(noGroup)
	for i, need := range row {
		m := marks[need.from]
		if m&measured != 0 && need.attr&attrGrouped == 0 {
			continue
		}
		if e := need.attr.environment(); need.attr&chosen == 0 || e != envEvery && e != env {
			continue
		}
		if need.attr&attrHub != 0 {
			if w.enterHub(need.from, Outage) {
				v.reachByOutage(w, need.from, v.needsTo(need.from), distance)
			}
			continue
		}
		given := through(Outage, need.attr.strength())
		if given == Outage && need.attr&attrGrouped != 0 {
			number := v.groupOf(b, i, need)
			if number == lastGroup { // several relations to the same member
				continue
			}
			lastGroup = number
			if !v.lose(w, number) {
				given = Degraded
			} else if nearest := v.nearestOf(w, need.from, number); nearest+1 < distance {
				w.nearer = append(w.nearer, distant{need.from, nearest + 1})
			}
		}
		switch {
		case m&measured != 0: // it is out by a nearer or an equal way, or was mended just now
		case given == Outage:
			marks[need.from] = mark(Outage) | measured
			w.queue = append(w.queue, need.from)
		default:
			w.note(need.from, given, Outage, distance)
		}
	}
}

// lose counts a lost member of a group and says whether that was the last.
func (v *view) lose(w *scratch, number int32) bool {
	if w.left[number] == 0 {
		w.hit = append(w.hit, number)
		w.left[number] = v.size(number) + 1
	}
	w.left[number]--
	return w.isLost(number)
}

// nearestOf is the least distance of the members of a group of a, of which all are lost.
func (v *view) nearestOf(w *scratch, a node, number int32) int {
	nearest := -1
	for _, need := range v.needsOf(a) {
		if need.group != number || !v.counts(need.attr) || need.attr.strength() != catalog.Hard {
			continue
		}
		if d := w.state[need.to].distance(); d >= 0 && (nearest < 0 || d < nearest) {
			nearest = d
		}
	}
	return nearest
}

// mend brings distances of outages down to what the nearest members of lost groups make of them, the nearest first, and
// notes anew what is hit less by them. Then it puts the outages into the order of distance.
func (v *view) mend(w *scratch, out []node) {
	farthest := int(w.buckets[len(w.buckets)-1].distance)
	layers := make([][]node, farthest+1)
	for _, n := range w.nearer {
		layers[n.distance] = append(layers[n.distance], n.a)
	}
	hubs := map[node]bool{}
	for d := range layers {
		for i := 0; i < len(layers[d]); i++ {
			a := layers[d][i]
			if w.state[a].distance() > d {
				w.state[a] = state(Outage) | atDistance(d)
				v.mendFrom(w, a, d+1, layers, hubs)
			}
		}
	}
	w.order(out, farthest)
}

func (v *view) mendFrom(w *scratch, b node, distance int, layers [][]node, hubs map[node]bool) {
	for i, need := range v.needsTo(b) {
		if !v.counts(need.attr) {
			continue
		}
		if need.attr&attrHub != 0 {
			if !hubs[need.from] {
				hubs[need.from] = true
				v.mendFrom(w, need.from, distance, layers, hubs)
			}
			continue
		}
		given := through(Outage, need.attr.strength())
		if given == Outage && need.attr&attrGrouped != 0 && !w.isLost(v.groupOf(b, i, need)) {
			given = Degraded
		}
		switch {
		case given == Outage:
			if w.state[need.from].distance() > distance {
				layers[distance] = append(layers[distance], need.from)
			}
		case w.mark[need.from].impact() == given:
			w.reached[given][mendedReach] = append(w.reached[given][mendedReach], distant{need.from, distance})
		}
	}
}

// order sorts outages by distance.
func (w *scratch) order(out []node, farthest int) {
	ends := make([]int32, farthest+2) // of the entities with a distance one less
	for _, a := range out {
		ends[w.state[a].distance()+1]++
	}
	for d := range farthest + 1 {
		ends[d+1] += ends[d]
	}
	unordered := append(w.front[:0], out...)
	at := slices.Clone(ends)
	for _, a := range unordered {
		d := w.state[a].distance()
		out[at[d]] = a
		at[d]++
	}
	w.front = unordered[:0]
	w.buckets = w.buckets[:0]
	for d := 1; d <= farthest; d++ {
		if ends[d+1] > ends[d] {
			w.buckets = append(w.buckets, bucket{ends[d+1], int32(d), Outage})
		}
	}
}
