package inventory_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// cluster makes random objects, of few names, so that they meet.
type cluster struct{ *rand.Rand }

func (c cluster) one(of ...string) string { return of[c.IntN(len(of))] }
func (c cluster) name() string            { return c.one("a", "b", "b-x1", "a-x1", "b-x2") }
func (c cluster) uid() types.UID          { return types.UID(c.one("", "1", "2")) }

func (c cluster) labels() map[string]string {
	made := make(map[string]string)
	for _, key := range []string{"app", "tier", "pod-template-hash"} {
		if value := c.one("", "", "x1", "x2"); value != "" {
			made[key] = value
		}
	}
	return made
}

func (c cluster) object() *inventory.Object {
	kinds := append(workloadKinds(), inventory.Pods, inventory.Pods, inventory.ReplicaSets, inventory.Services, inventory.EndpointSlices)
	key := inventory.Key{Kind: kinds[c.IntN(len(kinds))], Namespace: c.one("shop", "bank"), Name: c.name()}
	meta := v1.ObjectMeta{Namespace: key.Namespace, Name: key.Name, UID: c.uid(), Labels: c.labels()}
	meta.CreationTimestamp = v1.Unix(int64(c.IntN(3)), 0)
	is, isNot := true, false
	if c.IntN(5) > 0 {
		kind := c.one("Deployment", "ReplicaSet", "ReplicaSet", "StatefulSet", "DaemonSet", "CronJob", "Job", "Rollout", "Node")
		api := map[string]string{"CronJob": "batch/v1", "Job": "batch/v1", "Rollout": "argoproj.io/v1alpha1", "Node": "v1"}[kind]
		if api == "" {
			api = "apps/v1"
		}
		meta.OwnerReferences = []v1.OwnerReference{
			{APIVersion: "apps/v1", Kind: "Deployment", Name: c.name(), Controller: &isNot},
			{APIVersion: api, Kind: kind, Name: c.name(), UID: c.uid(), Controller: &is},
		}
	}
	replicas := int32(c.IntN(3))
	template := corev1.PodTemplateSpec{ObjectMeta: v1.ObjectMeta{Labels: c.labels()}}
	return &inventory.Object{Key: key, Value: func() v1.Object {
		switch key.Kind {
		case inventory.Deployments:
			return &appsv1.Deployment{ObjectMeta: meta, Spec: appsv1.DeploymentSpec{Replicas: &replicas, Template: template}}
		case inventory.ReplicaSets:
			return &appsv1.ReplicaSet{ObjectMeta: meta, Spec: appsv1.ReplicaSetSpec{Replicas: &replicas, Template: template}}
		case inventory.StatefulSets:
			return &appsv1.StatefulSet{ObjectMeta: meta, Spec: appsv1.StatefulSetSpec{Replicas: &replicas, Template: template}}
		case inventory.DaemonSets:
			return &appsv1.DaemonSet{ObjectMeta: meta, Spec: appsv1.DaemonSetSpec{Template: template}}
		case inventory.CronJobs:
			return &batchv1.CronJob{ObjectMeta: meta, Spec: batchv1.CronJobSpec{
				JobTemplate: batchv1.JobTemplateSpec{Spec: batchv1.JobSpec{Template: template}},
			}}
		case inventory.Jobs:
			return &batchv1.Job{ObjectMeta: meta, Spec: batchv1.JobSpec{Template: template}}
		case inventory.Pods:
			policy := corev1.RestartPolicy(c.one("", "Always", "Never"))
			return &corev1.Pod{ObjectMeta: meta, Spec: corev1.PodSpec{RestartPolicy: policy}}
		case inventory.Services:
			service := &corev1.Service{ObjectMeta: meta}
			if c.IntN(2) == 0 {
				service.Spec.Selector = c.selector()
			}
			return service
		default:
			meta.Labels["kubernetes.io/service-name"] = c.name()
			return &discoveryv1.EndpointSlice{ObjectMeta: meta, Endpoints: []discoveryv1.Endpoint{
				{TargetRef: &corev1.ObjectReference{Kind: "Pod", Name: c.name()}},
				{TargetRef: &corev1.ObjectReference{Kind: "VirtualMachine", Name: c.name()}},
			}}
		}
	}()}
}

// selector is one of equal values, as a Service has it.
func (c cluster) selector() map[string]string {
	made := c.labels()
	if c.IntN(5) == 0 {
		made["statefulset.kubernetes.io/pod-name"] = c.name() + c.one("-0", "-1", "-2", "-01", "")
	}
	return made
}

// expression is any selector.
func (c cluster) expression() labels.Selector {
	text := c.one(
		"", "app", "!app", "app=x1", "app in (x1,x2)", "app notin (x1)", "app!=x2,tier=x1", "tier in (x1,x2),app=x2",
		"pod-template-hash=x1", "app=x1,!tier", "nothing=has", "app>1",
	)
	selector, err := labels.Parse(text)
	if err != nil {
		panic(err)
	}
	return selector
}

func TestAnswersAsByLookingAtEverything(t *testing.T) {
	for seed := range uint64(60) {
		c := cluster{rand.New(rand.NewPCG(seed, 7))}
		inv, all := inventory.New("prod"), make(oracle)
		for step := range 120 {
			object := c.object()
			if c.IntN(3) == 0 {
				inv.Delete(object.Key)
				delete(all, object.Key)
			} else {
				inv.Put(object)
				all[object.Key] = object
			}
			if step%10 == 9 {
				if diff := compare(c, inv, all); diff != "" {
					t.Fatalf("seed %d, step %d (-oracle +inventory):\n%s", seed, step, diff)
				}
			}
		}
		for key := range all {
			inv.Delete(key)
		}
		if got := inv.Namespaces(); len(got) > 0 {
			t.Fatalf("seed %d: with everything deleted there is something in %q", seed, got)
		}
	}
}

// compare asks both for everything and tells the first difference.
func compare(c cluster, inv *inventory.Inventory, all oracle) string {
	if diff := cmp.Diff(all.namespaces(), inv.Namespaces()); diff != "" {
		return "namespaces:\n" + diff
	}
	for _, namespace := range []string{"shop", "bank"} {
		workloads := slices.Collect(inv.Workloads(namespace))
		if diff := cmp.Diff(all.workloads(namespace), names(workloads)); diff != "" {
			return "workloads:\n" + diff
		}
		for _, w := range workloads {
			if inv.Workload(namespace, w.Kind, w.Name()) != w {
				return "a workload is not found by its name: " + w.Name()
			}
			if diff := cmp.Diff(all.pods(namespace, w.Kind+"/"+w.Name()), objectNames(inv.PodsOf(w))); diff != "" {
				return fmt.Sprintf("pods of %s/%s:\n%s", w.Kind, w.Name(), diff)
			}
		}
		for _, object := range all.in(namespace, workloadKinds()...) {
			want, got := all.owner(object), ""
			if w := inv.Owner(object); w != nil {
				got = w.Kind + "/" + w.Name()
			}
			if want != got {
				return fmt.Sprintf("the owner of %v is %q, want %q", object.Key, got, want)
			}
			if inv.Get(object.Kind, namespace, object.Name) != object {
				return fmt.Sprintf("%v is not found", object.Key)
			}
		}
		for _, service := range all.in(namespace, inventory.Services) {
			if diff := cmp.Diff(all.behind(service), names(inv.Behind(service))); diff != "" {
				return fmt.Sprintf("behind %v (%v):\n%s", service.Key, service.Value, diff)
			}
			if diff := cmp.Diff(all.slicesOf(service), objectNames(inv.SlicesOf(service))); diff != "" {
				return fmt.Sprintf("slices of %v:\n%s", service.Key, diff)
			}
		}
		for range 4 {
			selector := c.expression()
			if diff := cmp.Diff(all.selected(namespace, selector), names(inv.Selected(namespace, selector))); diff != "" {
				return fmt.Sprintf("selected by %q:\n%s", selector, diff)
			}
		}
		for _, kind := range append(workloadKinds(), inventory.Services) {
			if diff := cmp.Diff(objectNames(all.in(namespace, kind)), objectNames(slices.Collect(inv.List(kind, namespace)))); diff != "" {
				return fmt.Sprintf("list of %s:\n%s", kind, diff)
			}
		}
	}
	return ""
}
