package peers

import (
	"encoding/json"
	"errors"
	"net/http"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/orrery-catalog/orrery/internal/testenv"
)

// collections are the paths of the API by kind, around the namespace.
var collections = map[string][2]string{
	"Pod":                     {"/api/v1", "pods"},
	"Service":                 {"/api/v1", "services"},
	"ReplicationController":   {"/api/v1", "replicationcontrollers"},
	"Deployment":              {"/apis/apps/v1", "deployments"},
	"ReplicaSet":              {"/apis/apps/v1", "replicasets"},
	"DaemonSet":               {"/apis/apps/v1", "daemonsets"},
	"StatefulSet":             {"/apis/apps/v1", "statefulsets"},
	"Job":                     {"/apis/batch/v1", "jobs"},
	"CronJob":                 {"/apis/batch/v1", "cronjobs"},
	"Ingress":                 {"/apis/networking.k8s.io/v1", "ingresses"},
	"EndpointSlice":           {"/apis/discovery.k8s.io/v1", "endpointslices"},
	"HorizontalPodAutoscaler": {"/apis/autoscaling/v2", "horizontalpodautoscalers"},
	"PodDisruptionBudget":     {"/apis/policy/v1", "poddisruptionbudgets"},
}

// TestRulesOfTheAPIServer tries all cases on a real API server: it takes them, but for those that say they are refused;
// and where two probes are the same, they are so with its defaults filled in.
func TestRulesOfTheAPIServer(t *testing.T) {
	asked := questions(t)
	cluster := testenv.Kube(t)
	namespace := testenv.Namespace(t, cluster)
	for _, q := range asked {
		t.Run(q.Name, func(t *testing.T) {
			refused := false
			for _, object := range objects(t, filepath.Join(q.manifest(t), "manifest.yaml")) {
				kind, _ := object["kind"].(string)
				where, builtIn := collections[kind]
				if !builtIn {
					continue // HTTPRoute: its API is an extension
				}
				object["metadata"].(map[string]any)["namespace"] = namespace
				body, err := json.Marshal(object)
				if err != nil {
					t.Fatal(err)
				}
				answer, err := cluster.Ask(t.Context(), http.MethodPost, where[0]+"/namespaces/"+namespace+"/"+where[1]+"?dryRun=All", string(body))
				var refusal *testenv.KubeError
				if errors.As(err, &refusal) && refusal.Status == http.StatusUnprocessableEntity {
					refused = true
					t.Log(refusal)
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				if q.Check == "identical-liveness-readiness" && kubescapePods[kind] != nil {
					same := sameProbes(t, answer, q.Container)
					if want := q.flagged() && q.Severity == "ERROR"; same != want {
						t.Errorf("with the defaults of the server the two probes are equal: %v; right is %s %s", same, q.Right, q.Severity)
					}
				}
			}
			if refused != q.Refused {
				t.Errorf("the API server refuses it: %v, the case says %v", refused, q.Refused)
			}
		})
	}
}

// sameProbes says whether liveness and readiness of a container are equal in all fields once the names of ports are
// replaced by their numbers.
func sameProbes(t *testing.T, answer []byte, container string) bool {
	t.Helper()
	var workload struct {
		Spec struct {
			Template struct {
				Spec struct {
					Containers []struct {
						Name  string
						Ports []struct {
							Name          string
							ContainerPort float64
						}
						LivenessProbe, ReadinessProbe map[string]any
					}
				}
			}
		}
	}
	if err := json.Unmarshal(answer, &workload); err != nil {
		t.Fatal(err)
	}
	for _, c := range workload.Spec.Template.Spec.Containers {
		if c.Name != container {
			continue
		}
		for _, probe := range []map[string]any{c.LivenessProbe, c.ReadinessProbe} {
			for _, handler := range probe {
				fields, _ := handler.(map[string]any)
				for _, port := range c.Ports {
					if fields["port"] == port.Name {
						fields["port"] = port.ContainerPort
					}
				}
			}
		}
		return reflect.DeepEqual(c.LivenessProbe, c.ReadinessProbe)
	}
	t.Fatalf("there is no container %s", container)
	return false
}
