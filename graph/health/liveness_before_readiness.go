package health

import "github.com/orrery-catalog/orrery/catalog"

func livenessBeforeReadiness() *Check {
	return &Check{
		ID:        "liveness-before-readiness",
		Title:     "Liveness acts no later than readiness",
		Rationale: "A container in trouble should first be spared requests, so that it can recover; restarting it at once, or sooner, takes that chance away and drops what it was doing.",
		Fix:       "Let liveness tolerate more than readiness: a higher periodSeconds × failureThreshold.",
		Reference: "Tolerance is periodSeconds × failureThreshold, with the defaults of Kubernetes (10 × 3) where nothing is stated.",
		Severity:  catalog.Warning, About: SubjectContainer,
		container: func(_ *workload, c *container) verdict {
			l, r := c.Liveness, c.Readiness
			if l == nil || r == nil {
				return notApplicable("it does not have both a liveness and a readiness probe")
			}
			if tolerance(l) > tolerance(r) {
				return pass("liveness tolerates %d s of failures, readiness %d s", tolerance(l), tolerance(r))
			}
			return fail("liveness restarts it after %d s of failures, when readiness takes it out of traffic only after %d s", tolerance(l), tolerance(r)).at(l)
		},
	}
}
