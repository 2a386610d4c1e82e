package sqlitestore

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/orrery-catalog/orrery/graph"
)

// pollInterval is how often a follower looks for commits of other processes. A look that finds none reads one page that
// is in memory already.
const pollInterval = 100 * time.Millisecond

// Follow implements [graph.Store].
func (s *Store) Follow(ctx context.Context, after graph.Revision) iter.Seq2[graph.Commit, error] {
	return func(yield func(graph.Commit, error) bool) {
		ticker := time.NewTicker(pollInterval)
		defer ticker.Stop()
		for {
			changed := s.nextChange() // asked for before the look, so that no commit falls between
			for {
				commit, err := s.commitAfter(ctx, after)
				if ctx.Err() != nil {
					return
				}
				if err != nil {
					yield(graph.Commit{}, err)
					return
				}
				if commit == nil {
					break
				}
				if !yield(*commit, nil) {
					return
				}
				after = commit.Revision
			}
			select {
			case <-ctx.Done():
				return
			case <-s.closed:
				yield(graph.Commit{}, graph.ErrClosed)
				return
			case <-changed:
			case <-ticker.C:
			}
		}
	}
}

// nextChange is closed by the next commit of this process.
func (s *Store) nextChange() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

// commitAfter reads the next commit; nil where there is none yet.
func (s *Store) commitAfter(ctx context.Context, after graph.Revision) (*graph.Commit, error) {
	v, err := s.view(ctx)
	if err != nil {
		return nil, err
	}
	defer v.end()
	switch head := graph.Revision(v.head); {
	case after == head:
		return nil, nil
	case after > head:
		return nil, fmt.Errorf("%w: the store is at revision %d, and changes after %d were asked for: another database "+
			"stands in its place", graph.ErrCompacted, head, after)
	}
	var (
		kept   kept
		micros int64
	)
	if err := v.conn.QueryRowContext(ctx, "SELECT compacted, past FROM meta").Scan(&kept.compacted, &kept.past); err != nil {
		return nil, s.explain(err)
	}
	if after < graph.Revision(kept.followed()) {
		return nil, fmt.Errorf("%w: the oldest that can be followed is %d, not %d", graph.ErrCompacted, kept.followed(), after)
	}
	commit := &graph.Commit{Revision: after + 1}
	err = v.conn.QueryRowContext(ctx, "SELECT time FROM revisions WHERE revision = ?", int64(after)+1).Scan(&micros)
	if err != nil {
		return nil, s.explain(err)
	}
	commit.Time = time.UnixMicro(micros).UTC()
	for r, err := range v.records(ctx, "SELECT "+recordColumns+" FROM records WHERE revision = ?1 UNION ALL "+
		"SELECT "+recordColumns+" FROM superseded WHERE revision = ?1 ORDER BY kind, source, scope, key",
		int64(commit.Revision)) {
		switch {
		case err != nil:
			return nil, err
		case r.removed && r.kind == kindState:
			commit.States = append(commit.States, graph.State{Source: r.id.Source, Name: r.id.Scope})
			continue
		case r.removed:
			commit.Remove = append(commit.Remove, r.id)
			continue
		}
		record, err := r.record()
		switch {
		case err != nil:
			return nil, err
		case record.State != nil:
			commit.States = append(commit.States, *record.State)
		default:
			commit.Put = append(commit.Put, record.Document)
		}
	}
	return commit, nil
}
