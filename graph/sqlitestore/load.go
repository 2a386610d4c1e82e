package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/ahead"
)

// Load implements [graph.Store].
func (s *Store) Load(ctx context.Context, at graph.AsOf) (graph.Revision, iter.Seq2[graph.Record, error]) {
	failed := func(err error) (graph.Revision, iter.Seq2[graph.Record, error]) {
		return 0, func(yield func(graph.Record, error) bool) { yield(graph.Record{}, err) }
	}
	v, err := s.view(ctx)
	if err != nil {
		return failed(err)
	}
	revision, err := v.revisionAt(ctx, at)
	if err != nil {
		v.end()
		return failed(err)
	}
	// The view ends with the stream, or with ctx where the stream is never run.
	end := sync.OnceFunc(v.end)
	stop := context.AfterFunc(ctx, end)
	return graph.Revision(revision), func(yield func(graph.Record, error) bool) {
		if !stop() {
			if err = context.Cause(ctx); err == nil {
				err = errors.New("the stream of a load can be run through only once")
			}
			yield(graph.Record{}, err)
			return
		}
		defer end()
		rows := ahead.Of(v.state(ctx, revision), row.size)
		for record, err := range ahead.Of(s.unpacked(rows), loaded.size) {
			if !yield(record.Record, err) || err != nil {
				return
			}
		}
		// A frozen file has no transactions: if somebody wrote it meanwhile, what was read may be of two states.
		if s.frozen {
			if err := s.usable(); err != nil {
				yield(graph.Record{}, err)
			}
		}
	}
}

// revisionAt finds the revision that is asked for, if its state can still be told.
func (v *view) revisionAt(ctx context.Context, at graph.AsOf) (int64, error) {
	revision := v.head
	switch {
	case at.Revision != 0 && !at.Time.IsZero():
		return 0, errors.New("load a state by its revision or by a time, not by both")
	case at.Revision > graph.Revision(v.head):
		return 0, fmt.Errorf("%w: the store is at revision %d, and %d was asked for", graph.ErrNoRevision, v.head, at.Revision)
	case at.Revision != 0:
		revision = int64(at.Revision)
	case !at.Time.IsZero():
		// + keeps SQLite to the order of revisions: the newest are asked for most, and times may be out of order.
		err := v.conn.QueryRowContext(ctx, "SELECT revision FROM revisions WHERE +time <= ? ORDER BY revision DESC LIMIT 1",
			graph.FloorMicro(at.Time)).Scan(&revision)
		if errors.Is(err, sql.ErrNoRows) {
			return 0, v.before(ctx, at.Time)
		} else if err != nil {
			return 0, v.store.explain(err)
		}
	}
	if revision == v.head {
		return revision, nil
	}
	var past int64
	if err := v.conn.QueryRowContext(ctx, "SELECT past FROM meta").Scan(&past); err != nil {
		return 0, v.store.explain(err)
	}
	if revision < past {
		return 0, fmt.Errorf("%w: the oldest state that is kept is that of revision %d, and %d was asked for",
			graph.ErrCompacted, past, revision)
	}
	return revision, nil
}

// before says why no kept revision is old enough.
func (v *view) before(ctx context.Context, at time.Time) error {
	var first, micros int64
	err := v.conn.QueryRowContext(ctx, "SELECT revision, time FROM revisions ORDER BY revision LIMIT 1").Scan(&first, &micros)
	oldest := time.UnixMicro(micros).UTC().Format(time.RFC3339Nano)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("%w: it is empty", graph.ErrNoRevision)
	case err != nil:
		return v.store.explain(err)
	case first > 1:
		return fmt.Errorf("%w: the oldest is of %s, and %s was asked for", graph.ErrCompacted, oldest, at.UTC().Format(time.RFC3339Nano))
	default:
		return fmt.Errorf("%w: the first is of %s, and %s was asked for", graph.ErrNoRevision, oldest, at.UTC().Format(time.RFC3339Nano))
	}
}

// state streams the rows that were true at a revision, by ID.
func (v *view) state(ctx context.Context, revision int64) iter.Seq2[row, error] {
	const order = " ORDER BY kind, source, scope, key"
	if revision == v.head {
		return v.records(ctx, "SELECT "+recordColumns+" FROM records"+order)
	}
	return v.records(ctx, "SELECT "+recordColumns+" FROM records WHERE revision <= ?1 UNION ALL "+
		"SELECT "+recordColumns+" FROM superseded WHERE revision <= ?1 AND replaced > ?1"+order, revision)
}

// loaded is a record with the size that it has packed.
type loaded struct {
	graph.Record
	bytes int
}

func (l loaded) size() int { return l.bytes }

func (r row) size() int { return len(r.data) }

func (s *Store) unpacked(rows iter.Seq2[row, error]) iter.Seq2[loaded, error] {
	return func(yield func(loaded, error) bool) {
		for r, err := range rows {
			l := loaded{bytes: len(r.data)}
			if err == nil {
				if l.Record, err = r.record(); err != nil {
					err = s.explain(err)
				}
			}
			if !yield(l, err) || err != nil {
				return
			}
		}
	}
}
