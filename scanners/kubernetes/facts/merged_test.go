package facts_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
)

// TestMerged merges what is derived with a catalog: who is described runs on the workloads that are its own, what nobody
// describes stays a workload, and a dependency goes from the one to the other.
func TestMerged(t *testing.T) {
	d := derive(t, deployment("checkout", `containers: [{name: c, env: [{name: LEDGER_URL, value: "http://ledger-svc:80/"}]}]`)+`
---`+deployment("ledger", `containers: [{name: c, env: [{name: OTEL_SERVICE_NAME, value: Book-Keeping}]}]`)+`
---
apiVersion: v1
kind: Service
metadata: {name: ledger-svc, namespace: shop}
spec: {selector: {app: ledger}, ports: [{port: 80}]}
---`+deployment("lonely", `containers: [{name: c, env: [{name: LEDGER_URL, value: "http://ledger-svc:80/"}]}]`)+`
---
apiVersion: v1
kind: Service
metadata: {name: lonely, namespace: shop}
spec: {selector: {app: lonely}, ports: [{port: 80}]}
`)
	var documents []*catalog.Document
	for _, scope := range d.Scopes() {
		of, _ := d.Scope(scope)
		for i, document := range of {
			document.ID = catalog.DocumentID{Source: "prod", Scope: scope, Key: string(rune('a' + i))}
			documents = append(documents, document)
		}
	}
	for _, name := range []string{"checkout", "book-keeping"} {
		ref := catalog.NewRef("component", "shop", name)
		documents = append(documents, &catalog.Document{ID: catalog.DocumentID{Source: "files", Scope: name}, Claims: []catalog.Claim{
			{Subject: catalog.Subject{Ref: ref}, Descriptor: &catalog.Descriptor{Name: name}},
		}})
	}
	model := catalog.Merge(slices.Values(documents), catalog.MergeOptions{})
	var edges []string
	for _, edge := range model.Edges {
		edges = append(edges, string(edge.From)+" "+edge.Type.String()+" "+string(edge.To))
	}
	want := []string{
		"component:shop/book-keeping runsOn workload:shop/prod.deployment.ledger",
		"component:shop/checkout dependsOn component:shop/book-keeping",
		"component:shop/checkout runsOn workload:shop/prod.deployment.checkout",
		"workload:shop/prod.deployment.lonely dependsOn component:shop/book-keeping",
	}
	if diff := cmp.Diff(want, edges); diff != "" {
		t.Errorf("edges (-want +got):\n%s", diff)
	}
	aliases := make(map[catalog.Alias]catalog.Ref)
	for _, entity := range model.Entities {
		for _, alias := range entity.Aliases {
			aliases[alias.Alias] = entity.Ref
		}
	}
	wantAliases := map[catalog.Alias]catalog.Ref{
		"dns:ledger-svc.shop.svc":           "component:shop/book-keeping",
		"dns:lonely.shop.svc":               "workload:shop/prod.deployment.lonely",
		"k8s:prod/shop/deployment/checkout": "component:shop/checkout",
		"k8s:prod/shop/deployment/ledger":   "component:shop/book-keeping",
		"k8s:prod/shop/deployment/lonely":   "workload:shop/prod.deployment.lonely",
		"otel:book-keeping":                 "component:shop/book-keeping",
	}
	if diff := cmp.Diff(wantAliases, aliases); diff != "" {
		t.Errorf("aliases (-want +got):\n%s", diff)
	}
	for _, entity := range model.Entities {
		if entity.Ref == "workload:shop/prod.deployment.lonely" && (!entity.Found || entity.Placeholder || entity.Facts == nil || len(entity.Facts.Services) != 1) {
			t.Errorf("the workload that nobody describes: found %v, placeholder %v, facts %+v", entity.Found, entity.Placeholder, entity.Facts)
		}
	}
}
