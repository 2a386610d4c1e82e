package kubernetes_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/internal/testenv"
	"github.com/orrery-catalog/orrery/scanners/kubernetes"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// before puts a server before the cluster that answers those requests itself that answer takes, and passes on the others.
// It returns the configuration that goes through it.
func before(t testing.TB, cluster testenv.KubeCluster, answer func(w http.ResponseWriter, r *http.Request) bool) kubernetes.Config {
	t.Helper()
	ca, err := os.ReadFile(cluster.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	target, err := url.Parse(cluster.URL)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }, Transport: transport, FlushInterval: -1,
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !answer(w, r) {
			proxy.ServeHTTP(w, r)
		}
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		transport.CloseIdleConnections()
	})
	file := filepath.Join(t.TempDir(), "ca.crt")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(file, block, 0o600); err != nil {
		t.Fatal(err)
	}
	return kubernetes.Impatient(kubernetes.Config{
		Cluster: "test", Kubeconfig: configFile(t, "", server.URL, file, cluster.Token),
	})
}

// refuse answers as an API server does that does not do what it is asked to.
func refuse(w http.ResponseWriter, status int, reason string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": %q, "code": %d, "message": "refused"}`, reason, status)
}

// TestThrottled has a server that is busy: it says when to come again (429).
func TestThrottled(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for long")
	}
	cluster := testenv.Kube(t)
	namespace := testenv.Namespace(t, cluster)
	testenv.Apply(t, cluster, namespace, workload("checkout", image1))
	var refused sync.Map
	config := before(t, cluster, func(w http.ResponseWriter, r *http.Request) bool {
		if _, again := refused.LoadOrStore(r.URL.Path, true); again {
			return false
		}
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusTooManyRequests, "TooManyRequests")
		return true
	})
	config.Namespaces = []string{namespace}
	held := newReceiver()
	if err := held.whole(t.Context(), scanner(t, config)); err != nil {
		t.Fatal(err)
	}
	if held.image(namespace, "checkout") != image1 || len(held.problems("kind-not-readable")) > 0 {
		t.Errorf("read are %q, not readable %q", held.Names(), held.problems("kind-not-readable"))
	}
	refused.Clear()
	w := watch(t, scanner(t, config))
	if w.held.image(namespace, "checkout") != image1 {
		t.Errorf("watched are %q", w.held.Names())
	}
}

// TestKindFails has one kind fail: at its first page, or between pages.
func TestKindFails(t *testing.T) {
	cluster := testenv.Kube(t)
	namespace := testenv.Namespace(t, cluster)
	testenv.Apply(t, cluster, namespace, workload("checkout", image1))
	applyConfigMaps(t, cluster, namespace, 50)
	for name, midway := range map[string]bool{"at once": false, "between pages": true} {
		t.Run(name, func(t *testing.T) {
			var broken atomic.Bool
			config := before(t, cluster, func(w http.ResponseWriter, r *http.Request) bool {
				if !broken.Load() || !strings.HasSuffix(r.URL.Path, "/configmaps") || midway && r.URL.Query().Get("continue") == "" {
					return false
				}
				refuse(w, http.StatusInternalServerError, "InternalError")
				return true
			})
			config.Namespaces = []string{namespace}
			s := scanner(t, config)
			held := newReceiver()
			if err := held.whole(t.Context(), s); err != nil {
				t.Fatal(err)
			}
			broken.Store(true)
			if err := held.whole(t.Context(), s); err != nil {
				t.Fatal(err)
			}
			for _, name := range held.Names() {
				if got, want := held.why(name) != "", rests(name, inventory.ConfigMaps); got != want {
					t.Errorf("%s is stale: %v, want %v (%s)", name, got, want, held.why(name))
				}
			}
			if held.why("edges/"+namespace+"/deployment/checkout") == "" {
				t.Error("what rests on ConfigMaps is not stale")
			}
			broken.Store(false)
			if err := held.whole(t.Context(), s); err != nil || len(held.stale) > 0 || held.losses > 0 {
				t.Errorf("afterwards: %v, stale is %v, %d scopes were lost", err, held.stale, held.losses)
			}
		})
	}
}

func applyConfigMaps(t testing.TB, cluster testenv.KubeCluster, namespace string, count int) {
	t.Helper()
	var text strings.Builder
	for number := range count {
		_, _ = fmt.Fprintf(&text, "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c-%d}\ndata: {URL: 'http://checkout'}\n", number)
	}
	testenv.Apply(t, cluster, namespace, []byte(text.String()))
}

// TestListExpires has the server forget what came before a page: the list is begun anew, and is whole.
func TestListExpires(t *testing.T) {
	cluster := testenv.Kube(t)
	namespace := testenv.Namespace(t, cluster)
	applyConfigMaps(t, cluster, namespace, 50)
	testenv.Apply(t, cluster, namespace, workload("checkout", image1))
	var pages, expired atomic.Int32
	config := before(t, cluster, func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/configmaps") {
			return false
		}
		pages.Add(1)
		if r.URL.Query().Get("continue") == "" || expired.Add(1) > 2 {
			return false
		}
		refuse(w, http.StatusGone, "Expired")
		return true
	})
	config.Namespaces = []string{namespace}
	held := newReceiver()
	if err := held.whole(t.Context(), scanner(t, config)); err != nil {
		t.Fatal(err)
	}
	if len(held.problems("kind-not-readable")) > 0 || pages.Load() < 7 {
		t.Errorf("not readable: %q; %d pages were asked for", held.problems("kind-not-readable"), pages.Load())
	}
}

// TestServerWithoutData has the API server of a cluster begin anew, with nothing in it: what was read before stands, whether
// the cluster is scanned or watched.
func TestServerWithoutData(t *testing.T) {
	cluster := testenv.Kube(t)
	namespace := testenv.Namespace(t, cluster)
	testenv.Apply(t, cluster, namespace, workload("checkout", image1))
	var empty atomic.Bool
	config := before(t, cluster, func(w http.ResponseWriter, r *http.Request) bool {
		if empty.Load() && strings.HasSuffix(r.URL.Path, "/namespaces/kube-system") {
			refuse(w, http.StatusNotFound, "NotFound")
			return true
		}
		return false
	})
	config.Namespaces = []string{namespace}
	s := scanner(t, config)
	held := newReceiver()
	if err := held.whole(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	config.Namespaces = []string{"nothing-there"}
	empty.Store(true)
	for _, s := range []*kubernetes.Scanner{scanner(t, config), watch(t, scanner(t, config)).scanner} {
		if err := held.whole(t.Context(), s); err == nil || !strings.Contains(err.Error(), "no namespace kube-system") || held.losses > 0 {
			t.Errorf("a scan says %v, %d scopes were lost", err, held.losses)
		}
	}
	fresh := newReceiver() // one that knows of no cluster takes it as it is, also when it gets its data later
	if err := fresh.whole(t.Context(), scanner(t, config)); err != nil {
		t.Error(err)
	}
	empty.Store(false)
	if err := fresh.whole(t.Context(), scanner(t, config)); err != nil {
		t.Error(err)
	}
}

// TestServerThatIsNone asks something that is no API server.
func TestServerThatIsNone(t *testing.T) {
	cluster := testenv.Kube(t)
	var none atomic.Bool
	config := before(t, cluster, func(w http.ResponseWriter, r *http.Request) bool {
		if none.Load() {
			http.NotFound(w, r)
		}
		return none.Load()
	})
	s := scanner(t, config)
	held := newReceiver()
	if err := held.whole(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	none.Store(true)
	if err := held.whole(t.Context(), s); err == nil {
		t.Errorf("a scan is good; %d scopes were lost", held.losses)
	}
}

// TestDefinitionsComeAndGo adds the definitions of the mesh while the cluster is watched, and takes them away.
func TestDefinitionsComeAndGo(t *testing.T) {
	own := testenv.OwnKube(t, testenv.KubeOptions{})
	testenv.Apply(t, own.KubeCluster, "shop", workload("checkout", image1))
	config := of(own.KubeCluster)
	w := watch(t, scanner(t, config))
	if said := w.held.problems("kind-not-readable"); len(said) > 0 {
		t.Errorf("kinds without a definition are said not to be readable: %q", said)
	}
	const route = "routes/httproute/shop/web"
	for range 2 {
		testenv.ApplyMeshCRDs(t, own.KubeCluster)
		testenv.Apply(t, own.KubeCluster, "shop", workload("checkout", image1), []byte(everything))
		w.until("the route", func(error) bool { _, there := w.held.Held[route]; return there })
		w.until("what a fresh scan finds", func(error) bool { return w.equalsFresh(config) == "" })
		for _, name := range []string{
			"httproutes.gateway.networking.k8s.io", "grpcroutes.gateway.networking.k8s.io", "gateways.gateway.networking.k8s.io",
			"virtualservices.networking.istio.io", "serviceentries.networking.istio.io", "destinationrules.networking.istio.io",
			"gateways.networking.istio.io",
		} {
			remove(t, own.KubeCluster, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/"+name)
		}
		w.until("that the route is gone", func(error) bool { _, there := w.held.Held[route]; return !there })
		w.until("what a fresh scan finds", func(error) bool { return w.equalsFresh(config) == "" })
		if w.held.image("shop", "checkout") != image1 || len(w.held.problems("kind-not-readable")) > 0 {
			t.Errorf("held are %q, not readable %q", w.held.Names(), w.held.problems("kind-not-readable"))
		}
	}
}

// TestDefinitionsUnknown begins to watch while it is not known which kinds the server has, and has it send what it has of
// them slowly: nothing that was read before is taken for gone meanwhile.
func TestDefinitionsUnknown(t *testing.T) {
	own := testenv.OwnKube(t, testenv.KubeOptions{})
	testenv.ApplyMeshCRDs(t, own.KubeCluster)
	testenv.Apply(t, own.KubeCluster, "shop", workload("checkout", image1), []byte(everything))
	var starting, slow atomic.Bool
	listing := make(chan bool, 1)
	config := before(t, own.KubeCluster, func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasPrefix(r.URL.Path, "/apis/gateway.networking.k8s.io/") {
			return false
		}
		if starting.Load() {
			refuse(w, http.StatusServiceUnavailable, "ServiceUnavailable")
			return true
		}
		for slow.Load() && strings.HasSuffix(r.URL.Path, "/httproutes") {
			select {
			case listing <- true:
			case <-r.Context().Done():
				return true
			case <-time.After(10 * time.Millisecond):
			}
		}
		return false
	})
	held := newReceiver()
	if err := held.whole(t.Context(), scanner(t, config)); err != nil {
		t.Fatal(err)
	}
	const route = "routes/httproute/shop/web"
	if _, there := held.Held[route]; !there {
		t.Fatalf("held are %q", held.Names())
	}
	starting.Store(true)
	slow.Store(true)
	w := watch(t, scanner(t, config))
	w.held = held
	if err := held.whole(t.Context(), w.scanner); err != nil || held.why(route) == "" || held.losses > 0 {
		t.Fatalf("while it is not known: %v, %d scopes were lost, stale is %q", err, held.losses, held.stale)
	}
	starting.Store(false)
	select {
	case <-listing:
	case <-time.After(soon):
		t.Fatal("the kind is not listed")
	}
	wholes := held.wholes
	w.until("the other kinds", func(error) bool { return held.wholes > wholes })
	if held.losses > 0 || held.why(route) == "" {
		t.Errorf("while it is listed: %d scopes were lost, stale is %q", held.losses, held.stale)
	}
	slow.Store(false)
	w.until("the route", func(error) bool { return len(held.stale) == 0 })
	if _, there := held.Held[route]; !there || held.losses > 0 {
		t.Errorf("afterwards: %d scopes were lost, held are %q", held.losses, held.Names())
	}
}

// TestLargeConfigMap has a ConfigMap as large as they get, of which nothing but hosts is of interest.
func TestLargeConfigMap(t *testing.T) {
	cluster := testenv.Kube(t)
	namespace := testenv.Namespace(t, cluster)
	large := fmt.Sprintf(`{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "large"}, "data": {"file": %q, "URL": "http://cart"}}`,
		strings.Repeat("some text that says nothing. ", 1_000_000/30))
	testenv.Apply(t, cluster, namespace, workload("checkout", image1), workload("cart", image1), []byte(large))
	config := of(cluster, namespace)
	w := watch(t, scanner(t, config))
	testenv.Apply(t, cluster, namespace, workload("checkout", image2))
	w.until("the change", func(error) bool { return w.held.image(namespace, "checkout") == image2 })
	if diff := w.equalsFresh(config); diff != "" {
		t.Error(diff)
	}
}

// TestNothingToTell has changes of which nothing follows: nobody is told of them.
func TestNothingToTell(t *testing.T) {
	cluster := testenv.Kube(t)
	namespace := testenv.Namespace(t, cluster)
	testenv.Apply(t, cluster, namespace, workload("checkout", image1))
	w := watch(t, scanner(t, of(cluster, namespace)))
	for number := range 20 {
		annotated := fmt.Sprintf("metadata: {name: checkout, annotations: {kubectl.kubernetes.io/last-applied-configuration: '%d'}}", number)
		testenv.Apply(t, cluster, namespace, bytes.ReplaceAll(workload("checkout", image1), []byte("metadata: {name: checkout}"), []byte(annotated)))
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	select {
	case names := <-w.told:
		t.Errorf("told was %q", names)
	case <-ctx.Done():
	}
}
