package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/graph"
)

// A write has at most so many rows and bytes: less than a store takes, so that nobody waits long for it.
const (
	writeRows  = 2000
	writeBytes = 4 << 20
)

// failing tells since when rows cannot be written, and why.
type failing struct {
	since time.Time // zero = they can
	err   error
}

// packed is a row on its way to the store.
type packed struct {
	source  *source
	set     *set
	part    uint16
	piece   *piece
	changes int // of the piece that the row has
}

// Flush writes all that is not written yet. What cannot be written is kept, and written with the next one.
func (l *Ledger) Flush(ctx context.Context) error {
	if err := l.hold(ctx); err != nil {
		return err
	}
	defer l.release()
	return l.flush(ctx)
}

// flush is Flush for the holder of storing.
func (l *Ledger) flush(ctx context.Context) error {
	began := time.Now()
	var failed error
	for _, s := range l.sorted() {
		if failed = l.flushSource(ctx, s); failed != nil {
			break
		}
	}
	if ctx.Err() != nil && failed != nil {
		return failed
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if failed == nil {
		if l.failing.err != nil {
			l.config.Log.Info().Msg("traffic can be written again")
		}
		l.failing = failing{}
		l.metrics.flushed.Observe(time.Since(began).Seconds())
		return nil
	}
	if l.failing.err == nil {
		l.failing.since = l.config.Now()
		l.config.Log.Warn().Err(failed).Msg("traffic cannot be written for now; it is kept in memory")
	}
	l.failing.err = failed
	l.metrics.failures.Inc()
	return failed
}

func (l *Ledger) flushSource(ctx context.Context, s *source) error {
	for _, t := range l.dirtySets(s) {
		id := setID{t.writer, t.hour}
		err := l.flushSet(ctx, s, t, false)
		if errors.Is(err, graph.ErrConflict) { // its rows are newer than is known, or others have summed them up
			if err = l.follow(ctx); err == nil && l.holds(s, id, t) {
				err = l.flushSet(ctx, s, t, true)
			}
		}
		if errors.Is(err, graph.ErrConflict) {
			l.mu.Lock()
			l.config.Log.Warn().Str("source", s.config.ID).
				Msg("what was counted before the store was away for long is summed up already; the last of it is lost")
			s.drop(id, t)
			l.mu.Unlock()
		} else if err != nil {
			return fmt.Errorf("write traffic of source %s: %w", s.config.ID, err)
		}
	}
	l.mu.Lock()
	var stands []graph.TrafficRow
	var err error
	if s.standingDirty {
		stands, err = s.packStanding()
		s.standingDirty = false
	}
	l.mu.Unlock()
	if err == nil && len(stands) > 0 {
		err = l.rows.WriteTraffic(ctx, graph.TrafficWrite{Put: stands})
	}
	if err != nil {
		l.mu.Lock()
		s.standingDirty = true
		l.mu.Unlock()
		return fmt.Errorf("write which writers of source %s stand: %w", s.config.ID, err)
	}
	return nil
}

// dirtySets gives those with something to write their final names. Those of which something was sent come first: while the
// store is away, the others go on to take what is counted, and are not followed by more and more sets.
func (l *Ledger) dirtySets(s *source) []*set {
	l.mu.Lock()
	defer l.mu.Unlock()
	var tried, others []*set
	for _, t := range s.sets {
		switch {
		case !t.own() || !t.dirty():
		case t.tried:
			tried = append(tried, t)
		default:
			others = append(others, t)
		}
	}
	for _, t := range others {
		s.stamp(t)
	}
	return append(tried, others...)
}

// holds says whether a source still has a set.
func (l *Ledger) holds(s *source, id setID, t *set) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return s.sets[id] == t
}

// flushSet writes the pieces of a set that have changed. Of one that others may have summed up by now, it makes sure that
// they have not: known says that the sequences of its rows are.
func (l *Ledger) flushSet(ctx context.Context, s *source, t *set, known bool) error {
	for {
		write, sent, err := l.pack(s, t, known)
		if err != nil || len(sent) == 0 {
			return err
		}
		if err := l.rows.WriteTraffic(ctx, write); err != nil {
			return err
		}
		l.mu.Lock()
		held := s.sets[setID{t.writer, t.hour}] == t
		for _, row := range sent {
			row.piece.written = row.changes
			row.piece.sequence = 0 // a new one, which is not known
			if row.piece.weight == 0 && len(row.piece.counts.Lost) == 0 && !row.piece.dirty() && held {
				s.dropPiece(t, row.part)
			}
		}
		if len(t.pieces) == 0 && !t.hidden && held {
			s.forget(setID{t.writer, t.hour}, t)
		}
		l.mu.Unlock()
		l.metrics.rows.Add(float64(len(sent)))
	}
}

func (l *Ledger) pack(s *source, t *set, known bool) (graph.TrafficWrite, []packed, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var write graph.TrafficWrite
	var sent []packed
	late := l.shared && t.late(l.hour())
	bytes := 0
	for part, p := range t.pieces {
		if !p.dirty() {
			continue
		}
		if late && p.tried && p.sequence == 0 && !known {
			return write, nil, graph.ErrConflict
		}
		p.tried, t.tried = true, true
		data, err := traffic.Pack(&p.counts)
		if err != nil {
			return write, nil, err
		}
		row := graph.TrafficRow{TrafficKey: keyOf(s.config.ID, t, part), Data: data}
		if bytes += row.Size(); len(sent) > 0 && (bytes > writeBytes || len(sent) == writeRows) {
			break
		}
		write.Put = append(write.Put, row)
		if late {
			write.Expect = append(write.Expect, graph.TrafficRow{TrafficKey: row.TrafficKey, Sequence: p.sequence})
		}
		sent = append(sent, packed{s, t, part, p, p.changes})
	}
	return write, sent, nil
}

// drop forgets a set of this process that others have summed up.
func (s *source) drop(id setID, t *set) {
	for _, p := range t.pieces {
		s.touched.counts(&p.counts)
	}
	s.forget(id, t)
	s.stale = true
}

// settle sums up the sets that are final, and those whose rows are held for nothing but that they might change.
func (s *source) settle() {
	if rows, ok := s.ledger.rows.(*memory); ok {
		s.inRows = rows.held(s.config.ID)
	}
	clock := s.ledger.hour()
	most, keptNow := keptWeight, 0
	pressed := s.pressed()
	if pressed {
		most = 0
	}
	for id, t := range s.sets {
		epoch, live := epochOf(id.writer)
		switch {
		case t.own() && t.dirty(), t.hidden:
		case live && epoch > 0 && clock > epoch+writable+1:
			s.close(id, t)
		case live && pressed && !s.counting(t):
			s.close(id, t)
		case isReplaced(id.writer):
			keptNow += max(1, t.weight())
		}
	}
	if s.full() {
		s.foldOld()
	}
	for keptNow > most {
		var oldest setID
		var at *set
		for id, t := range s.sets {
			if isReplaced(id.writer) && !t.hidden && !t.dirty() && (at == nil || id.hour < oldest.hour) {
				oldest, at = id, t
			}
		}
		if at == nil {
			return
		}
		keptNow -= max(1, at.weight())
		s.close(oldest, at)
	}
}
