package health

import "github.com/orrery-catalog/orrery/catalog"

// routeToNowhere is told where the cluster is read, as a loose end of this code; here is what it means.
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
