package catalog_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
)

// The builders below write documents as tests think of them: one claim, in a file named as its location.

func document(location string, claims ...catalog.Claim) *catalog.Document {
	return &catalog.Document{
		ID:       catalog.DocumentID{Source: "repos", Scope: location, Key: fmt.Sprint(claims[0].Subject)},
		Priority: catalog.DefaultPriorityFiles, Location: location, Claims: claims,
	}
}

// describe is the claim of a descriptor that stands in line 1.
func describe(ref catalog.Ref, edges ...catalog.EdgeClaim) catalog.Claim {
	return catalog.Claim{
		Subject: catalog.Subject{Ref: ref}, Line: 1, Edges: edges,
		Descriptor: &catalog.Descriptor{
			Ref: ref, Kind: catalog.KindSpelling(ref.Kind()), Namespace: ref.Namespace(), Name: ref.Name(),
		},
	}
}

func dependsOn(target catalog.Ref) catalog.EdgeClaim {
	return catalog.EdgeClaim{Target: catalog.Subject{Ref: target}, Type: catalog.DependsOn, Evidence: catalog.Declared, Line: 2}
}

func with(edge catalog.EdgeClaim, change func(*catalog.EdgeClaim)) catalog.EdgeClaim {
	change(&edge)
	return edge
}

func merge(documents ...*catalog.Document) *catalog.Model {
	return catalog.Merge(slices.Values(documents), catalog.MergeOptions{})
}

func entity(t *testing.T, model *catalog.Model, ref catalog.Ref) *catalog.Entity {
	t.Helper()
	for _, e := range model.Entities {
		if e.Ref == ref {
			return e
		}
	}
	t.Fatalf("%s is not in the model", ref)
	return nil
}

// lines writes each problem in a line.
func lines(problems []catalog.Problem) string {
	var b strings.Builder
	for _, problem := range problems {
		fmt.Fprintf(&b, "%s %s\n", problem.Ref, problem)
	}
	return b.String()
}

// drawing writes each edge in a line, for what tests of edges care for.
func drawing(edges []catalog.Edge) string {
	var b strings.Builder
	for _, e := range edges {
		fmt.Fprintf(&b, "%s %s %s", e.From, e.Type, e.To)
		for _, word := range []string{e.Strength.String(), e.Role.String(), e.Environment} {
			if word != "" {
				b.WriteString(" " + word)
			}
		}
		if e.AnyOf != "" {
			b.WriteString(" anyOf=" + e.AnyOf)
		}
		if e.Details != nil {
			fmt.Fprintf(&b, " %+v", *e.Details)
		}
		if e.Stale {
			b.WriteString(" stale")
		}
		for _, evidence := range e.Evidence {
			fmt.Fprintf(&b, " [%s %s:%d]", evidence.Kind, evidence.Origin.Location, evidence.Line)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func checkText(t *testing.T, got, want string) {
	t.Helper()
	want = strings.TrimLeft(strings.ReplaceAll(want, "\t", ""), "\n")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestMergeNothing(t *testing.T) {
	if model := merge(); len(model.Entities)+len(model.Edges)+len(model.Problems) > 0 {
		t.Errorf("%+v", model)
	}
}

func TestPlaceholders(t *testing.T) {
	claim := describe("component:shop/a", dependsOn("api:shop/p"), dependsOn("widget:x/y"))
	claim.Descriptor.Owner = "group:default/team"
	model := merge(document("a.yaml", claim))
	var got []string
	for _, e := range model.Entities {
		got = append(got, fmt.Sprint(e.Ref, " ", e.Kind, " ", e.Namespace, " ", e.Name, " ", e.Placeholder, " ", e.Origin))
	}
	want := []string{
		"api:shop/p API shop p true <nil>",
		"component:shop/a Component shop a false &{repos a.yaml  <nil>}",
		"group:default/team Group default team true <nil>",
		"widget:x/y widget x y true <nil>",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDescriptorsCompete(t *testing.T) {
	titled := func(location, title string, change func(*catalog.Document)) *catalog.Document {
		claim := describe("component:default/a", dependsOn(catalog.NewRef("component", "", "needed-by-"+title)))
		claim.Descriptor.Title = title
		claim.Aliases = []catalog.AliasClaim{{Alias: catalog.Alias("otel:" + title)}}
		d := document(location, claim)
		if change != nil {
			change(d)
		}
		return d
	}
	for _, c := range []struct {
		name         string
		first, other *catalog.Document
		want         string // title of the winner
	}{
		{"priority before location", titled("b", "b", nil), titled("a", "a", func(d *catalog.Document) { d.Priority = 50 }), "b"},
		{"smaller location", titled("b", "b", nil), titled("a", "a", nil), "a"},
		{
			"earlier document",
			titled("a", "b", func(d *catalog.Document) { d.Ordinal = 1 }), titled("a", "a", func(d *catalog.Document) { d.ID.Key = "#2" }), "a",
		},
		{"source", titled("a", "b", func(d *catalog.Document) { d.ID.Source = "zebra" }), titled("a", "a", nil), "a"},
		{"scope", titled("a", "b", func(d *catalog.Document) { d.ID.Scope = "z" }), titled("a", "a", nil), "a"},
		{"key", titled("a", "b", func(d *catalog.Document) { d.ID.Key = "~" }), titled("a", "a", nil), "a"},
		{"held is one", titled("a", "a", func(d *catalog.Document) { d.Stale, d.Held = true, true }), titled("b", "b", nil), "b"},
		{
			"but not before priority", titled("a", "a", func(d *catalog.Document) { d.Stale, d.Held = true, true }),
			titled("b", "b", func(d *catalog.Document) { d.Priority = 50 }), "a",
		},
		{"stale is no reason", titled("b", "b", nil), titled("a", "a", func(d *catalog.Document) { d.Stale = true }), "a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			model := merge(c.first, c.other)
			e := entity(t, model, "component:default/a")
			if e.Title != c.want {
				t.Errorf("%q won", e.Title)
			}
			if len(e.Aliases) != 1 || e.Aliases[0].Alias != catalog.Alias("otel:"+c.want) {
				t.Errorf("aliases: %v", e.Aliases)
			}
			if len(model.Entities) != 2 || model.Edges[0].To.Name() != "needed-by-"+c.want {
				t.Errorf("the loser left a trace:\n%s", drawing(model.Edges))
			}
			if len(model.Problems) != 1 || model.Problems[0].Code != catalog.CodeConflictingDescriptors {
				t.Errorf("problems:\n%s", lines(model.Problems))
			}
		})
	}
}

func TestConflictNamesAllPlaces(t *testing.T) {
	other := describe("component:default/a", dependsOn("component:default/b"))
	other.Line = 7
	model := merge(document("c.yaml", other), document("b.yaml", describe("component:default/a")),
		document("a.yaml", describe("component:default/a")))
	checkText(t, lines(model.Problems), `
		component:default/a c.yaml:7: warning: component:default/a is described in 3 places, differently: a.yaml:1 (which counts), b.yaml:1, c.yaml:7 (keep one of them, or give the entities different names) [conflicting-descriptors]
	`)
}

func TestEqualDescriptorsAreNoConflict(t *testing.T) {
	full := func() catalog.Claim {
		claim := describe("component:default/a", dependsOn("component:default/b"), dependsOn("component:default/c"))
		claim.Descriptor.Annotations = map[string]string{"k": "v"}
		claim.Descriptor.SLO = &catalog.SLO{Availability: 99.9}
		claim.Aliases = []catalog.AliasClaim{{Alias: "otel:a", Line: 4}}
		claim.Links = []catalog.Link{{URL: "https://x.example"}}
		return claim
	}
	for name, c := range map[string]struct {
		change   func(*catalog.Claim)
		conflict bool
	}{
		"the same": {change: func(*catalog.Claim) {}},
		"other lines": {change: func(c *catalog.Claim) {
			c.Line, c.Edges[0].Line, c.Aliases[0].Line = 11, 12, 13
		}},
		"edges in another order": {change: func(c *catalog.Claim) { slices.Reverse(c.Edges) }},
		"an empty list":          {change: func(c *catalog.Claim) { c.Descriptor.Tags = []string{} }},
		"another title":          {func(c *catalog.Claim) { c.Descriptor.Title = "x" }, true},
		"another spelling":       {func(c *catalog.Claim) { c.Descriptor.Name = "A" }, true},
		"another annotation":     {func(c *catalog.Claim) { c.Descriptor.Annotations["k"] = "w" }, true},
		"another objective":      {func(c *catalog.Claim) { c.Descriptor.SLO.Window = time.Hour }, true},
		"another edge":           {func(c *catalog.Claim) { c.Edges[1].Target.Ref = "component:default/d" }, true},
		"another strength":       {func(c *catalog.Claim) { c.Edges[1].Strength = catalog.Soft }, true},
		"another fallback":       {func(c *catalog.Claim) { c.Edges[1].Fallback = "none" }, true},
		"an edge less":           {func(c *catalog.Claim) { c.Edges = c.Edges[1:] }, true},
		"another alias":          {func(c *catalog.Claim) { c.Aliases[0].Alias = "otel:b" }, true},
		"no alias":               {func(c *catalog.Claim) { c.Aliases = nil }, true},
		"another link":           {func(c *catalog.Claim) { c.Links[0].Title = "x" }, true},
	} {
		t.Run(name, func(t *testing.T) {
			other := full()
			c.change(&other)
			model := merge(document("a.yaml", full()), document("b.yaml", other))
			if got := len(model.Problems) > 0; got != c.conflict {
				t.Errorf("problems:\n%s", lines(model.Problems))
			}
			if evidence := model.Edges[0].Evidence; len(evidence) != 1 || evidence[0].Origin.Location != "a.yaml" {
				t.Errorf("the edges of both count:\n%s", drawing(model.Edges))
			}
		})
	}
}

func TestContributionsUnite(t *testing.T) {
	described := describe("group:default/team")
	described.Descriptor.Links = []catalog.Link{{URL: "https://a.example", Title: "mine"}}
	member := catalog.EdgeClaim{
		Target: catalog.Subject{Ref: "user:default/u"}, Type: catalog.MemberOf, Reverse: true, Evidence: catalog.Declared,
		Strength: catalog.Hard, AnyOf: "no",
	}
	contribution := catalog.Claim{
		Subject: catalog.Subject{Ref: "group:default/team"}, Edges: []catalog.EdgeClaim{member},
		Links: []catalog.Link{
			{URL: "https://c.example"}, {URL: "https://a.example", Title: "theirs"}, {URL: "https://a.example", Type: "runbook"},
		},
		Aliases: []catalog.AliasClaim{{Alias: "otel:team"}},
	}
	nobody := contribution
	nobody.Subject.Ref, nobody.Edges, nobody.Aliases = "group:default/nobody", nil, nil
	model := merge(document("a", described), document("b", contribution, nobody), document("c", contribution))
	team := entity(t, model, "group:default/team")
	want := []catalog.Link{
		{URL: "https://a.example", Title: "mine"}, {URL: "https://a.example", Type: "runbook"}, {URL: "https://c.example"},
	}
	if diff := cmp.Diff(want, team.Links); diff != "" {
		t.Error(diff)
	}
	known := []catalog.EntityAlias{{
		Alias: "otel:team", MatchedBy: catalog.MatchedByDeclaration, Origin: &catalog.Origin{Source: "repos", Location: "b"},
	}}
	if diff := cmp.Diff(known, team.Aliases); diff != "" {
		t.Error(diff)
	}
	checkText(t, drawing(model.Edges), `
		user:default/u memberOf group:default/team [DECLARED b:0] [DECLARED c:0]
	`)
	if e := entity(t, model, "group:default/nobody"); !e.Placeholder || len(e.Links) != 3 {
		t.Errorf("%+v", e)
	}
	if len(described.Descriptor.Links) != 1 {
		t.Error("the merge changed a document")
	}
	if len(model.Problems) > 0 {
		t.Error(lines(model.Problems))
	}
}

func TestStaleDocumentsCount(t *testing.T) {
	stale := document("a", describe("component:default/a", dependsOn("component:default/b"), dependsOn("component:default/c")))
	stale.Stale = true
	seen := document("t", catalog.Claim{Subject: catalog.Subject{Ref: "component:default/a"}, Edges: []catalog.EdgeClaim{
		with(dependsOn("component:default/c"), func(e *catalog.EdgeClaim) { e.Evidence = catalog.Observed }),
	}})
	model := merge(stale, seen)
	if !entity(t, model, "component:default/a").Stale {
		t.Error("the entity is not marked")
	}
	checkText(t, drawing(model.Edges), `
		component:default/a dependsOn component:default/b HARD stale [DECLARED a:2]
		component:default/a dependsOn component:default/c HARD [DECLARED a:2] [OBSERVED t:2]
	`)
	if evidence := model.Edges[1].Evidence; !evidence[0].Stale || evidence[1].Stale {
		t.Errorf("evidence: %+v", evidence)
	}
}

func TestProblemsOfDocumentsAreKept(t *testing.T) {
	problem := catalog.Problem{Location: "b", Severity: catalog.Error, Code: "missing-field", Message: "m"}
	first, second := document("a", describe("component:default/a")), document("b", describe("component:default/b"))
	first.Problems = []catalog.Problem{{Location: "z", Severity: catalog.Warning, Code: "c"}, problem}
	second.Problems = []catalog.Problem{problem}
	empty := &catalog.Document{ID: catalog.DocumentID{Key: "#problems"}, Problems: []catalog.Problem{{Location: "0"}}}
	model := merge(first, second, empty)
	want := []catalog.Problem{{Location: "0"}, problem, first.Problems[0]}
	if diff := cmp.Diff(want, model.Problems); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsNoClaimIsPassedOver(t *testing.T) {
	target := catalog.Subject{Ref: "component:default/b"}
	model := merge(document("a",
		catalog.Claim{Edges: []catalog.EdgeClaim{dependsOn("component:default/x")}},
		describe("component:default/a",
			catalog.EdgeClaim{Type: catalog.DependsOn, Evidence: catalog.Declared},
			catalog.EdgeClaim{Target: target, Evidence: catalog.Declared},
			catalog.EdgeClaim{Target: target, Type: 200, Evidence: catalog.Declared},
			catalog.EdgeClaim{Target: target, Type: catalog.DependsOn},
			catalog.EdgeClaim{Target: target, Type: catalog.DependsOn, Evidence: 128},
		)))
	if len(model.Edges) != 0 || len(model.Entities) != 1 {
		t.Errorf("%d entities, edges:\n%s", len(model.Entities), drawing(model.Edges))
	}
}
