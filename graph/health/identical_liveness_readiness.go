package health

import (
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
)

func identicalProbes() *Check {
	return &Check{
		ID:    "identical-liveness-readiness",
		Title: "Liveness and readiness ask the same",
		Rationale: "What takes a container out of traffic for a while then also restarts it: an overload, or a dependency that is away, becomes " +
			"a storm of restarts.",
		Fix:       "Let liveness look at the process alone (/livez) and readiness at whether it can serve now (/readyz).",
		Reference: "ERROR where handler, port, path, scheme, host, headers, gRPC service, command, thresholds and timings are all equal; WARNING where only headers, thresholds or timings differ. Ports are compared by the number they resolve to.",
		Severity:  catalog.Error, About: SubjectContainer,
		container: func(_ *workload, c *container) verdict {
			l, r := c.Liveness, c.Readiness
			if l == nil || r == nil {
				return notApplicable("it does not have both a liveness and a readiness probe")
			}
			if !sameEndpoint(c.Container, l, r) {
				return pass("liveness is %s, readiness %s", described(l), described(r))
			}
			if differ := differences(l, r); len(differ) > 0 {
				return fail("liveness and readiness both are %s; only %s differ", described(l), strings.Join(differ, ", ")).as(catalog.Warning).at(l)
			}
			return fail("liveness and readiness both are %s, in every respect", described(l)).at(l)
		},
	}
}
