package graph_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// randomFacts are all facts with other values here and there, and some left out.
func randomFacts(r *rand.Rand) *catalog.Facts {
	f := fullFacts()
	count := int32(r.IntN(4))
	if w := f.Workload; r.IntN(4) == 0 {
		f.Workload = nil
	} else {
		w.Wanted, w.Ready, w.Zones, w.Nodes = &count, pick(r, nil, &count), count, count
		w.Version, w.Recreate = pick(r, "", "1.2", "1.3"), r.IntN(2) == 0
		w.HostNetwork, w.GracePeriod = r.IntN(2) == 0, pick[int64](r, 0, 30)
		c := &w.Containers[0]
		c.Image, c.Role = pick(r, "acme/cart:1.2", "acme/cart:1.3"), catalog.ContainerRole(r.IntN(3))
		c.Ports[0].Number, c.Liveness.Line = pick[int32](r, 80, 8080), int32(r.IntN(9))
		c.Liveness.Path, c.Readiness = pick(r, "/livez", "/"), pick(r, nil, c.Readiness)
		c.Startup.Period = int32(r.IntN(3))
		w.Spread = w.Spread[:r.IntN(2)]
		w.Containers = w.Containers[:r.IntN(2)]
	}
	f.Services[0].ReadyEndpoints, f.Services[0].Line = &count, count
	f.Services[0].Headless = r.IntN(2) == 0
	f.Services[0].Ports[0].Target = pick(r, "8080", "http")
	f.Services = f.Services[:r.IntN(2)]
	f.Routes[0].Hosts[0] = pick(r, "a.example", "b.example")
	f.Routes = f.Routes[:r.IntN(2)]
	f.Autoscalers[0].Max, f.Budgets[0].MinAvailable = count, pick(r, "", "1")
	f.Autoscalers, f.Budgets = f.Autoscalers[:r.IntN(2)], f.Budgets[:r.IntN(2)]
	f.Probed[0].Healthy, f.Probed[0].LatencyUnder = r.IntN(2) == 0, count
	f.Logs[0].Missing[0] = pick(r, "level", "message")
	f.LooseEnds = f.LooseEnds[:r.IntN(2)]
	yes := r.IntN(2) == 0
	f.Node.Ready = &yes
	return f
}

func TestFieldChangesOfFacts(t *testing.T) {
	const w = catalog.Ref("workload:shop/eu.deployment.cart")
	found := func(edit func(*catalog.Facts)) []*catalog.Document {
		facts := fullFacts()
		c := &facts.Workload.Containers[0]
		c.Liveness, c.Readiness = &catalog.Probe{Handler: catalog.ProbeGRPC, Port: "9090", Service: "live"}, nil
		c.Startup = &catalog.Probe{Handler: catalog.ProbeExec, Command: "sh 1a2b3c4d", InitialDelay: 5, SuccessThreshold: 2}
		if edit != nil {
			edit(facts)
		}
		return []*catalog.Document{described(w, func(d *catalog.Document, c *catalog.Claim) {
			d.ID.Source = "eu"
			c.Descriptor, c.Found, c.Facts = nil, true, facts
		})}
	}
	number, no := int32(9), false
	tests := map[string]struct {
		edit func(*catalog.Facts)
		want []string
	}{
		"counts, places and readiness make no history": {func(f *catalog.Facts) {
			f.Workload.Wanted, f.Workload.Ready, f.Workload.Nodes, f.Workload.Zones = &number, nil, 9, 9
			f.Services[0].ReadyEndpoints, f.Node.Ready, f.Probed[0].LatencyUnder = &number, &no, 1000
			f.Workload.Containers[0].Line, f.Workload.Containers[0].Liveness.Line, f.Routes[0].Line = 9, 9, 9
		}, nil},
		"an image": {func(f *catalog.Facts) {
			f.Workload.Containers[0].Image, f.Workload.Version = "acme/cart:1.3", "1.3"
		}, []string{"containers.server.image: acme/cart:1.2 → acme/cart:1.3", "version: 1.2 → 1.3"}},
		"a probe": {func(f *catalog.Facts) {
			c := &f.Workload.Containers[0]
			c.Startup = nil
			c.Readiness = &catalog.Probe{Handler: catalog.ProbeHTTP, Scheme: "HTTP", Path: "/readyz", Port: "http", Period: 10, Timeout: 1, FailureThreshold: 3}
			c.Liveness = &catalog.Probe{Handler: catalog.ProbeTCP, Port: "8080"}
		}, []string{
			"containers.server.liveness: GRPC service live port 9090 → TCP port 8080",
			"containers.server.readiness:  → HTTP /readyz port http, every 10s, timeout 1s, unhealthy after 3",
			"containers.server.startup: EXEC sh 1a2b3c4d, after 5s, healthy after 2 → ",
		}},
		"what leads to it": {func(f *catalog.Facts) {
			f.Services[0].Ports[0].Target = "http"
			f.Routes, f.Autoscalers[0].Max, f.Budgets[0].MinAvailable = nil, 8, ""
			f.Workload.Containers[0].Ports = nil
		}, []string{
			"autoscalers.cart: 2 to 5 replicas → 2 to 8 replicas",
			"budgets.cart: at least 1 available, at most 50% unavailable → at most 50% unavailable",
			"containers.server.ports: http 8080/TCP → ",
			"routes.Ingress.shop/cart: hosts cart.example.com, paths /, to shop/cart → ",
			"services.shop/cart: ClusterIP, headless, http 80/TCP to 8080 by h2c, also to pods that are not ready → " +
				"ClusterIP, headless, http 80/TCP to http by h2c, also to pods that are not ready",
		}},
		"how it behaves": {func(f *catalog.Facts) {
			f.Probed[0].Healthy, f.Probed[0].Status, f.Probed[0].Failures = false, 503, nil
			f.Logs[0].Missing, f.Logs[0].Unreadable = nil, ""
			f.LooseEnds = nil
			f.Workload.Recreate = false
		}, []string{
			"logs.server: json, missing level, unreadable: forbidden → json",
			"looseEnds.Service.shop/old.service-selects-nothing: service-selects-nothing → ",
			"probed.server.readiness: healthy, status 200: no JSON (http://10.0.0.1:8080/readyz) → " +
				"unhealthy, status 503 (http://10.0.0.1:8080/readyz)",
			"update: all replicas stop before new ones start → ",
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, _, records := recorded(t, found(nil), found(test.edit))
			var got []string
			for _, r := range records {
				if r.Ref != w || r.Source != "eu" {
					t.Errorf("of %s, by %s", r.Ref, r.Source)
				}
				got = append(got, fmt.Sprintf("%s: %s → %s", r.Field, r.Old, r.New))
			}
			if diff := gocmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	_, _, records := recorded(t, nil, found(nil))
	if len(records) != 1 || records[0].New != graph.StandingFound {
		t.Errorf("a birth is %+v", records)
	}
}
