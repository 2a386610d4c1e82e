package manifests

import (
	"cmp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

const (
	// maxLooked is how many nodes of an object of a kind that is not known are looked at, and maxLabels how many labels of
	// it are kept.
	maxLooked = 10_000
	maxLabels = 500
)

// foreign reads an object of a kind that is not known: as a controller where it has the template of its pods, else as
// something of which an operator may make pods. Nothing is told of what cannot be read: it may mean anything.
func (p *parser) foreign(apiVersion, kind string, node *yaml.Node, d document) {
	metadata := child(node, "metadata")
	key := inventory.Key{
		Kind: inventory.Controllers, Name: word(metadata, "name"), Namespace: cmp.Or(word(metadata, "namespace"), defaultNamespace),
	}
	group, _, _ := strings.Cut(apiVersion, "/")
	if kind == "" || len(validation.IsDNS1123Subdomain(key.Name)) > 0 || len(validation.IsDNS1123Label(key.Namespace)) > 0 ||
		templated(metadata) != nil || child(node, "$patch") != nil {
		return
	}
	if o := p.controller(group, key, node, d); o != nil {
		p.objects = append(p.objects, o)
		return
	}
	if makesNone(group, kind) {
		return
	}
	value := &inventory.Foreign{
		ObjectMeta: v1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}, Kind: kind, Labels: make(map[string]bool),
	}
	looked := 0
	mayLabel(value.Labels, node, &looked)
	p.fields += len(value.Labels)
	key.Kind, key.Name = inventory.Operated, kind+"."+group+"/"+key.Name
	p.objects = append(p.objects, &inventory.Object{Key: key, Location: p.location, Value: value})
}

// controller reads an object that has the template of its pods where a Deployment has it; nil = it has not.
func (p *parser) controller(group string, key inventory.Key, node *yaml.Node, d document) *inventory.Object {
	if containers := child(child(child(child(node, "spec"), "template"), "spec"), "containers"); containers == nil || len(containers.Content) == 0 {
		return nil
	}
	encoded, err := encode(node, d.line-1)
	if err != nil {
		return nil
	}
	controller, err := inventory.DecodeController(encoded.out)
	if err != nil {
		return nil
	}
	if group == "serving.knative.dev" {
		fillIn(controller)
	}
	if ofPods("", &controller.Spec.Template.Spec) != "" {
		return nil
	}
	p.fields += len(encoded.fields) + len(encoded.out)/16
	controller.Namespace = key.Namespace
	return &inventory.Object{Key: key, Location: p.location, Lines: encoded.fields, Value: controller}
}

// fillIn adds what Knative Serving adds to the template of a Service or Configuration: names of containers, and to the one
// that serves a port and a readiness probe of it. Probes need not name that port.
func fillIn(controller *appsv1.ReplicaSet) {
	containers := controller.Spec.Template.Spec.Containers
	for i := range containers {
		c := &containers[i]
		if c.Name == "" && len(containers) == 1 {
			c.Name = "user-container"
		} else if c.Name == "" {
			c.Name = "user-container-" + strconv.Itoa(i)
		}
		if len(containers) > 1 && len(c.Ports) == 0 {
			continue
		}
		if len(c.Ports) == 0 {
			c.Ports = []corev1.ContainerPort{{ContainerPort: 8080}}
		}
		port := intstr.FromInt32(c.Ports[0].ContainerPort)
		if c.ReadinessProbe == nil {
			c.ReadinessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{}}}
		}
		for _, probe := range []*corev1.Probe{c.ReadinessProbe, c.LivenessProbe, c.StartupProbe} {
			switch {
			case probe == nil:
			case probe.HTTPGet != nil && probe.HTTPGet.Port == intstr.IntOrString{}:
				probe.HTTPGet.Port = port
			case probe.TCPSocket != nil && probe.TCPSocket.Port == intstr.IntOrString{}:
				probe.TCPSocket.Port = port
			case probe.GRPC != nil && probe.GRPC.Port == 0:
				probe.GRPC.Port = port.IntVal
			}
		}
	}
}

// makesNone says whether nothing makes pods of an object of a kind that is not known: those of Kubernetes itself, entries
// of a catalog, and what only selects pods or Services of others.
func makesNone(group, kind string) bool {
	if !strings.Contains(group, ".") || strings.HasSuffix(group, ".k8s.io") && !strings.HasSuffix(group, ".x-k8s.io") ||
		group == "backstage.io" || strings.HasSuffix(group, ".istio.io") {
		return true
	}
	for _, suffix := range []string{"Monitor", "Policy", "Rule", "Route"} {
		if strings.HasSuffix(kind, suffix) {
			return true
		}
	}
	return false
}

// mayLabel collects what in an object may be labels: each word with its key.
func mayLabel(labels map[string]bool, node *yaml.Node, looked *int) {
	for node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	for i, child := range node.Content {
		if *looked++; *looked > maxLooked || len(labels) >= maxLabels {
			return
		}
		switch {
		case child.Kind != yaml.ScalarNode:
			mayLabel(labels, child, looked)
		case node.Kind != yaml.MappingNode || i%2 == 0:
		case len(child.Value) <= validation.LabelValueMaxLength:
			labels[node.Content[i-1].Value+"="+child.Value] = true
		}
	}
}
