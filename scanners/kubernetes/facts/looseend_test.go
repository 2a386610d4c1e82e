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

// looseEnds are those of the cluster, each as "Kind name: code".
func looseEnds(t *testing.T, d *facts.Deriver) []string {
	t.Helper()
	documents, ok := d.Scope("cluster")
	if !ok || documents[0].Claims[0].Facts == nil {
		return nil
	}
	var ends []string
	for _, end := range documents[0].Claims[0].Facts.LooseEnds {
		ends = append(ends, end.Kind+" "+end.Name+": "+end.Code)
	}
	return ends
}

const (
	web = `
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: a}, ports: [{name: http, port: 80}]}
`
	idle = `
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1, namespace: shop, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
endpoints: []
`
)

func service(spec string) string {
	return "---\napiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: shop}\nspec: {" + spec + "}\n"
}

func ingress(backend string) string {
	return "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i, namespace: shop}\n" +
		"spec: {rules: [{http: {paths: [{path: /, backend: " + backend + "}]}}]}\n"
}

func httpRoute(backend string) string {
	return "---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: h, namespace: edge}\n" +
		"spec: {rules: [{backendRefs: [" + backend + "]}]}\n"
}

func virtualService(routes string) string {
	return "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v, namespace: shop}\n" +
		"spec: {hosts: [web], http: [{route: [" + routes + "]}]}\n"
}

func TestLooseEnds(t *testing.T) {
	job := `---
apiVersion: batch/v1
kind: CronJob
metadata: {name: j, namespace: shop}
spec: {jobTemplate: {spec: {template: {metadata: {labels: {app: j}}, spec: {containers: [{name: c}]}}}}}
`
	for name, test := range map[string]struct {
		manifests string
		want      []string
	}{
		"a Service that leads somewhere":    {pod("") + web, nil},
		"a Service that selects nothing":    {pod("") + service("selector: {app: b}"), []string{"Service s: service-selects-nothing"}},
		"a Service without a selector":      {pod("") + service("ports: [{port: 80}]"), nil},
		"a Service elsewhere":               {service("type: ExternalName, externalName: example.com, selector: {app: b}"), nil},
		"a Service before a job":            {job + service("selector: {app: j}"), nil},
		"a Service before unknown pods":     {strings.ReplaceAll(strings.Replace(idle, "[]", "[{addresses: [10.0.0.1]}]", 1), "web", "s") + service("selector: {app: b}"), nil},
		"a Service without ready endpoints": {pod("") + web + idle, []string{"Service web: service-without-endpoints"}},
		"endpoints that nobody has counted": {pod("") + web, nil},
		"a Service before a job that ended": {job + strings.Replace(web, "app: a", "app: j", 1) + idle, nil},
		"a Service before what is scaled down": {
			strings.Replace(pod(""), "spec: {selector", "spec: {replicas: 0, selector", 1) + web + idle, nil,
		},
		"a port by name": {pod("ports: [{name: x, containerPort: 1}]") + service("selector: {app: a}, ports: [{port: 80, targetPort: x}]"), nil},
		"a port by a name that is not there": {
			pod("ports: [{name: x, containerPort: 1}]") + service("selector: {app: a}, ports: [{port: 80, targetPort: q}, {port: 81, targetPort: z}]"),
			[]string{"Service s: service-port-unresolved"},
		},
		"a port by name of another protocol": {
			pod("ports: [{name: x, containerPort: 1}]") + service("selector: {app: a}, ports: [{port: 80, targetPort: x, protocol: UDP}]"),
			[]string{"Service s: service-port-unresolved"},
		},
		"a number that is not declared": {pod("") + service("selector: {app: a}, ports: [{port: 80, targetPort: 8080}]"), nil},
		"an Ingress":                    {pod("") + web + ingress("{service: {name: web, port: {number: 80}}}"), nil},
		"an Ingress to a named port":    {pod("") + web + ingress("{service: {name: web, port: {name: http}}}"), nil},
		"an Ingress to no Service":      {ingress("{service: {name: web, port: {number: 80}}}"), []string{"Ingress i: route-to-nowhere"}},
		"an Ingress to no port":         {pod("") + web + ingress("{service: {name: web, port: {number: 81}}}"), []string{"Ingress i: route-to-nowhere"}},
		"an Ingress to no named port":   {pod("") + web + ingress("{service: {name: web, port: {name: grpc}}}"), []string{"Ingress i: route-to-nowhere"}},
		"an Ingress to a bucket":        {ingress("{resource: {kind: Bucket, name: b}}"), nil},
		"a route across namespaces":     {pod("") + web + httpRoute("{name: web, namespace: shop, port: 80}"), nil},
		"a route to no Service":         {pod("") + web + httpRoute("{name: web, port: 80}"), []string{"HTTPRoute h: route-to-nowhere"}},
		"a route of weight 0":           {httpRoute("{name: web, port: 80, weight: 0}"), nil},
		"a route to another kind":       {httpRoute("{group: example.com, kind: Function, name: web}"), nil},
		"a VirtualService":              {pod("") + web + virtualService("{destination: {host: web}}"), nil},
		"a VirtualService by full name": {pod("") + web + virtualService("{destination: {host: web.shop.svc.cluster.local, port: {number: 80}}}"), nil},
		"a VirtualService to no Service": {
			virtualService("{destination: {host: gone}}"), []string{"VirtualService v: route-to-nowhere"},
		},
		"a VirtualService by a name of DNS": {
			pod("") + web + virtualService("{destination: {host: web.shop}}"), []string{"VirtualService v: route-to-nowhere"},
		},
		"a VirtualService to the world": {virtualService("{destination: {host: api.example.com}}"), nil},
		"a VirtualService to a host of the mesh": {
			virtualService("{destination: {host: vm.shop.svc.cluster.local}}") + "---\napiVersion: networking.istio.io/v1\nkind: ServiceEntry\n" +
				"metadata: {name: vm, namespace: mesh}\nspec: {hosts: [\"*.shop.svc.cluster.local\"]}\n", nil,
		},
		"a share of nothing": {pod("") + web + virtualService("{destination: {host: web}, weight: 100}, {destination: {host: gone}}"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, looseEnds(t, derive(t, test.manifests))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestUnknownIsNoLooseEnd cannot see a kind, or not everywhere: that nothing of it is there says nothing.
func TestUnknownIsNoLooseEnd(t *testing.T) {
	const manifests = `
apiVersion: v1
kind: Service
metadata: {name: s, namespace: shop}
spec: {selector: {app: b}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: h, namespace: shop}
spec: {scaleTargetRef: {kind: Deployment, name: a}}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: p, namespace: shop}
spec: {selector: {matchLabels: {app: b}}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: i, namespace: shop}
spec: {defaultBackend: {service: {name: gone, port: {number: 80}}}}
`
	inv := inventory.New("prod")
	read(t, inv, manifests, false)
	d := facts.NewDeriver(inv, catalog.Observed)
	d.Derive()
	all := looseEnds(t, d)
	if len(all) != 4 {
		t.Fatalf("with everything to be seen there are %v", all)
	}
	for kind, hidden := range map[inventory.Kind][]string{
		inventory.Deployments:  {"HorizontalPodAutoscaler h", "PodDisruptionBudget p", "Service s"},
		inventory.StatefulSets: {"PodDisruptionBudget p", "Service s"},
		inventory.Services:     {"Ingress i"},
	} {
		inv.Cover(func(k inventory.Kind, namespace string) bool { return k != kind || namespace != "shop" })
		d.ChangedCoverage()
		d.Derive()
		want := slices.DeleteFunc(slices.Clone(all), func(end string) bool {
			return slices.ContainsFunc(hidden, func(h string) bool { return strings.HasPrefix(end, h+":") })
		})
		if diff := cmp.Diff(want, looseEnds(t, d)); diff != "" {
			t.Errorf("without %s (-want +got):\n%s", kind, diff)
		}
	}
	inv.Cover(nil)
	d.ChangedCoverage()
	if changed := d.Derive(); !slices.Equal(changed, []string{"cluster"}) {
		t.Errorf("when all is seen again, %v changed", changed)
	}
	if diff := cmp.Diff(all, looseEnds(t, d)); diff != "" {
		t.Errorf("when all is seen again (-want +got):\n%s", diff)
	}
}

// TestWhoIsTheService has a job with the labels of the deployment that a Service is for.
func TestWhoIsTheService(t *testing.T) {
	job := `---
apiVersion: batch/v1
kind: Job
metadata: {name: migrate, namespace: shop}
spec: {template: {metadata: {labels: {app: a}}, spec: {containers: [{name: c}]}}}
`
	for name, test := range map[string]struct {
		manifests string
		want      []catalog.Alias
	}{
		"a deployment":            {pod("") + web, []catalog.Alias{"k8s:prod/shop/deployment/a"}},
		"a job beside it":         {pod("") + web + job, []catalog.Alias{"k8s:prod/shop/deployment/a"}},
		"only a job":              {job + web, []catalog.Alias{"k8s:prod/shop/job/migrate"}},
		"no selector, no slices":  {pod("") + service("ports: [{port: 80}]"), nil},
		"no selector, but slices": {pod("") + strings.Replace(web, "selector: {app: a}, ", "", 1) + strings.Replace(idle, "[]", "[{targetRef: {kind: Pod, name: p}}]", 1) + bare, []catalog.Alias{"k8s:prod/shop/pod/p"}},
	} {
		var got []catalog.Alias
		documents, _ := derive(t, test.manifests).Scope("services/shop/web")
		for _, document := range documents {
			for _, claim := range document.Claims {
				if len(claim.Aliases) > 0 {
					got = append(got, claim.Subject.Alias)
				}
			}
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: who states dns:web.shop.svc (-want +got):\n%s", name, diff)
		}
	}
}

const bare = `
---
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: shop}
spec: {containers: [{name: c}]}
`
