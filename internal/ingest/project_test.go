package ingest_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/graphtest"
	"github.com/orrery-catalog/orrery/internal/ingest"
)

// counting is a projector whose database also writes numbers of traffic.
type counting struct {
	projector
	revisions []graph.Revision // of the Snapshots whose numbers were written
}

func (c *counting) ProjectTraffic(
	_ context.Context, _ string, _ graph.FencingToken, of *graph.Snapshot, _ catalog.Ref, _ int,
) (catalog.Ref, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.revisions = append(c.revisions, of.Revision())
	return "", nil
}

// still are numbers that never change.
type still struct{}

func (still) Numbers() graph.Traffic   { return &graphtest.Traffic{} }
func (still) Changed() <-chan struct{} { return nil }

// TestNumbersOfNothing holds that numbers wait until there is something that they are numbers of: a first scan may take long.
func TestNumbersOfNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{pause: time.Minute}
		w.says(read("f", refA))
		store := &counting{projector: projector{door: newDatabase().door()}}
		c, err := ingest.New(t.Context(), ingest.Config{Store: store, Sources: []ingest.Source{{ID: "w", Scanner: w}}, Traffic: still{}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = c.Run(ctx) })
		pass(5 * time.Minute)
		cancel()
		running.Wait()
		if len(store.revisions) == 0 || store.revisions[0] == 0 {
			t.Errorf("numbers were written for the revisions %v", store.revisions)
		}
	})
}
