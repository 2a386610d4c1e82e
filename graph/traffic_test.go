package graph_test

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/graphtest"
)

var newest = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// traced is a world of services seen in traffic, of one source of traces unless it says otherwise.
type traced struct {
	documents map[catalog.Alias]*catalog.Document
	numbers   graphtest.Traffic
	sources   []graph.Source
	others    []*catalog.Document
}

func newTraced() *traced {
	return &traced{
		documents: map[catalog.Alias]*catalog.Document{},
		sources:   []graph.Source{{ID: "eu", Kind: "otlp"}, {ID: "mesh", Kind: "prometheus"}, {ID: "traces", Kind: "otlp"}},
		numbers: graphtest.Traffic{
			Services:   map[traffic.ServiceKey]*graph.ServiceNumbers{},
			Deliveries: map[traffic.DeliveryKey]*traffic.Delivery{},
			Reached:    map[traffic.ReachKey]float64{},
		},
	}
}

func (w *traced) service(source string, alias catalog.Alias, entry catalog.Entry) *catalog.Claim {
	key := catalog.Alias(source) + " " + alias
	d := w.documents[key]
	if d == nil {
		d = &catalog.Document{
			ID:          catalog.DocumentID{Source: source, Scope: "production/" + string(alias), Key: string(alias)},
			Environment: "production",
			Claims:      []catalog.Claim{{Subject: catalog.Subject{Alias: alias}}},
		}
		w.documents[key] = d
	}
	d.Claims[0].Entry = max(d.Claims[0].Entry, entry)
	return &d.Claims[0]
}

// flow is what a source has seen of the way from one to another.
func (w *traced) flow(source string, way traffic.Way, from, to catalog.Alias, numbers graph.FlowNumbers) {
	numbers.FlowKey = traffic.FlowKey{From: from, To: to, Way: way}
	if numbers.First.IsZero() {
		numbers.First, numbers.Last = newest.Add(-48*time.Hour), newest
	}
	edge := catalog.EdgeClaim{
		Target: catalog.Subject{Alias: to}, Type: catalog.DependsOn, Evidence: catalog.Observed, Protocol: "http",
		Flow: w.numbers.Count(source, &numbers),
	}
	switch way {
	case traffic.Publish:
		edge.Role = catalog.Publish
	case traffic.Consume:
		edge.Role = catalog.Consume
	case traffic.Receive:
		edge.Strength = catalog.Async
	}
	claim := w.service(source, from, catalog.EntryUnknown)
	claim.Edges = append(claim.Edges, edge)
}

// entries says how many requests began at a service, and which of them touched what.
func (w *traced) entries(alias catalog.Alias, requests float64, touched map[catalog.Alias]float64) {
	w.service("traces", alias, catalog.EntryPoint)
	w.numbers.Services[traffic.ServiceKey{Alias: alias, Environment: "production"}] = &graph.ServiceNumbers{
		Requests: requests, Entries: requests,
	}
	for other, n := range touched {
		w.numbers.Reached[traffic.ReachKey{Entry: alias, Touched: other, Environment: "production"}] = n
	}
}

func (w *traced) snapshot() *graph.Snapshot {
	documents := slices.Clone(w.others)
	for _, d := range w.documents {
		documents = append(documents, d)
	}
	model := catalog.Merge(slices.Values(documents), catalog.MergeOptions{})
	return graph.Build(graph.Input{Model: model, Revision: 1, Time: newest, Sources: w.sources}).WithTraffic(&w.numbers)
}

// declare adds a component of a catalog file.
func (w *traced) declare(ref catalog.Ref, aliases []catalog.Alias, edges ...catalog.EdgeClaim) {
	claim := catalog.Claim{
		Subject: catalog.Subject{Ref: ref}, Edges: edges,
		Descriptor: &catalog.Descriptor{Ref: ref, Kind: catalog.KindSpelling(ref.Kind()), Namespace: ref.Namespace(), Name: ref.Name()},
	}
	for _, alias := range aliases {
		claim.Aliases = append(claim.Aliases, catalog.AliasClaim{Alias: alias})
	}
	w.others = append(w.others, &catalog.Document{
		ID: catalog.DocumentID{Source: "repos", Scope: string(ref), Key: string(ref)}, Location: string(ref), Claims: []catalog.Claim{claim},
	})
}

func namedNeed(to catalog.Ref) catalog.EdgeClaim {
	return catalog.EdgeClaim{Target: catalog.Subject{Ref: to}, Type: catalog.DependsOn, Evidence: catalog.Declared, Line: 3}
}

func counted(requests, errors float64, together traffic.Together) graph.FlowNumbers {
	n := graph.FlowNumbers{Requests: requests, Errors: errors, Together: together}
	n.Recent = graph.Recent{Since: newest.Add(-100 * time.Second), Until: newest, Requests: requests, Errors: errors}
	return n
}

// soft is what a call shows whose failures do not matter to the caller.
var soft = traffic.Together{CallFailed: 20, NoneFailed: 100}

func relation(t *testing.T, s *graph.Snapshot, from, to catalog.Ref) *catalog.Edge {
	t.Helper()
	out, _ := s.Relations(from)
	for edge := range out {
		if edge.To == to {
			return edge
		}
	}
	t.Fatalf("%s has no relation to %s", from, to)
	return nil
}

func TestNumbersBesideASnapshot(t *testing.T) {
	w := newTraced()
	w.flow("traces", traffic.Call, "otel:a", "otel:b", counted(10, 1, soft))
	bare := w.snapshot().WithTraffic(nil)
	s := bare.WithTraffic(&w.numbers)
	edge := relation(t, s, "component:default/a", "component:default/b")
	if bare.EdgeTraffic(edge) != nil || bare.Behaves(edge) != catalog.Unstated || bare.Traffic() != nil {
		t.Error("a snapshot without numbers has some")
	}
	if s.Behaves(edge) != catalog.Soft || s.Revision() != bare.Revision() || !s.IsSameGraph(bare) {
		t.Error("numbers made another graph")
	}
	if next := s.Apply(nil, 2, newest, s.Sources()); next.Traffic() != s.Traffic() || next.IsSameGraph(s) {
		t.Error("a later revision has lost the numbers, or is the same")
	}
	change := &catalog.ModelChange{Entities: []catalog.EntityChange{{Ref: "component:default/b"}}}
	if next := s.Apply(change, 2, newest, s.Sources()); next.Traffic() != s.Traffic() {
		t.Error("a change has lost the numbers")
	}
}

func TestTrafficOfAnEdge(t *testing.T) {
	w := newTraced()
	fast, slow := counted(100, 10, soft), counted(50, 0, traffic.Together{BothFailed: 1})
	for range 99 {
		fast.Recent.Latency.Add(0.010, 1)
	}
	slow.Recent.Latency.Add(2, 1)
	slow.Sampled, slow.First = true, newest.Add(-1000*time.Hour)
	fast.Operations = []graph.OperationNumbers{{Name: "GET /", Requests: 70, Errors: 10}, {Name: "POST /", Requests: 30}}
	slow.Operations = []graph.OperationNumbers{{Name: "POST /", Requests: 50}}
	w.flow("traces", traffic.Call, "otel:a", "otel:b", fast)
	w.flow("eu", traffic.Call, "otel:a", "otel:b", slow) // another receiver: its requests are others
	w.flow("mesh", traffic.Call, "otel:a", "otel:b", counted(140, 3, traffic.Together{}))
	w.flow("mesh", traffic.Call, "host:a", "otel:b", counted(130, 3, traffic.Together{})) // the mesh by another name
	w.declare("component:default/a", []catalog.Alias{"host:a"})
	s := w.snapshot()
	sum := s.EdgeTraffic(relation(t, s, "component:default/a", "component:default/b"))
	share, _ := sum.ErrorRate()
	want := graph.TrafficSum{
		Requests: 150, Errors: 10, First: newest.Add(-1000 * time.Hour), Last: newest, Sampled: true,
		Since: newest.Add(-100 * time.Second), Until: newest, Rate: 1.5, FailedRate: 0.1,
		Together:   traffic.Together{BothFailed: 1, CallFailed: 20, NoneFailed: 100},
		Operations: []graph.OperationNumbers{{Name: "POST /", Requests: 80}, {Name: "GET /", Requests: 70, Errors: 10}},
	}
	if diff := cmp.Diff(&want, sum, cmpopts.IgnoreFields(graph.TrafficSum{}, "Latency")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	median, _ := sum.Latency.Quantile(0.5)
	worst, _ := sum.Latency.Quantile(1)
	if math.Abs(share-0.1/1.5) > 1e-9 || math.Abs(median-0.01) > 0.001 || math.Abs(worst-2) > 0.1 {
		t.Errorf("share %v, median %v, worst %v", share, median, worst)
	}
	if fast.Recent.Latency.Count() != 99 {
		t.Error("adding up changed what was added")
	}
}

func TestBehavesIsUsedOnRequest(t *testing.T) {
	w := newTraced()
	w.declare("component:default/a", []catalog.Alias{"otel:a"}, namedNeed("component:default/b"))
	w.flow("traces", traffic.Call, "otel:a", "otel:b", counted(120, 20, soft))
	s := w.snapshot()
	for _, c := range []struct {
		filter graph.Filter
		want   graph.Impact
	}{
		{graph.Filter{}, graph.Outage},
		{graph.Filter{Behaves: true}, graph.Degraded},
		{graph.Filter{Behaves: true, Environment: "staging"}, graph.Outage}, // it was not seen there
		{graph.Filter{Behaves: true, Evidence: catalog.EvidenceSet(catalog.Declared)}, graph.Degraded},
		{graph.Filter{Behaves: true, Add: []graph.WhatIfEdge{{From: "component:default/a", To: "component:default/b"}}}, graph.Outage},
	} {
		blast, err := s.BlastRadius([]catalog.Ref{"component:default/b"}, graph.BlastOptions{Filter: c.filter})
		if err != nil {
			t.Fatal(err)
		}
		if got := blast.ImpactOn("component:default/a"); got != c.want {
			t.Errorf("%+v: %v; want %v", c.filter, got, c.want)
		}
	}
	deps, err := s.Deps("component:default/a", graph.DepsOptions{Filter: graph.Filter{Behaves: true}})
	if err != nil || deps.Edges[0].Strength != catalog.Soft || deps.Edges[0].Edge.Strength != catalog.Hard {
		t.Errorf("%+v, %v", deps.Edges, err)
	}
	// Other numbers, another answer.
	other := s.WithTraffic(&graphtest.Traffic{})
	if deps, _ = other.Deps("component:default/a", graph.DepsOptions{Filter: graph.Filter{Behaves: true}}); deps.Edges[0].Strength != catalog.Hard {
		t.Errorf("%+v", deps.Edges)
	}
}

func TestObservedReach(t *testing.T) {
	w := newTraced()
	w.flow("traces", traffic.Call, "otel:shop", "otel:pay", counted(10, 0, traffic.Together{}))
	w.flow("traces", traffic.Call, "otel:shop", "otel:stock", counted(10, 0, traffic.Together{}))
	w.flow("traces", traffic.Call, "otel:cron", "otel:pay", counted(10, 0, traffic.Together{}))
	w.flow("traces", traffic.Call, "otel:inner", "otel:pay", counted(10, 0, traffic.Together{}))
	w.service("traces", "otel:inner", catalog.EntryInner)
	w.entries("otel:shop", 100, map[catalog.Alias]float64{"otel:pay": 30, "otel:stock": 80})
	w.entries("otel:cron", 300, map[catalog.Alias]float64{"otel:pay": 300})
	w.declare("journey:default/buy", nil, namedNeed("component:default/shop"), namedNeed("component:default/cron"), namedNeed("component:default/inner"))
	w.declare("journey:default/untraced", nil, namedNeed("component:default/inner"))
	w.declare("component:default/dark", nil)
	w.declare("component:default/lit", nil, namedNeed("component:default/dark"))
	s := w.snapshot()
	for _, c := range []struct {
		failed []catalog.Ref
		want   map[catalog.Ref]graph.Reach
	}{
		{[]catalog.Ref{"component:default/pay"}, map[catalog.Ref]graph.Reach{
			"component:default/shop": {Requests: 100, AtLeast: 0.3, AtMost: 0.3},
			"component:default/cron": {Requests: 300, AtLeast: 1, AtMost: 1},
			"journey:default/buy":    {Requests: 400, AtLeast: 330.0 / 400, AtMost: 330.0 / 400},
		}},
		{[]catalog.Ref{"component:default/pay", "component:default/stock"}, map[catalog.Ref]graph.Reach{
			"component:default/shop": {Requests: 100, AtLeast: 0.8, AtMost: 1},
			"component:default/cron": {Requests: 300, AtLeast: 1, AtMost: 1},
			"journey:default/buy":    {Requests: 400, AtLeast: 380.0 / 400, AtMost: 1},
		}},
		{[]catalog.Ref{"component:default/stock", "component:default/dark"}, map[catalog.Ref]graph.Reach{
			"component:default/shop": {Requests: 100, AtLeast: 0.8, AtMost: 1},
			"journey:default/buy":    {Requests: 400, AtLeast: 80.0 / 400, AtMost: 1},
		}},
		{[]catalog.Ref{"component:default/dark"}, map[catalog.Ref]graph.Reach{}},
		// What failed and begins requests itself has lost them all.
		{[]catalog.Ref{"component:default/shop"}, map[catalog.Ref]graph.Reach{
			"journey:default/buy": {Requests: 400, AtLeast: 100.0 / 400, AtMost: 100.0 / 400},
		}},
	} {
		blast, err := s.BlastRadius(c.failed, graph.BlastOptions{})
		if err != nil {
			t.Fatal(err)
		}
		got := map[catalog.Ref]graph.Reach{}
		for _, hit := range blast.Page(0, -1) {
			if reach := hit.ObservedReach(); reach != nil {
				got[hit.Entity.Ref] = *reach
			}
		}
		for _, hit := range slices.Concat(blast.Journeys(), blast.EntryPoints()) {
			if reach := hit.ObservedReach(); reach != nil && *reach != got[hit.Entity.Ref] {
				t.Errorf("%s: %v and %v", hit.Entity.Ref, *reach, got[hit.Entity.Ref])
			}
		}
		if diff := cmp.Diff(c.want, got, cmpopts.EquateApprox(0, 1e-9)); diff != "" {
			t.Errorf("%v fail (-want +got):\n%s", c.failed, diff)
		}
	}
	blast, _ := s.BlastRadius([]catalog.Ref{"component:default/pay"}, graph.BlastOptions{})
	var entries []catalog.Ref
	for _, hit := range blast.EntryPoints() {
		entries = append(entries, hit.Entity.Ref)
	}
	if want := []catalog.Ref{"component:default/cron", "component:default/shop"}; !slices.Equal(entries, want) {
		t.Errorf("%v; want %v", entries, want)
	}
	blast, _ = s.WithTraffic(nil).BlastRadius([]catalog.Ref{"component:default/pay"}, graph.BlastOptions{})
	if hits := blast.EntryPoints(); hits[0].ObservedReach() != nil {
		t.Error("there are no numbers, and yet a reach")
	}
}

func TestExportOfTraffic(t *testing.T) {
	const topic = catalog.Alias("topic:kafka:orders")
	w := newTraced()
	w.flow("traces", traffic.Call, "otel:a", "otel:b", counted(119.6, 20.4, soft))
	w.flow("traces", traffic.Publish, "otel:a", topic, counted(7, 0, traffic.Together{}))
	w.flow("traces", traffic.Consume, "otel:mail", topic, counted(6, 0, traffic.Together{}))
	w.entries("otel:a", 120, nil)
	w.service("traces", "otel:b", catalog.EntryInner)
	w.numbers.Deliveries[traffic.DeliveryKey{Consumer: "otel:mail", Topic: topic, Producer: "otel:a", Environment: "production"}] = &traffic.Delivery{Messages: 5, First: catalog.InstantOf(newest), Last: catalog.InstantOf(newest)}
	w.numbers.Losses = map[string]map[string]uint64{"traces": {"duplicate": 3, "late": 1}}
	w.sources[2].Lost = map[string]int64{"late": 2}
	s := w.snapshot()
	var text bytes.Buffer
	if err := graph.WriteExport(&text, s); err != nil {
		t.Fatal(err)
	}
	var export struct {
		Entities []struct {
			Ref        string
			EntryPoint *bool
		}
		Edges []struct {
			From, To string
			Strength string
			Behaves  *string
			Via      *string
			Protocol *string
			Evidence []struct {
				Kind                string
				Source              *string
				FirstSeen, LastSeen *time.Time
				Requests, Errors    *int64
			}
		}
		Sources []struct {
			ID   string
			Lost map[string]int64
		}
	}
	if err := json.Unmarshal(text.Bytes(), &export); err != nil {
		t.Fatal(err)
	}
	entry := map[string]string{}
	for _, e := range export.Entities {
		is := "null"
		if e.EntryPoint != nil {
			is = map[bool]string{true: "true", false: "false"}[*e.EntryPoint]
		}
		entry[e.Ref] = is
	}
	topicRef := string(catalog.DiscoveredRef(topic))
	wantEntry := map[string]string{
		"component:default/a": "true", "component:default/b": "false", "component:default/mail": "null", topicRef: "null",
	}
	if diff := cmp.Diff(wantEntry, entry); diff != "" {
		t.Errorf("entry points (-want +got):\n%s", diff)
	}
	null := func(n *int64) int64 {
		if n == nil {
			return -1
		}
		return *n
	}
	type line struct {
		from, to, strength, behaves string
		counts                      [][2]int64
	}
	var lines []line
	for _, e := range export.Edges {
		l := line{from: e.From, to: e.To, strength: e.Strength}
		if e.Behaves != nil {
			l.behaves = *e.Behaves
		}
		for _, evidence := range e.Evidence {
			l.counts = append(l.counts, [2]int64{null(evidence.Requests), null(evidence.Errors)})
			if evidence.Source != nil && !evidence.LastSeen.Equal(newest) {
				t.Errorf("%s to %s was seen last at %v", e.From, e.To, evidence.LastSeen)
			}
		}
		lines = append(lines, l)
	}
	want := []line{
		{"component:default/a", "component:default/b", "HARD", "SOFT", [][2]int64{{120, 20}}},
		{"component:default/a", topicRef, "HARD", "", [][2]int64{{7, 0}}},
		// By way of the topic there are messages, which nobody saw fail.
		{"component:default/mail", "component:default/a", "ASYNC", "", [][2]int64{{-1, -1}, {-1, -1}, {5, -1}}},
		{"component:default/mail", topicRef, "ASYNC", "", [][2]int64{{6, 0}}},
	}
	if diff := cmp.Diff(want, lines, cmp.AllowUnexported(line{})); diff != "" {
		t.Errorf("edges (-want +got):\n%s", diff)
	}
	for _, source := range export.Sources {
		if want := map[string]int64{"late": 3, "duplicate": 3}; source.ID == "traces" && !cmp.Equal(source.Lost, want) {
			t.Errorf("lost %v; want %v", source.Lost, want)
		}
	}
}

// TestDigestKnowsNoNumbers: a digest stays while requests come, and changes with what is said of the graph.
func TestDigestKnowsNoNumbers(t *testing.T) {
	w := newTraced()
	w.flow("traces", traffic.Call, "otel:a", "otel:b", counted(10, 1, soft))
	s := w.snapshot()
	digest := graph.Digest(s)
	more := graphtest.Traffic{}
	numbers := counted(1000, 1000, traffic.Together{BothFailed: 100})
	numbers.FlowKey = traffic.FlowKey{From: "otel:a", To: "otel:b", Way: traffic.Call}
	more.Count("traces", &numbers)
	if graph.Digest(s.WithTraffic(&more)) != digest || graph.Digest(s.WithTraffic(nil)) != digest {
		t.Error("the digest depends on numbers")
	}
	w.service("traces", "otel:a", catalog.EntryPoint)
	if graph.Digest(w.snapshot()) == digest {
		t.Error("the digest does not know that requests enter at a")
	}
}
