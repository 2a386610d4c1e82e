package sqlitestore

import (
	"context"
	"fmt"
	"iter"
	"math"
	"strings"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// maxRefsInQuery is how many Refs are looked up by index. Above it, the rows of the time asked for are read and sieved:
// who asks for so many wants a large part of them anyway.
const maxRefsInQuery = 500

// History implements [graph.Store].
func (s *Store) History(ctx context.Context, query graph.HistoryQuery) iter.Seq2[graph.Recorded, error] {
	return func(yield func(graph.Recorded, error) bool) {
		v, err := s.view(ctx)
		if err != nil {
			yield(graph.Recorded{}, err)
			return
		}
		defer v.end()
		statement, args := historyStatement(query)
		rows, err := v.conn.QueryContext(context.WithoutCancel(ctx), statement, args...)
		if err != nil {
			yield(graph.Recorded{}, s.explain(err))
			return
		}
		defer func() { _ = rows.Close() }()
		wanted := refsToSieve(query.Refs)
		for n := 0; (query.Limit <= 0 || n < query.Limit) && rows.Next(); {
			if err := v.interrupted(ctx); err != nil {
				yield(graph.Recorded{}, err)
				return
			}
			var (
				r      graph.Recorded
				micros int64
			)
			if err := rows.Scan(&r.Revision, &micros, &r.Ref, &r.Field, &r.Old, &r.New, &r.Source); err != nil {
				yield(graph.Recorded{}, s.explain(err))
				return
			}
			if _, ok := wanted[r.Ref]; wanted != nil && !ok {
				continue
			}
			r.Time = time.UnixMicro(micros).UTC()
			if !yield(r, nil) {
				return
			}
			n++
		}
		if err := rows.Err(); err != nil {
			yield(graph.Recorded{}, s.explain(err))
		}
	}
}

func refsToSieve(refs []catalog.Ref) map[catalog.Ref]struct{} {
	if len(refs) <= maxRefsInQuery {
		return nil
	}
	wanted := make(map[catalog.Ref]struct{}, len(refs))
	for _, ref := range refs {
		wanted[ref] = struct{}{}
	}
	return wanted
}

// historyStatement narrows by ids first, which lie in the order of revisions: rows before the first revision of the time
// asked for need not be looked at. Times may come out of order, so that each row's own time decides.
func historyStatement(query graph.HistoryQuery) (string, []any) {
	since, until := int64(math.MinInt64), int64(math.MaxInt64)
	if !query.Since.IsZero() {
		since = ceilMicro(query.Since)
	}
	if !query.Until.IsZero() {
		until = ceilMicro(query.Until)
	}
	after := int64(min(query.After, math.MaxInt64))
	through := int64(math.MaxInt64)
	if query.Through > 0 {
		through = int64(min(query.Through, math.MaxInt64))
	}
	statement := `SELECT h.revision, r.time, h.ref, h.field, h.old, h.new, h.source FROM history h JOIN revisions r USING (revision)
		WHERE h.id > coalesce((SELECT min(history) FROM revisions WHERE revision > ? AND time >= ?), 9223372036854775807)
		AND h.id <= coalesce((SELECT min(history) FROM revisions WHERE revision > ?), 9223372036854775807)
		AND h.revision > ? AND h.revision <= ? AND r.time >= ? AND r.time < ?`
	args := []any{after, since, through, after, through, since, until}
	if n := len(query.Refs); n > 0 && n <= maxRefsInQuery {
		statement += " AND h.ref IN (" + strings.TrimSuffix(strings.Repeat("?, ", n), ", ") + ")"
		for _, ref := range query.Refs {
			args = append(args, string(ref))
		}
	}
	return fmt.Sprint(statement, " ORDER BY h.id DESC"), args
}

// ceilMicro rounds up: times are kept in whole microseconds, and none that is kept lies between.
func ceilMicro(t time.Time) int64 {
	micros := t.UnixMicro()
	if t.Nanosecond()%1000 != 0 {
		micros++
	}
	return micros
}
