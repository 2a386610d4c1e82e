package edges_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/scanners/kubernetes/edges"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

func TestMesh(t *testing.T) {
	versions := workload("b", bare) + `---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: b-v2}, spec: {template: {metadata: {labels: {app: b, version: v2}}, spec: {containers: [{name: main}]}}}}
---
{apiVersion: networking.istio.io/v1, kind: DestinationRule, metadata: {name: b}, spec: {host: b, subsets: [{name: two, labels: {version: v2}}]}}
`
	route := func(gateways, destination string) string {
		return "---\n{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {name: v}, spec: {hosts: ['*'], gateways: " + gateways +
			", http: [{route: [{destination: " + destination + "}]}]}}\n"
	}
	gateway := func(selector string) string {
		return "---\n{apiVersion: networking.istio.io/v1, kind: Gateway, metadata: {name: g}, spec: {selector: " + selector + "}}\n"
	}
	for _, test := range []struct {
		name      string
		manifests []string
		want      []string
	}{
		{
			"a gateway that is not there",
			[]string{versions, gateway("{app: x, istio: ingress}"), route("[g]", "{host: b}")},
			[]string{"external:istio-ingress -> b http (service default/b)", "external:istio-ingress -> b-v2 http (service default/b)"},
		},
		{
			"one without the label istio",
			[]string{versions, gateway("{z: last, app: edge}"), route("[default/g]", "{host: b.default.svc.cluster.local, subset: two}")},
			[]string{"external:istio-edge -> b-v2 http"},
		},
		{
			"one that is there",
			[]string{versions, workload("edge", bare), gateway("{app: edge}"), route("[g, mesh]", "{host: b, subset: two}")},
			[]string{"edge -> b-v2 http"},
		},
		{"within the mesh", []string{versions, route("[mesh]", "{host: b}"), route("[]", "{host: b}")}, nil},
		{"a gateway that is not stated", []string{versions, route("[other]", "{host: b}")}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			inv := inventory.New("test")
			put(t, inv, "test.yaml", []byte(strings.Join(test.manifests, "\n")))
			if diff := cmp.Diff(test.want, told(inv)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPolicies(t *testing.T) {
	a, b := workload("a", env("B_URL", "http://b")), workload("b", bare)
	policy := func(name, spec string) string {
		return "---\n{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: " + name + "}, spec: " + spec + "}\n"
	}
	const stopped = "problem of test.deployment.a at spec.template.spec.containers[0].env[0].value: network-policy-contradicts the configuration suggests that default/b is needed"
	for _, test := range []struct {
		name     string
		policies string
		want     []string
	}{
		{"none", "", []string{"a -> b http"}},
		{
			"lets it pass by name", policy("p", "{podSelector: {matchLabels: {app: b}}, ingress: [{from: [{podSelector: {matchLabels: {app: a}}}]}]}"),
			[]string{"a -> b http", "a -> b http @policy.yaml"},
		},
		{"lets all pass", policy("p", "{podSelector: {matchLabels: {app: b}}, ingress: [{}]}"), []string{"a -> b http"}},
		{"is for another", policy("p", "{podSelector: {matchLabels: {app: c}}, ingress: []}"), []string{"a -> b http"}},
		{"denies all", policy("p", "{podSelector: {}, policyTypes: [Ingress]}"), []string{"a -> b http", stopped}},
		{
			"denies all, and another lets it pass", policy("p", "{podSelector: {}}") +
				policy("q", "{podSelector: {matchLabels: {app: b}}, ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: default}}}]}]}"),
			[]string{"a -> b http"},
		},
		{
			"lets only others pass", policy("p", "{podSelector: {matchLabels: {app: b}}, ingress: [{from: [{podSelector: {matchLabels: {app: c}}}]}]}"),
			[]string{"a -> b http", stopped},
		},
		{
			"does not let the source out", policy("p", "{podSelector: {matchLabels: {app: a}}, policyTypes: [Egress], egress: [{to: [{podSelector: {matchLabels: {app: c}}}]}]}"),
			[]string{"a -> b http", stopped},
		},
		{
			"lets the source out to any address", policy("p", "{podSelector: {matchLabels: {app: a}}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0}}]}]}"),
			[]string{"a -> b http"},
		},
		{"alone", policy("p", "{podSelector: {matchLabels: {app: a}}, ingress: [{from: [{podSelector: {matchLabels: {app: b}}}]}]}"), []string{"a -> b http"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			inv := inventory.New("test")
			put(t, inv, "test.yaml", []byte(a+b))
			put(t, inv, "policy.yaml", []byte(test.policies))
			if diff := cmp.Diff(test.want, told(inv)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestNamespaces says on which other namespaces a result rests.
func TestNamespaces(t *testing.T) {
	inv := inventory.New("test")
	put(t, inv, "test.yaml", []byte(workload("a", env("B", "http://b.other", "C", "http://c.absent", "D", "x.y"))+
		"---\n{apiVersion: v1, kind: Service, metadata: {name: z, namespace: other}}\n---\n{apiVersion: v1, kind: Service, metadata: {name: z, namespace: third}}\n"))
	inferred := edges.Infer(inv, "default")
	if len(inferred) != 1 || inferred[0].Scope != "edges/default/deployment/a" {
		t.Fatalf("%+v", inferred)
	}
	if diff := cmp.Diff([]string{"other"}, inferred[0].Namespaces); diff != "" {
		t.Error(diff)
	}
}
