package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/graph"
)

var _ graph.TrafficStore = (*Store)(nil)

// toldEmptied is how long an emptied row is kept for readers.
const toldEmptied = 24 * time.Hour

// WriteTraffic implements [graph.TrafficStore]. It makes no revision, so that followers are not woken.
func (s *Store) WriteTraffic(ctx context.Context, write graph.TrafficWrite) error {
	if err := s.usable(); err != nil {
		return err
	}
	if s.write == nil {
		return graph.ErrReadOnly
	}
	if err := write.Check(); err != nil {
		return err
	}
	now := s.config.Now()
	return s.explain(s.write.do(ctx, func(tx *transaction) error {
		for i := range write.Expect {
			if err := expectTraffic(tx, &write.Expect[i]); err != nil {
				return err
			}
		}
		return putTraffic(tx, write.Put, now)
	}))
}

// expectTraffic refuses a write that does not rest on what there is.
func expectTraffic(tx *transaction, expected *graph.TrafficRow) error {
	var sequence int64
	var empty bool
	err := tx.scan("SELECT sequence, emptied IS NOT NULL FROM traffic WHERE source = ? AND writer = ? AND hour = ? AND part = ?",
		trafficKey(expected.TrafficKey), &sequence, &empty)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if uint64(sequence) != expected.Sequence && (expected.Sequence != 0 || !empty) {
		return fmt.Errorf("%w: the row of traffic %+v has sequence %d, the write rests on %d", graph.ErrConflict, expected.TrafficKey,
			sequence, expected.Sequence)
	}
	return nil
}

// putTraffic writes the rows and forgets some of those that were emptied long ago: more than it can empty itself, so that
// they never pile up.
func putTraffic(tx *transaction, rows []graph.TrafficRow, now time.Time) error {
	newest, err := tx.number("SELECT traffic FROM meta")
	if err != nil {
		return err
	}
	for i := range rows {
		if err := tx.ctxErr(); err != nil {
			return err
		}
		row, emptied := &rows[i], sql.NullInt64{}
		if len(row.Data) == 0 {
			emptied = sql.NullInt64{Int64: now.UnixMicro(), Valid: true}
		}
		newest++
		if err := tx.run("INSERT OR REPLACE INTO traffic (source, writer, hour, part, sequence, emptied, data) VALUES (?, ?, ?, ?, ?, ?, ?)",
			append(trafficKey(row.TrafficKey), newest, emptied, append([]byte{}, row.Data...))...); err != nil {
			return err
		}
	}
	const old = "SELECT sequence FROM traffic WHERE emptied <= ?1 ORDER BY emptied, sequence LIMIT ?2"
	before, limit := now.Add(-toldEmptied).UnixMicro(), 2*len(rows)+1
	forgotten, err := tx.number("SELECT coalesce(max(sequence), 0) FROM ("+old+")", before, limit)
	if err != nil {
		return err
	}
	if forgotten > 0 {
		if err := tx.run("DELETE FROM traffic WHERE sequence IN ("+old+")", before, limit); err != nil {
			return err
		}
	}
	return tx.run("UPDATE meta SET traffic = ?1, traffic_forgotten = max(traffic_forgotten, ?2)", newest, forgotten)
}

// trafficKey are the arguments for source, writer, hour and part.
func trafficKey(key graph.TrafficKey) []any {
	return []any{key.Source, key.Writer, int64(key.Hour), int64(key.Part)}
}

// Traffic implements [graph.TrafficStore]. All rows are of one state of the store.
func (s *Store) Traffic(ctx context.Context, after uint64) iter.Seq2[graph.TrafficRow, error] {
	return func(yield func(graph.TrafficRow, error) bool) {
		v, err := s.view(ctx)
		if err != nil {
			yield(graph.TrafficRow{}, err)
			return
		}
		defer v.end()
		if err := v.requireTraffic(ctx, after); err != nil {
			yield(graph.TrafficRow{}, err)
			return
		}
		for row, err := range v.traffic(ctx, int64(after)) {
			if !yield(row, err) || err != nil {
				return
			}
		}
		if s.frozen { // see Load
			if err := s.usable(); err != nil {
				yield(graph.TrafficRow{}, err)
			}
		}
	}
}

// requireTraffic is graph.ErrCompacted where what was written after the sequence cannot be told.
func (v *view) requireTraffic(ctx context.Context, after uint64) error {
	var newest, forgotten int64
	if err := v.conn.QueryRowContext(ctx, "SELECT traffic, traffic_forgotten FROM meta").Scan(&newest, &forgotten); err != nil {
		return v.store.explain(err)
	}
	switch {
	case after > uint64(newest):
		return fmt.Errorf("%w: the newest row of traffic has sequence %d, and those after %d were asked for: another database "+
			"stands in its place", graph.ErrCompacted, newest, after)
	case after > 0 && after < uint64(forgotten):
		return fmt.Errorf("%w: rows of traffic were emptied up to sequence %d and are forgotten, and those after %d were asked for",
			graph.ErrCompacted, forgotten, after)
	}
	return nil
}

// traffic streams the rows after the sequence.
func (v *view) traffic(ctx context.Context, after int64) iter.Seq2[graph.TrafficRow, error] {
	return func(yield func(graph.TrafficRow, error) bool) {
		query := "SELECT source, writer, hour, part, sequence, data FROM traffic WHERE sequence > ?"
		if after == 0 {
			query += " AND emptied IS NULL"
		}
		// As in records: the loop watches the context.
		rows, err := v.conn.QueryContext(context.WithoutCancel(ctx), query+" ORDER BY sequence", after)
		if err != nil {
			yield(graph.TrafficRow{}, v.store.explain(err))
			return
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			if err := v.interrupted(ctx); err != nil {
				yield(graph.TrafficRow{}, err)
				return
			}
			var row graph.TrafficRow
			var hour, part, sequence int64
			if err := rows.Scan(&row.Source, &row.Writer, &hour, &part, &sequence, &row.Data); err != nil {
				yield(graph.TrafficRow{}, v.store.explain(err))
				return
			}
			row.Hour, row.Part, row.Sequence = traffic.Hour(hour), uint16(part), uint64(sequence)
			if !yield(row, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(graph.TrafficRow{}, v.store.explain(err))
		}
	}
}
