package health

import (
	"slices"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
)

func liveProbeFailed() *Check {
	return &Check{
		ID:        "live-probe-failed",
		Title:     "The health endpoint does not answer as it should",
		Rationale: "Orrery called the declared endpoint itself: what it says now counts more than what a manifest promises.",
		Fix:       "Look at the endpoint with the failures that are told; status 200, a short answer and its declared type are expected.",
		Reference: "Only with live probing configured. WARNING where it is healthy and only the form of the answer is not as it should be.",
		Severity:  catalog.Error, About: SubjectContainer,
		container: func(w *workload, c *container) verdict {
			var found *verdict
			seen := false
			for _, result := range w.facts.Probed {
				if result.Container != c.Name {
					continue
				}
				seen = true
				why := strings.Join(result.Failures, "; ")
				switch {
				case !result.Healthy:
					if why == "" {
						why = "it is not healthy"
					}
					return fail("%s at %s: %s", strings.ToLower(result.Purpose), result.Endpoint, why)
				case why != "" && found == nil:
					mild := fail("%s at %s: %s", strings.ToLower(result.Purpose), result.Endpoint, why).as(catalog.Warning)
					found = &mild
				}
			}
			switch {
			case found != nil:
				return *found
			case seen:
				return pass("every endpoint that was called answered as it should")
			case !slices.Contains(w.policy.ProbedClusters, w.Cluster):
				return notApplicable("health endpoints of this cluster are not called")
			case !asksByNetwork(c.Container):
				return notApplicable("it declares no health endpoint that can be called")
			default:
				return unknown("its health endpoint was not called yet, or may not be")
			}
		},
	}
}

// asksByNetwork says whether a probe of the container can be asked from elsewhere.
func asksByNetwork(c *catalog.Container) bool {
	for _, p := range probesOf(c) {
		if p.Handler == catalog.ProbeHTTP || p.Handler == catalog.ProbeGRPC {
			return true
		}
	}
	return false
}
