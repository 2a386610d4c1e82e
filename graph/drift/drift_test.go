package drift_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/descriptor"
	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/drift"
)

var update = flag.Bool("update", false, "write the golden files anew")

var newest = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// call is traffic that was seen.
type call struct {
	from, to         string // aliases
	way              traffic.Way
	requests, errors float64
	days             int // since when it was seen, until the newest time
	stale            bool
	environment      string
	together         traffic.Together
}

// world is a catalog file and what was seen.
type world struct {
	file    string
	calls   []call
	entries map[string]float64 // requests that began at an alias
	teams   []string           // that are imported: organisation/slug
	hints   map[catalog.Ref]string
}

// patches are equal where they say the same.
var patches = cmp.Comparer(func(a, b drift.Patch) bool { return a.Text() == b.Text() && a.Action == b.Action })

// numbers is the traffic of a world.
type numbers struct {
	flows    map[catalog.FlowID]*graph.FlowNumbers
	services map[catalog.Alias]*graph.ServiceNumbers
}

var _ graph.Traffic = numbers{}

func (n numbers) Flow(_ string, id catalog.FlowID) *graph.FlowNumbers { return n.flows[id] }
func (n numbers) Service(environment string, alias catalog.Alias) *graph.ServiceNumbers {
	if environment != "production" {
		return nil
	}
	return n.services[alias]
}

func (numbers) Delivery(string, catalog.Alias, catalog.Alias, catalog.Alias) *traffic.Delivery {
	return nil
}
func (numbers) Reach(string, catalog.Alias, catalog.Alias) float64 { return 0 }
func (numbers) Lost(string) map[string]uint64                      { return nil }
func (numbers) Version() uint64                                    { return 1 }

func (w world) snapshot(t *testing.T) *graph.Snapshot {
	t.Helper()
	parsed := descriptor.Parse([]byte(w.file), descriptor.Options{Location: "shop/catalog-info.yaml"})
	var documents []*catalog.Document
	for i, document := range parsed.Documents {
		for _, problem := range document.Problems {
			t.Errorf("%s: %s", problem.Code, problem.Message)
		}
		if document.Document == nil {
			t.Fatalf("document %d is refused", i)
		}
		document.Document.ID = catalog.DocumentID{Source: "files", Scope: "shop", Key: fmt.Sprint(i)}
		claim := &document.Document.Claims[0]
		if name := w.hints[claim.Subject.Ref]; name != "" {
			claim.OwnerHints = []catalog.OwnerHint{{Name: name, Location: "shop/CODEOWNERS", Line: 3}}
		}
		documents = append(documents, document.Document)
	}
	for _, slug := range w.teams {
		ref := catalog.NewRef("group", "", slug[strings.Index(slug, "/")+1:])
		documents = append(documents, &catalog.Document{
			ID: catalog.DocumentID{Source: "acme", Scope: "teams", Key: slug}, Priority: catalog.DefaultPriorityDiscoveredTeams,
			Claims: []catalog.Claim{{Subject: catalog.Subject{Ref: ref}, Descriptor: &catalog.Descriptor{
				Ref: ref, Kind: catalog.KindGroup, Namespace: catalog.DefaultNamespace, Name: ref.Name(), Type: "team",
				Annotations: map[string]string{"github.com/team-slug": slug},
			}}},
		})
	}
	n := numbers{flows: map[catalog.FlowID]*graph.FlowNumbers{}, services: map[catalog.Alias]*graph.ServiceNumbers{}}
	claims := map[string]*catalog.Document{}
	about := func(alias, environment string) *catalog.Claim {
		if environment == "" {
			environment = "production"
		}
		key := environment + "/" + alias
		if claims[key] == nil {
			entry := catalog.EntryInner
			if w.entries[alias] > 0 {
				entry = catalog.EntryPoint
			}
			claims[key] = &catalog.Document{
				ID: catalog.DocumentID{Source: "traces", Scope: key, Key: alias}, Environment: environment,
				Claims: []catalog.Claim{{Subject: catalog.Subject{Alias: catalog.Alias(alias)}, Entry: entry}},
			}
			documents = append(documents, claims[key])
			n.services[catalog.Alias(alias)] = &graph.ServiceNumbers{Entries: w.entries[alias], First: newest.AddDate(0, 0, -30), Last: newest}
		}
		return &claims[key].Claims[0]
	}
	for _, c := range w.calls {
		key := traffic.FlowKey{From: catalog.Alias(c.from), To: catalog.Alias(c.to), Way: max(c.way, traffic.Call), Environment: c.environment}
		edge := catalog.EdgeClaim{
			Target: catalog.Subject{Alias: key.To}, Type: catalog.DependsOn, Evidence: catalog.Observed, Flow: key.ID(), Stale: c.stale,
		}
		switch key.Way {
		case traffic.Publish:
			edge.Role = catalog.Publish
		case traffic.Consume:
			edge.Role = catalog.Consume
		}
		claim := about(c.from, c.environment)
		claim.Edges = append(claim.Edges, edge)
		if strings.HasPrefix(c.to, "otel:") {
			about(c.to, c.environment)
		}
		first := newest.AddDate(0, 0, -c.days)
		n.flows[key.ID()] = &graph.FlowNumbers{
			FlowKey: key, Requests: c.requests, Errors: c.errors, First: first, Last: newest, Together: c.together,
			Recent: graph.Recent{Since: newest.Add(-24 * time.Hour), Until: newest, Requests: 8640},
		}
	}
	model := catalog.Merge(slices.Values(documents), catalog.MergeOptions{})
	sources := []graph.Source{{ID: "acme", Kind: "github"}, {ID: "files", Kind: "files"}}
	return graph.Build(graph.Input{Model: model, Revision: 1, Time: newest, Sources: sources}).WithTraffic(n)
}

const shop = `
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: checkout}
spec:
  type: service
  lifecycle: production
  owner: group:payments
  consumesApis: [prices]
  dependsOn: [component:recommendations, component:money, system:billing]
  dependencies:
    - {ref: component:fraud, strength: soft, fallback: none}
    - component:ledger
---
apiVersion: backstage.io/v1alpha1
kind: API
metadata: {name: prices}
spec: {type: openapi, lifecycle: production, owner: group:payments, definition: "-"}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: pricing}
spec: {type: service, lifecycle: production, owner: group:payments, providesApis: [prices]}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: recommendations}
spec: {type: service, lifecycle: production, owner: group:shop}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: money}
spec: {type: library, lifecycle: production, owner: group:shop}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: fraud}
spec: {type: service, lifecycle: production, owner: group:risk}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: ledger}
spec: {type: service, lifecycle: deprecated, owner: group:risk}
---
apiVersion: backstage.io/v1alpha1
kind: System
metadata: {name: billing}
spec: {owner: group:risk}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: invoices}
spec: {type: service, lifecycle: production, owner: group:risk, system: billing}
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: payments}
spec: {type: team, children: []}
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: shop}
spec: {type: team, children: []}
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: risk}
spec: {type: team, children: []}
`

const owned = `
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: cart}
spec:
  type: service
  lifecycle: production
  owner: group:dissolved
  dependsOn: [component:web]
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: fraud}
spec: {type: service, lifecycle: production, owner: user:jane}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: ledger}
spec: {type: service, lifecycle: production, owner: group:risk}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: web}
spec: {type: service, lifecycle: production, owner: "unset"}
`

func worlds() map[string]world {
	entered := map[string]float64{"otel:checkout": 5000}
	return map[string]world{
		"nothing was seen": {file: shop},
		"as declared, by paths too": {file: shop, entries: entered, calls: []call{
			{from: "otel:checkout", to: "otel:pricing", requests: 5000, days: 30},
			{from: "otel:checkout", to: "otel:recommendations", requests: 5000, days: 30},
			{from: "otel:checkout", to: "otel:fraud", requests: 5000, days: 30},
			{from: "otel:checkout", to: "otel:invoices", requests: 5000, days: 30},
		}},
		"undeclared": {file: shop, entries: entered, calls: []call{
			{from: "otel:checkout", to: "otel:fraud", requests: 5000, days: 30},
			{from: "otel:checkout", to: "db:postgresql:pg-a.internal/orders", requests: 500, errors: 5, days: 3},
			{from: "otel:checkout", to: "host:api.stripe.com", requests: 20, days: 3, together: traffic.Together{CallFailed: 12, NoneFailed: 8}},
			{from: "otel:checkout", to: "topic:kafka:orders", way: traffic.Publish, requests: 3, days: 0},
			{from: "otel:email", to: "topic:kafka:orders", way: traffic.Consume, requests: 3, days: 0},
			{from: "otel:checkout", to: "otel:gone", requests: 900, days: 60, stale: true},
			{from: "otel:checkout", to: "otel:elsewhere", requests: 900, days: 60, environment: "staging"},
		}},
		"strengths": {file: shop, entries: entered, calls: []call{
			{from: "otel:checkout", to: "otel:fraud", requests: 5000, errors: 100, days: 30, together: traffic.Together{BothFailed: 98, CallFailed: 2, NoneFailed: 4900}},
			{from: "otel:checkout", to: "otel:recommendations", requests: 5000, errors: 20, days: 30, together: traffic.Together{CallFailed: 20, RequestFailed: 49, NoneFailed: 4931}},
			{from: "otel:checkout", to: "otel:ledger", requests: 5000, errors: 5, days: 30, together: traffic.Together{CallFailed: 5, NoneFailed: 4995}},
		}},
		"stale": {file: shop, entries: entered, calls: []call{
			{from: "otel:checkout", to: "otel:recommendations", requests: 5000, days: 60, stale: true},
		}},
		"no teams are imported": {file: owned, hints: map[catalog.Ref]string{"component:default/cart": "@acme/shop"}},
		"owners that are gone": {
			file: owned, teams: []string{"acme/shop", "acme/risk"},
			hints: map[catalog.Ref]string{
				"component:default/cart": "@Acme/Shop", "component:default/fraud": "@acme/nobody", "component:default/web": "@acme/risk",
			},
			calls: []call{{from: "otel:cart", to: "otel:web", requests: 5000, days: 30}},
		},
		"hardly traced": {file: shop, entries: map[string]float64{"otel:checkout": 3}},
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	for name, w := range worlds() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if len(w.calls) == 0 && w.entries != nil {
				w.calls = []call{{from: "otel:checkout", to: "host:10.0.0.1", requests: 1}}
			}
			var b strings.Builder
			for _, f := range drift.Find(w.snapshot(t), drift.Options{}) {
				fmt.Fprintf(&b, "%s %s %s\n  %s\n  %d pieces of evidence, %.4g requests, %.4g/s\n", f.Kind, f.Confidence, f.Ref, f.Message,
					len(f.Evidence), f.Requests, f.Rate)
				if f.Patch != nil {
					for line := range strings.Lines(f.Patch.Text()) {
						b.WriteString("  | " + line)
					}
				}
			}
			golden(t, strings.ReplaceAll(strings.ReplaceAll(name, " ", "-"), ",", "")+".txt", b.String())
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Error(diff)
	}
}

// TestPartsOfAll holds that looking at some entities, or for some kinds, finds what looking at all does.
func TestPartsOfAll(t *testing.T) {
	t.Parallel()
	for name, w := range worlds() {
		s := w.snapshot(t)
		all := drift.Find(s, drift.Options{})
		for _, kind := range drift.Kinds() {
			want := slices.DeleteFunc(slices.Clone(all), func(f *drift.Finding) bool { return f.Kind != kind })
			if diff := cmp.Diff(want, drift.Find(s, drift.Options{Kinds: []drift.Kind{kind}}), cmpopts.EquateEmpty(), patches); diff != "" {
				t.Errorf("%s, %s: %s", name, kind, diff)
			}
		}
		for entity := range s.Entities("") {
			want := slices.DeleteFunc(slices.Clone(all), func(f *drift.Finding) bool {
				return f.Ref != entity.Ref && f.From != entity.Ref && f.To != entity.Ref
			})
			if diff := cmp.Diff(want, drift.Find(s, drift.Options{Refs: []catalog.Ref{entity.Ref}}), cmpopts.EquateEmpty(), patches); diff != "" {
				t.Errorf("%s, %s: %s", name, entity.Ref, diff)
			}
		}
	}
}

// TestPatchMends holds that a catalog file with the patches of what it does not declare has no such drift any more.
func TestPatchMends(t *testing.T) {
	t.Parallel()
	w := worlds()["undeclared"]
	entries := ""
	for _, f := range drift.Find(w.snapshot(t), drift.Options{Kinds: []drift.Kind{drift.ObservedNotDeclared}}) {
		_, list, ok := strings.Cut(f.Patch.YAML(), "dependencies:\n")
		if !ok {
			t.Fatalf("%s", f.Patch.YAML())
		}
		entries += list
	}
	if entries == "" {
		t.Fatal("nothing was found")
	}
	w.file = strings.Replace(w.file, "    - component:ledger\n", "    - component:ledger\n"+entries, 1)
	if left := drift.Find(w.snapshot(t), drift.Options{Kinds: []drift.Kind{drift.ObservedNotDeclared}}); len(left) > 0 {
		t.Errorf("%d findings are left, the first: %s", len(left), left[0].Message)
	}
}
