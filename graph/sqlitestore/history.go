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
		if err := v.remembers(ctx, query.After); err != nil {
			yield(graph.Recorded{}, err)
			return
		}
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
			if err := rows.Scan(&r.Revision, &micros, &r.Ref, &r.Field, &r.Old, &r.New, &r.Source, &r.Position); err != nil {
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

// remembers is nil where the history of all revisions after the given one is kept; 0 asks for what there is.
func (v *view) remembers(ctx context.Context, after graph.Revision) error {
	var forgotten int64
	if err := v.conn.QueryRowContext(ctx, "SELECT forgotten FROM meta").Scan(&forgotten); err != nil {
		return v.store.explain(err)
	}
	if after > 0 && after < graph.Revision(forgotten) {
		return fmt.Errorf("%w: history begins after revision %d, and what is after %d was asked for", graph.ErrCompacted, forgotten, after)
	}
	return nil
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
		since = graph.CeilMicro(query.Since)
	}
	if !query.Until.IsZero() {
		until = graph.CeilMicro(query.Until)
	}
	after := int64(min(query.After, math.MaxInt64))
	// The rows of a revision end where those of the next begin; the first of a change has the greatest id.
	const end = `coalesce((SELECT history FROM revisions WHERE revision > %s ORDER BY revision LIMIT 1), (SELECT max(id) FROM history))`
	statement := `SELECT h.revision, r.time, h.ref, h.field, h.old, h.new, h.source, ` + fmt.Sprintf(end, "h.revision") + ` - h.id
		FROM history h JOIN revisions r USING (revision)
		WHERE h.id > coalesce((SELECT min(history) FROM revisions WHERE revision > ? AND time >= ?), 9223372036854775807)
		AND h.revision > ? AND r.time >= ? AND r.time < ?`
	args := []any{after, since, after, since, until}
	if query.Through > 0 {
		through := int64(min(query.Through, math.MaxInt64))
		statement += " AND h.revision <= ? AND h.id <= " + fmt.Sprintf(end, "?")
		args = append(args, through, through)
		if query.From > 0 {
			statement += " AND (h.revision < ? OR h.id <= " + fmt.Sprintf(end, "?") + " - ?)"
			args = append(args, through, through, query.From)
		}
	}
	if n := len(query.Refs); n > 0 && n <= maxRefsInQuery {
		statement += " AND h.ref IN (" + strings.TrimSuffix(strings.Repeat("?, ", n), ", ") + ")"
		for _, ref := range query.Refs {
			args = append(args, string(ref))
		}
	}
	return fmt.Sprint(statement, " ORDER BY h.id DESC"), args
}
