package kubernetes_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/orrery-catalog/orrery/internal/testenv"
	"github.com/orrery-catalog/orrery/scanners/kubernetes"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/facts"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// role is the manifest of a ClusterRole that may read all kinds but the named ones, and its binding to a user.
func role(t testing.TB, user string, without ...inventory.Kind) []byte {
	t.Helper()
	type rule struct {
		APIGroups []string `json:"apiGroups"`
		Resources []string `json:"resources"`
		Verbs     []string `json:"verbs"`
	}
	forbidden := make(map[inventory.Kind]bool)
	for _, kind := range without {
		forbidden[kind] = true
	}
	rules := []rule{}
	for _, resource := range inventory.Resources() {
		if !forbidden[resource.Kind] {
			rules = append(rules, rule{[]string{resource.Group}, []string{resource.Path()}, []string{"get", "list", "watch"}})
		}
	}
	text, err := json.Marshal(rules)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Appendf(nil, `{"apiVersion": "v1", "kind": "List", "items": [
{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": %[1]q}, "rules": %[2]s},
{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": %[1]q},
 "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": %[1]q},
 "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": %[1]q}]}]}`, user, text)
}

// problems are the messages of the problems of the cluster's scope with a code.
func (r *receiver) problems(code string) []string {
	var all []string
	for _, document := range r.Held["cluster"].Documents {
		for _, problem := range document.Problems {
			if problem.Code == code {
				all = append(all, problem.Message)
			}
		}
	}
	return all
}

// TestForbidden takes the right to each kind away in turn: what was read stands and is said to be stale; where it never
// could be read, that is said with the rule to add; and it is fresh when the right is back.
func TestForbidden(t *testing.T) {
	own := testenv.OwnKube(t, testenv.KubeOptions{})
	testenv.ApplyMeshCRDs(t, own.KubeCluster)
	testenv.Apply(t, own.KubeCluster, "shop", workload("checkout", image1), []byte(everything))
	user := own.User("reader")
	config := of(user.KubeCluster)
	s := scanner(t, config)
	testenv.Apply(t, own.KubeCluster, "shop", role(t, "reader"))
	held := newReceiver()
	eventually(t, "the right to everything", func() bool {
		return held.whole(t.Context(), s) == nil && len(held.stale) == 0 && len(held.problems("kind-not-readable")) == 0
	})
	held.losses = 0
	names := strings.Join(held.Names(), " ")
	for _, resource := range inventory.Resources() {
		t.Run(string(resource.Kind), func(t *testing.T) {
			testenv.Apply(t, own.KubeCluster, "shop", role(t, "reader", resource.Kind))
			rule := fmt.Sprintf(`{apiGroups: [%q], resources: [%s], verbs: [get, list, watch]}`, resource.Group, resource.Path())
			eventually(t, "that it is said", func() bool {
				never := newReceiver()
				if err := never.whole(t.Context(), s); err != nil {
					t.Fatal(err)
				}
				said := never.problems("kind-not-readable")
				return len(said) == 1 && strings.Contains(said[0], rule) && len(never.stale) == 0
			})
			if err := held.whole(t.Context(), s); err != nil {
				t.Fatal(err)
			}
			for _, name := range held.Names() {
				if rests := rests(name, resource.Kind); rests != (held.why(name) != "") {
					t.Errorf("%s is stale: %q; that it rests on the kind is %v", name, held.why(name), rests)
				} else if rests && !strings.Contains(held.why(name), rule) {
					t.Errorf("why %s is stale lacks the rule to add: %s", name, held.why(name))
				}
			}
			testenv.Apply(t, own.KubeCluster, "shop", role(t, "reader"))
			eventually(t, "that it is fresh again", func() bool {
				return held.whole(t.Context(), s) == nil && len(held.stale) == 0
			})
			if now := strings.Join(held.Names(), " "); now != names || held.losses > 0 {
				t.Errorf("%d scopes were lost; there are %s, and were %s", held.losses, now, names)
			}
		})
	}
}

// TestExcludedKind excludes a kind after it was read: what rests on it alone goes, nothing is held, and nothing is said to
// be missing.
func TestExcludedKind(t *testing.T) {
	t.Parallel()
	cluster := testenv.Kube(t)
	namespace := testenv.Namespace(t, cluster)
	testenv.Apply(t, cluster, namespace, workload("checkout", image1), []byte(`
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: checkout}
spec: {minAvailable: 1, selector: {matchLabels: {app: checkout}}}
`))
	config := of(cluster)
	config.Namespaces = []string{namespace}
	held := newReceiver()
	if err := held.whole(t.Context(), scanner(t, config)); err != nil {
		t.Fatal(err)
	}
	budgets := func() (names []string) {
		for _, name := range held.Names() {
			if rests(name, inventory.PodDisruptionBudgets) && name != "cluster" {
				names = append(names, name)
			}
		}
		return names
	}
	if len(budgets()) == 0 {
		t.Fatalf("no scope rests on a budget: %v", held.Names())
	}
	config.ExcludeKinds = []string{string(inventory.PodDisruptionBudgets)}
	if err := held.whole(t.Context(), scanner(t, config)); err != nil {
		t.Fatal(err)
	}
	if left := budgets(); len(left) > 0 || len(held.stale) > 0 || len(held.problems("kind-not-readable")) > 0 {
		t.Errorf("left: %v, stale: %v, said: %v", left, held.stale, held.problems("kind-not-readable"))
	}
	config.ExcludeKinds = []string{"secrets"}
	if _, err := kubernetes.New(config); err == nil || !strings.Contains(err.Error(), "poddisruptionbudgets") {
		t.Errorf("excluding what is never read: %v", err)
	}
}

func rests(scope string, on inventory.Kind) bool {
	for _, kind := range facts.Inputs(scope) {
		if kind == on {
			return true
		}
	}
	return false
}

// why is why a scope is stale; "" = it is not.
func (r *receiver) why(name string) string {
	for scope, why := range r.stale {
		if _, told := r.fresh[name]; scope == name || strings.HasSuffix(scope, "/") && strings.HasPrefix(name, scope) && !told {
			return why
		}
	}
	return ""
}

// TestForbiddenWhileWatched takes a right away from a watch that runs, and gives it back.
func TestForbiddenWhileWatched(t *testing.T) {
	own := testenv.OwnKube(t, testenv.KubeOptions{})
	testenv.Apply(t, own.KubeCluster, "shop", workload("checkout", image1), workload("cart", image1), role(t, "reader"))
	user := own.User("reader")
	eventually(t, "the right to everything", func() bool {
		return newReceiver().whole(t.Context(), scanner(t, of(user.KubeCluster))) == nil
	})
	w := watch(t, scanner(t, of(user.KubeCluster)))
	w.until("that everything is fresh", func(error) bool { return len(w.held.stale) == 0 })
	testenv.Apply(t, own.KubeCluster, "shop", role(t, "reader", inventory.Services))
	own.Kill() // running watches are not looked at again
	own.Start()
	w.until("that Services are stale", func(error) bool { return w.held.why("services/shop/cart") != "" })
	testenv.Apply(t, own.KubeCluster, "shop", workload("cart", image2))
	w.until("a change of what can be read", func(error) bool { return w.held.image("shop", "cart") == image2 })
	remove(t, own.KubeCluster, "/api/v1/namespaces/shop/services/cart")
	testenv.Apply(t, own.KubeCluster, "shop", workload("checkout", image2))
	w.until("a change of what can be read", func(error) bool { return w.held.image("shop", "checkout") == image2 })
	if w.held.losses > 0 {
		t.Errorf("%d scopes were lost", w.held.losses)
	}
	testenv.Apply(t, own.KubeCluster, "shop", role(t, "reader"))
	w.until("that the Service is gone", func(error) bool {
		_, there := w.held.Held["services/shop/cart"]
		return len(w.held.stale) == 0 && !there
	})
}

// TestListWithoutWatch has the right to list a kind and not to watch it: that is said, once.
func TestListWithoutWatch(t *testing.T) {
	own := testenv.OwnKube(t, testenv.KubeOptions{})
	rules := bytes.Replace(role(t, "reader"), []byte(`"resources":["services"],"verbs":["get","list","watch"]`), []byte(`"resources":["services"],"verbs":["get","list"]`), 1)
	testenv.Apply(t, own.KubeCluster, "shop", workload("checkout", image1), rules)
	user := own.User("reader")
	eventually(t, "the right", func() bool {
		held := newReceiver()
		return held.whole(t.Context(), scanner(t, of(user.KubeCluster))) == nil && len(held.problems("kind-not-readable")) == 0
	})
	w := watch(t, scanner(t, kubernetes.Restless(of(user.KubeCluster))))
	if said := w.held.problems("kind-not-readable"); len(said) != 1 || !strings.Contains(said[0], "services may not be read") {
		t.Errorf("said is %q", said)
	}
	for number := range 20 {
		testenv.Apply(t, own.KubeCluster, "shop", workload(fmt.Sprintf("app-%d", number), image1))
	}
	w.until("the last workload", func(error) bool { return w.held.image("shop", "app-19") != "" })
	if w.held.wholes > 1 {
		t.Errorf("everything was told to have changed %d times", w.held.wholes)
	}
}

// TestRoleOfNamespace reads one namespace by a Role in it, which is nothing more than a Role can give.
func TestRoleOfNamespace(t *testing.T) {
	own := testenv.OwnKube(t, testenv.KubeOptions{})
	testenv.Apply(t, own.KubeCluster, "shop", workload("checkout", image1))
	testenv.Apply(t, own.KubeCluster, "other", workload("hidden", image1))
	rules := strings.NewReplacer("ClusterRoleBinding", "RoleBinding", "ClusterRole", "Role").Replace(string(role(t, "reader")))
	testenv.Apply(t, own.KubeCluster, "shop", []byte(rules))
	user := own.User("reader")
	config := of(user.KubeCluster, "shop")
	held := newReceiver()
	eventually(t, "the right", func() bool { return held.whole(t.Context(), scanner(t, config)) == nil && len(held.Held) > 1 })
	if held.image("shop", "checkout") != image1 || held.image("other", "hidden") != "" {
		t.Errorf("read are %q", held.Names())
	}
	w := watch(t, scanner(t, config))
	testenv.Apply(t, own.KubeCluster, "shop", workload("checkout", image2))
	w.until("the change", func(error) bool { return w.held.image("shop", "checkout") == image2 })
	everywhere := of(user.KubeCluster)
	if err := newReceiver().whole(t.Context(), scanner(t, everywhere)); err == nil || !strings.Contains(err.Error(), "nothing in the cluster can be read") {
		t.Errorf("reading all namespaces by a Role in one says %v", err)
	}
}

// TestExpiredToken has a token expire, and another one put into the file of the token.
func TestExpiredToken(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for long")
	}
	own := testenv.OwnKube(t, testenv.KubeOptions{})
	user := own.User("reader")
	testenv.Apply(t, own.KubeCluster, "shop", workload("checkout", image1), role(t, "reader"))
	s := scanner(t, of(user.KubeCluster))
	held := newReceiver()
	eventually(t, "the right", func() bool { return held.whole(t.Context(), s) == nil && held.image("shop", "checkout") != "" })
	held.losses = 0
	w := watch(t, scanner(t, of(user.KubeCluster)))
	user.Revoke()
	var err error
	eventually(t, "that the token is refused", func() bool { err = held.whole(t.Context(), s); return err != nil })
	if !strings.Contains(err.Error(), "refuses the credentials") || strings.Contains(err.Error(), user.Token) {
		t.Errorf("a scan says %v", err)
	}
	own.Kill() // so that the watch has to show its token again
	own.Start()
	w.until("that the token is refused", func(err error) bool { return err != nil && strings.Contains(err.Error(), "refuses the credentials") })
	user.Renew()
	testenv.Apply(t, own.KubeCluster, "shop", workload("checkout", image2))
	eventually(t, "that the new token is taken", func() bool {
		return held.whole(t.Context(), s) == nil && held.image("shop", "checkout") == image2
	})
	w.until("the change", func(error) bool { return w.held.image("shop", "checkout") == image2 })
	if held.losses > 0 || w.held.losses > 0 {
		t.Errorf("%d and %d scopes were lost", held.losses, w.held.losses)
	}
}
