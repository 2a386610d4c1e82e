package graph_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/descriptor"
	"github.com/orrery-catalog/orrery/graph"
)

// read makes a snapshot of catalog files, all of one source.
func read(t testing.TB, files ...string) *graph.Snapshot {
	t.Helper()
	return readAs(t, "repos", files...)
}

func readAs(t testing.TB, source string, files ...string) *graph.Snapshot {
	t.Helper()
	var documents []*catalog.Document
	for i, text := range files {
		location := fmt.Sprintf("repo/%d.yaml", i)
		for _, parsed := range descriptor.Parse([]byte(text), descriptor.Options{Location: location}).Documents {
			if parsed.Document == nil {
				t.Fatalf("refused: %v", parsed.Problems)
			}
			parsed.Document.ID = catalog.DocumentID{Source: source, Scope: location, Key: fmt.Sprint(parsed.Ref, parsed.Index)}
			documents = append(documents, parsed.Document)
		}
	}
	return graph.Build(graph.Input{Revision: 7, Model: catalog.Merge(slices.Values(documents), catalog.MergeOptions{})})
}

// shop is a small catalog with a bit of everything.
const shop = `
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: Checkout
  title: The checkout
  annotations: {orrery.dev/tier: "1"}
  links: [{url: "https://runbooks.example/checkout", type: runbook}]
spec:
  type: service
  lifecycle: production
  owner: payments
  system: shop
  consumesApis: [orders]
  dependsOn: [resource:ledger-db, component:checkout]
  dependencies:
    - {ref: component:pricing, strength: soft, fallback: cached prices, callsPerRequest: 2, timeout: 300ms}
    - {ref: component:adyen, anyOf: psp}
    - {ref: component:stripe, anyOf: psp}
    - {ref: resource:orders-topic, role: publish}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: shipping, namespace: logistics}
spec:
  type: service
  lifecycle: production
  owner: group:default/payments
  dependencies: [{ref: resource:default/orders-topic, role: consume}]
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: payments, annotations: {orrery.dev/oncall: "https://call.example/payments"}}
spec: {type: team, children: [], members: [ada]}
---
apiVersion: backstage.io/v1alpha1
kind: API
metadata: {name: orders}
spec: {type: openapi, lifecycle: production, owner: payments, definition: text}
---
apiVersion: backstage.io/v1alpha1
kind: Resource
metadata: {name: payments}
spec: {type: database, owner: payments}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: payments, namespace: legacy}
spec: {type: service, lifecycle: deprecated, owner: group:default/payments}
`

func TestEntity(t *testing.T) {
	s := read(t, shop)
	entity, err := s.Entity("component:default/checkout")
	if err != nil || entity.Name != "Checkout" || entity.Title != "The checkout" || entity.Placeholder {
		t.Errorf("got %+v, %v", entity, err)
	}
	placeholder, err := s.Entity("resource:default/ledger-db")
	if err != nil || !placeholder.Placeholder || placeholder.Kind != "Resource" || placeholder.Name != "ledger-db" {
		t.Errorf("got %+v, %v", placeholder, err)
	}
	_, err = s.Entity("component:default/chekout")
	var missing *graph.NotFoundError
	if !errors.As(err, &missing) || !errors.Is(err, graph.ErrNotFound) {
		t.Fatalf("got %v", err)
	}
	if want := []catalog.Ref{"component:default/checkout"}; !slices.Equal(missing.Candidates, want) {
		t.Errorf("candidates %v, want %v", missing.Candidates, want)
	}
}

func TestEntitiesAfter(t *testing.T) {
	s := read(t, shop)
	all := slices.Collect(s.Entities(""))
	if len(all) != s.Len() || !slices.IsSortedFunc(all, func(a, b *catalog.Entity) int { return cmpRefs(a.Ref, b.Ref) }) {
		t.Fatalf("%d entities of %d, or out of order", len(all), s.Len())
	}
	for i, entity := range all {
		if rest := slices.Collect(s.Entities(entity.Ref)); !slices.Equal(rest, all[i+1:]) {
			t.Errorf("after %s come %d entities, want %d", entity.Ref, len(rest), len(all)-i-1)
		}
	}
	if got := slices.Collect(s.Entities("component:default/d")); got[0].Ref != "component:default/pricing" {
		t.Errorf("after a Ref that is not there comes %s", got[0].Ref)
	}
}

func cmpRefs(a, b catalog.Ref) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func TestRelations(t *testing.T) {
	s := read(t, shop)
	tell := func(ref catalog.Ref) (told []string) {
		out, in := s.Relations(ref)
		for edge := range out {
			told = append(told, fmt.Sprint("out ", edge.Type, " ", edge.To))
		}
		for edge := range in {
			told = append(told, fmt.Sprint("in ", edge.Type, " ", edge.From))
		}
		return told
	}
	want := []string{
		"out dependsOn component:default/adyen",
		"out dependsOn component:default/checkout",
		"out dependsOn component:default/pricing",
		"out dependsOn component:default/stripe",
		"out consumesApi api:default/orders",
		"out ownedBy group:default/payments",
		"out dependsOn resource:default/ledger-db",
		"out dependsOn resource:default/orders-topic",
		"out partOf system:default/shop",
		"in dependsOn component:default/checkout",
	}
	got := tell("component:default/checkout")
	slices.Sort(want[:9])
	slices.Sort(got[:min(9, len(got))])
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := tell("resource:default/orders-topic"); !slices.Equal(got, []string{
		"in dependsOn component:default/checkout", "in dependsOn component:logistics/shipping",
	}) {
		t.Errorf("got %v", got)
	}
	if got := tell("component:default/nobody"); got != nil {
		t.Errorf("got %v", got)
	}
	count := 0
	for range s.Edges() {
		count++
	}
	if count != 15 {
		t.Errorf("%d edges, want 15", count)
	}
}

func TestProblems(t *testing.T) {
	s := read(t, shop, shop) // twice the same is no problem, a self-edge is
	var codes []string
	for problem := range s.Problems("component:default/checkout") {
		codes = append(codes, problem.Code)
	}
	if !slices.Contains(codes, "self-dependency") {
		t.Errorf("got %v", codes)
	}
	all := 0
	for range s.Problems("") {
		all++
	}
	if all < len(codes) {
		t.Errorf("%d problems in all, %d of one entity", all, len(codes))
	}
	for problem := range s.Problems("component:default/nobody") {
		t.Errorf("got %v", problem)
	}
}

func TestOwnership(t *testing.T) {
	s := read(t, shop)
	got, err := s.Ownership("component:default/checkout")
	if err != nil {
		t.Fatal(err)
	}
	if got.Owner.Ref != "group:default/payments" || len(got.Members) != 1 || got.Members[0].Ref != "user:default/ada" {
		t.Errorf("got %+v", got)
	}
	if diff := cmp.Diff([]catalog.Contact{{Kind: "url", Target: "https://call.example/payments"}}, got.OnCall); diff != "" {
		t.Error(diff)
	}
	if !slices.Equal(got.Runbooks, []string{"https://runbooks.example/checkout"}) || len(got.Links) != 1 {
		t.Errorf("got %+v", got)
	}
	if got, err := s.Ownership("group:default/payments"); err != nil || got.Owner != nil || len(got.OnCall) != 1 {
		t.Errorf("a group has no owner, and its own on-call: %+v, %v", got, err)
	}
	if _, err := s.Ownership("component:default/nobody"); !errors.Is(err, graph.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

func TestEmptySnapshot(t *testing.T) {
	for _, s := range []*graph.Snapshot{graph.Build(graph.Input{}), graph.Build(graph.Input{Model: &catalog.Model{}})} {
		if s.Len() != 0 || len(s.Cycles()) != 0 || len(slices.Collect(s.Entities(""))) != 0 {
			t.Error("something is in it")
		}
		if _, err := s.Resolve("checkout"); !errors.Is(err, graph.ErrNotFound) {
			t.Errorf("got %v", err)
		}
		if _, err := s.BlastRadius([]catalog.Ref{"a:b/c"}, graph.BlastOptions{}); !errors.Is(err, graph.ErrNotFound) {
			t.Errorf("got %v", err)
		}
		blast, err := s.BlastRadius(nil, graph.BlastOptions{})
		if err != nil || blast.Len() != 0 || len(blast.Page(0, 10)) != 0 || len(blast.Teams()) != 0 {
			t.Errorf("got %v, %v", blast, err)
		}
	}
}

// TestNotFound says that every question tells what is missing.
func TestNotFound(t *testing.T) {
	s := read(t, shop)
	const known, unknown = catalog.Ref("component:default/checkout"), catalog.Ref("component:default/nobody")
	_, errDeps := s.Deps(unknown, graph.DepsOptions{})
	_, errFrom := s.Path(unknown, known, graph.Filter{})
	_, errTo := s.Path(known, unknown, graph.Filter{})
	_, errBlast := s.BlastRadius([]catalog.Ref{known, unknown}, graph.BlastOptions{})
	for i, err := range []error{errDeps, errFrom, errTo, errBlast} {
		var missing *graph.NotFoundError
		if !errors.As(err, &missing) || missing.Ref != unknown {
			t.Errorf("%d: got %v", i, err)
		}
	}
	// The working memory of the question that failed serves the next one.
	if blast, err := s.BlastRadius([]catalog.Ref{"component:default/pricing"}, graph.BlastOptions{}); err != nil || blast.Len() != 3 {
		t.Errorf("got %v, %v", blast, err)
	}
}

// TestManyAtOnce asks from many goroutines, what-if questions among them, and wants the answers of one.
func TestManyAtOnce(t *testing.T) {
	s := read(t, shop)
	ask := func(i int) string {
		options := graph.BlastOptions{}
		if i%3 == 0 {
			options.Filter.Add = []graph.WhatIfEdge{{From: "component:default/assumed", To: "component:default/checkout"}}
		}
		entities := slices.Collect(s.Entities(""))
		blast, err := s.BlastRadius([]catalog.Ref{entities[i%len(entities)].Ref}, options)
		if err != nil {
			return err.Error()
		}
		told := fmt.Sprint(blast.Totals())
		for _, hit := range blast.Page(0, -1) {
			told += fmt.Sprint(hit.Entity.Ref, hit.Impact, hit.Distance, len(hit.Path))
		}
		return told
	}
	const questions = 300
	want := make([]string, questions)
	for i := range want {
		want[i] = ask(i)
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for i := range want {
				if got := ask(i); got != want[i] {
					t.Errorf("question %d: got %s, want %s", i, got, want[i])
				}
			}
		})
	}
	all.Wait()
}
