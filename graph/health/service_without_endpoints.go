package health

import "github.com/orrery-catalog/orrery/catalog"

func serviceWithoutEndpoints() *Check {
	return &Check{
		ID:        "service-without-endpoints",
		Title:     "A Service has no ready endpoint",
		Rationale: "Every request to the Service fails.",
		Fix:       "Look at why no pod behind it is ready: its events, its readiness probe, its selector.",
		Reference: "Counted from the EndpointSlices of a running cluster; manifests have none.",
		Severity:  catalog.Error, About: SubjectWorkload,
		workload: perService(judgeEndpoints),
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
