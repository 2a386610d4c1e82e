package health

import "github.com/orrery-catalog/orrery/catalog"

func noLiveness() *Check {
	return &Check{
		ID:        "no-liveness",
		Title:     "No liveness probe",
		Rationale: "A process that hangs without ending is never restarted. It is milder than a missing readiness probe: a wrong liveness probe does more harm than none.",
		Fix:       "Where a restart mends a hang, add a livenessProbe on an endpoint that looks at the process alone, by convention /livez; otherwise exempt the container, with the reason.",
		Reference: "Kubernetes: Pod Lifecycle, when to use a liveness probe; graded as the long discussions around linters ended.",
		Severity:  catalog.Warning, About: SubjectContainer,
		container: func(w *workload, c *container) verdict {
			switch {
			case c.Liveness != nil:
				return pass("liveness is %s", described(c.Liveness)).at(c.Liveness)
			case w.noProbes && len(probesOf(c.Container)) == 0:
				return notApplicable("it has no probe at all, which no-probes tells")
			default:
				return fail("it has no liveness probe")
			}
		},
	}
}
