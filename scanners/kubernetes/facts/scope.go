package facts

import (
	"strings"

	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// part is the first word of a scope's name: what sort of things the scope says.
type part string

const (
	clusterPart     part = "cluster"
	nodesPart       part = "nodes"
	workloadsPart   part = "workloads"
	placementPart   part = "placement"
	servicesPart    part = "services"
	routesPart      part = "routes"
	autoscalersPart part = "autoscalers"
	budgetsPart     part = "budgets"
	edgesPart       part = "edges"
)

// scope names what is derived in one piece. The scopes of edges are not among these: they come by namespaces.
type scope struct {
	part      part
	kind      string // of a workload or a route, in the singular
	namespace string
	name      string
}

// String is the name by which the scope is reported.
func (s scope) String() string {
	words := make([]string, 0, 4)
	for _, word := range []string{string(s.part), s.kind, s.namespace, s.name} {
		if word != "" {
			words = append(words, word)
		}
	}
	if s.part == workloadsPart || s.part == placementPart {
		words[1], words[2] = words[2], words[1] // <namespace>/<kind>/<name>
	}
	return strings.Join(words, "/")
}

// workloadKey tells workloads apart; the zero value is none.
type workloadKey struct{ namespace, kind, name string }

func keyOf(w *inventory.Workload) workloadKey {
	if w == nil {
		return workloadKey{}
	}
	return workloadKey{w.Object.Namespace, w.Kind, w.Name()}
}

func (k workloadKey) scope(of part) scope { return scope{of, k.kind, k.namespace, k.name} }

// routeKinds are the kinds of routes, as the names of scopes have them.
func routeKinds() map[string]inventory.Kind {
	return map[string]inventory.Kind{
		"ingress": inventory.Ingresses, "httproute": inventory.HTTPRoutes, "grpcroute": inventory.GRPCRoutes,
		"virtualservice": inventory.VirtualServices,
	}
}

// workloadKinds are the objects that make workloads of a kind; for any other word those of all kinds.
func workloadKinds(kind string) []inventory.Kind {
	switch kind {
	case "deployment": // a ReplicaSet or a pod of an unknown controller is told as one, and that controller
		return []inventory.Kind{
			inventory.Deployments, inventory.ReplicaSets, inventory.Pods, inventory.ReplicationControllers, inventory.Controllers,
		}
	case "statefulset":
		return []inventory.Kind{inventory.StatefulSets}
	case "daemonset":
		return []inventory.Kind{inventory.DaemonSets}
	case "cronjob":
		return []inventory.Kind{inventory.CronJobs}
	case "job":
		return []inventory.Kind{inventory.Jobs, inventory.Pods, inventory.Controllers}
	case "pod":
		return []inventory.Kind{inventory.Pods}
	}
	return []inventory.Kind{
		inventory.Deployments, inventory.StatefulSets, inventory.DaemonSets, inventory.ReplicaSets, inventory.CronJobs,
		inventory.Jobs, inventory.Pods, inventory.ReplicationControllers, inventory.Controllers,
	}
}

// routeInputs are what says where routes of a kind lead from, for any other word routes of all kinds.
func routeInputs(kind string) []inventory.Kind {
	switch kind {
	case "ingress":
		return []inventory.Kind{inventory.Ingresses}
	case "httproute", "grpcroute":
		return []inventory.Kind{routeKinds()[kind], inventory.Gateways}
	case "virtualservice":
		return []inventory.Kind{inventory.VirtualServices, inventory.ServiceEntries}
	}
	return []inventory.Kind{
		inventory.Ingresses, inventory.HTTPRoutes, inventory.GRPCRoutes, inventory.Gateways, inventory.VirtualServices,
		inventory.ServiceEntries,
	}
}

// Inputs are the kinds that a scope is made from, by its name or the beginning of that: where one of them cannot be read,
// what the scope said before may still be so.
func Inputs(name string) []inventory.Kind {
	words := strings.Split(name, "/")
	word := func(i int) string {
		if i < len(words) {
			return words[i]
		}
		return ""
	}
	with := func(kinds ...inventory.Kind) []inventory.Kind { return append(kinds, workloadKinds("")...) }
	switch part(words[0]) {
	case nodesPart:
		return []inventory.Kind{inventory.Nodes}
	case workloadsPart:
		return workloadKinds(word(2))
	case placementPart:
		switch word(2) {
		case "deployment":
			return workloadKinds("deployment")
		case "cronjob":
			return []inventory.Kind{inventory.CronJobs, inventory.Jobs, inventory.Pods}
		case "statefulset", "daemonset", "job", "pod":
			return append(workloadKinds(word(2))[:1:1], inventory.Pods)
		}
		return with()
	case servicesPart:
		return with(inventory.Services, inventory.EndpointSlices, inventory.Operated)
	case routesPart:
		return with(append(routeInputs(word(1)), inventory.Services)...)
	case autoscalersPart:
		return []inventory.Kind{inventory.HorizontalPodAutoscalers, inventory.Deployments, inventory.StatefulSets}
	case budgetsPart:
		return with(inventory.PodDisruptionBudgets)
	case edgesPart:
		return with(inventory.Services, inventory.EndpointSlices, inventory.ConfigMaps, inventory.Ingresses, inventory.NetworkPolicies,
			inventory.Namespaces, inventory.VirtualServices, inventory.ServiceEntries, inventory.DestinationRules, inventory.IstioGateways)
	case clusterPart:
		return with(append(routeInputs(""), inventory.Services, inventory.EndpointSlices, inventory.HorizontalPodAutoscalers,
			inventory.PodDisruptionBudgets, inventory.Operated)...)
	}
	return nil
}
