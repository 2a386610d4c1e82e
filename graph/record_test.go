package graph_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/graphtest"
)

// recorded makes the history of the step from one set of documents to another.
func recorded(t testing.TB, before, after []*catalog.Document) (was, is *graph.Snapshot, records []graph.FieldChange) {
	t.Helper()
	merger := catalog.NewMerger(catalog.MergeOptions{})
	merger.Apply(nil, slices.Values(before))
	was = graph.Build(graph.Input{Revision: 1, Model: merger.Model()})
	gone := make(map[catalog.DocumentID]bool)
	for _, document := range before {
		gone[document.ID] = true
	}
	for _, document := range after {
		delete(gone, document.ID)
	}
	change := merger.Apply(slices.Collect(maps.Keys(gone)), slices.Values(after))
	return was, graph.Build(graph.Input{Revision: 2, Model: merger.Model()}), was.FieldChanges(change)
}

// described is a document of one entity.
func described(ref catalog.Ref, edit func(*catalog.Document, *catalog.Claim)) *catalog.Document {
	document := &catalog.Document{
		ID:       catalog.DocumentID{Source: "repos", Scope: "a.yaml", Key: string(ref)},
		Priority: 100, Location: "a.yaml",
		Claims: []catalog.Claim{{
			Subject: catalog.Subject{Ref: ref}, Line: 1,
			Descriptor: &catalog.Descriptor{
				Ref: ref, Kind: catalog.KindSpelling(ref.Kind()), Namespace: ref.Namespace(), Name: ref.Name(),
			},
		}},
	}
	if edit != nil {
		edit(document, &document.Claims[0])
	}
	return document
}

func needs(target catalog.Ref, edit func(*catalog.EdgeClaim)) catalog.EdgeClaim {
	edge := catalog.EdgeClaim{Target: catalog.Subject{Ref: target}, Type: catalog.DependsOn, Evidence: catalog.Declared, Line: 3}
	if edit != nil {
		edit(&edge)
	}
	return edge
}

func TestFieldChanges(t *testing.T) {
	const a, b = catalog.Ref("component:default/a"), catalog.Ref("component:default/b")
	type edit = func(*catalog.Document, *catalog.Claim)
	one := func(e edit) []*catalog.Document { return []*catalog.Document{described(a, e)} }
	needing := func(e func(*catalog.EdgeClaim)) edit {
		return func(_ *catalog.Document, c *catalog.Claim) { c.Edges = []catalog.EdgeClaim{needs(b, e)} }
	}
	field := func(set func(*catalog.Descriptor)) edit {
		return func(_ *catalog.Document, c *catalog.Claim) { set(c.Descriptor) }
	}
	long := strings.Repeat("ä", 800)
	tests := map[string]struct {
		before, after []*catalog.Document
		want          []string // "ref field: old → new (source)"
	}{
		"nothing": {one(nil), one(nil), nil},
		"line and time": {one(nil), one(func(d *catalog.Document, c *catalog.Claim) {
			c.Line, c.FirstSeen, d.LastSeen = 99, 1, 2
		}), nil},
		"birth": {nil, one(needing(nil)), []string{"a :  → DESCRIBED (repos)", "b :  → PLACEHOLDER ()"}},
		"end":   {one(needing(nil)), nil, []string{"a : DESCRIBED →  (repos)", "b : PLACEHOLDER →  ()"}},
		"a placeholder is described": {
			one(needing(nil)),
			[]*catalog.Document{described(a, needing(nil)), described(b, func(_ *catalog.Document, c *catalog.Claim) {
				c.Descriptor.Title, c.Edges = "B", []catalog.EdgeClaim{needs(a, nil)}
			})},
			[]string{"b : PLACEHOLDER → DESCRIBED (repos)"},
		},
		"texts": {
			one(field(func(d *catalog.Descriptor) { d.Title, d.Lifecycle = "A", "production" })),
			one(field(func(d *catalog.Descriptor) {
				d.Description, d.Lifecycle, d.Type, d.Name = "x", "deprecated", "service", "A"
			})),
			[]string{
				"a name: a → A (repos)", "a title: A →  (repos)", "a description:  → x (repos)",
				"a lifecycle: production → deprecated (repos)", "a type:  → service (repos)",
			},
		},
		"owner is told once": {
			one(func(_ *catalog.Document, c *catalog.Claim) {
				c.Descriptor.Owner = "group:default/x"
				c.Edges = []catalog.EdgeClaim{needs("group:default/x", func(e *catalog.EdgeClaim) { e.Type = catalog.OwnedBy })}
			}),
			one(func(_ *catalog.Document, c *catalog.Claim) {
				c.Descriptor.Owner = "group:default/y"
				c.Edges = []catalog.EdgeClaim{needs("group:default/y", func(e *catalog.EdgeClaim) { e.Type = catalog.OwnedBy })}
			}),
			[]string{
				"a owner: group:default/x → group:default/y (repos)",
				"group:default/x : PLACEHOLDER →  ()", "group:default/y :  → PLACEHOLDER ()",
			},
		},
		"maps": {
			one(field(func(d *catalog.Descriptor) { d.Labels = map[string]string{"k": "1", "gone": "x", "e": ""} })),
			one(field(func(d *catalog.Descriptor) {
				d.Labels, d.Annotations = map[string]string{"k": "2"}, map[string]string{"orrery.dev/tier": "1", "e": ""}
			})),
			[]string{
				`a labels.e: "" →  (repos)`, "a labels.gone: x →  (repos)", "a labels.k: 1 → 2 (repos)",
				`a annotations.e:  → "" (repos)`, "a annotations.orrery.dev/tier:  → 1 (repos)",
			},
		},
		"lists and numbers": {
			one(field(func(d *catalog.Descriptor) {
				d.Tags, d.SLO = []string{"go", "grpc"}, &catalog.SLO{Availability: 99.9, Window: 720 * time.Hour}
			})),
			one(field(func(d *catalog.Descriptor) {
				d.Tags, d.SLO, d.Capacity = []string{"go"}, &catalog.SLO{Availability: 99.95}, &catalog.Capacity{RequestsPerSecond: 800}
				d.Links = []catalog.Link{{URL: "https://x.example", Title: "X", Type: "runbook"}}
				d.Profile = &catalog.Profile{Email: "a@x.example"}
			})),
			[]string{
				"a tags: go, grpc → go (repos)", `a links:  → https://x.example title="X" type="runbook" (repos)`,
				"a profile.email:  → a@x.example (repos)", "a slo: 99.9% in 30d → 99.95% (repos)",
				"a capacity:  → 800 requests/s (repos)",
			},
		},
		"aliases": {
			one(func(_ *catalog.Document, c *catalog.Claim) {
				c.Aliases = []catalog.AliasClaim{{Alias: "otel:a"}, {Alias: "otel:b"}}
			}),
			one(func(_ *catalog.Document, c *catalog.Claim) {
				c.Aliases = []catalog.AliasClaim{{Alias: "otel:b"}, {Alias: "otel:c"}}
			}),
			[]string{"a aliases: otel:a (DECLARATION) →  (repos)", "a aliases:  → otel:c (DECLARATION) (repos)"},
		},
		"relation": {
			one(needing(func(e *catalog.EdgeClaim) { e.AnyOf = "psp" })),
			one(needing(func(e *catalog.EdgeClaim) {
				e.Strength, e.Fallback, e.CallsPerRequest, e.Timeout = catalog.Soft, "cached", 2, 300*time.Millisecond
			})),
			[]string{"a dependsOn component:default/b: HARD, any of psp → SOFT, calls 2, timeout 300ms, fallback: cached (repos)"},
		},
		"a relation comes": {
			[]*catalog.Document{described(a, nil), described(b, nil)},
			[]*catalog.Document{described(a, needing(nil)), described(b, nil)},
			[]string{"a dependsOn component:default/b:  → HARD (repos)"},
		},
		"where it runs is no history": {
			[]*catalog.Document{described(a, nil), described(b, nil)},
			[]*catalog.Document{described(a, needing(func(e *catalog.EdgeClaim) { e.Type = catalog.RunsOn })), described(b, nil)},
			nil,
		},
		"stale with its relations": {
			one(needing(nil)), one(func(d *catalog.Document, c *catalog.Claim) { d.Stale = true; needing(nil)(d, c) }),
			[]string{"a stale: false → true (repos)"},
		},
		"described elsewhere": {
			one(nil), one(func(d *catalog.Document, _ *catalog.Claim) { d.Location = "b.yaml" }),
			[]string{"a source: repos a.yaml → repos b.yaml (repos)"},
		},
		"long": {
			one(field(func(d *catalog.Descriptor) { d.Description = long })),
			one(field(func(d *catalog.Descriptor) { d.Description = long + "x" })),
			[]string{"a description: " + strings.Repeat("ä", 498) + "… → " + strings.Repeat("ä", 498) + "… (repos)"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, _, records := recorded(t, test.before, test.after)
			var got []string
			for _, r := range records {
				ref := strings.TrimPrefix(string(r.Ref), "component:default/")
				got = append(got, fmt.Sprintf("%s %s: %s → %s (%s)", ref, r.Field, r.Old, r.New, r.Source))
			}
			if diff := gocmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestFieldChangesTellTheDifferences compares the records of random steps with what a slow look at the exports of both
// sides finds.
func TestFieldChangesTellTheDifferences(t *testing.T) {
	told := 0
	for seed := range uint64(600) {
		r := rand.New(rand.NewPCG(seed, 4))
		before := randomWorld(r)
		var after []*catalog.Document
		if seed%3 == 0 {
			after = randomWorld(r)
		} else { // a few documents only
			after = slices.Clone(before)
			other := randomWorld(r)
			for range 2 {
				i := r.IntN(len(other))
				after = slices.DeleteFunc(after, func(d *catalog.Document) bool { return d.ID == other[i].ID })
				if r.IntN(3) > 0 {
					after = append(after, other[i])
				}
			}
		}
		was, is, records := recorded(t, before, after)
		told += len(records)
		if err := graphtest.CheckRecorded(was, is, records); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if again := was.FieldChanges(nil); again != nil {
			t.Fatalf("no change gave %v", again)
		}
	}
	if told < 1000 {
		t.Errorf("only %d records in all", told)
	}
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

// randomWorld is up to eight documents of two sources about six entities, so that they compete, refer and leave.
func randomWorld(r *rand.Rand) []*catalog.Document {
	refs := []catalog.Ref{
		"component:default/a", "component:default/b", "component:shop/a", "group:default/x", "resource:default/q", "api:default/p",
	}
	documents := make([]*catalog.Document, 0, 8)
	for i := range 1 + r.IntN(8) {
		ref := pick(r, refs...)
		document := described(ref, func(d *catalog.Document, c *catalog.Claim) {
			d.ID.Source, d.ID.Key = pick(r, "repos", "teams"), fmt.Sprint(i)
			d.Location, d.Stale, d.Ordinal = pick(r, "a.yaml", "b.yaml"), r.IntN(5) == 0, i
			c.Descriptor.Title, c.Descriptor.Description = pick(r, "", "", "T", "U"), pick(r, "", "d", "e")
			c.Descriptor.Owner = pick[catalog.Ref](r, "", "group:default/x", "group:default/y")
			c.Descriptor.Lifecycle, c.Descriptor.Type = pick(r, "", "production"), pick(r, "", "service")
			c.Descriptor.Labels = map[string]string{pick(r, "k", "l"): pick(r, "", "1", "2")}
			c.Descriptor.Annotations = map[string]string{"a": pick(r, "1", strings.Repeat("long ", 300))}
			c.Descriptor.Tags = []string{pick(r, "go", "grpc")}
			c.Descriptor.SLO = pick(r, nil, &catalog.SLO{Availability: 99}, &catalog.SLO{Availability: 99, Window: time.Hour})
			c.Descriptor.Profile = pick(r, nil, &catalog.Profile{Email: "e"}, &catalog.Profile{Email: "f", Picture: "p"})
			c.Descriptor.Name = pick(r, ref.Name(), strings.ToUpper(ref.Name()))
			if c.Descriptor.Owner != "" {
				c.Edges = append(c.Edges, needs(c.Descriptor.Owner, func(e *catalog.EdgeClaim) { e.Type = catalog.OwnedBy }))
			}
			for range r.IntN(4) {
				c.Edges = append(c.Edges, needs(pick(r, refs...), func(e *catalog.EdgeClaim) {
					e.Type = pick(r, catalog.DependsOn, catalog.DependsOn, catalog.PartOf, catalog.RunsOn, catalog.OwnedBy, catalog.MemberOf)
					e.Strength, e.AnyOf = pick(r, catalog.Unstated, catalog.Soft), pick(r, "", "", "g")
					e.Reverse, e.Evidence = r.IntN(5) == 0, pick(r, catalog.Declared, catalog.Observed)
					e.Fallback = pick(r, "", "f")
				}))
			}
			if r.IntN(3) == 0 {
				c.Aliases = []catalog.AliasClaim{{Alias: pick[catalog.Alias](r, "otel:a", "otel:b", "dns:q.shop.svc")}}
			}
			if r.IntN(4) == 0 { // something that runs, and is matched or discovered
				d.Environment = pick(r, "production", "staging")
				c.Descriptor, c.Subject, c.Aliases = nil, catalog.Subject{Alias: pick[catalog.Alias](r, "otel:a", "otel:b", "otel:z")}, nil
			}
		})
		documents = append(documents, document)
	}
	for i := range r.IntN(3) {
		documents = append(documents, described(pick(r, refs...), func(d *catalog.Document, c *catalog.Claim) {
			d.ID.Source, d.ID.Key = "cluster", fmt.Sprint(i)
			c.Descriptor, c.Found, c.Facts = nil, r.IntN(2) == 0, randomFacts(r)
		}))
	}
	return append(documents, graphtest.RandomCluster(r)...)
}
