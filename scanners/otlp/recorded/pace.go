package recorded

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/scanners/otlp/pairing"
	"github.com/orrery-catalog/orrery/scanners/otlp/spans"
)

const (
	// defaultMemory is that for spans, in bytes.
	defaultMemory = 256 << 20
	// bytesOfWait is how much memory there is for each span that a trace waits, and looksInWait how often the memory is looked
	// at in that time.
	bytesOfWait = 320
	looksInWait = 32
)

// gathering puts the spans of all files together. Time is of no use there: files are read faster than they were written, and
// in any order. Its clock counts spans instead, and a trace counts as whole only when memory is needed and none of so many
// spans was of it. What was counted is taken out as it comes, so that it needs none of the memory for spans.
type gathering struct {
	pairer *pairing.Pairer
	memory int64
	begun  time.Time
	spans  int64
	clock  int64                              // what the pairer takes for the time: a number of spans
	ticked int64                              // up to when traces that wait are settled
	counts []map[traffic.Hour]*traffic.Counts // by origin
}

func newGathering(config pairing.Config) *gathering {
	g := &gathering{begun: time.Now(), memory: config.MaxBytes}
	if config.Now != nil {
		g.begun = config.Now()
	}
	if g.memory <= 0 {
		g.memory = defaultMemory
	}
	config.MaxBytes, config.MaxAge = g.memory, math.MaxInt64
	config.Settle = time.Duration(g.wait())
	config.Now = func() time.Time { return g.begun.Add(time.Duration(g.clock)) }
	config.Shards = 1 // one file is read after the other, and each shard counts for itself
	g.pairer = pairing.New(config)
	return g
}

// wait is how many spans a trace waits for another of its own, and look after how many the memory is looked at.
func (g *gathering) wait() int64 { return g.memory / bytesOfWait }
func (g *gathering) look() int64 { return max(1, g.wait()/looksInWait) }

// add takes a span of a file that was written at the time.
func (g *gathering) add(s *spans.Span, written time.Time) error {
	g.place(s, written)
	g.spans++
	if g.clock = g.spans; g.spans%g.look() == 0 {
		g.makeRoom()
	}
	err := g.pairer.Add(s)
	if !errors.Is(err, pairing.ErrFull) {
		return err
	}
	g.settle()
	if err = g.pairer.Add(s); err != nil {
		return fmt.Errorf("traces: %w: give the source more memory", err)
	}
	return nil
}

// makeRoom counts what has waited long enough, and takes what was counted, when memory becomes scarce.
func (g *gathering) makeRoom() {
	const much = 2 // of the memory, one in so many
	if g.pairer.Stats().Bytes > g.memory/much {
		g.tick()
	}
	g.takeMuch()
}

// tick counts what has waited long enough, a part at a time: what is counted of all of it may need more memory than there is.
func (g *gathering) tick() {
	for g.ticked+g.look() <= g.spans {
		g.ticked += g.look()
		g.clock = g.ticked
		g.pairer.Tick()
		g.takeMuch()
	}
	g.clock = g.spans
}

// settle counts all traces as whole.
func (g *gathering) settle() {
	if int64(g.pairer.Stats().OpenSpans) > g.look() {
		g.spans += g.wait() + g.look()
		g.tick()
	}
	g.pairer.SettleAll()
	g.take()
}

// takeMuch takes what was counted where it needs much memory.
func (g *gathering) takeMuch() {
	const much = 4 // of the memory, one in so many
	if g.pairer.Stats().Bytes > g.memory/much {
		g.take()
	}
}

// place gives a span whose time cannot be one by that of its file, so that reading it again gives the same.
func (g *gathering) place(s *spans.Span, written time.Time) {
	earliest := uint64(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano())                                      //nolint:gosec // after 1970
	latest := uint64(g.begun.Add(time.Hour).UnixNano())                                                             //nolint:gosec // a time of this century
	if s.Start >= earliest && s.Start <= latest || written.UnixNano() < int64(earliest) || written.After(g.begun) { //nolint:gosec // as above
		return
	}
	begin := uint64(written.Truncate(time.Hour).UnixNano()) + s.Start%uint64(time.Hour) //nolint:gosec // as above
	if s.End >= s.Start {
		s.End = begin + (s.End - s.Start)
	}
	s.Start = begin
}

// take takes what was counted.
func (g *gathering) take() {
	for origin, held := range g.counts {
		g.counts[origin] = united(held, g.pairer.Drain(uint32(origin))) //nolint:gosec // the number of files is bounded
	}
}

// origin is the number of the next file.
func (g *gathering) origin() uint32 {
	g.counts = append(g.counts, nil)
	return uint32(len(g.counts) - 1) //nolint:gosec // the number of files is bounded
}

// united adds up counts by hour; it may change both.
func united(a, b map[traffic.Hour]*traffic.Counts) map[traffic.Hour]*traffic.Counts {
	if len(a) == 0 {
		return b
	}
	for hour, counts := range b {
		if a[hour] == nil {
			a[hour] = counts
		} else {
			a[hour].Merge(counts)
		}
	}
	return a
}
