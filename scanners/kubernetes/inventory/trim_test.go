package inventory_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/json"

	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// What must never be kept stands in every place here where a person may have written it.
const secretive = `{"metadata": {"name": "cart", "namespace": "shop", "managedFields": [{"manager": "SECRET"}],
	"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "SECRET", "orrery.dev/tier": "1"},
	"ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "SECRET"}]},
	"spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "SECRET"}},
	"spec": {"serviceAccountName": "SECRET", "imagePullSecrets": [{"name": "SECRET"}],
	"volumes": [{"name": "v", "secret": {"secretName": "SECRET"}}, {"name": "p", "projected": {"sources": [
		{"secret": {"name": "SECRET"}}, {"configMap": {"name": "kept"}}]}}],
	"containers": [{"name": "main", "env": [{"name": "DB", "value": "db:5432"}], "workingDir": "SECRET",
	"lifecycle": {"preStop": {"exec": {"command": ["SECRET"]}}}}]}}},
	"status": {"readyReplicas": 1, "conditions": [{"type": "x", "message": "SECRET"}]}}`

func TestTrimKeepsWhatIsNeeded(t *testing.T) {
	for _, kind := range []inventory.Kind{inventory.Deployments, inventory.StatefulSets, inventory.DaemonSets, inventory.ReplicaSets, inventory.Jobs} {
		object, err := inventory.Decode(kind, []byte(secretive))
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		data, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(data), "SECRET") {
			t.Errorf("%s keeps what nobody needs: %s", kind, data)
		}
		for _, kept := range []string{"db:5432", `"kept"`, "orrery.dev/tier"} {
			if !strings.Contains(string(data), kept) {
				t.Errorf("%s loses %s: %s", kind, kept, data)
			}
		}
	}
}

func TestConfigMapsLoseTheirValues(t *testing.T) {
	object, err := inventory.Trim(&corev1.ConfigMap{Data: map[string]string{
		"DB": "postgres://user:hunter2@ledger-db.shop.svc:5432/ledger", "WORD": "blue green",
	}})
	if err != nil {
		t.Fatal(err)
	}
	config := object.(*inventory.ConfigMap)
	if _, kept := config.Hosts["WORD"]; !kept || len(config.Hosts["DB"]) != 1 || config.Hosts["DB"][0].Host != "ledger-db.shop.svc" {
		t.Errorf("the hosts are %+v, want ledger-db.shop.svc under DB, and every key", config.Hosts)
	}
}

func TestAPodWithAControllerKeepsWhereItIs(t *testing.T) {
	for owner, want := range map[string]int{
		`{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "cart-1", "controller": true}`:                   0,
		`{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "cart-1"}`:                                       1, // controls nothing
		`{"apiVersion": "v1", "kind": "Node", "name": "cp1", "controller": true}`:                                 1,
		`{"apiVersion": "core.strimzi.io/v1beta2", "kind": "StrimziPodSet", "name": "kafka", "controller": true}`: 1,
	} {
		object, err := inventory.Decode(inventory.Pods, []byte(`{"metadata": {"name": "cart", "ownerReferences": [`+owner+`]},
			"spec": {"nodeName": "n1", "containers": [{"name": "main"}]},
			"status": {"phase": "Running", "conditions": [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": "True"}]}}`))
		if err != nil {
			t.Fatal(err)
		}
		pod := object.(*corev1.Pod)
		if len(pod.Spec.Containers) != want || pod.Spec.NodeName != "n1" || len(pod.Status.Conditions) != 1 || pod.Status.Phase != corev1.PodRunning {
			t.Errorf("of a pod owned by %s is kept: %+v", owner, pod)
		}
	}
}

func TestFromUnstructuredPassesOverWhatIsNotNeeded(t *testing.T) {
	object, err := inventory.FromUnstructured(inventory.GRPCRoutes, &unstructured.Unstructured{Object: map[string]any{
		"metadata": map[string]any{"name": "cart", "annotations": map[string]any{"kubectl.kubernetes.io/last-applied-configuration": "{}"}},
		"status":   "a word where an object should be",
		"spec": map[string]any{
			"hostnames": []any{"cart.example.com"}, "useDefaultGateways": []any{1},
			"rules": []any{map[string]any{
				"matches": []any{map[string]any{"method": map[string]any{"service": "shop.Cart", "method": "Add"}, "headers": 7}},
				"filters": "none",
			}},
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	route := object.(*inventory.HTTPRoute)
	if diff := cmp.Diff(&inventory.RPC{Service: "shop.Cart", Method: "Add"}, route.Spec.Rules[0].Matches[0].Method); diff != "" {
		t.Errorf("method (-want +got):\n%s", diff)
	}
	if len(route.Annotations) > 0 || route.Spec.Hostnames[0] != "cart.example.com" {
		t.Errorf("the route is %+v", route)
	}
	http, err := inventory.Decode(inventory.HTTPRoutes, []byte(`{"metadata": {"name": "cart"}, "spec": {"rules": [{"matches": [
		{"method": "GET", "path": {"type": "PathPrefix", "value": "/cart"}}]}]}}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := http.(*inventory.HTTPRoute).Spec.Rules[0].Matches[0].Path.Value; got != "/cart" {
		t.Errorf("the path is %q", got)
	}
}

func TestEveryResourceMakesObjects(t *testing.T) {
	for _, resource := range inventory.Resources() {
		object, err := inventory.Decode(resource.Kind, []byte(`{"metadata": {"name": "x"}}`))
		if err != nil || object.GetName() != "x" {
			t.Errorf("%s: %v, %v", resource.Kind, object, err)
		}
	}
	if _, err := inventory.Decode("secrets", []byte(`{}`)); err == nil {
		t.Error("a secret is read")
	}
}
