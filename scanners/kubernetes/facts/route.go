package facts

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// lead is where some requests of a route go.
type lead struct {
	namespace, service string
	port               int32  // 0 = none stated
	portName           string // "" = none stated
	hosts, paths       []string
	mesh               bool   // hosts that are added to the mesh are reached as well as Services
	lost               string // why the requests reach no Service; "" = they may
}

// route says which requests from outside, or within a mesh, reach a workload, to each of those that it leads to.
func (d *Deriver) route(s scope) result {
	o := d.inv.Get(routeKinds()[s.kind], s.namespace, s.name)
	if o == nil {
		return result{}
	}
	kind, leads := d.leads(s.kind, o)
	var r result
	var lost []string
	routes := make(map[workloadKey]*catalog.Route)
	behind := make(map[workloadKey]*inventory.Workload)
	for i := range leads {
		to := &leads[i]
		if to.namespace != "" {
			r.rests = append(r.rests, to.namespace)
		}
		service, reason := d.follow(to)
		if reason != "" {
			lost = append(lost, reason)
			continue
		}
		if service == nil {
			continue
		}
		for _, w := range d.inv.Behind(service) {
			key := keyOf(w)
			told := routes[key]
			if told == nil {
				told = &catalog.Route{Kind: kind, Namespace: s.namespace, Name: s.name, Location: o.Location, Line: o.Line("")}
				routes[key], behind[key] = told, w
			}
			told.Hosts = append(told.Hosts, to.hosts...)
			told.Paths = append(told.Paths, to.paths...)
			told.Services = append(told.Services, to.namespace+"/"+to.service)
		}
	}
	if slices.Sort(r.rests); len(r.rests) > 0 {
		r.rests = slices.Compact(r.rests)
	}
	var left cuts
	keys := slices.SortedFunc(maps.Keys(routes), compareWorkloadKeys)
	for _, key := range keep(&left, keys, maxBehind, "workloads") {
		told := routes[key]
		told.Hosts = keep(&left, unique(told.Hosts), maxRouted, "hosts")
		told.Paths = keep(&left, unique(told.Paths), maxRouted, "paths")
		told.Services = keep(&left, unique(told.Services), maxRouted, "Services")
		r.documents = append(r.documents, &catalog.Document{
			Ordinal: len(r.documents), Location: o.Location,
			Claims: []catalog.Claim{{
				Subject: catalog.Subject{Ref: behind[key].Ref}, Line: told.Line, Facts: &catalog.Facts{Routes: []catalog.Route{*told}},
			}},
		})
	}
	slices.Sort(left)
	r.tellCut(slices.Compact(left), o)
	if lost = unique(lost); len(lost) > 0 {
		r.loose = []catalog.LooseEnd{looseEnd(o, kind, "route-to-nowhere", "spec", some(lost))}
	}
	return r
}

// leads reads where a route leads, by its kind.
func (d *Deriver) leads(of string, o *inventory.Object) (kind string, leads []lead) {
	switch of {
	case "ingress":
		return "Ingress", ingressLeads(o)
	case "httproute":
		return "HTTPRoute", d.gatewayLeads(o)
	case "grpcroute":
		return "GRPCRoute", d.gatewayLeads(o)
	default:
		return "VirtualService", virtualLeads(o)
	}
}

// follow finds the Service that requests go to, or tells why there is none. Neither of both comes back where that cannot
// be known.
func (d *Deriver) follow(to *lead) (service *inventory.Object, lost string) {
	if to.lost != "" && !d.inMesh(to.service) {
		return nil, to.lost
	}
	if to.namespace == "" {
		return nil, ""
	}
	name := clip(to.namespace, maxName) + "/" + clip(to.service, maxName)
	service = d.inv.Get(inventory.Services, to.namespace, to.service)
	if service == nil {
		if !d.inv.Covers(inventory.Services, to.namespace) || to.mesh && d.inMesh(to.service+"."+to.namespace+".svc") {
			return nil, ""
		}
		return nil, fmt.Sprintf("there is no Service %s", name)
	}
	value, ok := service.Value.(*corev1.Service)
	if !ok || value.Spec.Type == corev1.ServiceTypeExternalName || to.port == 0 && to.portName == "" {
		return service, ""
	}
	for i := range value.Spec.Ports {
		if port := &value.Spec.Ports[i]; to.port != 0 && port.Port == to.port || to.portName != "" && port.Name == to.portName {
			return service, ""
		}
	}
	if to.portName != "" {
		return nil, fmt.Sprintf("Service %s has no port named %s", name, clip(to.portName, maxName))
	}
	return nil, fmt.Sprintf("Service %s has no port %d", name, to.port)
}

func compareWorkloadKeys(a, b workloadKey) int {
	return strings.Compare(a.namespace+"/"+a.kind+"/"+a.name, b.namespace+"/"+b.kind+"/"+b.name)
}

// unique sorts a list and leaves out repetitions and what says nothing, each text cut to what may be kept.
func unique(list []string) []string {
	var kept []string
	for _, text := range list {
		if text != "" {
			kept = append(kept, clip(text, maxText))
		}
	}
	slices.Sort(kept)
	return slices.Compact(kept)
}
