package pairing

import (
	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/traffic"
)

// producer is a span that sent.
type producer struct {
	key            messageKey
	service, topic catalog.Alias
	named          catalog.Alias // the first, in their order, of the topics that consumers name
	reached        *reached
	root           int32
	send           *send           // that waits for a consumer to name the topic
	processed      []catalog.Alias // services that processed its message
	received       []message       // that wait whether the same service processes them
	bytes          int64
}

// send is a message that was sent, to a topic that its sender does not name.
type send struct {
	key             messageKey
	origin          uint32
	hour            traffic.Hour
	service         traffic.ServiceKey
	fallback        catalog.Alias
	protocol        string
	weight          float64
	start, duration uint64
	failed          bool
}

// message is one that was consumed, whose sender is in another trace.
type message struct {
	key      messageKey // of the sender
	origin   uint32
	hour     traffic.Hour
	service  traffic.ServiceKey
	topic    catalog.Alias
	protocol string
	received bool
	weight   float64
	start    uint64
	failed   bool
	root     int32
	reached  *reached
	bytes    int64
}

// reached is what a request, or the reaction to a message, touched.
type reached struct {
	entry   bool // it is a request that began at the service
	service traffic.ServiceKey
	origin  uint32
	hour    traffic.Hour
	weight  float64
	touched map[catalog.Alias]struct{}
	from    []*reached // which sent the messages that it reacts to
	// senders are the producers held that it is of. When the last is forgotten it is empty, so that no chain of messages is held
	// by its end.
	senders int
	bytes   int64
}

// process notes that a service processed the message.
func (p *producer) process(service catalog.Alias) {
	const most = 64
	if !contains(p.processed, service) && len(p.processed) < most {
		p.processed = append(p.processed, service)
	}
}

// touch adds something to what a request touched, and to whatever that is the reaction to.
func (l *linker) touch(r *reached, alias catalog.Alias, depth int) {
	const deepest = 32 // messages one after the other
	if _, there := r.touched[alias]; there || r.touched == nil || len(r.touched) >= maxTouched || depth > deepest {
		return
	}
	r.touched[alias] = struct{}{}
	if r.senders > 0 {
		r.bytes += touchedBytes
		l.bytes += touchedBytes
	}
	if r.entry && alias != r.service.Alias {
		counts := l.at(r.origin, r.hour)
		key := traffic.ReachKey{Entry: r.service.Alias, Touched: alias, Environment: r.service.Environment}
		if _, there := counts.Reach[key]; there || l.room(0) {
			before := len(counts.Reach)
			counts.Touch(key, r.weight)
			l.counted += reachBytes * int64(len(counts.Reach)-before)
		}
	}
	for _, from := range r.from {
		l.touch(from, alias, depth+1)
	}
}

// hold counts a producer of the request.
func (l *linker) hold(r *reached) {
	if r == nil {
		return
	}
	if r.senders++; r.senders == 1 {
		r.bytes = touchedBytes * int64(len(r.touched))
		l.bytes += r.bytes
	}
}

// letGo forgets a producer of the request.
func (l *linker) letGo(r *reached) {
	if r == nil {
		return
	}
	if r.senders--; r.senders == 0 {
		l.bytes -= r.bytes
		r.touched, r.from, r.bytes = nil, nil, 0
	}
}

// addMessage counts what a message says of its consumer, as countMessage does.
func (l *linker) addMessage(m message, topic, sender catalog.Alias) {
	counts := l.at(m.origin, m.hour)
	key := traffic.FlowKey{From: m.service.Alias, To: topic, Way: traffic.Consume, Environment: m.service.Environment}
	if topic == "" {
		if sender == m.service.Alias {
			counts.Lose(traffic.LostSelfCall, 1)
			return
		}
		key.To, key.Way = sender, traffic.Receive
	}
	if m.protocol == "" {
		m.protocol = systemOf(topic)
	}
	if key.To != "" {
		l.addFlow(counts, key, m.weight, m.failed, noDuration, m.start, m.protocol)
	}
	if sender == "" {
		counts.Lose(traffic.LostUnlinkedConsumer, 1)
		return
	}
	delivery := traffic.DeliveryKey{
		Consumer: m.service.Alias, Topic: topic, Producer: sender, Environment: m.service.Environment,
	}
	if counts.Deliveries[delivery] == nil {
		if !l.room(len(counts.Deliveries)) {
			counts.Lose(traffic.LostTooManyFlows, 1)
			return
		}
		l.counted += deliveryBytes
	}
	d := counts.Delivery(delivery)
	d.Messages += m.weight
	seen(&d.First, &d.Last, m.start)
}

func (l *linker) addFlow(
	counts *traffic.Counts, key traffic.FlowKey, weight float64, failed bool, duration, start uint64, protocol string,
) *traffic.Flow {
	if counts.Flows[key] == nil {
		if !l.room(len(counts.Flows)) {
			counts.Lose(traffic.LostTooManyFlows, 1)
			return nil
		}
		l.counted += flowBytes
	}
	flow := counts.Flow(key)
	flow.Requests += weight
	if failed {
		flow.Errors += weight
	}
	if duration != noDuration {
		flow.Latency.Add(seconds(duration), weight)
	}
	if protocol != "" && (flow.Protocol == "" || protocol < flow.Protocol) {
		flow.Protocol = protocol
	}
	flow.Sampled = flow.Sampled || weight != 1
	seen(&flow.First, &flow.Last, start)
	return flow
}

func (l *linker) addSend(s *send, to catalog.Alias, way traffic.Way) {
	counts := l.at(s.origin, s.hour)
	if to == s.service.Alias {
		counts.Lose(traffic.LostSelfCall, 1)
		return
	}
	l.addFlow(counts, traffic.FlowKey{From: s.service.Alias, To: to, Way: way, Environment: s.service.Environment},
		s.weight, s.failed, s.duration, s.start, s.protocol)
}
