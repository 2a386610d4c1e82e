package resolve

import (
	"context"
	"maps"
	"slices"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/schema/gen"
)

type entityResolver struct{ *root }

func (entityResolver) Title(_ context.Context, e *catalog.Entity) (*string, error) {
	return known(e.Title), nil
}

func (entityResolver) Description(_ context.Context, e *catalog.Entity) (*string, error) {
	return known(e.Description), nil
}

func (entityResolver) Type(_ context.Context, e *catalog.Entity) (*string, error) {
	return known(e.Type), nil
}

func (entityResolver) Lifecycle(_ context.Context, e *catalog.Entity) (*string, error) {
	return known(e.Lifecycle), nil
}

func (entityResolver) Tier(_ context.Context, e *catalog.Entity) (*int, error) {
	return known(e.Tier()), nil
}

func (entityResolver) Labels(_ context.Context, e *catalog.Entity) ([]*gen.KeyValue, error) {
	return keyValues(e.Labels), nil
}

func (entityResolver) Annotations(_ context.Context, e *catalog.Entity) ([]*gen.KeyValue, error) {
	return keyValues(e.Annotations), nil
}

func keyValues(values map[string]string) []*gen.KeyValue {
	pairs := make([]*gen.KeyValue, 0, len(values))
	for _, key := range slices.Sorted(maps.Keys(values)) {
		pairs = append(pairs, &gen.KeyValue{Key: key, Value: values[key]})
	}
	return pairs
}

func (entityResolver) Links(_ context.Context, e *catalog.Entity) ([]*gen.Link, error) {
	links := make([]*gen.Link, len(e.Links))
	for i, link := range e.Links {
		links[i] = &gen.Link{URL: link.URL, Title: known(link.Title), Icon: known(link.Icon), Type: known(link.Type)}
	}
	return links, nil
}

func (entityResolver) Profile(_ context.Context, e *catalog.Entity) (*gen.Profile, error) {
	if e.Profile == nil {
		return nil, nil
	}
	return &gen.Profile{
		DisplayName: known(e.Profile.DisplayName), Email: known(e.Profile.Email), Picture: known(e.Profile.Picture),
	}, nil
}

func (entityResolver) Slo(_ context.Context, e *catalog.Entity) (*gen.Slo, error) {
	if e.SLO == nil {
		return nil, nil
	}
	return &gen.Slo{Availability: e.SLO.Availability, WindowSeconds: known(e.SLO.Window.Seconds())}, nil
}

func (entityResolver) Source(_ context.Context, e *catalog.Entity) (*gen.EntitySource, error) {
	return placeOf(e.Origin, e.Line), nil
}

func (entityResolver) Owner(ctx context.Context, e *catalog.Entity) (*catalog.Entity, error) {
	if e.Owner == "" {
		return nil, nil
	}
	return entityOf(ctx, e.Owner), nil
}

func (entityResolver) OnCall(ctx context.Context, e *catalog.Entity) ([]*catalog.Contact, error) {
	return sliced(pointers(snapshotOf(ctx).OnCall(e.Ref))), nil
}

func (entityResolver) Runbooks(_ context.Context, e *catalog.Entity) ([]string, error) {
	return catalog.RunbooksOf(&e.Descriptor), nil
}

func (entityResolver) System(ctx context.Context, e *catalog.Entity) (*catalog.Entity, error) {
	for _, parent := range targets(ctx, e.Ref, catalog.PartOf) {
		if parent.Kind() == "system" {
			return entityOf(ctx, parent), nil
		}
	}
	return nil, nil
}

func (entityResolver) Parents(ctx context.Context, e *catalog.Entity) ([]*catalog.Entity, error) {
	return entitiesOf(ctx, targets(ctx, e.Ref, catalog.PartOf)), nil
}

func (entityResolver) Groups(ctx context.Context, e *catalog.Entity) ([]*catalog.Entity, error) {
	return entitiesOf(ctx, targets(ctx, e.Ref, catalog.MemberOf)), nil
}

func (entityResolver) Parts(ctx context.Context, e *catalog.Entity, first *int, after *string) (*gen.EntityConnection, error) {
	return refsPage(ctx, subjects(ctx, e.Ref, catalog.PartOf), first, after)
}

func (entityResolver) Members(ctx context.Context, e *catalog.Entity, first *int, after *string) (*gen.EntityConnection, error) {
	return refsPage(ctx, subjects(ctx, e.Ref, catalog.MemberOf), first, after)
}

func (entityResolver) Owns(ctx context.Context, e *catalog.Entity, first *int, after *string) (*gen.EntityConnection, error) {
	return refsPage(ctx, subjects(ctx, e.Ref, catalog.OwnedBy), first, after)
}

// targets are what an entity relates to, by Ref, each once.
func targets(ctx context.Context, ref catalog.Ref, relation catalog.RelationType) []catalog.Ref {
	var refs []catalog.Ref
	out, _ := snapshotOf(ctx).Relations(ref)
	for edge := range out {
		if edge.Type == relation {
			refs = append(refs, edge.To)
		}
	}
	slices.Sort(refs)
	return slices.Compact(refs)
}

// subjects are what relates to an entity, by Ref, each once.
func subjects(ctx context.Context, ref catalog.Ref, relation catalog.RelationType) []catalog.Ref {
	var refs []catalog.Ref
	_, in := snapshotOf(ctx).Relations(ref)
	for edge := range in {
		if edge.Type == relation {
			refs = append(refs, edge.From)
		}
	}
	slices.Sort(refs)
	return slices.Compact(refs)
}

func (entityResolver) Problems(ctx context.Context, e *catalog.Entity, first *int, after *string) (*gen.ProblemConnection, error) {
	return problemsPage(ctx, snapshotOf(ctx).Problems(e.Ref), first, after)
}

func (entityResolver) Relations(ctx context.Context, e *catalog.Entity, direction *gen.RelationDirection,
	types []catalog.RelationType, first *int, after *string,
) (*gen.RelationConnection, error) {
	outgoing, incoming := snapshotOf(ctx).Relations(e.Ref)
	var all []*catalog.Edge
	if direction == nil || *direction == gen.RelationDirectionOut {
		for edge := range outgoing {
			if types == nil || slices.Contains(types, edge.Type) {
				all = append(all, edge)
			}
		}
	}
	out := len(all)
	if direction == nil || *direction == gen.RelationDirectionIn {
		for edge := range incoming {
			if types == nil || slices.Contains(types, edge.Type) {
				all = append(all, edge)
			}
		}
	}
	found, err := cut(sliceOf(all), byRelation(out), first, after)
	if err != nil {
		return nil, err
	}
	return &gen.RelationConnection{
		Nodes: found.nodes, PageInfo: found.info(), TotalCount: found.total,
		Edges: edges(ctx, found, func(node *catalog.Edge, cursor string) *gen.RelationEdge {
			return &gen.RelationEdge{Node: node, Cursor: cursor}
		}),
	}, nil
}

func (entityResolver) Dependencies(ctx context.Context, e *catalog.Entity, options *gen.GraphOptions, first *int,
	after *string,
) (*gen.DependencyConnection, error) {
	return directNeeds(ctx, e.Ref, graph.Needs, options, first, after)
}

func (entityResolver) Dependents(ctx context.Context, e *catalog.Entity, options *gen.GraphOptions, first *int,
	after *string,
) (*gen.DependencyConnection, error) {
	return directNeeds(ctx, e.Ref, graph.NeededBy, options, first, after)
}

func directNeeds(ctx context.Context, ref catalog.Ref, direction graph.Direction, options *gen.GraphOptions, first *int,
	after *string,
) (*gen.DependencyConnection, error) {
	filter, err := graphFilter(ctx, options)
	if err != nil {
		return nil, err
	}
	deps, err := snapshotOf(ctx).Deps(ref, graph.DepsOptions{Filter: filter, Direction: direction, Depth: 1})
	if err != nil {
		return nil, err
	}
	return needsPage(ctx, deps.Edges, first, after)
}

func (entityResolver) BlastRadius(ctx context.Context, e *catalog.Entity, options *gen.BlastRadiusOptions) (*graph.Blast, error) {
	asked, err := blastOptions(ctx, options)
	if err != nil {
		return nil, err
	}
	return snapshotOf(ctx).BlastRadius([]catalog.Ref{e.Ref}, asked)
}

// entityOf finds the end of an edge. Ends that only an assumption names are not in the snapshot.
func entityOf(ctx context.Context, ref catalog.Ref) *catalog.Entity {
	entity, err := snapshotOf(ctx).Entity(ref)
	if err != nil {
		return &catalog.Entity{Placeholder: true, Descriptor: catalog.Descriptor{
			Ref: ref, Kind: catalog.KindSpelling(ref.Kind()), Namespace: ref.Namespace(), Name: ref.Name(),
		}}
	}
	return entity
}

func entitiesOf(ctx context.Context, refs []catalog.Ref) []*catalog.Entity {
	entities := make([]*catalog.Entity, len(refs))
	for i, ref := range refs {
		entities[i] = entityOf(ctx, ref)
	}
	return entities
}

// refsPage is a page of entities whose refs are sorted.
func refsPage(ctx context.Context, refs []catalog.Ref, first *int, after *string) (*gen.EntityConnection, error) {
	entities := list[*catalog.Entity]{len(refs), func(from, to int) []*catalog.Entity {
		return entitiesOf(ctx, refs[from:to])
	}}
	found, err := cut(entities, byRef, first, after)
	if err != nil {
		return nil, err
	}
	return entityConnection(ctx, found), nil
}

func entityConnection(ctx context.Context, found *page[*catalog.Entity]) *gen.EntityConnection {
	return &gen.EntityConnection{
		Nodes: found.nodes, PageInfo: found.info(), TotalCount: found.total,
		Edges: edges(ctx, found, func(node *catalog.Entity, cursor string) *gen.EntityEdge {
			return &gen.EntityEdge{Node: node, Cursor: cursor}
		}),
	}
}

// known is nil for the zero value, which stands for "unknown" in the domain.
func known[T comparable](value T) *T {
	var zero T
	if value == zero {
		return nil
	}
	return &value
}

func sliced[T any](l list[T]) []T { return l.slice(0, l.length) }
