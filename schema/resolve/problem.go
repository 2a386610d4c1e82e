package resolve

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/schema/gen"
)

type problemKey struct {
	_        struct{} `cbor:",toarray"`
	Location string
	Line     int32
	Field    string
	Code     string
	Ref      catalog.Ref
	Message  string
}

var byPlace = order[*catalog.Problem, problemKey]{
	name: "problem",
	key: func(_ int, p *catalog.Problem) problemKey {
		return problemKey{Location: p.Location, Line: p.Line, Field: p.Field, Code: p.Code, Ref: p.Ref, Message: p.Message}
	},
	compare: func(a, b problemKey) int { return catalog.CompareProblems(a.problem(), b.problem()) },
}

func (k problemKey) problem() catalog.Problem {
	return catalog.Problem{Location: k.Location, Line: k.Line, Field: k.Field, Code: k.Code, Ref: k.Ref, Message: k.Message}
}

func (queryResolver) Problems(ctx context.Context, filter *gen.ProblemFilter, first *int, after *string, _ *time.Time) (*gen.ProblemConnection, error) {
	keep, err := newProblemFilter(filter)
	if err != nil {
		return nil, err
	}
	snapshot := snapshotOf(ctx)
	if keep.all() {
		return allProblems(ctx, snapshot, first, after)
	}
	return problemsPage(ctx, func(yield func(*catalog.Problem) bool) {
		for problem := range snapshot.Problems("") {
			if keep.passes(snapshot, problem) && !yield(problem) {
				return
			}
		}
	}, first, after)
}

func problemsPage(ctx context.Context, problems iter.Seq[*catalog.Problem], first *int, after *string) (*gen.ProblemConnection, error) {
	found, err := cut(sliceOf(slices.Collect(problems)), byPlace, first, after)
	if err != nil {
		return nil, err
	}
	return problemConnection(ctx, found), nil
}

// allProblems reads no more of them than the page, as their number is known.
func allProblems(ctx context.Context, snapshot *graph.Snapshot, first *int, after *string) (*gen.ProblemConnection, error) {
	limit, key, err := pageArguments[problemKey](byPlace.name, first, after)
	if err != nil {
		return nil, err
	}
	behind := snapshot.Problems("")
	if key != nil {
		behind = func(yield func(*catalog.Problem) bool) {
			for problem := range snapshot.ProblemsFrom(key.problem()) {
				if byPlace.compare(byPlace.key(0, problem), *key) > 0 && !yield(problem) {
					return
				}
			}
		}
	}
	found := take(behind, byPlace, limit, key != nil)
	found.total = snapshot.ProblemCount(catalog.Error) + snapshot.ProblemCount(catalog.Warning)
	return problemConnection(ctx, found), nil
}

func problemConnection(ctx context.Context, found *page[*catalog.Problem]) *gen.ProblemConnection {
	return &gen.ProblemConnection{
		Nodes: found.nodes, PageInfo: found.info(), TotalCount: found.total,
		Edges: edges(ctx, found, func(node *catalog.Problem, cursor string) *gen.ProblemEdge {
			return &gen.ProblemEdge{Node: node, Cursor: cursor}
		}),
	}
}

type problemFilter struct {
	asked        gen.ProblemFilter
	refs, owners []catalog.Ref
}

func newProblemFilter(asked *gen.ProblemFilter) (*problemFilter, error) {
	made := &problemFilter{}
	if asked == nil {
		return made, nil
	}
	made.asked = *asked
	for name, listed := range map[string][]string{"codes": asked.Codes, "refs": asked.Refs, "owners": asked.Owners} {
		if err := atMost(name, listed); err != nil {
			return nil, err
		}
	}
	var err error
	if made.refs, err = parseRefs(asked.Refs, catalog.KindComponent); err != nil {
		return nil, err
	}
	made.owners, err = parseRefs(asked.Owners, catalog.KindGroup)
	return made, err
}

// all says whether nothing is left out.
func (f *problemFilter) all() bool {
	asked := &f.asked
	return asked.Severities == nil && asked.Codes == nil && asked.LocationPrefix == nil && asked.Refs == nil && asked.Owners == nil
}

func (f *problemFilter) passes(snapshot *graph.Snapshot, p *catalog.Problem) bool {
	asked := &f.asked
	return (asked.Severities == nil || slices.Contains(asked.Severities, p.Severity)) &&
		(asked.Codes == nil || slices.Contains(asked.Codes, p.Code)) &&
		(asked.LocationPrefix == nil || strings.HasPrefix(p.Location, *asked.LocationPrefix)) &&
		(asked.Refs == nil || slices.Contains(f.refs, p.Ref)) &&
		(asked.Owners == nil || f.owned(snapshot, p.Ref))
}

func (f *problemFilter) owned(snapshot *graph.Snapshot, ref catalog.Ref) bool {
	entity, err := snapshot.Entity(ref)
	return err == nil && slices.Contains(f.owners, entity.Owner)
}

type problemResolver struct{}

func (problemResolver) Location(_ context.Context, p *catalog.Problem) (*string, error) {
	return known(p.Location), nil
}

func (problemResolver) Line(_ context.Context, p *catalog.Problem) (*int, error) {
	return known(int(p.Line)), nil
}

func (problemResolver) Field(_ context.Context, p *catalog.Problem) (*string, error) {
	return known(p.Field), nil
}

func (problemResolver) Fix(_ context.Context, p *catalog.Problem) (*string, error) {
	return known(p.Fix), nil
}

func (problemResolver) Ref(_ context.Context, p *catalog.Problem) (*string, error) {
	return known(string(p.Ref)), nil
}

func (problemResolver) Entity(ctx context.Context, p *catalog.Problem) (*catalog.Entity, error) {
	entity, err := snapshotOf(ctx).Entity(p.Ref)
	if errors.Is(err, graph.ErrNotFound) {
		return nil, nil
	}
	return entity, err
}
