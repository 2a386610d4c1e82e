package neo4jstore

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/orrery-catalog/orrery/graph"
)

var _ graph.TrafficStore = (*Store)(nil)

// toldEmptied is how long an emptied row is kept for readers, by the server's clock.
const toldEmptied = 24 * time.Hour

// WriteTraffic implements [graph.TrafficStore]. It is one transaction, which locks nothing but the TrafficSequence node, so
// that it neither waits for changes nor holds them up.
func (s *Store) WriteTraffic(ctx context.Context, write graph.TrafficWrite) error {
	if s.life.Err() != nil {
		return graph.ErrClosed
	}
	if s.config.ReadOnly {
		return graph.ErrReadOnly
	}
	if err := write.Check(); err != nil {
		return err
	}
	w, tried := newTrafficWriter(&write), false
	return s.write(ctx, func(tx *transaction) error {
		now, err := tx.lockTraffic()
		if err != nil {
			return err
		}
		if tried { // it may be that only the answer was lost
			if done, err := w.isDone(tx); done || err != nil {
				return err
			}
		}
		tried = true
		return w.write(tx, now)
	})
}

// trafficHead is the TrafficSequence node.
type trafficHead struct {
	newest    int64 // sequence that was given
	forgotten int64 // the newest that an emptied row had which is gone
	now       int64 // milliseconds since 1970 by the server's clock
}

// lockTraffic makes this transaction the only one that writes rows. Whoever comes after it begins when all of it is
// applied, to indexes too: so sequences become visible in their order.
func (tx *transaction) lockTraffic() (trafficHead, error) {
	if err := tx.take("MATCH (n:@TrafficSequence {id: $store}) SET n.locked = $writer", map[string]any{"writer": tx.store.writer}); err != nil {
		return trafficHead{}, err
	}
	now, there, err := tx.trafficHead()
	if err == nil && !there { // it was there when the store was prepared
		tx.store.prepared.done.Store(false)
		err = fmt.Errorf("%w: the store was removed from %s", graph.ErrUnavailable, place(tx.store.config))
	}
	return now, err
}

// trafficHead reads the TrafficSequence node. There is none where only older programs wrote.
func (tx *transaction) trafficHead() (now trafficHead, there bool, err error) {
	record, err := tx.single(`MATCH (n:@TrafficSequence {id: $store}) RETURN n.newest AS newest, n.forgotten AS forgotten,
		datetime.realtime().epochMillis AS now`, nil)
	if err != nil || record == nil {
		return trafficHead{}, false, err
	}
	r := reader{record: record}
	now = trafficHead{newest: r.number("newest"), forgotten: r.number("forgotten"), now: r.number("now")}
	return now, true, r.err
}

// trafficWriter is one write on its way.
type trafficWriter struct {
	id       string // of the write
	ids      []string
	rows     []map[string]any // the properties of the nodes, but for sequence and emptied
	expected []string         // ids
	expect   []graph.TrafficRow
}

func newTrafficWriter(write *graph.TrafficWrite) *trafficWriter {
	w := &trafficWriter{id: uuid.NewString(), expect: write.Expect}
	for i := range write.Put {
		row := &write.Put[i]
		id, whole := trafficID(row.TrafficKey)
		properties := map[string]any{
			"id": id, "write": w.id, "data": append([]byte{}, row.Data...), "bytes": int64(len(row.Data)),
			"source": readable(row.Source), "writer": readable(row.Writer), "hour": time.Unix(int64(row.Hour)*3600, 0).UTC(),
		}
		if whole != id {
			properties["whole"] = whole
		}
		w.ids, w.rows = append(w.ids, id), append(w.rows, properties)
	}
	for i := range write.Expect {
		id, _ := trafficID(write.Expect[i].TrafficKey)
		w.expected = append(w.expected, id)
	}
	return w
}

// isDone says whether the write took place before.
func (w *trafficWriter) isDone(tx *transaction) (bool, error) {
	if len(w.ids) == 0 {
		return false, nil
	}
	record, err := tx.single("MATCH (r:@TrafficRow {id: $id}) RETURN r.write AS write", map[string]any{"id": w.ids[0]})
	if err != nil || record == nil {
		return false, err
	}
	by, err := value[string](record, "write")
	return by == w.id, err
}

// write writes the rows. A row never changes: the old one goes and a new one comes, so that nobody reads half of either.
func (w *trafficWriter) write(tx *transaction, now trafficHead) error {
	if err := w.requireExpected(tx); err != nil {
		return err
	}
	for i, properties := range w.rows {
		properties["sequence"] = now.newest + int64(i) + 1
		if properties["bytes"] == int64(0) {
			properties["emptied"] = now.now
		}
	}
	if len(w.rows) > 0 {
		if err := tx.run("UNWIND $ids AS id MATCH (r:@TrafficRow {id: id}) DELETE r", map[string]any{"ids": w.ids}); err != nil {
			return err
		}
		if err := tx.run("UNWIND $rows AS row CREATE (r:@TrafficRow) SET r = row", map[string]any{"rows": w.rows}); err != nil {
			return err
		}
	}
	forgotten, err := tx.forgetTraffic(now, 2*len(w.rows)+1)
	if err != nil {
		return err
	}
	return tx.run("MATCH (n:@TrafficSequence {id: $store}) SET n.newest = $newest, n.forgotten = $forgotten",
		map[string]any{"newest": now.newest + int64(len(w.rows)), "forgotten": max(now.forgotten, forgotten)})
}

// requireExpected refuses a write that does not rest on what there is.
func (w *trafficWriter) requireExpected(tx *transaction) error {
	if len(w.expected) == 0 {
		return nil
	}
	type found struct {
		sequence uint64
		empty    bool
	}
	there := make(map[string]found, len(w.expected))
	for record, err := range tx.stream("UNWIND $ids AS id MATCH (r:@TrafficRow {id: id}) RETURN id, r.sequence AS sequence, r.bytes AS bytes",
		map[string]any{"ids": w.expected}) {
		if err != nil {
			return err
		}
		r := reader{record: record}
		there[r.text("id")] = found{uint64(r.number("sequence")), r.number("bytes") == 0}
		if r.err != nil {
			return r.err
		}
	}
	for i, id := range w.expected {
		row, want := there[id], w.expect[i].Sequence
		if row.sequence != want && (want != 0 || !row.empty) {
			return fmt.Errorf("%w: the row of traffic %+v has sequence %d, the write rests on %d", graph.ErrConflict,
				w.expect[i].TrafficKey, row.sequence, want)
		}
	}
	return nil
}

// forgetTraffic removes some of the rows that were emptied long ago, more than a write can empty, so that they never pile
// up. It returns the newest sequence of these.
func (tx *transaction) forgetTraffic(now trafficHead, limit int) (int64, error) {
	record, err := tx.single(`MATCH (r:@TrafficRow) USING INDEX r:@TrafficRow(emptied) WHERE r.emptied <= $before
		WITH r, r.sequence AS sequence LIMIT $limit DELETE r RETURN max(sequence) AS newest`,
		map[string]any{"before": now.now - toldEmptied.Milliseconds(), "limit": int64(limit)})
	if err != nil || record == nil {
		return 0, err
	}
	return value[int64](record, "newest")
}
