package resolve

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/schema/gen"
)

// Limits of list arguments.
const (
	maxListed = 100 // elements of any list in an argument
	maxTyped  = 1024
)

type queryResolver struct{ *root }

func (queryResolver) Snapshot(ctx context.Context, _ *time.Time) (*graph.Snapshot, error) {
	return snapshotOf(ctx), nil
}

func (queryResolver) Entity(ctx context.Context, ref string, _ *time.Time) (*catalog.Entity, error) {
	return typedEntity(ctx, "ref", ref)
}

func (queryResolver) Entities(ctx context.Context, filter *gen.EntityFilter, orderBy *gen.EntityOrder, first *int,
	after *string, _ *time.Time,
) (*gen.EntityConnection, error) {
	snapshot := snapshotOf(ctx)
	keep, err := newEntityFilter(snapshot, filter)
	if err != nil {
		return nil, err
	}
	var found *page[*catalog.Entity]
	switch {
	case orderBy != nil && *orderBy == gen.EntityOrderName:
		found, err = entitiesPage(snapshot, byName, keep, first, after, func(key *nameKey) iter.Seq[*catalog.Entity] {
			if key == nil {
				return snapshot.EntitiesByName("")
			}
			return snapshot.EntitiesByName(key.Ref)
		})
	case orderBy != nil && *orderBy == gen.EntityOrderTier:
		found, err = entitiesPage(snapshot, byTier, keep, first, after, func(key *tierKey) iter.Seq[*catalog.Entity] {
			switch {
			case key == nil:
				return snapshot.EntitiesByTier(1, "")
			case key.Tier == noTier:
				return snapshot.EntitiesByTier(0, key.Ref)
			}
			return snapshot.EntitiesByTier(key.Tier, key.Ref)
		})
	default:
		found, err = entitiesPage(snapshot, byRef, keep, first, after, func(key *catalog.Ref) iter.Seq[*catalog.Entity] {
			if key == nil {
				return snapshot.Entities("")
			}
			return snapshot.Entities(*key)
		})
	}
	if err != nil {
		return nil, err
	}
	if found.total < 0 && selected(ctx, "totalCount") {
		found.total = keep.count(snapshot)
	}
	return entityConnection(ctx, found), nil
}

// entitiesPage cuts a page out of the few that can pass the filter, where these are known; otherwise it reads the page off
// the entities in order. Then the total is -1.
func entitiesPage[K any](snapshot *graph.Snapshot, by order[*catalog.Entity, K], keep *entityFilter, first *int, after *string,
	behind func(key *K) iter.Seq[*catalog.Entity],
) (*page[*catalog.Entity], error) {
	if few, ok := keep.few(); ok {
		slices.SortFunc(few, func(a, b *catalog.Entity) int { return by.compare(by.key(0, a), by.key(0, b)) })
		return cut(sliceOf(few), by, first, after)
	}
	limit, key, err := pageArguments[K](by.name, first, after)
	if err != nil {
		return nil, err
	}
	found := take(keep.of(behind(key)), by, limit, key != nil)
	found.total = -1
	return found, nil
}

func (q queryResolver) Dependencies(ctx context.Context, of string, direction *graph.Direction, depth *int, kinds []string,
	options *gen.GraphOptions, _ *time.Time,
) (*graph.Deps, error) {
	filter, err := graphFilter(ctx, options)
	if err != nil {
		return nil, err
	}
	start, err := typedNode(ctx, "of", of, filter)
	if err != nil {
		return nil, err
	}
	if err := atMost("kinds", kinds); err != nil {
		return nil, err
	}
	asked := graph.DepsOptions{Filter: filter, Kinds: kinds}
	if asked.Depth, err = steps("depth", depth); err != nil {
		return nil, err
	}
	if direction != nil {
		asked.Direction = *direction
	}
	return q.derivedOf(snapshotOf(ctx)).walk(ctx, start, asked, snapshotOf(ctx))
}

func (queryResolver) Path(ctx context.Context, from, to string, options *gen.GraphOptions, _ *time.Time) (*gen.DependencyPath, error) {
	filter, err := graphFilter(ctx, options)
	if err != nil {
		return nil, err
	}
	start, err := typedNode(ctx, "from", from, filter)
	if err != nil {
		return nil, err
	}
	end, err := typedNode(ctx, "to", to, filter)
	if err != nil {
		return nil, err
	}
	needs, err := snapshotOf(ctx).Path(start, end, filter)
	if err != nil || needs == nil {
		return nil, err
	}
	return &gen.DependencyPath{Length: len(needs), Steps: sliced(pointers(needs))}, nil
}

func (queryResolver) BlastRadius(ctx context.Context, of []string, options *gen.BlastRadiusOptions, _ *time.Time) (*graph.Blast, error) {
	if len(of) == 0 {
		return nil, badInput("of is empty; name at least one entity that fails")
	}
	if err := atMost("of", of); err != nil {
		return nil, err
	}
	asked, err := blastOptions(ctx, options)
	if err != nil {
		return nil, err
	}
	failed := make([]catalog.Ref, len(of))
	for i, typed := range of {
		if failed[i], err = typedNode(ctx, "of", typed, asked.Filter); err != nil {
			return nil, err
		}
	}
	return snapshotOf(ctx).BlastRadius(failed, asked)
}

var byFirst = order[*gen.Cycle, catalog.Ref]{
	name:    "cycle",
	key:     func(_ int, c *gen.Cycle) catalog.Ref { return c.Refs[0] },
	compare: cmp.Compare[catalog.Ref],
}

func (q queryResolver) Cycles(ctx context.Context, first *int, after *string, _ *time.Time) (*gen.CycleConnection, error) {
	all := q.derivedOf(snapshotOf(ctx)).cycles()
	cycles := list[*gen.Cycle]{len(all), func(from, to int) []*gen.Cycle {
		made := make([]*gen.Cycle, 0, to-from)
		for _, refs := range all[from:to] {
			made = append(made, &gen.Cycle{Size: len(refs), Refs: refs})
		}
		return made
	}}
	found, err := cut(cycles, byFirst, first, after)
	if err != nil {
		return nil, err
	}
	return &gen.CycleConnection{
		Nodes: found.nodes, PageInfo: found.info(), TotalCount: found.total,
		Edges: edges(ctx, found, func(node *gen.Cycle, cursor string) *gen.CycleEdge {
			return &gen.CycleEdge{Node: node, Cursor: cursor}
		}),
	}, nil
}

type cycleResolver struct{}

func (cycleResolver) Entities(ctx context.Context, cycle *gen.Cycle, first *int, after *string) (*gen.EntityConnection, error) {
	return refsPage(ctx, cycle.Refs, first, after)
}

type snapshotResolver struct{}

func (snapshotResolver) Revision(_ context.Context, s *graph.Snapshot) (int, error) {
	return int(s.Revision()), nil
}

func (snapshotResolver) Time(_ context.Context, s *graph.Snapshot) (*time.Time, error) {
	return instant(s.Time()), nil
}

func (snapshotResolver) Entities(_ context.Context, s *graph.Snapshot) (int, error) {
	return s.Len(), nil
}
