package pairing

import (
	"github.com/orrery-catalog/orrery/catalog/traffic"
)

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
	for o, depth := n.within, 0; o >= 0 && depth < maxNesting; o, depth = w.nodes[o].within, depth+1 {
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
	for o, depth := n.within, 0; o >= 0 && depth < maxNesting; o, depth = w.nodes[o].within, depth+1 {
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
		if n.role == roleSend && outer.role == roleCreate {
			outer.satisfied = true // by this, which sends what that one created
			continue
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
