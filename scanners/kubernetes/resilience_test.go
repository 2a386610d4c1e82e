package kubernetes_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/orrery-catalog/orrery/internal/testenv"
	"github.com/orrery-catalog/orrery/scanners/kubernetes"
)

// configFile writes a kubeconfig for a server, which is known by the certificate in the file ca.
func configFile(t testing.TB, path, url, ca, token string) string {
	t.Helper()
	if path == "" {
		path = filepath.Join(t.TempDir(), "kubeconfig")
	}
	text := fmt.Sprintf(`{apiVersion: v1, kind: Config, current-context: test,
contexts: [{name: test, context: {cluster: test, user: test}}],
clusters: [{name: test, cluster: {server: %q, certificate-authority: %q}}],
users: [{name: test, user: {token: %q}}]}`, url, ca, token)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// remove deletes an object by its path.
func remove(t testing.TB, cluster testenv.KubeCluster, path string) {
	t.Helper()
	if _, err := cluster.Ask(t.Context(), http.MethodDelete, path, ""); err != nil {
		t.Fatal(err)
	}
}

const image1, image2 = "registry.example/app:1", "registry.example/app:2"

// TestServerKilled kills the API server while it is watched: scans fail and say why, nothing is lost, and what changed
// meanwhile is known when it is back.
func TestServerKilled(t *testing.T) {
	own := testenv.OwnKube(t, testenv.KubeOptions{})
	testenv.Apply(t, own.KubeCluster, "shop", workload("checkout", image1), workload("cart", image1))
	config := of(own.KubeCluster)
	w := watch(t, scanner(t, config))
	for round := range 2 {
		own.Kill()
		w.until("that the server is out of reach", func(err error) bool { return err != nil })
		err := w.held.whole(t.Context(), w.scanner)
		if err == nil || !strings.Contains(err.Error(), "cannot be reached") {
			t.Errorf("a scan says %v", err)
		}
		own.Start()
		image := fmt.Sprintf("registry.example/app:%d", round+2)
		testenv.Apply(t, own.KubeCluster, "shop", workload("checkout", image))
		w.until("the change", func(err error) bool { return err == nil && w.held.image("shop", "checkout") == image })
		w.until("what a fresh scan finds", func(error) bool { return w.equalsFresh(config) == "" })
		if w.held.losses > 0 {
			t.Fatalf("%d scopes were lost", w.held.losses)
		}
	}
}

// TestServerStarting asks a server all the time while it starts, when it has not yet loaded the definitions of all kinds:
// what it does not know yet is not taken for gone. One source watches, another scans.
func TestServerStarting(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for long")
	}
	own := testenv.OwnKube(t, testenv.KubeOptions{})
	testenv.ApplyMeshCRDs(t, own.KubeCluster)
	testenv.Apply(t, own.KubeCluster, "shop", workload("checkout", image1), []byte(everything))
	w := watch(t, scanner(t, kubernetes.Restless(of(own.KubeCluster))))
	polled, poller := newReceiver(), scanner(t, of(own.KubeCluster))
	if err := polled.whole(t.Context(), poller); err != nil {
		t.Fatal(err)
	}
	for round := range 3 {
		own.Kill()
		ctx, cancel := context.WithCancel(t.Context())
		var polling sync.WaitGroup
		polling.Go(func() {
			for ctx.Err() == nil {
				_ = polled.whole(ctx, poller) // mostly it fails
			}
		})
		own.Start()
		image := fmt.Sprintf("registry.example/app:%d", round+2)
		testenv.Apply(t, own.KubeCluster, "shop", workload("checkout", image))
		w.until("the change", func(error) bool { return w.held.image("shop", "checkout") == image })
		w.until("what a fresh scan finds", func(error) bool { return w.equalsFresh(of(own.KubeCluster)) == "" })
		cancel()
		polling.Wait()
		if w.held.losses > 0 || polled.losses > 0 {
			t.Fatalf("%d and %d scopes were lost", w.held.losses, polled.losses)
		}
	}
}

// TestWatchExpires cuts the watch off while things change and the server forgets how: it refuses to go on from where the
// watch was (410 Gone).
func TestWatchExpires(t *testing.T) {
	own := testenv.OwnKube(t, testenv.KubeOptions{})
	testenv.Apply(t, own.KubeCluster, "shop", workload("checkout", image1), workload("cart", image1), workload("gone", image1))
	proxy := testenv.Proxy(t, strings.TrimPrefix(own.URL, "https://"))
	config := kubernetes.Impatient(kubernetes.Config{
		Cluster: "test", Kubeconfig: configFile(t, "", "https://"+proxy.Address(), own.CAFile, own.Token),
	})
	w := watch(t, scanner(t, config))
	before := len(w.held.Held)
	proxy.Cut()
	testenv.Apply(t, own.KubeCluster, "shop", workload("checkout", image2), workload("new", image1))
	remove(t, own.KubeCluster, "/apis/apps/v1/namespaces/shop/deployments/gone")
	remove(t, own.KubeCluster, "/api/v1/namespaces/shop/services/gone")
	own.Kill()
	own.Start()
	proxy.Mend()
	w.until("the change", func(error) bool {
		return w.held.image("shop", "checkout") == image2 && w.held.image("shop", "gone") == "" && w.held.image("shop", "new") != ""
	})
	w.until("what a fresh scan finds", func(error) bool { return w.equalsFresh(config) == "" })
	if len(w.held.Held) != before {
		t.Errorf("%d scopes are held, and were %d before one workload went and another came", len(w.held.Held), before)
	}
}

// TestServerHangs is a server that takes connections and answers nothing.
func TestServerHangs(t *testing.T) {
	cluster := testenv.Kube(t)
	proxy := testenv.Proxy(t, strings.TrimPrefix(cluster.URL, "https://"))
	proxy.Hang()
	config := kubernetes.Hasty(kubernetes.Config{
		Cluster: "test", Kubeconfig: configFile(t, "", "https://"+proxy.Address(), cluster.CAFile, cluster.Token),
	})
	if err := newReceiver().whole(t.Context(), scanner(t, config)); err == nil {
		t.Error("a scan is good")
	}
	if err := scanner(t, config).Watch(t.Context(), func(...string) { t.Error("something was told") }); err == nil {
		t.Error("a watch ends without an error")
	}
}

// TestAnotherCluster points the kubeconfig to another cluster: what was read of the first one stands.
func TestAnotherCluster(t *testing.T) {
	own, cluster := testenv.OwnKube(t, testenv.KubeOptions{}), testenv.Kube(t)
	testenv.Apply(t, own.KubeCluster, "shop", workload("checkout", image1))
	path := configFile(t, "", own.URL, own.CAFile, own.Token)
	s := scanner(t, kubernetes.Impatient(kubernetes.Config{Cluster: "test", Kubeconfig: path}))
	held := newReceiver()
	if err := held.whole(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	configFile(t, path, cluster.URL, cluster.CAFile, cluster.Token)
	if err := held.whole(t.Context(), s); err == nil || !strings.Contains(err.Error(), "another cluster") {
		t.Errorf("a scan of another cluster says %v", err)
	}
	configFile(t, path, own.URL, own.CAFile, own.Token)
	if err := held.whole(t.Context(), s); err != nil || held.losses > 0 {
		t.Errorf("back at the first one: %v, %d scopes were lost", err, held.losses)
	}
}

// TestTwoClusters reads two clusters at once, of which one is out of reach.
func TestTwoClusters(t *testing.T) {
	cluster := testenv.Kube(t)
	namespace := testenv.Namespace(t, cluster)
	testenv.Apply(t, cluster, namespace, workload("checkout", image1))
	proxy := testenv.Proxy(t, strings.TrimPrefix(cluster.URL, "https://"))
	proxy.Cut()
	away := of(cluster, namespace)
	away.Context, away.Kubeconfig = "", configFile(t, "", "https://"+proxy.Address(), cluster.CAFile, cluster.Token)
	away.Cluster = "away"
	w := watch(t, scanner(t, of(cluster, namespace)))
	if err := newReceiver().whole(t.Context(), scanner(t, away)); err == nil || !strings.Contains(err.Error(), "cannot be reached") {
		t.Errorf("the one out of reach says %v", err)
	}
	if err := scanner(t, away).Watch(t.Context(), func(...string) {}); err == nil || !strings.Contains(err.Error(), "cannot be reached") {
		t.Errorf("the one out of reach says %v", err)
	}
	testenv.Apply(t, cluster, namespace, workload("checkout", image2))
	w.until("the change in the other", func(error) bool { return w.held.image(namespace, "checkout") == image2 })
}

// TestNothingIsLeftBehind ends watches: of a server that answers, of one that is away, and of one that hangs.
func TestNothingIsLeftBehind(t *testing.T) {
	cluster := testenv.Kube(t)
	namespace := testenv.Namespace(t, cluster)
	testenv.Apply(t, cluster, namespace, workload("checkout", image1))
	for name, then := range map[string]func(*testenv.TCPProxy){
		"answers": func(*testenv.TCPProxy) {},
		"away":    (*testenv.TCPProxy).Cut,
		"hangs":   (*testenv.TCPProxy).Hang,
	} {
		t.Run(name, func(t *testing.T) {
			proxy := testenv.Proxy(t, strings.TrimPrefix(cluster.URL, "https://"))
			config := of(cluster, namespace)
			config.Context, config.Kubeconfig = "", configFile(t, "", "https://"+proxy.Address(), cluster.CAFile, cluster.Token)
			config.Logs = &kubernetes.LogConfig{Format: "json", Every: 100 * time.Millisecond}
			running := goleak.IgnoreCurrent()
			w := watch(t, scanner(t, config))
			then(proxy)
			if name == "away" {
				w.until("that the server is out of reach", func(err error) bool { return err != nil })
			}
			began := time.Now()
			w.stop()
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("the watch ended after %s", took)
			}
			proxy.Mend()
			proxy.Cut() // with all goroutines of its own
			goleak.VerifyNone(t, running)
		})
	}
}
