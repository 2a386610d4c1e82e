package health

import (
	"strconv"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
)

func disruptionBudgetBlocks() *Check {
	return &Check{
		ID:        "disruption-budget-blocks",
		Title:     "A disruption budget lets no pod go",
		Rationale: "A budget that allows no disruption while all replicas are well stops every drain of a node, and with it updates of the cluster.",
		Fix:       "Let at least one pod go: maxUnavailable: 1, or minAvailable below the number of replicas and below the minimum of the autoscaler.",
		Reference: "Counted as the disruption controller does: percentages of either kind are rounded up. A pod that two budgets select cannot be evicted at all.",
		Severity:  catalog.Warning, About: SubjectWorkload,
		workload: func(w *workload) []verdict {
			replicas, known := w.least()
			switch budgets := w.facts.Budgets; {
			case stated(budgets) == 0:
				return one(notApplicable("it has no disruption budget"))
			case w.isDaemonSet():
				return one(notApplicable("the pods of a DaemonSet are not evicted when a node is drained"))
			case len(budgets) > 1:
				names := make([]string, len(budgets))
				for i, b := range budgets {
					names[i] = b.Name
				}
				return one(fail("%s all select its pods, and a pod with more than one budget cannot be evicted", strings.Join(names, ", ")))
			case known && replicas == 0:
				return one(notApplicable("it may be scaled to zero"))
			default:
				return one(judgeBudget(budgets[0], replicas, known, w.Kind == "pod"))
			}
		},
	}
}

func judgeBudget(b catalog.DisruptionBudget, replicas int32, known, bare bool) verdict {
	text, name := b.MinAvailable, "minAvailable"
	if text == "" {
		text, name = b.MaxUnavailable, "maxUnavailable"
	}
	percent, isPercent := strings.CutSuffix(text, "%")
	value, err := strconv.Atoi(percent)
	switch {
	case err != nil || value < 0:
		return unknown("%s of %s is %q, which cannot be read", name, b.Name, text)
	case bare && (isPercent || name == "maxUnavailable"):
		return fail("%s has %s %s, and over pods without a controller only a number as minAvailable works", b.Name, name, text)
	case name == "maxUnavailable" && value == 0, name == "minAvailable" && isPercent && value >= 100:
		return fail("%s has %s %s, which never lets a pod go", b.Name, name, text)
	case name == "maxUnavailable":
		return pass("%s has maxUnavailable %s, which lets at least one pod go", b.Name, text)
	case !known:
		return unknown("%s has minAvailable %s, and how many replicas there are is not known", b.Name, text)
	}
	if isPercent {
		value = (value*int(replicas) + 99) / 100
	}
	if value >= int(replicas) {
		return fail("%s has minAvailable %s, so that of %d %s none may go", b.Name, text, replicas, plural(int(replicas), "replica"))
	}
	return pass("%s lets %d of %d replicas go", b.Name, int(replicas)-value, replicas)
}
