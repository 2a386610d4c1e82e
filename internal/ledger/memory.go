package ledger

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"sync"

	"github.com/orrery-catalog/orrery/graph"
)

// memory keeps rows as a store does, for as long as the process runs. Nobody else writes to it.
type memory struct {
	mu       sync.Mutex
	rows     map[graph.TrafficKey]graph.TrafficRow
	sequence uint64
	bytes    map[string]int64 // by source
}

func newMemory() *memory {
	return &memory{rows: make(map[graph.TrafficKey]graph.TrafficRow), bytes: make(map[string]int64)}
}

// rowBytes is about what a row takes beside its data.
const rowBytes = 200

// held is about how many bytes the rows of a source take.
func (m *memory) held(source string) int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.bytes[source]
}

// WriteTraffic implements [graph.TrafficStore].
func (m *memory) WriteTraffic(ctx context.Context, write graph.TrafficWrite) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := write.Check(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, expected := range write.Expect {
		if m.rows[expected.TrafficKey].Sequence != expected.Sequence {
			return graph.ErrConflict
		}
	}
	for _, row := range write.Put {
		if was, there := m.rows[row.TrafficKey]; there {
			m.bytes[row.Source] -= int64(rowBytes + len(was.Data))
		}
		if len(row.Data) == 0 { // nobody follows
			delete(m.rows, row.TrafficKey)
			continue
		}
		m.sequence++
		row.Sequence = m.sequence
		row.Data = slices.Clone(row.Data)
		m.rows[row.TrafficKey] = row
		m.bytes[row.Source] += int64(rowBytes + len(row.Data))
	}
	return nil
}

// Traffic implements [graph.TrafficStore].
func (m *memory) Traffic(_ context.Context, after uint64) iter.Seq2[graph.TrafficRow, error] {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []graph.TrafficRow
	for _, row := range m.rows {
		if row.Sequence > after {
			list = append(list, row)
		}
	}
	slices.SortFunc(list, func(a, b graph.TrafficRow) int { return cmp.Compare(a.Sequence, b.Sequence) })
	return func(yield func(graph.TrafficRow, error) bool) {
		for _, row := range list {
			if !yield(row, nil) {
				return
			}
		}
	}
}
