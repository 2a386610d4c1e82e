package resolve_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/graphtest"
)

// tracedShop is a web shop that was seen in traffic: web calls pay, which fails and does not matter, and pay tells mail by a
// topic. What web needs is declared.
func tracedShop() *graph.Snapshot {
	const topic = catalog.Alias("topic:kafka:paid")
	until := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	numbers := &graphtest.Traffic{
		Services: map[traffic.ServiceKey]*graph.ServiceNumbers{
			{Alias: "otel:web", Environment: "production"}: {
				Requests: 200, Errors: 4, Entries: 150, First: until.Add(-time.Hour), Last: until,
				Recent: graph.Recent{Since: until.Add(-100 * time.Second), Until: until, Requests: 50, Errors: 1},
			},
		},
		Reached: map[traffic.ReachKey]float64{{Entry: "otel:web", Touched: "otel:pay", Environment: "production"}: 60},
		Deliveries: map[traffic.DeliveryKey]*traffic.Delivery{
			{Consumer: "otel:mail", Topic: topic, Producer: "otel:pay", Environment: "production"}: {Messages: 7, Last: catalog.InstantOf(until)},
		},
		Losses: map[string]map[string]uint64{"traces": {"late": 3}},
	}
	call := graph.FlowNumbers{
		FlowKey: traffic.FlowKey{From: "otel:web", To: "otel:pay", Way: traffic.Call}, Requests: 100.5, Errors: 20, First: until.Add(-time.Hour), Last: until,
		Together: traffic.Together{CallFailed: 20, NoneFailed: 80}, Sampled: true,
		Operations: []graph.OperationNumbers{{Name: "POST /pay", Requests: 100.5, Errors: 20}},
		Recent:     graph.Recent{Since: until.Add(-10 * time.Second), Until: until, Requests: 50, Errors: 10},
	}
	edge := func(to catalog.Alias, role catalog.Role, flow graph.FlowNumbers) catalog.EdgeClaim {
		return catalog.EdgeClaim{
			Target: catalog.Subject{Alias: to}, Type: catalog.DependsOn, Evidence: catalog.Observed, Role: role, Flow: numbers.Count("traces", &flow),
		}
	}
	topicFlow := func(from catalog.Alias, way traffic.Way) graph.FlowNumbers {
		return graph.FlowNumbers{FlowKey: traffic.FlowKey{From: from, To: topic, Way: way}, Requests: 7, Last: until}
	}
	seen := func(service catalog.Alias, entry catalog.Entry, edges ...catalog.EdgeClaim) *catalog.Document {
		return &catalog.Document{
			ID: catalog.DocumentID{Source: "traces", Scope: "production", Key: string(service)}, Environment: "production",
			Claims: []catalog.Claim{{Subject: catalog.Subject{Alias: service}, Entry: entry, Edges: edges}},
		}
	}
	web, buy := catalog.Ref("component:default/web"), catalog.Ref("journey:default/buy")
	declared := func(ref catalog.Ref, kind, name string, needs catalog.Ref) *catalog.Document {
		return &catalog.Document{
			ID: catalog.DocumentID{Source: "repos", Scope: name, Key: name}, Location: name,
			Claims: []catalog.Claim{{
				Subject: catalog.Subject{Ref: ref}, Descriptor: &catalog.Descriptor{Ref: ref, Kind: kind, Namespace: "default", Name: name},
				Edges: []catalog.EdgeClaim{{Target: catalog.Subject{Ref: needs}, Type: catalog.DependsOn, Evidence: catalog.Declared}},
			}},
		}
	}
	model := catalog.Merge(slices.Values([]*catalog.Document{
		seen("otel:web", catalog.EntryPoint, edge("otel:pay", catalog.NoRole, call)),
		seen("otel:pay", catalog.EntryInner, edge(topic, catalog.Publish, topicFlow("otel:pay", traffic.Publish))),
		seen("otel:mail", catalog.EntryUnknown, edge(topic, catalog.Consume, topicFlow("otel:mail", traffic.Consume))),
		declared(web, "Component", "web", "component:default/pay"), declared(buy, "Journey", "buy", web),
	}), catalog.MergeOptions{})
	return graph.Build(graph.Input{
		Revision: 1, Model: model, Sources: []graph.Source{{ID: "repos", Kind: "files"}, {ID: "traces", Kind: "otlp", Lost: map[string]int64{"late": 1}}},
	}).WithTraffic(numbers)
}

func TestTraffic(t *testing.T) {
	c := newClient(tracedShop())
	for name, test := range map[string]struct{ query, want string }{
		"along a dependency": {
			`{entity(ref:"web"){dependencies{nodes{strength behaves traffic{requests errors requestRate errorRate p99 since until firstSeen lastSeen
			sampled behaves together{bothFailed callFailed requestFailed noneFailed} operations{name requests errors}}
			evidence{kind traffic{requests}}}}}}`,
			`{"entity":{"dependencies":{"nodes":[{"strength":"HARD","behaves":"SOFT","traffic":{"requests":100.5,"errors":20,"requestRate":5,
			"errorRate":0.2,"p99":null,"since":"2026-02-28T23:59:50Z","until":"2026-03-01T00:00:00Z","firstSeen":"2026-02-28T23:00:00Z",
			"lastSeen":"2026-03-01T00:00:00Z","sampled":true,"behaves":"SOFT",
			"together":{"bothFailed":0,"callFailed":20,"requestFailed":0,"noneFailed":80},
			"operations":[{"name":"POST /pay","requests":100.5,"errors":20}]},
			"evidence":[{"kind":"DECLARED","traffic":null},{"kind":"OBSERVED","traffic":{"requests":100.5}}]}]}}}`,
		},
		"by way of a topic": {
			`{entity(ref:"mail"){dependencies{nodes{via{aliases{alias}} behaves traffic{requests errors together{bothFailed} operations{name}}}}}}`,
			`{"entity":{"dependencies":{"nodes":[{"via":{"aliases":[{"alias":"topic:kafka:paid"}]},"behaves":null,
			"traffic":{"requests":7,"errors":null,"together":null,"operations":[]}},
			{"via":null,"behaves":null,"traffic":{"requests":7,"errors":0,"together":null,"operations":[]}}]}}}`,
		},
		"as it behaves": {
			`{declared:blastRadius(of:["pay"]){impactOn(ref:"web")} behaves:blastRadius(of:["pay"],options:{strength:BEHAVES}){impactOn(ref:"web")}
			entity(ref:"web"){dependencies(options:{strength:BEHAVES}){nodes{strength relation{strength behaves}}}}}`,
			`{"declared":{"impactOn":"OUTAGE"},"behaves":{"impactOn":"DEGRADED"},
			"entity":{"dependencies":{"nodes":[{"strength":"SOFT","relation":{"strength":"HARD","behaves":"SOFT"}}]}}}`,
		},
		"reach": {
			`{blastRadius(of:["pay"]){journeys{nodes{entity{name} observedReach{requests share shareAtMost}}}
			entryPoints{nodes{entity{name} impact observedReach{share}}} impacted{nodes{entity{name} observedReach{share}}}}}`,
			`{"blastRadius":{"journeys":{"nodes":[{"entity":{"name":"buy"},"observedReach":{"requests":150,"share":0.4,"shareAtMost":0.4}}]},
			"entryPoints":{"nodes":[{"entity":{"name":"web"},"impact":"OUTAGE","observedReach":{"share":0.4}}]},
			"impacted":{"nodes":[{"entity":{"name":"web"},"observedReach":{"share":0.4}},{"entity":{"name":"buy"},"observedReach":{"share":0.4}},
			{"entity":{"name":"mail"},"observedReach":null}]}}}`,
		},
		"of an entity": {
			`{web:entity(ref:"web"){entryPoint traffic{requests errors entries requestRate errorRate p50 firstSeen}}
			pay:entity(ref:"pay"){entryPoint traffic{requests}} mail:entity(ref:"mail"){entryPoint} staging:entity(ref:"web"){traffic(environment:"staging"){requests}}}`,
			`{"web":{"entryPoint":true,"traffic":{"requests":200,"errors":4,"entries":150,"requestRate":0.5,"errorRate":0.02,"p50":null,
			"firstSeen":"2026-02-28T23:00:00Z"}},"pay":{"entryPoint":false,"traffic":null},"mail":{"entryPoint":null},"staging":{"traffic":null}}`,
		},
		"entry points": {
			`{is:entities(filter:{entryPoint:true}){totalCount nodes{name}} isNone:entities(filter:{entryPoint:false}){totalCount nodes{name}}}`,
			`{"is":{"totalCount":1,"nodes":[{"name":"web"}]},"isNone":{"totalCount":1,"nodes":[{"name":"pay"}]}}`,
		},
		"what was lost": {
			`{sources{nodes{id lost{reason count}}}}`,
			`{"sources":{"nodes":[{"id":"repos","lost":[]},{"id":"traces","lost":[{"reason":"late","count":4}]}]}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			var want map[string]any
			if err := json.Unmarshal([]byte(test.want), &want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, c.data(t, test.query, nil)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestNumbersChangeWithinARevision: what is derived from a whole graph is kept while only numbers change, and no answer is
// of other numbers than those of its snapshot.
func TestNumbersChangeWithinARevision(t *testing.T) {
	snapshot := tracedShop()
	c := newClient(snapshot)
	const query = `{dependencies(of:"web",depth:1,options:{strength:BEHAVES}){edges{nodes{strength}}}}`
	strength := func() any {
		return at(at(c.data(t, query, nil), "dependencies.edges").(map[string]any)["nodes"].([]any)[0], "strength")
	}
	if got := strength(); got != "SOFT" {
		t.Errorf("it behaves %v", got)
	}
	c.current.Store(snapshot.WithTraffic(&graphtest.Traffic{Number: 1}))
	if got := strength(); got != "HARD" {
		t.Errorf("with nothing counted it behaves %v", got)
	}
}
