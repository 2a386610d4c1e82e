package kubernetes_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/internal/testenv"
	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/kubernetes"
	"github.com/orrery-catalog/orrery/scanners/scantest"
)

// soon is how long a condition is waited for, on a busy machine.
const soon = time.Minute

// of is the configuration that reads a namespace of a cluster.
func of(cluster testenv.KubeCluster, namespaces ...string) kubernetes.Config {
	return kubernetes.Impatient(kubernetes.Config{
		Cluster: "test", Kubeconfig: cluster.Kubeconfig, Context: cluster.Context, Namespaces: namespaces,
	})
}

func scanner(t testing.TB, config kubernetes.Config) *kubernetes.Scanner {
	t.Helper()
	s, err := kubernetes.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// workload is the manifest of a Deployment with a Service before it.
func workload(name, image string) []byte {
	return []byte(strings.NewReplacer("NAME", name, "IMAGE", image).Replace(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: NAME}
spec:
  replicas: 2
  selector: {matchLabels: {app: NAME}}
  template:
    metadata: {labels: {app: NAME}}
    spec:
      containers:
      - {name: main, image: "IMAGE", ports: [{containerPort: 8080}], readinessProbe: {httpGet: {path: /readyz, port: 8080}}}
---
apiVersion: v1
kind: Service
metadata: {name: NAME}
spec: {selector: {app: NAME}, ports: [{port: 80, targetPort: 8080}]}
`))
}

func TestContract(t *testing.T) {
	cluster := testenv.Kube(t)
	namespace := testenv.Namespace(t, cluster)
	testenv.Apply(t, cluster, namespace, workload("checkout", "registry.example/checkout:1"), workload("cart", "registry.example/cart:1"))
	scantest.Run(t, scantest.Subject{
		New: func(t *testing.T) scanners.Scanner { return scanner(t, of(cluster, namespace)) },
		Broken: func(t *testing.T) scanners.Scanner {
			return scanner(t, kubernetes.Config{Cluster: "test", Kubeconfig: filepath.Join(t.TempDir(), "none")})
		},
	})
}

// watching is a scanner that watches, with what a receiver holds of it.
type watching struct {
	t       testing.TB
	scanner *kubernetes.Scanner
	told    chan []string
	ended   chan error
	cancel  context.CancelFunc
	held    *receiver
}

// watch begins to watch and takes the first scan.
func watch(t testing.TB, s *kubernetes.Scanner) *watching {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	w := &watching{
		t: t, scanner: s, told: make(chan []string, 10_000), ended: make(chan error, 1), cancel: cancel, held: newReceiver(),
	}
	go func() { w.ended <- s.Watch(ctx, func(names ...string) { w.told <- names }) }()
	t.Cleanup(w.stop)
	select {
	case names := <-w.told:
		if len(names) > 0 {
			t.Fatalf("the first that is told is %q, not that anything may have changed", names)
		}
	case err := <-w.ended:
		w.ended <- nil
		t.Fatalf("the watch does not begin: %v", err)
	case <-time.After(soon):
		t.Fatal("the watch does not begin")
	}
	if err := w.held.whole(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	return w
}

// stop ends the watch, and waits until it has ended.
func (w *watching) stop() {
	w.cancel()
	select {
	case err := <-w.ended:
		if err != nil {
			w.t.Errorf("the watch ended by %v", err)
		}
		w.ended <- nil
	case <-time.After(soon):
		w.t.Error("the watch goes on after it was told to stop")
	}
}

// until takes what is told until the condition holds. A scan that fails changes nothing, and its error is passed.
func (w *watching) until(what string, holds func(err error) bool) {
	w.t.Helper()
	deadline := time.After(soon)
	var err error
	for !holds(err) {
		select {
		case names := <-w.told:
			err = w.held.take(w.t.Context(), w.scanner, names)
		case ended := <-w.ended:
			w.ended <- nil
			w.t.Fatalf("waiting for %s, the watch ended: %v", what, ended)
		case <-deadline:
			w.t.Fatalf("%s does not come; the last error is %v, what is held %q, and that is not readable: %q",
				what, err, w.held.Names(), w.held.unreadable())
		}
	}
}

// receiver keeps what was reported, as ingest does: what is unreadable stands.
type receiver struct {
	scantest.Held
	state  []byte
	stale  map[string]string // why, by scope or folder
	fresh  map[string]bool   // what the last scan of the whole reported singly
	losses int               // scopes that went
	wholes int               // scans of the whole
}

func newReceiver() *receiver {
	return &receiver{Held: make(scantest.Held), stale: make(map[string]string)}
}

// Scopes implements scanners.Memory.
func (r *receiver) Scopes() []string { return r.Names() }

// Said implements scanners.Memory.
func (r *receiver) Said(scope string) []string {
	if _, there := r.Held[scope]; there {
		return []string{scope}
	}
	return nil
}

// sink takes the reports of one scan.
type sink struct {
	*receiver
	reports chan scanners.Scope
}

func (s sink) Report(ctx context.Context, scope scanners.Scope) error {
	select {
	case s.reports <- scope:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// take scans what was told to have changed.
func (r *receiver) take(ctx context.Context, s *kubernetes.Scanner, names []string) error {
	if len(names) == 0 {
		return r.whole(ctx, s)
	}
	err := r.scan(ctx, names, func(ctx context.Context, to scanners.Sink) ([]byte, error) {
		return s.ScanParts(ctx, r.state, names, to)
	})
	if errors.Is(err, scanners.ErrWhole) {
		return r.whole(ctx, s)
	}
	return err
}

func (r *receiver) whole(ctx context.Context, s *kubernetes.Scanner) error {
	return r.scan(ctx, nil, func(ctx context.Context, to scanners.Sink) ([]byte, error) { return s.Scan(ctx, r.state, to) })
}

func (r *receiver) scan(ctx context.Context, parts []string, scan func(context.Context, scanners.Sink) ([]byte, error)) error {
	to := sink{r, make(chan scanners.Scope, 100_000)}
	next, err := scan(ctx, to)
	close(to.reports)
	if err != nil {
		return err
	}
	r.state = next
	reported := make(map[string]scanners.Scope)
	for scope := range to.reports {
		if _, twice := reported[scope.Name]; twice {
			return fmt.Errorf("scope %q is reported twice", scope.Name)
		}
		reported[scope.Name] = scope
	}
	if parts == nil {
		r.wholes++
		r.stale, r.fresh = make(map[string]string), make(map[string]bool)
		for name := range reported {
			r.fresh[name] = true
		}
	}
	for name := range r.Held {
		if _, told := reported[name]; !told && !r.under(name, reported) && asked(name, parts) {
			delete(r.Held, name)
			r.losses++
		}
	}
	for name, scope := range reported {
		delete(r.stale, name)
		switch {
		case scope.State == scanners.Unreadable:
			r.stale[name] = scope.Error
		case scope.State == scanners.Gone, scope.State == scanners.Read && len(scope.Documents) == 0:
			delete(r.Held, name)
			r.losses++
		case scope.State == scanners.Read:
			r.Held[name] = scope
		}
	}
	return nil
}

func (r *receiver) under(name string, reported map[string]scanners.Scope) bool {
	for folder := range reported {
		if strings.HasSuffix(folder, "/") && strings.HasPrefix(name, folder) {
			return true
		}
	}
	return false
}

func asked(name string, parts []string) bool {
	if parts == nil {
		return true
	}
	for _, part := range parts {
		if part == name || strings.HasSuffix(part, "/") && strings.HasPrefix(name, part) {
			return true
		}
	}
	return false
}

func (r *receiver) unreadable() map[string]string { return r.stale }

// image is the image of a workload's first container; "" = the workload is not held.
func (r *receiver) image(namespace, name string) string {
	for _, document := range r.Held["workloads/"+namespace+"/deployment/"+name].Documents {
		for _, claim := range document.Claims {
			if f := claim.Facts; f != nil && f.Workload != nil && len(f.Workload.Containers) > 0 {
				return f.Workload.Containers[0].Image
			}
		}
	}
	return ""
}

// equalsFresh compares with what a new scanner finds by listing.
func (w *watching) equalsFresh(config kubernetes.Config) string {
	fresh := newReceiver()
	if err := fresh.whole(w.t.Context(), scanner(w.t, config)); err != nil {
		return err.Error()
	}
	return cmp.Diff(fresh.Held, w.held.Held)
}

func TestWatchSeesChanges(t *testing.T) {
	cluster := testenv.Kube(t)
	namespace := testenv.Namespace(t, cluster)
	testenv.Apply(t, cluster, namespace, workload("checkout", "registry.example/checkout:1"))
	config := of(cluster, namespace)
	w := watch(t, scanner(t, config))
	if got := w.held.image(namespace, "checkout"); got != "registry.example/checkout:1" {
		t.Fatalf("at first the image is %q of %q", got, w.held.Names())
	}
	for version := 2; version < 6; version++ {
		image := fmt.Sprintf("registry.example/checkout:%d", version)
		began := time.Now()
		testenv.Apply(t, cluster, namespace, workload("checkout", image))
		w.until(image, func(error) bool { return w.held.image(namespace, "checkout") == image })
		t.Logf("seen after %s", time.Since(began))
	}
	testenv.Apply(t, cluster, namespace, workload("cart", "registry.example/cart:1"))
	w.until("the new workload", func(error) bool { return w.held.image(namespace, "cart") != "" })
	w.until("what a fresh scan finds", func(error) bool { return w.equalsFresh(config) == "" })
}
