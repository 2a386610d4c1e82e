package pairing

import (
	"sync"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/scanners/otlp/spans"
)

// linker pairs messages with those who sent them in other traces, by links. What it holds is bounded; the oldest goes first.
type linker struct {
	pairer *Pairer

	mu        sync.Mutex
	producers map[messageKey]*producer
	order     []messageKey // of producers, as they came
	waiting   map[messageKey][]message
	queue     []waiting // of messages and sends, as they came
	totals    map[uint32]map[traffic.Hour]*traffic.Counts
	bytes     int64
	counted   int64 // bytes of totals
	maxBytes  int64 // of each of the two
	messages  int
}

// The shares of the memory.
const (
	shareOfAll   = 8
	shareOfLinks = 1
)

// About how much memory one of them takes.
const (
	producerBytes = 400
	messageBytes  = 450
	touchedBytes  = 100
	maxTouched    = 1000
)

type messageKey struct {
	trace spans.TraceID
	span  uint64
}

// batch is what a trace leaves to the linker.
type batch struct {
	producers []producer
	sends     []send
	messages  []message
	processed []processed
}

// processed says that a service processed a message within the trace of its sender.
type processed struct {
	key     messageKey
	service catalog.Alias
}

func (b *batch) reset() {
	clear(b.producers)
	clear(b.sends)
	clear(b.messages)
	clear(b.processed)
	b.producers, b.sends, b.messages, b.processed = b.producers[:0], b.sends[:0], b.messages[:0], b.processed[:0]
}

// waiting is a message, or the send of a producer, until it is decided without the other half.
type waiting struct {
	key   messageKey
	until int64
}

func newLinker(p *Pairer) *linker {
	return &linker{
		pairer: p, producers: map[messageKey]*producer{}, waiting: map[messageKey][]message{},
		totals: map[uint32]map[traffic.Hour]*traffic.Counts{}, maxBytes: p.config.MaxBytes * shareOfLinks / shareOfAll,
	}
}

// Take pairs what a trace left.
func (l *linker) Take(b *batch) {
	if len(b.producers)+len(b.sends)+len(b.messages) == 0 {
		return
	}
	const waits = 2 // times as long as a trace
	until := l.pairer.clock.Load() + waits*int64(l.pairer.config.Settle)
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range b.producers {
		l.takeProducer(b.producers[i])
	}
	for i := range b.sends {
		l.takeSend(b.sends[i], until)
	}
	for _, done := range b.processed {
		if p := l.producers[done.key]; p != nil {
			p.process(done.service)
		}
	}
	for i := range b.producers {
		l.takeWaiting(b.producers[i].key)
	}
	for i := range b.messages {
		l.takeMessage(b.messages[i], until)
	}
	l.shrink()
}

func (l *linker) takeProducer(p producer) {
	if l.producers[p.key] != nil {
		return
	}
	p.bytes = producerBytes
	l.hold(p.reached)
	l.producers[p.key] = &p
	l.order = append(l.order, p.key)
	l.bytes += p.bytes
}

func (l *linker) takeSend(s send, until int64) {
	p := l.producers[s.key]
	if p == nil {
		l.decideSend(&s, "")
		return
	}
	if p.send != nil {
		l.decideSend(p.send, p.named)
	}
	p.send = &s
	l.queue = append(l.queue, waiting{s.key, until})
}

// takeWaiting pairs the messages that came before who sent them.
func (l *linker) takeWaiting(key messageKey) {
	messages := l.waiting[key]
	if len(messages) == 0 {
		return
	}
	delete(l.waiting, key)
	l.messages -= len(messages)
	l.bytes -= bytesOf(messages)
	until := l.pairer.clock.Load() + int64(l.pairer.config.Settle)
	for _, m := range messages {
		l.pair(m, l.producers[key], until)
	}
}

func (l *linker) takeMessage(m message, until int64) {
	if p := l.producers[m.key]; p != nil {
		l.pair(m, p, until)
		return
	}
	m.bytes = messageBytes
	if m.reached != nil {
		m.bytes += touchedBytes * int64(len(m.reached.touched))
	}
	l.waiting[m.key] = append(l.waiting[m.key], m)
	l.queue = append(l.queue, waiting{m.key, until})
	l.messages++
	l.bytes += m.bytes
}

// pair counts a message of a known sender. One that was only received waits whether it is processed.
func (l *linker) pair(m message, p *producer, until int64) {
	if m.received {
		if !contains(p.processed, m.service.Alias) {
			p.received = append(p.received, m)
			p.bytes += messageBytes
			l.bytes += messageBytes
			l.queue = append(l.queue, waiting{p.key, until})
		}
		return
	}
	p.process(m.service.Alias)
	l.count(m, p)
}

func (l *linker) count(m message, p *producer) {
	topic := p.topic
	if topic == "" {
		topic = m.topic
		if p.named == "" || topic != "" && topic < p.named {
			p.named = topic
		}
		if topic == "" && p.named == "" {
			p.send = nil // the consumer needs the service itself
		}
	}
	l.addMessage(m, topic, p.service)
	if m.reached != nil && p.reached != nil && m.reached != p.reached {
		const most = 1000
		if last := len(m.reached.from) - 1; last < 0 || m.reached.from[last] != p.reached && last < most {
			m.reached.from = append(m.reached.from, p.reached)
		}
		for alias := range m.reached.touched {
			l.touch(p.reached, alias, 0)
		}
	} else if p.reached != nil {
		l.touch(p.reached, m.service.Alias, 0)
	}
	if topic != "" && p.reached != nil {
		l.touch(p.reached, topic, 0)
	}
}

// decideSend counts a send to the topic that consumers named, else to what else its attributes name.
func (l *linker) decideSend(s *send, topic catalog.Alias) {
	switch {
	case topic != "":
		s.protocol = systemOf(topic)
		l.addSend(s, topic, traffic.Publish)
	case s.fallback != "":
		l.addSend(s, s.fallback, traffic.Call)
	default:
		l.at(s.origin, s.hour).Lose(traffic.LostUnmatchedClient, 1)
	}
}

// at is where to count what is of the hour; without room for another hour it is one without flows.
func (l *linker) at(origin uint32, hour traffic.Hour) *traffic.Counts {
	hours := l.totals[origin]
	if hours == nil {
		hours = map[traffic.Hour]*traffic.Counts{}
		l.totals[origin] = hours
	}
	if hours[hour] == nil && !l.room(0) {
		hour = 0
	}
	if hours[hour] == nil {
		hours[hour] = &traffic.Counts{}
		l.counted += totalBytes
	}
	return hours[hour]
}

// room says whether another flow or delivery may be told apart where there are so many.
func (l *linker) room(there int) bool {
	return there < l.pairer.config.MaxFlows && l.counted < l.maxBytes
}

// shrink forgets the oldest producers, and decides the oldest messages, while too much is held.
func (l *linker) shrink() {
	const waitingBytes = 40
	held := func() int64 { return l.bytes + waitingBytes*int64(len(l.queue)) }
	for held() > l.maxBytes && len(l.order) > 0 {
		key := l.order[0]
		l.order = l.order[1:]
		if p := l.producers[key]; p != nil {
			l.decideProducer(p)
			delete(l.producers, key)
			l.letGo(p.reached)
			l.bytes -= p.bytes
		}
	}
	for held() > l.maxBytes && len(l.queue) > 0 {
		next := l.queue[0]
		l.queue = l.queue[1:]
		if p := l.producers[next.key]; p != nil {
			l.decideProducer(p)
		}
		for _, m := range l.takeOut(next.key) {
			l.addMessage(m, m.topic, "")
		}
	}
}

// takeOut takes away the messages that wait for the sender.
func (l *linker) takeOut(key messageKey) []message {
	messages := l.waiting[key]
	delete(l.waiting, key)
	l.messages -= len(messages)
	l.bytes -= bytesOf(messages)
	return messages
}

func bytesOf(messages []message) (bytes int64) {
	for i := range messages {
		bytes += messages[i].bytes
	}
	return bytes
}

// decideProducer counts what still waits at a producer.
func (l *linker) decideProducer(p *producer) {
	if p.send != nil {
		l.decideSend(p.send, p.named)
		p.send = nil
	}
	for _, m := range p.received {
		p.bytes -= messageBytes
		l.bytes -= messageBytes
		if !contains(p.processed, m.service.Alias) {
			l.count(m, p)
		}
	}
	p.received = nil
}

// Decide counts what has waited long enough for its other half.
func (l *linker) Decide(now int64) {
	for {
		messages := l.due(now)
		if messages == nil {
			return
		}
		for _, m := range messages {
			l.decideMessage(m)
		}
	}
}

// due decides the next that has waited; messages without a sender are left to the caller. nil = there is nothing more.
func (l *linker) due(now int64) []message {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.queue) > 0 && l.queue[0].until <= now {
		key := l.queue[0].key
		l.queue = l.queue[1:]
		if p := l.producers[key]; p != nil {
			l.decideProducer(p)
			continue
		}
		if messages := l.takeOut(key); len(messages) > 0 {
			return messages
		}
	}
	if len(l.queue) == 0 {
		l.queue = nil
	}
	return nil
}

// decideMessage counts a message whose sender is no span that sends: perhaps the span is held all the same.
func (l *linker) decideMessage(m message) {
	service, topic, _ := l.pairer.shardOf(&m.key.trace).sender(m.key)
	l.mu.Lock()
	defer l.mu.Unlock()
	if service == m.service.Alias && topic == "" {
		service = ""
	}
	if topic == "" {
		topic = m.topic
	}
	l.addMessage(m, topic, service)
}

// DecideAll counts all that waits, and forgets everything else.
func (l *linker) DecideAll() {
	l.Decide(int64(^uint64(0) >> 1))
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.producers {
		l.decideProducer(p)
	}
	l.producers, l.order, l.queue, l.bytes = map[messageKey]*producer{}, nil, nil, 0
}

// Drain hands over what was counted of the origin.
func (l *linker) Drain(origin uint32, into map[traffic.Hour]*traffic.Counts) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for hour, counts := range l.totals[origin] {
		l.counted -= totalBytes + flowBytes*int64(len(counts.Flows)) + deliveryBytes*int64(len(counts.Deliveries)) +
			reachBytes*int64(len(counts.Reach))
		add(into, hour, counts)
	}
	delete(l.totals, origin)
}

func (l *linker) addStats(stats *Stats) {
	l.mu.Lock()
	defer l.mu.Unlock()
	stats.Bytes += l.bytes + l.counted
	stats.WaitingMessages += l.messages
}
