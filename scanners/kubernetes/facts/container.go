package facts

import (
	"cmp"
	"fmt"
	"iter"

	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// fieldOf is the path of a field of the pods' specification within the object.
func fieldOf(w *inventory.Workload, field string) string {
	if w.TemplatePath == "" {
		return "spec." + field
	}
	return w.TemplatePath + ".spec." + field
}

// containers are those of a workload's pods, those that initialise first.
func containers(w *inventory.Workload, left *cuts) []catalog.Container {
	spec := &w.Template.Spec
	all := make([]catalog.Container, 0, min(len(spec.InitContainers)+len(spec.Containers), maxContainers))
	for i := range keep(left, spec.InitContainers, maxContainers/2, "init containers") {
		role := catalog.InitContainer
		if isSidecar(&spec.InitContainers[i]) {
			role = catalog.SidecarContainer
		}
		all = append(all, container(w, &spec.InitContainers[i], role, fmt.Sprintf("initContainers[%d]", i), left))
	}
	for i := range keep(left, spec.Containers, maxContainers/2, "containers") {
		all = append(all, container(w, &spec.Containers[i], catalog.MainContainer, fmt.Sprintf("containers[%d]", i), left))
	}
	return all
}

func container(w *inventory.Workload, c *corev1.Container, role catalog.ContainerRole, field string, left *cuts) catalog.Container {
	field = fieldOf(w, field)
	told := catalog.Container{
		Name: clip(c.Name, maxName), Image: clip(imageOf(c.Image), maxText), Role: role, Line: w.Object.Line(field),
	}
	for _, port := range keep(left, c.Ports, maxPorts, "ports of container "+told.Name) {
		told.Ports = append(told.Ports, catalog.ContainerPort{
			Name: clip(port.Name, maxWord), Number: port.ContainerPort, Protocol: protocol(port.Protocol),
		})
	}
	told.Liveness = probe(c.LivenessProbe, w.Object.Line(field+".livenessProbe"), left)
	told.Readiness = probe(c.ReadinessProbe, w.Object.Line(field+".readinessProbe"), left)
	told.Startup = probe(c.StartupProbe, w.Object.Line(field+".startupProbe"), left)
	return told
}

func protocol(stated corev1.Protocol) string {
	return clip(string(cmp.Or(stated, corev1.ProtocolTCP)), maxWord)
}

// staying visits the containers of a pod that run as long as it does.
func staying(spec *corev1.PodSpec) iter.Seq[*corev1.Container] {
	return func(yield func(*corev1.Container) bool) {
		for i := range spec.InitContainers {
			if isSidecar(&spec.InitContainers[i]) && !yield(&spec.InitContainers[i]) {
				return
			}
		}
		for i := range spec.Containers {
			if !yield(&spec.Containers[i]) {
				return
			}
		}
	}
}

// isSidecar says whether a container that initialises runs on.
func isSidecar(c *corev1.Container) bool {
	return c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
}
