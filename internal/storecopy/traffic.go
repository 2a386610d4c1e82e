package storecopy

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"

	"github.com/orrery-catalog/orrery/graph"
)

// trafficSums tells the rows of traffic of a store apart without keeping them.
type trafficSums map[graph.TrafficKey][sha256.Size]byte

// carryTraffic makes the rows of traffic of the copy those that the source has by now: they are of no revision. Only what
// differs is written, and what the source does not have is emptied.
func (c *copier) carryTraffic(ctx context.Context) error {
	there, err := sumTraffic(ctx, c.to)
	if err != nil {
		return fmt.Errorf("the copy: %w", err)
	}
	want, w := make(trafficSums, len(there)), trafficWriter{to: c.to}
	for row, err := range c.from.Traffic(ctx, 0) {
		if err != nil {
			return fmt.Errorf("the source: %w", err)
		}
		sum := sha256.Sum256(row.Data)
		if want[row.TrafficKey] = sum; len(row.Data) == 0 { // it was emptied since the stream began
			delete(want, row.TrafficKey)
		}
		if was, ok := there[row.TrafficKey]; ok && was == sum {
			continue
		}
		if err := w.put(ctx, row); err != nil {
			return err
		}
		there[row.TrafficKey] = sum
	}
	for key := range there {
		if _, ok := want[key]; ok {
			continue
		}
		if err := w.put(ctx, graph.TrafficRow{TrafficKey: key}); err != nil {
			return err
		}
	}
	if err := w.flush(ctx); err != nil {
		return err
	}
	copied, err := sumTraffic(ctx, c.to)
	if err != nil {
		return fmt.Errorf("the copy: %w", err)
	}
	if !maps.Equal(want, copied) {
		return &DifferenceError{c.at, fmt.Sprintf("the source has %d rows of traffic, and the %d of the copy are not the same", len(want), len(copied))}
	}
	c.rows = len(want)
	return nil
}

// sumTraffic reads all rows.
func sumTraffic(ctx context.Context, store graph.TrafficStore) (trafficSums, error) {
	sums := make(trafficSums)
	for row, err := range store.Traffic(ctx, 0) {
		if err != nil {
			return nil, err
		}
		if sums[row.TrafficKey] = sha256.Sum256(row.Data); len(row.Data) == 0 {
			delete(sums, row.TrafficKey)
		}
	}
	return sums, nil
}

// hasTraffic says whether the store has rows.
func hasTraffic(ctx context.Context, store graph.TrafficStore) (bool, error) {
	for _, err := range store.Traffic(ctx, 0) {
		return err == nil, err
	}
	return false, nil
}

// trafficWriter writes rows, many at once.
type trafficWriter struct {
	to    graph.TrafficStore
	rows  map[graph.TrafficKey][]byte
	bytes int
}

func (w *trafficWriter) put(ctx context.Context, row graph.TrafficRow) error {
	if w.bytes+row.Size() > graph.MaxTrafficBytes || len(w.rows) == graph.MaxTrafficRows {
		if err := w.flush(ctx); err != nil {
			return err
		}
	}
	if w.rows == nil {
		w.rows = make(map[graph.TrafficKey][]byte)
	}
	w.rows[row.TrafficKey] = row.Data
	w.bytes += row.Size()
	return nil
}

func (w *trafficWriter) flush(ctx context.Context) error {
	if len(w.rows) == 0 {
		return nil
	}
	var write graph.TrafficWrite
	for key, data := range w.rows {
		write.Put = append(write.Put, graph.TrafficRow{TrafficKey: key, Data: data})
	}
	if err := w.to.WriteTraffic(ctx, write); err != nil {
		return fmt.Errorf("the copy: %w", err)
	}
	w.rows, w.bytes = nil, 0
	return nil
}
