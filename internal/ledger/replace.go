package ledger

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/fxamacker/cbor/v2"

	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/scanners"
)

const (
	// maxWriterBytes is how long the name of a writer of a reader may be.
	maxWriterBytes = 4096
	// flushWeight is how much a reading may hand over before it is written, and keptWeight how much of what was replaced is
	// kept by row, so that it can be replaced again without a new sum.
	flushWeight = 400_000
	keptWeight  = 200_000
)

// reading is the sink of one reading.
type reading struct {
	source *source
	report scanners.Sink
	stands map[string]bool // by name of a writer; guarded by Ledger.mu
}

// Add implements [scanners.TrafficSink].
func (r *reading) Add(hour traffic.Hour, counts *traffic.Counts) {
	r.source.ledger.mu.Lock()
	defer r.source.ledger.mu.Unlock()
	r.source.add(hour, counts)
}

// Replace implements [scanners.TrafficSink].
func (r *reading) Replace(ctx context.Context, writer string, hour traffic.Hour, counts *traffic.Counts) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if writer == "" || len(writer) > maxWriterBytes {
		return fmt.Errorf("a writer of traffic is named by %d bytes, not 1 to %d", len(writer), maxWriterBytes)
	}
	l := r.source.ledger
	l.mu.Lock()
	r.source.replace(setID{replacedWriter(writer), hour}, counts)
	full := r.source.pending > flushWeight || r.source.pressed() && r.source.inSets > r.source.config.MaxBytes/8
	l.mu.Unlock()
	if !full {
		return nil
	}
	if err := l.hold(ctx); err != nil {
		return err
	}
	defer l.release()
	if err := l.flush(ctx); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	r.source.settle()
	return nil
}

// Hours implements [scanners.TrafficSink].
func (r *reading) Hours(writer string) []traffic.Hour {
	s := r.source
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	name := replacedWriter(writer)
	hours := make(map[traffic.Hour]bool)
	for hour := range s.summed[name] {
		hours[hour] = true
	}
	for id, t := range s.sets {
		if id.writer == name {
			hours[id.hour] = t.weight() > 0
		}
	}
	maps.DeleteFunc(hours, func(_ traffic.Hour, held bool) bool { return !held })
	return slices.Sorted(maps.Keys(hours))
}

// Stands implements [scanners.TrafficSink].
func (r *reading) Stands(writer string) {
	r.source.ledger.mu.Lock()
	defer r.source.ledger.mu.Unlock()
	r.stands[writer] = true
}

// Report implements [scanners.TrafficSink].
func (r *reading) Report(ctx context.Context, scope scanners.Scope) error {
	return r.report.Report(ctx, scope)
}

// replace puts counts in place of what is held of the writer and hour.
func (s *source) replace(id setID, counts *traffic.Counts) {
	if counts == nil {
		counts = &traffic.Counts{}
	}
	s.admit(counts)
	t := &set{writer: id.writer, hour: id.hour, size: sizeFor(weigh(counts))}
	for !t.fill(counts) {
		t.size *= 2
	}
	empty := func(part uint16) {
		if t.pieces[part] == nil {
			t.pieces[part] = &piece{changes: 1}
		}
	}
	if old := s.sets[id]; old != nil {
		if old.says(t) {
			return
		}
		for part, p := range old.pieces {
			empty(part)
			s.touched.counts(&p.counts)
		}
		t.hidden = old.hidden
		s.forget(id, old)
	}
	for part := range s.summed[id.writer][id.hour] {
		empty(part)
		t.hidden = true
	}
	if len(t.pieces) == 0 {
		return
	}
	s.sets[id] = t
	t.sizePieces()
	s.inSets += int64(t.bytes())
	s.pending += t.weight()
	s.stale = s.stale || t.hidden
	s.index(counts)
	s.touched.counts(counts)
}

// says says whether a set that is written says what another one does.
func (t *set) says(other *set) bool {
	if t.hidden || t.dirty() || len(t.pieces) != len(other.pieces) {
		return false
	}
	for part, p := range other.pieces {
		was := t.pieces[part]
		if was == nil {
			return false
		}
		before, err := traffic.Pack(&was.counts)
		after, otherErr := traffic.Pack(&p.counts)
		if err != nil || otherErr != nil || !bytes.Equal(before, after) {
			return false
		}
	}
	return true
}

// fill deals counts out to pieces; false if one would be too large for a row.
func (t *set) fill(c *traffic.Counts) bool {
	t.pieces = make(map[uint16]*piece)
	at := func(hash uint64, weight int) *piece {
		p := t.piece(part(t.size, hash))
		p.weight += weight
		p.changes = 1
		return p
	}
	for key, f := range c.Flows {
		p := at(hashFlow(key), weighsFlow)
		p.counts.Flow(key)
		f.Latency = f.Latency.Packed()
		p.counts.Flows[key] = f
	}
	for key, v := range c.Services {
		p := at(hashService(key), weighsService)
		p.counts.Service(key)
		v.Latency = v.Latency.Packed()
		p.counts.Services[key] = v
	}
	for key, d := range c.Deliveries {
		p := at(hashDelivery(key), weighsDelivery)
		p.counts.Delivery(key)
		p.counts.Deliveries[key] = d
	}
	for key, n := range c.Reach {
		at(hashReach(key), weighsReach).counts.Touch(key, n)
	}
	for reason, n := range c.Lost {
		at(0, 0).counts.Lose(reason, n)
	}
	for _, p := range t.pieces {
		if p.weight > maxWeight && t.size < maxSize {
			return false
		}
	}
	return true
}

// stand says which writers do not age.
func (s *source) stand(next map[string]bool) {
	if maps.Equal(next, s.stands) {
		return
	}
	was := s.stands
	s.stands = next
	for id, t := range s.sets {
		if isReplaced(id.writer) {
			for _, p := range t.pieces {
				s.touched.counts(&p.counts)
			}
		}
	}
	for writer := range s.summed {
		if name, ok := strings.CutPrefix(writer, prefixReplaced); ok && was[name] != next[name] {
			s.stale = true
		}
	}
}

// standingBytes is how much of the list of writers that stand goes into one row.
const standingBytes = 512 << 10

// list takes a row of the list of writers that stand.
func (s *source) list(row graph.TrafficRow) error {
	if len(row.Data) == 0 {
		delete(s.lists, row.Part)
		return nil
	}
	var names [][]byte
	if err := cbor.Unmarshal(row.Data, &names); err != nil {
		return fmt.Errorf("the list of writers of %q that stand: %w", row.Source, err)
	}
	listed := make(map[string]bool, len(names))
	for _, name := range names {
		listed[string(name)] = true
	}
	s.lists[row.Part] = listed
	return nil
}

// listed are the writers that stand by the rows.
func (s *source) listed() map[string]bool {
	all := make(map[string]bool)
	for _, names := range s.lists {
		maps.Copy(all, names)
	}
	return all
}

// packStanding packs which writers stand into rows, and empties those that are needed no more.
func (s *source) packStanding() ([]graph.TrafficRow, error) {
	var parts [][][]byte
	size := standingBytes
	for _, name := range slices.Sorted(maps.Keys(s.stands)) {
		if size += len(name) + 9; size > standingBytes {
			parts, size = append(parts, nil), len(name)+9
		}
		parts[len(parts)-1] = append(parts[len(parts)-1], []byte(name))
	}
	was := 0
	for part := range s.lists {
		was = max(was, int(part)+1)
	}
	clear(s.lists)
	var rows []graph.TrafficRow
	for i := range max(len(parts), was) {
		row := graph.TrafficRow{}
		row.Source, row.Writer, row.Part = s.config.ID, prefixStands, uint16(i) //nolint:gosec // 32 GiB of names are not there
		if i < len(parts) {
			var err error
			if row.Data, err = cbor.Marshal(parts[i]); err != nil {
				return nil, err
			}
			if err := s.list(row); err != nil {
				return nil, err
			}
		}
		rows = append(rows, row)
	}
	return rows, nil
}
