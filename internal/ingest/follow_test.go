package ingest_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/graphtest"
	"github.com/orrery-catalog/orrery/internal/ingest"
)

// BenchmarkFollow is the time from the commit of one document by another process until the snapshot shows it, in
// catalogs of several sizes: it is to stay what the change touches.
func BenchmarkFollow(b *testing.B) {
	for _, services := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprint(services), func(b *testing.B) {
			if testing.Short() && services > 10_000 {
				b.Skip("takes many documents")
			}
			benchmarkFollow(b, graphtest.Company{Services: services, Edges: 10 * services, Seed: 1})
		})
	}
}

func benchmarkFollow(b *testing.B, company graphtest.Company) {
	d := newDatabase()
	writer := d.door()
	documents := slices.Collect(company.Documents())
	if _, err := writer.Apply(b.Context(), graph.Change{Time: time.Unix(1_700_000_000, 0), Put: documents}); err != nil {
		b.Fatal(err)
	}
	c, err := ingest.New(b.Context(), ingest.Config{Store: d.door(), ReadOnly: true})
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(b.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = c.Run(ctx) })
	defer running.Wait()
	defer stop()
	random, revision := 0, c.Snapshot().Revision()
	for b.Loop() {
		random = (random + 7919) % len(documents)
		document := *documents[random]
		document.Location = fmt.Sprint("moved to ", revision)
		change := graph.Change{Base: revision, Time: time.Unix(1_700_000_001, 0), Put: []*catalog.Document{&document}}
		if revision, err = writer.Apply(b.Context(), change); err != nil {
			b.Fatal(err)
		}
		for changed := c.Changed(); c.Snapshot().Revision() < revision; changed = c.Changed() {
			<-changed
		}
	}
}
