package health

import "github.com/orrery-catalog/orrery/catalog"

func noReadiness() *Check {
	return &Check{
		ID:    "no-readiness",
		Title: "Serves traffic without a readiness probe",
		Rationale: "Without a readiness probe a Service sends requests to a container that is still starting, or that cannot answer at the " +
			"moment, and an update goes on while the new replicas do not work yet.",
		Fix:       "Add a readinessProbe on an endpoint that answers only when the container can serve, by convention /readyz.",
		Reference: "Kubernetes: Pod Lifecycle, container probes. Each container is judged: a probe of a sidecar says nothing of its neighbour.",
		Severity:  catalog.Error, About: SubjectContainer,
		container: func(w *workload, c *container) verdict {
			switch {
			case c.Readiness != nil:
				return pass("readiness is %s", described(c.Readiness)).at(c.Readiness)
			case w.noProbes && len(probesOf(c.Container)) == 0:
				return notApplicable("it has no probe at all, which no-probes tells")
			case c.serves == no:
				return notApplicable("it declares no TCP port and no Service leads to it")
			case c.serves == maybe:
				return unknown("a Service leads to a port that no container declares: it is not known whether this one serves it")
			default:
				return fail("it serves traffic and has no readiness probe")
			}
		},
	}
}
