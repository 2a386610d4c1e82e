package health

import (
	"strconv"

	"github.com/orrery-catalog/orrery/catalog"
)

func servicePortUnresolved() *Check {
	return &Check{
		ID:        "service-port-unresolved",
		Title:     "A Service leads to a port that is not there",
		Rationale: "A targetPort by name leads only to pods that have a port of this name and protocol; without one, requests to the Service are refused.",
		Fix:       "Give the container's port the name, or write the number. A number need not be declared.",
		Reference: "Kubernetes resolves the name in each pod, among all its containers that stay. WARNING where another workload behind the Service has the port.",
		Severity:  catalog.Error, About: SubjectWorkload,
		workload: perService(judgePorts),
	}
}

func judgePorts(w *workload, s *catalog.Service) verdict {
	for _, port := range s.Ports {
		if hasPort(w.Workload, port) {
			continue
		}
		found := fail("port %d of Service %s/%s leads to a port %s (%s), which no container has", port.Port, s.Namespace, s.Name, port.Target, protocol(port.Protocol))
		if w.targets.resolved(w.Cluster, s, port) {
			return found.as(catalog.Warning)
		}
		return found
	}
	return pass("every port of Service %s/%s leads to one of the pod", s.Namespace, s.Name)
}

// hasPort says whether the port of a Service finds its target in the pods of a workload.
func hasPort(w *catalog.Workload, port catalog.ServicePort) bool {
	if _, err := strconv.Atoi(port.Target); err == nil || port.Target == "" {
		return true
	}
	for i := range w.Containers {
		if w.Containers[i].Role == catalog.InitContainer {
			continue
		}
		for _, p := range w.Containers[i].Ports {
			if p.Name == port.Target && protocol(p.Protocol) == protocol(port.Protocol) {
				return true
			}
		}
	}
	return false
}

func protocol(p string) string {
	if p == "" {
		return "TCP"
	}
	return p
}
