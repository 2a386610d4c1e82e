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
	ways, lost := d.ways(leads, &r)
	routes := make(map[workloadKey]*catalog.Route)
	behind := make(map[workloadKey]*inventory.Workload)
	for _, way := range ways {
		for _, w := range d.inv.Behind(way.service) {
			key := keyOf(w)
			told := routes[key]
			if told == nil {
				told = &catalog.Route{Kind: kind, Namespace: s.namespace, Name: s.name, Location: o.Location, Line: o.Line("")}
				routes[key], behind[key] = told, w
			}
			told.Hosts = append(told.Hosts, way.hosts...)
			told.Paths = append(told.Paths, way.paths...)
			told.Services = append(told.Services, way.service.Namespace+"/"+way.service.Name)
		}
	}
	var left cuts
	keys := slices.SortedFunc(maps.Keys(routes), compareWorkloadKeys)
	for _, key := range keep(&left, keys, maxBehind, "workloads") {
		told := routes[key]
		told.Hosts = keep(&left, unique(told.Hosts, maxName), maxRouted, "hosts")
		told.Paths = keep(&left, unique(told.Paths, maxName), maxRouted, "paths")
		told.Services = keep(&left, unique(told.Services, 2*maxName+1), maxRouted, "Services")
		r.documents = append(r.documents, &catalog.Document{
			Ordinal: len(r.documents), Location: o.Location,
			Claims: []catalog.Claim{{
				Subject: catalog.Subject{Ref: behind[key].Ref}, Line: told.Line, Facts: &catalog.Facts{Routes: []catalog.Route{*told}},
			}},
		})
	}
	slices.Sort(left)
	r.tellCut(slices.Compact(left), o)
	if len(lost) > 0 {
		r.loose = []catalog.LooseEnd{looseEnd(o, kind, "route-to-nowhere", "spec", some(lost))}
	}
	return r
}

// way is a Service that a route leads to, with what leads there.
type way struct {
	service      *inventory.Object
	hosts, paths []string // sorted
}

// ways follows what a route says, to each Service once, and tells what is lost. The result rests on the namespaces that
// are named.
func (d *Deriver) ways(leads []lead, r *result) (ways []*way, lost []string) {
	type end struct {
		namespace, service string
		port               int32
		portName           string
	}
	ends := make(map[end]*way)
	reached := make(map[inventory.Key]*way)
	for i := range leads {
		to := &leads[i]
		at := end{to.namespace, to.service, to.port, to.portName}
		found, known := ends[at]
		if !known {
			if to.namespace != "" {
				r.rests = append(r.rests, to.namespace)
			}
			service, reason := d.follow(to)
			switch {
			case reason != "":
				lost = append(lost, reason)
			case service != nil && reached[service.Key] == nil:
				found = &way{service: service}
				reached[service.Key] = found
				ways = append(ways, found)
			case service != nil:
				found = reached[service.Key]
			}
			ends[at] = found
		}
		if found != nil {
			found.hosts, found.paths = append(found.hosts, to.hosts...), append(found.paths, to.paths...)
		}
	}
	for _, found := range ways {
		found.hosts, found.paths = unique(found.hosts, maxName), unique(found.paths, maxName)
	}
	slices.Sort(r.rests)
	r.rests = slices.Compact(r.rests)
	return ways, unique(lost, maxText)
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
func unique(list []string, most int) []string {
	var kept []string
	for _, text := range list {
		if text != "" {
			kept = append(kept, clip(text, most))
		}
	}
	slices.Sort(kept)
	return slices.Compact(kept)
}
