package storecopy_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/storecopy"
)

// largeStore has 10,000 documents and 2,000 revisions, each of which replaces ten of them.
func largeStore(b *testing.B) graph.TrafficStore {
	b.Helper()
	const documents, revisions, replaced = 10_000, 2_000, 10
	store := empty(b)
	start := time.Now().Add(-60 * 24 * time.Hour)
	document := func(number, version int) *catalog.Document {
		ref := catalog.NewRef("component", "", fmt.Sprintf("service-%05d", number))
		claim := catalog.Claim{Subject: catalog.Subject{Ref: ref}, Line: 1, Descriptor: &catalog.Descriptor{
			Ref: ref, Kind: "Component", Namespace: "default", Name: fmt.Sprintf("service-%05d", number), Type: "service",
			Lifecycle: "production", Owner: "group:default/team", Description: fmt.Sprintf("version %d", version),
		}}
		for i := range 3 {
			claim.Edges = append(claim.Edges, catalog.EdgeClaim{
				Target: catalog.Subject{Ref: catalog.NewRef("component", "", fmt.Sprintf("service-%05d", (number*7+i)%documents))},
				Type:   catalog.DependsOn, Strength: catalog.Soft, Evidence: catalog.Declared, Line: 10,
			})
		}
		return &catalog.Document{
			ID:       catalog.DocumentID{Source: "repos", Scope: fmt.Sprintf("service-%05d/catalog-info.yaml", number), Key: string(ref)},
			Priority: 100, Location: fmt.Sprintf("/srv/service-%05d/catalog-info.yaml", number), Claims: []catalog.Claim{claim},
		}
	}
	for revision := range revisions {
		first, count := revision*replaced%documents, replaced
		if revision == 0 {
			count = documents
		}
		change := graph.Change{Base: graph.Revision(revision), Time: start.Add(time.Duration(revision) * 40 * time.Minute)}
		for number := first; number < first+count; number++ {
			change.Put = append(change.Put, document(number, revision))
			change.Recorded = append(change.Recorded, graph.FieldChange{
				Ref: change.Put[len(change.Put)-1].Claims[0].Subject.Ref, Field: "description", Old: "a", New: fmt.Sprint(revision), Source: "repos",
			})
		}
		change.States = []graph.State{{Source: "repos", Name: "status", Data: fmt.Append(nil, revision)}}
		if _, err := store.Apply(b.Context(), change); err != nil {
			b.Fatal(err)
		}
	}
	return store
}

func BenchmarkCopy(all *testing.B) {
	from := largeStore(all)
	run := func(b *testing.B, from, to graph.TrafficStore) {
		b.Helper()
		started := time.Now()
		summary, err := storecopy.Copy(b.Context(), from, to, storecopy.Options{})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(summary.Revisions)/time.Since(started).Seconds(), "revisions/s")
	}
	all.Run("SQLite", func(b *testing.B) {
		for b.Loop() {
			run(b, from, empty(b))
		}
	})
	var there graph.TrafficStore
	all.Run("ToNeo4j", func(b *testing.B) {
		for b.Loop() {
			there = openNeo4j(all)
			run(b, from, there)
		}
	})
	all.Run("FromNeo4j", func(b *testing.B) {
		for b.Loop() {
			run(b, there, empty(b))
		}
	})
}
