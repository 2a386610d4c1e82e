package drift_test

import (
	"slices"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/drift"
	"github.com/orrery-catalog/orrery/graph/graphtest"
)

// BenchmarkFind looks for everything in a company of 50,000 services (some 100,000 entities), each of which was seen to call
// two of three of what it declares and two that it does not.
func BenchmarkFind(b *testing.B) {
	snapshot := tracedCompany(50_000)
	b.Logf("%d entities, %d findings", snapshot.Len(), len(drift.Find(snapshot, drift.Options{})))
	for name, options := range map[string]drift.Options{
		"everything": {},
		"one":        {Refs: []catalog.Ref{graphtest.Company{Services: 50_000}.ServiceRef(77)}},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				drift.Find(snapshot, options)
			}
		})
	}
}

func tracedCompany(services int) *graph.Snapshot {
	company := graphtest.Company{Services: services, Seed: 1}
	documents := slices.Collect(company.Documents())
	n := numbers{flows: map[catalog.FlowID]*graph.FlowNumbers{}, services: map[catalog.Alias]*graph.ServiceNumbers{}}
	alias := func(ref catalog.Ref) catalog.Alias { return catalog.Alias("otel:" + ref.Name()) }
	for i, document := range slices.Clone(documents) {
		for _, claim := range document.Claims {
			ref := claim.Subject.Ref
			if ref.Kind() != "component" {
				continue
			}
			seen := catalog.Claim{Subject: catalog.Subject{Alias: alias(ref)}, Entry: catalog.EntryInner}
			call := func(to catalog.Alias) {
				key := traffic.FlowKey{From: seen.Subject.Alias, To: to, Way: traffic.Call}
				n.flows[key.ID()] = &graph.FlowNumbers{FlowKey: key, Requests: 5000, First: newest.AddDate(0, 0, -9), Last: newest}
				seen.Edges = append(seen.Edges, catalog.EdgeClaim{
					Target: catalog.Subject{Alias: to}, Type: catalog.DependsOn, Evidence: catalog.Observed, Flow: key.ID(),
				})
			}
			for j, edge := range claim.Edges {
				if edge.Type == catalog.DependsOn && edge.Target.Ref.Kind() == "component" && j%3 != 0 {
					call(alias(edge.Target.Ref))
				}
			}
			for _, step := range []int{13, 101} {
				call(alias(company.ServiceRef((i*7 + step) % services)))
			}
			n.services[seen.Subject.Alias] = &graph.ServiceNumbers{Requests: 20000, First: newest.Add(-200 * time.Hour), Last: newest}
			documents = append(documents, &catalog.Document{
				ID:          catalog.DocumentID{Source: "traces", Scope: "production/" + string(seen.Subject.Alias), Key: string(seen.Subject.Alias)},
				Environment: "production", Claims: []catalog.Claim{seen},
			})
		}
	}
	model := catalog.Merge(slices.Values(documents), catalog.MergeOptions{})
	return graph.Build(graph.Input{Model: model, Revision: 1, Time: newest}).WithTraffic(n)
}
