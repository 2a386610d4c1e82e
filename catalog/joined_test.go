package catalog_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/orrery-catalog/orrery/catalog"
)

// traceOf is what telemetry says of a service: what runs it, whether requests enter there, and whom it calls.
func traceOf(service catalog.Alias, runs []catalog.Alias, calls ...catalog.Alias) *catalog.Document {
	claim := catalog.Claim{Subject: catalog.Subject{Alias: service}}
	for _, alias := range runs {
		claim.Aliases = append(claim.Aliases, catalog.AliasClaim{Alias: alias})
	}
	for _, callee := range calls {
		claim.Edges = append(claim.Edges, catalog.EdgeClaim{
			Target: catalog.Subject{Alias: callee}, Type: catalog.DependsOn, Evidence: catalog.Observed,
			Flow: catalog.FlowOf(string(service), string(callee)),
		})
	}
	d := document("", claim)
	d.ID = catalog.DocumentID{Source: "traces", Scope: "production/" + string(service), Key: string(service)}
	d.Environment = "production"
	return d
}

// running is what a cluster says of a workload: the entity, and by its alias what it runs on and what labels it has.
func running(alias catalog.Alias, labels map[string]string, names ...catalog.Alias) *catalog.Document {
	ref := catalog.DiscoveredRef(alias)
	claim := catalog.Claim{Subject: catalog.Subject{Alias: alias}, Labels: labels, Edges: []catalog.EdgeClaim{{
		Target: catalog.Subject{Ref: ref}, Type: catalog.RunsOn, Evidence: catalog.Observed,
	}}}
	for _, name := range names {
		claim.Aliases = append(claim.Aliases, catalog.AliasClaim{Alias: name})
	}
	d := document("cluster", catalog.Claim{Subject: catalog.Subject{Ref: ref}, Found: true}, claim)
	d.ID = catalog.DocumentID{Source: "eu", Scope: "deployments", Key: string(alias)}
	d.Environment = "production"
	return d
}

func TestServicesAndWorkloadsAreOne(t *testing.T) {
	const service, workload = catalog.Alias("otel:shop/pay"), catalog.Alias("k8s:eu/shop/deployment/pay-web")
	const function = catalog.Alias("faas:arn:aws:lambda:eu-west-1:1:function:pay")
	const runs = catalog.Ref("workload:shop/eu.deployment.pay-web")
	id := func(name string) map[string]string { return map[string]string{"backstage.io/kubernetes-id": name} }
	traced := traceOf(service, []catalog.Alias{workload})
	for _, c := range []struct {
		name      string
		documents []*catalog.Document
		// who the service and the workload are; "" = nobody
		service, workload string
	}{
		{
			"nobody declares either: the workload runs the service",
			[]*catalog.Document{traced, running(workload, nil)},
			"component:shop/pay DISCOVERY", "component:shop/pay DISCOVERY",
		},
		{
			"telemetry alone",
			[]*catalog.Document{traced},
			"component:shop/pay DISCOVERY", "component:shop/pay DISCOVERY",
		},
		{
			"the cluster alone",
			[]*catalog.Document{running(workload, nil, service)},
			string(runs) + " DISCOVERY", string(runs) + " DISCOVERY",
		},
		{
			"the configuration names the service",
			[]*catalog.Document{traceOf(service, nil), running(workload, nil, service)},
			"component:shop/pay DISCOVERY", "component:shop/pay DISCOVERY",
		},
		{
			"a person's word on the service",
			[]*catalog.Document{traced, running(workload, id("other")), stating("component:x/payments", service), stating("component:x/other")},
			"component:x/payments DECLARATION", "component:x/payments DECLARATION",
		},
		{
			"a person's word on the workload",
			[]*catalog.Document{traced, running(workload, nil), stating("component:x/payments", workload), stating("component:shop/pay")},
			"component:x/payments DECLARATION", "component:x/payments DECLARATION",
		},
		{
			"a person's word on each",
			[]*catalog.Document{traced, running(workload, nil), stating("component:x/a", workload), stating("component:x/b", service)},
			"component:x/b DECLARATION", "component:x/a DECLARATION",
		},
		{
			"a label before an equal name",
			[]*catalog.Document{traced, running(workload, id("payments")), stating("component:x/payments"), stating("component:shop/pay")},
			"component:x/payments LABEL", "component:x/payments LABEL",
		},
		{
			"an equal name of the service",
			[]*catalog.Document{traced, running(workload, nil), stating("component:shop/pay")},
			"component:shop/pay NAMESPACE_NAME", "component:shop/pay NAMESPACE_NAME",
		},
		{
			"an equal name of the workload",
			[]*catalog.Document{traced, running(workload, nil), stating("component:x/pay-web")},
			"component:x/pay-web NAME", "component:x/pay-web NAME",
		},
		{
			"the better of two equal names",
			[]*catalog.Document{traced, running(workload, nil), stating("component:x/pay"), stating("component:shop/pay-web")},
			"component:shop/pay-web NAMESPACE_NAME", "component:shop/pay-web NAMESPACE_NAME",
		},
		{
			"of equally good ones that of the service",
			[]*catalog.Document{traced, running(workload, nil), stating("component:shop/pay"), stating("component:shop/pay-web")},
			"component:shop/pay NAMESPACE_NAME", "component:shop/pay NAMESPACE_NAME",
		},
		{
			"a workload of several services does not make them one",
			[]*catalog.Document{traced, traceOf("otel:shop/proxy", []catalog.Alias{workload}), running(workload, id("payments")), stating("component:x/payments")},
			"component:shop/pay DISCOVERY", "component:x/payments LABEL",
		},
		{
			"of several services the best known one",
			[]*catalog.Document{traced, traceOf("otel:shop/proxy", []catalog.Alias{workload}), running(workload, nil), stating("component:shop/pay")},
			"component:shop/pay NAMESPACE_NAME", "component:shop/pay NAMESPACE_NAME",
		},
		{
			"none of several that are equally unknown",
			[]*catalog.Document{traced, traceOf("otel:shop/proxy", []catalog.Alias{workload}), running(workload, nil)},
			"component:shop/pay DISCOVERY", string(runs) + " DISCOVERY",
		},
		{
			"one service on several workloads",
			[]*catalog.Document{
				traceOf(service, []catalog.Alias{workload, "k8s:us/shop/deployment/pay"}), running(workload, nil),
				running("k8s:us/shop/deployment/pay", id("payments")), stating("component:x/payments"),
			},
			"component:x/payments LABEL", "component:x/payments LABEL",
		},
		{
			"a function",
			[]*catalog.Document{traceOf(service, []catalog.Alias{function, workload}), stating("component:x/payments", function)},
			"component:x/payments DECLARATION", "component:x/payments DECLARATION",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			model := merge(c.documents...)
			if got := holder(model, service); got != c.service {
				t.Errorf("%s is %q; want %q", service, got, c.service)
			}
			if got := holder(model, workload); got != c.workload {
				t.Errorf("%s is %q; want %q", workload, got, c.workload)
			}
			// No second entity stands for the same thing: what is discovered is what one of the two is.
			for _, e := range model.Entities {
				isOther := slices.ContainsFunc(e.Aliases, func(a catalog.EntityAlias) bool { return strings.Contains(string(a.Alias), "proxy") })
				if e.Discovered && !isOther && !strings.HasPrefix(c.service, string(e.Ref)+" ") && !strings.HasPrefix(c.workload, string(e.Ref)+" ") {
					t.Errorf("%s is there besides", e.Ref)
				}
			}
		})
	}
}

// TestTracedServiceRunsOnItsWorkload: the workload stays an entity, on which the service runs, and a catalog entry that comes
// later takes the service over with all of it.
func TestTracedServiceRunsOnItsWorkload(t *testing.T) {
	const workload = catalog.Alias("k8s:eu/shop/deployment/pay-web")
	documents := []*catalog.Document{
		traceOf("otel:shop/pay", []catalog.Alias{workload}, "db:postgresql:pg/pay"), running(workload, nil, "dns:pay.shop.svc"),
		traceOf("otel:shop/web", nil, "host:pay.shop.svc", "otel:shop/pay"),
	}
	const edges = `
		%[1]s dependsOn resource:default/postgresql-pg-pay-` + "%[2]s" + ` HARD production [OBSERVED :0]
		%[1]s runsOn workload:shop/eu.deployment.pay-web HARD production [OBSERVED cluster:0]
		component:shop/web dependsOn %[1]s HARD production [OBSERVED :0]
		component:shop/web dependsOn external:default/pay.shop.svc HARD production [OBSERVED :0]
	`
	database := digits("db:postgresql:pg/pay")
	model := merge(documents...)
	checkText(t, drawing(model.Edges), fmt.Sprintf(edges, "component:shop/pay", database))
	if got, want := holder(model, "dns:pay.shop.svc"), "component:shop/pay DISCOVERY"; got != want {
		t.Errorf("its Service is %q; want %q", got, want)
	}
	model = merge(append(documents, stating("component:money/payments", "otel:shop/pay"))...)
	want := strings.Split(fmt.Sprintf(edges, "component:money/payments", database), "\n")
	checkText(t, drawing(model.Edges), strings.Join(want, "\n"))
	for _, e := range model.Entities {
		if e.Discovered && e.Ref == "component:shop/pay" {
			t.Error("its twin is still there")
		}
	}
}

// TestHubOfManyServices: a collector that puts its own name on all that it passes on costs no more than what it names.
func TestHubOfManyServices(t *testing.T) {
	const hub, services = catalog.Alias("k8s:eu/ops/deployment/collector"), 3000
	documents := []*catalog.Document{running(hub, map[string]string{"backstage.io/kubernetes-id": "collector"}), stating("component:ops/collector")}
	for i := range services {
		documents = append(documents, traceOf(catalog.Alias(fmt.Sprint("otel:s", i)), []catalog.Alias{hub}))
	}
	merger := catalog.NewMerger(catalog.MergeOptions{})
	merger.Apply(nil, slices.Values(documents))
	if got := holder(merger.Model(), "otel:s7"); got != "component:default/s7 DISCOVERY" {
		t.Errorf("a service is %q", got)
	}
	last := documents[len(documents)-1]
	change := merger.Apply([]catalog.DocumentID{last.ID}, slices.Values([]*catalog.Document{}))
	if len(change.Entities) != 1 {
		t.Errorf("%d entities changed with one service", len(change.Entities))
	}
}

func TestStaleTraffic(t *testing.T) {
	seen := traceOf("otel:a", nil, "otel:b", "db:redis:r")
	stale := func(at catalog.Instant, edges ...int) *catalog.Document {
		d := traceOf("otel:a", nil, "otel:b", "db:redis:r")
		for _, i := range edges {
			d.Claims[0].Edges[i].Stale, d.Claims[0].Edges[i].LastSeen = true, at+catalog.Instant(i)
		}
		return d
	}
	subject := func(d *catalog.Document, at catalog.Instant) *catalog.Document {
		d.Claims[0].Stale, d.Claims[0].LastSeen = true, at
		return d
	}
	const a, b = catalog.Ref("component:default/a"), catalog.Ref("component:default/b")
	redis := catalog.DiscoveredRef("db:redis:r")
	document := stale(40, 0)
	document.Stale, document.LastSeen = true, 90
	for _, c := range []struct {
		name      string
		documents []*catalog.Document
		want      string // of a, b and the database: stale, last seen
	}{
		{"fresh", []*catalog.Document{seen}, "false 0, false 0, false 0"},
		{"one edge", []*catalog.Document{stale(40, 0)}, "false 0, true 40, false 0"},
		{"all of it", []*catalog.Document{subject(stale(40, 0, 1), 50)}, "true 50, true 40, true 41"},
		{"the service, and an edge is not", []*catalog.Document{subject(stale(40, 0), 50)}, "true 50, true 40, false 0"},
		{"by one source, and not by another", []*catalog.Document{stale(40, 0, 1), traceOf("otel:x", nil, "otel:b")}, "false 0, false 0, true 41"},
		{"by several: the latest", []*catalog.Document{
			stale(40, 0), func() *catalog.Document {
				d := stale(70, 0)
				d.ID.Source = "other"
				return d
			}(),
		}, "false 0, true 70, false 0"},
		{"in a document that is stale itself", []*catalog.Document{document}, "true 90, true 40, true 90"},
	} {
		t.Run(c.name, func(t *testing.T) {
			model := merge(c.documents...)
			var got []string
			for _, ref := range []catalog.Ref{a, b, redis} {
				e := entity(t, model, ref)
				got = append(got, fmt.Sprint(e.Stale, " ", e.LastSeen))
			}
			if got := strings.Join(got, ", "); got != c.want {
				t.Errorf("%s; want %s", got, c.want)
			}
			// Step by step it comes to the same.
			merger := catalog.NewMerger(catalog.MergeOptions{})
			merger.Apply(nil, slices.Values([]*catalog.Document{seen}))
			merger.Apply([]catalog.DocumentID{seen.ID}, slices.Values(c.documents))
			for _, e := range merger.Model().Entities {
				if want := entity(t, model, e.Ref); e.Stale != want.Stale || e.LastSeen != want.LastSeen {
					t.Errorf("step by step %s is %v %v", e.Ref, e.Stale, e.LastSeen)
				}
			}
		})
	}
	model := merge(stale(40, 0))
	for _, edge := range model.Edges {
		if evidence := edge.Evidence[0]; edge.Stale != (edge.To == b) || evidence.Stale != edge.Stale || edge.Stale && evidence.LastSeen != 40 {
			t.Errorf("%s to %s: %v %+v", edge.From, edge.To, edge.Stale, evidence)
		}
	}
}

func TestEntryPointsOfWhatTelemetrySees(t *testing.T) {
	at := func(alias catalog.Alias, entry catalog.Entry) *catalog.Document {
		d := traceOf(alias, nil)
		d.Claims[0].Entry = entry
		return d
	}
	staging := at("otel:a", catalog.EntryPoint)
	staging.ID.Scope, staging.Environment = "staging/otel:a", "staging"
	for _, c := range []struct {
		documents []*catalog.Document
		want      catalog.Entry
	}{
		{[]*catalog.Document{traceOf("otel:a", nil)}, catalog.EntryUnknown},
		{[]*catalog.Document{at("otel:a", catalog.EntryInner)}, catalog.EntryInner},
		{[]*catalog.Document{at("otel:a", catalog.EntryInner), staging}, catalog.EntryPoint},
		{[]*catalog.Document{at("otel:b", catalog.EntryPoint), at("otel:a", catalog.EntryInner), stating("component:default/a", "otel:b")}, catalog.EntryPoint},
		{[]*catalog.Document{stating("component:default/a")}, catalog.EntryUnknown},
	} {
		if got := entity(t, merge(c.documents...), "component:default/a").Entry; got != c.want {
			t.Errorf("%d; want %d", got, c.want)
		}
	}
}

// TestFlowsOnDeclaredPaths: what was counted between two goes with the evidence to each declared path that covers it.
func TestFlowsOnDeclaredPaths(t *testing.T) {
	const api, orders = catalog.Ref("api:default/p"), catalog.Ref("resource:default/orders")
	traced := traceOf("otel:a", nil, "otel:b", "otel:c")
	model := merge(
		said("a", relation(catalog.ConsumesAPI, api), playing(catalog.Consume)), said("b", relation(catalog.ProvidesAPI, api), playing(catalog.Publish)),
		said("c", relation(catalog.ProvidesAPI, api)), traced,
	)
	got := map[catalog.Ref][]catalog.FlowID{}
	for _, edge := range model.Edges {
		for _, evidence := range edge.Evidence {
			if evidence.Flow != 0 {
				got[edge.To] = append(got[edge.To], evidence.Flow)
			}
		}
	}
	b, c := catalog.FlowOf("otel:a", "otel:b"), catalog.FlowOf("otel:a", "otel:c")
	both := []catalog.FlowID{min(b, c), max(b, c)}
	if len(got) != 2 || !slices.Equal(got[api], both) || !slices.Equal(got[orders], []catalog.FlowID{b}) {
		t.Errorf("%v; want %v on the API and %v on the topic", got, both, b)
	}
}
