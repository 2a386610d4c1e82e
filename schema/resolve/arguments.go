package resolve

import (
	"context"
	"errors"
	"slices"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/schema/gen"
)

// typedEntity finds what a person typed.
func typedEntity(ctx context.Context, argument, typed string) (*catalog.Entity, error) {
	if err := checkTyped(argument, typed); err != nil {
		return nil, err
	}
	return snapshotOf(ctx).Resolve(typed)
}

// typedNode finds what a person typed where an assumption may have put something that the catalog does not have.
func typedNode(ctx context.Context, argument, typed string, filter graph.Filter) (catalog.Ref, error) {
	entity, err := typedEntity(ctx, argument, typed)
	if err == nil {
		return entity.Ref, nil
	}
	if ref, parseErr := catalog.ParseRef(typed, "", ""); parseErr == nil && errors.Is(err, graph.ErrNotFound) {
		if slices.ContainsFunc(filter.Add, func(e graph.WhatIfEdge) bool { return e.From == ref || e.To == ref }) {
			return ref, nil
		}
	}
	return "", err
}

func checkTyped(argument, typed string) error {
	switch {
	case typed == "":
		return badInput("%s is empty; name an entity, for example component:payments", argument)
	case len(typed) > maxTyped:
		return badInput("%s is %d bytes long; no name of an entity is longer than %d", argument, len(typed), maxTyped)
	}
	return nil
}

// assumedRef is what a person typed in a what-if, where it may also be something that does not exist yet.
func assumedRef(ctx context.Context, typed string) (catalog.Ref, error) {
	entity, err := typedEntity(ctx, "an end of an assumed dependency", typed)
	switch {
	case err == nil:
		return entity.Ref, nil
	case errors.Is(err, graph.ErrNotFound):
		return catalog.ParseRef(typed, "", "")
	default:
		return "", err
	}
}

func atMost[T any](argument string, list []T) error {
	if len(list) > maxListed {
		return badInput("%s lists %d; at most %d are allowed", argument, len(list), maxListed)
	}
	return nil
}

func steps(argument string, n *int) (int, error) {
	switch {
	case n == nil:
		return 0, nil
	case *n < 0:
		return 0, badInput("%s is %d; it must not be negative", argument, *n)
	}
	return *n, nil
}

func graphFilter(ctx context.Context, options *gen.GraphOptions) (graph.Filter, error) {
	var filter graph.Filter
	if options == nil {
		return filter, nil
	}
	for _, kind := range options.Evidence {
		filter.Evidence |= catalog.EvidenceSet(kind)
	}
	if options.IncludeStale != nil {
		filter.IncludeStale = *options.IncludeStale
	}
	filter.Behaves = options.Strength != nil && *options.Strength == gen.StrengthSourceBehaves
	if options.Environment != nil {
		filter.Environment = *options.Environment
	}
	if err := errors.Join(atMost("add", options.Add), atMost("remove", options.Remove)); err != nil {
		return filter, err
	}
	for _, assumed := range options.Add {
		from, to, err := assumedRefs(ctx, assumed.From, assumed.To)
		if err != nil {
			return filter, err
		}
		edge := graph.WhatIfEdge{From: from, To: to}
		if assumed.Strength != nil {
			edge.Strength = *assumed.Strength
		}
		if assumed.AnyOf != nil {
			edge.AnyOf = *assumed.AnyOf
		}
		filter.Add = append(filter.Add, edge)
	}
	for _, absent := range options.Remove {
		from, to, err := assumedRefs(ctx, absent.From, absent.To)
		if err != nil {
			return filter, err
		}
		filter.Remove = append(filter.Remove, graph.WhatIfPair{From: from, To: to})
	}
	return filter, nil
}

func assumedRefs(ctx context.Context, from, to string) (catalog.Ref, catalog.Ref, error) {
	fromRef, err := assumedRef(ctx, from)
	if err != nil {
		return "", "", err
	}
	toRef, err := assumedRef(ctx, to)
	return fromRef, toRef, err
}

func blastOptions(ctx context.Context, options *gen.BlastRadiusOptions) (graph.BlastOptions, error) {
	var asked graph.BlastOptions
	if options == nil {
		return asked, nil
	}
	var err error
	if asked.MaxDistance, err = steps("maxDistance", options.MaxDistance); err != nil {
		return asked, err
	}
	asked.Filter, err = graphFilter(ctx, &gen.GraphOptions{
		Evidence: options.Evidence, IncludeStale: options.IncludeStale, Environment: options.Environment,
		Strength: options.Strength, Add: options.Add, Remove: options.Remove,
	})
	return asked, err
}
