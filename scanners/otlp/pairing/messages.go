package pairing

import (
	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/scanners/otlp/spans"
)

// countMessages finds out which spans stand for messages, and counts those whose sender is in the trace or nowhere. The rest
// is for the linker.
func (s *shard) countMessages(t *trace) {
	w := &s.work
	any := false
	for i := range w.nodes {
		n := &w.nodes[i]
		if n.producer >= 0 && w.nodes[n.producer].role.sends() {
			s.nameTopic(n.producer, int32(i))
		}
		any = any || n.role.consumes() || n.role.sends() || n.producer >= 0
	}
	if !any {
		return
	}
	s.skipConsumers(t)
	for i := range w.nodes {
		n := &w.nodes[i]
		if n.role.consumes() && !n.skipped || n.producer >= 0 && !n.role.consumes() {
			s.countConsumption(t, int32(i))
		}
	}
	for i := range w.nodes {
		if n := &w.nodes[i]; n.role.sends() {
			s.countSend(t, int32(i))
		}
	}
}

// nameTopic gives a sender that names no topic the one that the consumer names, or the system.
func (s *shard) nameTopic(sender, consumer int32) {
	w := &s.work
	n, says, got := &w.nodes[sender], w.says[sender], w.says[consumer]
	switch {
	case says.topic == "":
		topic := s.names.node(got.topic)
		if !n.adopted || topic != 0 && s.names.nodes[topic] < s.names.nodes[n.named] {
			n.named, n.adopted = topic, topic != 0
		}
	case says.destination != "" && got.messaging != "":
		n.named = s.names.node(topicAlias(got.messaging, says.destination))
	}
}

func (s *shard) isTopic(node uint32) bool {
	return node != 0 && s.names.nodes[node].World() == catalog.WorldTopic
}

// skipConsumers finds the consuming spans that stand for messages which others stand for: to process wins over to receive, and of
// nested ones the outer counts, unless only the inner knows who sent.
func (s *shard) skipConsumers(t *trace) {
	w := &s.work
	for i := range w.nodes {
		n := &w.nodes[i]
		if !n.role.consumes() || n.message < 0 {
			continue
		}
		outer := &w.nodes[n.message]
		if n.role == roleProcess && outer.role == roleReceive {
			continue
		}
		if s.knowsSender(int32(i)) && !s.knowsSender(n.message) {
			outer.skipped = true
		} else {
			n.skipped = true
		}
	}
	for i := range w.nodes {
		if w.nodes[i].role == roleReceive && !w.nodes[i].skipped {
			s.skipReceived(int32(i))
		}
	}
}

// skipReceived decides between a span that received and those that process.
func (s *shard) skipReceived(received int32) {
	w := &s.work
	r := &w.nodes[received]
	processed, known := false, false
	of := func(i int32) bool {
		n := &w.nodes[i]
		return n.role == roleProcess && !n.skipped && n.service == r.service &&
			(n.message == received || sameTopic(w.says[i], w.says[received]))
	}
	if w.comparisons += len(w.nodes); w.comparisons > maxComparisons {
		return
	}
	for i := range w.nodes {
		if of(int32(i)) {
			processed = true
			known = known || s.knowsSender(int32(i))
		}
	}
	switch {
	case !processed:
	case s.knowsSender(received) && !known:
		for i := range w.nodes {
			if of(int32(i)) {
				w.nodes[i].skipped = true
			}
		}
	default:
		r.skipped = true
	}
}

func sameTopic(a, b *profile) bool { return a.topic == b.topic || a.topic == "" || b.topic == "" }

func (s *shard) knowsSender(i int32) bool {
	return s.work.nodes[i].producer >= 0 || s.work.spans[i].links != 0
}

// countConsumption counts the messages that a span stands for.
func (s *shard) countConsumption(t *trace, i int32) {
	w := &s.work
	n, r, says := &w.nodes[i], w.spans[i], w.says[i]
	topic := uint32(0)
	if n.role.consumes() {
		topic = s.names.node(says.topic)
	}
	isOld := r.flags&flagOld != 0
	messages := 0
	parent := n.producer
	for l := r.links; l != 0 && n.role.consumes(); {
		at := s.links.at(l)
		l = at.next
		if at.traceID == (spans.TraceID{}) || at.id == 0 {
			continue
		}
		messages++
		if at.traceID != t.id {
			if !isOld {
				s.linkMessage(i, at)
			}
			continue
		}
		sender := w.find(at.id)
		if sender == parent {
			parent = none
		}
		if sender >= 0 && w.nodes[sender].role.consumes() && w.nodes[sender].service == n.service {
			messages-- // it received what this one processes
			continue
		}
		if sender < 0 {
			if !isOld {
				s.countMessage(i, topic, 0, false)
				s.lose(r.origin, hourOf(r.start), traffic.LostUnlinkedConsumer, 1)
			}
			continue
		}
		if w.nodes[sender].role.sends() {
			s.nameTopic(sender, i)
			w.nodes[sender].consumed = true
		}
		s.countMessageOf(t, i, sender, topic)
	}
	if parent >= 0 {
		messages++
		s.countMessageOf(t, i, parent, topic)
	}
	if messages > 0 || isOld {
		return
	}
	if peer := s.names.node(says.peerAlias(s.names.services[r.service].namespace)); peer != 0 {
		s.countMessage(i, topic, peer, true)
		return
	}
	s.countMessage(i, topic, 0, false)
	s.lose(r.origin, hourOf(r.start), traffic.LostUnlinkedConsumer, 1)
}

// countMessageOf counts one message that a span of the same trace sent.
func (s *shard) countMessageOf(t *trace, i, sender int32, topic uint32) {
	w := &s.work
	from := &w.nodes[sender]
	if s.isTopic(from.named) && (topic == 0 || !from.adopted) {
		topic = from.named
	}
	if topic != 0 {
		w.touches = append(w.touches, touch{w.nodes[i].root, topic, !w.isNew(i)})
	}
	if !w.isNew(i) && (w.nodes[i].role.consumes() || !w.isNew(sender)) {
		return
	}
	if from.role.sends() && w.nodes[i].role != roleReceive {
		w.batch.processed = append(w.batch.processed, processed{
			messageKey{t.id, w.spans[sender].id}, s.names.services[w.spans[i].service].Alias,
		})
	}
	s.countMessage(i, topic, from.service, true)
}

// countMessage counts one message: the consumer's need of the topic, else of who sent it; and who got work from whom.
func (s *shard) countMessage(i int32, topic, sender uint32, known bool) {
	w := &s.work
	n, r := &w.nodes[i], w.spans[i]
	total := s.totals.at(r.origin, hourOf(r.start))
	call := called{
		from: r.service, to: topic, by: r, failed: r.flags&flagFailed != 0, weight: r.weight, duration: noDuration,
		protocol: w.says[i].messaging, segment: n.segment,
	}
	if call.protocol == "" && topic != 0 {
		call.protocol = systemOf(s.names.nodes[topic])
	}
	switch {
	case topic != 0:
		s.addCall(total, traffic.Consume, call)
	case known && sender == n.service:
		total.lost[traffic.LostSelfCall]++
	case known:
		call.to = sender
		s.addCall(total, traffic.Receive, call)
	}
	if topic != 0 {
		w.touches = append(w.touches, touch{n.root, topic, false})
	}
	if known && (topic != 0 || sender != n.service) {
		s.deliver(total, deliveryKey{r.service, topic, sender}, float64(r.weight), r.start)
	}
}

// isSent says whether the message that a span creates is sent by another span beside it.
func (s *shard) isSent(t *trace, created int32) bool {
	w := &s.work
	if w.comparisons += len(w.nodes); w.comparisons > maxComparisons {
		return false
	}
	c := &w.nodes[created]
	for i := range w.nodes {
		n := &w.nodes[i]
		if n.role != roleSend || n.service != c.service || !sameTopic(w.says[i], w.says[created]) {
			continue
		}
		if w.parent[i] >= 0 && w.parent[i] == w.parent[created] || w.isWithin(int32(i), created) || w.isWithin(created, int32(i)) {
			return true
		}
		for l := w.spans[i].links; l != 0; {
			at := s.links.at(l)
			if at.id == w.spans[created].id && at.traceID == t.id {
				return true
			}
			l = at.next
		}
	}
	return false
}

// isWithin says whether a span is below another in the tree, within one service.
func (w *work) isWithin(inner, outer int32) bool {
	for at, depth := w.nodes[inner].within, 0; at >= 0 && depth < maxNesting; at, depth = w.nodes[at].within, depth+1 {
		if at == outer {
			return true
		}
	}
	return false
}

// countSend tells the linker who sent, so that messages in other traces find it.
func (s *shard) countSend(t *trace, i int32) {
	w := &s.work
	n, r := &w.nodes[i], w.spans[i]
	if n.consumed && !s.isTopic(n.named) {
		n.satisfied = true // the consumer needs the service itself
	}
	if r.flags&flagOld != 0 {
		return
	}
	producer := producer{
		key: messageKey{t.id, r.id}, service: s.names.services[r.service].Alias, root: n.root,
	}
	if s.isTopic(n.named) {
		producer.topic = s.names.nodes[n.named]
	}
	w.batch.producers = append(w.batch.producers, producer)
}

// deferSend leaves a message to the linker that names no topic: perhaps a consumer does.
func (s *shard) deferSend(t *trace, i int32) {
	w := &s.work
	r, says := w.spans[i], w.says[i]
	if w.nodes[i].role == roleCreate && w.nodes[i].consumed {
		return
	}
	caller := &s.names.services[r.service]
	fallback := says.callee(caller)
	w.batch.sends = append(w.batch.sends, send{
		key: messageKey{t.id, r.id}, origin: r.origin, hour: hourOf(r.start), service: caller.ServiceKey,
		fallback: fallback, protocol: says.messaging, weight: float64(r.weight), start: r.start, duration: r.duration,
		failed: r.flags&flagFailed != 0 && r.answer != answerRefused,
	})
}

// linkMessage leaves a message to the linker whose sender is in another trace.
func (s *shard) linkMessage(i int32, to *link) {
	w := &s.work
	n, r, says := &w.nodes[i], w.spans[i], w.says[i]
	w.batch.messages = append(w.batch.messages, message{
		key: messageKey{to.traceID, to.id}, origin: r.origin, hour: hourOf(r.start),
		service: s.names.services[r.service].ServiceKey, topic: says.topic, protocol: says.messaging,
		received: n.role == roleReceive, weight: float64(r.weight), start: r.start, failed: r.flags&flagFailed != 0, root: n.root,
	})
}

// fillRecords prepares to count what messages touch that a trace sends, or that it is the reaction to.
func (s *shard) fillRecords(t *trace) {
	w := &s.work
	b := &w.batch
	if len(b.producers)+len(b.messages) == 0 || w.late {
		return
	}
	byRoot := map[int32]*reached{}
	of := func(at int32) *reached {
		if w.tops == 1 {
			at = w.only
		}
		if at < 0 {
			return nil
		}
		if byRoot[at] == nil {
			began := w.spans[at]
			record := &reached{touched: map[catalog.Alias]struct{}{}}
			if service := &s.names.services[began.service]; isEntry(w.nodes[at].role) {
				record.entry, record.service, record.origin = true, service.ServiceKey, began.origin
				record.hour, record.weight = hourOf(began.start), float64(began.weight)
			}
			for _, touch := range w.touches {
				if touch.root == at {
					record.touched[s.names.nodes[touch.node]] = struct{}{}
				}
			}
			byRoot[at] = record
		}
		return byRoot[at]
	}
	for i := range b.producers {
		b.producers[i].reached = of(b.producers[i].root)
	}
	for i := range b.messages {
		b.messages[i].reached = of(b.messages[i].root)
	}
}

// sender says who made a span, and to which topic it sent, where it is still held.
func (s *shard) sender(key messageKey) (service, topic catalog.Alias, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, there := s.byID[key.trace]
	if !there {
		return "", "", false
	}
	for i := s.traces.at(at).first; i != 0; {
		r := s.records.at(i)
		if r.id == key.span {
			says := &s.profiles.entries[r.profile]
			if says.role.sends() {
				topic = says.topic
			}
			return s.names.services[r.service].Alias, topic, true
		}
		i = r.next
	}
	return "", "", false
}
