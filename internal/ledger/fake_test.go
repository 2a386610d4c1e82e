package ledger_test

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/orrery-catalog/orrery/graph"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// store keeps rows in memory by the contract of graph.TrafficStore; the rest of a store is not there.
type store struct {
	graph.Store
	alone bool // nobody else writes to it

	mu       sync.Mutex
	rows     map[graph.TrafficKey]graph.TrafficRow
	sequence uint64
	writes   int
	away     error // what everything fails with; nil = it is there
	doubtful bool  // a write takes place and fails all the same
}

func newStore() *store { return &store{rows: make(map[graph.TrafficKey]graph.TrafficRow)} }

func (s *store) Capabilities() graph.Capabilities { return graph.Capabilities{Replicated: !s.alone} }

func (s *store) fails(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = err
}

func (s *store) WriteTraffic(ctx context.Context, write graph.TrafficWrite) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away != nil && !s.doubtful {
		return s.away
	}
	if err := cmp.Or(ctx.Err(), write.Check()); err != nil {
		return err
	}
	for _, expected := range write.Expect {
		row := s.rows[expected.TrafficKey]
		if len(row.Data) == 0 {
			row.Sequence = 0
		}
		if row.Sequence != expected.Sequence {
			return graph.ErrConflict
		}
	}
	s.writes++
	for _, row := range write.Put {
		s.sequence++
		row.Sequence, row.Data = s.sequence, slices.Clone(row.Data)
		s.rows[row.TrafficKey] = row
	}
	return s.away
}

func (s *store) Traffic(_ context.Context, after uint64) iter.Seq2[graph.TrafficRow, error] {
	return func(yield func(graph.TrafficRow, error) bool) {
		s.mu.Lock()
		away := s.away
		var list []graph.TrafficRow
		for _, row := range s.rows {
			if row.Sequence > after && (after > 0 || len(row.Data) > 0) {
				row.Data = slices.Clone(row.Data)
				list = append(list, row)
			}
		}
		s.mu.Unlock()
		if away != nil {
			yield(graph.TrafficRow{}, away)
			return
		}
		slices.SortFunc(list, func(a, b graph.TrafficRow) int { return cmp.Compare(a.Sequence, b.Sequence) })
		for _, row := range list {
			if !yield(row, nil) {
				return
			}
		}
	}
}

// count is how many rows hold something.
func (s *store) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, row := range s.rows {
		if len(row.Data) > 0 {
			n++
		}
	}
	return n
}

// clock is a time that is set.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(by)
}
