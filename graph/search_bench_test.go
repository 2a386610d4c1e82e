package graph_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/graphtest"
	"github.com/orrery-catalog/orrery/graph/search"
)

// searchSizes are numbers of services; with their APIs, databases and people there are about twice as many entities.
var searchSizes = []int{1_000, 10_000, 100_000}

func searched(services int) *graph.Snapshot {
	documents := graphtest.Company{Services: services, Seed: 1}.Documents()
	return graph.Build(graph.Input{Revision: 1, Model: catalog.Merge(documents, catalog.MergeOptions{})})
}

// BenchmarkSearchAsYouType asks every beginning of what people type, half of it misspelt, for pages of 25.
func BenchmarkSearchAsYouType(b *testing.B) {
	for _, services := range searchSizes {
		s := searched(services)
		benchmarkSearch(b, fmt.Sprintf("services=%d", services), s, asTyped(s))
	}
}

// BenchmarkSearchHard asks what costs most: one letter, filters alone, words that everything has, many words.
func BenchmarkSearchHard(b *testing.B) {
	s := searched(searchSizes[len(searchSizes)-1])
	for name, text := range map[string]string{
		"letter": "s", "everything": "", "filters": "kind:component tier:1 tier:2 tag:go", "common-words": "one of the services",
		"eight-words": "chekout gatway paymnt servce recomendation orchstrator invntory notificatin",
		"nothing":     "xylophone quizzical", "owner": "owner:team-checkout-0 c",
	} {
		benchmarkSearch(b, name, s, []string{text})
	}
}

func benchmarkSearch(b *testing.B, name string, s *graph.Snapshot, texts []string) {
	b.Run(name, func(b *testing.B) {
		s.Search(search.Request{})
		var took []time.Duration
		for i := 0; b.Loop(); i++ {
			start := time.Now()
			s.Search(search.Request{Query: search.Parse(texts[i%len(texts)]), Limit: 25})
			took = append(took, time.Since(start))
		}
		slices.Sort(took)
		for _, percent := range []int{50, 99} {
			b.ReportMetric(float64(took[len(took)*percent/100].Microseconds())/1000, fmt.Sprintf("p%d-ms", percent))
		}
		b.ReportMetric(float64(s.Len()), "entities")
	})
}

// asTyped are the beginnings of names, titles and parts of them, every second one misspelt, in a random order.
func asTyped(s *graph.Snapshot) (texts []string) {
	random := rand.New(rand.NewPCG(1, 1))
	entities := slices.Collect(s.Entities(""))
	for i := range 200 {
		e := entities[random.IntN(len(entities))]
		text := e.Name
		switch i % 4 {
		case 1:
			text = strings.ReplaceAll(text, "-", " ")
		case 2:
			text = text[strings.IndexByte(text, '-')+1:]
		case 3:
			text += " kind:" + e.Ref.Kind()
		}
		if i%2 == 0 && len(text) > 4 {
			text = edited(random, text)
		}
		for to := range len(text) {
			texts = append(texts, text[:to+1])
		}
	}
	random.Shuffle(len(texts), func(i, j int) { texts[i], texts[j] = texts[j], texts[i] })
	return texts
}

// BenchmarkSearchBuild makes the index of a whole catalog.
func BenchmarkSearchBuild(b *testing.B) {
	for _, services := range searchSizes {
		b.Run(fmt.Sprintf("services=%d", services), func(b *testing.B) {
			var documents []search.Document
			for e := range searched(services).Entities("") {
				documents = append(documents, search.Document{Entity: e})
			}
			before := heap()
			var index *search.Index
			for b.Loop() {
				index = search.Build(documents)
			}
			b.ReportMetric(float64(heap()-before)/float64(len(documents)), "B/entity")
			b.ReportMetric(float64(len(documents)), "entities")
			runtime.KeepAlive(index)
		})
	}
}

// BenchmarkSearchAfterChange changes the title of one entity and searches, where others changed before: what a change costs
// the first who searches, beside the search.
func BenchmarkSearchAfterChange(b *testing.B) {
	for _, services := range searchSizes {
		s := searched(services)
		s.PrepareSearch()
		entities := slices.Collect(s.Entities(""))
		for _, before := range []int{0, 500} {
			b.Run(fmt.Sprintf("services=%d/before=%d", services, before), func(b *testing.B) {
				s := s
				if before > 0 {
					s = s.Apply(retitled(entities[:before]), 2, time.Time{}, nil)
				}
				s.Search(search.Request{})
				next := s.Apply(retitled(entities[before:before+1]), 3, time.Time{}, nil)
				var took []time.Duration
				for b.Loop() {
					b.StopTimer()
					next = s.Apply(retitled(entities[before:before+1]), 3, time.Time{}, nil)
					b.StartTimer()
					start := time.Now()
					next.Search(search.Request{Query: search.Parse("retitled"), Limit: 25})
					took = append(took, time.Since(start))
				}
				slices.Sort(took)
				b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
				runtime.KeepAlive(next)
			})
		}
	}
}

// retitled changes entities.
func retitled(entities []*catalog.Entity) *catalog.ModelChange {
	change := &catalog.ModelChange{}
	for _, e := range entities {
		other := *e
		other.Title = "Retitled " + e.Name
		change.Entities = append(change.Entities, catalog.EntityChange{Ref: e.Ref, Entity: &other})
	}
	return change
}
