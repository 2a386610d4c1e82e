package testenv_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/internal/testenv"
)

// ask returns what the server answers, which it must.
func ask(t *testing.T, cluster testenv.KubeCluster, method, path, body string) []byte {
	t.Helper()
	answer, err := cluster.Ask(t.Context(), method, path, body)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// refusal is the status of HTTP by which the server refuses; 0 = it does not.
func refusal(t *testing.T, cluster testenv.KubeCluster, method, path string) int {
	t.Helper()
	_, err := cluster.Ask(t.Context(), method, path, "")
	if refused := (*testenv.KubeError)(nil); errors.As(err, &refused) {
		return refused.Status
	}
	if err != nil {
		t.Fatal(err)
	}
	return 0
}

const shop = `
# a comment before all
---
apiVersion: v1
kind: List
items:
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: checkout}
  spec:
    selector: {matchLabels: {app: checkout}}
    template:
      metadata: {labels: {app: checkout}}
      spec:
        containers:
        - {name: app, image: "registry.example/checkout:1", readinessProbe: {httpGet: {path: /readyz, port: 8080}}}
  status: {replicas: 3, readyReplicas: 2}
- apiVersion: v1
  kind: Service
  metadata: {name: checkout}
  spec: {selector: {app: checkout}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: elsewhere, namespace: OTHER}
data: {mode: "0644"}
---
`

func TestKubeApply(t *testing.T) {
	cluster := testenv.Kube(t)
	namespace, other := testenv.Namespace(t, cluster), testenv.Namespace(t, cluster)
	manifest := []byte(strings.ReplaceAll(shop, "OTHER", other))
	for range 2 { // the second time everything is there
		testenv.Apply(t, cluster, namespace, manifest, []byte(`{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "json"}}`))
	}
	var deployment struct {
		Spec struct {
			Template struct {
				Spec struct {
					Containers []struct{ ReadinessProbe struct{ TimeoutSeconds int } }
				}
			}
		}
		Status struct{ Replicas, ReadyReplicas int }
	}
	answer := ask(t, cluster, http.MethodGet, "/apis/apps/v1/namespaces/"+namespace+"/deployments/checkout", "")
	if err := json.Unmarshal(answer, &deployment); err != nil {
		t.Fatal(err)
	}
	if got := deployment.Spec.Template.Spec.Containers[0].ReadinessProbe.TimeoutSeconds; got != 1 {
		t.Errorf("the server filled in a timeout of %d s", got)
	}
	if got := deployment.Status; got.Replicas != 3 || got.ReadyReplicas != 2 {
		t.Errorf("the status is %+v", got)
	}
	for path, want := range map[string]int{
		"/api/v1/namespaces/" + namespace + "/services/checkout":    0,
		"/api/v1/namespaces/" + namespace + "/configmaps/json":      0,
		"/api/v1/namespaces/" + other + "/configmaps/elsewhere":     0,
		"/api/v1/namespaces/" + namespace + "/configmaps/elsewhere": http.StatusNotFound,
	} {
		if got := refusal(t, cluster, http.MethodGet, path); got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
}

func TestKubeNamespace(t *testing.T) {
	cluster := testenv.Kube(t)
	var gone string
	t.Run("of a test", func(t *testing.T) {
		gone = testenv.Namespace(t, cluster)
		testenv.Apply(t, cluster, gone, []byte(strings.ReplaceAll(shop, "OTHER", gone)))
	})
	if got := refusal(t, cluster, http.MethodGet, "/api/v1/namespaces/"+gone); got != http.StatusNotFound {
		t.Errorf("the namespace is still there: %d", got)
	}
	var left struct{ Items []any }
	for _, path := range []string{"/api/v1/namespaces/" + gone + "/services", "/apis/apps/v1/namespaces/" + gone + "/deployments"} {
		if err := json.Unmarshal(ask(t, cluster, http.MethodGet, path, ""), &left); err != nil || len(left.Items) != 0 {
			t.Errorf("%s: %v %v are left", path, left.Items, err)
		}
	}
}

func TestKubeconfigOfTheEnvironment(t *testing.T) {
	cluster := testenv.Kube(t)
	t.Setenv(testenv.KubeconfigEnv, cluster.Kubeconfig)
	given, ok, err := testenv.GivenKube()
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	if diff := cmp.Diff(cluster, given); diff != "" {
		t.Error(diff)
	}
	ca, err := os.ReadFile(cluster.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	config, err := os.ReadFile(cluster.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", t.TempDir()) // where the authority is unpacked to
	inline := filepath.Join(t.TempDir(), "config")
	text := strings.Replace(string(config), "certificate-authority: "+cluster.CAFile,
		"certificate-authority-data: "+base64.StdEncoding.EncodeToString(ca), 1)
	if err := os.WriteFile(inline, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(testenv.KubeconfigEnv, inline)
	if given, _, err = testenv.GivenKube(); err != nil {
		t.Fatal(err)
	}
	ask(t, given, http.MethodGet, "/version", "")
	t.Setenv(testenv.KubeconfigEnv, filepath.Join(t.TempDir(), "none"))
	if _, _, err := testenv.GivenKube(); err == nil {
		t.Error("a file that does not exist is taken")
	}
}

func TestProxyBeforeKube(t *testing.T) {
	cluster := testenv.Kube(t)
	proxy := testenv.Proxy(t, cluster.Address())
	through := cluster.Through(t, proxy)
	ask(t, through, http.MethodGet, "/version", "")
	proxy.Cut()
	if answer, err := through.Ask(t.Context(), http.MethodGet, "/version", ""); err == nil {
		t.Errorf("it answers %s through a proxy that is cut", answer)
	}
	proxy.Mend()
	ask(t, through, http.MethodGet, "/version", "")
}

// TestKubeWithoutModules has neither what is built nor what it would be built from.
func TestKubeWithoutModules(t *testing.T) {
	empty := t.TempDir()
	for name, value := range map[string]string{
		"HOME": empty, "XDG_CACHE_HOME": empty, "GOCACHE": filepath.Join(empty, "build"), "GOMODCACHE": filepath.Join(empty, "modules"),
		"GOPROXY": "off", "GOFLAGS": "-modcacherw",
	} {
		t.Setenv(name, value)
	}
	err := testenv.PrepareKube(t.Context())
	if missing := (*testenv.MissingError)(nil); !errors.As(err, &missing) || !strings.Contains(err.Error(), "modules") {
		t.Errorf("the error is %v", err)
	}
	if testenv.KubeBuilt() {
		t.Error("it says to be built")
	}
}
