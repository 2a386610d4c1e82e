package health

import (
	"slices"
	"strconv"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
)

func probePortUnresolved() *Check {
	return &Check{
		ID:        "probe-port-unresolved",
		Title:     "A probe names a port that is not there",
		Rationale: "The kubelet cannot ask, and takes every probe for failed: the container never becomes ready, or is restarted for ever.",
		Fix:       "Name a port of the same container, each name once, or write its number from 1 to 65535.",
		Reference: "Kubernetes looks a name up among the ports of the same container alone, not of the pod or of a Service; probes of gRPC take a number.",
		Severity:  catalog.Error, About: SubjectContainer,
		container: func(_ *workload, c *container) verdict {
			asked := false
			var doubtful *verdict
			for _, p := range probesOf(c.Container) {
				if p.Handler == catalog.ProbeExec {
					continue
				}
				asked = true
				if problem := portProblem(c.Container, p.Probe); problem != "" {
					return fail("the %s probe asks %s", p.purpose, problem).at(p.Probe)
				}
				if doubtful == nil && !overTCP(c.Container, p.Probe) {
					found := fail("the %s probe asks port %s by TCP, which the container declares for another protocol alone", p.purpose, p.Port).
						at(p.Probe).as(catalog.Warning)
					doubtful = &found
				}
			}
			if doubtful != nil {
				return *doubtful
			}
			if !asked {
				return notApplicable("no probe asks a port")
			}
			return pass("every probe asks a port that exists")
		},
	}
}

// portProblem says what is wrong with the port of a probe; "" = nothing.
func portProblem(c *catalog.Container, p *catalog.Probe) string {
	_, resolved := portOf(c, p)
	if _, err := strconv.ParseInt(p.Port, 10, 64); err == nil {
		if !resolved {
			return "port " + p.Port + ", which is not from 1 to 65535"
		}
		return ""
	}
	switch {
	case p.Port == "":
		return "no port"
	case strings.HasPrefix(p.Port, `"`):
		return "port " + p.Port + " in quotes, which make it a name, and a name needs a letter: no API server takes it"
	case p.Handler == catalog.ProbeGRPC:
		return "port " + p.Port + " by name, where gRPC takes a number"
	case !resolved:
		return "port " + p.Port + ", which this container does not have"
	}
	named := 0
	for _, port := range c.Ports {
		if port.Name == p.Port {
			named++
		}
	}
	if named > 1 {
		return "port " + p.Port + ", a name that this container has more than once"
	}
	return ""
}

// overTCP says whether a port that a probe names is declared for TCP, which is how the kubelet asks, whatever is declared.
func overTCP(c *catalog.Container, p *catalog.Probe) bool {
	i := slices.IndexFunc(c.Ports, func(port catalog.ContainerPort) bool { return port.Name == p.Port })
	return i < 0 || isTCP(c.Ports[i])
}
