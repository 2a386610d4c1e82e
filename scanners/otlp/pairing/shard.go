package pairing

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/scanners/otlp/spans"
)

// record is one span, as it is kept. It holds no pointers, so that collecting garbage does not look into the slabs.
type record struct {
	id, parent uint64 // 0 = none
	start      uint64 // nanoseconds since 1970; when it was received, where the span's own time cannot be
	duration   uint64 // nanoseconds, or noDuration
	weight     float32
	next       uint32 // of the trace, 0 = the last
	service    uint32
	profile    uint32
	links      uint32 // the first, 0 = none
	origin     uint32
	kind       spans.Kind
	answer     answer
	flags      flags
}

const noDuration = math.MaxUint64

// flags of a record.
type flags uint8

const (
	flagFailed flags = 1 << iota
	flagRemote       // its parent is in another process
	flagOld          // its trace was settled with it
	flagLeaf         // it was counted as a call to what its attributes name
	flagOrphan       // its parent was not there when its trace was settled
	flagShared       // a client whose server has, as it was sent, the same id
)

// answer is what a client was told.
type answer uint8

const (
	answerUnknown answer = iota
	answerOther
	answerRefused // properly: 4xx, or its kin in gRPC
)

// link is one link of a span.
type link struct {
	traceID spans.TraceID
	id      uint64
	next    uint32
}

// trace gathers the records of one trace.
type trace struct {
	id          spans.TraceID
	first, last uint32 // records
	spans       uint32
	settled     bool // all of it was settled and is only remembered
	evicted     bool
	begun, seen int64 // nanoseconds since 1970, by our clock
	// The list that it is in: of the open traces by when they were seen last, or of the remembered by when they were settled.
	before, after uint32
}

// Sizes in memory, with what maps and slices need beside.
const (
	recordBytes = 72
	traceBytes  = 160
	linkBytes   = 40
)

// shareOfNames is the part of the memory that names may take: one in so many.
const shareOfNames = 4

// maxLinks is how many links of one span are kept.
const maxLinks = 1000

// shard holds the traces of some trace ids.
type shard struct {
	pairer *Pairer

	mu       sync.Mutex
	byID     map[spans.TraceID]uint32
	traces   slab[trace]
	records  slab[record]
	links    slab[link]
	open     list
	settled  list // remembered
	kept     int  // records of settled traces
	adds     uint32
	maxBytes int64
	names    names
	profiles profiles
	totals   totals
	work     work
	swept    int64              // when the profiles were swept last
	states   map[string]float32 // the weights of some values of tracestate

	spansTaken, tracesSettled, evictedSpans uint64
}

func newShard(p *Pairer) *shard {
	s := &shard{
		pairer: p, byID: map[spans.TraceID]uint32{}, states: map[string]float32{},
		maxBytes: p.config.MaxBytes * (shareOfAll - shareOfLinks) / shareOfAll / int64(p.config.Shards),
	}
	s.traces.take() // number 0 stands for none
	s.records.take()
	s.links.take()
	s.names.reset(p.config.MaxServices, s.maxBytes/shareOfNames)
	s.profiles.reset()
	s.totals.reset()
	s.work.seed = rand.Uint64() | 1
	return s
}

func low(id *spans.TraceID) uint64   { return binary.LittleEndian.Uint64(id[8:]) }
func high(id *spans.TraceID) uint64  { return binary.LittleEndian.Uint64(id[:8]) }
func number(id *spans.SpanID) uint64 { return binary.BigEndian.Uint64(id[:]) }
func (s *shard) bytes() int64        { return s.heldBytes() + s.totals.bytes() }
func (s *shard) lose(o uint32, h traffic.Hour, reason string, n uint64) {
	s.totals.at(o, h).lost[reason] += n
}

func (s *shard) heldBytes() int64 {
	return int64(s.records.used)*recordBytes + int64(s.traces.used)*traceBytes + int64(s.links.used)*linkBytes +
		s.profiles.bytes + s.names.bytes
}

// Add takes a span.
func (s *shard) Add(span *spans.Span) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.adds++
	now := s.pairer.clock.Load()
	if s.adds&0xff == 0 {
		now = s.pairer.look()
	}
	start, duration := times(span, now)
	if span.TraceID == (spans.TraceID{}) || span.ID == (spans.SpanID{}) {
		s.lose(span.Origin, hourOf(start), traffic.LostInvalidID, 1)
		return nil
	}
	if s.bytes() >= s.maxBytes && !s.makeRoom(now) {
		return ErrFull
	}
	service, lost := s.names.service(span.Resource)
	if lost != "" {
		s.lose(span.Origin, hourOf(start), lost, 1)
		return nil
	}
	at, t := s.traceOf(&span.TraceID, now)
	if int(t.spans) >= s.pairer.config.MaxTraceSpans {
		s.lose(span.Origin, hourOf(start), traffic.LostTooManySpans, 1)
		return nil
	}
	s.spansTaken++
	s.keep(t, span, service, start, duration)
	t.seen = now
	if now-t.begun > int64(s.pairer.config.MaxAge) {
		s.settle(at)
	}
	return nil
}

func (s *shard) keep(t *trace, span *spans.Span, service uint32, start, duration uint64) {
	index, r := s.records.take()
	*r = record{
		id: number(&span.ID), parent: number(&span.Parent), start: start, duration: duration, service: service,
		weight: s.weight(span), origin: span.Origin, kind: span.Kind, answer: answerOf(span),
	}
	if span.Status == spans.StatusError || span.ErrorTag && span.Status != spans.StatusOK {
		r.flags |= flagFailed
	}
	if span.HasRemoteParent && span.IsRemoteParent {
		r.flags |= flagRemote
	}
	r.profile = s.profiles.of(span)
	s.names.services[service].uses++
	for i := min(len(span.Links), maxLinks) - 1; i >= 0; i-- {
		n, l := s.links.take()
		*l = link{traceID: span.Links[i].TraceID, id: number(&span.Links[i].ID), next: r.links}
		r.links = n
	}
	if t.first == 0 {
		t.first = index
	} else {
		s.records.at(t.last).next = index
	}
	t.last = index
	t.spans++
}

// traceOf finds the open trace of the id. A settled one opens again.
func (s *shard) traceOf(id *spans.TraceID, now int64) (uint32, *trace) {
	at, there := s.byID[*id]
	if there {
		t := s.traces.at(at)
		switch {
		case t.settled:
			s.settled.remove(&s.traces, at)
			s.kept -= int(t.spans)
			t.settled, t.begun = false, now
			s.open.push(&s.traces, at)
		case t.seen != now: // else it is at its place, or as good as
			s.open.remove(&s.traces, at)
			s.open.push(&s.traces, at)
		}
		return at, t
	}
	at, t := s.traces.take()
	*t = trace{id: *id, begun: now, seen: now}
	s.byID[*id] = at
	s.open.push(&s.traces, at)
	return at, t
}

// weight is how many spans it stands for.
func (s *shard) weight(span *spans.Span) float32 {
	switch {
	case span.Weight > 0:
		return float32(min(span.Weight, math.MaxFloat32))
	case len(span.TraceState) == 0:
		return float32(s.pairer.config.Multiplier)
	}
	if known, ok := s.states[string(span.TraceState)]; ok {
		return known
	}
	const most, longest = 256, 128
	weight, stated := spans.Weight(span.TraceState)
	if !stated {
		weight = s.pairer.config.Multiplier
	}
	if len(s.states) >= most {
		clear(s.states)
	}
	if len(span.TraceState) <= longest {
		s.states[string(span.TraceState)] = float32(weight)
	}
	return float32(weight)
}

// earliest is 2000-01-01: clocks that were never set are before it.
const earliest = 946684800 * uint64(time.Second)

// times gives a span's start and duration, as far as they can be.
func times(span *spans.Span, now int64) (start, duration uint64) {
	duration = noDuration
	if span.End >= span.Start && span.Start > 0 {
		duration = span.End - span.Start
	}
	start = span.Start
	if latest := uint64(now) + uint64(time.Hour); start < earliest || start > latest {
		start = uint64(now)
	}
	return start, duration
}

func hourOf(start uint64) traffic.Hour { return traffic.Hour(start / uint64(time.Hour)) }

// answerOf says what the client of a call was told, or the server told it.
func answerOf(span *spans.Span) answer {
	const (
		clientErrors, serverErrors                                                = 400, 500
		unknown, deadlineExceeded, unimplemented, internal, unavailable, dataLoss = 2, 4, 12, 13, 14, 15
	)
	if span.HasGRPCStatus {
		switch span.GRPCStatus {
		case 0, unknown, deadlineExceeded, unimplemented, internal, unavailable, dataLoss:
			return answerOther
		}
		return answerRefused
	}
	switch {
	case span.HTTPStatus == 0:
		return answerUnknown
	case span.HTTPStatus >= clientErrors && span.HTTPStatus < serverErrors:
		return answerRefused
	}
	return answerOther
}

// Full says that there is no memory for more, but a little for what is on its way.
func (s *shard) Full() bool {
	const little = 16
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bytes() >= s.maxBytes-s.maxBytes/little && !s.makeRoom(s.pairer.clock.Load())
}

// makeRoom forgets what was settled, then settles the oldest traces early. It leaves alone what is too young: then senders
// have to wait.
func (s *shard) makeRoom(now int64) bool {
	const (
		share    = 16 // at a time
		youngest = 4  // of the time to settle
		// sweepEvery bounds how much of the time goes into looking for what can be forgotten.
		sweepEvery = 100 * time.Millisecond
	)
	goal := s.maxBytes - s.maxBytes/share
	for s.bytes() > goal && s.settled.first != 0 {
		s.forget(s.settled.first)
	}
	for s.bytes() > goal && s.open.first != 0 {
		t := s.traces.at(s.open.first)
		if now-t.seen < int64(s.pairer.config.Settle)/youngest {
			break
		}
		s.evictedSpans += uint64(t.spans)
		t.evicted = true
		s.settle(s.open.first)
		s.forgetAll()
	}
	if s.bytes() > goal && now-s.swept > int64(sweepEvery) {
		s.profiles.sweep()
		s.swept = now
	}
	return s.bytes() < s.maxBytes
}

// SettleIdle settles what nobody has sent spans of for long enough.
func (s *shard) SettleIdle(now int64) {
	const atOnce = 64 // so that senders do not wait
	for more := true; more; {
		s.mu.Lock()
		more = false
		for range atOnce {
			at := s.open.first
			if more = at != 0 && now-s.traces.at(at).seen >= int64(s.pairer.config.Settle); !more {
				break
			}
			s.settle(at)
		}
		s.mu.Unlock()
	}
}

// SettleAll settles all.
func (s *shard) SettleAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.open.first != 0 {
		s.settle(s.open.first)
	}
}

// Forget forgets what was settled.
func (s *shard) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forgetAll()
}

func (s *shard) forgetAll() {
	for s.settled.first != 0 {
		s.forget(s.settled.first)
	}
}

// settle counts what a trace says, and remembers it.
func (s *shard) settle(at uint32) {
	t := s.traces.at(at)
	s.count(t)
	s.tracesSettled++
	s.open.remove(&s.traces, at)
	t.settled = true
	s.settled.push(&s.traces, at)
	s.kept += int(t.spans)
	const share = 4 // of the memory is for what was settled
	for int64(s.kept)*(recordBytes+traceBytes/8) > s.maxBytes/share {
		s.forget(s.settled.first)
	}
}

// forget lets go of a settled trace.
func (s *shard) forget(at uint32) {
	t := s.traces.at(at)
	s.settled.remove(&s.traces, at)
	s.kept -= int(t.spans)
	for i := t.first; i != 0; {
		r := s.records.at(i)
		next := r.next
		s.drop(i, r)
		i = next
	}
	delete(s.byID, t.id)
	s.traces.release(at)
}

// drop lets go of a record.
func (s *shard) drop(i uint32, r *record) {
	s.names.services[r.service].uses--
	s.profiles.release(r.profile)
	for l := r.links; l != 0; {
		next := s.links.at(l).next
		s.links.release(l)
		l = next
	}
	s.records.release(i)
}

// Drain hands over what was counted of the origin.
func (s *shard) Drain(origin uint32, into map[traffic.Hour]*traffic.Counts) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.totals.drain(origin, &s.names, into)
	if s.totals.empty() && s.names.crowded() {
		s.forgetAll() // what is remembered holds names
		s.names.sweep()
	}
}

func (s *shard) addStats(stats *Stats) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stats.OpenTraces += s.open.length
	stats.OpenSpans += s.records.used - 1 - s.kept
	stats.RememberedSpans += s.kept
	stats.Bytes += s.bytes()
	stats.Spans += s.spansTaken
	stats.Settled += s.tracesSettled
	stats.Evicted += s.evictedSpans
}
