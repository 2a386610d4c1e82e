package pairing

import (
	"cmp"
	"slices"
	"time"

	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/scanners/otlp/spans"
)

// made is one call, or one message sent, of a request of the caller.
type made struct {
	segment int32
	to      uint32
	way     traffic.Way
	failed  bool
	start   uint64
	id      uint64
	served  served
}

// served is the span that answered a call; zero where nobody did.
type served struct{ start, id uint64 }

// touch is something that a request touched.
type touch struct {
	root int32
	node uint32
	old  bool // it was counted when the trace was settled before
}

// count adds up what a trace says.
func (s *shard) count(t *trace) {
	if s.gather(t) == 0 {
		return
	}
	w := &s.work
	w.link()
	s.segments()
	w.made, w.touches = w.made[:0], w.touches[:0]
	w.batch.reset()
	s.nameCallees()
	s.countMessages(t)
	s.countRequests()
	s.countChanges()
	s.countNamedCallers()
	s.countLeaves(t)
	s.countTogether()
	s.countReach(t)
	s.pairer.linker.Take(&w.batch)
	evicted := t.evicted
	for i, r := range w.spans {
		if evicted && r.flags&flagOld == 0 {
			s.lose(r.origin, hourOf(r.start), traffic.LostEvicted, 1)
		}
		r.flags |= flagOld
		if w.parent[i] == noParent {
			r.flags |= flagOrphan
		}
	}
	t.evicted = false
}

// isNew says whether the span was not there when the trace was settled before.
func (w *work) isNew(i int32) bool { return w.spans[i].flags&flagOld == 0 }

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

func seconds(duration uint64) float64 { return float64(duration) / float64(time.Second) }

// nameCallees finds out whom the spans that call name.
func (s *shard) nameCallees() {
	w := &s.work
	for i := range w.nodes {
		if n := &w.nodes[i]; n.role.calls() {
			says := w.says[i]
			if n.role.sends() && says.target != targetTopic && says.target != targetDatabase {
				n.named = s.names.node(says.topic)
				continue // else by who got the message
			}
			n.named = s.nodeOf(says, w.spans[i].service)
		}
	}
}

// countChanges counts the calls that were answered: each change of service is one.
func (s *shard) countChanges() {
	w := &s.work
	for _, c := range w.changes {
		child, parent := w.spans[c.child], w.spans[c.parent]
		isLeaf := false
		for at := c.client; at >= 0; at = w.nodes[at].within {
			isLeaf = isLeaf || w.spans[at].flags&flagLeaf != 0
		}
		if c.client >= 0 {
			w.nodes[c.client].direct, w.nodes[c.client].satisfied = w.nodes[c.child].service, true
		}
		total := s.totals.at(child.origin, hourOf(child.start))
		switch isNew := child.flags&flagOld == 0; {
		case !isNew && (child.flags&flagOrphan == 0 || parent.flags&flagOld != 0):
			continue // it was counted
		case isLeaf:
			if isNew {
				total.lost[traffic.LostLate]++
			}
			continue
		case w.nodes[c.child].service == w.nodes[c.parent].service:
			total.lost[traffic.LostSelfCall]++
			continue
		}
		call := called{from: parent.service, to: w.nodes[c.child].service, segment: w.nodes[c.parent].segment, by: child, servedBy: served{child.start, child.id}}
		call.protocol = "http"
		call.failed = child.flags&flagFailed != 0 && (child.kind != spans.KindClient || child.answer != answerRefused)
		call.weight, call.duration = child.weight, child.duration
		database := ""
		// Of a span that calls somebody else in turn, the attributes are those of its own call.
		if n, says := &w.nodes[c.child], w.says[c.child]; !n.role.calls() || n.named == n.service {
			call.operation, database = says.operation, says.database
			if says.rpc {
				call.protocol = "grpc"
			}
		}
		if c.client >= 0 {
			client, says := w.spans[c.client], w.says[c.client]
			call.by = client
			call.weight = max(call.weight, client.weight)
			if client.duration != noDuration {
				call.duration = client.duration
			}
			if client.flags&flagFailed != 0 && client.answer != answerRefused &&
				(client.answer != answerUnknown || child.answer != answerRefused) {
				call.failed = true
			}
			if says.rpc {
				call.protocol = "grpc"
			}
			if w.nodes[c.client].role.sends() && says.messaging != "" {
				call.protocol = says.messaging
			}
			if call.operation == "" {
				call.operation = says.operation
			}
			for at := c.client; at >= 0; at = w.nodes[at].within {
				if outer := w.says[at]; outer.database != "" && (at == c.client || sameCall(outer, says)) {
					database = outer.database
					break
				}
			}
		}
		if database != "" {
			call.protocol = database
		}
		s.addCall(total, traffic.Call, call)
	}
}

// countNamedCallers counts calls whose caller was not seen, where the server names it.
func (s *shard) countNamedCallers() {
	w := &s.work
	for i, r := range w.spans {
		n, says := &w.nodes[i], w.says[i]
		if n.role != roleServer || w.parent[i] >= 0 || says.peer == "" || r.flags&flagOld != 0 {
			continue
		}
		server := &s.names.services[r.service]
		caller := says.peerAlias(server.namespace)
		if caller == "" || caller == server.Alias {
			continue
		}
		total := s.totals.at(r.origin, hourOf(r.start))
		from := s.names.numberOf(service{ServiceKey: traffic.ServiceKey{Alias: caller, Environment: server.Environment}})
		if from == 0 {
			total.lost[traffic.LostTooManyServices]++
			continue
		}
		protocol := "http"
		if says.rpc {
			protocol = "grpc"
		}
		s.addCall(total, traffic.Call, called{
			from: from, to: n.service, segment: none, by: r, weight: r.weight, duration: r.duration,
			failed: r.flags&flagFailed != 0, protocol: protocol, operation: says.operation,
		})
	}
}

// called is one call to be counted.
type called struct {
	from, to            uint32 // a service, a node
	segment             int32
	by                  *record // whose start is the call's
	servedBy            served
	failed              bool
	weight              float32
	duration            uint64
	protocol, operation string
}

func (s *shard) addCall(total *total, way traffic.Way, call called) {
	w := &s.work
	flow := s.flow(total, flowKey{call.from, call.to, way})
	weight := float64(call.weight)
	if flow == nil {
		total.lost[traffic.LostTooManyFlows]++
		return
	}
	flow.Requests += weight
	errors := 0.0
	if call.failed {
		errors = weight
		flow.Errors += weight
	}
	if call.duration != noDuration {
		flow.Latency.Add(seconds(call.duration), weight)
	}
	if flow.Protocol == "" || flow.Protocol == "http" || call.protocol < flow.Protocol && call.protocol != "http" {
		if call.protocol != "" {
			flow.Protocol = call.protocol
		}
	}
	flow.Sampled = flow.Sampled || call.weight != 1
	seen(&flow.First, &flow.Last, call.by.start)
	if call.operation != "" {
		flow.AddOperation(call.operation, weight, errors)
	}
	if call.segment >= 0 && (way == traffic.Call || way == traffic.Publish) {
		w.made = append(w.made, made{
			call.segment, call.to, way, call.failed, call.by.start, call.by.id, call.servedBy})
	}
}

// countLeaves counts calls that nobody answered: to whom the attributes name. Spans within a call are part of it, unless they
// name another.
func (s *shard) countLeaves(t *trace) {
	w := &s.work
	for j := len(w.order) - 1; j >= 0; j-- {
		i := w.order[j]
		n := &w.nodes[i]
		if !n.role.calls() {
			continue
		}
		if n.satisfied {
			if n.direct != 0 || n.consumed {
				s.satisfyOuter(i)
			}
			continue
		}
		if n.role == roleCreate && s.isSent(t, i) {
			continue
		}
		s.countLeaf(t, i)
	}
}

// satisfyOuter marks the spans around a call that is counted which stand for the same call.
func (s *shard) satisfyOuter(i int32) {
	w := &s.work
	n := &w.nodes[i]
	for o := n.within; o >= 0; o = w.nodes[o].within {
		outer := &w.nodes[o]
		if outer.named != 0 && outer.named != n.direct && !sameCall(w.says[o], w.says[i]) && !s.hostOfService(o, n.direct) {
			return
		}
		outer.satisfied = true
	}
}

// hostOfService says whether the host that a span names is the service's, by its name.
func (s *shard) hostOfService(o int32, service uint32) bool {
	says := s.work.says[o]
	if service == 0 || says.target != targetHost {
		return false
	}
	return sameHost(says.place.host, lastWord(serviceName(s.names.nodes[service])))
}

func lastWord(name string) string {
	for i := len(name) - 1; i >= 0; i-- {
		if name[i] == '/' {
			return name[i+1:]
		}
	}
	return name
}

func (s *shard) countLeaf(t *trace, i int32) {
	w := &s.work
	n, says, r := &w.nodes[i], w.says[i], w.spans[i]
	named := n.named
	if named == 0 {
		if n.within >= 0 {
			if w.spans[n.within].flags&flagLeaf != 0 {
				r.flags |= flagLeaf
			}
			return
		}
		if r.flags&flagOld == 0 {
			if n.role.sends() {
				s.deferSend(t, i)
			} else {
				s.lose(r.origin, hourOf(r.start), traffic.LostUnmatchedClient, 1)
			}
		}
		return
	}
	protocol := "http"
	if says.rpc {
		protocol = "grpc"
	}
	if says.database != "" {
		protocol = says.database
	}
	for o := n.within; o >= 0; o = w.nodes[o].within {
		outer, around := &w.nodes[o], w.says[o]
		if outer.named == 0 {
			if around.database != "" && around.place.host == "" && says.target == targetHost { // it goes by HTTP
				caller := &s.names.services[r.service]
				name := around.databaseName
				if other := s.names.node(databaseAlias(around.database, says.place, name, caller.Alias)); other != 0 {
					named, protocol = other, around.database
				}
			}
			outer.satisfied = true
			continue
		}
		if !sameCall(around, says) {
			break
		}
		if tellsMore(around, says) && !outer.satisfied {
			outer.satisfied = true
			continue
		}
		if outer.direct == 0 {
			r.flags |= flagLeaf // as part of the other
		}
		return
	}
	way := traffic.Call
	if n.role.sends() && s.isTopic(named) {
		way, protocol = traffic.Publish, systemOf(s.names.nodes[named])
	}
	w.touches = append(w.touches, touch{n.root, named, r.flags&flagOld != 0})
	if r.flags&flagOld != 0 {
		return
	}
	r.flags |= flagLeaf
	total := s.totals.at(r.origin, hourOf(r.start))
	if named == n.service {
		total.lost[traffic.LostSelfCall]++
		return
	}
	s.addCall(total, way, called{
		from: r.service, to: named, segment: n.segment, by: r, weight: r.weight, duration: r.duration,
		failed:   r.flags&flagFailed != 0 && r.answer != answerRefused,
		protocol: protocol, operation: says.operation,
	})
}

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
		flow := s.totals.at(request.origin, hourOf(m.start)).flows[flowKey{request.service, m.to, m.way}]
		if flow == nil {
			continue
		}
		failed := request.flags&flagFailed != 0
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
