package neo4jstore

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync/atomic"
	"time"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/ahead"
)

// visible is the newest revision, once all of it can be read.
func (s *Store) visible(ctx context.Context) (head, error) {
	var (
		newest    head
		bookmarks []any
	)
	err := s.read(ctx, func(tx *transaction) (err error) {
		if newest, err = tx.head(); err != nil || newest.revision == 0 || newest.revision == s.reached.Load() {
			return err
		}
		record, err := tx.single("MATCH (r:@Revision {number: $number}) RETURN r.bookmarks AS bookmarks", map[string]any{"number": newest.revision})
		if err != nil {
			return err
		}
		if record == nil {
			return errAgain // the node is found by its index, which is written after nodes are
		}
		bookmarks, err = value[[]any](record, "bookmarks")
		return err
	})
	if err != nil || bookmarks == nil {
		return newest, err
	}
	all := make([]string, 0, len(bookmarks))
	for _, b := range bookmarks {
		if bookmark, ok := b.(string); ok {
			all = append(all, bookmark)
		}
	}
	if err := s.await(ctx, all); err != nil {
		return head{}, s.explain(ctx, err)
	}
	s.reached.Store(newest.revision)
	return newest, nil
}

// Load implements [graph.Store].
func (s *Store) Load(ctx context.Context, at graph.AsOf) (graph.Revision, iter.Seq2[graph.Record, error]) {
	revision, err := s.revisionAt(ctx, at)
	if err != nil {
		return 0, func(yield func(graph.Record, error) bool) { yield(graph.Record{}, err) }
	}
	var run atomic.Bool
	return graph.Revision(revision), func(yield func(graph.Record, error) bool) {
		if run.Swap(true) {
			yield(graph.Record{}, errors.New("the stream of a load can be run through only once"))
			return
		}
		// It ends with the stream, so that nobody reads on for one that was broken off.
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		rows := ahead.Of(s.state(ctx, revision), row.size)
		for record, err := range ahead.Of(unpacked(rows), loaded.size) {
			if err == nil {
				err = s.interrupted(ctx)
			}
			if err != nil {
				yield(graph.Record{}, err)
				return
			}
			if !yield(record.Record, nil) {
				return
			}
		}
	}
}

// interrupted is why a stream must not go on.
func (s *Store) interrupted(ctx context.Context) error {
	switch {
	case s.life.Err() != nil:
		return graph.ErrClosed
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return nil
}

// loaded is a record with the size that it has packed.
type loaded struct {
	graph.Record
	bytes int
}

func (l loaded) size() int { return l.bytes }

func unpacked(rows iter.Seq2[row, error]) iter.Seq2[loaded, error] {
	return func(yield func(loaded, error) bool) {
		for r, err := range rows {
			l := loaded{bytes: r.size()}
			if err == nil {
				l.Record, err = r.record()
			}
			if !yield(l, err) || err != nil {
				return
			}
		}
	}
}

// revisionAt finds the revision that is asked for, if its state can still be told.
func (s *Store) revisionAt(ctx context.Context, at graph.AsOf) (int64, error) {
	if at.Revision != 0 && !at.Time.IsZero() {
		return 0, errors.New("load a state by its revision or by a time, not by both")
	}
	newest, err := s.visible(ctx)
	if err != nil {
		return 0, err
	}
	revision := newest.revision
	switch {
	case at.Revision > graph.Revision(newest.revision):
		return 0, fmt.Errorf("%w: the store is at revision %d, and %d was asked for", graph.ErrNoRevision, newest.revision, at.Revision)
	case at.Revision != 0:
		revision = int64(at.Revision)
	case !at.Time.IsZero():
		err := s.read(ctx, func(tx *transaction) (err error) {
			revision, err = tx.revisionBy(at.Time, newest)
			return err
		})
		if err != nil {
			return 0, err
		}
	}
	if revision < newest.past {
		return 0, compacted(newest.past, revision)
	}
	return revision, nil
}

func compacted(past, asked int64) error {
	return fmt.Errorf("%w: the oldest state that is kept is that of revision %d, and %d was asked for", graph.ErrCompacted, past, asked)
}

// revisionBy is the newest revision whose time is not later.
func (tx *transaction) revisionBy(at time.Time, newest head) (int64, error) {
	record, err := tx.single(`MATCH (r:@Revision) WHERE r.number <= $newest AND r.micros <= $micros
		RETURN r.number AS number ORDER BY r.number DESC LIMIT 1`, map[string]any{"newest": newest.revision, "micros": graph.FloorMicro(at)})
	if err != nil {
		return 0, err
	}
	if record != nil {
		return value[int64](record, "number")
	}
	record, err = tx.single(`MATCH (r:@Revision) WHERE r.number <= $newest RETURN r.number AS number, r.micros AS micros
		ORDER BY r.number LIMIT 1`, map[string]any{"newest": newest.revision})
	if err != nil {
		return 0, err
	}
	if record == nil {
		return 0, fmt.Errorf("%w: it is empty", graph.ErrNoRevision)
	}
	r := reader{record: record}
	first, oldest := r.number("number"), time.UnixMicro(r.number("micros")).UTC().Format(time.RFC3339Nano)
	switch asked := at.UTC().Format(time.RFC3339Nano); {
	case r.err != nil:
		return 0, r.err
	case first > 1:
		return 0, fmt.Errorf("%w: the oldest is of %s, and %s was asked for", graph.ErrCompacted, oldest, asked)
	default:
		return 0, fmt.Errorf("%w: the first is of %s, and %s was asked for", graph.ErrNoRevision, oldest, asked)
	}
}

// state streams the versions that were true at a revision, by kind and id, in a transaction a page.
func (s *Store) state(ctx context.Context, revision int64) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		for _, k := range kinds {
			p := newPages(k, statePage(k))
			for !p.done {
				var rows []row
				err := s.read(ctx, func(tx *transaction) (err error) {
					if rows, err = p.next(tx, revision); err != nil {
						return err
					}
					// What was removed as too old may have been missed; it is removed after past was moved.
					return tx.requireKept(revision)
				})
				if err != nil {
					yield(row{}, err)
					return
				}
				p.advance(rows)
				for _, r := range rows {
					if !yield(r, nil) {
						return
					}
				}
			}
		}
	}
}

// statePage reads what was true at a revision. It passes by what was true only at others, so that entries of the index
// need not move when they are replaced.
func statePage(k kind) string {
	return `MATCH (v:` + k.label() + `) USING INDEX v:` + k.label() + `(id, from)
		WHERE v.id > $after AND v.from <= $revision AND v.until > $revision
		RETURN v.id AS id, v.whole AS whole, v.data AS data ORDER BY v.id LIMIT $limit`
}

// requireKept is graph.ErrCompacted where the state of the revision can no longer be told.
func (tx *transaction) requireKept(revision int64) error {
	now, err := tx.head()
	switch {
	case err != nil:
		return err
	case revision < now.past:
		return compacted(now.past, revision)
	case revision > now.revision:
		return fmt.Errorf("%w: it was at revision %d and is at %d: another database stands in its place", graph.ErrCompacted, revision, now.revision)
	}
	return nil
}
