package health

import (
	"strconv"

	"github.com/orrery-catalog/orrery/catalog"
)

func serviceWithoutEndpoints() *Check {
	return &Check{
		ID:        "service-without-endpoints",
		Title:     "A Service has no ready endpoint",
		Rationale: "Every request to the Service fails.",
		Fix:       "Look at why no pod behind it is ready: its events, its readiness probe, its selector.",
		Reference: "Counted from the EndpointSlices of a running cluster; manifests have none.",
		Severity:  catalog.Error, About: SubjectWorkload,
		workload: func(w *workload) []verdict {
			if len(w.facts.Services) == 0 {
				return one(notApplicable("no Service leads to it"))
			}
			list := make([]verdict, len(w.facts.Services))
			for i := range w.facts.Services {
				list[i] = judgeEndpoints(w, &w.facts.Services[i]).of(&w.facts.Services[i])
			}
			return list
		},
	}
}

func judgeEndpoints(w *workload, s *catalog.Service) verdict {
	switch n := s.ReadyEndpoints; {
	case n != nil && *n > 0:
		return pass("Service %s/%s has %d ready %s", s.Namespace, s.Name, *n, plural(int(*n), "endpoint"))
	case n == nil && !w.isLive():
		return notApplicable("only a running cluster has endpoints")
	case n == nil:
		return unknown("the endpoints of Service %s/%s are not known", s.Namespace, s.Name)
	case w.Wanted != nil && *w.Wanted == 0:
		return notApplicable("Service %s/%s leads to what is scaled to zero", s.Namespace, s.Name)
	case s.PublishNotReady:
		return notApplicable("Service %s/%s also leads to pods that are not ready", s.Namespace, s.Name)
	default:
		return fail("Service %s/%s has no ready endpoint", s.Namespace, s.Name)
	}
}

func servicePortUnresolved() *Check {
	return &Check{
		ID:        "service-port-unresolved",
		Title:     "A Service leads to a port that is not there",
		Rationale: "A targetPort by name leads only to pods that have a port of this name and protocol; without one, requests to the Service are refused.",
		Fix:       "Give the container's port the name, or write the number. A number need not be declared.",
		Reference: "Kubernetes resolves the name in each pod, among all its containers that stay. WARNING where another workload behind the Service has the port.",
		Severity:  catalog.Error, About: SubjectWorkload,
		workload: func(w *workload) []verdict {
			if len(w.facts.Services) == 0 {
				return one(notApplicable("no Service leads to it"))
			}
			list := make([]verdict, len(w.facts.Services))
			for i := range w.facts.Services {
				list[i] = judgePorts(w, &w.facts.Services[i]).of(&w.facts.Services[i])
			}
			return list
		},
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

// of says that the verdict is about a Service, where that is written.
func (v verdict) of(s *catalog.Service) verdict {
	v.location, v.line = s.Location, s.Line
	return v
}
