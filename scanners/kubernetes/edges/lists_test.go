package edges_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/scanners/kubernetes/edges"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// takes is a workload that takes a whole ConfigMap as variables.
func takes(name, configMap string) string {
	return workload(name, fmt.Sprintf("      containers: [{name: main, envFrom: [{configMapRef: {name: %s}}]}]", configMap))
}

// picks is a workload that takes the hosts of the ConfigMap m one by one.
func picks(name string) string {
	s := "      containers:\n      - name: main\n        env:\n"
	for _, key := range []string{"P", "Q", "A", "B", "C"} {
		s += fmt.Sprintf("        - {name: %[1]s_HOST, valueFrom: {configMapKeyRef: {name: m, key: %[1]s_HOST}}}\n", key)
	}
	return workload(name, s)
}

// configMap writes one with the hosts, each as a variable.
func configMap(name string, hosts ...string) string {
	s := fmt.Sprintf("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\ndata:\n  LEVEL: info\n", name)
	for _, host := range hosts {
		s += fmt.Sprintf("  %s_HOST: %s\n", strings.ToUpper(host), host)
	}
	return s
}

// TestLists says from when on a list is everybody's.
func TestLists(t *testing.T) {
	targets := ""
	for _, name := range []string{"p", "q", "r", "s", "u"} {
		targets += workload(name, bare)
	}
	for _, test := range []struct {
		name      string
		manifests string
		want      []string
	}{
		{"its own", configMap("m", "p", "q", "r") + takes("a", "m"), []string{"a -> p", "a -> q", "a -> r"}},
		{
			"a worker beside", configMap("m", "p", "q", "r") + takes("a", "m") + takes("b", "m"),
			[]string{"a -> p", "a -> q", "a -> r", "b -> p", "b -> q", "b -> r"},
		},
		{"one host for all", configMap("m", "p") + takes("a", "m") + takes("b", "m") + takes("c", "m"), []string{"a -> p", "b -> p", "c -> p"}},
		{"everybody's", configMap("m", "p", "q", "a", "b") + takes("a", "m") + takes("b", "m") + takes("c", "m"), nil},
		{
			"of one who calls and one who is called", configMap("m", "p", "q", "a") + takes("a", "m") + takes("c", "m"),
			[]string{"c -> a", "c -> p", "c -> q"},
		},
		{"all data stores for many", configMap("m", "p", "q", "r", "s", "u") + takes("a", "m") + takes("b", "m") + takes("c", "m") + takes("d", "m"), nil},
		{"copies", configMap("m1", "p", "q", "a", "b") + configMap("m2", "p", "q", "a", "b") + configMap("m3", "p", "q", "a", "b") +
			takes("a", "m1") + takes("b", "m2") + takes("c", "m3"), nil},
		{"copies without the reader", configMap("m1", "p", "q", "b", "c") + configMap("m2", "p", "q", "a", "c") + configMap("m3", "p", "q", "a", "b") +
			takes("a", "m1") + takes("b", "m2") + takes("c", "m3"), nil},
		{
			"keys that each picks", configMap("m", "p", "q", "r", "a", "b") + takes("a", "m") + takes("b", "m") + takes("d", "m") +
				workload("c", "      containers: [{name: main, env: [{name: DB_HOST, valueFrom: {configMapKeyRef: {name: m, key: P_HOST}}}, {name: DB_NAME, valueFrom: {configMapKeyRef: {name: m, key: Q_HOST}}}, {name: URL, value: \"http://$(DB_HOST)/\"}]}]"),
			[]string{"c -> p http"},
		},
		{"keys that a tool picked", configMap("m", "p", "q", "a", "b", "c") + picks("a") + picks("b") + picks("c"), nil},
		{
			"few variables that many have", workload("a", env("P_HOST", "p", "A_HOST", "a", "B_HOST", "b")) +
				workload("b", env("P_HOST", "p", "A_HOST", "a", "B_HOST", "b")) + workload("c", env("P_HOST", "p", "A_HOST", "a", "B_HOST", "b")),
			[]string{"a -> b", "a -> p", "b -> a", "b -> p", "c -> a", "c -> b", "c -> p"},
		},
		{
			"a prefix, and variables of its own", configMap("m", "p", "q") + workload("a", "      containers: [{name: main, envFrom: [{prefix: NO_PROXY_, configMapRef: {name: m}}, {prefix: X_, configMapRef: {name: m}}], env: [{name: X_Q_HOST, value: r}]}]"),
			[]string{"a -> p", "a -> r"},
		},
		{
			"a feature that is off", "---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: m}, data: {P_ENABLED: \"false\", P_URL: \"http://p\", Q_URL: \"http://q\"}}\n" + takes("a", "m"),
			[]string{"a -> q http"},
		},
		{
			"files", `---
apiVersion: v1
kind: ConfigMap
metadata: {name: m}
data:
  app.yml: "p: {host: p}\nname: q\nexternal: https://api.stripe.com\npartner: {url: https://api.adyen.com}\n"
  other.yml: "q: {host: q}"
  index.html: "<a href=http://r>r</a>"
` + workload("a", `
      containers:
      - {name: main, volumeMounts: [{name: v, mountPath: /etc/app}, {name: w, mountPath: /etc/w/other.yml, subPath: o/x.yml}, {name: j, mountPath: /j}]}
      - {name: other, image: "redis:7", volumeMounts: [{name: z, mountPath: /z}]}
      volumes:
      - {name: v, configMap: {name: m, items: [{key: app.yml, path: app.yml}, {key: index.html, path: i.html}]}}
      - {name: w, configMap: {name: m, items: [{key: other.yml, path: o/y.yml}]}}
      - {name: z, configMap: {name: m}}
      - {name: j, projected: {sources: [{configMap: {name: absent, optional: true}}]}}`),
			[]string{"a -> external:api.adyen.com http", "a -> p"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			inv := inventory.New("test")
			put(t, inv, "test.yaml", []byte(targets+test.manifests+takes("unrelated", "none")))
			if diff := cmp.Diff(test.want, told(inv)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestSidecar reads what the sidecar of Grafana hands to it.
func TestSidecar(t *testing.T) {
	inv := inventory.New("test")
	put(t, inv, "test.yaml", []byte(workload("p", bare)+workload("q", bare)+`---
{apiVersion: v1, kind: ConfigMap, metadata: {name: d, labels: {grafana_datasource: "1"}}, data: {d.yaml: "datasources:\n- url: http://p\n"}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: e, labels: {other: "1"}}, data: {d.yaml: "datasources:\n- url: http://q\n"}}
`+workload("a", `
      containers:
      - {name: grafana}
      - {name: sidecar, image: "quay.io/kiwigrid/k8s-sidecar:1.27", env: [{name: LABEL, value: grafana_datasource}]}`)))
	if diff := cmp.Diff([]string{"a -> p http"}, told(inv)); diff != "" {
		t.Error(diff)
	}
}

// TestHostile gives what nobody writes by accident.
func TestHostile(t *testing.T) {
	inv := inventory.New("test")
	big := strings.Repeat("      HOST: a.b.c, http://x:y@z ${", 1<<15)
	put(t, inv, "test.yaml", []byte(configMap("m")+"  big.yml: |\n"+big+"\n"+takes("a", "m")+
		workload("b", env("A", strings.Repeat("$(A)", 1<<14), "B", strings.Repeat("$(A)", 1<<10), "C", "http://[::1", "D", "://", "E", "@:@:@", "F", "jdbc:", "G", "\x00\x01\xff"))))
	for i := range 64 { // they lead in a circle
		put(t, inv, "test.yaml", fmt.Appendf(nil, "{apiVersion: v1, kind: Service, metadata: {name: s%d}, spec: {type: ExternalName, externalName: s%d}}", i, (i+1)%64))
	}
	put(t, inv, "test.yaml", []byte(workload("c", env("S_URL", "http://s0/"))))
	begun := time.Now()
	if got := told(inv); len(got) > 0 && time.Since(begun) > time.Minute {
		t.Errorf("%v took %v", got, time.Since(begun))
	}
	for _, i := range edges.Infer(inv, "default") {
		for _, document := range i.Documents {
			for _, claim := range document.Claims {
				t.Errorf("%s has edges: %+v", claim.Subject.Alias, claim.Edges)
			}
		}
	}
}
