package health

import "github.com/orrery-catalog/orrery/catalog"

func noDisruptionBudget() *Check {
	return &Check{
		ID:        "no-disruption-budget",
		Title:     "No disruption budget",
		Rationale: "While nodes are drained for an update, all replicas may be evicted at the same time: nothing tells Kubernetes how many must stay.",
		Fix:       "Add a PodDisruptionBudget that selects its pods, with maxUnavailable: 1.",
		Reference: "Kubernetes: Specifying a Disruption Budget. Asked of two or more replicas; a budget over one could only block. Tiers 3 and 4 may go without.",
		Severity:  catalog.Warning, About: SubjectWorkload,
		workload: func(w *workload) []verdict {
			replicas, known := w.least()
			switch {
			case w.isDaemonSet():
				return one(notApplicable("the pods of a DaemonSet are not evicted when a node is drained"))
			case stated(w.facts.Budgets) > 0:
				return one(pass("%s protects it", w.facts.Budgets[0].Name))
			case !w.mustStayUp():
				return one(notApplicable("tier %d may do without", w.tier))
			case !known:
				return one(unknown("how many replicas it has is not known"))
			case replicas < 2:
				return one(notApplicable("it may have fewer than two replicas, over which a budget could only block"))
			default:
				return one(fail("no PodDisruptionBudget protects its %d replicas", replicas))
			}
		},
	}
}

// stated counts the budgets that say something.
func stated(budgets []catalog.DisruptionBudget) int {
	count := 0
	for _, b := range budgets {
		if b.MinAvailable != "" || b.MaxUnavailable != "" {
			count++
		}
	}
	return count
}
