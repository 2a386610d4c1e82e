package schema_test

import (
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/graphtest"
)

// demoTraffic is what was seen of the demo company in traffic: some calls of those who check out, of which one behaves
// otherwise than declared, and where the requests of customers begin.
func demoTraffic(until time.Time) ([]*catalog.Document, *graphtest.Traffic) {
	const source, environment = "traces", "production"
	numbers := &graphtest.Traffic{
		Services: map[traffic.ServiceKey]*graph.ServiceNumbers{}, Reached: map[traffic.ReachKey]float64{},
	}
	documents := map[string]*catalog.Document{}
	var all []*catalog.Document
	service := func(name string, entry catalog.Entry) *catalog.Claim {
		if documents[name] == nil {
			documents[name] = &catalog.Document{
				ID:          catalog.DocumentID{Source: source, Scope: environment + "/" + name, Key: name},
				Environment: environment, Claims: []catalog.Claim{{Subject: catalog.Subject{Alias: catalog.Alias("otel:" + name)}}},
			}
			all = append(all, documents[name])
		}
		claim := &documents[name].Claims[0]
		claim.Entry = max(claim.Entry, entry)
		return claim
	}
	call := func(from, to string, perSecond, failing, seconds float64, together traffic.Together) {
		const day = 24 * 60 * 60
		flow := &graph.FlowNumbers{
			FlowKey:  traffic.FlowKey{From: catalog.Alias("otel:" + from), To: catalog.Alias("otel:" + to), Way: traffic.Call},
			Requests: 7 * day * perSecond, Errors: 7 * day * perSecond * failing, First: until.AddDate(0, 0, -7), Last: until, Together: together,
			Recent: graph.Recent{
				Since: until.AddDate(0, 0, -1), Until: until, Requests: day * perSecond, Errors: day * perSecond * failing,
			},
		}
		flow.Recent.Latency.Add(seconds, day*perSecond)
		claim := service(from, catalog.EntryInner)
		claim.Edges = append(claim.Edges, catalog.EdgeClaim{
			Target: catalog.Subject{Alias: flow.To}, Type: catalog.DependsOn, Evidence: catalog.Observed, Protocol: "http", Flow: numbers.Count(source, flow),
		})
		service(to, catalog.EntryInner)
	}
	call("checkout-web", "checkout-service", 20, 0.001, 0.3, traffic.Together{BothFailed: 60, CallFailed: 2, NoneFailed: 9000})
	call("checkout-service", "fraud-service", 5, 0.02, 0.12, traffic.Together{BothFailed: 3, CallFailed: 97, NoneFailed: 4900})
	call("checkout-service", "address-service", 9, 0, 0.04, traffic.Together{NoneFailed: 4000})
	entry := catalog.Alias("otel:checkout-web")
	service("checkout-web", catalog.EntryPoint)
	numbers.Services[traffic.ServiceKey{Alias: entry, Environment: environment}] = &graph.ServiceNumbers{
		Requests: 100_000, Entries: 100_000, First: until.AddDate(0, 0, -7), Last: until,
	}
	for touched, requests := range map[catalog.Alias]float64{"otel:checkout-service": 80_000, "otel:fraud-service": 20_000} {
		numbers.Reached[traffic.ReachKey{Entry: entry, Touched: touched, Environment: environment}] = requests
	}
	return all, numbers
}
