package health

import "github.com/orrery-catalog/orrery/catalog"

// The checks of a cluster: objects that lead to nothing. What finds them reads the cluster; here is what they mean.

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

func routeToNowhere() *Check {
	return &Check{
		ID:        "route-to-nowhere",
		Title:     "A route leads to nothing",
		Rationale: "Requests that match it are answered with an error: the Service or the port that it names is not there.",
		Fix:       "Correct the name of the Service or its port, or remove the route.",
		Reference: "Ingress, Gateway API routes and VirtualServices.",
		Severity:  catalog.Error, About: SubjectCluster,
	}
}

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
