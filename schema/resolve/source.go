package resolve

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/schema/gen"
)

var bySource = order[*graph.Source, string]{
	name:    "source",
	key:     func(_ int, s *graph.Source) string { return s.ID },
	compare: cmp.Compare[string],
}

func (queryResolver) Sources(ctx context.Context, first *int, after *string, _ *time.Time) (*gen.SourceConnection, error) {
	found, err := cut(pointers(snapshotOf(ctx).Sources()), bySource, first, after)
	if err != nil {
		return nil, err
	}
	shown := &gen.SourceConnection{
		PageInfo: found.info(), TotalCount: found.total,
		Edges: edges(ctx, found, func(node *graph.Source, cursor string) *gen.SourceEdge {
			return &gen.SourceEdge{Node: source(node), Cursor: cursor}
		}),
	}
	for _, node := range found.nodes {
		shown.Nodes = append(shown.Nodes, source(node))
	}
	return shown, nil
}

func source(s *graph.Source) *gen.Source {
	shown := &gen.Source{
		ID: s.ID, Kind: s.Kind, State: s.State, Error: known(s.Error),
		LastScan: instant(s.LastScan), LastGood: instant(s.LastGood), Documents: s.Documents,
		Lost: []*gen.LostInput{},
	}
	if !s.LastScan.IsZero() {
		seconds := s.Duration.Seconds()
		shown.DurationSeconds = &seconds
	}
	for _, reason := range slices.Sorted(maps.Keys(s.Lost)) {
		shown.Lost = append(shown.Lost, &gen.LostInput{Reason: reason, Count: int(s.Lost[reason])})
	}
	return shown
}

// instant is nil for the zero time, which stands for "never".
func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
