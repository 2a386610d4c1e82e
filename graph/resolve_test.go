package graph_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

func TestResolve(t *testing.T) {
	s := read(t, shop, `
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: pricing, namespace: shop, annotations: {orrery.dev/aliases: "otel:shop/Pricer"}}
spec: {type: service, lifecycle: production, owner: payments}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: search, namespace: shop}
spec: {type: service, lifecycle: production, owner: payments}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: search}
spec: {type: service, lifecycle: production, owner: payments}
`)
	for _, c := range []struct{ typed, want string }{
		{"component:default/checkout", "component:default/checkout"},
		{"Component:Default/CHECKOUT", "component:default/checkout"},
		{" checkout ", "component:default/checkout"},
		{"checkout", "component:default/checkout"},
		{"default/checkout", "component:default/checkout"},
		{"component:checkout", "component:default/checkout"},
		{"ledger-db", "resource:default/ledger-db"}, // a placeholder, where nothing else fits
		{"pricing", "component:shop/pricing"},       // described, unlike component:default/pricing
		{"default/pricing", "component:default/pricing"},
		{"otel:shop/pricer", "component:shop/pricing"},
		{"group:payments", "group:default/payments"},
		{"legacy/payments", "component:legacy/payments"},
		{"component:payments", "component:legacy/payments"},
		{"component:search", "component:default/search"}, // as in a catalog file
		{"payments", "ambiguous: component:legacy/payments resource:default/payments"},
		{"search", "ambiguous: component:default/search component:shop/search"},
		{"orders", "api:default/orders"},
		{"ada", "user:default/ada"},
		{"chekout", "missing, maybe component:default/checkout"},
		{"component:checkout-", "missing, maybe component:default/checkout"},
		{"api:checkout", "missing, maybe component:default/checkout"},
		{"ship", "missing, maybe component:logistics/shipping system:default/shop"},
		{"", "missing, maybe"},
		{":", "missing, maybe"},
		{"/", "missing, maybe"},
		{"zzz", "missing, maybe"},
	} {
		got := ""
		entity, err := s.Resolve(c.typed)
		var ambiguous *graph.AmbiguousError
		var missing *graph.NotFoundError
		switch {
		case errors.As(err, &ambiguous):
			got = "ambiguous: " + told(ambiguous.Candidates)
		case errors.As(err, &missing):
			got = strings.TrimSpace("missing, maybe " + told(missing.Candidates))
		case err != nil:
			t.Errorf("%q: %v", c.typed, err)
		default:
			got = string(entity.Ref)
		}
		if got != c.want {
			t.Errorf("%q: got %s, want %s", c.typed, got, c.want)
		}
	}
}

func told(refs []catalog.Ref) string {
	words := make([]string, len(refs))
	for i, ref := range refs {
		words[i] = string(ref)
	}
	return strings.Join(words, " ")
}

// TestCandidatesAreFew says that what is proposed stays short, whatever is typed and however many names are alike.
func TestCandidatesAreFew(t *testing.T) {
	model := &catalog.Model{}
	for i := range 30_000 {
		ref := catalog.NewRef("component", fmt.Sprintf("n%05d", i), "payments")
		model.Entities = append(model.Entities, &catalog.Entity{Descriptor: catalog.Descriptor{Ref: ref}})
	}
	slices.SortFunc(model.Entities, func(a, b *catalog.Entity) int { return cmpRefs(a.Ref, b.Ref) })
	s := graph.Build(graph.Input{Model: model})
	var missing *graph.NotFoundError
	if _, err := s.Resolve("paymentz"); !errors.As(err, &missing) || len(missing.Candidates) != 5 {
		t.Errorf("got %v", missing)
	}
	if _, err := s.Resolve(strings.Repeat("payments", 100_000)); !errors.As(err, &missing) || len(missing.Candidates) != 0 {
		t.Errorf("got %d candidates", len(missing.Candidates))
	}
	var ambiguous *graph.AmbiguousError
	if _, err := s.Resolve("payments"); !errors.As(err, &ambiguous) || len(ambiguous.Candidates) != 100 {
		t.Errorf("got %v", ambiguous)
	}
}

// TestResolveWorkloads holds that a workload is found by the name it has in its cluster, after everything that has that
// name itself.
func TestResolveWorkloads(t *testing.T) {
	var documents []*catalog.Document
	runs := func(ref catalog.Ref, namespace, name string) {
		documents = append(documents, described(ref, func(_ *catalog.Document, c *catalog.Claim) {
			c.Descriptor, c.Found = nil, true
			c.Facts = &catalog.Facts{Workload: &catalog.Workload{Cluster: "eu", Namespace: namespace, Kind: "deployment", Name: name}}
		}))
	}
	runs("workload:shop/eu.deployment.cart", "shop", "cart")
	runs("workload:shop/eu.deployment.mail", "shop", "mail")
	runs("workload:post/eu.deployment.mail", "post", "mail")
	runs("workload:shop/eu.deployment.search", "shop", "search")
	runs("workload:shop/a-long-name-that-was-cut-1a2b3c4d", "shop", "a-long-name-that-was-cut-for-its-length")
	documents = append(documents, described("component:default/search", func(*catalog.Document, *catalog.Claim) {}))
	s := graph.Build(graph.Input{Model: catalog.Merge(slices.Values(documents), catalog.MergeOptions{})})
	for typed, want := range map[string]string{
		"Cart":               "workload:shop/eu.deployment.cart",
		"shop/mail":          "workload:shop/eu.deployment.mail",
		"workload:post/mail": "workload:post/eu.deployment.mail",
		"mail":               "mail fits several entities",
		"search":             "component:default/search",
		"workload:search":    "workload:shop/eu.deployment.search",
		"component:cart":     "component:cart is not in the catalog",
		"nowhere/cart":       "nowhere/cart is not in the catalog",
		"a-long-name-that-was-cut-for-its-length": "workload:shop/a-long-name-that-was-cut-1a2b3c4d",
	} {
		got := ""
		if entity, err := s.Resolve(typed); err != nil {
			got = err.Error()
		} else {
			got = string(entity.Ref)
		}
		if got != want {
			t.Errorf("%s: %s, want %s", typed, got, want)
		}
	}
}
