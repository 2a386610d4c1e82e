package descriptor_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/descriptor"
)

func TestDescriptorFields(t *testing.T) {
	const text = `apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: Checkout
  namespace: shop
  title: The checkout
  description: |
    Takes the money.
  labels: {a: b}
  annotations:
    orrery.dev/tier: "1"
    orrery.dev/aliases: "otel:shop/Checkout, db:postgresql:orders-db:5432/orders"
    orrery.dev/otel-service: checkout-v2
    orrery.dev/hosts: https://pay.example.com/x  api.example.com
    github.com/project-slug: acme/checkout
  tags: [go]
  links:
    - {url: "https://run.example.com", title: Runbook, type: runbook}
spec:
  type: service
  lifecycle: production
  owner: payments
  slo: {availability: 99.95, window: 30d}
  capacity: {requestsPerSecond: 800}
`
	result := descriptor.Parse([]byte(text), descriptor.Options{Location: "shop/catalog-info.yaml"})
	want := descriptor.Result{Documents: []descriptor.Parsed{{
		Ref: "component:shop/checkout",
		Document: &catalog.Document{
			Location: "shop/catalog-info.yaml",
			Claims: []catalog.Claim{{
				Subject: catalog.Subject{Ref: "component:shop/checkout"}, Line: 1,
				Descriptor: &catalog.Descriptor{
					Ref: "component:shop/checkout", Kind: "Component", Namespace: "shop", Name: "Checkout",
					Title: "The checkout", Description: "Takes the money.\n", Labels: map[string]string{"a": "b"},
					Annotations: map[string]string{
						"orrery.dev/tier": "1", "orrery.dev/aliases": "otel:shop/Checkout, db:postgresql:orders-db:5432/orders",
						"orrery.dev/otel-service": "checkout-v2", "orrery.dev/hosts": "https://pay.example.com/x  api.example.com",
						"github.com/project-slug": "acme/checkout",
					},
					Tags: []string{"go"}, Links: []catalog.Link{{URL: "https://run.example.com", Title: "Runbook", Type: "runbook"}},
					Type: "service", Lifecycle: "production", Owner: "group:shop/payments",
					SLO:      &catalog.SLO{Availability: 99.95, Window: 30 * 24 * time.Hour},
					Capacity: &catalog.Capacity{RequestsPerSecond: 800},
				},
				Aliases: []catalog.AliasClaim{
					{Alias: "otel:shop/checkout", Line: 12},
					{Alias: "db:postgresql:orders-db:5432/orders", Line: 12},
					{Alias: "otel:checkout-v2", Line: 13},
					{Alias: "host:pay.example.com", Line: 14},
					{Alias: "host:api.example.com", Line: 14},
					{Alias: "repo:github.com/acme/checkout", Line: 15},
				},
				Edges: []catalog.EdgeClaim{{
					Target: catalog.Subject{Ref: "group:shop/payments"}, Type: catalog.OwnedBy, Evidence: catalog.Declared, Line: 22,
				}},
			}},
		},
	}}}
	if diff := cmp.Diff(want, result); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestProblemTellsAll(t *testing.T) {
	text := "# first\n---\n" + component("") + "---\n\n" + component("\n  dependsOn: [b]")
	result := descriptor.Parse([]byte(text), descriptor.Options{Location: "x.yaml"})
	if len(result.Documents) != 2 || len(result.Documents[1].Problems) != 1 {
		t.Fatalf("%+v", result)
	}
	want := catalog.Problem{
		Location: "x.yaml", Line: 13, Field: "spec.dependsOn[0]", Severity: catalog.Warning, Code: "bare-reference",
		Message: `"b" names no kind; it is taken as component:b`, Ref: "component:default/t",
		Fix: "write component:b, or resource:b if it is one; Backstage refuses the whole entity",
	}
	if diff := cmp.Diff(want, result.Documents[1].Problems[0]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMessages(t *testing.T) {
	for text, want := range map[string]string{
		document("System", "", "owner: 1"): `a.yaml:4: error: spec.owner: owner must be a text, not the number 1 (put it in quotes: "1") [wrong-type]`,
		withMetadata("tags: [Node.js]"): `a.yaml:3: error: metadata.tags[0]: tags[0] is "Node.js", but must be at most 63 lower-case letters, ` +
			`digits and : + #, with single - between them (write for example node-js) [invalid-format]`,
		component("depedencyOf: [component:b]"):                      `a.yaml:4: warning: spec.depedencyOf: depedencyOf has no effect (write dependencyOf) [misspelt-field]`,
		document("Component", "", "owner: o, Type: a, lifecycle: b"): `a.yaml:4: warning: spec.Type: Type has no effect (write type) [misspelt-field]`,
		withMetadata("labels: {a: true}"):                            `a.yaml:3: error: metadata.labels["a"]: labels["a"] must be a text, not the boolean true (put it in quotes: "true") [wrong-type]`,
		component("consumesApis: [component:b]"):                     `a.yaml:4: warning: spec.consumesApis[0]: consumesApis[0] refers to "component:default/b", but is meant for the kind API (check the reference) [unexpected-kind]`,
	} {
		parsed := descriptor.Parse([]byte(text), descriptor.Options{Location: "a.yaml"}).Documents[0]
		if diff := cmp.Diff(want, parsed.Problems[0].String()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestDocumentsStandAlone(t *testing.T) {
	text := component("") + "---\nbroken: [\n---\n# nothing\n---\nnull\n---\napiVersion: v1\nkind: Secret\n---\nhello\n...\n" +
		document("System", "", "owner: 1") + "---\n" + strings.Replace(document("System", "", "owner: o"), "name: t", "name: last", 1)
	result := descriptor.Parse([]byte(text), descriptor.Options{Location: "x.yaml"})
	var got []string
	for _, parsed := range result.Documents {
		got = append(got, fmt.Sprintf("%d %s %v %s", parsed.Index, parsed.Ref, parsed.Document != nil, strings.Join(problemsOf(parsed), ";")))
	}
	want := []string{
		"0 component:default/t true ",
		"1  false 6 ERROR yaml-syntax",
		"3  false 15 ERROR not-a-map",
		"4 system:default/t false 20 ERROR wrong-type spec.owner",
		"5 system:default/last true ",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRecognition(t *testing.T) {
	manifest := "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: a\n  annotations: {backstage.io/view-url: x, backstage.io/kubernetes-id: a}\n"
	workflow := "name: check\non: [push]\njobs:\n  a:\n    steps: [{uses: x}]\n"
	for _, test := range []struct {
		name, location, text string
		want                 string // a line for each document
	}{
		{"manifest", "deploy.yaml", manifest, ""},
		{"manifest in a catalog file", "catalog-info.yaml", manifest, ""},
		{"workflow called so", ".github/workflows/catalog-info.yml", workflow, ""},
		{"workflow elsewhere", "ci/catalog-info.yml", workflow, ""},
		{"package.json", "package.json", `{"name": "x", "homepage": "https://backstage.io", "kind": "Component"}`, ""},
		{"app-config", "app-config.yaml", "app:\n  baseUrl: http://x\ncatalog:\n  locations: [{type: url, target: backstage.io}]\n", ""},
		{"chart values", "values.yaml", "a: {{ .Values.x }}\nhost: backstage.io\n", ""},
		{"empty", "catalog-info.yaml", "", ""},
		{"only comments", "catalog-info.yaml", "# nothing\n---\n", ""},
		{"entity in a file of any name", "infra/x.yml", component(""), "true"},
		{"entity in flow style", "x.json", "{kind: System, spec: {owner: o}, metadata: {name: a}, apiVersion: 'backstage.io/v1alpha1'}", "true"},
		{
			"no apiVersion in a catalog file", "catalog-info.yaml", "kind: Component\nmetadata: {name: a}\nspec: {type: a, lifecycle: b, owner: c}\n",
			"false 1 ERROR missing-field apiVersion",
		},
		{"no apiVersion in another file", "x.yaml", "kind: Component\nmetadata: {name: a}\nspec: {type: a, lifecycle: b, owner: c}\n", ""},
		{
			"no apiVersion beside an entity", "x.yaml", component("") + "---\nkind: Component\nmetadata: {name: a}\nspec: {type: a, lifecycle: b, owner: c}\n",
			"true\nfalse 6 ERROR missing-field apiVersion",
		},
		{"broken catalog file", "catalog-info.yaml", "kind: [\n", "false 1 ERROR yaml-syntax"},
		{"broken file of another name", "x.yaml", "a: [\n# backstage.io\n", ""},
		{"broken entity", "x.yaml", "apiVersion: backstage.io/v1alpha1\nkind: [\n", "false 2 ERROR yaml-syntax"},
		{"list in a catalog file", "catalog-info.yaml", "- a\n", "false 1 ERROR not-a-map"},
		{"misspelt group", "catalog-info.yaml", strings.Replace(component(""), "backstage.io", "backstage", 1), "false 1 ERROR unknown-api-version apiVersion"},
		{
			"entity of another group", "catalog-info.yaml", strings.Replace(document("Fleet", "", "owner: o"), "backstage.io", "acme.example.com", 1),
			"true 2 WARNING unknown-kind kind",
		},
		{"template", "skeleton/catalog-info.yaml", strings.Replace(component(""), "name: t", "name: '${{ values.name }}'", 1), "template false 3 WARNING template"},
		{"cookiecutter", "x.yaml", strings.Replace(component(""), "name: t", "name: {{ cookiecutter.name }}", 1), "template false 3 WARNING template"},
		{"broken template", "x.yaml", "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: a\n  {%- if x %}\n  b: c\n", "template false 5 WARNING template"},
		{"failing entity in a folder of templates", "a/templates/b/catalog-info.yaml", document("System", "", ""), "template false 4 WARNING template"},
		{"template that is an entity", "skeleton/x.yaml", component("x: '${{ values.y }}'"), "true"},
	} {
		t.Run(test.name, func(t *testing.T) {
			result := descriptor.Parse([]byte(test.text), descriptor.Options{Location: test.location})
			checkShape(t, result, test.location)
			var got []string
			for _, parsed := range result.Documents {
				line := fmt.Sprint(parsed.Document != nil)
				if parsed.Template {
					line = "template " + line
				}
				got = append(got, strings.TrimSpace(line+" "+strings.Join(problemsOf(parsed), "; ")))
			}
			if diff := cmp.Diff(test.want, strings.Join(got, "\n")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// What another catalog answers is an entity, whatever its group and wherever its file stands.
func TestCertain(t *testing.T) {
	for text, wantProblem := range map[string]string{
		`{"apiVersion": "acme.example/v1", "kind": "Robot", "metadata": {"name": "r2"}}`:                        "unknown-kind",
		`{"apiVersion": "backstage.io/v1alpha1", "kind": "User", "metadata": {"name": "${{ x }}"}, "spec": {}}`: "invalid-format",
		`{}`: "missing-field",
	} {
		options := descriptor.Options{Location: "app/skeleton/robots.yaml"}
		if result := descriptor.Parse([]byte(text), options); !result.NotCatalog && !result.Documents[0].Template {
			t.Errorf("%s is an entity without anybody's word", text)
		}
		options.Certain = true
		result := descriptor.Parse([]byte(text), options)
		if result.NotCatalog || len(result.Documents) != 1 || result.Documents[0].Template {
			t.Errorf("%s is not taken for an entity: %+v", text, result)
		} else if problems := result.Documents[0].Problems; !hasCode(problems, wantProblem) {
			t.Errorf("%s: no problem %s among %v", text, wantProblem, problems)
		}
	}
}

func hasCode(problems []catalog.Problem, code string) bool {
	return slices.ContainsFunc(problems, func(p catalog.Problem) bool { return p.Code == code })
}

func TestLocationSpec(t *testing.T) {
	text := "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: {name: all}\nspec:\n  type: url\n  target: ./a.yaml\n  targets:\n    - ./b.yaml\n    - https://example.com/*/c.yaml\n  presence: optional\n"
	result := descriptor.Parse([]byte(text), descriptor.Options{})
	want := &descriptor.LocationSpec{Type: "url", Optional: true, Targets: []descriptor.Target{
		{Target: "./a.yaml", Line: 6, Field: "spec.target"},
		{Target: "./b.yaml", Line: 8, Field: "spec.targets[0]"},
		{Target: "https://example.com/*/c.yaml", Line: 9, Field: "spec.targets[1]"},
	}}
	if diff := cmp.Diff(want, result.Documents[0].Location); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPlaceholders(t *testing.T) {
	files := map[string]string{
		"./about.md": "About it.", "deps.yaml": "- component:a\n- resource:b\n", "owner.json": `"team-a"`, "two.yaml": "a: b\n---\nc: d\n",
		"bad.json": "{a: b}", "spec.yaml": "type: service\nlifecycle: production\nowner: o\n", "wrong.yaml": "a: b\n",
	}
	var asked []string
	read := func(name string) ([]byte, error) {
		asked = append(asked, name)
		if text, ok := files[name]; ok {
			return []byte(text), nil
		}
		return nil, os.ErrNotExist
	}
	for _, test := range []struct {
		name, text string
		asked      []string
		problems   []string
		edges      []string
	}{
		{"text", withMetadata("description: {$text: ./about.md}"), []string{"./about.md"}, nil, []string{ownedByO}},
		{
			"yaml list", component("dependsOn: {$yaml: deps.yaml}"),
			[]string{"deps.yaml"},
			nil,
			[]string{ownedByO, "dependsOn component:default/a", "dependsOn resource:default/b"},
		},
		{"json text", document("System", "", "owner: {$json: owner.json}"), []string{"owner.json"}, nil, []string{"ownedBy group:default/team-a"}},
		{"a whole spec", strings.Replace(component(""), "spec: {type: service, lifecycle: production, owner: o}", "spec: {$yaml: spec.yaml}", 1), []string{"spec.yaml"}, nil, []string{ownedByO}},
		{"definitions are not read", document("API", "", "type: openapi, lifecycle: production, owner: o, definition: {$text: ./gone.yaml}"), nil, nil, []string{ownedByO}},
		{"fields of nobody are not read", component("x: {$yaml: gone.yaml}"), nil, nil, []string{ownedByO}},
		{"URLs are not read", component("dependsOn: {$yaml: https://example.com/x.yaml}"), nil, nil, []string{ownedByO}},
		{"a missing file", component("dependsOn: {$yaml: gone.yaml}"), []string{"gone.yaml"}, []string{"4 WARNING unresolved-placeholder spec.dependsOn"}, []string{ownedByO}},
		{"two documents", component("dependsOn: {$yaml: two.yaml}"), []string{"two.yaml"}, []string{"4 WARNING unresolved-placeholder spec.dependsOn"}, []string{ownedByO}},
		{"no JSON", component("dependsOn: {$json: bad.json}"), []string{"bad.json"}, []string{"4 WARNING unresolved-placeholder spec.dependsOn"}, []string{ownedByO}},
		{"the wrong thing", component("dependsOn: {$yaml: wrong.yaml}"), []string{"wrong.yaml"}, []string{"4 ERROR wrong-type spec.dependsOn"}, nil},
		{"no path", component("dependsOn: {$yaml: [a]}"), nil, []string{"4 ERROR invalid-placeholder spec.dependsOn"}, nil},
		{"the name cannot be one", strings.Replace(component(""), "name: t", "name: {$text: ./about.md}", 1), nil, []string{"3 ERROR wrong-type metadata.name"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			asked = nil
			parsed := descriptor.Parse([]byte(test.text), descriptor.Options{Location: "x.yaml", Read: read}).Documents[0]
			if diff := cmp.Diff(test.asked, asked); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.problems, problemsOf(parsed)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.edges, edgesOf(parsed)); diff != "" {
				t.Errorf("edges (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPlaceholdersAreBounded(t *testing.T) {
	reads := 0
	read := func(string) ([]byte, error) {
		reads++
		if reads > 100 {
			return nil, errors.New("read too often")
		}
		return make([]byte, 1<<20), nil
	}
	var text strings.Builder
	for range 1000 {
		text.WriteString("---\n" + withMetadata("description: {$text: big.txt}"))
	}
	result := descriptor.Parse([]byte(text.String()), descriptor.Options{Read: read})
	if len(result.Documents) != 1000 || reads > 20 {
		t.Errorf("%d documents, %d reads of 1 MiB", len(result.Documents), reads)
	}
}
