package health

import "github.com/orrery-catalog/orrery/catalog"

// budgetSelectsNothing is told where the cluster is read, as a loose end of this code; here is what it means.
func budgetSelectsNothing() *Check {
	return &Check{
		ID:        "budget-selects-nothing",
		Title:     "A disruption budget protects nothing",
		Rationale: "No workload has the labels that the budget selects, so that something that was meant to be protected is not.",
		Fix:       "Correct the selector, or remove the budget.",
		Reference: "Kubernetes: Specifying a Disruption Budget. In policy/v1 an empty selector selects every pod of the namespace.",
		Severity:  catalog.Warning, About: SubjectCluster,
	}
}
