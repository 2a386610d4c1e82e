package neo4jstore

import (
	"context"
	"iter"
	"time"

	"github.com/orrery-catalog/orrery/graph"
)

func (s *Store) Apply(ctx context.Context, change graph.Change) (graph.Revision, error) {
	return 0, graph.ErrUnavailable
}

func (s *Store) Load(ctx context.Context, at graph.AsOf) (graph.Revision, iter.Seq2[graph.Record, error]) {
	return 0, nil
}

func (s *Store) Follow(ctx context.Context, after graph.Revision) iter.Seq2[graph.Commit, error] {
	return nil
}

func (s *Store) History(ctx context.Context, query graph.HistoryQuery) iter.Seq2[graph.Recorded, error] {
	return nil
}

func (s *Store) Lease(ctx context.Context, name, holder string, ttl time.Duration) (graph.FencingToken, error) {
	return 0, graph.ErrUnavailable
}
