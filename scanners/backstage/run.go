package backstage

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners"
)

// run is one scan.
type run struct {
	base string // address of the catalog's API
	sink scanners.Sink
	seen map[string]bool // names of scopes; an entity may be listed twice

	mu sync.Mutex
	// inverse are the relations that spec states from their other end, waiting those entities with a relation that may be
	// one of them.
	inverse map[edge]bool
	waiting []waiting
}

// waiting is an entity of which some relations are not known to be stated by nobody.
type waiting struct {
	scope    scanners.Scope
	doubtful []catalog.EdgeClaim
}

func newRun(base string, sink scanners.Sink) *run {
	return &run{base: base, sink: sink, seen: make(map[string]bool), inverse: make(map[edge]bool)}
}

// page reads and reports the entities of a page, the first time that they are listed.
func (r *run) page(ctx context.Context, page []*entity) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, e := range page {
		name := e.scopeName()
		if r.seen[name] {
			continue
		}
		r.seen[name] = true
		group.Go(func() error { return r.entity(ctx, e) })
	}
	return group.Wait()
}

func (r *run) entity(ctx context.Context, e *entity) error {
	scope, report, err := e.scope(r.base)
	if err != nil {
		return fmt.Errorf("entity %s: %w", e.ref(), err)
	}
	if !report {
		return nil
	}
	for _, document := range scope.Documents {
		for i := range document.Claims {
			claim := &document.Claims[i]
			certain, doubtful := unstated(e.Relations, claim)
			relate(claim, certain)
			if r.note(claim, scope, doubtful) {
				return nil
			}
		}
	}
	return r.sink.Report(ctx, scope)
}

// note keeps what the claim states from the other end, and the scope itself where it must wait.
func (r *run) note(claim *catalog.Claim, scope scanners.Scope, doubtful []catalog.EdgeClaim) (wait bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range claim.Edges {
		if e.Reverse {
			r.inverse[edge{e.Target.Ref, claim.Subject.Ref, e.Type}] = true
		}
	}
	if len(doubtful) == 0 {
		return false
	}
	r.waiting = append(r.waiting, waiting{scope, doubtful})
	return true
}

// finish reports the entities that had to wait until all were read.
func (r *run) finish(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, w := range r.waiting {
		group.Go(func() error {
			claim := &w.scope.Documents[0].Claims[0]
			var nobodys []catalog.EdgeClaim
			for _, e := range w.doubtful {
				if !r.inverse[edge{claim.Subject.Ref, e.Target.Ref, e.Type}] {
					nobodys = append(nobodys, e)
				}
			}
			relate(claim, nobodys)
			return r.sink.Report(ctx, w.scope)
		})
	}
	return group.Wait()
}
