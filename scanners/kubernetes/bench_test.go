package kubernetes_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	clients "k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/orrery-catalog/orrery/internal/testenv"
	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/kubernetes"
)

const (
	benchNamespaces  = 20
	benchDeployments = 1000
	benchPods        = 5 // of each
	benchNodes       = 100
)

// BenchmarkKubeSync reads 5,000 pods of 1,000 Deployments with 1,000 Services from a real API server, in a process of its
// own: until the first scan is reported, and then until a changed image is.
func BenchmarkKubeSync(b *testing.B) {
	own := testenv.OwnKube(b, testenv.KubeOptions{})
	client := clientOf(b, own.KubeCluster)
	benchCluster(b, client)
	for b.Loop() {
		reader := exec.CommandContext(b.Context(), os.Args[0], "-test.run=^TestBenchReader$", "-test.v")
		reader.Env = append(os.Environ(), benchKubeconfig+"="+own.Kubeconfig)
		in, err := reader.StdinPipe()
		if err != nil {
			b.Fatal(err)
		}
		out, err := reader.StdoutPipe()
		if err != nil {
			b.Fatal(err)
		}
		if err := reader.Start(); err != nil {
			b.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		said := func() (s benchSaid) {
			for lines.Scan() {
				if text, ok := strings.CutPrefix(lines.Text(), "said: "); ok {
					if err := json.Unmarshal([]byte(text), &s); err != nil {
						b.Fatal(err)
					}
					return s
				}
			}
			b.Fatalf("the reader ended: %v", lines.Err())
			return s
		}
		first := said()
		b.ReportMetric(first.Seconds, "sync-s")
		b.ReportMetric(first.HeapMiB, "heap-MiB")
		b.ReportMetric(first.PeakMiB, "peak-rss-MiB")
		b.ReportMetric(float64(first.Scopes), "scopes")
		var slowest time.Duration
		for number := range 20 {
			name := fmt.Sprintf("app-%d", number*49)
			patch := fmt.Sprintf(`{"spec":{"template":{"spec":{"containers":[{"name":"main","image":"registry.example/%s:%d"}]}}}}`, name, time.Now().UnixNano())
			began := time.Now()
			_, err := client.AppsV1().Deployments(benchNamespace(number*49)).Patch(
				b.Context(), name, types.StrategicMergePatchType, []byte(patch), v1.PatchOptions{})
			if err != nil {
				b.Fatal(err)
			}
			said()
			slowest = max(slowest, time.Since(began))
		}
		b.ReportMetric(float64(slowest.Milliseconds()), "slowest-update-ms")
		if err := in.Close(); err != nil {
			b.Fatal(err)
		}
		if err := reader.Wait(); err != nil {
			b.Fatal(err)
		}
	}
}

const benchKubeconfig = "ORRERY_BENCH_KUBECONFIG"

type benchSaid struct {
	Seconds, HeapMiB, PeakMiB float64
	Scopes                    int64
}

// counter is a receiver that keeps nothing.
type counter struct{ scopes atomic.Int64 }

func (c *counter) Report(context.Context, scanners.Scope) error {
	c.scopes.Add(1)
	return nil
}

// TestBenchReader is the process that BenchmarkKubeSync starts.
func TestBenchReader(t *testing.T) {
	path := os.Getenv(benchKubeconfig)
	if path == "" {
		t.Skip("only for BenchmarkKubeSync")
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // until it is closed
		cancel()
	}()
	s := scanner(t, kubernetes.Config{Cluster: "test", Kubeconfig: path})
	say := func(s benchSaid) {
		text, err := json.Marshal(s)
		if err != nil {
			t.Error(err)
		}
		_, _ = fmt.Fprintf(os.Stdout, "said: %s\n", text)
	}
	began := time.Now()
	var state []byte
	var total counter
	err := s.Watch(ctx, func(names ...string) {
		var err error
		if len(names) == 0 {
			state, err = s.Scan(ctx, state, &total)
			took := time.Since(began)
			peak := peakMiB(t)
			runtime.GC()
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			say(benchSaid{took.Seconds(), float64(m.HeapAlloc) / (1 << 20), peak, total.scopes.Load()})
		} else {
			var parts counter
			state, err = s.ScanParts(ctx, state, names, &parts)
			say(benchSaid{Scopes: parts.scopes.Load()})
		}
		if err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

// peakMiB is the most memory that this process had at a time; 0 = it is not known.
func peakMiB(t *testing.T) float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if text, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(text), " kB"), 64)
			if err != nil {
				t.Error(err)
			}
			return kib / 1024
		}
	}
	return 0
}

// clientOf is a client as others have it, to change things with.
func clientOf(t testing.TB, cluster testenv.KubeCluster) *clients.Clientset {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", cluster.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	config.QPS = -1
	config.ContentType = "application/vnd.kubernetes.protobuf"
	client, err := clients.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func benchNamespace(number int) string { return fmt.Sprintf("team-%d", number%benchNamespaces) }

// benchCluster fills a cluster as controllers would.
func benchCluster(b *testing.B, client *clients.Clientset) {
	b.Helper()
	ctx := b.Context()
	for number := range benchNamespaces {
		_, err := client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: v1.ObjectMeta{Name: benchNamespace(number)}}, v1.CreateOptions{})
		if err != nil {
			b.Fatal(err)
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(16)
	for number := range benchNodes {
		group.Go(func() error {
			_, err := client.CoreV1().Nodes().Create(ctx, &corev1.Node{ObjectMeta: v1.ObjectMeta{
				Name: fmt.Sprintf("node-%d", number), Labels: map[string]string{
					corev1.LabelTopologyZone: fmt.Sprintf("zone-%c", 'a'+number%3), corev1.LabelTopologyRegion: "region-1",
				},
			}}, v1.CreateOptions{})
			return err
		})
	}
	for number := range benchDeployments {
		group.Go(func() error { return benchDeployment(ctx, client, number) })
	}
	if err := group.Wait(); err != nil {
		b.Fatal(err)
	}
}

func benchDeployment(ctx context.Context, client *clients.Clientset, number int) error {
	name, namespace := fmt.Sprintf("app-%d", number), benchNamespace(number)
	labels := map[string]string{"app": name, "app.kubernetes.io/name": name, "app.kubernetes.io/part-of": namespace}
	template := corev1.PodTemplateSpec{
		ObjectMeta: v1.ObjectMeta{Labels: labels},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{
			Name: "main", Image: "registry.example/" + name + ":1", Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}},
			Env: []corev1.EnvVar{
				{Name: "UPSTREAM_URL", Value: fmt.Sprintf("http://app-%d:80/v1", (number+benchNamespaces)%benchDeployments)},
				{Name: "DATABASE_URL", Value: "postgres://user@db.example.com:5432/" + name},
				{Name: "LOG_LEVEL", Value: "info"},
			},
			ReadinessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/readyz", Port: intstr.FromString("http")}}},
		}}},
	}
	replicas, controller := int32(benchPods), true
	deployment, err := client.AppsV1().Deployments(namespace).Create(ctx, &appsv1.Deployment{
		ObjectMeta: v1.ObjectMeta{Name: name, Labels: labels},
		Spec:       appsv1.DeploymentSpec{Replicas: &replicas, Selector: &v1.LabelSelector{MatchLabels: map[string]string{"app": name}}, Template: template},
	}, v1.CreateOptions{})
	if err != nil {
		return err
	}
	set, err := client.AppsV1().ReplicaSets(namespace).Create(ctx, &appsv1.ReplicaSet{
		ObjectMeta: v1.ObjectMeta{Name: name + "-5d8f7", Labels: labels, OwnerReferences: []v1.OwnerReference{{
			APIVersion: "apps/v1", Kind: "Deployment", Name: name, UID: deployment.UID, Controller: &controller,
		}}},
		Spec: appsv1.ReplicaSetSpec{Replicas: &replicas, Selector: deployment.Spec.Selector, Template: template},
	}, v1.CreateOptions{})
	if err != nil {
		return err
	}
	_, err = client.CoreV1().Services(namespace).Create(ctx, &corev1.Service{
		ObjectMeta: v1.ObjectMeta{Name: name, Labels: labels},
		Spec:       corev1.ServiceSpec{Selector: map[string]string{"app": name}, Ports: []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromString("http")}}},
	}, v1.CreateOptions{})
	if err != nil {
		return err
	}
	slice := &discoveryv1.EndpointSlice{
		ObjectMeta:  v1.ObjectMeta{Name: name + "-1", Labels: map[string]string{discoveryv1.LabelServiceName: name}},
		AddressType: discoveryv1.AddressTypeIPv4,
	}
	for replica := range benchPods {
		pod, err := client.CoreV1().Pods(namespace).Create(ctx, &corev1.Pod{
			ObjectMeta: v1.ObjectMeta{Name: fmt.Sprintf("%s-%d", set.Name, replica), Labels: labels, OwnerReferences: []v1.OwnerReference{{
				APIVersion: "apps/v1", Kind: "ReplicaSet", Name: set.Name, UID: set.UID, Controller: &controller,
			}}},
			Spec: func() corev1.PodSpec {
				spec := *template.Spec.DeepCopy()
				spec.NodeName = fmt.Sprintf("node-%d", (number+replica)%benchNodes)
				return spec
			}(),
		}, v1.CreateOptions{})
		if err != nil {
			return err
		}
		pod.Status = corev1.PodStatus{
			Phase: corev1.PodRunning, PodIP: fmt.Sprintf("10.64.%d.%d", (number*benchPods+replica)/250, (number*benchPods+replica)%250+1),
			Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
		}
		if _, err := client.CoreV1().Pods(namespace).UpdateStatus(ctx, pod, v1.UpdateOptions{}); err != nil {
			return err
		}
		slice.Endpoints = append(slice.Endpoints, discoveryv1.Endpoint{
			Addresses: []string{pod.Status.PodIP}, TargetRef: &corev1.ObjectReference{Kind: "Pod", Namespace: namespace, Name: pod.Name},
		})
	}
	_, err = client.DiscoveryV1().EndpointSlices(namespace).Create(ctx, slice, v1.CreateOptions{})
	return err
}
