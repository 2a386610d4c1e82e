package inventory_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// put adds an object that a controller of another kind ("" = none) controls.
func put(inv *inventory.Inventory, kind inventory.Kind, value v1.Object, api, controller, name string) *inventory.Object {
	if controller != "" {
		is := true
		value.SetOwnerReferences([]v1.OwnerReference{{APIVersion: api, Kind: controller, Name: name, Controller: &is}})
	}
	value.SetNamespace("shop")
	o := &inventory.Object{Key: inventory.Key{Kind: kind, Namespace: "shop", Name: value.GetName()}, Value: value}
	inv.Put(o)
	return o
}

func replicaSet(name string, replicas, ready int32) *appsv1.ReplicaSet {
	return &appsv1.ReplicaSet{
		ObjectMeta: v1.ObjectMeta{Name: name}, Spec: appsv1.ReplicaSetSpec{Replicas: &replicas},
		Status: appsv1.ReplicaSetStatus{ObservedGeneration: 1, ReadyReplicas: ready},
	}
}

func pod(name string) *corev1.Pod { return &corev1.Pod{ObjectMeta: v1.ObjectMeta{Name: name}} }

func TestControllersOfOtherKindsKeepTheirName(t *testing.T) {
	inv := inventory.New("prod")
	put(inv, inventory.ReplicaSets, replicaSet("cart-77", 0, 0), "argoproj.io/v1alpha1", "Rollout", "cart")
	put(inv, inventory.ReplicaSets, replicaSet("cart-88", 2, 1), "argoproj.io/v1alpha1", "Rollout", "cart")
	put(inv, inventory.ReplicaSets, replicaSet("cart-99", 1, 1), "argoproj.io/v1alpha1", "Rollout", "cart")
	put(inv, inventory.Pods, pod("cart-88-x"), "apps/v1", "ReplicaSet", "cart-88")
	put(inv, inventory.Pods, pod("cart-99-x"), "apps/v1", "ReplicaSet", "cart-99")
	put(inv, inventory.Pods, pod("kafka-0"), "core.strimzi.io/v1beta2", "StrimziPodSet", "kafka")
	step := pod("build-1")
	step.Spec.RestartPolicy = corev1.RestartPolicyNever
	put(inv, inventory.Pods, step, "argoproj.io/v1alpha1", "Workflow", "build")
	put(inv, inventory.ReplicaSets, replicaSet("alone", 1, 1), "", "", "")
	put(inv, inventory.Pods, pod("etcd-cp1"), "v1", "Node", "cp1")

	got := slices.Collect(inv.Workloads("shop"))
	if diff := cmp.Diff([]string{"deployment/alone", "deployment/cart", "deployment/kafka", "job/build", "pod/etcd-cp1"}, names(got)); diff != "" {
		t.Fatalf("workloads (-want +got):\n%s", diff)
	}
	cart := got[1]
	if cart.Object.Name != "cart-99" && cart.Object.Name != "cart-88" || *cart.Wanted != 3 || *cart.Ready != 2 {
		t.Errorf("cart is told by %s with %d of %d replicas, want one with replicas, and 2 of 3", cart.Object.Name, *cart.Ready, *cart.Wanted)
	}
	if cart.Alias != "k8s:prod/shop/deployment/cart" || cart.Ref != "workload:shop/prod.deployment.cart" {
		t.Errorf("cart has the alias %s and the ref %s", cart.Alias, cart.Ref)
	}
	if diff := cmp.Diff([]string{"cart-88-x", "cart-99-x"}, objectNames(inv.PodsOf(cart))); diff != "" {
		t.Errorf("pods of cart (-want +got):\n%s", diff)
	}
}

func TestADeploymentOfTheSameNameIsTheSameWorkload(t *testing.T) {
	inv := inventory.New("prod")
	put(inv, inventory.ReplicaSets, replicaSet("cart-88", 2, 1), "argoproj.io/v1alpha1", "Rollout", "cart")
	put(inv, inventory.Deployments, &appsv1.Deployment{ObjectMeta: v1.ObjectMeta{Name: "cart"}}, "shop.example/v1", "Shop", "all")
	workloads := slices.Collect(inv.Workloads("shop"))
	if diff := cmp.Diff([]string{"deployment/cart"}, names(workloads)); diff != "" {
		t.Fatalf("workloads (-want +got):\n%s", diff)
	}
	if got := workloads[0]; got.Object.Kind != inventory.Deployments || *got.Wanted != 1 || got.Ready != nil {
		t.Errorf("cart is told by %s with %d replicas wanted and %v ready, want those of the Deployment, of which nothing is known to be ready",
			got.Object.Kind, *got.Wanted, got.Ready)
	}
	inv.Delete(inventory.Key{Kind: inventory.Deployments, Namespace: "shop", Name: "cart"})
	if got := inv.Workload("shop", "deployment", "cart"); got == nil || got.Object.Name != "cart-88" {
		t.Errorf("without the Deployment cart is %v, want what is told by its ReplicaSet", got)
	}
}

// A ReplicaSet of a Deployment that was made anew under the same name is not that of the old one.
func TestControllersOfOneNameAreToldApart(t *testing.T) {
	inv := inventory.New("prod")
	deployment := &appsv1.Deployment{ObjectMeta: v1.ObjectMeta{Name: "cart", UID: "new"}}
	put(inv, inventory.Deployments, deployment, "", "", "")
	for _, uid := range []string{"old", "new"} {
		set := put(inv, inventory.ReplicaSets, replicaSet("cart-"+uid, 1, 1), "apps/v1", "Deployment", "cart")
		set.Value.GetOwnerReferences()[0].UID = types.UID(uid)
		put(inv, inventory.Pods, pod("cart-"+uid+"-x"), "apps/v1", "ReplicaSet", "cart-"+uid)
	}
	if diff := cmp.Diff([]string{"cart-new-x"}, objectNames(inv.PodsOf(inv.Workload("shop", "deployment", "cart")))); diff != "" {
		t.Errorf("pods (-want +got):\n%s", diff)
	}
}

func TestLabelsOfPodsWinAndGeneratedOnesAreLeftOut(t *testing.T) {
	inv := inventory.New("prod")
	set := replicaSet("cart-88", 2, 1)
	set.Labels = map[string]string{"app": "of the controller", "team": "shop", "rollouts-pod-template-hash": "88"}
	set.Spec.Template.Labels = map[string]string{"app": "of the pod", "rollouts-pod-template-hash": "88"}
	put(inv, inventory.ReplicaSets, set, "argoproj.io/v1alpha1", "Rollout", "cart")
	want := map[string]string{"app": "of the pod", "team": "shop"}
	if diff := cmp.Diff(want, inv.Workload("shop", "deployment", "cart").Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
}

func TestReplicationControllers(t *testing.T) {
	inv := inventory.New("prod")
	for name, by := range map[string]string{"alone": "", "cart-1": "cart", "cart-2": "cart"} {
		wanted := int32(2)
		raw := &corev1.ReplicationController{
			ObjectMeta: v1.ObjectMeta{Name: name}, Spec: corev1.ReplicationControllerSpec{
				Replicas: &wanted, Selector: map[string]string{"app": "x"},
				Template: &corev1.PodTemplateSpec{ObjectMeta: v1.ObjectMeta{Labels: map[string]string{"app": "x"}}},
			},
			Status: corev1.ReplicationControllerStatus{ObservedGeneration: 1, ReadyReplicas: 1},
		}
		controller := ""
		if by != "" {
			controller = "DeploymentConfig"
		}
		if name == "cart-1" {
			*raw.Spec.Replicas = 0
		}
		trimmed, err := inventory.Trim(raw)
		if err != nil {
			t.Fatal(err)
		}
		put(inv, inventory.ReplicationControllers, trimmed, "apps.openshift.io/v1", controller, by)
		put(inv, inventory.Pods, pod(name+"-x"), "v1", "ReplicationController", name)
	}
	got := slices.Collect(inv.Workloads("shop"))
	if diff := cmp.Diff([]string{"deployment/alone", "deployment/cart"}, names(got)); diff != "" {
		t.Fatalf("workloads (-want +got):\n%s", diff)
	}
	if cart := got[1]; cart.Object.Name != "cart-2" || *cart.Wanted != 2 || *cart.Ready != 2 || cart.Template.Labels["app"] != "x" {
		t.Errorf("cart is told by %s with %d of %d replicas and the labels %v", cart.Object.Name, *cart.Ready, *cart.Wanted, cart.Template.Labels)
	}
	if diff := cmp.Diff([]string{"cart-1-x", "cart-2-x"}, objectNames(inv.PodsOf(got[1]))); diff != "" {
		t.Errorf("pods of cart (-want +got):\n%s", diff)
	}
}

// A controller of a kind that is not known, as a manifest states it, is the workload that its ReplicaSets tell of.
func TestControllersOfManifests(t *testing.T) {
	decode := func(text string) *appsv1.ReplicaSet {
		t.Helper()
		controller, err := inventory.DecodeController([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return controller
	}
	inv := inventory.New("prod")
	put(inv, inventory.Controllers, decode(`{"metadata": {"name": "cart"}, "spec": {"replicas": 4}}`), "", "", "")
	put(inv, inventory.ReplicaSets, replicaSet("cart-88", 2, 1), "argoproj.io/v1alpha1", "Rollout", "cart")
	put(inv, inventory.Controllers, decode(`{"metadata": {"name": "agent"}, "spec": {"selector": "x"}}`), "", "", "")
	put(inv, inventory.Controllers, decode(`{"metadata": {"name": "sums"}, "spec": {"template": {"spec": {"restartPolicy": "Never"}}}}`), "", "", "")
	got := slices.Collect(inv.Workloads("shop"))
	if diff := cmp.Diff([]string{"deployment/agent", "deployment/cart", "job/sums"}, names(got)); diff != "" {
		t.Fatalf("workloads (-want +got):\n%s", diff)
	}
	if got[0].Wanted != nil || *got[1].Wanted != 4 || got[1].Object.Kind != inventory.Controllers {
		t.Errorf("agent wants %v replicas, cart by its %s %d", got[0].Wanted, got[1].Object.Kind, *got[1].Wanted)
	}
	for i := range 20 { // whichever comes first, the Deployment of the same name tells more
		first, second := inventory.Controllers, inventory.Deployments
		if i%2 == 0 {
			first, second = second, first
		}
		inv := inventory.New("prod")
		for _, kind := range []inventory.Kind{first, second} {
			if kind == inventory.Deployments {
				put(inv, kind, &appsv1.Deployment{ObjectMeta: v1.ObjectMeta{Name: "cart"}}, "", "", "")
			} else {
				put(inv, kind, decode(`{"metadata": {"name": "cart"}}`), "", "", "")
			}
		}
		if w := inv.Workload("shop", "deployment", "cart"); w.Object.Kind != inventory.Deployments {
			t.Fatalf("cart is told by its %s", w.Object.Kind)
		}
	}
}

func TestMayMake(t *testing.T) {
	inv := inventory.New("prod")
	put(inv, inventory.Operated, &inventory.Foreign{
		ObjectMeta: v1.ObjectMeta{Name: "events"}, Kind: "Kafka",
		Labels: map[string]bool{"team=stream": true, "app.kubernetes.io/part-of=shop": true},
	}, "", "", "")
	for _, test := range []struct {
		key, value string
		want       bool
	}{
		{"strimzi.io/cluster", "events", true},
		{"strimzi.io/name", "events-kafka", true},
		{"team", "stream", true},
		{"app", "stream", false},
		{"app", "eventstore", false},
		{"app.kubernetes.io/part-of", "shop", false}, // whatever has nothing to do with it has that, too
	} {
		if got := inv.MayMake("shop", map[string]string{test.key: test.value}); (got != nil) != test.want {
			t.Errorf("%s=%s: %v", test.key, test.value, got)
		}
		if got := inv.MayMake("bank", map[string]string{test.key: test.value}); got != nil {
			t.Errorf("%s=%s in another namespace: %v", test.key, test.value, got)
		}
	}
}
