package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/graphtest"
	"github.com/orrery-catalog/orrery/graph/neo4jstore"
	"github.com/orrery-catalog/orrery/internal/ingest"
	"github.com/orrery-catalog/orrery/internal/testenv"
)

// BenchmarkStartNeo4j is [BenchmarkStart] on a real Neo4j, while another process writes a change of one document as fast as
// it can. What was loaded last is compared with what the store held at its revision.
func BenchmarkStartNeo4j(b *testing.B) {
	for _, services := range []int{465, 4_650, 46_500} {
		if services > 465 && testing.Short() {
			continue
		}
		b.Run(fmt.Sprintf("services=%d", services), func(b *testing.B) {
			benchmarkStartNeo4j(b, graphtest.Company{Services: services, Edges: services * 1640 / 93, Seed: 1})
		})
	}
}

func benchmarkStartNeo4j(b *testing.B, company graphtest.Company) {
	server := testenv.Neo4j(b)
	config := neo4jstore.Config{
		URI: server.URI, Username: server.Username, Password: server.Password, Database: server.Database,
		LabelPrefix: testenv.LabelPrefix(b, server),
	}
	open := func() *neo4jstore.Store {
		store, err := neo4jstore.Open(b.Context(), config)
		if err != nil {
			b.Fatal(err)
		}
		return store
	}
	writing := &othersWriting{store: open(), documents: slices.Collect(company.Documents())}
	filled := time.Now()
	writing.apply(b, writing.documents)
	b.Logf("%d documents were stored in %s", len(writing.documents), time.Since(filled).Round(10*time.Millisecond))
	writing.start(b)
	var last *graph.Snapshot
	for b.Loop() {
		store := open()
		c, err := ingest.New(b.Context(), ingest.Config{Store: store, ReadOnly: true})
		if err != nil {
			b.Fatal(err)
		}
		last = c.Snapshot()
		b.ReportMetric(float64(last.Len()), "entities")
		if err := store.Close(); err != nil {
			b.Fatal(err)
		}
	}
	writing.stop(b)
	b.ReportMetric(float64(writing.revision), "revisions")
	if got, want := graph.Digest(last), graph.Digest(writing.snapshotAt(last.Revision())); got != want {
		b.Errorf("what was loaded at revision %d has the digest %s, want %s", last.Revision(), got, want)
	}
	if err := writing.store.Close(); err != nil {
		b.Error(err)
	}
}

// othersWriting is another process at work.
type othersWriting struct {
	store     *neo4jstore.Store
	documents []*catalog.Document // of revision 1
	changed   []*catalog.Document // by the revisions after it
	revision  graph.Revision
	end       context.CancelFunc
	ended     chan error
}

func (w *othersWriting) apply(b *testing.B, put []*catalog.Document) {
	b.Helper()
	revision, err := w.store.Apply(b.Context(), graph.Change{Base: w.revision, Time: time.Unix(1_700_000_000, 0), Put: put})
	if err != nil {
		b.Fatal(err)
	}
	w.revision = revision
}

func (w *othersWriting) start(b *testing.B) {
	ctx, end := context.WithCancel(b.Context())
	w.end, w.ended = end, make(chan error, 1)
	go func() {
		for ctx.Err() == nil {
			changed := *w.documents[(int(w.revision)*7919)%len(w.documents)]
			changed.Claims = slices.Clone(changed.Claims)
			if described := changed.Claims[0].Descriptor; described != nil {
				other := *described
				other.Description = fmt.Sprint("changed by revision ", w.revision+1)
				changed.Claims[0].Descriptor = &other
			}
			revision, err := w.store.Apply(ctx, graph.Change{
				Base: w.revision, Time: time.Unix(1_700_000_000+int64(w.revision), 0), Put: []*catalog.Document{&changed},
			})
			if err != nil {
				if !errors.Is(err, context.Canceled) {
					w.ended <- err
				}
				break
			}
			w.revision, w.changed = revision, append(w.changed, &changed)
		}
		close(w.ended)
	}()
}

func (w *othersWriting) stop(b *testing.B) {
	w.end()
	if err := <-w.ended; err != nil {
		b.Error(err)
	}
}

// snapshotAt is what the store held at a revision.
func (w *othersWriting) snapshotAt(revision graph.Revision) *graph.Snapshot {
	held := make(map[catalog.DocumentID]*catalog.Document, len(w.documents))
	for _, document := range slices.Concat(w.documents, w.changed[:revision-1]) {
		held[document.ID] = document
	}
	return graph.Build(graph.Input{Model: catalog.Merge(maps.Values(held), catalog.MergeOptions{})})
}
