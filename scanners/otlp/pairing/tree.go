package pairing

import (
	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/scanners/otlp/spans"
)

// What stands for the parent of a span that has none in its trace.
const (
	noParent      = -1 // it never came
	root          = -2 // it has none
	none          = -1
	maxSmallTrace = 16
	// maxNesting is how many calls around a span are looked at, and maxComparisons how often spans of messages of a trace are
	// compared: nobody sends a trace that needs so many but to keep us busy.
	maxNesting     = 64
	maxComparisons = 1 << 21
)

// work is the tree of the trace that is being settled. Its slices, one element a span, are used again for each trace.
type work struct {
	numbers []uint32 // of the records
	spans   []*record
	says    []*profile
	table   []int32 // spans by id
	parent  []int32
	order   []int32 // parents before children
	stack   []int32
	state   []uint8

	nodes []node
	// changes are the spans whose parent is another service.
	changes []change
	made    []made
	touches []touch
	batch   batch
	late    bool // some of it was settled before
	// comparisons of spans of messages so far.
	comparisons int
	seed        uint64 // of the table, so that nobody can choose ids that meet in it
	// tops are the spans that requests or reactions begin with, only is the one where there is one.
	tops     int
	only     int32
	rootless bool // the tops have parents, which never came
}

// node is what is found out about a span.
type node struct {
	service uint32 // as a node of names
	segment int32  // the span with which the request that it is part of began at the service
	root    int32  // the root that its chain of parents ends at
	within  int32  // the nearest span around it, of the same request, that calls
	message int32  // the nearest span around it, of the same service, that consumes
	// producer is the span that sent the message which this one consumes, in the same trace.
	producer int32
	named    uint32 // node whom a calling span names
	direct   uint32 // node of the service that answered a calling span
	role     role
	// satisfied: what a calling span stands for is counted elsewhere, or is nothing.
	satisfied bool
	skipped   bool // a consuming span that stands for what another stands for
	consumed  bool // a sending span whose message was consumed within the trace
	adopted   bool // named is a topic that only a consumer named
}

type change struct{ child, parent, client int32 }

// gather lists the spans of a trace, each id once: the first that came.
func (s *shard) gather(t *trace) int {
	w := &s.work
	w.numbers, w.spans, w.says = w.numbers[:0], w.spans[:0], w.says[:0]
	w.late, w.comparisons = false, 0
	size := 2 * maxSmallTrace
	for size < 2*int(t.spans) {
		size *= 2
	}
	w.table = grown(w.table, size)
	clear(w.table)
	before := uint32(0)
	for i := t.first; i != 0; {
		r := s.records.at(i)
		next := r.next
		if w.insert(r, i, &s.profiles) {
			before = i
		} else {
			s.lose(r.origin, hourOf(r.start), traffic.LostDuplicate, 1)
			if before != 0 {
				s.records.at(before).next = next
			}
			if t.last == i {
				t.last = before
			}
			t.spans--
			s.drop(i, r)
		}
		i = next
	}
	return len(w.spans)
}

func grown[T any](slice []T, size int) []T {
	if cap(slice) < size {
		return make([]T, size)
	}
	return slice[:size]
}

const spread = 0x9E3779B97F4A7C15

func (w *work) slot(id uint64) uint64 { return (id * w.seed) >> 32 & uint64(len(w.table)-1) }

// find is the span of the id, or none.
func (w *work) find(id uint64) int32 {
	for slot := w.slot(id); ; slot = (slot + 1) & uint64(len(w.table)-1) {
		at := w.table[slot] - 1
		if at < 0 || w.spans[at].id == id {
			return at
		}
	}
}

// insert takes the span in, unless its id is taken. Client and server of one call may share an id, as Zipkin's do: then the
// server gets one of its own.
func (w *work) insert(r *record, i uint32, profiles *profiles) bool {
	if there := w.find(r.id); there >= 0 {
		switch other := w.spans[there]; {
		case r.kind == spans.KindServer && other.kind == spans.KindClient:
			other.flags |= flagShared
			r.parent, r.id = r.id, serverID(r.id)
			if w.find(r.id) >= 0 {
				return false
			}
		case r.kind == spans.KindClient && other.kind == spans.KindServer && other.flags&flagShared == 0:
			if w.find(serverID(r.id)) >= 0 {
				return false
			}
			r.flags |= flagShared
			w.add(r, i, profiles)
			w.put(r.id, int32(len(w.spans)-1), there)
			other.parent, other.id = r.id, serverID(r.id)
			w.put(other.id, there, none)
			return true
		default:
			return false
		}
	}
	w.add(r, i, profiles)
	w.put(r.id, int32(len(w.spans)-1), none)
	return true
}

func (w *work) add(r *record, i uint32, profiles *profiles) {
	w.numbers, w.spans = append(w.numbers, i), append(w.spans, r)
	w.says = append(w.says, &profiles.entries[r.profile])
	w.late = w.late || r.flags&flagOld != 0
}

// put writes the span into the table, in place of another or where nothing is.
func (w *work) put(id uint64, at, replaced int32) {
	for slot := w.slot(id); ; slot = (slot + 1) & uint64(len(w.table)-1) {
		if w.table[slot] == replaced+1 {
			w.table[slot] = at + 1
			return
		}
	}
}

// serverID is the id of the server's half of a shared one.
func serverID(id uint64) uint64 {
	if id = id*spread ^ id>>7; id == 0 {
		return 1
	}
	return id
}

// link finds the parents and orders the spans. Circles are cut open at the smallest id.
func (w *work) link() {
	n := len(w.spans)
	w.parent, w.state, w.order = grown(w.parent, n), grown(w.state, n), w.order[:0]
	for i, r := range w.spans {
		switch r.parent {
		case 0:
			w.parent[i] = root
		case r.id:
			w.parent[i] = noParent
		default:
			w.parent[i] = w.parentOf(r)
		}
		w.state[i] = 0
	}
	for i := range w.spans {
		w.visit(int32(i))
	}
	w.findTops()
}

// findTops finds the roots, else the spans without a parent that react to messages.
func (w *work) findTops() {
	w.tops, w.only, w.rootless = 0, none, false
	for i, p := range w.parent {
		if p == root {
			w.tops, w.only = w.tops+1, int32(i)
		}
	}
	if w.tops == 0 {
		w.rootless = true
		for i, p := range w.parent {
			if p == noParent && w.says[i].role.consumes() {
				w.tops, w.only = w.tops+1, int32(i)
			}
		}
	}
	if w.tops != 1 {
		w.only = none
	}
}

func (w *work) parentOf(r *record) int32 {
	at := w.find(r.parent)
	if at < 0 || w.spans[at].flags&flagShared == 0 {
		return at
	}
	server := w.find(serverID(r.parent))
	if server < 0 || w.spans[server] == r || w.spans[server].service != r.service {
		return at
	}
	return server
}

// The states of visit.
const (
	unseen = iota
	entered
	done
)

func (w *work) visit(i int32) {
	for w.state[i] != done {
		w.stack = w.stack[:0]
		at := i
		for at >= 0 && w.state[at] == unseen {
			w.state[at] = entered
			w.stack = append(w.stack, at)
			at = w.parent[at]
		}
		if at >= 0 && w.state[at] == entered {
			least := at
			for next := w.parent[at]; next != at; next = w.parent[next] {
				if w.spans[next].id < w.spans[least].id {
					least = next
				}
			}
			w.parent[least] = noParent
			for _, on := range w.stack {
				w.state[on] = unseen
			}
			continue
		}
		for j := len(w.stack) - 1; j >= 0; j-- {
			w.state[w.stack[j]] = done
			w.order = append(w.order, w.stack[j])
		}
	}
}

// segments finds out, from the roots down, which request each span is part of, and where the services change.
func (s *shard) segments() {
	w := &s.work
	w.nodes = grown(w.nodes, len(w.spans))
	w.changes = w.changes[:0]
	for _, i := range w.order {
		r, p := w.spans[i], w.parent[i]
		n := &w.nodes[i]
		*n = node{
			service: s.names.services[r.service].node, segment: i, root: none, within: none, message: none, producer: none,
			role: w.says[i].role,
		}
		if p < 0 {
			if p == root || w.rootless && n.role.consumes() {
				n.root = i
			}
			continue
		}
		above := &w.nodes[p]
		n.root = above.root
		caller := above.within
		if above.role.calls() {
			caller = p
		}
		if n.service != above.service {
			s.changeOfService(i, p, caller)
			continue
		}
		switch {
		case n.role == roleServer && (caller >= 0 || r.flags&flagRemote != 0):
			w.changes = append(w.changes, change{i, p, caller}) // a service that calls itself
			continue
		case n.role.consumes() && caller >= 0 && w.nodes[caller].role.sends():
			n.producer = caller
			w.nodes[caller].consumed = true
			continue
		}
		n.message = above.message
		if above.role.consumes() {
			n.message = p
		}
		if n.role.consumes() && (n.message < 0 || w.nodes[n.message].role == roleReceive && n.role == roleProcess) {
			continue
		}
		n.segment, n.within = above.segment, caller
	}
}

// changeOfService notes a span whose parent is another service: a call, or a message that it got.
func (s *shard) changeOfService(i, p, caller int32) {
	w := &s.work
	n := &w.nodes[i]
	sent := caller >= 0 && w.nodes[caller].role.sends()
	if !n.role.consumes() && (!sent || n.role == roleServer) {
		w.changes = append(w.changes, change{i, p, caller})
		return
	}
	n.producer = p
	if caller >= 0 {
		n.producer = caller
		w.nodes[caller].consumed = true
		if w.nodes[caller].role == roleClient && w.says[caller].target != targetDatabase {
			w.nodes[caller].role = roleSend
		}
	}
}
