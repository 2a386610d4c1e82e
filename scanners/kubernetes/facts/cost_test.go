package facts_test

import (
	"fmt"
	"runtime"
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/facts"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// company is a cluster of many namespaces, each of some deployments with their Services and pods.
type company struct {
	inv                       *inventory.Inventory
	namespaces, each, replica int
}

func newCompany(t testing.TB, namespaces, each, replicas int) *company {
	c := &company{inventory.New("prod"), namespaces, each, replicas}
	for n := range 50 {
		c.put(t, inventory.Nodes, &corev1.Node{ObjectMeta: v1.ObjectMeta{Name: fmt.Sprint("node", n), Labels: map[string]string{
			corev1.LabelTopologyRegion: "eu", corev1.LabelTopologyZone: fmt.Sprint("eu-", n%3),
		}}})
	}
	for n := range namespaces {
		for i := range each {
			c.put(t, inventory.Deployments, c.deployment(n, i, 1))
			c.put(t, inventory.ReplicaSets, &appsv1.ReplicaSet{ObjectMeta: c.meta(n, c.name(i)+"-x", "Deployment", c.name(i))})
			slice := &discoveryv1.EndpointSlice{ObjectMeta: c.meta(n, c.name(i)+"-s", "", "")}
			slice.Labels = map[string]string{discoveryv1.LabelServiceName: c.name(i)}
			for r := range replicas {
				pod := c.pod(n, i, r, (n+i+r)%50)
				c.put(t, inventory.Pods, pod)
				slice.Endpoints = append(slice.Endpoints, discoveryv1.Endpoint{TargetRef: &corev1.ObjectReference{Kind: "Pod", Name: pod.Name}})
			}
			c.put(t, inventory.Services, c.service(n, i))
			c.put(t, inventory.EndpointSlices, slice)
		}
	}
	return c
}

func (c *company) name(i int) string { return fmt.Sprint("app", i) }

func (c *company) meta(namespace int, name, kind, owner string) v1.ObjectMeta {
	meta := v1.ObjectMeta{Namespace: fmt.Sprint("team", namespace), Name: name, UID: types.UID(name)}
	if owner != "" {
		is := true
		meta.OwnerReferences = []v1.OwnerReference{{APIVersion: "apps/v1", Kind: kind, Name: owner, UID: types.UID(owner), Controller: &is}}
	}
	return meta
}

func (c *company) deployment(namespace, i, generation int) *appsv1.Deployment {
	replicas := int32(c.replica)
	app := map[string]string{"app.kubernetes.io/name": c.name(i)}
	peer := fmt.Sprintf("http://%s.team%d:80/", c.name((i+1)%c.each), (namespace+i%2)%c.namespaces)
	probe := &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/readyz", Port: intstr.FromString("http")}}}
	return &appsv1.Deployment{ObjectMeta: c.meta(namespace, c.name(i), "", ""), Spec: appsv1.DeploymentSpec{
		Replicas: &replicas, Selector: &v1.LabelSelector{MatchLabels: app},
		Template: corev1.PodTemplateSpec{ObjectMeta: v1.ObjectMeta{Labels: app}, Spec: corev1.PodSpec{Containers: []corev1.Container{{
			Name: "main", Image: fmt.Sprint("shop/", c.name(i), ":", generation),
			Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}}, ReadinessProbe: probe, LivenessProbe: probe,
			Env: []corev1.EnvVar{{Name: "PEER_URL", Value: peer}, {Name: "LOG_LEVEL", Value: "info"}, {Name: "OTEL_SERVICE_NAME", Value: c.name(i)}},
		}}}},
	}}
}

func (c *company) service(namespace, i int) *corev1.Service {
	return &corev1.Service{ObjectMeta: c.meta(namespace, c.name(i), "", ""), Spec: corev1.ServiceSpec{
		ClusterIP: fmt.Sprintf("10.%d.%d.%d", namespace/200, namespace%200, i), Selector: map[string]string{"app.kubernetes.io/name": c.name(i)},
		Ports: []corev1.ServicePort{{Name: "http", Port: 80, TargetPort: intstr.FromString("http")}},
	}}
}

func (c *company) pod(namespace, i, replica, node int) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: c.meta(namespace, fmt.Sprint(c.name(i), "-x-", replica), "ReplicaSet", c.name(i)+"-x")}
	pod.Labels = map[string]string{"app.kubernetes.io/name": c.name(i), "pod-template-hash": "x"}
	pod.Spec.NodeName, pod.Status.Phase = fmt.Sprint("node", node), corev1.PodRunning
	return pod
}

func (c *company) put(t testing.TB, kind inventory.Kind, value v1.Object) inventory.Key {
	t.Helper()
	trimmed, err := inventory.Trim(value)
	if err != nil {
		t.Fatal(err)
	}
	key := inventory.Key{Kind: kind, Namespace: value.GetNamespace(), Name: value.GetName()}
	c.inv.Put(&inventory.Object{Key: key, Location: "prod/" + string(kind) + "/" + key.Namespace + "/" + key.Name, Value: trimmed})
	return key
}

// TestChangesCostWhatTheyTouch counts what is derived after one change.
func TestChangesCostWhatTheyTouch(t *testing.T) {
	c := newCompany(t, 10, 8, 3)
	d := facts.NewDeriver(c.inv, catalog.Observed)
	d.Derive()
	ready := c.deployment(3, 1, 1)
	ready.Status.ObservedGeneration, ready.Status.ReadyReplicas = 1, 3
	for _, test := range []struct {
		name    string
		change  func() inventory.Key
		most    int // scopes and namespaces that may be derived
		changed []string
	}{
		{
			"a pod that moves", func() inventory.Key { return c.put(t, inventory.Pods, c.pod(3, 1, 0, 49)) }, 2,
			[]string{"placement/team3/deployment/app1"},
		},
		{
			"a pod that ends", func() inventory.Key {
				key := inventory.Key{Kind: inventory.Pods, Namespace: "team3", Name: "app1-x-0"}
				c.inv.Delete(key)
				return key
			}, 2,
			[]string{"placement/team3/deployment/app1", "workloads/team3/deployment/app1"},
		},
		{
			"replicas that become ready", func() inventory.Key { return c.put(t, inventory.Deployments, ready) }, 2,
			[]string{"workloads/team3/deployment/app1"},
		},
		{
			"endpoints that change", func() inventory.Key {
				slice := &discoveryv1.EndpointSlice{ObjectMeta: c.meta(3, "app1-s", "", "")}
				slice.Labels = map[string]string{discoveryv1.LabelServiceName: "app1"}
				return c.put(t, inventory.EndpointSlices, slice)
			}, 1,
			[]string{"cluster", "services/team3/app1"},
		},
		{
			// Its workload and placement, the Services of the namespace, its edges and those of what calls it.
			"another image", func() inventory.Key { return c.put(t, inventory.Deployments, c.deployment(5, 1, 2)) }, 2 + 8 + 2,
			[]string{"workloads/team5/deployment/app1"},
		},
		{
			"a Service that stays as it is", func() inventory.Key { return c.put(t, inventory.Services, c.service(3, 1)) }, 1 + 2, nil,
		},
		{
			"another zone", func() inventory.Key {
				return c.put(t, inventory.Nodes, &corev1.Node{ObjectMeta: v1.ObjectMeta{Name: "node7", Labels: map[string]string{corev1.LabelTopologyZone: "us-1"}}})
			}, 1 + 8*3, nil, // at most three replicas for each sum of namespace and deployment
		},
	} {
		before := facts.Derived(d)
		d.Changed(test.change())
		changed := d.Derive()
		if cost := facts.Derived(d) - before; cost > test.most {
			t.Errorf("%s: %d scopes and namespaces were derived, at most %d have to", test.name, cost, test.most)
		}
		if test.changed != nil && !slices.Equal(changed, test.changed) {
			t.Errorf("%s: %v changed, not %v", test.name, changed, test.changed)
		}
	}
	if changed := d.Derive(); len(changed) > 0 {
		t.Errorf("without any change, %v changed", changed)
	}
}

// BenchmarkDerive is of 1,000 deployments and as many Services in 50 namespaces.
func BenchmarkDerive(b *testing.B) {
	for _, pods := range []int{5_000, 10_000} {
		c := newCompany(b, 50, 20, pods/1000)
		b.Run(fmt.Sprintf("first/pods=%d", pods), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				facts.NewDeriver(c.inv, catalog.Observed).Derive()
			}
		})
		d := facts.NewDeriver(c.inv, catalog.Observed)
		before := heap()
		d.Derive()
		held := float64(heap() - before)
		steps := map[string]func(i int) inventory.Key{
			"pod":        func(i int) inventory.Key { return c.put(b, inventory.Pods, c.pod(7, 3, 0, i%50)) },
			"deployment": func(i int) inventory.Key { return c.put(b, inventory.Deployments, c.deployment(7, 3, i)) },
			"address": func(i int) inventory.Key { // which anything may name
				service := c.service(7, 3)
				service.Spec.ClusterIP = fmt.Sprint("10.0.7.", i%250)
				return c.put(b, inventory.Services, service)
			},
		}
		for name, step := range steps {
			b.Run(fmt.Sprintf("%s/pods=%d", name, pods), func(b *testing.B) {
				i := 0
				for b.Loop() {
					d.Changed(step(i))
					d.Derive()
					i++
				}
				b.ReportMetric(held/(1<<20), "MiB-held")
			})
		}
		runtime.KeepAlive(d)
	}
}

// heap is the size of what is alive.
func heap() int64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
