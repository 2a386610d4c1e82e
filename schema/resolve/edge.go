package resolve

import (
	"context"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/schema/gen"
)

type relationResolver struct{}

func (relationResolver) From(ctx context.Context, e *catalog.Edge) (*catalog.Entity, error) {
	return entityOf(ctx, e.From), nil
}

func (relationResolver) To(ctx context.Context, e *catalog.Edge) (*catalog.Entity, error) {
	return entityOf(ctx, e.To), nil
}

func (relationResolver) Strength(_ context.Context, e *catalog.Edge) (*catalog.Strength, error) {
	return known(e.Strength), nil
}

func (relationResolver) Role(_ context.Context, e *catalog.Edge) (*catalog.Role, error) {
	return known(e.Role), nil
}

func (relationResolver) AnyOf(_ context.Context, e *catalog.Edge) (*string, error) {
	return known(e.AnyOf), nil
}

func (relationResolver) Environment(_ context.Context, e *catalog.Edge) (*string, error) {
	return known(e.Environment), nil
}

func (relationResolver) Fallback(_ context.Context, e *catalog.Edge) (*string, error) {
	if e.Details == nil {
		return nil, nil
	}
	return known(e.Details.Fallback), nil
}

func (relationResolver) CallsPerRequest(_ context.Context, e *catalog.Edge) (*float64, error) {
	if e.Details == nil {
		return nil, nil
	}
	return known(e.Details.CallsPerRequest), nil
}

func (relationResolver) TimeoutSeconds(_ context.Context, e *catalog.Edge) (*float64, error) {
	if e.Details == nil {
		return nil, nil
	}
	return known(e.Details.Timeout.Seconds()), nil
}

func (relationResolver) Protocol(_ context.Context, e *catalog.Edge) (*string, error) {
	if e.Details == nil {
		return nil, nil
	}
	return known(e.Details.Protocol), nil
}

func (relationResolver) Evidence(ctx context.Context, e *catalog.Edge) ([]*gen.Evidence, error) {
	return evidenceOf(ctx, e), nil
}

func evidenceOf(ctx context.Context, edges ...*catalog.Edge) []*gen.Evidence {
	snapshot, shown := snapshotOf(ctx), []*gen.Evidence{}
	for _, edge := range edges {
		if edge == nil {
			continue
		}
		for flows := range graph.EvidencePlaces(edge.Evidence) {
			one := &flows[0]
			first, last, stale := snapshot.PlaceSeen(flows)
			at := versionOf(one.Origin.Version, one.Line)
			shown = append(shown, &gen.Evidence{
				Kind: one.Kind, Source: one.Origin.Source, Location: known(one.Origin.Location), Line: known(int(one.Line)),
				Repository: at.repository, Path: at.path, Commit: at.commit, URL: at.url,
				Stale: stale, FirstSeen: instant(first), LastSeen: instant(last), Traffic: trafficOf(snapshot.PlaceTraffic(flows)),
			})
		}
	}
	return shown
}

type dependencyResolver struct{}

func (dependencyResolver) From(ctx context.Context, n *graph.Need) (*catalog.Entity, error) {
	return entityOf(ctx, n.From), nil
}

func (dependencyResolver) To(ctx context.Context, n *graph.Need) (*catalog.Entity, error) {
	return entityOf(ctx, n.To), nil
}

func (dependencyResolver) AnyOf(_ context.Context, n *graph.Need) (*string, error) {
	return known(n.AnyOf), nil
}

func (dependencyResolver) Via(ctx context.Context, n *graph.Need) (*catalog.Entity, error) {
	if n.Via == "" {
		return nil, nil
	}
	return entityOf(ctx, n.Via), nil
}

// Environment of a need by way of a topic is that of the edge that has one.
func (dependencyResolver) Environment(_ context.Context, n *graph.Need) (*string, error) {
	for _, edge := range []*catalog.Edge{n.Edge, n.Producer} {
		if edge != nil && edge.Environment != "" {
			return &edge.Environment, nil
		}
	}
	return nil, nil
}

func (dependencyResolver) Stale(_ context.Context, n *graph.Need) (bool, error) {
	return n.Edge != nil && n.Edge.Stale || n.Producer != nil && n.Producer.Stale, nil
}

// Relation is stated by somebody, unlike the edge of an assumption.
func (dependencyResolver) Relation(_ context.Context, n *graph.Need) (*catalog.Edge, error) {
	if n.Edge == nil || len(n.Edge.Evidence) == 0 {
		return nil, nil
	}
	return n.Edge, nil
}

func (dependencyResolver) Evidence(ctx context.Context, n *graph.Need) ([]*gen.Evidence, error) {
	return evidenceOf(ctx, n.Edge, n.Producer), nil
}

type walkResolver struct{}

func (walkResolver) Of(ctx context.Context, d *graph.Deps) (*catalog.Entity, error) {
	return entityOf(ctx, d.Ref), nil
}

func (walkResolver) Edges(ctx context.Context, d *graph.Deps, first *int, after *string) (*gen.DependencyConnection, error) {
	return needsPage(ctx, d.Edges, first, after)
}

func (walkResolver) Entities(ctx context.Context, d *graph.Deps, first *int, after *string) (*gen.ReachedConnection, error) {
	found, err := cut(pointers(d.Entities), byDistance, first, after)
	if err != nil {
		return nil, err
	}
	return &gen.ReachedConnection{
		Nodes: found.nodes, PageInfo: found.info(), TotalCount: found.total,
		Edges: edges(ctx, found, func(node *graph.Reached, cursor string) *gen.ReachedEdge {
			return &gen.ReachedEdge{Node: node, Cursor: cursor}
		}),
	}, nil
}

func needsPage(ctx context.Context, needs []graph.Need, first *int, after *string) (*gen.DependencyConnection, error) {
	found, err := cut(pointers(needs), byNeed(needs), first, after)
	if err != nil {
		return nil, err
	}
	return &gen.DependencyConnection{
		Nodes: found.nodes, PageInfo: found.info(), TotalCount: found.total,
		Edges: edges(ctx, found, func(node *graph.Need, cursor string) *gen.DependencyEdge {
			return &gen.DependencyEdge{Node: node, Cursor: cursor}
		}),
	}, nil
}
