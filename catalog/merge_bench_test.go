package catalog_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/orrery-catalog/orrery/catalog"
)

// edgesPerService is the mean number of edges in the benchmark's catalogs.
const edgesPerService = 10

// services builds the documents of n services, with a few popular targets and many rare ones. No two share a string, as
// is so with documents that are read from files or a store.
func services(n int) []*catalog.Document {
	random := rand.New(rand.NewPCG(1, 2))
	name := func(i int) string { return fmt.Sprintf("service-%06d", i) }
	documents := make([]*catalog.Document, n)
	for i := range documents {
		claim := catalog.Claim{
			Subject: catalog.Subject{Ref: catalog.NewRef("component", "", name(i))}, Line: 1,
			Descriptor: &catalog.Descriptor{
				Ref: catalog.NewRef("component", "", name(i)), Kind: "Component", Namespace: "default", Name: name(i),
				Annotations: map[string]string{catalog.AnnotationTier: "1"}, Type: "service", Lifecycle: "production",
				Owner: catalog.NewRef("group", "", fmt.Sprintf("team-%d", i%(n/50+1))),
			},
			Aliases: []catalog.AliasClaim{{Alias: catalog.Alias("repo:github.com/acme/" + name(i)), Line: 5}},
		}
		claim.Edges = append(claim.Edges, catalog.EdgeClaim{
			Target: catalog.Subject{Ref: claim.Descriptor.Owner}, Type: catalog.OwnedBy, Evidence: catalog.Declared, Line: 9,
		})
		for j := range edgesPerService - 1 {
			target := int(float64(n) * random.Float64() * random.Float64() * random.Float64())
			claim.Edges = append(claim.Edges, catalog.EdgeClaim{
				Target: catalog.Subject{Ref: catalog.NewRef("component", "", name(target))}, Type: catalog.DependsOn,
				Evidence: catalog.Declared, Line: int32(12 + j),
			})
		}
		location := fmt.Sprintf("repos/%s/catalog-info.yaml", name(i))
		documents[i] = &catalog.Document{
			ID:       catalog.DocumentID{Source: "repos", Scope: location, Key: string(claim.Subject.Ref)},
			Priority: catalog.DefaultPriorityFiles, Location: location, Claims: []catalog.Claim{claim},
		}
	}
	return documents
}

// observed adds traffic: for each document one that has seen the same calls between the services' names.
func observed(documents []*catalog.Document) []*catalog.Document {
	seen := make([]*catalog.Document, len(documents))
	for i, document := range documents {
		subject := document.Claims[0].Subject.Ref
		alias := func(ref catalog.Ref) catalog.Subject {
			return catalog.Subject{Alias: catalog.Alias("otel:" + strings.Clone(ref.Name()))}
		}
		claim := catalog.Claim{Subject: alias(subject)}
		for _, edge := range document.Claims[0].Edges[1:] {
			claim.Edges = append(claim.Edges, catalog.EdgeClaim{
				Target: alias(edge.Target.Ref), Type: catalog.DependsOn, Evidence: catalog.Observed,
			})
		}
		seen[i] = &catalog.Document{
			ID:          catalog.DocumentID{Source: "traces", Scope: string(subject), Key: string(subject)},
			Environment: "production", Claims: []catalog.Claim{claim},
		}
	}
	return append(documents, seen...)
}

func BenchmarkMerge(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		for _, kind := range []string{"declared", "observed"} {
			b.Run(fmt.Sprintf("%s/services=%d", kind, n), func(b *testing.B) {
				documents := services(n)
				if kind == "observed" {
					documents = observed(documents)
				}
				rand.New(rand.NewPCG(3, 4)).Shuffle(len(documents), func(i, j int) {
					documents[i], documents[j] = documents[j], documents[i]
				})
				b.ReportAllocs()
				for b.Loop() {
					model := catalog.Merge(slices.Values(documents), catalog.MergeOptions{})
					if len(model.Entities) < n {
						b.Fatalf("%d entities of %d", len(model.Entities), n)
					}
				}
			})
		}
	}
}

// hub is an API that half of the services consume, and a group in which each of so many users is.
const hub, hubMembers = catalog.Ref("api:default/hub"), 10_000

// grown is a company with a hub and a crowd, and its merger.
func grown(b *testing.B, n int) (*catalog.Merger, []*catalog.Document) {
	b.Helper()
	documents := services(n)
	for _, document := range documents[:n/2] {
		claim := &document.Claims[0]
		claim.Edges = append(claim.Edges, catalog.EdgeClaim{
			Target: catalog.Subject{Ref: hub}, Type: catalog.ConsumesAPI, Evidence: catalog.Declared, Line: 30,
		}, catalog.EdgeClaim{
			Target: catalog.Subject{Alias: "host:hub.example.com"}, Type: catalog.DependsOn, Evidence: catalog.Inferred, Line: 31,
		})
	}
	documents = append(documents, describing(hub))
	for i := range hubMembers {
		user := describing(catalog.Ref(fmt.Sprintf("user:default/u%05d", i)))
		user.Claims[0].Edges = []catalog.EdgeClaim{{
			Target: catalog.Subject{Ref: "group:default/crowd"}, Type: catalog.MemberOf, Evidence: catalog.Declared, Line: 3,
		}}
		documents = append(documents, user)
	}
	documents = append(documents, describing("group:default/crowd"))
	merger := catalog.NewMerger(catalog.MergeOptions{})
	merger.Apply(nil, slices.Values(documents))
	return merger, documents
}

func describing(ref catalog.Ref) *catalog.Document {
	return document("hub/"+string(ref), describe(ref))
}

// BenchmarkChange is one document that changes and changes back. It takes time in the size of the document.
func BenchmarkChange(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		merger, documents := grown(b, n)
		for _, c := range []struct {
			name  string
			which int
		}{{"service", n - 1}, {"consumer", 7}, {"api", n}, {"member", n + 1}, {"group", len(documents) - 1}} {
			b.Run(fmt.Sprintf("%s/services=%d", c.name, n), func(b *testing.B) {
				was := documents[c.which]
				now := *was
				now.Claims = slices.Clone(now.Claims)
				titled := *now.Claims[0].Descriptor
				titled.Title = "another"
				now.Claims[0].Descriptor = &titled
				now.Claims[0].Edges = append(slices.Clone(now.Claims[0].Edges), dependsOn("component:default/service-000003"))
				b.ReportAllocs()
				for b.Loop() {
					for _, document := range []*catalog.Document{&now, was} {
						change := merger.Apply(nil, slices.Values([]*catalog.Document{document}))
						if len(change.Entities) != 1 || len(change.Edges) != 1 {
							b.Fatalf("%d entities and %d rows changed", len(change.Entities), len(change.Edges))
						}
					}
				}
			})
		}
	}
}

// BenchmarkMemory measures what a merger keeps, with the model.
func BenchmarkMemory(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		b.Run(fmt.Sprintf("services=%d", n), func(b *testing.B) {
			live := func() uint64 {
				runtime.GC()
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				return m.HeapAlloc
			}
			before := live()
			merger := catalog.NewMerger(catalog.MergeOptions{})
			merger.Apply(nil, slices.Values(services(n)))
			all := live()
			model := merger.Model()
			runtime.KeepAlive(merger)
			merger = nil
			alone := live()
			runtime.KeepAlive(model)
			b.ReportMetric(float64(all-before)/1e6, "MB")
			b.ReportMetric(float64(alone-before)/1e6, "model-MB")
		})
	}
}
