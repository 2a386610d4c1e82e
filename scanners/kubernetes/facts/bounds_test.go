package facts_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/facts"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// mustFit fails where a store would not take what is derived.
func mustFit(t *testing.T, d *facts.Deriver, most int) {
	t.Helper()
	for _, name := range d.Scopes() {
		if strings.HasSuffix(name, "/") {
			t.Errorf("scope %q stands for a folder", name)
		}
		documents, ok := d.Scope(name)
		if !ok {
			t.Fatalf("scope %s cannot be read", name)
		}
		all := 0
		for _, document := range documents {
			packed, err := graph.EncodeDocument(document)
			if err != nil {
				t.Fatalf("scope %s: %v", name, err)
			}
			all += len(packed)
		}
		if all > most {
			t.Errorf("scope %s has %d bytes, more than %d", name, all, most)
		}
	}
}

// TestAbsurdSizes gives far too much of everything: it is cut, and that is said.
func TestAbsurdSizes(t *testing.T) {
	const many = 5000
	long := strings.Repeat("ü", 2000)
	var containers []corev1.Container
	for i := range many {
		containers = append(containers, corev1.Container{Name: fmt.Sprint("c", i), Image: long[:20]})
	}
	full := corev1.Container{Name: long, Image: long}
	probe := &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: long, Host: long, Port: intstr.FromString(long)}}}
	exec := &corev1.Probe{ProbeHandler: corev1.ProbeHandler{Exec: &corev1.ExecAction{}}}
	var ports []corev1.ServicePort
	labels := make(map[string]string)
	for i := range many {
		full.Ports = append(full.Ports, corev1.ContainerPort{Name: fmt.Sprint(i, long[:200]), ContainerPort: int32(i)})
		probe.HTTPGet.HTTPHeaders = append(probe.HTTPGet.HTTPHeaders, corev1.HTTPHeader{Name: fmt.Sprint(i, long[:1000]), Value: long})
		exec.Exec.Command = append(exec.Exec.Command, fmt.Sprintf("http://h%d.example.com/", i))
		ports = append(ports, corev1.ServicePort{Name: fmt.Sprint(i, long[:1000]), Port: int32(i), TargetPort: intstr.FromString(long[:1000])})
		labels[fmt.Sprint("label", i)] = "x"
	}
	labels["app"], labels["long"] = "a", long
	full.ReadinessProbe, full.LivenessProbe = probe, exec
	for i := range 110 {
		containers[i] = full
		containers[i].Name = fmt.Sprint(i, long)
	}
	inv := inventory.New("prod")
	put := func(kind inventory.Kind, value v1.Object) {
		trimmed, err := inventory.Trim(value)
		if err != nil {
			t.Fatal(err)
		}
		key := inventory.Key{Kind: kind, Namespace: value.GetNamespace(), Name: value.GetName()}
		inv.Put(&inventory.Object{Key: key, Location: "x", Value: trimmed})
	}
	meta := func(name string) v1.ObjectMeta { return v1.ObjectMeta{Namespace: "shop", Name: name, Labels: labels} }
	put(inventory.Deployments, &appsv1.Deployment{ObjectMeta: meta("a"), Spec: appsv1.DeploymentSpec{
		Template: corev1.PodTemplateSpec{ObjectMeta: meta(""), Spec: corev1.PodSpec{InitContainers: containers, Containers: containers}},
	}})
	for i := range 700 {
		put(inventory.Deployments, &appsv1.Deployment{ObjectMeta: v1.ObjectMeta{Namespace: "shop", Name: fmt.Sprint("b", i)}, Spec: appsv1.DeploymentSpec{
			Template: corev1.PodTemplateSpec{ObjectMeta: v1.ObjectMeta{Labels: map[string]string{"app": "a"}}},
		}})
	}
	put(inventory.Services, &corev1.Service{ObjectMeta: meta("s"), Spec: corev1.ServiceSpec{Selector: map[string]string{"app": "a"}, Ports: ports}})
	ingress := &networkingv1.Ingress{ObjectMeta: meta("i")}
	for i := range many {
		ingress.Spec.Rules = append(ingress.Spec.Rules, networkingv1.IngressRule{Host: fmt.Sprint("h", i, long[:1000]), IngressRuleValue: networkingv1.IngressRuleValue{
			HTTP: &networkingv1.HTTPIngressRuleValue{Paths: []networkingv1.HTTPIngressPath{
				{Path: fmt.Sprint("/", i, long[:400]), Backend: networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: "s", Port: networkingv1.ServiceBackendPort{Number: 1}}}},
				{Path: "/", Backend: networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: fmt.Sprint("gone", i)}}},
			}},
		}})
	}
	put(inventory.Ingresses, ingress)
	for i := range 2000 {
		put(inventory.Services, &corev1.Service{ObjectMeta: v1.ObjectMeta{Namespace: "shop", Name: fmt.Sprint("none", i)}, Spec: corev1.ServiceSpec{
			Selector: map[string]string{"app": long[:100]},
		}})
	}
	d := facts.NewDeriver(inv, catalog.Observed)
	d.Derive()
	mustFit(t, d, 64<<20)
	for scope, want := range map[string]string{
		"workloads/shop/deployment/a": "left out are 4950 of 5000 init containers",
		"services/shop/s":             "left out are 4750 of 5000 ports, 201 of 701 workloads",
		"routes/ingress/shop/i":       "left out are 201 of 701 workloads, 4900 of 5000 hosts, 4900 of 5000 paths",
		"cluster":                     "left out are 1002 of 2002 objects that lead to nothing",
	} {
		documents, ok := d.Scope(scope)
		if !ok {
			t.Errorf("there is no scope %s", scope)
			continue
		}
		problems := documents[len(documents)-1].Problems
		if len(problems) != 1 || problems[0].Code != "too-many" || !strings.HasPrefix(problems[0].Message, want) {
			t.Errorf("%s tells %v, not that %s", scope, problems, want)
		}
	}
}

// TestNamesThatAreNone puts objects that no API server has.
func TestNamesThatAreNone(t *testing.T) {
	for _, name := range []string{"", "/", "a/", "a b", "../x", "a\nb", "\xff", strings.Repeat("n", 300), "{{ .Values.name }}"} {
		for _, namespace := range []string{"", name, "shop"} {
			inv := inventory.New("prod")
			d := facts.NewDeriver(inv, catalog.Observed)
			for _, r := range inventory.Resources() {
				data, err := json.Marshal(map[string]any{"metadata": map[string]any{"name": name, "namespace": namespace}})
				if err != nil {
					t.Fatal(err)
				}
				value, err := inventory.Decode(r.Kind, data)
				if err != nil {
					t.Fatal(err)
				}
				key := inventory.Key{Kind: r.Kind, Namespace: namespace, Name: name}
				if r.Cluster {
					key.Namespace = ""
				}
				inv.Put(&inventory.Object{Key: key, Value: value})
				d.Changed(key)
			}
			d.Derive()
			for _, scope := range d.Scopes() {
				if strings.HasPrefix(scope, "edges/") {
					continue
				}
				if scope != "cluster" {
					t.Errorf("%q in %q: there is a scope %q", name, namespace, scope)
				}
			}
		}
	}
}

// FuzzObjects derives whatever an object of any kind may hold.
func FuzzObjects(f *testing.F) {
	f.Add(uint8(2), []byte(`{"metadata":{"name":"a","namespace":"shop"},"spec":{"template":{"spec":{"containers":[{"name":"c","livenessProbe":{"exec":{"command":["sh"]}}}]}}}}`))
	f.Add(uint8(9), []byte(`{"metadata":{"name":"a","namespace":"shop"},"spec":{"selector":{"app":"a"},"ports":[{"port":1,"targetPort":"x"}]}}`))
	f.Add(uint8(10), []byte(`{"metadata":{"name":"a","namespace":"shop","labels":{"kubernetes.io/service-name":"a"}},"endpoints":[{"targetRef":{"kind":"Pod","name":"a"}}]}`))
	f.Add(uint8(12), []byte(`{"metadata":{"name":"a","namespace":"shop"},"spec":{"defaultBackend":{"service":{"name":"a"}},"rules":[{}]}}`))
	f.Add(uint8(15), []byte(`{"metadata":{"name":"a","namespace":"shop"},"spec":{"selector":{"matchExpressions":[{"key":"","operator":"?"}]}}}`))
	f.Add(uint8(19), []byte(`{"metadata":{"name":"a","namespace":"shop"},"spec":{"hosts":["..",""],"http":[{"route":[{"destination":{"host":"."}}]}]}}`))
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		resources := inventory.Resources()
		kind := resources[int(which)%len(resources)].Kind
		value, err := inventory.Decode(kind, data)
		if err != nil {
			return
		}
		inv := inventory.New("prod")
		read(t, inv, pod("ports: [{name: x, containerPort: 1}]")+web, false)
		d := facts.NewDeriver(inv, catalog.Observed)
		d.Derive()
		before := state(t, d)
		o := &inventory.Object{Key: inventory.Key{Kind: kind, Namespace: "shop", Name: "fuzz"}, Value: value}
		inv.Put(o)
		d.Changed(o.Key)
		d.Derive()
		mustFit(t, d, 64<<20)
		inv.Delete(o.Key)
		d.Changed(o.Key)
		d.Derive()
		if after := state(t, d); fmt.Sprint(before) != fmt.Sprint(after) {
			t.Errorf("after it is gone again, something stays: %v, not %v", after, before)
		}
	})
}
