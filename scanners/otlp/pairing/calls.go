package pairing

import (
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
	flow    *traffic.Flow // that it was counted in
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
		for at, depth := c.client, 0; at >= 0 && depth < maxNesting; at, depth = w.nodes[at].within, depth+1 {
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
			for at, depth := c.client, 0; at >= 0 && depth < maxNesting; at, depth = w.nodes[at].within, depth+1 {
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
		s.operation(total, flow, call.operation, weight, errors)
	}
	if call.segment >= 0 && (way == traffic.Call || way == traffic.Publish) {
		w.made = append(w.made, made{
			call.segment, call.to, way, call.failed, call.by.start, call.by.id, call.servedBy, flow,
		})
	}
}
