package neo4jstore

import (
	"cmp"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/descriptor"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/graphtest"
	"github.com/orrery-catalog/orrery/internal/testenv"
)

// projectServices is the size of the generated company; each service states ten dependencies.
var projectServices = flag.Int("project.services", 1000, "services in the benchmarks of the written graph: 10000 and 100000 are those of the targets")

// writtenGraph is a graph in the database with the snapshot that it shows.
type writtenGraph struct {
	store    *Store
	snapshot *graph.Snapshot
	merger   *catalog.Merger
}

func companyOf(b *testing.B) graphtest.Company {
	b.Helper()
	return graphtest.Company{Services: *projectServices, Edges: 10 * *projectServices, Seed: 1}
}

func (w *writtenGraph) apply(put []*catalog.Document) *graph.Snapshot {
	return w.snapshot.Apply(w.merger.Apply(nil, slices.Values(put)), w.snapshot.Revision()+1, time.Now(), nil)
}

func (w *writtenGraph) project(b *testing.B, to *graph.Snapshot) {
	b.Helper()
	if err := w.store.Project(b.Context(), "", 0, w.snapshot, to); err != nil {
		b.Fatal(err)
	}
	w.snapshot = to
}

func startWritten(b *testing.B) *writtenGraph {
	b.Helper()
	w := &writtenGraph{store: openProjector(b, 0), snapshot: graph.Build(graph.Input{}), merger: catalog.NewMerger(catalog.MergeOptions{})}
	w.project(b, w.apply(nil))
	return w
}

// BenchmarkProject writes the company at once, then changes of one service and of a hundred.
func BenchmarkProject(b *testing.B) {
	documents := slices.Collect(companyOf(b).Documents())
	w := startWritten(b)
	full := w.apply(documents)
	nodes, relations := 0, 0
	for e := range full.Entities("") {
		nodes++
		relations += len(full.Projection(e.Ref).Relations)
	}
	start := time.Now()
	w.project(b, full)
	took := time.Since(start)
	b.Run("Write", func(b *testing.B) {
		for b.Loop() { // it was written above: once is long enough
		}
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(took.Seconds(), "s")
		b.ReportMetric(float64(nodes), "nodes")
		b.ReportMetric(float64(relations), "relations")
		b.ReportMetric(float64(nodes+relations)/took.Seconds(), "rows/s")
	})
	for _, count := range []int{1, 100} {
		b.Run(fmt.Sprintf("Update/%d", count), func(b *testing.B) {
			for flip := false; b.Loop(); flip = !flip {
				w.project(b, w.apply(changed(documents, count, flip)))
			}
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/change")
		})
	}
	b.Run("Compare", func(b *testing.B) {
		for b.Loop() {
			if err := w.store.Project(b.Context(), "", 0, nil, w.snapshot); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// changed are services with another description and, every other time, without their last dependency.
func changed(documents []*catalog.Document, count int, flip bool) []*catalog.Document {
	var put []*catalog.Document
	for _, document := range documents {
		d := document.Claims[0].Descriptor
		if len(put) == count || d == nil || d.Kind != catalog.KindComponent || len(document.Claims[0].Edges) < 4 {
			continue
		}
		other, claims, descriptor := *document, slices.Clone(document.Claims), *d
		descriptor.Description = fmt.Sprint("It was changed: ", flip)
		claims[0].Descriptor = &descriptor
		if flip {
			claims[0].Edges = claims[0].Edges[:len(claims[0].Edges)-1]
		}
		other.Claims = claims
		put = append(put, &other)
	}
	return put
}

// BenchmarkReach asks the same of the snapshot and of the database: what does the failure of the service that most need
// reach, and that of a typical one; on the generated company and on the real catalogs of the corpora.
func BenchmarkReach(b *testing.B) {
	for _, graphs := range []struct {
		name      string
		documents func(*testing.B) []*catalog.Document
	}{
		{"Company", func(b *testing.B) []*catalog.Document { return slices.Collect(companyOf(b).Documents()) }},
		{"Corpora", corporaDocuments},
	} {
		b.Run(graphs.name, func(b *testing.B) {
			w := startWritten(b)
			w.project(b, w.apply(graphs.documents(b)))
			hottest, typical := w.hottestAndTypical(b)
			for _, asked := range []struct {
				name string
				ref  catalog.Ref
			}{{"Hottest", hottest}, {"Typical", typical}} {
				b.Run(asked.name, func(b *testing.B) { w.compare(b, asked.ref) })
			}
		})
	}
}

// compare asks for everything that is hit, with distances: the snapshot, which tells the impacts, totals and a page with
// paths besides, and the database in the two fastest ways that its planner knows.
func (w *writtenGraph) compare(b *testing.B, ref catalog.Ref) {
	reached := 0
	b.Run("Snapshot", func(b *testing.B) {
		for b.Loop() {
			blast, err := w.snapshot.BlastRadius([]catalog.Ref{ref}, graph.BlastOptions{})
			if err != nil {
				b.Fatal(err)
			}
			blast.Page(0, 100)
			reached = blast.Len()
		}
		b.ReportMetric(float64(reached), "reached")
	})
	for _, query := range []struct{ name, cypher string }{
		{"CypherCount", `MATCH (x:@Entity)-[:DEPENDS_ON* {counts: true}]->(f:@Entity {ref: $ref})
			WHERE x <> f RETURN count(DISTINCT x) AS reached`},
		{"CypherSteps", `MATCH p = (x:@Entity)-[:DEPENDS_ON* {counts: true}]->(f:@Entity {ref: $ref})
			WITH f, x, min(length(p)) AS steps WHERE x <> f RETURN count(x) AS reached, max(steps) AS steps`},
	} {
		b.Run(query.name, func(b *testing.B) {
			requirePruning(b, w.store, query.cypher)
			for b.Loop() {
				rows := ask(b, w.store, query.cypher, map[string]any{"ref": string(ref)})
				if got := rows[0]["reached"]; got != int64(reached) {
					b.Fatalf("the database reaches %v, the snapshot %d", got, reached)
				}
			}
		})
	}
}

// hottestAndTypical are the services of the largest and of the median blast radius, among some spread over the catalog.
func (w *writtenGraph) hottestAndTypical(b *testing.B) (hottest, typical catalog.Ref) {
	b.Helper()
	type reach struct {
		ref   catalog.Ref
		count int
	}
	var services []catalog.Ref
	for e := range w.snapshot.Entities("") {
		if e.Ref.Kind() == "component" {
			services = append(services, e.Ref)
		}
	}
	var reaches []reach
	sample := func(ref catalog.Ref) {
		blast, err := w.snapshot.BlastRadius([]catalog.Ref{ref}, graph.BlastOptions{})
		if err != nil {
			b.Fatal(err)
		}
		if blast.Len() > 0 {
			reaches = append(reaches, reach{ref, blast.Len()})
		}
	}
	for i := 0; i < len(services); i += max(1, len(services)/501) {
		sample(services[i])
	}
	slices.SortFunc(reaches, func(x, y reach) int { return cmp.Compare(x.count, y.count) })
	typical = reaches[len(reaches)/2].ref
	if ref := companyOf(b).Hottest(); w.snapshot.Lookup(ref) != nil {
		return ref, typical
	}
	return reaches[len(reaches)-1].ref, typical
}

// corporaDocuments are all real catalogs as one.
func corporaDocuments(b *testing.B) []*catalog.Document {
	b.Helper()
	root := filepath.Join(testenv.Corpora(b), "catalogs")
	var documents []*catalog.Document
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".yaml" && filepath.Ext(path) != ".yml" {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for i, parsed := range descriptor.Parse(data, descriptor.Options{Location: path}).Documents {
			if d := parsed.Document; d != nil {
				d.ID = catalog.DocumentID{Source: "corpora", Scope: path, Key: fmt.Sprint(parsed.Ref, "#", i)}
				d.Ordinal, d.Location, d.Priority = i, path, catalog.DefaultPriorityFiles
				documents = append(documents, d)
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return documents
}
