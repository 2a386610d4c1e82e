package health

import (
	"slices"
	"strconv"

	"github.com/orrery-catalog/orrery/catalog"
)

// workload is one of those that an entity runs on, as the checks see it.
type workload struct {
	*catalog.Workload
	facts      *catalog.Facts
	policy     *Policy
	tier       int // of the entity; 0 = none
	containers []container
	groups     map[[2]string]group // of the entity, by the Service that leads to them
	noProbes   bool                // whether the check for no probes at all is made
	targets    *targets
}

// group is what one Service leads to of an entity, in whatever cluster: losing a part of it is no outage.
type group struct{ replicas, workloads int }

// groupsOf counts the workloads of an entity that stay, by Service.
func groupsOf(workloads []*workload) map[[2]string]group {
	groups := make(map[[2]string]group)
	for _, w := range workloads {
		if w.isJob() || w.Wanted == nil || *w.Wanted == 0 {
			continue
		}
		for i := range w.facts.Services {
			key := serviceKey(&w.facts.Services[i])
			g := groups[key]
			groups[key] = group{g.replicas + int(*w.Wanted), g.workloads + 1}
		}
	}
	return groups
}

// container is one of a workload.
type container struct {
	*catalog.Container
	serves answer // whether it is sent requests
}

// answer is yes, no or maybe.
type answer uint8

const (
	no answer = iota
	maybe
	yes
)

// newWorkload looks at facts, which must be of a workload.
func newWorkload(facts *catalog.Facts, policy *Policy) *workload {
	w := &workload{Workload: facts.Workload, facts: facts, policy: policy}
	w.containers = make([]container, len(w.Containers))
	for i := range w.Containers {
		c := &w.Containers[i]
		w.containers[i].Container = c
		if c.Role != catalog.InitContainer && slices.ContainsFunc(c.Ports, isTCP) {
			w.containers[i].serves = yes
		}
	}
	for _, service := range facts.Services {
		for _, port := range service.Ports {
			w.serve(port)
		}
	}
	return w
}

// isTCP says whether a port is for TCP, which is what Kubernetes takes where nothing is said.
func isTCP(p catalog.ContainerPort) bool { return p.Protocol == "" || p.Protocol == "TCP" }

// serve marks the containers that requests to a port of a Service may reach. A port need not be declared, and then it is
// open which of several containers listens there.
func (w *workload) serve(port catalog.ServicePort) {
	number, err := strconv.Atoi(port.Target)
	declared, probed := w.mark(yes, func(c *catalog.Container) bool {
		return slices.ContainsFunc(c.Ports, func(p catalog.ContainerPort) bool {
			return err == nil && int(p.Number) == number || err != nil && p.Name == port.Target
		})
	}), false
	if declared || err != nil {
		return
	}
	if w.longRunning() == 1 {
		w.mark(yes, func(*catalog.Container) bool { return true })
		return
	}
	probed = w.mark(yes, func(c *catalog.Container) bool {
		return slices.ContainsFunc(probesOf(c), func(p purposed) bool {
			n, ok := portOf(c, p.Probe)
			return ok && int(n) == number
		})
	})
	if !probed {
		w.mark(maybe, func(c *catalog.Container) bool { return true })
	}
}

// mark raises the answer of the containers that are not done at the start, and says whether there were any.
func (w *workload) mark(to answer, which func(*catalog.Container) bool) bool {
	found := false
	for i := range w.containers {
		if c := &w.containers[i]; c.Role != catalog.InitContainer && which(c.Container) {
			c.serves = max(c.serves, to)
			found = true
		}
	}
	return found
}

// longRunning counts the containers that stay.
func (w *workload) longRunning() int {
	count := 0
	for i := range w.Containers {
		if w.Containers[i].Role != catalog.InitContainer {
			count++
		}
	}
	return count
}

// isJob says whether the workload runs to its end, so that nobody asks it for its health.
func (w *workload) isJob() bool { return w.Kind == "job" || w.Kind == "cronjob" }

// isDaemonSet says whether the nodes decide on the number of replicas.
func (w *workload) isDaemonSet() bool { return w.Kind == "daemonset" }

// isLive says whether a running cluster told of it, and not a manifest.
func (w *workload) isLive() bool { return w.Ready != nil }

// least is the number of replicas that there are at least while nothing is wrong: an autoscaler's minimum counts instead
// of the number in the manifest. ok is false where it is not known.
func (w *workload) least() (replicas int32, ok bool) {
	for i, scaler := range w.facts.Autoscalers {
		if i == 0 || scaler.Min < replicas {
			replicas = scaler.Min
		}
	}
	switch {
	case len(w.facts.Autoscalers) > 0:
		return replicas, true
	case w.Wanted == nil:
		return 0, false
	}
	return *w.Wanted, true
}

// mustStayUp says whether the tier asks for care. What has no tier gets it as well, but for what only a tier can ask for.
func (w *workload) mustStayUp() bool { return w.tier <= 2 }
