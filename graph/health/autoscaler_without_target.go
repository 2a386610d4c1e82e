package health

import "github.com/orrery-catalog/orrery/catalog"

// autoscalerWithoutTarget is told where the cluster is read, as a loose end of this code; here is what it means.
func autoscalerWithoutTarget() *Check {
	return &Check{
		ID:        "autoscaler-without-target",
		Title:     "An autoscaler scales nothing",
		Rationale: "What it names is not there, so that something that was meant to grow with its load does not.",
		Fix:       "Correct scaleTargetRef, or remove the autoscaler.",
		Reference: "Kubernetes: HorizontalPodAutoscaler.",
		Severity:  catalog.Warning, About: SubjectCluster,
	}
}
