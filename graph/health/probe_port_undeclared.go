package health

import (
	"slices"
	"strconv"

	"github.com/orrery-catalog/orrery/catalog"
)

func probePortUndeclared() *Check {
	return &Check{
		ID:        "probe-port-undeclared",
		Title:     "A probe asks a port that is not declared",
		Rationale: "It works: ports need not be declared. But people and tools look among the declared ports for what a container serves, and a number that is not there is often a mistyped one.",
		Fix:       "Declare the port under ports, with a name, and let the probe use the name; or correct the number.",
		Reference: "Kubernetes: containerPorts are information; only names must be declared to be used.",
		Severity:  catalog.Warning, About: SubjectContainer,
		container: func(_ *workload, c *container) verdict {
			asked := false
			for _, p := range probesOf(c.Container) {
				number, err := strconv.Atoi(p.Port)
				if p.Handler == catalog.ProbeExec || p.Port == "" || leaves(p.Probe) {
					continue
				}
				asked = true
				declared := slices.ContainsFunc(c.Ports, func(port catalog.ContainerPort) bool { return int(port.Number) == number })
				if err == nil && !declared {
					return fail("the %s probe asks port %d, which the container does not declare", p.purpose, number).at(p.Probe)
				}
			}
			if !asked {
				return notApplicable("no probe asks a port of the container")
			}
			return pass("every probe asks a declared port, or one by name")
		},
	}
}

// leaves says whether a probe asks another place than the pod.
func leaves(p *catalog.Probe) bool {
	return p.Host != "" && !isLoopback(p.Host)
}
