package health_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/health"
)

// TestEndpoints holds what live probing calls: declared endpoints, each by a Service of its own workload.
func TestEndpoints(t *testing.T) {
	t.Parallel()
	get := func(port, path string) *catalog.Probe {
		return &catalog.Probe{Handler: catalog.ProbeHTTP, Port: port, Path: path, Scheme: "HTTP", Timeout: 2}
	}
	elsewhere := get("8080", "/ready")
	elsewhere.Host = "other.example.com"
	container := func(readiness, liveness *catalog.Probe) []catalog.Container {
		return []catalog.Container{
			{Name: "init", Role: catalog.InitContainer, Readiness: get("8080", "/init")},
			{
				Name: "server", Readiness: readiness, Liveness: liveness,
				Ports: []catalog.ContainerPort{{Name: "http", Number: 8080}, {Name: "grpc", Number: 9090}},
			},
		}
	}
	service := func(name string, headless bool, ports ...catalog.ServicePort) []catalog.Service {
		return []catalog.Service{{Namespace: "shop", Name: name, Headless: headless, Ports: ports}}
	}
	web := catalog.ServicePort{Port: 80, Target: "http", Protocol: "TCP"}
	rpc := &catalog.Probe{Handler: catalog.ProbeGRPC, Port: "9090", Service: "cart", Timeout: 1}
	for name, c := range map[string]struct {
		containers []catalog.Container
		services   []catalog.Service
		others     map[string][]catalog.Service // of other workloads, by name
		want       []health.Endpoint
	}{
		"by name": {containers: container(get("http", "readyz"), nil), services: service("web", false, web), want: []health.Endpoint{
			{Purpose: "READINESS", Handler: catalog.ProbeHTTP, Host: "web.shop.svc", Port: 80, Path: "/readyz", Scheme: "HTTP", Timeout: 2 * time.Second},
		}},
		"by number": {containers: container(nil, get("8080", "/livez?full=1")), services: service("web", false, web), want: []health.Endpoint{
			{Purpose: "LIVENESS", Handler: catalog.ProbeHTTP, Host: "web.shop.svc", Port: 80, Path: "/livez?full=1", Scheme: "HTTP", Timeout: 2 * time.Second},
		}},
		"undeclared": {containers: container(get("7000", "/"), nil), services: service("web", false, catalog.ServicePort{Port: 70, Target: "7000"}), want: []health.Endpoint{
			{Purpose: "READINESS", Handler: catalog.ProbeHTTP, Host: "web.shop.svc", Port: 70, Path: "/", Scheme: "HTTP", Timeout: 2 * time.Second},
		}},
		"headless": {containers: container(rpc, nil), services: service("web", true, catalog.ServicePort{Port: 1, Target: "9090"}), want: []health.Endpoint{
			{Purpose: "READINESS", Handler: catalog.ProbeGRPC, Host: "web.shop.svc", Port: 9090, Service: "cart", Timeout: time.Second},
		}},
		"another port":           {containers: container(rpc, nil), services: service("web", false, web)},
		"UDP":                    {containers: container(get("http", "/"), nil), services: service("web", false, catalog.ServicePort{Port: 80, Target: "http", Protocol: "UDP"})},
		"no Service":             {containers: container(get("http", "/"), nil)},
		"a value not known here": {containers: container(get("http", "/ready?key="+catalog.MaskedValue+"1a2b3c4d"), nil), services: service("web", false, web)},
		"another host":           {containers: container(elsewhere, nil), services: service("web", false, web)},
		"exec":                   {containers: container(&catalog.Probe{Handler: catalog.ProbeExec, Command: "true"}, nil), services: service("web", false, web)},
		"no such port":           {containers: container(get("metrics", "/"), nil), services: service("web", false, web)},
		"shared":                 {containers: container(get("http", "/"), nil), services: service("web", false, web), others: map[string][]catalog.Service{"v2": service("web", false, web)}},
		"one of its own": {containers: container(get("http", "/"), nil), services: append(service("all", false, web), service("web", false, web)...), others: map[string][]catalog.Service{"v2": service("all", false, web)}, want: []health.Endpoint{
			{Purpose: "READINESS", Handler: catalog.ProbeHTTP, Host: "web.shop.svc", Port: 80, Path: "/", Scheme: "HTTP", Timeout: 2 * time.Second},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			documents := []*catalog.Document{found("v1", "prod", c.containers, c.services), found("v1", "staging", container(get("http", "/"), nil), service("web", false, web))}
			for other, services := range c.others {
				documents = append(documents, found(other, "prod", nil, services))
			}
			snapshot := graph.Build(graph.Input{Model: catalog.Merge(slices.Values(documents), catalog.MergeOptions{}), Revision: 1})
			for i := range c.want {
				c.want[i].Workload, c.want[i].Container = "workload:shop/prod.deployment.v1", "server"
			}
			if diff := cmp.Diff(c.want, health.Endpoints(snapshot, "Prod")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// found is what a cluster says of a Deployment.
func found(name, cluster string, containers []catalog.Container, services []catalog.Service) *catalog.Document {
	alias := catalog.Alias("k8s:" + cluster + "/shop/deployment/" + name)
	return &catalog.Document{
		ID: catalog.DocumentID{Source: cluster, Scope: "workloads/shop/deployment/" + name, Key: string(alias)}, Location: cluster,
		Claims: []catalog.Claim{{
			Subject: catalog.Subject{Ref: catalog.DiscoveredRef(alias)}, Found: true,
			Facts: &catalog.Facts{
				Workload: &catalog.Workload{Cluster: cluster, Namespace: "shop", Kind: "deployment", Name: name, Containers: containers},
				Services: services,
			},
		}},
	}
}
