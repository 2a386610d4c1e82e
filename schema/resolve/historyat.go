package resolve

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/orrery-catalog/orrery/graph"
)

const (
	// maxMoments is how many different past moments one operation may be answered as of.
	maxMoments = 3
	// momentCost is that of one of them: its whole graph may have to be made.
	momentCost = 20_000
	// clockSkew is how far ahead a client's clock may be: what it calls now must not be the future.
	clockSkew = time.Minute
)

// Moments is how many past moments an operation asks about. Each keeps a whole graph in memory until the operation is
// answered.
func Moments(operation *graphql.OperationContext) int {
	moments, _ := operation.Stats.GetExtension(momentsKey).(int)
	return moments
}

const momentsKey = "moments"

// atArgument is the argument by which root fields are answered as of a past moment.
const atArgument = "at"

// moments charges an operation for the past moments that it asks about, and refuses too many. It comes behind the budget.
type moments struct{ limits Limits }

var _ interface {
	graphql.HandlerExtension
	graphql.OperationContextMutator
} = (*moments)(nil)

// ExtensionName is for gqlgen.
func (*moments) ExtensionName() string { return "Moments" }

// Validate is for gqlgen.
func (*moments) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext counts the moments of an operation.
func (m *moments) MutateOperationContext(_ context.Context, operation *graphql.OperationContext) *gqlerror.Error {
	asked := make(map[time.Time]bool)
	collectMoments(asked, operation.Operation.SelectionSet, operation.Variables)
	if len(asked) > maxMoments {
		return tooComplex("the query asks as of %d different moments; at most %d are allowed: ask as of the others separately",
			len(asked), maxMoments)
	}
	cost := add(Cost(operation), len(asked)*momentCost)
	operation.Stats.SetExtension(costKey, cost)
	operation.Stats.SetExtension(momentsKey, len(asked))
	if cost > m.limits.Cost {
		return tooComplex("the query may cost %d with the past moments that it asks about; at most %d is allowed: ask for fewer "+
			"fields, smaller pages or fewer moments at once", cost, m.limits.Cost)
	}
	return nil
}

func collectMoments(into map[time.Time]bool, set ast.SelectionSet, variables map[string]any) {
	for _, selected := range set {
		switch selected := selected.(type) {
		case *ast.Field:
			if at, ok := momentOf(selected, variables); ok {
				into[at] = true
			}
		case *ast.InlineFragment:
			collectMoments(into, selected.SelectionSet, variables)
		case *ast.FragmentSpread:
			collectMoments(into, selected.Definition.SelectionSet, variables)
		}
	}
}

// momentOf is the moment that a field asks about, if it asks about one. What is no time is left to the field itself, which
// says so.
func momentOf(field *ast.Field, variables map[string]any) (time.Time, bool) {
	argument := field.Arguments.ForName(atArgument)
	if argument == nil {
		return time.Time{}, false
	}
	value, err := argument.Value.Value(variables)
	if err != nil || value == nil {
		return time.Time{}, false
	}
	at, err := graphql.UnmarshalTime(value)
	return at.UTC(), err == nil
}

// pinPast answers a root field with `at`, and all below it, on the snapshot of that moment.
func (r *root) pinPast(ctx context.Context, next graphql.RootResolver) graphql.Marshaler {
	operation := graphql.GetOperationContext(ctx)
	field := graphql.GetRootFieldContext(ctx).Field
	if operation.Operation.Operation != ast.Query {
		return next(ctx)
	}
	at, ok := momentOf(field.Field, operation.Variables)
	if !ok {
		return next(ctx)
	}
	snapshot, err := SnapshotAt(ctx, snapshotOf(ctx), r.past, at)
	if err != nil {
		graphql.AddError(graphql.WithPathContext(ctx, graphql.NewPathWithField(field.Alias)), err)
		if field.Definition.Type.NonNull {
			ctx.Value(pinned{}).(*pin).void.Store(true)
		}
		return graphql.Null
	}
	return next(withSnapshot(ctx, snapshot))
}

// SnapshotAt is the snapshot of a moment: newest itself, where the moment is not before it. past may be nil. Errors are
// worded for who asked, and wrap those of [Past], graph.ErrNoPast among them.
func SnapshotAt(ctx context.Context, newest *graph.Snapshot, past Past, at time.Time) (*graph.Snapshot, error) {
	switch {
	case at.IsZero(): // what gqlgen makes of an empty text, and what means the newest state to a store
		return nil, badInput("at is no time in the life of this catalog: write one as 2026-01-31T12:00:00Z, or leave it out to ask about now")
	case at.After(time.Now().Add(clockSkew)):
		return nil, badInput("at is %s, which is in the future: leave it out to ask about now", at.Format(time.RFC3339))
	case !at.Before(newest.Time()):
		return newest, nil
	case past == nil:
		return nil, graph.ErrNoPast
	}
	snapshot, err := past.At(ctx, graph.AsOf{Time: at})
	if err != nil {
		return nil, fmt.Errorf("the catalog as of %s cannot be shown: %w", at.Format(time.RFC3339), err)
	}
	return snapshot, nil
}

// tellVoid makes the answer as a whole null where a root field that must not be null could not be answered, as the
// specification of GraphQL wants.
func tellVoid(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	response := next(ctx)
	if p, ok := ctx.Value(pinned{}).(*pin); ok && response != nil && p.void.Load() {
		response.Data = json.RawMessage("null")
	}
	return response
}
