package testenv_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/internal/testenv"
)

// eventually asks until the answer is as wanted.
func eventually[T any](t *testing.T, cluster testenv.KubeCluster, path string, good func(T) bool) T {
	t.Helper()
	var got T
	within(t, 3*time.Minute, path, func() bool {
		got = *new(T)
		if err := json.Unmarshal(ask(t, cluster, http.MethodGet, path, ""), &got); err != nil {
			t.Fatal(err)
		}
		return good(got)
	})
	return got
}

// within tries until it is good, and says what is wrong when it never is.
func within(t *testing.T, limit time.Duration, wrong string, good func() bool) {
	t.Helper()
	for deadline := time.After(limit); !good(); {
		select {
		case <-deadline:
			t.Fatal(wrong)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func TestOwnKubeKeepsItsData(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a cluster three times")
	}
	own := testenv.OwnKube(t, testenv.KubeOptions{Flags: []string{"--etcd-compaction-interval=1s"}})
	before := own.KubeCluster
	var list struct{ Metadata struct{ Continue string } }
	if err := json.Unmarshal(ask(t, before, http.MethodGet, "/api/v1/namespaces?limit=1", ""), &list); err != nil {
		t.Fatal(err)
	}
	testenv.Apply(t, own.KubeCluster, "kept", []byte(`{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "first"}}`))
	var kept struct {
		Metadata struct{ ResourceVersion string }
	}
	if err := json.Unmarshal(ask(t, before, http.MethodGet, "/api/v1/configmaps", ""), &kept); err != nil {
		t.Fatal(err)
	}
	watch := "/api/v1/configmaps?watch=1&timeoutSeconds=1&resourceVersion=" + kept.Metadata.ResourceVersion
	if answer := string(ask(t, before, http.MethodGet, watch, "")); strings.Contains(answer, "410") {
		t.Errorf("a watch from now says %s", answer)
	}
	own.Kill()
	if _, err := before.Ask(t.Context(), http.MethodGet, "/version", ""); err == nil {
		t.Error("a killed server answers")
	}
	own.Start()
	if diff := cmp.Diff(before, own.KubeCluster); diff != "" {
		t.Errorf("the server is elsewhere: %s", diff)
	}
	testenv.Apply(t, own.KubeCluster, "kept", []byte(`{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "second"}}`))
	own.Stop()
	own.Start()
	if answer := string(ask(t, before, http.MethodGet, watch, "")); !strings.Contains(answer, "410") {
		t.Errorf("a watch from long ago says %s", answer)
	}
	within(t, time.Minute, "a list from long ago can be gone on with", func() bool {
		return refusal(t, before, http.MethodGet, "/api/v1/namespaces?limit=1&continue="+list.Metadata.Continue) == http.StatusGone
	})
	for _, name := range []string{"first", "second"} {
		ask(t, before, http.MethodGet, "/api/v1/namespaces/kept/configmaps/"+name, "")
	}
}

const reader = `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: reader}
rules: [{apiGroups: [""], resources: [services], verbs: [get, list, watch]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: readers}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: reader}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: readers}]
`

// TestTwoClusters has two at once, with a user of the same name in both.
func TestTwoClusters(t *testing.T) {
	if testing.Short() {
		t.Skip("starts two clusters")
	}
	first, second := testenv.OwnKube(t, testenv.KubeOptions{}), testenv.OwnKube(t, testenv.KubeOptions{Name: "second", Flags: []string{"--anonymous-auth=true"}})
	testenv.Apply(t, first.KubeCluster, "default", []byte(reader))
	user, stranger := first.User("ann", "readers"), second.User("ann", "readers")
	const services, secrets = "/api/v1/services", "/api/v1/secrets"
	within(t, time.Minute, "what a role allows is refused", func() bool {
		return refusal(t, user.KubeCluster, http.MethodGet, services) == 0
	})
	for _, c := range []struct {
		name    string
		cluster testenv.KubeCluster
		path    string
		want    int
	}{
		{"what no role allows", user.KubeCluster, secrets, http.StatusForbidden},
		{"without a binding", stranger.KubeCluster, services, http.StatusForbidden},
		{"nobody", withToken(first.KubeCluster, ""), services, http.StatusUnauthorized},
		{"nobody, where a flag lets them", withToken(second.KubeCluster, ""), services, http.StatusForbidden},
		{"an administrator", second.KubeCluster, secrets, 0},
		{"a token of another cluster", withToken(second.KubeCluster, user.Token), services, http.StatusUnauthorized},
	} {
		if got := refusal(t, c.cluster, http.MethodGet, c.path); got != c.want {
			t.Errorf("%s: %s says %d, want %d", c.name, c.path, got, c.want)
		}
	}
	old := user.KubeCluster
	user.Renew()
	if got := refusal(t, user.KubeCluster, http.MethodGet, services); got != 0 {
		t.Errorf("the renewed token gives %d", got)
	}
	within(t, time.Minute, "the old token stays valid", func() bool {
		return refusal(t, old, http.MethodGet, services) == http.StatusUnauthorized
	})
}

func withToken(cluster testenv.KubeCluster, token string) testenv.KubeCluster {
	cluster.Token = token
	return cluster
}

const workloads = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: checkout}
spec:
  replicas: 6
  selector: {matchLabels: {app: checkout}}
  template:
    metadata: {labels: {app: checkout}}
    spec:
      topologySpreadConstraints:
      - {maxSkew: 1, topologyKey: topology.kubernetes.io/zone, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: checkout}}}
      containers:
      - {name: app, image: "registry.example/checkout:1", ports: [{containerPort: 8080}], readinessProbe: {httpGet: {path: /readyz, port: 8080}}}
      - {name: side, image: "registry.example/side:1"}
---
apiVersion: v1
kind: Service
metadata: {name: checkout}
spec: {selector: {app: checkout}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: checkout}
spec: {minAvailable: 4, selector: {matchLabels: {app: checkout}}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: ledger}
spec:
  replicas: 2
  serviceName: ledger
  selector: {matchLabels: {app: ledger}}
  template:
    metadata: {labels: {app: ledger}}
    spec:
      containers: [{name: app, image: "registry.example/ledger:1", volumeMounts: [{name: data, mountPath: /data}]}]
      volumes: [{name: shared, persistentVolumeClaim: {claimName: ledger}}]
  volumeClaimTemplates:
  - {metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: ledger}
spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], hostPath: {path: /data}, storageClassName: made-by-hand}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: ledger}
spec: {accessModes: [ReadWriteOnce], storageClassName: made-by-hand, resources: {requests: {storage: 1Gi}}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec: {containers: [{name: app, image: "registry.example/agent:1"}]}
---
apiVersion: batch/v1
kind: Job
metadata: {name: migrate}
spec:
  template:
    spec: {restartPolicy: Never, containers: [{name: app, image: "registry.example/migrate:1"}]}
`

type podList struct {
	Items []struct {
		Metadata struct{ Name string }
		Spec     struct{ NodeName string }
		Status   struct{ Phase, PodIP string }
	}
}

func (l podList) running() (count int) {
	for _, pod := range l.Items {
		if pod.Status.Phase == "Running" {
			count++
		}
	}
	return count
}

func TestOwnKubeWithControllers(t *testing.T) {
	if testing.Short() {
		t.Skip("starts all of Kubernetes")
	}
	own := testenv.OwnKube(t, testenv.KubeOptions{Controllers: true, FakeNodes: 4})
	zones := map[string]string{}
	nodes := eventually(t, own.KubeCluster, "/api/v1/nodes", func(l struct {
		Items []struct {
			Metadata struct {
				Name   string
				Labels map[string]string
			}
		}
	},
	) bool {
		return len(l.Items) == 4
	})
	for _, node := range nodes.Items {
		zones[node.Metadata.Name] = node.Metadata.Labels["topology.kubernetes.io/zone"]
	}
	if diff := cmp.Diff(map[string]string{"node-1": "zone-a", "node-2": "zone-b", "node-3": "zone-c", "node-4": "zone-a"}, zones); diff != "" {
		t.Error(diff)
	}

	testenv.Apply(t, own.KubeCluster, "shop", []byte(workloads))
	pods := eventually(t, own.KubeCluster, "/api/v1/namespaces/shop/pods?labelSelector=app%3Dcheckout", func(l podList) bool { return l.running() == 6 })
	spread := map[string]int{}
	for _, pod := range pods.Items {
		spread[zones[pod.Spec.NodeName]]++
	}
	if diff := cmp.Diff(map[string]int{"zone-a": 2, "zone-b": 2, "zone-c": 2}, spread); diff != "" {
		t.Errorf("the pods are spread over zones otherwise: %s", diff)
	}
	for app, want := range map[string]int{"ledger": 2, "agent": 4} {
		eventually(t, own.KubeCluster, "/api/v1/namespaces/shop/pods?labelSelector=app%3D"+app, func(l podList) bool { return l.running() == want })
	}
	eventually(t, own.KubeCluster, "/apis/batch/v1/namespaces/shop/jobs/migrate", func(j struct{ Status struct{ Succeeded int } }) bool {
		return j.Status.Succeeded == 1
	})
	eventually(t, own.KubeCluster, "/apis/apps/v1/namespaces/shop/deployments/checkout", func(d struct {
		Status struct{ AvailableReplicas int }
	},
	) bool {
		return d.Status.AvailableReplicas == 6
	})
	eventually(t, own.KubeCluster, "/apis/policy/v1/namespaces/shop/poddisruptionbudgets/checkout", func(b struct {
		Status struct{ DisruptionsAllowed int }
	},
	) bool {
		return b.Status.DisruptionsAllowed == 2
	})
	type sliceList struct {
		Items []struct {
			Endpoints []struct{ Addresses []string }
		}
	}
	eventually(t, own.KubeCluster, "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3Dcheckout", func(l sliceList) bool {
		return len(l.Items) == 1 && len(l.Items[0].Endpoints) == 6
	})

	t.Run("logs", func(t *testing.T) {
		pod := pods.Items[0].Metadata.Name
		own.WriteLog("shop", pod, "app", `{"level":"info"}`)
		own.WriteLog("shop", pod, "side", "one", "two")
		own.WriteLog("shop", pod, "app", "the last")
		for container, want := range map[string]string{"app": "{\"level\":\"info\"}\nthe last\n", "side": "one\ntwo\n"} {
			path := fmt.Sprintf("/api/v1/namespaces/shop/pods/%s/log?container=%s", pod, container)
			if got := string(ask(t, own.KubeCluster, http.MethodGet, path, "")); got != want {
				t.Errorf("the log of %s is %q", container, got)
			}
			if got := string(ask(t, own.KubeCluster, http.MethodGet, path+"&tailLines=1", "")); strings.Count(got, "\n") != 1 {
				t.Errorf("the last line of %s is %q", container, got)
			}
		}
		if got := refusal(t, own.KubeCluster, http.MethodGet, "/api/v1/namespaces/shop/pods/"+pods.Items[1].Metadata.Name+"/log?container=app"); got == 0 {
			t.Error("a log that was not written is read")
		}
	})
	t.Run("an outage of the server", func(t *testing.T) {
		own.Kill()
		own.Start()
		ask(t, own.KubeCluster, http.MethodDelete, "/apis/apps/v1/namespaces/shop/deployments/checkout?propagationPolicy=Background", "")
		eventually(t, own.KubeCluster, "/api/v1/namespaces/shop/pods?labelSelector=app%3Dcheckout", func(l podList) bool { return len(l.Items) == 0 })
	})
	t.Run("a namespace goes", func(t *testing.T) {
		ask(t, own.KubeCluster, http.MethodDelete, "/api/v1/namespaces/shop", "")
		eventually(t, own.KubeCluster, "/api/v1/namespaces?fieldSelector=metadata.name%3Dshop", func(l struct{ Items []any }) bool { return len(l.Items) == 0 })
	})
}

func TestMeshCRDs(t *testing.T) {
	cluster := testenv.Kube(t)
	for range 2 { // as two tests would
		testenv.ApplyMeshCRDs(t, cluster)
	}
	namespace := testenv.Namespace(t, cluster)
	testenv.Apply(t, cluster, namespace, []byte(`
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop}
spec: {hostnames: [shop.example], rules: [{backendRefs: [{name: checkout, port: 80}]}]}
---
apiVersion: networking.istio.io/v1beta1
kind: VirtualService
metadata: {name: shop}
spec: {hosts: [checkout], http: [{route: [{destination: {host: checkout}}]}]}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: shop}
spec: {selector: {istio: ingress}}
`))
	type object struct {
		APIVersion string
		Spec       struct{ Hosts []string }
	}
	var got object
	answer := ask(t, cluster, http.MethodGet, "/apis/networking.istio.io/v1/namespaces/"+namespace+"/virtualservices/shop", "")
	if err := json.Unmarshal(answer, &got); err != nil {
		t.Fatal(err)
	}
	if got.APIVersion != "networking.istio.io/v1" || len(got.Spec.Hosts) != 1 {
		t.Errorf("what was written as v1beta1 is read as %+v", got)
	}
	ask(t, cluster, http.MethodGet, "/apis/gateway.networking.k8s.io/v1/namespaces/"+namespace+"/httproutes/shop", "")
}
