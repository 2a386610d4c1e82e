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
			return &gen.SourceEdge{Node: source(snapshotOf(ctx), node), Cursor: cursor}
		}),
	}
	for _, node := range found.nodes {
		shown.Nodes = append(shown.Nodes, source(snapshotOf(ctx), node))
	}
	return shown, nil
}

func source(snapshot *graph.Snapshot, s *graph.Source) *gen.Source {
	shown := &gen.Source{
		ID: s.ID, Kind: s.Kind, State: s.State, Error: known(s.Error),
		LastScan: instant(s.LastScan), LastGood: instant(s.LastGood),
		Documents: s.Documents, StaleDocuments: s.Stale, Entities: s.Entities, Scopes: s.Scopes, Lost: []*gen.LostInput{},
		Configured: !s.Unconfigured, Environment: known(s.Environment),
		Schedule: known(s.Schedule), NextScan: instant(s.NextScan), Watched: s.Watched, WatchError: known(s.WatchError),
		Held: held(s.Held), Budgets: make([]*gen.RequestBudget, len(s.Budgets)),
	}
	for i, b := range s.Budgets {
		shown.Budgets[i] = &gen.RequestBudget{
			Name: b.Name, Limit: b.Limit, Remaining: b.Remaining, ResetAt: instant(b.Reset), Used: b.Used,
		}
	}
	if !s.LastScan.IsZero() {
		seconds := s.Duration.Seconds()
		shown.DurationSeconds = &seconds
	}
	lost := snapshot.Lost(s)
	for _, reason := range slices.Sorted(maps.Keys(lost)) {
		shown.Lost = append(shown.Lost, &gen.LostInput{Reason: reason, Count: int(lost[reason])})
	}
	return shown
}

func held(h *graph.HeldRemoval) *gen.HeldRemoval {
	if h == nil {
		return nil
	}
	shown := &gen.HeldRemoval{
		Digest: h.Digest, Since: h.Since.UTC(), Entities: h.Entities, Of: h.Of, Reason: h.Reason,
		Refs: make([]string, 0, min(len(h.Refs), graph.MaxHeldRefs)),
	}
	for _, ref := range h.Refs[:cap(shown.Refs)] {
		shown.Refs = append(shown.Refs, string(ref))
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
