package ingest_test

import (
	"bytes"
	"cmp"
	"context"
	"iter"
	"slices"
	"time"

	"github.com/orrery-catalog/orrery/graph"
)

// trafficRows are the rows of traffic of a database.
type trafficRows struct {
	rows      map[graph.TrafficKey]graph.TrafficRow
	emptied   map[graph.TrafficKey]time.Time
	sequence  uint64
	forgotten uint64 // the greatest sequence of a row that was emptied and is forgotten
}

const emptyRowsKept = 24 * time.Hour

var _ graph.TrafficStore = (*door)(nil)

// WriteTraffic implements [graph.TrafficStore].
func (d *door) WriteTraffic(ctx context.Context, write graph.TrafficWrite) error {
	if err := d.usable(ctx, "WriteTraffic"); err != nil {
		return err
	}
	if d.readOnly {
		return graph.ErrReadOnly
	}
	if err := write.Check(); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	t := &d.traffic
	if t.rows == nil {
		t.rows, t.emptied = make(map[graph.TrafficKey]graph.TrafficRow), make(map[graph.TrafficKey]time.Time)
	}
	for _, expected := range write.Expect {
		row := t.rows[expected.TrafficKey]
		if sequence := row.Sequence; len(row.Data) == 0 && expected.Sequence != 0 || len(row.Data) > 0 && sequence != expected.Sequence {
			return graph.ErrConflict
		}
	}
	for key, since := range t.emptied {
		if time.Since(since) > emptyRowsKept {
			t.forgotten = max(t.forgotten, t.rows[key].Sequence)
			delete(t.rows, key)
			delete(t.emptied, key)
		}
	}
	for _, row := range write.Put {
		t.sequence++
		row.Sequence, row.Data = t.sequence, bytes.Clone(row.Data)
		if t.rows[row.TrafficKey] = row; len(row.Data) == 0 {
			t.emptied[row.TrafficKey] = time.Now()
		} else {
			delete(t.emptied, row.TrafficKey)
		}
	}
	return nil
}

// Traffic implements [graph.TrafficStore].
func (d *door) Traffic(ctx context.Context, after uint64) iter.Seq2[graph.TrafficRow, error] {
	return func(yield func(graph.TrafficRow, error) bool) {
		if err := d.usable(ctx, "Traffic"); err != nil {
			yield(graph.TrafficRow{}, err)
			return
		}
		d.mu.Lock()
		t := &d.traffic
		var list []graph.TrafficRow
		for _, row := range t.rows {
			if row.Sequence > after && (after > 0 || len(row.Data) > 0) {
				row.Data = bytes.Clone(row.Data)
				list = append(list, row)
			}
		}
		compacted := after > 0 && (after < t.forgotten || after > t.sequence)
		d.mu.Unlock()
		if compacted {
			yield(graph.TrafficRow{}, graph.ErrCompacted)
			return
		}
		slices.SortFunc(list, func(a, b graph.TrafficRow) int { return cmp.Compare(a.Sequence, b.Sequence) })
		for _, row := range list {
			err := d.usable(ctx, "TrafficRow")
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
}

// ageTraffic makes the rows that are empty by now older.
func (d *door) ageTraffic(by time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for key, since := range d.traffic.emptied {
		d.traffic.emptied[key] = since.Add(-by)
	}
}
