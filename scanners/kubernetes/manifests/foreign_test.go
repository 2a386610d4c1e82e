package manifests

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// object reads the only object of a manifest.
func object(t *testing.T, text string) *inventory.Object {
	t.Helper()
	got := parse([]byte(text), "f.yaml", allForms())
	if len(got.objects) != 1 || len(got.problems) > 0 {
		t.Fatalf("%d objects, and the problems %v", len(got.objects), got.problems)
	}
	return got.objects[0]
}

// TestKnative holds that what Knative fills in is there, so that nobody is told that it is missing.
func TestKnative(t *testing.T) {
	for containers, want := range map[string]string{
		"{image: m}": "user-container:8080 TCP:8080",
		"{image: m, ports: [{containerPort: 9000}]}":                                    "user-container:9000 TCP:9000",
		"{image: m, readinessProbe: {httpGet: {path: /}}, livenessProbe: {grpc: {}}}":   "user-container:8080 HTTP:8080 GRPC:8080",
		"{image: m, readinessProbe: {httpGet: {port: 1}}}":                              "user-container:8080 HTTP:1",
		"{name: m, image: m, ports: [{containerPort: 80}]}, {image: sidecar}":           "m:80 TCP:80; user-container-1",
		"{name: m, image: m, readinessProbe: {exec: {command: [a]}}, startupProbe: {}}": "m:8080 EXEC NONE",
	} {
		o := object(t, "apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: x}\nspec: {template: {spec: {containers: ["+containers+"]}}}\n")
		value, ok := o.Value.(*appsv1.ReplicaSet)
		if !ok || o.Kind != inventory.Controllers {
			t.Fatalf("%s: it is one of the %s", containers, o.Kind)
		}
		var told []string
		for _, c := range value.Spec.Template.Spec.Containers {
			words := c.Name
			for _, port := range c.Ports {
				words += fmt.Sprint(":", port.ContainerPort)
			}
			for _, probe := range []*corev1.Probe{c.ReadinessProbe, c.LivenessProbe, c.StartupProbe} {
				switch {
				case probe == nil:
				case probe.HTTPGet != nil:
					words += " HTTP:" + probe.HTTPGet.Port.String()
				case probe.TCPSocket != nil:
					words += " TCP:" + probe.TCPSocket.Port.String()
				case probe.GRPC != nil:
					words += fmt.Sprint(" GRPC:", probe.GRPC.Port)
				case probe.Exec != nil:
					words += " EXEC"
				default:
					words += " NONE"
				}
			}
			told = append(told, words)
		}
		if got := strings.Join(told, "; "); got != want {
			t.Errorf("%s: got %q, want %q", containers, got, want)
		}
	}
}

func TestMayLabel(t *testing.T) {
	foreign, ok := object(t, `
apiVersion: kafka.strimzi.io/v1beta2
kind: Kafka
metadata: {name: events, labels: {team: stream}}
spec: {pod: &pod {metadata: {labels: {app: broker}}}, other: *pod, list: [one, {app: two}], long: `+strings.Repeat("x", 64)+`}
`).Value.(*inventory.Foreign)
	if !ok {
		t.Fatal("its kind is known")
	}
	want := map[string]bool{
		"apiVersion=kafka.strimzi.io/v1beta2": true, "kind=Kafka": true, "name=events": true, "team=stream": true, "app=broker": true, "app=two": true,
	}
	if diff := cmp.Diff(want, foreign.Labels); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestMayLabelEnds reads an object whose aliases stand for more than could ever be looked at, and one of very many words.
func TestMayLabelEnds(t *testing.T) {
	const head = "apiVersion: acme.example/v1\nkind: X\nmetadata: {name: x}\n"
	aliases, words := head+"a0: &a0 {k: v}\n", head+"spec:\n"
	for i := range 60 {
		aliases += fmt.Sprintf("a%d: &a%d [%s*a%d]\n", i+1, i+1, strings.Repeat(fmt.Sprintf("*a%d, ", i), 9), i)
	}
	for i := range 2 * maxLabels {
		words += fmt.Sprintf("  key%d: value\n", i)
	}
	for text, want := range map[string]string{aliases: "k=v", words: "key7=value"} {
		foreign, ok := object(t, text).Value.(*inventory.Foreign)
		if !ok || !foreign.Labels[want] || len(foreign.Labels) > maxLabels {
			t.Errorf("%.80q: %d labels, without %s", text, len(foreign.Labels), want)
		}
	}
}
