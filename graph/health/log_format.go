package health

import (
	"slices"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
)

func logFormat() *Check {
	return &Check{
		ID:        "log-format",
		Title:     "Logs do not have the agreed form",
		Rationale: "Lines of one form, each with time, level, message and the id of the trace, can be searched and put together across services; others can only be read.",
		Fix:       "Let the service log one JSON object (or logfmt, as configured) a line, with the fields that are told to be missing.",
		Reference: "Only where the source has logFormat. A few recent lines are looked at and none is kept.",
		Severity:  catalog.Warning, About: SubjectContainer,
		container: func(w *workload, c *container) verdict {
			for _, sample := range w.facts.Logs {
				if sample.Container != c.Name {
					continue
				}
				switch {
				case sample.Unreadable != "":
					return unknown("its log could not be read: %s", sample.Unreadable)
				case slices.Contains(sample.Missing, "format"):
					return fail("it does not log %s", sample.Format)
				case len(sample.Missing) > 0:
					return fail("too few lines of its log say: %s", strings.Join(sample.Missing, ", "))
				default:
					return pass("it logs %s with all fields", sample.Format)
				}
			}
			if !slices.Contains(w.policy.LogClusters, w.Cluster) {
				return notApplicable("logs are not looked at in this cluster")
			}
			return unknown("its log was not looked at yet")
		},
	}
}
