package resolve

import (
	"context"
	"encoding/json"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler/lru"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/drift"
	"github.com/orrery-catalog/orrery/graph/health"
)

// derived is what is computed once for a whole snapshot, when first asked for, because many operations share it.
type derived struct {
	snapshot *graph.Snapshot
	cycles   func() [][]catalog.Ref
	walks    graphql.Cache[*graph.Deps]       // large ones, whose pages are asked for one after the other
	judging  sync.Mutex                       // held while services are judged, so that nobody does it twice
	health   graphql.Cache[[]*health.Service] // by day and environment
	drifting sync.Mutex                       // held while findings are looked for
	drift    graphql.Cache[[]*drift.Finding]  // by environment and version of the numbers
}

// A walk of more than largeWalk edges is kept for the next pages; keptWalks of them.
const (
	largeWalk = 2000
	keptWalks = 2
	// keptHealth is how many environments are kept as judged.
	keptHealth = 3
	// keptDrift is how many lists of findings are kept: those of some environments, before and after the numbers moved on.
	keptDrift = 4
)

// derivedOf keeps what belongs to one snapshot, which is nearly always the newest.
func (r *root) derivedOf(snapshot *graph.Snapshot) *derived {
	if kept := r.derived.Load(); kept != nil && kept.snapshot.IsSameGraph(snapshot) {
		return kept
	}
	made := &derived{
		snapshot: snapshot,
		cycles:   sync.OnceValue(snapshot.Cycles),
		walks:    lru.New[*graph.Deps](keptWalks),
		health:   lru.New[[]*health.Service](keptHealth),
		drift:    lru.New[[]*drift.Finding](keptDrift),
	}
	r.derived.Store(made)
	return made
}

// forget drops what was derived from another snapshot, which would keep that in memory.
func (r *root) forget(newest *graph.Snapshot) {
	if kept := r.derived.Load(); kept != nil && !kept.snapshot.IsSameGraph(newest) {
		r.derived.CompareAndSwap(kept, nil)
	}
}

// walk is [graph.Snapshot.Deps] of a snapshot of the same graph. What depends on numbers, which may be other ones in it, is
// not kept.
func (d *derived) walk(ctx context.Context, of catalog.Ref, options graph.DepsOptions, pinned *graph.Snapshot) (*graph.Deps, error) {
	if options.Filter.Behaves {
		return pinned.Deps(of, options)
	}
	key, err := json.Marshal([]any{of, options})
	if err != nil {
		return nil, err
	}
	if kept, ok := d.walks.Get(ctx, string(key)); ok {
		return kept, nil
	}
	deps, err := d.snapshot.Deps(of, options)
	if err == nil && len(deps.Edges) > largeWalk {
		d.walks.Add(ctx, string(key), deps)
	}
	return deps, err
}
