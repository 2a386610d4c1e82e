package facts_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/facts"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// TestRareLinks goes through changes of which one follows from another object by a way that random ones seldom take.
func TestRareLinks(t *testing.T) {
	running := func(name, labels, owner string) string {
		return "apiVersion: v1\nkind: Pod\nmetadata: {name: " + name + ", namespace: shop, labels: {" + labels + "}, ownerReferences: [" + owner + "]}\n" +
			"spec: {nodeName: n1, containers: []}\nstatus: {phase: Running}\n"
	}
	by := func(api, kind, name string) string {
		return "{apiVersion: " + api + ", kind: " + kind + ", name: " + name + ", controller: true}"
	}
	set := func(name, owner string) string {
		return "apiVersion: apps/v1\nkind: ReplicaSet\nmetadata: {name: " + name + ", namespace: shop, ownerReferences: [" + owner + "]}\n" +
			"spec: {template: {metadata: {labels: {app: x}}, spec: {containers: []}}}\n"
	}
	stateful := func(replicas string) string {
		return "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: db, namespace: shop}\n" +
			"spec: {replicas: " + replicas + ", template: {metadata: {labels: {app: db}}, spec: {containers: [{name: c}]}}}\n"
	}
	scaled := func(replicas string) string {
		return strings.Replace(pod(""), "spec: {selector", "spec: {replicas: "+replicas+", selector", 1)
	}
	calls := func(url string) string {
		return deployment("a", `containers: [{name: c, env: [{name: PEER_URL, value: "`+url+`"}]}]`)
	}
	lost := strings.Replace(web, "selector: {app: a}, ", "", 1)
	lostSlice := strings.Replace(idle, "[]", "[{targetRef: {kind: Pod, name: p}}]", 1)
	other := strings.ReplaceAll(deployment("peer", `containers: [{name: c}]`), "shop", "bank")
	peer := func(address string) string {
		return "\napiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: bank}\n" +
			"spec: {" + address + "selector: {app: peer}, ports: [{port: 80}]}\n"
	}
	for name, steps := range map[string][]string{
		"the workload of a Gateway comes last": {
			pod("") + web + strings.Replace(virtualService("{destination: {host: web}}"), "hosts:", "gateways: [edge/g], hosts:", 1) +
				"---\napiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: g, namespace: edge}\nspec: {selector: {app: peer}}\n---" + peer(""),
			other,
		},
		"a Service gets the address that is called": {
			calls("http://10.0.0.9:80/") + "---" + other + "---" + peer(""), peer("clusterIP: 10.0.0.9, "),
		},
		"the namespace that is called comes": {calls("http://web.bank:80/"), other + "---" + peer("")},
		"a host that is called becomes its own": {
			calls("https://shop.acme.com/") + web,
			"apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i, namespace: shop}\nspec: {rules: [{host: shop.acme.com, http: " +
				"{paths: [{path: /, backend: {service: {name: web, port: {number: 80}}}}]}}]}\n",
		},
		"a ReplicaSet takes back pods that were taken for another's": {
			pod("") + "---\n" + running("p", "pod-template-hash: x1", by("apps/v1", "ReplicaSet", "a-x1")), set("a-x1", ""),
		},
		"the pod that a slice names comes": {
			pod("") + lost + lostSlice + "---\n" + set("a-x1", by("apps/v1", "Deployment", "a")),
			running("p", "app: a", by("apps/v1", "ReplicaSet", "a-x1")),
		},
		"the pod that a slice names changes hands": {
			pod("") + lost + lostSlice + "---\n" + set("a-x1", by("apps/v1", "Deployment", "a")) + "---\n" + stateful("1") +
				"---\n" + running("p", "app: a", by("apps/v1", "ReplicaSet", "a-x1")),
			running("p", "app: a", by("apps/v1", "StatefulSet", "db")),
		},
		"a ReplicaSet goes that came before its Deployment": {
			set("first", by("apps/v1", "Deployment", "a")) + "---\n" + running("p", "app: a", by("apps/v1", "ReplicaSet", "first")),
			pod(""), "delete replicasets shop first",
		},
		"the one pod that a Service selects comes": {
			stateful("1") + service(`selector: {statefulset.kubernetes.io/pod-name: db-2}`), stateful("3"),
		},
		"what was scaled to nothing is to run": {scaled("0") + web + idle, scaled("1")},
	} {
		t.Run(name, func(t *testing.T) {
			inv := inventory.New("prod")
			d := facts.NewDeriver(inv, catalog.Observed)
			for i, step := range steps {
				apply(t, inv, d, step)
				d.Derive()
				anew := facts.NewDeriver(inv, catalog.Observed)
				anew.Derive()
				if diff := cmp.Diff(state(t, anew), state(t, d)); diff != "" {
					t.Fatalf("step %d: incremental differs from anew (-anew +incremental):\n%s", i, diff)
				}
			}
		})
	}
}

// apply puts the objects of manifests, or deletes the one that is named.
func apply(t *testing.T, inv *inventory.Inventory, d *facts.Deriver, step string) {
	t.Helper()
	if words := strings.Fields(step); words[0] == "delete" {
		key := inventory.Key{Kind: inventory.Kind(words[1]), Namespace: words[2], Name: words[3]}
		inv.Delete(key)
		d.Changed(key)
		return
	}
	for _, key := range read(t, inv, step, false) {
		d.Changed(key)
	}
}
