package main

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"sync/atomic"

	"github.com/orrery-catalog/orrery/graph"
)

// front is what a server serves: something that says so while the catalog is still being loaded, and then the catalog.
type front struct{ current atomic.Pointer[http.Handler] }

func (f *front) show(handler http.Handler) { f.current.Store(&handler) }

// ServeHTTP serves by what is shown at the moment.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	(*f.current.Load()).ServeHTTP(w, r)
}

// starting is the catalog of a server that is loading it: nothing yet, and nothing can be asked for.
type starting struct{}

var errStarting = fmt.Errorf("the catalog is still being loaded: %w", graph.ErrUnavailable)

func (starting) Snapshot() *graph.Snapshot { return nil }

func (starting) Changed() <-chan struct{} { return nil }

func (starting) ScanSource(context.Context, string) (graph.ScanResult, error) {
	return graph.ScanResult{}, errStarting
}

func (starting) ApproveScan(context.Context, string, string) (graph.ScanResult, error) {
	return graph.ScanResult{}, errStarting
}

func (starting) Progress(context.Context) iter.Seq[graph.ScanProgress] {
	return func(func(graph.ScanProgress) bool) {}
}
