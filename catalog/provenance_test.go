package catalog_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
)

func TestEnvironmentsHaveOneName(t *testing.T) {
	seen := func(environment string) *catalog.Document {
		d := document("t "+environment, catalog.Claim{
			Subject: catalog.Subject{Ref: "component:default/a"},
			Edges: []catalog.EdgeClaim{with(dependsOn("component:default/b"), func(e *catalog.EdgeClaim) {
				e.Evidence, e.Line = catalog.Observed, 0
			})},
		})
		d.Environment = environment
		return d
	}
	model := catalog.Merge(slices.Values([]*catalog.Document{
		seen("Prod"), seen("production"), seen("LIVE"), seen("Staging"), seen("staging"),
	}), catalog.MergeOptions{Environments: map[string]string{"Prod": "production", "live": "production"}})
	checkText(t, drawing(model.Edges), `
		component:default/a dependsOn component:default/b HARD production [OBSERVED t LIVE:0] [OBSERVED t Prod:0] [OBSERVED t production:0]
		component:default/a dependsOn component:default/b HARD staging [OBSERVED t Staging:0] [OBSERVED t staging:0]
	`)
	for _, edge := range model.Edges {
		for _, evidence := range edge.Evidence {
			if evidence.Origin.Environment != edge.Environment {
				t.Errorf("evidence of %s in %q", edge.Environment, evidence.Origin.Environment)
			}
		}
	}
	// What is declared holds everywhere.
	declared := document("a", describe("component:default/a", dependsOn("component:default/b")))
	declared.Environment = "Prod"
	model = merge(declared, seen("staging"))
	checkText(t, drawing(model.Edges), `
		component:default/a dependsOn component:default/b HARD [DECLARED a:2] [OBSERVED t staging:0]
	`)
}

func TestSinceAndUntilWhen(t *testing.T) {
	at := func(d *catalog.Document, stale bool, last catalog.Instant, first ...catalog.Instant) *catalog.Document {
		d.Stale, d.LastSeen, d.Claims[0].FirstSeen = stale, last, first[0]
		for i, edge := range first[1:] {
			d.Claims[0].Edges[i].FirstSeen = edge
		}
		return d
	}
	const a, b = catalog.Ref("component:default/a"), catalog.Ref("component:default/b")
	own := func() *catalog.Document { return document("a", describe(a, dependsOn(b))) }
	twin := func() *catalog.Document {
		d := own()
		d.ID.Scope = "again" // the same place, read twice
		return d
	}
	loser := func() *catalog.Document {
		d := own()
		d.Location = "z"
		d.ID.Scope = "z"
		return d
	}
	seen := func() *catalog.Document {
		return document("t", catalog.Claim{Subject: catalog.Subject{Alias: "otel:a"}, Edges: []catalog.EdgeClaim{{
			Target: catalog.Subject{Ref: b}, Type: catalog.DependsOn, Evidence: catalog.Observed, LastSeen: 70,
		}}})
	}
	held := at(own(), false, 55, 10)
	held.Held = true
	for _, c := range []struct {
		name      string
		documents []*catalog.Document
		entity    string // stale, first and last seen
		evidence  string // the same
	}{
		{"unknown", []*catalog.Document{own()}, "false 0 0", "false 0 0"},
		{"the edge is as old as its claim", []*catalog.Document{at(own(), false, 0, 10)}, "false 10 0", "false 10 0"},
		{"a younger edge", []*catalog.Document{at(own(), false, 0, 10, 20)}, "false 10 0", "false 20 0"},
		{"stale", []*catalog.Document{at(own(), true, 50, 10)}, "true 10 50", "true 10 50"},
		{"held", []*catalog.Document{held}, "true 10 55", "true 10 55"},
		{"when it was read counts for what is stale only", []*catalog.Document{at(own(), false, 50, 10)}, "false 10 0", "false 10 0"},
		{"who loses has known it, too", []*catalog.Document{at(own(), false, 0, 30), at(loser(), false, 0, 20)}, "false 20 0", "false 30 0"},
		{
			"what was seen under an alias",
			[]*catalog.Document{at(own(), false, 0, 30), at(seen(), true, 60, 5, 7)},
			"false 5 0", "false 30 0, true 7 70",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			model := merge(c.documents...)
			e := entity(t, model, a)
			if got := fmt.Sprint(e.Stale, " ", e.FirstSeen, " ", e.LastSeen); got != c.entity {
				t.Errorf("the entity: %s; want %s", got, c.entity)
			}
			var got string
			for i, evidence := range model.Edges[0].Evidence {
				if i > 0 {
					got += ", "
				}
				got += fmt.Sprint(evidence.Stale, " ", evidence.FirstSeen, " ", evidence.LastSeen)
			}
			if got != c.evidence {
				t.Errorf("the evidence: %s; want %s", got, c.evidence)
			}
		})
	}

	// One place that is read twice is one evidence, since the earliest and until the latest.
	again := func(d *catalog.Document) *catalog.Document {
		d.Claims[0].Descriptor = nil // so that both count
		return d
	}
	for _, c := range []struct {
		first, second *catalog.Document
		want          string
	}{
		{at(own(), true, 50, 20), at(twin(), true, 60, 10), "true 10 60"},
		{at(own(), true, 50, 20), at(twin(), false, 0, 0), "false 20 0"},
		{at(own(), true, 50, 5), at(twin(), false, 60, 10), "false 5 0"},
		{at(own(), true, 0, 20), at(twin(), true, 60, 20), "true 20 0"},
	} {
		evidence := merge(again(c.first), again(c.second)).Edges[0].Evidence
		if got := fmt.Sprint(evidence[0].Stale, " ", evidence[0].FirstSeen, " ", evidence[0].LastSeen); got != c.want || len(evidence) != 1 {
			t.Errorf("%d times, the first %s; want %s", len(evidence), got, c.want)
		}
	}
}

// What scanners found is known since before somebody describes it, and under the alias by which it was found.
func TestTakenOverTwin(t *testing.T) {
	seen := sighting("otel:shop/cart")
	seen.Claims[0].FirstSeen, seen.Claims[0].Line = 100, 3
	twin := catalog.DiscoveredRef("otel:shop/cart")
	if e := entity(t, merge(seen), twin); e.FirstSeen != 100 || e.Aliases[0].Line != 3 || e.Aliases[0].Origin.Location != "t otel:shop/cart" {
		t.Errorf("%+v", e)
	}
	described := stating("component:default/basket", "otel:shop/cart")
	described.Claims[0].FirstSeen = 200
	model := merge(seen, described)
	want := []catalog.EntityAlias{{
		Alias: "otel:shop/cart", MatchedBy: catalog.MatchedByDeclaration, Line: 10,
		Origin: &catalog.Origin{Source: "repos", Location: "component:default/basket.yaml"},
	}}
	e := entity(t, model, "component:default/basket")
	if diff := cmp.Diff(want, e.Aliases); diff != "" || e.FirstSeen != 100 {
		t.Errorf("first seen %d, aliases: %s", e.FirstSeen, diff)
	}
	if len(model.Entities) != 1 {
		t.Errorf("the twin is still there")
	}
}
