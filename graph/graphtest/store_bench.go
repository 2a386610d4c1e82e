package graphtest

import (
	"slices"
	"testing"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// BenchStore is the benchmark suite, the same for every engine: a company of 10,000 services (1,000 with -short) with 10
// dependencies each, stored, loaded, changed in one place, followed and asked for its history.
func BenchStore(b *testing.B, engine Engine) {
	company := Company{Services: 10_000, Edges: 100_000}
	if testing.Short() {
		company = Company{Services: 1_000, Edges: 10_000}
	}
	documents := slices.Collect(company.Documents())
	filled := func(b *testing.B) graph.Store {
		store := engine.Open(b)
		change := graph.Change{Time: timeOf(1), Put: documents}
		for _, document := range documents {
			change.Recorded = append(change.Recorded, graph.FieldChange{Ref: document.Claims[0].Subject.Ref, Source: document.ID.Source})
		}
		if _, err := store.Apply(b.Context(), change); err != nil {
			b.Fatal(err)
		}
		return store
	}
	b.Run("Fill", func(b *testing.B) {
		for b.Loop() {
			filled(b)
		}
		b.ReportMetric(float64(len(documents)*b.N)/b.Elapsed().Seconds(), "documents/s")
	})
	b.Run("Load", func(b *testing.B) {
		store := filled(b)
		for b.Loop() {
			_, records := store.Load(b.Context(), graph.AsOf{})
			if err := lastError(records); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(len(documents)*b.N)/b.Elapsed().Seconds(), "documents/s")
	})
	b.Run("ChangeOneAndFollow", func(b *testing.B) {
		store, base := filled(b), graph.Revision(1)
		for b.Loop() {
			document := *documents[int(base)%len(documents)]
			document.Ordinal = int(base)
			next, err := store.Apply(b.Context(), graph.Change{
				Base: base, Time: timeOf(base + 1), Put: []*catalog.Document{&document},
				Recorded: []graph.FieldChange{{Ref: document.Claims[0].Subject.Ref, Field: "spec.owner", New: "x"}},
			})
			if err != nil {
				b.Fatal(err)
			}
			for _, err := range store.Follow(b.Context(), base) {
				if err != nil {
					b.Fatal(err)
				}
				break
			}
			base = next
		}
	})
	b.Run("HistoryOfOne", func(b *testing.B) {
		store := filled(b)
		for i := 0; b.Loop(); i++ {
			query := graph.HistoryQuery{Refs: []catalog.Ref{documents[i%len(documents)].Claims[0].Subject.Ref}}
			if err := lastError(store.History(b.Context(), query)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Traffic", func(b *testing.B) { benchTraffic(b, engine) })
}
