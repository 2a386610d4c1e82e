package catalog_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/orrery-catalog/orrery/catalog"
)

// said is a document of what one entity, in a file of its name, declares.
func said(name string, edges ...catalog.EdgeClaim) *catalog.Document {
	return document(name, describe(catalog.NewRef("component", "", name), edges...))
}

func relation(of catalog.RelationType, target catalog.Ref) catalog.EdgeClaim {
	return with(dependsOn(target), func(e *catalog.EdgeClaim) { e.Type = of })
}

func playing(role catalog.Role) catalog.EdgeClaim {
	return with(dependsOn("resource:default/orders"), func(e *catalog.EdgeClaim) { e.Role, e.Detailed = role, true })
}

// configured is a document of what the configuration of an entity suggests that it needs.
func configured(name string, environment string, targets ...catalog.Ref) *catalog.Document {
	claim := catalog.Claim{Subject: catalog.Subject{Ref: catalog.NewRef("component", "", name)}, Line: 7}
	for _, target := range targets {
		claim.Edges = append(claim.Edges, catalog.EdgeClaim{
			Target: catalog.Subject{Ref: target}, Type: catalog.DependsOn, Evidence: catalog.Inferred, Protocol: "http",
			Strength: catalog.Async,
		})
	}
	d := document("cluster", claim)
	d.ID.Scope, d.Environment = "cluster/"+name+environment, environment
	return d
}

func inGroup(d *catalog.Document, anyOf string) *catalog.Document {
	for i := range d.Claims[0].Edges {
		d.Claims[0].Edges[i].AnyOf = anyOf
	}
	return d
}

func TestDeclaredPathsCoverWhatIsSeen(t *testing.T) {
	const a, b = catalog.Ref("component:default/a"), catalog.Ref("component:default/b")
	const api, shop, trade = catalog.Ref("api:default/p"), catalog.Ref("system:default/shop"), catalog.Ref("domain:default/trade")
	seen := configured("a", "production", b)
	soft := func(edge catalog.EdgeClaim) catalog.EdgeClaim {
		return with(edge, func(e *catalog.EdgeClaim) { e.Strength, e.AnyOf, e.Timeout = catalog.Soft, "g", 5 })
	}
	provides, part := relation(catalog.ProvidesAPI, api), relation(catalog.PartOf, shop)
	for _, c := range []struct {
		name      string
		documents []*catalog.Document
		want      string // the edges from a
	}{
		{"an API", []*catalog.Document{said("a", soft(relation(catalog.ConsumesAPI, api))), said("b", provides), seen}, `
			component:default/a consumesApi api:default/p SOFT anyOf=g {Fallback: CallsPerRequest:0 Timeout:5ns Protocol:http} [DECLARED a:2] [INFERRED cluster:7]
		`},
		{"an API by dependsOn", []*catalog.Document{said("a", dependsOn(api)), said("b", provides), seen}, `
			component:default/a dependsOn api:default/p HARD {Fallback: CallsPerRequest:0 Timeout:0s Protocol:http} [DECLARED a:2] [INFERRED cluster:7]
		`},
		{"a topic", []*catalog.Document{said("a", playing(catalog.Consume)), said("b", playing(catalog.Publish)), seen}, `
			component:default/a dependsOn resource:default/orders ASYNC CONSUME {Fallback: CallsPerRequest:0 Timeout:0s Protocol:http} [DECLARED a:2] [INFERRED cluster:7]
		`},
		{"a topic, the other way", []*catalog.Document{said("a", playing(catalog.Publish)), said("b", playing(catalog.Consume)), seen}, `
			component:default/a dependsOn resource:default/orders HARD PUBLISH {Fallback: CallsPerRequest:0 Timeout:0s Protocol:http} [DECLARED a:2] [INFERRED cluster:7]
		`},
		{"a topic, both on one side", []*catalog.Document{said("a", playing(catalog.Publish)), said("b", playing(catalog.Publish)), seen}, `
			component:default/a dependsOn component:default/b ASYNC production {Fallback: CallsPerRequest:0 Timeout:0s Protocol:http} [INFERRED cluster:7]
			component:default/a dependsOn resource:default/orders HARD PUBLISH [DECLARED a:2]
		`},
		{"a system", []*catalog.Document{said("a", dependsOn(shop)), said("b", part), seen}, `
			component:default/a dependsOn system:default/shop HARD {Fallback: CallsPerRequest:0 Timeout:0s Protocol:http} [DECLARED a:2] [INFERRED cluster:7]
		`},
		{"a domain", []*catalog.Document{
			said("a", dependsOn(trade)), said("b", part), document("s", describe(shop, relation(catalog.PartOf, trade))), seen,
		}, `
			component:default/a dependsOn domain:default/trade HARD {Fallback: CallsPerRequest:0 Timeout:0s Protocol:http} [DECLARED a:2] [INFERRED cluster:7]
		`},
		{"several", []*catalog.Document{
			said("a", relation(catalog.ConsumesAPI, api), dependsOn(shop)), said("b", provides, part), seen,
		}, `
			component:default/a consumesApi api:default/p HARD {Fallback: CallsPerRequest:0 Timeout:0s Protocol:http} [DECLARED a:2] [INFERRED cluster:7]
			component:default/a dependsOn system:default/shop HARD {Fallback: CallsPerRequest:0 Timeout:0s Protocol:http} [DECLARED a:2] [INFERRED cluster:7]
		`},
		{"seen in two environments", []*catalog.Document{
			said("a", dependsOn(api)), said("b", provides), seen, configured("a", "staging", b),
		}, `
			component:default/a dependsOn api:default/p HARD {Fallback: CallsPerRequest:0 Timeout:0s Protocol:http} [DECLARED a:2] [INFERRED cluster:7] [INFERRED cluster:7]
		`},
		{"a first half that is only seen", []*catalog.Document{configured("a", "production", api, b), said("b", provides)}, `
			component:default/a dependsOn api:default/p ASYNC production {Fallback: CallsPerRequest:0 Timeout:0s Protocol:http} [INFERRED cluster:7]
			component:default/a dependsOn component:default/b ASYNC production {Fallback: CallsPerRequest:0 Timeout:0s Protocol:http} [INFERRED cluster:7]
		`},
		{"a second half that is only seen", []*catalog.Document{
			said("a", dependsOn(api)), seen,
			said("b", with(provides, func(e *catalog.EdgeClaim) { e.Evidence = catalog.Observed })),
		}, `
			component:default/a dependsOn api:default/p HARD [DECLARED a:2]
			component:default/a dependsOn component:default/b ASYNC production {Fallback: CallsPerRequest:0 Timeout:0s Protocol:http} [INFERRED cluster:7]
		`},
		{"declared itself", []*catalog.Document{said("a", dependsOn(b), dependsOn(api)), said("b", provides), seen}, `
			component:default/a dependsOn api:default/p HARD [DECLARED a:2]
			component:default/a dependsOn component:default/b ASYNC {Fallback: CallsPerRequest:0 Timeout:0s Protocol:http} [DECLARED a:2] [INFERRED cluster:7]
		`},
		{"alternatives, one of them covered", []*catalog.Document{
			said("a", dependsOn(api)), said("b", provides), inGroup(configured("a", "production", b, "component:default/c"), "g"),
		}, `
			component:default/a dependsOn api:default/p HARD [DECLARED a:2]
			component:default/a dependsOn component:default/b ASYNC production anyOf=g {Fallback: CallsPerRequest:0 Timeout:0s Protocol:http} [INFERRED cluster:7]
			component:default/a dependsOn component:default/c ASYNC production anyOf=g {Fallback: CallsPerRequest:0 Timeout:0s Protocol:http} [INFERRED cluster:7]
		`},
		{"alternatives, all covered", []*catalog.Document{
			said("a", dependsOn(api)), said("b", provides), said("c", provides),
			inGroup(configured("a", "production", b, "component:default/c"), "g"),
		}, `
			component:default/a dependsOn api:default/p HARD {Fallback: CallsPerRequest:0 Timeout:0s Protocol:http} [DECLARED a:2] [INFERRED cluster:7]
		`},
	} {
		t.Run(c.name, func(t *testing.T) {
			edges := merge(c.documents...).Edges
			checkText(t, drawing(slices.DeleteFunc(edges, func(e catalog.Edge) bool { return e.From != a })), c.want)
		})
	}
}

// Whatever part of a path comes, changes or goes, by itself, what is seen is covered or is not.
func TestPathsComeAndGo(t *testing.T) {
	const b = catalog.Ref("component:default/b")
	seen, nothing := configured("a", "production", b), said("b")
	consumer, publisher := said("a", playing(catalog.Consume)), said("b", playing(catalog.Publish))
	byWhole := said("a", dependsOn("domain:default/trade"))
	part := said("b", relation(catalog.PartOf, "system:default/shop"))
	shop := document("s", describe("system:default/shop", relation(catalog.PartOf, "domain:default/trade")))
	loose := document("s", describe("system:default/shop"))
	merger := catalog.NewMerger(catalog.MergeOptions{})
	for i, step := range []struct {
		put     *catalog.Document
		covered bool
		changed []catalog.Ref // whose edges
	}{
		{seen, false, []catalog.Ref{"component:default/a"}},
		{consumer, false, []catalog.Ref{"component:default/a"}},
		{publisher, true, []catalog.Ref{"component:default/a", b}},
		{said("b", playing(catalog.Consume)), false, []catalog.Ref{"component:default/a", b}},
		{said("b", playing(catalog.PublishAndConsume)), true, []catalog.Ref{"component:default/a", b}},
		{nothing, false, []catalog.Ref{"component:default/a", b}},
		{byWhole, false, []catalog.Ref{"component:default/a"}},
		{part, false, []catalog.Ref{b}},
		{shop, true, []catalog.Ref{"component:default/a", "system:default/shop"}},
		{loose, false, []catalog.Ref{"component:default/a", "system:default/shop"}},
	} {
		change := merger.Apply(nil, slices.Values([]*catalog.Document{step.put}))
		var changed []catalog.Ref
		for _, row := range change.Edges {
			changed = append(changed, row.From)
		}
		direct := slices.ContainsFunc(merger.Model().Edges, func(e catalog.Edge) bool { return e.From != b && e.To == b })
		if direct == step.covered || !slices.Equal(changed, step.changed) {
			t.Errorf("step %d: covered %t, changed %v", i, !direct, changed)
		}
	}
}

// A chain of wholes is followed as far as is said, also where it is a circle.
func TestWholesAreBounded(t *testing.T) {
	covered := func(length int) bool {
		system := func(i int) catalog.Ref { return catalog.NewRef("system", "", fmt.Sprint("s", i)) }
		documents := []*catalog.Document{
			configured("a", "production", "component:default/b"), said("a", dependsOn(system(length))),
			said("b", relation(catalog.PartOf, system(1))), document("end", describe(system(length), relation(catalog.PartOf, system(1)))),
		}
		for i := 1; i < length; i++ {
			documents = append(documents, document(fmt.Sprint("s", i), describe(system(i), relation(catalog.PartOf, system(i+1)))))
		}
		return !slices.ContainsFunc(merge(documents...).Edges, func(e catalog.Edge) bool { return e.To == "component:default/b" })
	}
	if !covered(32) || covered(33) {
		t.Errorf("of 32 wholes the last is found: %t; of 33: %t", covered(32), covered(33))
	}
}

// What a change of one provider costs follows from who was seen to call it, not from who else there is.
func TestCoveringCostsWhatItTouches(t *testing.T) {
	const api = catalog.Ref("api:default/p")
	company := func(callers, others int) (merger *catalog.Merger, documents []*catalog.Document) {
		for i := range callers + others {
			name, provider := fmt.Sprint("c", i), catalog.Ref("component:default/b")
			if i >= callers {
				provider = "component:default/other"
			}
			documents = append(documents, said(name, relation(catalog.ConsumesAPI, api)), configured(name, "production", provider))
		}
		merger = catalog.NewMerger(catalog.MergeOptions{})
		merger.Apply(nil, slices.Values(documents))
		merger.Apply(nil, slices.Values([]*catalog.Document{said("b"), said("other", relation(catalog.ProvidesAPI, api))}))
		return merger, documents
	}
	turn := func(merger *catalog.Merger, want int) func() {
		return func() {
			for _, b := range []*catalog.Document{said("b", relation(catalog.ProvidesAPI, api)), said("b")} {
				if got := len(merger.Apply(nil, slices.Values([]*catalog.Document{b})).Edges); got != want {
					t.Fatalf("%d rows changed, want %d", got, want)
				}
			}
		}
	}
	few, _ := company(1000, 0)
	many, documents := company(1000, 9000)
	alone, among := testing.AllocsPerRun(3, turn(few, 1001)), testing.AllocsPerRun(3, turn(many, 1001))
	if among > 1.2*alone {
		t.Errorf("1,000 callers make %g allocations alone, among 9,000 others %g", alone, among)
	}

	// What is no step of any path is no reason to look at the callers again.
	needing := func(target catalog.Ref) func() {
		return func() { many.Apply(nil, slices.Values([]*catalog.Document{said("b", dependsOn(target)), said("b")})) }
	}
	if got := testing.AllocsPerRun(3, needing("resource:default/db")); got > among/10 {
		t.Errorf("a change that concerns no path makes %g allocations", got)
	}

	// And a caller costs the caller.
	caller := func() { many.Apply(nil, slices.Values(documents[:2])) }
	if got := testing.AllocsPerRun(3, caller); got > among/10 {
		t.Errorf("a caller that is said again makes %g allocations", got)
	}
}
