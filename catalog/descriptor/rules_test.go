package descriptor_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/jsonschema-go/jsonschema"
	"go.yaml.in/yaml/v3"

	"github.com/orrery-catalog/orrery/catalog/descriptor"
)

// document is the text of an entity with the given kind, metadata beside the name, and spec, all in flow style so that
// metadata stands in line 3 and spec in line 4.
func document(kind, metadata, spec string) string {
	if metadata != "" {
		metadata = ", " + metadata
	}
	version := "backstage.io/v1alpha1"
	if kind == "Journey" {
		version = "orrery.dev/v1alpha1"
	}
	return fmt.Sprintf("apiVersion: %s\nkind: %s\nmetadata: {name: t%s}\nspec: {%s}\n", version, kind, metadata, spec)
}

func component(more string) string {
	if more != "" {
		more = ", " + more
	}
	return document("Component", "", "type: service, lifecycle: production, owner: o"+more)
}

func withMetadata(metadata string) string {
	return document("Component", metadata, "type: service, lifecycle: production, owner: o")
}

func problemsOf(parsed descriptor.Parsed) []string {
	var out []string
	for _, p := range parsed.Problems {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%d %s %s %s", p.Line, p.Severity, p.Code, p.Field)))
	}
	return out
}

func edgesOf(parsed descriptor.Parsed) []string {
	if parsed.Document == nil {
		return nil
	}
	var out []string
	for _, e := range parsed.Document.Claims[0].Edges {
		s := fmt.Sprintf("%s %s", e.Type, e.Target.Ref)
		if e.Reverse {
			s = fmt.Sprintf("%s of %s", e.Type, e.Target.Ref)
		}
		for _, detail := range []string{e.Strength.String(), e.Role.String(), e.AnyOf, e.Fallback} {
			if detail != "" {
				s += " " + detail
			}
		}
		if e.CallsPerRequest != 0 {
			s += fmt.Sprintf(" %gx", e.CallsPerRequest)
		}
		if e.Timeout != 0 {
			s += " " + e.Timeout.String()
		}
		out = append(out, s)
	}
	return out
}

const ownedByO = "ownedBy group:default/o"

// rules are one document each, with Backstage's own verdict on it unless own is set.
var rules = []struct {
	name     string
	text     string
	problems []string // empty = accepted without a word
	edges    []string // nil = not looked at
	own      bool     // we differ on purpose, or the fields are ours
	noSchema bool     // a schema cannot tell
}{
	{
		name: "every relation of a component", text: component(
			`dependsOn: [component:b, "resource:x/y"], consumesApis: [ApiC], providesApis: [ns2/api-d], system: S, subcomponentOf: a2, dependencyOf: ["component:z"]`),
		edges: []string{
			ownedByO, "partOf system:default/s", "partOf component:default/a2", "providesApi api:ns2/api-d",
			"consumesApi api:default/apic", "dependsOn component:default/b", "dependsOn resource:x/y",
			"dependsOn of component:default/z",
		},
	},
	{
		name: "bare dependsOn", text: component("dependsOn: [b]"), own: true,
		problems: []string{"4 WARNING bare-reference spec.dependsOn[0]"}, edges: []string{ownedByO, "dependsOn component:default/b"},
	},
	{name: "missing owner", text: document("Component", "", "type: a, lifecycle: b"), problems: []string{"4 ERROR missing-field spec.owner"}},
	{name: "missing fields are all told", text: document("Component", "", ""), problems: []string{
		"4 ERROR missing-field spec.lifecycle", "4 ERROR missing-field spec.owner", "4 ERROR missing-field spec.type",
	}},
	{name: "no spec", text: "apiVersion: backstage.io/v1alpha1\nkind: System\nmetadata: {name: t}\n", problems: []string{"1 ERROR missing-field spec"}},
	{name: "spec is a list", text: "apiVersion: backstage.io/v1alpha1\nkind: System\nmetadata: {name: t}\nspec: []\n", problems: []string{"4 ERROR wrong-type spec"}},
	{name: "no metadata", text: "apiVersion: backstage.io/v1alpha1\nkind: System\nspec: {owner: o}\n", problems: []string{"1 ERROR missing-field metadata"}},
	{name: "no name", text: "apiVersion: backstage.io/v1alpha1\nkind: System\nmetadata: {}\nspec: {owner: o}\n", problems: []string{"3 ERROR missing-field metadata.name"}},
	{name: "no kind", text: "apiVersion: backstage.io/v1alpha1\nmetadata: {name: t}\nspec: {owner: o}\n", problems: []string{"1 ERROR missing-field kind"}},
	{name: "name with a space", text: strings.Replace(component(""), "name: t", "name: a b", 1), problems: []string{"3 ERROR invalid-format metadata.name"}},
	{name: "name of 63", text: strings.Replace(component(""), "name: t", "name: "+strings.Repeat("a", 63), 1)},
	{name: "name of 64", text: strings.Replace(component(""), "name: t", "name: "+strings.Repeat("a", 64), 1), problems: []string{"3 ERROR invalid-format metadata.name"}},
	{name: "name with dots, dashes and case", text: strings.Replace(component(""), "name: t", "name: A..b--C_d.x", 1)},
	{name: "name is a number", text: strings.Replace(component(""), "name: t", "name: 123", 1), problems: []string{"3 ERROR wrong-type metadata.name"}},
	{name: "name is empty", text: strings.Replace(component(""), "name: t", `name: ""`, 1), problems: []string{"3 ERROR empty-value metadata.name"}},
	{name: "kind in lower case", text: document("component", "", "type: service, lifecycle: production, owner: o"), problems: []string{"2 ERROR unknown-kind kind"}, noSchema: true},
	{name: "misspelt kind", text: document("Componnet", "", "type: service, lifecycle: production, owner: o"), problems: []string{"2 ERROR unknown-kind kind"}, noSchema: true},
	{name: "kind with a dash", text: document("My-Kind", "", ""), problems: []string{"2 ERROR invalid-format kind"}},
	{
		name: "custom kind", text: document("Scorecard", "", "owner: o, dependsOn: [api:p]"), own: true, problems: []string{"2 WARNING unknown-kind kind"},
		edges: []string{ownedByO, "dependsOn api:default/p"},
	},
	{
		name: "template of the scaffolder", own: true, text: "apiVersion: scaffolder.backstage.io/v1beta3\nkind: Template\nmetadata: {name: t}\nspec: {owner: o, type: service, steps: []}\n",
		edges: []string{ownedByO},
	},
	{name: "v1beta1", text: strings.Replace(component(""), "v1alpha1", "v1beta1", 1)},
	{name: "v1", text: strings.Replace(component(""), "v1alpha1", "v1", 1), problems: []string{"1 ERROR unknown-api-version apiVersion"}},
	{
		name: "apiVersion with a dash", text: strings.Replace(component(""), "backstage.io/v1alpha1", "backstage.io/v1-alpha", 1),
		problems: []string{"1 ERROR invalid-format apiVersion"},
	},
	{name: "field at the root", text: component("") + "dependsOn: [component:b]\n", problems: []string{"5 ERROR unknown-field dependsOn"}},
	{name: "labels at the root", text: component("") + "labels: {a: b}\n", problems: []string{"5 ERROR unknown-field labels"}},
	{name: "namespace", text: withMetadata("namespace: team-1"), edges: []string{"ownedBy group:team-1/o"}},
	{name: "namespace in upper case", text: withMetadata("namespace: NS"), problems: []string{"3 ERROR invalid-format metadata.namespace"}},
	{name: "empty namespace", text: withMetadata(`namespace: ""`), problems: []string{"3 ERROR empty-value metadata.namespace"}},
	{
		name: "references inherit the namespace", text: document("Component", "namespace: x",
			"type: service, lifecycle: production, owner: o, dependsOn: [component:c], system: s, consumesApis: [default/q]"),
		edges: []string{"ownedBy group:x/o", "partOf system:x/s", "consumesApi api:default/q", "dependsOn component:x/c"},
	},
	{name: "tags", text: withMetadata(`tags: [c++, "c#", "a:b", a-b]`)},
	{name: "wrong tags", text: withMetadata("tags: [Java, a_b, a--b, node.js, 1]"), problems: []string{
		"3 ERROR invalid-format metadata.tags[0]", "3 ERROR invalid-format metadata.tags[1]", "3 ERROR invalid-format metadata.tags[2]",
		"3 ERROR invalid-format metadata.tags[3]", "3 ERROR wrong-type metadata.tags[4]",
	}},
	{name: "tags are null", text: withMetadata("tags: null"), problems: []string{"3 ERROR wrong-type metadata.tags"}},
	{name: "labels", text: withMetadata(`labels: {example.com/x: "", y: A_b.c-D}`)},
	{name: "label is a number", text: withMetadata("labels: {tier: 1}"), problems: []string{`3 ERROR wrong-type metadata.labels["tier"]`}},
	{name: "label value", text: withMetadata("labels: {a: b c}"), problems: []string{`3 ERROR invalid-format metadata.labels["a"]`}},
	{name: "label keys", text: withMetadata("labels: {X.io/a: b, x_y/a: b, a/b/c: d}"), problems: []string{
		`3 ERROR invalid-format metadata.labels["X.io/a"]`, `3 ERROR invalid-format metadata.labels["a/b/c"]`, `3 ERROR invalid-format metadata.labels["x_y/a"]`,
	}},
	{name: "annotation key", text: withMetadata("annotations: {bad key: x}"), problems: []string{`3 ERROR invalid-format metadata.annotations["bad key"]`}},
	{name: "annotation is null", text: withMetadata("annotations: {a: null}"), problems: []string{`3 ERROR wrong-type metadata.annotations["a"]`}},
	{name: "annotations are null", text: withMetadata("annotations: null")},
	{name: "annotations are a text", text: withMetadata("annotations: x"), problems: []string{"3 ERROR wrong-type metadata.annotations"}},
	{name: "labels are null", text: withMetadata("labels: null"), problems: []string{"3 ERROR wrong-type metadata.labels"}},
	{name: "title is a number", text: withMetadata("title: 012"), problems: []string{"3 ERROR wrong-type metadata.title"}},
	{name: "title is empty", text: withMetadata(`title: ""`), problems: []string{"3 ERROR empty-value metadata.title"}},
	{name: "description may be empty, and dates are texts", text: withMetadata(`description: "", title: 2024-01-02`)},
	{name: "links", text: withMetadata(`links: [{url: "https://a.b", title: A, icon: b, type: c}, {url: "mailto:a@b"}, {url: "slack://channel?id=1"}]`)},
	{name: "link without url", text: withMetadata("links: [{title: a}]"), problems: []string{"3 ERROR missing-field metadata.links[0].url"}},
	{name: "link to nowhere", text: withMetadata("links: [{url: /docs}]"), problems: []string{"3 ERROR invalid-format metadata.links[0].url"}},
	{name: "link with an empty url", text: withMetadata(`links: [{url: ""}]`), problems: []string{"3 ERROR empty-value metadata.links[0].url"}},
	{name: "link with a blank title", text: withMetadata(`links: [{url: "x:y", title: " "}]`), problems: []string{"3 ERROR empty-value metadata.links[0].title"}},
	{name: "links are null", text: withMetadata("links: null"), problems: []string{"3 ERROR wrong-type metadata.links"}},
	{name: "other metadata is free", text: withMetadata("backstage.spotify.com/location: x, colour: red")},
	{
		name: "yes, on and off are texts", text: document("Component", "annotations: {a/b: on, c: off}", "type: service, lifecycle: production, owner: yes"),
		edges: []string{"ownedBy group:default/yes"},
	},
	{name: "owner is a boolean", text: document("Component", "", "type: service, lifecycle: production, owner: true"), problems: []string{"4 ERROR wrong-type spec.owner"}},
	{name: "owner is empty", text: document("System", "", `owner: ""`), problems: []string{"4 ERROR empty-value spec.owner"}},
	{name: "owner is a compound reference", text: document("System", "", "owner: {kind: Group, name: a}"), problems: []string{"4 ERROR wrong-type spec.owner"}},
	{name: "owner without a name", text: document("System", "", `owner: "group:"`), problems: []string{"4 ERROR invalid-reference spec.owner"}, noSchema: true},
	{name: "owner with three parts", text: document("System", "", "owner: group:x/y/z"), edges: []string{"ownedBy group:x/y/z"}},
	{name: "owner is a user, in any case", text: document("System", "", "owner: User:Default/Jane.Doe"), edges: []string{"ownedBy user:default/jane.doe"}},
	{name: "owner is an address", text: document("System", "", `owner: "@org/team"`), edges: []string{"ownedBy group:@org/team"}},
	{name: "owner is a domain", text: document("System", "", "owner: domain:d"), problems: []string{"4 WARNING unexpected-kind spec.owner"}, edges: []string{"ownedBy domain:default/d"}},
	{name: "dependsOn is a text", text: component("dependsOn: component:x"), problems: []string{"4 ERROR wrong-type spec.dependsOn"}},
	{name: "dependsOn is null", text: component("dependsOn: null"), problems: []string{"4 ERROR wrong-type spec.dependsOn"}},
	{name: "dependsOn holds an empty text", text: component(`dependsOn: [""]`), problems: []string{"4 ERROR empty-value spec.dependsOn[0]"}},
	{name: "dependsOn holds a map", text: component("dependsOn: [{kind: API, name: a}]"), problems: []string{"4 ERROR wrong-type spec.dependsOn[0]"}},
	{
		name: "itself, three times", text: component("dependsOn: [component:t, component:T, Component:default/t]"), problems: []string{
			"4 WARNING self-dependency spec.dependsOn[0]", "4 WARNING self-dependency spec.dependsOn[1]", "4 WARNING self-dependency spec.dependsOn[2]",
		},
		edges: []string{ownedByO, "dependsOn component:default/t"},
	},
	{name: "dependencyOf has no schema", text: component("dependencyOf: component:z"), edges: []string{ownedByO, "dependsOn of component:default/z"}},
	{name: "dependencyOf may be compound", text: component("dependencyOf: [{kind: Component, name: Z, namespace: n}]"), edges: []string{ownedByO, "dependsOn of component:n/z"}},
	{name: "dependencyOf may be false", text: component("dependencyOf: false"), edges: []string{ownedByO}},
	{name: "dependencyOf holds a number", text: component("dependencyOf: [1]"), problems: []string{"4 ERROR wrong-type spec.dependencyOf[0]"}, noSchema: true},
	{
		name: "group", text: document("Group", "namespace: org", "type: team, children: [c1], parent: default/p, members: [u1]"),
		edges: []string{"memberOf group:default/p", "memberOf of group:org/c1", "memberOf of user:org/u1"},
	},
	{name: "group without children", text: document("Group", "", "type: team"), problems: []string{"4 ERROR missing-field spec.children"}},
	{name: "user", text: document("User", "", "profile: {displayName: U, email: u@example.com}, memberOf: [g]"), edges: []string{"memberOf group:default/g"}},
	{name: "user without memberOf", text: document("User", "", "profile: {displayName: U}"), problems: []string{"4 ERROR missing-field spec.memberOf"}},
	{name: "profile with a number", text: document("User", "", "memberOf: [], profile: {displayName: 1}"), problems: []string{"4 ERROR wrong-type spec.profile.displayName"}},
	{name: "domain", text: document("Domain", "", "owner: o, subdomainOf: p"), edges: []string{ownedByO, "partOf domain:default/p"}},
	{name: "system", text: document("System", "", "owner: o, domain: d"), edges: []string{ownedByO, "partOf domain:default/d"}},
	{
		name: "resource", text: document("Resource", "", "type: database, owner: o, dependsOn: [resource:d], system: s"),
		edges: []string{ownedByO, "partOf system:default/s", "dependsOn resource:default/d"},
	},
	{name: "api", text: document("API", "", "type: openapi, lifecycle: production, owner: o, definition: x"), edges: []string{ownedByO}},
	{name: "api with a placeholder", text: document("API", "", "type: openapi, lifecycle: production, owner: o, definition: {$text: ./x.yaml}")},
	{name: "api with a map", text: document("API", "", "type: openapi, lifecycle: production, owner: o, definition: {a: 1}"), problems: []string{"4 ERROR wrong-type spec.definition"}},
	{name: "api with half a placeholder", text: document("API", "", "type: openapi, lifecycle: production, owner: o, definition: {$text: ./x.yaml, a: b}"), problems: []string{"4 ERROR wrong-type spec.definition"}},
	{name: "api with an unknown placeholder", text: document("API", "", "type: openapi, lifecycle: production, owner: o, definition: {$file: ./x.yaml}"), problems: []string{"4 ERROR wrong-type spec.definition"}},
	{name: "placeholder beside another $", text: document("API", "", "type: openapi, lifecycle: production, owner: o, $x: y, definition: {$text: ./x.yaml}"), problems: []string{"4 ERROR wrong-type spec.definition"}, noSchema: true},
	{name: "api with an OpenAPI placeholder", own: true, text: document("API", "", "type: openapi, lifecycle: production, owner: o, definition: {$openapi: ./x.yaml}")},
	{name: "mcp server", own: true, text: document("API", "", `type: mcp-server, lifecycle: production, owner: o, remotes: [{type: sse, url: "https://x"}]`)},
	{name: "mcp server with a wrong remote", text: document("API", "", `type: mcp-server, lifecycle: production, owner: o, remotes: [{type: sse}]`), problems: []string{"4 ERROR missing-field spec.remotes[0].url"}},
	{name: "location", text: document("Location", "", "targets: [./a.yaml, ./b/*.yaml], presence: optional"), edges: []string{}},
	{name: "location with a strange presence", text: document("Location", "", "target: ./a.yaml, presence: maybe"), problems: []string{"4 ERROR invalid-format spec.presence"}},
	{name: "location of a folder", text: document("Location", "", "type: file, target: ./a/"), problems: []string{"4 ERROR invalid-format spec.target"}, noSchema: true},
	{name: "location of a discovery", own: true, text: document("Location", "", `type: github-discovery, target: "https://github.com/x"`), problems: []string{"4 WARNING location-type spec.type"}},
	{name: "extra fields are free", text: component("custom: {a: [1]}")},

	{name: "misspelt dependsOn", text: component("depedencyOf: [component:b], dependson: [component:c]"), problems: []string{
		"4 WARNING misspelt-field spec.depedencyOf", "4 WARNING misspelt-field spec.dependson",
	}, edges: []string{ownedByO}},
	{name: "misspelt APIs", text: component("providesAPI: [a], consumesApi: [b], implementsApis: [c], apiConsumedBy: [d]"), problems: []string{
		"4 WARNING misspelt-field spec.apiConsumedBy", "4 WARNING misspelt-field spec.consumesApi",
		"4 WARNING misspelt-field spec.implementsApis", "4 WARNING misspelt-field spec.providesAPI",
	}, edges: []string{ownedByO}},
	{name: "misspelt parts", text: component("subComponentOf: a, subcomponents: [b]"), problems: []string{
		"4 WARNING misspelt-field spec.subComponentOf", "4 WARNING misspelt-field spec.subcomponents",
	}, edges: []string{ownedByO}},
	{name: "misspelt owner is named where it is missing", text: document("System", "", "Owner: o"), problems: []string{
		"4 WARNING misspelt-field spec.Owner", "4 ERROR missing-field spec.owner",
	}},
	{name: "misplaced fields", text: withMetadata("owner: x, lifecycle: y, lable: {a: b}"), problems: []string{
		"3 WARNING misplaced-field metadata.lifecycle", "3 WARNING misplaced-field metadata.owner",
	}},
	{name: "fields of other kinds", text: document("System", "", "owner: o, dependsOn: [component:b], tags: [c], lifecycle: production"), problems: []string{
		"4 WARNING misplaced-field spec.dependsOn", "4 WARNING misplaced-field spec.tags",
	}, edges: []string{ownedByO}},

	{
		name: "anchors", text: "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: t\n  labels: &l {team: a}\n  annotations: *l\nspec: {type: &x service, lifecycle: *x, owner: *x}\n",
		edges: []string{"ownedBy group:default/service"},
	},
	{
		name: "merge keys are keys like any other", text: "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: t, annotations: &a {type: service}}\nspec: {<<: *a, lifecycle: production, owner: o}\n",
		problems: []string{"4 ERROR missing-field spec.type"}, noSchema: true,
	},
	{name: "an alias within what it repeats", text: component("x: &a [*a]"), problems: []string{"4 ERROR yaml-alias"}, noSchema: true},
	{name: "an unknown alias", text: component("x: *a"), problems: []string{"4 ERROR yaml-syntax"}, noSchema: true},
	{name: "duplicate key", text: strings.Replace(component(""), "name: t", "name: t, name: u", 1), problems: []string{"3 ERROR duplicate-key"}, noSchema: true},
	{name: "a tab as indentation", text: "apiVersion: backstage.io/v1alpha1\nkind: System\nmetadata:\n\tname: t\nspec: {owner: o}\n", problems: []string{"4 ERROR yaml-syntax"}, noSchema: true},
	{name: "a tab before a comment", text: "apiVersion: backstage.io/v1alpha1\nkind: System\nmetadata:\n  name: t\n\t# x\nspec: {owner: o}\n", noSchema: true},
	{name: "a tab behind a dash", text: "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata:\n  name: t\nspec:\n  targets:\n    -\t ./a.yaml\n    - \thttps://a.b/c\n", noSchema: true},
	{name: "an open quote", text: "apiVersion: backstage.io/v1alpha1\nkind: System\nmetadata:\n  name: t\n  description: \"open\n  title: x\nspec: {owner: \"o\"}\n", problems: []string{"7 ERROR yaml-syntax"}, noSchema: true},
	{name: "a bracket closed too far left", text: "apiVersion: backstage.io/v1alpha1\nkind: System\nmetadata:\n  name: t\n  tags: [\n    a,\n]\nspec: {owner: o}\n", problems: []string{"7 ERROR yaml-syntax"}, noSchema: true},
	{name: "a bracket closed below its key", text: "apiVersion: backstage.io/v1alpha1\nkind: System\nmetadata:\n  name: t\n  tags: [\n    a,\n  ]\nspec: {owner: o}\n", noSchema: true},
	{name: "control characters are content", text: "apiVersion: backstage.io/v1alpha1\nkind: System\nmetadata:\n  name: t\n  title: a\x07b\u0085c\u2028d\nspec: {owner: o}\n", noSchema: true},
	{name: "a map as a key", text: component("x: {{a: b}: c}"), noSchema: true},
	{name: "windows line ends and a byte order mark", text: "\ufeff" + strings.ReplaceAll(component(""), "\n", "\r\n"), noSchema: true},
	{name: "json", text: `{"apiVersion": "backstage.io\/v1alpha1", "kind": "System", "metadata": {"name": "t"}, "spec": {"owner": "o"}}`, edges: []string{ownedByO}, noSchema: true},

	{
		name: "details of a dependency", own: true, text: component(
			`dependencies: [{ref: component:pricing, strength: SOFT, fallback: cached, callsPerRequest: 2, timeout: 300ms}, {ref: component:a, anyOf: psp}, {ref: component:b, anyOf: psp}, {ref: resource:topic, role: Publish}, component:currency]`),
		edges: []string{
			ownedByO, "dependsOn component:default/pricing SOFT cached 2x 300ms", "dependsOn component:default/a psp",
			"dependsOn component:default/b psp", "dependsOn resource:default/topic PUBLISH", "dependsOn component:default/currency",
		},
	},
	{
		name: "details win over the plain relation", own: true, text: component(
			`dependsOn: [component:a], consumesApis: [p], dependencies: [{ref: component:a, strength: async}, {ref: api:p, strength: soft}]`),
		edges: []string{ownedByO, "consumesApi api:default/p SOFT", "dependsOn component:default/a ASYNC"},
	},
	{
		name: "the stricter of two entries counts", own: true, text: component(
			`dependencies: [{ref: component:a, strength: soft}, {ref: component:a}, {ref: component:a, strength: async}]`), problems: []string{
			"4 WARNING duplicate-dependency spec.dependencies[1]", "4 WARNING duplicate-dependency spec.dependencies[2]",
		},
		edges: []string{ownedByO, "dependsOn component:default/a"}, noSchema: true,
	},
	{
		name: "both sides of a topic are no repetition", own: true, text: component(
			`dependsOn: [resource:retries], dependencies: [{ref: resource:retries, role: publish, timeout: 1s}, {ref: resource:retries, role: consume, strength: soft}]`),
		edges: []string{ownedByO, "dependsOn resource:default/retries PUBLISH 1s", "dependsOn resource:default/retries SOFT CONSUME"},
	},
	{
		name: "one side of a topic twice", own: true, text: component(
			`consumesApis: [t], dependencies: [{ref: api:t, role: consume}, {ref: api:t, role: publish}, {ref: api:t, role: consume, strength: soft}, {ref: api:t}]`),
		problems: []string{"4 WARNING duplicate-dependency spec.dependencies[2]", "4 WARNING duplicate-dependency spec.dependencies[3]"},
		edges:    []string{ownedByO, "consumesApi api:default/t HARD CONSUME", "consumesApi api:default/t PUBLISH"}, noSchema: true,
	},
	{
		name: "a service that publishes to itself and consumes from itself is told once", own: true, text: component(
			`dependencies: [{ref: component:t, role: publish}, {ref: component:t, role: consume}]`),
		problems: []string{"4 WARNING self-dependency spec.dependencies[0]"}, noSchema: true,
	},
	{
		name: "the name that answers give both roles is none to write", own: true, text: component(
			`dependencies: [{ref: resource:t, role: publish_and_consume}]`),
		problems: []string{"4 WARNING invalid-value spec.dependencies[0].role"}, edges: []string{ownedByO, "dependsOn resource:default/t"},
	},
	{
		name: "an unknown strength counts as hard", own: true, text: component(`dependencies: [{ref: component:a, strength: firm}]`),
		problems: []string{"4 WARNING invalid-value spec.dependencies[0].strength"}, edges: []string{ownedByO, "dependsOn component:default/a HARD"},
	},
	{
		name: "wrong details are left out one by one", own: true, text: component(
			`dependencies: [{ref: component:a, role: both, timeout: 300, callsPerRequest: -1, fallback: [x], anyOf: 1, timout: 1s}]`), problems: []string{
			"4 WARNING invalid-value spec.dependencies[0].anyOf", "4 WARNING invalid-value spec.dependencies[0].callsPerRequest",
			"4 WARNING invalid-value spec.dependencies[0].fallback", "4 WARNING invalid-value spec.dependencies[0].role",
			"4 WARNING invalid-value spec.dependencies[0].timeout", "4 WARNING misspelt-field spec.dependencies[0].timout",
		},
		edges: []string{ownedByO, "dependsOn component:default/a 1"},
	},
	{
		name: "entries that name nobody", own: true, text: component(`dependencies: [{strength: soft}, 1, {ref: "component:"}, x]`), problems: []string{
			"4 WARNING invalid-value spec.dependencies[0].ref", "4 WARNING invalid-value spec.dependencies[1]",
			"4 WARNING invalid-reference spec.dependencies[2].ref", "4 WARNING bare-reference spec.dependencies[3]",
		},
		edges: []string{ownedByO, "dependsOn component:default/x"},
	},
	{
		name: "dependencies are a text", own: true, text: component(`dependencies: component:a`), problems: []string{"4 WARNING invalid-value spec.dependencies"},
		edges: []string{ownedByO, "dependsOn component:default/a"},
	},
	{name: "dependencies of a user", text: document("User", "", "memberOf: [], dependencies: [component:a]"), problems: []string{"4 WARNING misplaced-field spec.dependencies"}, edges: []string{}},
	{name: "a dependency on itself", own: true, text: component("dependencies: [component:t]"), problems: []string{"4 WARNING self-dependency spec.dependencies[0]"}, noSchema: true},
	{name: "objective and capacity", own: true, text: component("slo: {availability: 99.95, window: 30d}, capacity: {requestsPerSecond: 800}")},
	{name: "a wrong objective", own: true, text: component("slo: {availability: 101, window: month}, capacity: {rps: 1}"), problems: []string{
		"4 WARNING invalid-value spec.capacity.requestsPerSecond", "4 WARNING misspelt-field spec.capacity.rps", "4 WARNING invalid-value spec.slo.availability",
	}},
	{
		name: "journey", own: true, text: document("Journey", "", "owner: group:payments, slo: {availability: 99.9}, steps: [{ref: component:storefront}, {ref: component:recommendations, strength: soft}]"),
		edges: []string{"ownedBy group:default/payments", "dependsOn component:default/storefront", "dependsOn component:default/recommendations SOFT"},
	},
	{name: "journey without steps", own: true, text: document("Journey", "", "owner: o, dependsOn: [component:a]"), problems: []string{
		"4 WARNING misplaced-field spec.dependsOn", "4 ERROR missing-field spec.steps",
	}},
	{name: "journey with empty steps", own: true, text: document("Journey", "", "steps: []"), problems: []string{"4 ERROR empty-value spec.steps"}},
	{
		name: "journey of Backstage", own: true, text: strings.Replace(document("Journey", "", "steps: [component:a]"), "orrery.dev", "backstage.io", 1),
		problems: []string{"1 ERROR unknown-api-version apiVersion"},
	},
	{name: "tier", own: true, text: withMetadata(`annotations: {orrery.dev/tier: "1"}`)},
	{name: "tier 5", own: true, text: withMetadata(`annotations: {orrery.dev/tier: "5"}`), problems: []string{`3 WARNING invalid-value metadata.annotations["orrery.dev/tier"]`}},
	{name: "misspelt annotations", text: withMetadata(`annotations: {orrery.dev/teir: "1", pagerduty/service-id: x}`), problems: []string{
		`3 WARNING misspelt-field metadata.annotations["orrery.dev/teir"]`, `3 WARNING misspelt-field metadata.annotations["pagerduty/service-id"]`,
	}},
}

func TestRules(t *testing.T) {
	for _, test := range rules {
		t.Run(test.name, func(t *testing.T) {
			result := descriptor.Parse([]byte(test.text), descriptor.Options{Location: "a/catalog-info.yaml"})
			checkShape(t, result, "a/catalog-info.yaml")
			if len(result.Documents) != 1 {
				t.Fatalf("%d documents", len(result.Documents))
			}
			parsed := result.Documents[0]
			if diff := cmp.Diff(test.problems, problemsOf(parsed)); diff != "" {
				t.Errorf("problems (-want +got):\n%s\n%v", diff, parsed.Problems)
			}
			if test.edges != nil {
				if diff := cmp.Diff(strings.Join(test.edges, "\n"), strings.Join(edgesOf(parsed), "\n")); diff != "" {
					t.Errorf("edges (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// TestSchema holds the published schema and Parse together: what Parse refuses, or calls an invalid value in our own
// fields, the schema refuses too.
func TestSchema(t *testing.T) {
	var schema jsonschema.Schema
	if err := json.Unmarshal(descriptor.Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	resolved, err := schema.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range rules {
		if test.noSchema {
			continue
		}
		t.Run(test.name, func(t *testing.T) {
			want := true
			for _, problem := range test.problems {
				if strings.Contains(problem, "ERROR") || strings.Contains(problem, "invalid-value") {
					want = false
				}
			}
			var instance any
			if err := yaml.Unmarshal([]byte(test.text), &instance); err != nil {
				t.Fatal(err)
			}
			// As JSON has it: texts for dates, numbers of one type.
			instance = asJSON(t, instance)
			if err := resolved.Validate(instance); (err == nil) != want {
				t.Errorf("the schema says %v, want accepted %v", err, want)
			}
		})
	}
}

func asJSON(t *testing.T, v any) any {
	t.Helper()
	var out any
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}
