package health

import "github.com/orrery-catalog/orrery/catalog"

func timeoutOverPeriod() *Check {
	return &Check{
		ID:        "timeout-over-period",
		Title:     "A probe may take as long as its period",
		Rationale: "The kubelet asks one container one question at a time: a probe that waits for as long as its period, or longer, is asked less often than it says, so that failures are seen later than intended.",
		Fix:       "Set timeoutSeconds below periodSeconds.",
		Reference: "Defaults of Kubernetes: timeoutSeconds 1, periodSeconds 10.",
		Severity:  catalog.Warning, About: SubjectContainer,
		container: func(_ *workload, c *container) verdict {
			probes := probesOf(c.Container)
			if len(probes) == 0 {
				return notApplicable("it has no probes")
			}
			for _, p := range probes {
				if p.Timeout >= p.Period {
					return fail("the %s probe may take %d s and is to be asked every %d s", p.purpose, p.Timeout, p.Period).at(p.Probe)
				}
			}
			return pass("every probe ends before the next is due")
		},
	}
}
