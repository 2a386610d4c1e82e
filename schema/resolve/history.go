package resolve

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/schema/gen"
)

// maxCounted is the greatest totalCount of changes: counting reads them all.
const maxCounted = 10_000

// changeKey is the place of a change in the history, which nothing that comes later moves.
type changeKey struct {
	_        struct{} `cbor:",toarray"`
	Revision graph.Revision
	Position int
}

var byChange = order[*graph.Recorded, changeKey]{
	name: "change",
	key: func(_ int, r *graph.Recorded) changeKey {
		return changeKey{Revision: r.Revision, Position: r.Position}
	},
	compare: func(a, b changeKey) int {
		return cmp.Or(cmp.Compare(b.Revision, a.Revision), cmp.Compare(a.Position, b.Position))
	},
}

func (q queryResolver) Changes(ctx context.Context, since, until *time.Time, of *string, upstream *bool, first *int, after *string,
	_ *time.Time,
) (*gen.ChangeConnection, error) {
	query := graph.HistoryQuery{}
	if until != nil {
		query.Until = *until
	}
	alsoUpstream := upstream != nil && *upstream
	switch {
	case of != nil:
		ref, err := q.changed(ctx, *of)
		if err != nil {
			return nil, err
		}
		if query.Refs, err = aboutRef(ctx, ref, alsoUpstream); err != nil {
			return nil, err
		}
	case alsoUpstream:
		return nil, badInput("upstream needs of: name the entity whose needs are meant")
	}
	return q.changesPage(ctx, query, since, first, after)
}

func (e entityResolver) Changes(ctx context.Context, of *catalog.Entity, since *time.Time, upstream *bool, first *int,
	after *string,
) (*gen.ChangeConnection, error) {
	refs, err := aboutRef(ctx, of.Ref, upstream != nil && *upstream)
	if err != nil {
		return nil, err
	}
	return e.changesPage(ctx, graph.HistoryQuery{Refs: refs}, since, first, after)
}

// changed finds what a person typed: an entity, or the full ref of one that is gone and of which the history tells.
func (r *root) changed(ctx context.Context, typed string) (catalog.Ref, error) {
	entity, err := typedEntity(ctx, "of", typed)
	if err == nil {
		return entity.Ref, nil
	}
	ref, parseErr := catalog.ParseRef(typed, "", "")
	if !errors.Is(err, graph.ErrNotFound) || parseErr != nil || r.past == nil {
		return "", err
	}
	through := snapshotOf(ctx).Revision()
	for _, failed := range r.past.History(ctx, graph.HistoryQuery{Refs: []catalog.Ref{ref}, Through: through, Limit: 1}) {
		return ref, failed
	}
	return "", err
}

// aboutRef lists the refs under which the history tells of an entity and, upstream, of all that it needs in the snapshot.
func aboutRef(ctx context.Context, ref catalog.Ref, upstream bool) ([]catalog.Ref, error) {
	snapshot := snapshotOf(ctx)
	refs := []catalog.Ref{ref}
	if upstream && snapshot.Lookup(ref) != nil {
		needed, err := snapshot.Deps(ref, graph.DepsOptions{Direction: graph.Needs, Filter: graph.Filter{IncludeStale: true}})
		if err != nil {
			return nil, err
		}
		for _, reached := range needed.Entities {
			refs = append(refs, reached.Entity.Ref)
		}
	}
	for _, current := range refs[:len(refs):len(refs)] {
		refs = append(refs, snapshot.FormerRefs(current)...)
	}
	slices.Sort(refs)
	return slices.Compact(refs), nil
}

// changesPage reads a page of the history as far as the snapshot goes.
func (r *root) changesPage(ctx context.Context, query graph.HistoryQuery, since *time.Time, first *int, after *string) (*gen.ChangeConnection, error) {
	limit, behind, err := pageArguments[changeKey](byChange.name, first, after)
	if err != nil {
		return nil, err
	}
	if r.past == nil {
		return nil, fmt.Errorf("what changed is not known: %w", graph.ErrNoPast)
	}
	if since != nil {
		query.Since = *since
	}
	query.Through = snapshotOf(ctx).Revision()
	total := 0
	if selected(ctx, "totalCount") {
		all := query
		all.Limit = maxCounted
		for _, err := range r.past.History(ctx, all) {
			if err != nil {
				return nil, err
			}
			total++
		}
	}
	if behind != nil && behind.Revision <= query.Through {
		query.Through, query.From = behind.Revision, max(behind.Position, 0)+1
	}
	query.Limit = limit + 1 // one more tells whether there are more
	var failed error
	found := take(func(yield func(*graph.Recorded) bool) {
		for recorded, err := range r.past.History(ctx, query) {
			if err != nil {
				failed = err
				return
			}
			if !yield(&recorded) {
				return
			}
		}
	}, byChange, limit, behind != nil)
	if failed != nil {
		return nil, failed
	}
	return &gen.ChangeConnection{
		Nodes: found.nodes, PageInfo: found.info(), TotalCount: total,
		Edges: edges(ctx, found, func(node *graph.Recorded, cursor string) *gen.ChangeEdge {
			return &gen.ChangeEdge{Node: node, Cursor: cursor}
		}),
	}, nil
}

type changeResolver struct{}

func (changeResolver) Entity(ctx context.Context, c *graph.Recorded) (*catalog.Entity, error) {
	return snapshotOf(ctx).Lookup(c.Ref), nil
}

func (changeResolver) Field(_ context.Context, c *graph.Recorded) (*string, error) {
	return known(c.Field), nil
}

func (changeResolver) Old(_ context.Context, c *graph.Recorded) (*string, error) {
	return known(c.Old), nil
}

func (changeResolver) New(_ context.Context, c *graph.Recorded) (*string, error) {
	return known(c.New), nil
}

func (changeResolver) Source(_ context.Context, c *graph.Recorded) (*string, error) {
	return known(c.Source), nil
}

func (changeResolver) Revision(_ context.Context, c *graph.Recorded) (int, error) {
	return int(c.Revision), nil
}
