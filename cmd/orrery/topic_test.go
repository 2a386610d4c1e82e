package main

import (
	"encoding/json"
	"slices"
	"testing"
)

// TestBothSidesOfATopic holds that a service which both publishes to a topic and consumes from it is shown so, and needs
// the other producers.
func TestBothSidesOfATopic(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, `apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: worker}
spec:
  type: service
  lifecycle: production
  owner: team
  dependencies:
    - {ref: resource:jobs, role: consume, timeout: 2s}
    - {ref: resource:jobs, role: publish}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: shop}
spec: {type: service, lifecycle: production, owner: team, dependencies: [{ref: resource:jobs, role: publish}]}
`, dir, "catalog-info.yaml")
	var exported struct {
		Edges []struct {
			From, To            string
			Strength, Role, Via *string
			Timeout             *string
		}
	}
	if err := json.Unmarshal([]byte(must(t, "export", "--catalog", dir)), &exported); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range exported.Edges {
		if e.From == "component:default/worker" && e.Strength != nil {
			got = append(got, e.To+" "+*e.Strength+" "+shown(e.Role)+" "+shown(e.Via)+" "+shown(e.Timeout))
		}
	}
	want := []string{
		"component:default/shop ASYNC  resource:default/jobs ", "resource:default/jobs HARD PUBLISH_AND_CONSUME  2s",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := must(t, "problems", "--catalog", dir, "--format", "json"); got != "{\n  \"problems\": []\n}\n" {
		t.Error(got)
	}
	var page struct {
		Entity struct {
			Relations struct{ Nodes []struct{ Role *string } }
		}
	}
	place, err := (&program{env: lookup(nil)}).open(t.Context(), &data{catalog: []string{dir}})
	if err != nil {
		t.Fatal(err)
	}
	defer place.close()
	if _, err := place.ask(t.Context(), `{ entity(ref: "worker") { relations(types: [DEPENDS_ON]) { nodes { role } } } }`, nil, &page); err != nil {
		t.Fatal(err)
	}
	if roles := page.Entity.Relations.Nodes; len(roles) != 1 || shown(roles[0].Role) != "PUBLISH_AND_CONSUME" {
		t.Errorf("%+v", roles)
	}
}
