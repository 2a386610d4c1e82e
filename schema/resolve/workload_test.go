package resolve_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
)

// placed is a service that runs in two environments and once as a job, on two nodes of a zone.
func placed() *world {
	w := newWorld()
	web := w.add("component:default/web").Ref
	number, ready := int32(0), false
	for _, place := range []struct {
		ref         catalog.Ref
		environment string
	}{
		{"workload:shop/eu.deployment.web", "production"},
		{"workload:shop/lab.deployment.web", "staging"},
		{"workload:shop/eu.job.migrate", "production"},
	} {
		e := w.add(place.ref)
		e.Found, e.Origin = true, &catalog.Origin{Source: "eu", Environment: place.environment}
		e.Facts = &catalog.Facts{Workload: &catalog.Workload{
			Cluster: "eu", Namespace: "shop", Kind: "deployment", Name: "web", Ready: &number,
			Containers: []catalog.Container{{Name: "main", Role: catalog.SidecarContainer, Startup: &catalog.Probe{Handler: catalog.ProbeExec}}},
		}}
		w.relate(web, catalog.RunsOn, place.ref, catalog.Hard).Environment = place.environment
	}
	for _, node := range []catalog.Ref{"node:default/eu.n1", "node:default/eu.n2"} {
		n := w.add(node)
		n.Found, n.Facts = true, &catalog.Facts{Node: &catalog.Node{Cluster: "eu", Name: node.Name(), Ready: &ready}}
		w.relate("workload:shop/eu.deployment.web", catalog.RunsOn, node, catalog.Hard)
		w.relate(node, catalog.RunsOn, "zone:default/a", catalog.Hard)
	}
	w.relate("workload:shop/eu.deployment.web", catalog.DependsOn, "resource:default/db", catalog.Hard).Details = &catalog.EdgeDetails{Protocol: "postgresql"}
	return w
}

func TestWorkloads(t *testing.T) {
	c := newClient(placed().snapshot(1))
	refs := func(list ...string) map[string]any {
		nodes := make([]any, len(list))
		for i, ref := range list {
			nodes[i] = map[string]any{"ref": ref}
		}
		return map[string]any{"nodes": nodes}
	}
	data := c.data(t, `{ entity(ref: "web") {
		found workload { name } node { name }
		all: workloads { nodes { ref } }
		here: workloads(environment: "production") { nodes { ref } }
		page: workloads(first: 1) { nodes { ref } }
		runsOn { nodes { ref } } runs { nodes { ref } } } }`, nil)
	all := refs("workload:shop/eu.deployment.web", "workload:shop/eu.job.migrate", "workload:shop/lab.deployment.web")
	want := map[string]any{
		"found": false, "workload": nil, "node": nil, "all": all, "runsOn": all, "runs": refs(),
		"here": refs("workload:shop/eu.deployment.web", "workload:shop/eu.job.migrate"), "page": refs("workload:shop/eu.deployment.web"),
	}
	if diff := cmp.Diff(want, at(data, "entity")); diff != "" {
		t.Errorf("of an entity (-want +got):\n%s", diff)
	}

	data = c.data(t, `{ entity(ref: "workload:shop/eu.deployment.web") {
		found workload { environment version replicas { wanted ready nodes } recreate gracePeriodSeconds services { name } routes { name }
			containers { image role ports { number } liveness { path } startup { handler path headers periodSeconds } line } }
		runsOn { nodes { ref } } runs { nodes { ref } } relations(types: [DEPENDS_ON]) { nodes { protocol } } } }`, nil)
	want = map[string]any{
		"found": true, "workload": map[string]any{
			"environment": "production", "version": nil, "recreate": false, "gracePeriodSeconds": nil, "services": []any{}, "routes": []any{},
			"replicas": map[string]any{"wanted": nil, "ready": 0., "nodes": nil},
			"containers": []any{map[string]any{
				"image": nil, "role": "SIDECAR", "ports": []any{}, "liveness": nil, "line": nil,
				"startup": map[string]any{"handler": "EXEC", "path": nil, "headers": []any{}, "periodSeconds": 0.},
			}},
		},
		"runsOn": refs("node:default/eu.n1", "node:default/eu.n2"), "runs": refs("component:default/web"),
		"relations": map[string]any{"nodes": []any{map[string]any{"protocol": "postgresql"}}},
	}
	if diff := cmp.Diff(want, at(data, "entity")); diff != "" {
		t.Errorf("of a workload (-want +got):\n%s", diff)
	}

	data = c.data(t, `{ zone: entity(ref: "zone:a") { runs { nodes { ref node { ready zone } } } } }`, nil)
	node := map[string]any{"ready": false, "zone": nil}
	if diff := cmp.Diff([]any{
		map[string]any{"ref": "node:default/eu.n1", "node": node}, map[string]any{"ref": "node:default/eu.n2", "node": node},
	}, at(data, "zone.runs.nodes")); diff != "" {
		t.Errorf("of a zone (-want +got):\n%s", diff)
	}
}
