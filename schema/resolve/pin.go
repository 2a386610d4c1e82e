package resolve

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/orrery-catalog/orrery/graph"
)

// pin holds the snapshot that an operation is answered on. A query keeps the one of its start. A mutation or an answer of
// a subscription takes the newest when it first needs one; a subscription lets go of it after each answer, so that one that
// lasts for days keeps nothing in memory.
type pin struct {
	held   atomic.Pointer[graph.Snapshot]
	newest func() *graph.Snapshot
	void   atomic.Bool // a root field that must not be null could not be answered as of its moment
}

type pinned struct{}

func (p *pin) snapshot() *graph.Snapshot {
	if held := p.held.Load(); held != nil {
		return held
	}
	p.held.CompareAndSwap(nil, p.newest())
	return p.held.Load()
}

// pin fixes the snapshot for the whole operation.
func (r *root) pin(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	snapshot := r.snapshots.Snapshot()
	operation := graphql.GetOperationContext(ctx).Operation.Operation
	if snapshot == nil && operation != ast.Mutation { // the first scan may be asked for
		return graphql.OneShot(&graphql.Response{Errors: unavailable(NotYet(r.freshness) + ": try again in a moment")})
	}
	r.forget(snapshot)
	p := &pin{newest: r.snapshots.Snapshot}
	if operation == ast.Query {
		p.held.Store(snapshot)
	}
	responses := next(context.WithValue(ctx, pinned{}, p))
	if operation == ast.Subscription {
		p.held.Store(nil) // what it was begun on
	}
	return responses
}

// withSnapshot answers what is asked with the context on another snapshot than the rest of the operation.
func withSnapshot(ctx context.Context, snapshot *graph.Snapshot) context.Context {
	p := &pin{}
	p.held.Store(snapshot)
	return context.WithValue(ctx, pinned{}, p)
}

// snapshotOf is the snapshot that the operation is answered on. pin runs before every resolver.
func snapshotOf(ctx context.Context) *graph.Snapshot {
	return ctx.Value(pinned{}).(*pin).snapshot()
}

// tellState puts the revision into the extensions of the answer and, where that may be old, since when and why.
func (r *root) tellState(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	response := next(ctx)
	p, ok := ctx.Value(pinned{}).(*pin)
	if !ok || response == nil {
		return response
	}
	if snapshot := p.snapshot(); snapshot != nil {
		if response.Extensions == nil {
			response.Extensions = make(map[string]any, 1)
		}
		response.Extensions["revision"] = snapshot.Revision()
		if r.freshness != nil {
			if old := Unconfirmed(r.freshness(), time.Now()); old != nil {
				response.Extensions["store"] = old
			}
		}
	}
	if graphql.GetOperationContext(ctx).Operation.Operation == ast.Subscription {
		p.held.Store(nil)
	}
	return response
}
