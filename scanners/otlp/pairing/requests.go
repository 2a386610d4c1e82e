package pairing

import (
	"cmp"
	"slices"

	"github.com/orrery-catalog/orrery/catalog/traffic"
)

// countRequests counts what services served, where traces began, and spans whose parents are missing.
func (s *shard) countRequests() {
	w := &s.work
	for i, r := range w.spans {
		n, p := &w.nodes[i], w.parent[i]
		if n.segment != int32(i) {
			continue
		}
		w.touches = append(w.touches, touch{n.root, n.service, r.flags&flagOld != 0})
		if r.flags&flagOld != 0 {
			continue
		}
		total := s.totals.at(r.origin, hourOf(r.start))
		if p == noParent {
			total.lost[traffic.LostMissingParent]++
		}
		service := s.serviceTotal(total, r.service)
		seen(&service.First, &service.Last, r.start)
		if p == noParent && n.role != roleServer && !n.role.consumes() || n.skipped {
			continue
		}
		weight := float64(r.weight)
		service.Requests += weight
		if r.flags&flagFailed != 0 {
			service.Errors += weight
		}
		if r.duration != noDuration {
			service.Latency.Add(seconds(r.duration), weight)
		}
		if p == root && isEntry(n.role) {
			service.Entries += weight
		}
	}
}

// isEntry says whether a root span of the role is no reaction to a message.
func isEntry(r role) bool { return !r.consumes() && r != roleSettle }

// countTogether counts, for each request and each that it called, how the last call ended and how the request did.
func (s *shard) countTogether() {
	w := &s.work
	if len(w.made) == 0 {
		return
	}
	slices.SortFunc(w.made, func(a, b made) int {
		if a.segment != b.segment {
			return cmp.Compare(a.segment, b.segment)
		}
		if a.to != b.to {
			return cmp.Compare(a.to, b.to)
		}
		if a.way != b.way {
			return cmp.Compare(a.way, b.way)
		}
		if a.start != b.start {
			return cmp.Compare(a.start, b.start)
		}
		if a.id != b.id {
			return cmp.Compare(a.id, b.id)
		}
		if a.served.start != b.served.start { // one client may have been served several times
			return cmp.Compare(a.served.start, b.served.start)
		}
		return cmp.Compare(a.served.id, b.served.id)
	})
	for i, m := range w.made {
		if i+1 < len(w.made) {
			if next := w.made[i+1]; next.segment == m.segment && next.to == m.to && next.way == m.way {
				continue
			}
		}
		request := w.spans[m.segment]
		role := w.nodes[m.segment].role
		unknown := w.parent[m.segment] == noParent && role != roleServer && !role.consumes()
		if unknown || request.flags&flagOld != 0 || request.id == m.id {
			continue // how the request ended is not known, or was counted, or is nothing but the call
		}
		flow, failed := m.flow, request.flags&flagFailed != 0
		switch {
		case m.failed && failed:
			flow.Together.BothFailed++
		case m.failed:
			flow.Together.CallFailed++
		case failed:
			flow.Together.RequestFailed++
		default:
			flow.Together.NoneFailed++
		}
	}
}

// countReach counts what the requests that began in the trace touched, and prepares to count what messages of them touch.
func (s *shard) countReach(t *trace) {
	w := &s.work
	if w.tops == 0 {
		return
	}
	if w.tops == 1 {
		for i := range w.touches {
			w.touches[i].root = w.only
		}
	}
	slices.SortFunc(w.touches, func(a, b touch) int {
		if a.root != b.root {
			return cmp.Compare(a.root, b.root)
		}
		if a.node != b.node {
			return cmp.Compare(a.node, b.node)
		}
		if a.old == b.old {
			return 0
		}
		if a.old {
			return -1
		}
		return 1
	})
	for i, at := range w.touches {
		if at.root < 0 || i > 0 && w.touches[i-1].root == at.root && w.touches[i-1].node == at.node {
			continue
		}
		began := w.spans[at.root]
		if began.flags&flagOld != 0 && at.old || !isEntry(w.nodes[at.root].role) || at.node == w.nodes[at.root].service {
			continue
		}
		s.touch(s.totals.at(began.origin, hourOf(began.start)), reachKey{began.service, at.node}, float64(began.weight))
	}
	s.fillRecords(t)
}
