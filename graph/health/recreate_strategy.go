package health

import "github.com/orrery-catalog/orrery/catalog"

func recreateStrategy() *Check {
	return &Check{
		ID:        "recreate-strategy",
		Title:     "Every update is an outage",
		Rationale: "With the strategy Recreate, all replicas are stopped before the first new one is started.",
		Fix:       "Use the strategy RollingUpdate; where two versions must not run at once, say so in an exemption.",
		Reference: "Kubernetes: Deployment strategy. Asked of tier 1.",
		Severity:  catalog.Warning, About: SubjectWorkload,
		workload: func(w *workload) []verdict {
			switch {
			case w.tier != 1:
				return one(notApplicable("only tier 1 must stay up during an update"))
			case w.Recreate:
				return one(fail("an update stops all replicas before it starts new ones (strategy Recreate)"))
			default:
				return one(pass("an update does not stop all replicas at once"))
			}
		},
	}
}
