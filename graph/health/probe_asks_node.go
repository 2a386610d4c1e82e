package health

import (
	"net/netip"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
)

func probeAsksNode() *Check {
	return &Check{
		ID:        "probe-asks-node",
		Title:     "A probe asks the node instead of the pod",
		Rationale: "The kubelet asks from the node: localhost as the host of a probe is the node itself, and whatever happens to listen there answers for the container.",
		Fix:       "Remove host from the probe, so that the pod is asked; where it listens on localhost only, let it listen on its pod's address, or use an exec probe.",
		Reference: "Kubernetes: the host of a probe defaults to the pod's IP; localhost is right only with hostNetwork.",
		Severity:  catalog.Error, About: SubjectContainer,
		container: func(w *workload, c *container) verdict {
			probes := probesOf(c.Container)
			if len(probes) == 0 {
				return notApplicable("it has no probes")
			}
			for _, p := range probes {
				if isLoopback(p.Host) && !w.HostNetwork {
					return fail("the %s probe asks %s of the node, not of the pod", p.purpose, p.Host).at(p.Probe)
				}
			}
			return pass("no probe asks the node itself")
		},
	}
}

func isLoopback(host string) bool {
	if strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.Unmap().IsLoopback()
}
