package facts_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/facts"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// derive makes everything that manifests say, read from a live cluster.
func derive(t *testing.T, manifests string) *facts.Deriver {
	t.Helper()
	inv := inventory.New("prod")
	read(t, inv, manifests, false)
	d := facts.NewDeriver(inv, catalog.Observed)
	d.Derive()
	return d
}

// pod is a Deployment a of namespace shop with a container c, of which a part is given.
func pod(part string) string {
	return deployment("a", `containers: [{name: c, image: "a:1", `+part+`}]`)
}

func deployment(name, spec string) string {
	return `
apiVersion: apps/v1
kind: Deployment
metadata: {name: ` + name + `, namespace: shop}
spec: {selector: {matchLabels: {app: ` + name + `}}, template: {metadata: {labels: {app: ` + name + `}}, spec: {` + spec + `}}}
`
}

func workload(t *testing.T, d *facts.Deriver, scope string) *catalog.Workload {
	t.Helper()
	documents, ok := d.Scope(scope)
	if !ok || len(documents) != 1 {
		t.Fatalf("scope %s: %d documents; there are %v", scope, len(documents), d.Scopes())
	}
	return documents[0].Claims[0].Facts.Workload
}

func TestProbes(t *testing.T) {
	http := func(change func(*catalog.Probe)) *catalog.Probe {
		p := &catalog.Probe{
			Handler: catalog.ProbeHTTP, Port: "80", Path: "/", Scheme: "HTTP", Period: 10, Timeout: 1, SuccessThreshold: 1, FailureThreshold: 3,
		}
		change(p)
		return p
	}
	exec := func(command string, calls ...string) *catalog.Probe {
		return http(func(p *catalog.Probe) {
			p.Handler, p.Port, p.Path, p.Scheme, p.Command, p.Calls = catalog.ProbeExec, "", "", "", command, calls
		})
	}
	for name, test := range map[string]struct {
		probe string
		want  *catalog.Probe
	}{
		"the API server's defaults":    {`{httpGet: {port: 80}}`, http(func(*catalog.Probe) {})},
		"the same defaults written":    {`{httpGet: {port: 80, path: /, scheme: HTTP}, periodSeconds: 10, timeoutSeconds: 1, successThreshold: 1, failureThreshold: 3, initialDelaySeconds: 0}`, http(func(*catalog.Probe) {})},
		"a number in quotes is a name": {`{httpGet: {port: "80"}}`, http(func(p *catalog.Probe) { p.Port = `"80"` })},
		"a named port":                 {`{httpGet: {port: web, scheme: HTTPS}}`, http(func(p *catalog.Probe) { p.Port, p.Scheme = "web", "HTTPS" })},
		"timings": {
			`{httpGet: {port: 80}, initialDelaySeconds: 7, periodSeconds: 5, timeoutSeconds: 2, successThreshold: 2, failureThreshold: 9}`,
			http(func(p *catalog.Probe) {
				p.InitialDelay, p.Period, p.Timeout, p.SuccessThreshold, p.FailureThreshold = 7, 5, 2, 2, 9
			}),
		},
		"headers in any order and case": {
			`{httpGet: {port: 80, httpHeaders: [{name: x-b, value: "2"}, {name: X-A, value: "1"}]}}`,
			http(func(p *catalog.Probe) { p.Headers = []string{"X-A=6b86b273", "X-B=d4735e3a"} }),
		},
		"another host": {`{httpGet: {port: 80, host: Ledger.bank}}`, http(func(p *catalog.Probe) {
			p.Host, p.Calls = "Ledger.bank", []string{"ledger.bank"}
		})},
		"its own address": {`{httpGet: {port: 80, host: 127.0.0.1}}`, http(func(p *catalog.Probe) { p.Host = "127.0.0.1" })},
		"tcp": {`{tcpSocket: {port: db, host: ledger}}`, http(func(p *catalog.Probe) {
			p.Handler, p.Port, p.Path, p.Scheme, p.Host, p.Calls = catalog.ProbeTCP, "db", "", "", "ledger", []string{"ledger"}
		})},
		"grpc": {`{grpc: {port: 90}}`, http(func(p *catalog.Probe) {
			p.Handler, p.Port, p.Path, p.Scheme = catalog.ProbeGRPC, "90", "", ""
		})},
		"grpc of a service": {`{grpc: {port: 90, service: shop.Cart}}`, http(func(p *catalog.Probe) {
			p.Handler, p.Port, p.Path, p.Scheme, p.Service = catalog.ProbeGRPC, "90", "", "", "shop.Cart"
		})},
		"a command": {`{exec: {command: [/bin/cat, /tmp/healthy]}}`, exec("cat 87aa884e")},
		"a whole line, with a secret": {
			`{exec: {command: ["curl -u app:secret http://localhost/"]}}`, exec("command f0ce3a24"),
		},
		"what a command asks": {
			`{exec: {command: [sh, -c, "curl -f http://ledger.bank:8080/ && curl http://localhost:80/ready"]}}`,
			exec("sh 3efcab85", "ledger.bank"),
		},
		"a host behind a flag": {`{exec: {command: [pg_isready, --host, db]}}`, exec("pg_isready b2e4601c", "db")},
		"no handler":           {`{periodSeconds: 5}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			d := derive(t, pod(`readinessProbe: `+test.probe))
			got := workload(t, d, "workloads/shop/deployment/a").Containers[0].Readiness
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestVersion(t *testing.T) {
	for image, want := range map[string]string{
		"a:1.2":                  "1.2",
		"a":                      "",
		"registry:5000/a":        "",
		"registry:5000/shop/a:v": "v",
		"a:1@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef": "1",
		"a@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef":   "0123456789ab",
		"a@sha256:01": "01",
		"@":           "",
		":":           "",
	} {
		d := derive(t, deployment("a", `containers: [{name: c, image: "`+image+`"}]`))
		if got := workload(t, d, "workloads/shop/deployment/a").Version; got != want {
			t.Errorf("%q: version %q, want %q", image, got, want)
		}
	}
}

func TestWanted(t *testing.T) {
	const scaler = `
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: a, namespace: shop}
spec: {maxReplicas: 10, scaleTargetRef: {kind: Deployment, name: a}}
`
	number := func(n int32) *int32 { return &n }
	written := strings.Replace(pod(""), "spec: {selector", "spec: {replicas: 4, selector", 1)
	for name, test := range map[string]struct {
		manifests string
		want      *int32
	}{
		"by default":                   {pod(""), number(1)},
		"written":                      {written, number(4)},
		"left to an autoscaler":        {pod("") + scaler, nil},
		"written beside an autoscaler": {written + scaler, number(4)},
	} {
		got := workload(t, derive(t, test.manifests), "workloads/shop/deployment/a").Wanted
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestSameMeaningSameDocument writes one workload in two ways.
func TestSameMeaningSameDocument(t *testing.T) {
	a := derive(t, `
apiVersion: apps/v1
kind: Deployment
metadata: {name: a, namespace: shop, resourceVersion: "1", creationTimestamp: 2026-01-01T00:00:00Z, labels: {x: "1", b: "2"}}
spec: {selector: {matchLabels: {app: a}}, template: {metadata: {labels: {app: a, b: c}}, spec: {containers: [{name: c, image: a}]}}}
status: {observedGeneration: 1, conditions: [{type: Available, status: "True", lastUpdateTime: 2026-01-01T00:00:00Z}]}
`)
	b := derive(t, `
apiVersion: apps/v1
kind: Deployment
metadata: {name: a, namespace: shop, resourceVersion: "22", uid: "7", labels: {b: "2", x: "1"}, managedFields: [{manager: kubectl}], annotations: {note: x}}
spec:
  replicas: 1
  revisionHistoryLimit: 3
  strategy: {type: RollingUpdate}
  selector: {matchLabels: {app: a}}
  template: {metadata: {labels: {b: c, app: a}}, spec: {terminationGracePeriodSeconds: 30, dnsPolicy: ClusterFirst, containers: [{name: c, image: a, terminationMessagePath: /x}]}}
status: {observedGeneration: 9, replicas: 1}
`)
	if diff := cmp.Diff(state(t, a), state(t, b)); diff != "" {
		t.Errorf("-one +other:\n%s", diff)
	}
}

// TestScopeIsACopy changes what it was given.
func TestScopeIsACopy(t *testing.T) {
	d := derive(t, pod(`ports: [{containerPort: 80}]`))
	before := state(t, d)
	documents, _ := d.Scope("workloads/shop/deployment/a")
	documents[0].Claims[0].Facts.Workload.Containers[0].Ports[0].Number = 1
	documents[0].Claims[1].Labels["app"] = "changed"
	if diff := cmp.Diff(before, state(t, d)); diff != "" {
		t.Errorf("the deriver changed with it:\n%s", diff)
	}
	if _, ok := d.Scope("workloads/shop/deployment/b"); ok {
		t.Error("there is a scope of nothing")
	}
}

func TestInputs(t *testing.T) {
	for scope, want := range map[string][]inventory.Kind{
		"nodes/n1":                     {inventory.Nodes},
		"workloads/shop/statefulset/a": {inventory.StatefulSets},
		"placement/shop/cronjob/a":     {inventory.CronJobs, inventory.Jobs, inventory.Pods},
		"placement/shop/daemonset/a":   {inventory.DaemonSets, inventory.Pods},
		"autoscalers/shop/a":           {inventory.HorizontalPodAutoscalers, inventory.Deployments, inventory.StatefulSets},
		"something/else":               nil,
	} {
		if diff := cmp.Diff(want, facts.Inputs(scope)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", scope, diff)
		}
	}
	for scope, some := range map[string][]inventory.Kind{
		"workloads/":              {inventory.Deployments, inventory.Pods},
		"services/":               {inventory.Services, inventory.EndpointSlices, inventory.Deployments},
		"routes/":                 {inventory.Ingresses, inventory.HTTPRoutes, inventory.VirtualServices, inventory.Services, inventory.DaemonSets},
		"routes/httproute/shop/a": {inventory.HTTPRoutes, inventory.Gateways, inventory.Services},
		"budgets/shop/a":          {inventory.PodDisruptionBudgets, inventory.Pods},
		"edges/":                  {inventory.ConfigMaps, inventory.NetworkPolicies},
		"cluster":                 {inventory.PodDisruptionBudgets, inventory.Ingresses},
	} {
		for _, kind := range some {
			if !slices.Contains(facts.Inputs(scope), kind) {
				t.Errorf("%s is not made from %s", scope, kind)
			}
		}
	}
	if slices.Contains(facts.Inputs("routes/ingress/shop/a"), inventory.HTTPRoutes) {
		t.Error("Ingresses are made from HTTPRoutes")
	}
}
