package facts_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/facts"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// cluster makes random objects of all kinds, of few names, so that they meet.
type cluster struct{ *rand.Rand }

func (c cluster) one(of ...string) string { return of[c.IntN(len(of))] }
func (c cluster) often() bool             { return c.IntN(4) > 0 }
func (c cluster) name() string            { return c.one("a", "b", "a-x1", "a-0") }
func (c cluster) namespace() string       { return c.one("shop", "bank") }
func (c cluster) replicas() *int32 {
	if n := int32(c.IntN(4)) - 1; n >= 0 {
		return &n
	}
	return nil
}

func (c cluster) labels() map[string]string {
	made := make(map[string]string)
	for _, key := range []string{"app", "tier", "pod-template-hash"} {
		if value := c.one("", "x1", "x2"); value != "" {
			made[key] = value
		}
	}
	return made
}

func (c cluster) selector() *v1.LabelSelector {
	return &v1.LabelSelector{MatchLabels: map[string]string{c.one("app", "tier"): c.one("x1", "x2")}}
}

func (c cluster) template() corev1.PodTemplateSpec {
	template := corev1.PodTemplateSpec{ObjectMeta: v1.ObjectMeta{Labels: c.labels()}}
	container := corev1.Container{
		Name: "main", Image: "shop/" + c.one("a:1", "b:2"),
		Ports: []corev1.ContainerPort{{Name: c.one("", "http", "grpc"), ContainerPort: 80}},
		Env: []corev1.EnvVar{
			{Name: "OTEL_SERVICE_NAME", Value: c.one("", "a", "b")},
			{Name: "PEER_URL", Value: "http://" + c.one("a", "b", "a.bank", "b.shop.svc", "a.bank.svc.cluster.local", "example.com") + ":80/"},
		},
		EnvFrom: []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: c.name()}}}},
	}
	if c.IntN(2) == 0 {
		container.ReadinessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromString("http")}}}
	}
	template.Spec.Containers = []corev1.Container{container}
	return template
}

// key picks what comes or goes next.
func (c cluster) key() inventory.Key {
	kinds := []inventory.Kind{inventory.Pods, inventory.Deployments, inventory.ReplicaSets, inventory.Services, inventory.EndpointSlices}
	if c.often() {
		kinds = inventory.Kinds()
	}
	key := inventory.Key{Kind: kinds[c.IntN(len(kinds))], Namespace: c.namespace(), Name: c.name()}
	switch key.Kind {
	case inventory.Nodes:
		key.Namespace, key.Name = "", c.one("n1", "n2")
	case inventory.Namespaces:
		key.Namespace, key.Name = "", c.namespace()
	}
	return key
}

func (c cluster) owners(kind inventory.Kind) []v1.OwnerReference {
	is := true
	var by, api string
	switch kind {
	case inventory.Pods:
		by, api = c.one("ReplicaSet", "ReplicaSet", "StatefulSet", "Job", "Kafka", "ReplicationController"), "apps/v1"
	case inventory.ReplicaSets:
		by, api = c.one("Deployment", "Deployment", "Rollout"), "apps/v1"
	case inventory.ReplicationControllers:
		by, api = "Rollout", "apps/v1"
	case inventory.Jobs:
		by, api = c.one("CronJob", "Workflow"), "batch/v1"
	default:
		return nil
	}
	switch by {
	case "Job":
		api = "batch/v1"
	case "ReplicationController":
		api = "v1"
	case "Kafka", "Rollout", "Workflow":
		api = "example.com/v1"
	}
	if !c.often() {
		return nil
	}
	return []v1.OwnerReference{{APIVersion: api, Kind: by, Name: c.name(), UID: types.UID(c.one("", "1")), Controller: &is}}
}

func (c cluster) object(key inventory.Key) *inventory.Object {
	meta := v1.ObjectMeta{
		Namespace: key.Namespace, Name: key.Name, UID: types.UID(c.one("", "1", "1", "2")), Labels: c.labels(),
		OwnerReferences: c.owners(key.Kind), ResourceVersion: fmt.Sprint(c.IntN(1000)),
	}
	value := c.value(key, meta)
	trimmed, err := inventory.Trim(value)
	if err != nil {
		panic(err)
	}
	return &inventory.Object{Key: key, Location: string(key.Kind) + "/" + key.Namespace + "/" + key.Name, Value: trimmed}
}

func (c cluster) value(key inventory.Key, meta v1.ObjectMeta) v1.Object {
	switch key.Kind {
	case inventory.Deployments:
		return &appsv1.Deployment{ObjectMeta: meta, Spec: appsv1.DeploymentSpec{Replicas: c.replicas(), Selector: c.selector(), Template: c.template()}}
	case inventory.StatefulSets:
		return &appsv1.StatefulSet{ObjectMeta: meta, Spec: appsv1.StatefulSetSpec{Replicas: c.replicas(), Selector: c.selector(), Template: c.template()}}
	case inventory.DaemonSets:
		return &appsv1.DaemonSet{ObjectMeta: meta, Spec: appsv1.DaemonSetSpec{Selector: c.selector(), Template: c.template()}}
	case inventory.ReplicationControllers:
		template := c.template()
		return &corev1.ReplicationController{ObjectMeta: meta, Spec: corev1.ReplicationControllerSpec{Replicas: c.replicas(), Template: &template}}
	case inventory.Operated:
		return &inventory.Foreign{ObjectMeta: meta, Kind: "Kafka", Labels: map[string]bool{"app=" + c.one("x1", "x2"): true}}
	case inventory.ReplicaSets, inventory.Controllers:
		return &appsv1.ReplicaSet{ObjectMeta: meta, Spec: appsv1.ReplicaSetSpec{Replicas: c.replicas(), Template: c.template()}}
	case inventory.CronJobs:
		return &batchv1.CronJob{ObjectMeta: meta, Spec: batchv1.CronJobSpec{JobTemplate: batchv1.JobTemplateSpec{Spec: batchv1.JobSpec{Template: c.template()}}}}
	case inventory.Jobs:
		return &batchv1.Job{ObjectMeta: meta, Spec: batchv1.JobSpec{Template: c.template()}}
	case inventory.Pods:
		spec := c.template().Spec
		spec.NodeName = c.one("", "n1", "n1", "n2")
		phase := corev1.PodPhase(c.one("Running", "Running", "Pending"))
		return &corev1.Pod{ObjectMeta: meta, Spec: spec, Status: corev1.PodStatus{Phase: phase}}
	case inventory.Services:
		service := &corev1.Service{ObjectMeta: meta, Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{
			{Port: int32(80 + c.IntN(2)), TargetPort: intstr.FromString(c.one("http", "grpc"))},
		}}}
		switch c.IntN(5) {
		case 0: // no selector
		case 1:
			service.Spec.Selector = map[string]string{appsv1.StatefulSetPodNameLabel: c.one("a-0", "a-1")}
		default:
			service.Spec.Selector = c.selector().MatchLabels
		}
		return service
	case inventory.EndpointSlices:
		meta.Labels[discoveryv1.LabelServiceName] = c.name()
		slice := &discoveryv1.EndpointSlice{ObjectMeta: meta, AddressType: discoveryv1.AddressTypeIPv4}
		for range c.IntN(3) {
			ready := c.often()
			slice.Endpoints = append(slice.Endpoints, discoveryv1.Endpoint{
				Conditions: discoveryv1.EndpointConditions{Ready: &ready}, TargetRef: &corev1.ObjectReference{Kind: "Pod", Name: c.name()},
			})
		}
		return slice
	case inventory.ConfigMaps:
		return &corev1.ConfigMap{ObjectMeta: meta, Data: map[string]string{"URL": "http://" + c.one("a.bank", "b.shop")}}
	case inventory.Namespaces:
		return &corev1.Namespace{ObjectMeta: meta}
	case inventory.Nodes:
		meta.Labels = map[string]string{corev1.LabelTopologyZone: c.one("", "z1", "z2")}
		return &corev1.Node{ObjectMeta: meta}
	case inventory.Ingresses:
		return &networkingv1.Ingress{ObjectMeta: meta, Spec: networkingv1.IngressSpec{DefaultBackend: &networkingv1.IngressBackend{
			Service: &networkingv1.IngressServiceBackend{Name: c.name(), Port: networkingv1.ServiceBackendPort{Number: int32(80 + c.IntN(2))}},
		}}}
	case inventory.NetworkPolicies:
		return &networkingv1.NetworkPolicy{ObjectMeta: meta, Spec: networkingv1.NetworkPolicySpec{PodSelector: *c.selector()}}
	case inventory.HorizontalPodAutoscalers:
		return &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: meta, Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			MaxReplicas: 3, ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{Kind: c.one("Deployment", "StatefulSet", "Rollout"), Name: c.name()},
		}}
	case inventory.PodDisruptionBudgets:
		selector := c.selector()
		if !c.often() {
			selector = &v1.LabelSelector{}
		}
		return &policyv1.PodDisruptionBudget{ObjectMeta: meta, Spec: policyv1.PodDisruptionBudgetSpec{Selector: selector}}
	default:
		return c.foreign(key, meta)
	}
}

// foreign makes objects of the kinds that are read by their JSON.
func (c cluster) foreign(key inventory.Key, meta v1.ObjectMeta) v1.Object {
	host := func() string {
		return c.one("a", "b", "a.bank", "b.bank.svc.cluster.local", "a.shop.svc.cluster.local", "example.com")
	}
	var spec any
	type m = map[string]any
	type l = []any
	switch key.Kind {
	case inventory.Gateways:
		spec = m{"listeners": l{m{"name": "x", "hostname": c.one("", "a.example.com", "b.example.com")}}}
	case inventory.HTTPRoutes, inventory.GRPCRoutes:
		spec = m{
			"parentRefs": l{m{"name": c.name(), "namespace": c.namespace()}},
			"rules":      l{m{"backendRefs": l{m{"name": c.name(), "namespace": c.namespace(), "port": 80 + c.IntN(2)}}}},
		}
	case inventory.VirtualServices:
		spec = m{
			"hosts": l{host()}, "gateways": l{c.one("mesh", "bank/a")},
			"http": l{m{"route": l{m{"destination": m{"host": host()}, "weight": c.IntN(2)}, m{"destination": m{"host": host()}, "weight": 50}}}},
		}
	case inventory.ServiceEntries:
		spec = m{"hosts": l{host()}, "location": "MESH_EXTERNAL"}
	case inventory.DestinationRules:
		spec = m{"host": host()}
	case inventory.IstioGateways:
		spec = m{"selector": c.labels(), "servers": l{m{"hosts": l{"*"}}}}
	}
	data, err := json.Marshal(m{"metadata": m{"name": meta.Name, "namespace": meta.Namespace}, "spec": spec})
	if err != nil {
		panic(err)
	}
	value, err := inventory.Decode(key.Kind, data)
	if err != nil {
		panic(err)
	}
	return value
}

// scaled is an object with another number of replicas and everything else as it was; nil for what has none.
func (c cluster) scaled(o *inventory.Object) *inventory.Object {
	if o == nil {
		return nil
	}
	scaled := *o
	switch value := o.Value.(type) {
	case *appsv1.Deployment:
		value = value.DeepCopy()
		value.Spec.Replicas, scaled.Value = c.replicas(), value
	case *appsv1.StatefulSet:
		value = value.DeepCopy()
		value.Spec.Replicas, scaled.Value = c.replicas(), value
	default:
		return nil
	}
	return &scaled
}

// state is everything that a deriver says, in JSON.
func state(t testing.TB, d *facts.Deriver) map[string]string {
	t.Helper()
	said := make(map[string]string)
	for _, name := range d.Scopes() {
		documents, ok := d.Scope(name)
		if !ok || len(documents) == 0 {
			t.Fatalf("scope %s is listed and says nothing", name)
		}
		data, err := json.Marshal(documents)
		if err != nil {
			t.Fatal(err)
		}
		said[name] = string(data)
	}
	return said
}

// TestIncrementalIsAnew goes through random changes of all kinds of objects: what is derived step by step is what is
// derived of the last state at once, and the changed scopes are told.
func TestIncrementalIsAnew(t *testing.T) {
	for seed := range uint64(60) {
		c := cluster{rand.New(rand.NewPCG(seed, 1))}
		inv := inventory.New("prod")
		evidence := []catalog.EvidenceKind{catalog.Observed, catalog.Declared}[seed%2]
		d := facts.NewDeriver(inv, evidence)
		before := make(map[string]string)
		var trace []string
		for step := range 40 {
			trace = trace[:0]
			for range 1 + c.IntN(1+step%5) {
				key := c.key()
				if inv.Get(key.Kind, key.Namespace, key.Name) != nil && c.IntN(3) == 0 {
					inv.Delete(key)
					trace = append(trace, fmt.Sprint("delete ", key))
				} else if o := c.scaled(inv.Get(key.Kind, key.Namespace, key.Name)); o != nil && c.often() {
					inv.Put(o)
					trace = append(trace, fmt.Sprint("scale ", key))
				} else {
					inv.Put(c.object(key))
					trace = append(trace, fmt.Sprint("put ", key))
				}
				d.Changed(key)
			}
			if c.IntN(20) == 0 {
				blind := c.one("", "services", "pods")
				inv.Cover(func(kind inventory.Kind, _ string) bool { return string(kind) != blind })
				d.ChangedCoverage()
				trace = append(trace, "coverage without "+blind)
			}
			changed := d.Derive()
			after := state(t, d)
			anew := facts.NewDeriver(inv, evidence)
			all := anew.Derive()
			want := state(t, anew)
			if !maps.Equal(want, after) {
				diff := cmp.Diff(want, after)
				t.Fatalf("seed %d, step %d, after %q: incremental differs from anew (-anew +incremental):\n%s", seed, step, trace, diff)
			}
			if !slices.Equal(all, anew.Scopes()) {
				t.Fatalf("seed %d: the first Derive names %v, there are %v", seed, all, anew.Scopes())
			}
			if diff := cmp.Diff(differing(before, after), changed); diff != "" {
				t.Fatalf("seed %d, step %d, after %q: changed scopes (-want +got):\n%s", seed, step, trace, diff)
			}
			before = after
		}
	}
}

// differing names the scopes that are not in both alike.
func differing(a, b map[string]string) []string {
	var names []string
	for name, said := range a {
		if said != b[name] {
			names = append(names, name)
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
