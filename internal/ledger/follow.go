package ledger

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/graph"
)

// restSums is the least time between two sums of all rows that are made because rows have changed, as a multiple of how
// long the last one took.
const restSums = 10

// Load adds up all rows that the store has, unless that was done. Errors are those of the store.
func (l *Ledger) Load(ctx context.Context) error {
	if l.loaded.Load() {
		return nil
	}
	if err := l.hold(ctx); err != nil {
		return err
	}
	defer l.release()
	if l.loaded.Load() {
		return nil
	}
	if err := l.sumUp(ctx); err != nil {
		return err
	}
	l.publish()
	return nil
}

// sumUp makes the sums anew from all rows. The caller holds storing.
func (l *Ledger) sumUp(ctx context.Context) error {
	began := time.Now()
	var sum *summing
	for tries := 0; ; tries++ {
		var err error
		if sum, err = l.readAll(ctx, sum); err != nil {
			return fmt.Errorf("read the traffic that is kept: %w", err)
		}
		if sum.right() || tries == 5 {
			break
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, s := range l.sources {
		s.take(sum.sources[id], sum.seen)
	}
	l.sequence, l.others = sum.sequence, sum.others
	l.summed, l.sumTook = l.config.Now(), time.Since(began)
	l.loaded.Store(true)
	l.metrics.sums.Observe(l.sumTook.Seconds())
	return nil
}

// summing is the reading of all rows into sources that nobody else knows.
type summing struct {
	sources  map[string]*source
	from     map[string]traffic.Hour    // the first day whose latencies are kept, by source
	stands   map[string]map[string]bool // which writers do, as far as it was known at the beginning
	sequence uint64
	torn     bool // rows were compacted meanwhile
	// others are the newest hours of sources that are not configured.
	others map[string]traffic.Hour
	seen   map[rowID]bool // the rows of sets that are in memory
}

type rowID struct {
	source string
	setID
	part uint16
}

// right says whether what was taken for granted at the beginning has turned out to be so.
func (m *summing) right() bool {
	for id, s := range m.sources {
		if s.newest > 0 && m.from[id] > s.recentDay() || !maps.Equal(s.stands, m.stands[id]) {
			return false
		}
	}
	return !m.torn
}

// readAll reads all rows. What the last reading found tells what to take for granted.
func (l *Ledger) readAll(ctx context.Context, last *summing) (*summing, error) {
	m := &summing{
		sources: make(map[string]*source), from: make(map[string]traffic.Hour), stands: make(map[string]map[string]bool),
		seen: make(map[rowID]bool), others: make(map[string]traffic.Hour),
	}
	l.mu.Lock()
	for id, s := range l.sources {
		next := newSource(l, s.config)
		m.sources[id], m.from[id], m.stands[id] = next, max(day(l.hour()), 1)-1, maps.Clone(s.stands)
		if last != nil {
			m.from[id], m.stands[id] = last.sources[id].recentDay(), last.sources[id].stands
		}
		next.inRows = s.inRows
		next.stands, next.unseen = m.stands[id], true
	}
	l.mu.Unlock()
	for row, err := range l.rows.Traffic(ctx, 0) {
		if err != nil {
			return nil, err
		}
		m.sequence = max(m.sequence, row.Sequence)
		s := m.sources[row.Source]
		if s == nil {
			if len(row.Data) > 0 {
				m.others[row.Source] = max(m.others[row.Source], row.Hour)
			}
			continue
		}
		if err := m.read(l, s, row); err != nil {
			return nil, err
		}
	}
	for _, s := range m.sources {
		s.stands = s.listed()
	}
	return m, nil
}

func (m *summing) read(l *Ledger, s *source, row graph.TrafficRow) error {
	id := setID{row.Writer, row.Hour}
	if row.Writer == prefixStands {
		return s.list(row)
	}
	if _, twice := s.summed[id.writer][id.hour][row.Part]; twice {
		m.torn = true
		return nil
	}
	if len(row.Data) == 0 {
		if t := s.sets[id]; t != nil {
			s.dropPiece(t, row.Part)
		}
		return nil
	}
	if l.mine(s, id) { // it is in memory
		m.seen[rowID{row.Source, id, row.Part}] = true
		return nil
	}
	counts, err := traffic.Unpack(row.Data)
	if err != nil {
		return fmt.Errorf("row %d of %q by %q: %w", row.Part, row.Source, row.Writer, err)
	}
	s.fit(counts)
	if epoch, live := epochOf(row.Writer); live && !s.pressed() && l.hour() <= epoch+writable+1 ||
		isReplaced(row.Writer) && m.keep(s, id, counts) {
		s.keepRow(id, row, counts)
		return nil
	}
	s.sum(&set{writer: row.Writer, hour: row.Hour}, counts, m.from[row.Source])
	s.putSummed(id, row.Part, row.Sequence)
	return nil
}

// keep says whether a row that may be replaced is kept as it is: the newest are.
func (m *summing) keep(s *source, id setID, counts *traffic.Counts) bool {
	if s.stands[strings.TrimPrefix(id.writer, prefixReplaced)] || hourOf(s.newest.Time()) > id.hour+48 {
		return false
	}
	s.pending += weigh(counts)
	return s.pending <= keptWeight && !s.pressed()
}

// mine says whether a set is in memory that only this process writes, and that is more than its rows.
func (l *Ledger) mine(s *source, id setID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.sources[s.config.ID].sets[id]
	return t != nil && t.mine(l.hour())
}

// mine says whether a set in memory is more than its rows are.
func (t *set) mine(clock traffic.Hour) bool {
	return t.own() && (t.dirty() || !isReplaced(t.writer) && !t.late(clock))
}

// keepRow holds a row of a set that others write.
func (s *source) keepRow(id setID, row graph.TrafficRow, counts *traffic.Counts) {
	t := s.sets[id]
	if t == nil {
		t = &set{writer: id.writer, hour: id.hour, pieces: make(map[uint16]*piece)}
		s.sets[id] = t
		s.inSets += setBytes
	}
	if old := t.pieces[row.Part]; old != nil {
		s.touched.counts(&old.counts)
		s.dropPiece(t, row.Part)
	}
	p := &piece{counts: *counts, weight: weigh(counts), sequence: row.Sequence}
	s.grow(p, sizeOf(counts))
	t.pieces[row.Part] = p
	s.index(counts)
	s.touched.counts(counts)
}

// take puts what was summed up anew in place of what is held, but for the sets that this process writes.
func (s *source) take(sum *source, seen map[rowID]bool) {
	s.touchAll()
	own := maps.Clone(s.sets)
	maps.DeleteFunc(own, func(id setID, t *set) bool {
		if !t.mine(s.ledger.hour()) {
			return true
		}
		for part, p := range t.pieces {
			if s.ledger.shared && t.late(s.ledger.hour()) && p.written > 0 && !seen[rowID{s.config.ID, id, part}] { // others have summed it up
				return true
			}
		}
		return false
	})
	s.flows, s.services, s.deliveries, s.reach = sum.flows, sum.services, sum.deliveries, sum.reach
	s.lost, s.summed, s.sets = sum.lost, sum.summed, sum.sets
	s.environments = sum.environments
	s.known, s.inSets = sum.known, sum.inSets
	s.stale, s.newest, s.oldest = sum.stale, sum.newest, sum.oldest
	if !s.standingDirty {
		s.stands = sum.stands
	}
	s.lists = sum.lists
	s.pending = 0
	for id, t := range own {
		t.hidden = len(s.summed[id.writer][id.hour]) > 0 // it was put in place of them meanwhile
		s.stale = s.stale || t.hidden
		s.sets[id] = t
		s.inSets += int64(t.bytes())
		s.pending += t.weight()
		for _, p := range t.pieces {
			s.index(&p.counts)
		}
	}
	s.touchAll()
}

// touchAll has everything looked at for the next view.
func (s *source) touchAll() {
	mark(&s.touched.flows, s.flows)
	mark(&s.touched.services, s.services)
	mark(&s.touched.deliveries, s.deliveries)
	mark(&s.touched.reach, s.reach)
	s.touched.lost = true
}

// follow reads what was written since it was read last. The caller holds storing.
func (l *Ledger) follow(ctx context.Context) error {
	for row, err := range l.rows.Traffic(ctx, l.sequence) {
		if errors.Is(err, graph.ErrCompacted) {
			return l.sumUp(ctx)
		}
		if err != nil {
			return fmt.Errorf("read what other processes count: %w", err)
		}
		l.mu.Lock()
		if s := l.sources[row.Source]; s != nil {
			err = s.apply(row)
		}
		l.mu.Unlock()
		if err != nil {
			return err
		}
		l.sequence = row.Sequence
	}
	return nil
}

// apply takes a row that has changed.
func (s *source) apply(row graph.TrafficRow) error {
	id := setID{row.Writer, row.Hour}
	if t := s.sets[id]; t != nil && t.own() && isReplaced(id.writer) && !t.dirty() && !t.hidden {
		s.pending -= t.weight() // it is as in the store, and others may replace it, too
		t.size = 0
	}
	if t := s.sets[id]; t != nil && t.own() {
		if p := t.pieces[row.Part]; p != nil && len(row.Data) > 0 {
			p.sequence = row.Sequence
		} else if p != nil && !isReplaced(id.writer) { // others have summed it up
			s.drop(id, t)
		}
		return nil
	}
	was, summed := s.summed[id.writer][id.hour][row.Part]
	switch {
	case row.Writer == prefixStands:
		if err := s.list(row); err != nil || s.standingDirty {
			return err
		}
		s.stand(s.listed())
		return nil
	case summed && was == 0 && len(row.Data) > 0: // this process wrote it
		s.summed.put(id, row.Part, row.Sequence)
		return nil
	case summed && was == row.Sequence:
		return nil
	case summed || isSum(row.Writer):
		s.stale = true
		return nil
	case len(row.Data) == 0:
		if t := s.sets[id]; t != nil {
			if p := t.pieces[row.Part]; p != nil {
				s.touched.counts(&p.counts)
				s.dropPiece(t, row.Part)
			}
			if len(t.pieces) == 0 {
				delete(s.sets, id)
				s.inSets -= setBytes
			}
		}
		return nil
	}
	counts, err := traffic.Unpack(row.Data)
	if err != nil {
		return fmt.Errorf("row %d of %q by %q: %w", row.Part, row.Source, row.Writer, err)
	}
	s.fit(counts)
	s.keepRow(id, row, counts)
	return nil
}

// sumUpStale makes the sums anew if a row that is in one has changed; unless now, not as soon as that.
func (l *Ledger) sumUpStale(ctx context.Context, now bool) error {
	l.mu.Lock()
	stale := slices.ContainsFunc(slices.Collect(maps.Values(l.sources)), func(s *source) bool { return s.stale })
	rested := l.config.Now().Sub(l.summed) >= restSums*l.sumTook
	l.mu.Unlock()
	if !stale || !now && !rested {
		return nil
	}
	return l.sumUp(ctx)
}
