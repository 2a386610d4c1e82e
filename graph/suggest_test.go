package graph_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// suggested draws the suggestions for an entity: each as name and Ref, "?" where nobody is meant.
func suggested(t *testing.T, s *graph.Snapshot, ref catalog.Ref) string {
	t.Helper()
	ownership, err := s.Ownership(ref)
	if err != nil {
		t.Fatal(err)
	}
	var drawn []string
	for _, who := range ownership.Suggested {
		is := string(who.Ref)
		if is == "" {
			is = "?"
		}
		if (who.Entity == nil) != (who.Ref == "") || who.Entity != nil && who.Entity.Ref != who.Ref {
			t.Errorf("%s leads to %+v", who.Ref, who.Entity)
		}
		drawn = append(drawn, who.Name+" "+is)
	}
	return strings.Join(drawn, ", ")
}

// modelOf is a change by which entities come, or change.
func modelOf(entities ...*catalog.Entity) *catalog.ModelChange {
	change := &catalog.ModelChange{}
	for _, e := range entities {
		change.Entities = append(change.Entities, catalog.EntityChange{Ref: e.Ref, Entity: e})
	}
	return change
}

func entityOf(ref catalog.Ref, edit func(e *catalog.Entity)) *catalog.Entity {
	e := &catalog.Entity{
		Descriptor: catalog.Descriptor{Ref: ref, Kind: catalog.KindSpelling(ref.Kind()), Name: ref.Name(), Namespace: ref.Namespace()},
		Origin:     &catalog.Origin{Source: "files"},
	}
	if edit != nil {
		edit(e)
	}
	return e
}

func team(ref catalog.Ref, source, slug string) *catalog.Entity {
	return entityOf(ref, func(e *catalog.Entity) {
		e.Origin = &catalog.Origin{Source: source}
		if slug != "" {
			e.Annotations = map[string]string{"github.com/team-slug": slug}
		}
	})
}

func hinting(owner catalog.Ref, names ...string) *catalog.Entity {
	return entityOf("component:default/cart", func(e *catalog.Entity) {
		e.Owner = owner
		for i, name := range names {
			e.OwnerHints = append(e.OwnerHints, catalog.OwnerHint{Name: name, Location: "CODEOWNERS", Line: int32(i + 1)})
		}
	})
}

func TestSuggestedOwners(t *testing.T) {
	sources := []graph.Source{{ID: "acme", Kind: "github"}, {ID: "files", Kind: "files"}}
	user := func(ref catalog.Ref, login, email string) *catalog.Entity {
		return entityOf(ref, func(e *catalog.Entity) {
			e.Annotations, e.Profile = map[string]string{"github.com/user-login": login}, &catalog.Profile{Email: email}
		})
	}
	nobody := &catalog.Entity{Placeholder: true, Descriptor: catalog.Descriptor{Ref: "group:default/gone", Kind: "Group"}}
	for _, c := range []struct {
		name  string
		cart  *catalog.Entity
		world []*catalog.Entity
		want  string
	}{
		{"no hints", hinting(""), nil, ""},
		{"nobody is meant", hinting("", "@acme/cart", "@jane", "jane@acme.example"), nil, "@acme/cart ?, @jane ?, jane@acme.example ?"},
		{
			"the annotation, in any case", hinting("", "@Acme/Cart"),
			[]*catalog.Entity{team("group:default/basket", "files", "acme/CART"), team("group:default/cart", "files", "")},
			"@Acme/Cart group:default/basket",
		},
		{
			"the name, in any namespace", hinting("", "@acme/cart"),
			[]*catalog.Entity{team("group:x/cart", "files", "")},
			"@acme/cart group:x/cart",
		},
		{
			"the name of another team", hinting("", "@acme/cart"),
			[]*catalog.Entity{team("group:x/cart", "acme", "other/cart")},
			"@acme/cart ?",
		},
		{
			"two of the name", hinting("", "@acme/cart"),
			[]*catalog.Entity{team("group:x/cart", "files", ""), team("group:y/cart", "files", "")},
			"@acme/cart ?",
		},
		{
			"that of the organisation", hinting("", "@Acme/cart"),
			[]*catalog.Entity{team("group:acme/cart", "files", ""), team("group:y/cart", "files", "")},
			"@Acme/cart group:acme/cart",
		},
		{
			"a name that nobody describes", hinting("", "@acme/gone"), []*catalog.Entity{nobody}, "@acme/gone ?",
		},
		{
			"one of a file before the imported one", hinting("", "@acme/cart"),
			[]*catalog.Entity{team("group:default/basket", "files", "acme/cart"), team("group:default/cart", "acme", "acme/cart")},
			"@acme/cart group:default/basket",
		},
		{
			"people", hinting("", "@Jane", "JOE@acme.example", "@joe"),
			[]*catalog.Entity{user("user:default/j", "jane", "x"), user("user:default/joe", "", "joe@ACME.example")},
			"@Jane user:default/j, JOE@acme.example user:default/joe",
		},
		{
			"one address of two", hinting("", "all@acme.example"),
			[]*catalog.Entity{user("user:default/a", "a", "all@acme.example"), user("user:default/b", "b", "all@acme.example")},
			"all@acme.example ?",
		},
		{"an owner is named", hinting("group:default/cart", "@acme/cart"), []*catalog.Entity{team("group:default/cart", "files", "")}, ""},
		{
			"nobody describes the owner", hinting("group:default/gone", "@acme/cart"),
			[]*catalog.Entity{nobody, team("group:default/cart", "files", "")},
			"@acme/cart group:default/cart",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			// Told in any order, one after the other, it is the same as at once.
			at := time.Unix(0, 0)
			for _, cartFirst := range []bool{true, false} {
				s := graph.Build(graph.Input{Sources: sources})
				all := append([]*catalog.Entity{c.cart}, c.world...)
				if !cartFirst {
					all = append(append([]*catalog.Entity{}, c.world...), c.cart)
				}
				for _, e := range all {
					s = s.Apply(modelOf(e), 1, at, sources)
				}
				if got := suggested(t, s, c.cart.Ref); got != c.want {
					t.Errorf("got %q, want %q", got, c.want)
				}
			}
		})
	}
}

// A team that comes, is renamed and goes is followed, and so is whether teams are told at all.
func TestSuggestionsFollow(t *testing.T) {
	sources := []graph.Source{{ID: "acme", Kind: "github"}, {ID: "files", Kind: "files"}}
	s := graph.Build(graph.Input{Sources: sources}).Apply(modelOf(hinting("", "@acme/cart")), 1, time.Time{}, sources)
	for i, step := range []struct {
		change   *catalog.ModelChange
		want     string
		imported bool
	}{
		{modelOf(team("group:default/a", "files", "acme/cart")), "@acme/cart group:default/a", false},
		{modelOf(team("group:default/a", "files", "acme/other")), "@acme/cart ?", false},
		{modelOf(team("group:default/b", "acme", "acme/cart")), "@acme/cart group:default/b", true},
		{modelOf(team("group:default/b", "acme", "acme/more")), "@acme/cart ?", true},
		{modelOf(team("group:default/c", "acme", "acme/cart")), "@acme/cart group:default/c", true},
		{&catalog.ModelChange{Entities: []catalog.EntityChange{{Ref: "group:default/c"}}}, "@acme/cart ?", true},
		{&catalog.ModelChange{Entities: []catalog.EntityChange{{Ref: "group:default/b"}}}, "@acme/cart ?", false},
		{
			modelOf(entityOf("group:default/d", func(e *catalog.Entity) {
				e.Origin = &catalog.Origin{Source: "acme", Version: &catalog.Version{}} // a file of a repository
				e.Annotations = map[string]string{"github.com/team-slug": "acme/d"}
			})), "@acme/cart ?", false,
		},
	} {
		s = s.Apply(step.change, graph.Revision(i+2), time.Time{}, sources)
		if got := suggested(t, s, "component:default/cart"); got != step.want || s.TeamsImported() != step.imported {
			t.Errorf("step %d: got %q, teams imported %t, want %q and %t", i, got, s.TeamsImported(), step.want, step.imported)
		}
	}
}

// A suggestion is no ownership, and no other commit is another graph.
func TestHintsAndVersionsElsewhere(t *testing.T) {
	at := func(commit string, hints ...catalog.OwnerHint) *graph.Snapshot {
		e := entityOf("component:default/cart", func(e *catalog.Entity) {
			e.OwnerHints = hints
			e.Origin = &catalog.Origin{Source: "files", Location: "a", Version: &catalog.Version{Commit: commit}}
		})
		return graph.Build(graph.Input{}).Apply(modelOf(e), 1, time.Time{}, nil)
	}
	hint := catalog.OwnerHint{Name: "@acme/cart", Line: 1}
	first := at("1", hint)
	if graph.Digest(first) != graph.Digest(at("2", hint)) {
		t.Error("another commit is another graph")
	}
	if graph.Digest(first) == graph.Digest(at("1")) {
		t.Error("another suggestion is the same graph")
	}
	for traits := range first.Traits() {
		if traits.Owned {
			t.Error("a suggestion counts as ownership")
		}
	}
	moved := hint
	moved.Line = 2
	changes := func(to *graph.Snapshot) string {
		return fmt.Sprint(first.FieldChanges(modelOf(to.Lookup("component:default/cart"))))
	}
	if got := changes(at("2", moved)); got != "[]" {
		t.Errorf("another line and commit make history: %s", got)
	}
	if got := changes(at("2", hint, catalog.OwnerHint{Name: "@jane"})); got != "[{component:default/cart suggestedOwners @acme/cart @acme/cart, @jane files}]" {
		t.Errorf("the history tells %s", got)
	}
}

// A problem that stays where it is, in a file at another commit, is told at that commit.
func TestProblemsMove(t *testing.T) {
	told := func(commit string) catalog.Problem {
		return catalog.Problem{
			Location: "a", Severity: catalog.Warning, Code: "x", Ref: "component:default/cart", Version: &catalog.Version{Commit: commit},
		}
	}
	s := graph.Build(graph.Input{Model: &catalog.Model{Problems: []catalog.Problem{told("1")}}})
	s = s.Apply(&catalog.ModelChange{Moved: []catalog.Problem{told("2")}}, 1, time.Time{}, nil)
	for _, ref := range []catalog.Ref{"", "component:default/cart"} {
		n := 0
		for p := range s.Problems(ref) {
			if n++; p.Version.Commit != "2" {
				t.Errorf("%q: at commit %s", ref, p.Version.Commit)
			}
		}
		if n != 1 || s.ProblemCount(catalog.Warning) != 1 {
			t.Errorf("%q: %d problems, counted %d", ref, n, s.ProblemCount(catalog.Warning))
		}
	}
}

// BenchmarkSuggestedOwners asks for a team by its annotation, one by its name, and a person, among few and many.
func BenchmarkSuggestedOwners(b *testing.B) {
	for _, n := range []int{100, 100_000} {
		cart := hinting("", "@acme/team-7", "@acme/named-7", "@login-7")
		change := modelOf(cart)
		for i := range n {
			change.Entities = append(change.Entities,
				modelOf(team(catalog.Ref(fmt.Sprintf("group:default/t%d", i)), "acme", fmt.Sprintf("acme/team-%d", i))).Entities...)
			change.Entities = append(change.Entities, modelOf(team(catalog.Ref(fmt.Sprintf("group:default/named-%d", i)), "files", "")).Entities...)
			change.Entities = append(change.Entities, modelOf(entityOf(catalog.Ref(fmt.Sprintf("user:default/login-%d", i)), nil)).Entities...)
		}
		s := graph.Build(graph.Input{}).Apply(change, 1, time.Time{}, []graph.Source{{ID: "acme", Kind: "github"}})
		b.Run(fmt.Sprint("people=", 3*n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if got := s.SuggestedOwners(cart); len(got) != 3 || got[0].Ref == "" || got[1].Ref == "" || got[2].Ref == "" {
					b.Fatalf("%+v", got)
				}
			}
		})
	}
}
