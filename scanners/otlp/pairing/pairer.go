// Package pairing turns spans into calls, messages, entry points and reach: it gathers the spans of a trace until the trace
// is complete, as far as anybody can know, and counts what they say.
//
// Spans are kept by shards of their trace id, so that goroutines hardly meet. Of each span a record of fixed size without
// pointers is kept; what attributes say is interned, since most spans say what others said before. What was settled is
// remembered for as long as there is room, so that late spans still find the rest of their trace.
package pairing

import (
	"errors"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/scanners/otlp/spans"
)

// ErrFull says that the memory is full of spans that are too young to be settled: send them again later, or settle.
var ErrFull = errors.New("no memory for more spans now")

// Config bounds a Pairer. Zero values are the defaults.
type Config struct {
	// Settle is how long no span of a trace may come until it is taken as complete; default 10 s.
	Settle time.Duration
	// MaxAge is after how long a trace is settled while spans of it still come; default 12 × Settle.
	MaxAge time.Duration
	// MaxBytes is the memory for all that is held until it is drained; default 256 MiB, at least 1 MiB.
	MaxBytes int64
	// MaxTraceSpans is how many spans of one trace are taken; default 50,000.
	MaxTraceSpans int
	// MaxFlows is how many flows one origin and hour may have; default 50,000.
	MaxFlows int
	// MaxServices is how many services are told apart; default 20,000.
	MaxServices int
	// Multiplier is how many spans one stands for that says nothing of sampling; default 1.
	Multiplier float64
	// Shards is rounded up to a power of two; default 4 a core.
	Shards int
	Now    func() time.Time // default time.Now
}

func (c Config) withDefaults() Config {
	const (
		settle        = 10 * time.Second
		ageInSettles  = 12
		megabyte      = 1 << 20
		maxBytes      = 256 * megabyte
		maxTraceSpans = 50_000
		maxFlows      = 50_000
		maxServices   = 20_000
		shardsPerCore = 4
		mostShards    = 256
	)
	if c.Settle <= 0 {
		c.Settle = settle
	}
	if c.MaxAge <= 0 {
		c.MaxAge = ageInSettles * c.Settle
	}
	if c.MaxBytes <= 0 {
		c.MaxBytes = maxBytes
	}
	c.MaxBytes = max(c.MaxBytes, megabyte)
	if c.MaxTraceSpans <= 0 {
		c.MaxTraceSpans = maxTraceSpans
	}
	if c.MaxFlows <= 0 {
		c.MaxFlows = maxFlows
	}
	if c.MaxServices <= 0 {
		c.MaxServices = maxServices
	}
	if !(c.Multiplier > 0) {
		c.Multiplier = 1
	}
	c.Multiplier = min(c.Multiplier, traffic.MaxMultiplier)
	if c.Shards <= 0 {
		c.Shards = shardsPerCore * runtime.GOMAXPROCS(0)
	}
	shards := 1
	for shards < min(c.Shards, mostShards) {
		shards *= 2
	}
	c.Shards = shards
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// Pairer gathers spans and counts what they say. Its methods may be called from several goroutines.
type Pairer struct {
	config Config
	shards []*shard
	linker *linker
	clock  atomic.Int64 // nanoseconds since 1970, as of the last look
	limits limits
}

// New makes a Pairer that holds nothing.
func New(config Config) *Pairer {
	config = config.withDefaults()
	p := &Pairer{config: config, limits: limits{maxFlows: config.MaxFlows, maxServices: config.MaxServices}}
	p.look()
	p.linker = newLinker(p)
	p.shards = make([]*shard, config.Shards)
	for i := range p.shards {
		p.shards[i] = newShard(p)
	}
	return p
}

// look reads the clock. Asking for each span would take a good part of the time that a span has.
func (p *Pairer) look() int64 {
	now := p.config.Now().UnixNano()
	p.clock.Store(now)
	return now
}

// Add takes a span. It copies what it needs. The only error is ErrFull: the span was not taken, and is counted by nobody.
func (p *Pairer) Add(span *spans.Span) error {
	return p.shardOf(&span.TraceID).Add(span)
}

// Full says that Add is about to return ErrFull, so that a request may be refused as a whole.
func (p *Pairer) Full() bool {
	for _, s := range p.shards {
		if s.Full() {
			return true
		}
	}
	return false
}

func (p *Pairer) shardOf(id *spans.TraceID) *shard {
	const spread = 0x9E3779B97F4A7C15 // multiplying by it mixes low bits into the high ones
	mixed := (low(id) ^ high(id)*3) * spread
	return p.shards[mixed>>56&uint64(len(p.shards)-1)]
}

// Tick settles what is due. It is to be called about once a second.
func (p *Pairer) Tick() {
	now := p.look()
	for _, s := range p.shards {
		s.SettleIdle(now)
	}
	p.linker.Decide(now)
}

// SettleAll settles everything, and forgets it: what comes after it is counted anew.
func (p *Pairer) SettleAll() {
	p.look()
	for _, s := range p.shards {
		s.SettleAll()
	}
	p.linker.DecideAll()
	for _, s := range p.shards {
		s.Forget()
	}
}

// Drain hands over, and forgets, what was counted of the origin since the last time.
func (p *Pairer) Drain(origin uint32) map[traffic.Hour]*traffic.Counts {
	drained := map[traffic.Hour]*traffic.Counts{}
	for _, s := range p.shards {
		s.Drain(origin, drained)
	}
	p.linker.Drain(origin, drained)
	p.limits.apply(origin, drained)
	return drained
}

// Stats is what a Pairer holds, and what it has done since it was made.
type Stats struct {
	OpenTraces, OpenSpans int
	// RememberedSpans are those of traces that were settled, kept for late ones.
	RememberedSpans int
	Bytes, MaxBytes int64
	Spans           uint64 // that were taken
	Settled         uint64 // traces
	Evicted         uint64 // spans of traces that were settled early, for want of memory
	WaitingMessages int    // whose producer has not been seen yet
}

// Stats says what is held now.
func (p *Pairer) Stats() Stats {
	stats := Stats{MaxBytes: p.config.MaxBytes}
	for _, s := range p.shards {
		s.addStats(&stats)
	}
	p.linker.addStats(&stats)
	return stats
}
