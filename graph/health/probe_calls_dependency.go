package health

import (
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
)

func probeCallsDependency() *Check {
	return &Check{
		ID:    "probe-calls-dependency",
		Title: "A probe calls another host",
		Rationale: "When that host is away, all replicas fail their probes at once: those of liveness and startup restart everything, which helps " +
			"nobody, and those of readiness take the whole service away where it could still have done a part of its work.",
		Fix: "Let the probe ask the container itself. What the service does without a dependency belongs into its code; whether the dependency " +
			"is there, into its own health check.",
		Reference: "Known from the host of the probe and the hosts that a command names. ERROR for liveness and startup; WARNING for readiness, where some do it on purpose.",
		Severity:  catalog.Error, About: SubjectContainer,
		container: func(_ *workload, c *container) verdict {
			probes := probesOf(c.Container)
			if len(probes) == 0 {
				return notApplicable("it has no probes")
			}
			var mild *verdict
			for _, p := range probes {
				if len(p.Calls) == 0 {
					continue
				}
				found := fail("the %s probe calls %s", p.purpose, strings.Join(p.Calls, ", ")).at(p.Probe)
				if p.purpose != readiness {
					return found
				}
				found = found.as(catalog.Warning)
				mild = &found
			}
			if mild != nil {
				return *mild
			}
			return pass("no probe is known to call another host")
		},
	}
}
