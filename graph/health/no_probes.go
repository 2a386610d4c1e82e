package health

import "github.com/orrery-catalog/orrery/catalog"

func noProbes() *Check {
	return &Check{
		ID:    "no-probes",
		Title: "No probe of any kind",
		Rationale: "Kubernetes takes a container without probes for healthy as soon as its process runs: it is sent requests before it can " +
			"answer them, and stays when it hangs.",
		Fix: "Give the container a readiness probe on an endpoint that says whether it can serve, and a liveness probe where a restart would " +
			"mend a hang.",
		Reference: "Kubernetes: Configure Liveness, Readiness and Startup Probes. A WARNING where the container serves no traffic.",
		Severity:  catalog.Error, About: SubjectContainer,
		container: func(_ *workload, c *container) verdict {
			if probes := probesOf(c.Container); len(probes) > 0 {
				return pass("it has a %s probe", probes[0].purpose)
			}
			switch c.serves {
			case yes:
				return fail("it serves traffic and has no probe of any kind")
			case maybe:
				return fail("it may serve traffic, through a port that no container declares, and has no probe of any kind")
			default:
				return fail("it has no probe of any kind").as(catalog.Warning)
			}
		},
	}
}
