package resolve

import (
	"context"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/schema/gen"
)

type blastResolver struct{}

func (blastResolver) Failed(ctx context.Context, b *graph.Blast, first *int, after *string) (*gen.FailedConnection, error) {
	found, err := cut(pointers(b.Failed()), byFailed, first, after)
	if err != nil {
		return nil, err
	}
	return &gen.FailedConnection{
		Nodes: found.nodes, PageInfo: found.info(), TotalCount: found.total,
		Edges: edges(ctx, found, func(node *graph.FailedEntity, cursor string) *gen.FailedEdge {
			return &gen.FailedEdge{Node: node, Cursor: cursor}
		}),
	}, nil
}

func (blastResolver) Impacted(ctx context.Context, b *graph.Blast, first *int, after *string) (*gen.ImpactedConnection, error) {
	all := list[*graph.Impacted]{b.Len(), func(from, to int) []*graph.Impacted {
		return sliced(pointers(b.Page(from, to-from)))
	}}
	found, err := cut(all, byImpact, first, after)
	if err != nil {
		return nil, err
	}
	return &gen.ImpactedConnection{
		Nodes: found.nodes, PageInfo: found.info(), TotalCount: found.total,
		Edges: edges(ctx, found, func(node *graph.Impacted, cursor string) *gen.ImpactedEdge {
			return &gen.ImpactedEdge{Node: node, Cursor: cursor}
		}),
	}, nil
}

func (blastResolver) Journeys(ctx context.Context, b *graph.Blast, first *int, after *string) (*gen.HitConnection, error) {
	return hitsPage(ctx, b.Journeys(), first, after)
}

func (blastResolver) Systems(ctx context.Context, b *graph.Blast, first *int, after *string) (*gen.HitConnection, error) {
	return hitsPage(ctx, b.Systems(), first, after)
}

func (blastResolver) EntryPoints(ctx context.Context, b *graph.Blast, first *int, after *string) (*gen.HitConnection, error) {
	return hitsPage(ctx, b.EntryPoints(), first, after)
}

func hitsPage(ctx context.Context, hits []graph.Hit, first *int, after *string) (*gen.HitConnection, error) {
	found, err := cut(pointers(hits), byHit, first, after)
	if err != nil {
		return nil, err
	}
	return &gen.HitConnection{
		Nodes: found.nodes, PageInfo: found.info(), TotalCount: found.total,
		Edges: edges(ctx, found, func(node *graph.Hit, cursor string) *gen.HitEdge {
			return &gen.HitEdge{Node: node, Cursor: cursor}
		}),
	}, nil
}

func (blastResolver) Teams(ctx context.Context, b *graph.Blast, first *int, after *string) (*gen.TeamHitConnection, error) {
	found, err := cut(pointers(b.Teams()), byTeam, first, after)
	if err != nil {
		return nil, err
	}
	return &gen.TeamHitConnection{
		Nodes: found.nodes, PageInfo: found.info(), TotalCount: found.total,
		Edges: edges(ctx, found, func(node *graph.TeamHit, cursor string) *gen.TeamHitEdge {
			return &gen.TeamHitEdge{Node: node, Cursor: cursor}
		}),
	}, nil
}

func (blastResolver) Tiers(_ context.Context, b *graph.Blast) ([]*gen.TierImpacts, error) {
	tiers := b.Tiers()
	shown := []*gen.TierImpacts{}
	for _, tier := range []int{1, 2, 3, 4, 0} {
		if impacts, ok := tiers[tier]; ok {
			shown = append(shown, &gen.TierImpacts{Tier: known(tier), Totals: totals(impacts)})
		}
	}
	return shown, nil
}

func (blastResolver) Totals(_ context.Context, b *graph.Blast) (*gen.ImpactTotals, error) {
	return totals(b.Totals()), nil
}

func totals(impacts map[graph.Impact]int) *gen.ImpactTotals {
	return &gen.ImpactTotals{
		Outage: impacts[graph.Outage], Degraded: impacts[graph.Degraded], Delayed: impacts[graph.Delayed],
	}
}

func (blastResolver) ImpactOn(ctx context.Context, b *graph.Blast, ref string) (*graph.Impact, error) {
	entity, err := typedEntity(ctx, "ref", ref)
	if err != nil {
		return nil, err
	}
	impact := b.ImpactOn(entity.Ref)
	return &impact, nil
}

type failedResolver struct{}

func (failedResolver) PartOf(ctx context.Context, f *graph.FailedEntity) (*catalog.Entity, error) {
	if f.PartOf == "" {
		return nil, nil
	}
	return entityOf(ctx, f.PartOf), nil
}

type impactedResolver struct{}

func (impactedResolver) Alternatives(ctx context.Context, i *graph.Impacted) ([]*catalog.Entity, error) {
	return entitiesOf(ctx, i.Alternatives), nil
}
