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
	// bytesOfWait is how much memory there is for each span that a trace waits for another of its own, and looksInWait how
	// often it is looked in that time at how much memory is taken.
	bytesOfWait = 512
	looksInWait = 8
)

// gathering puts the spans of all files together. Time is of no use there: files are read faster than they were written, and
// in any order. Its clock counts spans instead, and a trace counts as whole only when memory is needed and none of so many
// spans was of it.
type gathering struct {
	pairer *pairing.Pairer
	memory int64
	begun  time.Time
	spans  int64
	counts []map[traffic.Hour]*traffic.Counts // that were handed over early, by origin
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
	config.Settle = time.Duration(g.memory / bytesOfWait)
	config.Now = func() time.Time { return g.begun.Add(time.Duration(g.spans)) }
	g.pairer = pairing.New(config)
	return g
}

// add takes a span of a file that was written at the time.
func (g *gathering) add(s *spans.Span, written time.Time) error {
	g.place(s, written)
	if g.spans++; g.spans%max(1, g.memory/bytesOfWait/looksInWait) == 0 && g.pairer.Stats().Bytes > g.memory/2 {
		g.pairer.Tick()
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

// settle counts all traces as whole, and takes what was counted.
func (g *gathering) settle() {
	g.pairer.SettleAll()
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
