package health

import (
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
)

func unconventionalPath() *Check {
	return &Check{
		ID:        "health-path-unconventional",
		Title:     "A health endpoint does not follow the convention",
		Rationale: "Where every service has its endpoints of health under the same paths, people, dashboards and tools find them without being told.",
		Fix:       "Serve the endpoint under a path of the convention, or add the path to the convention in the configuration.",
		Reference: "By livenessPaths, readinessPaths and startupPaths of the policy: by default /livez, /readyz and /healthz as Kubernetes' own components have them, and the gRPC health protocol.",
		Severity:  catalog.Warning, About: SubjectContainer,
		container: func(w *workload, c *container) verdict {
			judged := false
			for _, p := range probesOf(c.Container) {
				judged = judged || p.Handler == catalog.ProbeGRPC
				if p.Handler != catalog.ProbeHTTP {
					continue
				}
				judged = true
				if globs := w.policy.paths(p.purpose); !fits(globs, pathAlone(p.Probe)) {
					return fail("%s is at %s, not at %s", p.purpose, pathAlone(p.Probe), strings.Join(globs, " or ")).at(p.Probe)
				}
			}
			if !judged {
				return notApplicable("no probe asks by HTTP or gRPC")
			}
			return pass("every endpoint follows the convention")
		},
	}
}
