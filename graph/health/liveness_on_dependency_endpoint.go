package health

import "github.com/orrery-catalog/orrery/catalog"

func livenessOnDependencyEndpoint() *Check {
	return &Check{
		ID:        "liveness-on-dependency-endpoint",
		Title:     "Liveness asks an endpoint that looks at dependencies",
		Rationale: "An endpoint of readiness answers no while a database or another service is away. As liveness it then restarts every replica, again and again, until the dependency is back, and longer.",
		Fix:       "Let liveness ask an endpoint that looks at the process alone: /livez, or /actuator/health/liveness with Spring Boot.",
		Reference: "By dependencyPaths of the policy: by default names of readiness, and the whole of Spring's and Quarkus' health, which includes databases and brokers.",
		Severity:  catalog.Warning, About: SubjectContainer,
		container: func(w *workload, c *container) verdict {
			l := c.Liveness
			if l == nil || l.Handler != catalog.ProbeHTTP {
				return notApplicable("it has no liveness probe by HTTP")
			}
			if path := pathAlone(l); fits(w.policy.DependencyPaths, path) {
				return fail("liveness asks %s, by its name an endpoint that looks at dependencies", path).at(l)
			}
			return pass("liveness asks %s, which is not known to look at dependencies", pathAlone(l)).at(l)
		},
	}
}
