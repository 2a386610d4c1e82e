package health

import "github.com/orrery-catalog/orrery/catalog"

// serviceSelectsNothing is told where the cluster is read, as a loose end of this code; here is what it means.
func serviceSelectsNothing() *Check {
	return &Check{
		ID:        "service-selects-nothing",
		Title:     "A Service selects nothing",
		Rationale: "No workload has the labels that the Service selects: every request to it fails, often since a label was renamed.",
		Fix:       "Correct the selector, or remove the Service.",
		Reference: "Kubernetes: Service selectors. A Service without a selector, with endpoints of its own, is none of these.",
		Severity:  catalog.Error, About: SubjectCluster,
	}
}
