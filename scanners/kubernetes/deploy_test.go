package kubernetes_test

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"

	"github.com/orrery-catalog/orrery/internal/testenv"
	"github.com/orrery-catalog/orrery/scanners/kubernetes"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// rights are what the ClusterRoles of a manifest allow, as group/resource: verb.
func rights(t *testing.T, manifest []byte) map[string][]string {
	t.Helper()
	all := make(map[string][]string)
	for document := range bytes.SplitSeq(manifest, []byte("\n---\n")) {
		var role rbacv1.ClusterRole
		if err := yaml.Unmarshal(document, &role); err != nil {
			t.Fatal(err)
		}
		for _, rule := range role.Rules {
			for _, group := range rule.APIGroups {
				for _, resource := range rule.Resources {
					all[group+"/"+resource] = append(all[group+"/"+resource], rule.Verbs...)
				}
			}
		}
	}
	return all
}

func deployed(t *testing.T, name string) []byte {
	t.Helper()
	manifest, err := os.ReadFile(filepath.Join(testenv.ProjectRoot(t), "deploy", "kubernetes", name))
	if err != nil {
		t.Fatal(err)
	}
	return manifest
}

// TestLeastPrivilege holds that the role that we tell people to give allows exactly what is read.
func TestLeastPrivilege(t *testing.T) {
	want := make(map[string][]string)
	for _, resource := range inventory.Resources() {
		want[resource.Group+"/"+resource.Path()] = []string{"get", "list", "watch"}
	}
	if diff := cmp.Diff(want, rights(t, deployed(t, "rbac.yaml"))); diff != "" {
		t.Errorf("rbac.yaml (-what is read +what is allowed):\n%s", diff)
	}
	if diff := cmp.Diff(map[string][]string{"/pods/log": {"get"}}, rights(t, deployed(t, "rbac-logs.yaml"))); diff != "" {
		t.Errorf("rbac-logs.yaml:\n%s", diff)
	}
}

// TestDeployedRole reads a cluster, its logs included, with no other rights than those that we tell people to give.
func TestDeployedRole(t *testing.T) {
	own := testenv.OwnKube(t, testenv.KubeOptions{Controllers: true})
	testenv.ApplyMeshCRDs(t, own.KubeCluster)
	testenv.Apply(t, own.KubeCluster, "shop", workload("checkout", image1), deployed(t, "rbac.yaml"))
	user := own.User("system:serviceaccount:orrery:orrery")
	config := of(user.KubeCluster)
	config.Logs = &kubernetes.LogConfig{Format: "json"}
	var held *receiver
	read := func() bool {
		held = newReceiver()
		return held.whole(t.Context(), scanner(t, config)) == nil && held.image("shop", "checkout") != "" && len(held.samples("shop", "checkout")) > 0
	}
	eventually(t, "a pod that is ready", func() bool {
		return read() && held.samples("shop", "checkout")[0].Unreadable != "no pod of it is ready"
	})
	if said := held.problems("kind-not-readable"); len(said) > 0 {
		t.Errorf("not readable are %q", said)
	}
	if got := held.samples("shop", "checkout")[0].Unreadable; got != `its log may not be read: add {apiGroups: [""], resources: [pods/log], verbs: [get]} to a role of this user` {
		t.Errorf("why logs are unknown is %q", got)
	}
	testenv.Apply(t, own.KubeCluster, "shop", deployed(t, "rbac-logs.yaml"))
	for _, pod := range pods(t, own.KubeCluster, "shop") {
		own.WriteLog("shop", pod, "main", `{"time":"2026-01-02T03:04:05Z","level":"info","msg":"began"}`)
	}
	eventually(t, "what logs say", func() bool {
		return read() && slices.Equal(held.samples("shop", "checkout")[0].Missing, []string{"correlation"})
	})
	if names := slices.Sorted(maps.Keys(held.stale)); len(names) > 0 {
		t.Errorf("stale are %q", names)
	}
}
