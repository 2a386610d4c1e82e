package facts

import (
	"fmt"
	"strings"

	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// virtualLeads reads a VirtualService. Copies of requests that go elsewhere (mirrors) are no way to reach anything.
func virtualLeads(o *inventory.Object) []lead {
	virtual, ok := o.Value.(*inventory.VirtualService)
	if !ok {
		return nil
	}
	var hosts []string
	for _, host := range virtual.Spec.Hosts {
		if namespace, name, ok := meshService(o.Namespace, host); ok {
			host = name + "." + namespace + ".svc"
		}
		hosts = append(hosts, host)
	}
	var leads []lead
	add := func(destinations []inventory.VirtualDestination, paths []string) {
		for i := range destinations {
			// One destination alone needs no weight; of several, those without one get nothing.
			if destinations[i].Weight == 0 && len(destinations) > 1 {
				continue
			}
			if to, ok := virtualLead(o.Namespace, &destinations[i].Destination); ok {
				to.hosts, to.paths = hosts, paths
				leads = append(leads, to)
			}
		}
	}
	for i := range virtual.Spec.HTTP {
		rule := &virtual.Spec.HTTP[i]
		var paths []string
		for _, match := range rule.Match {
			for _, how := range []string{"exact", "prefix", "regex"} {
				if path := match.URI[how]; path != "" {
					paths = append(paths, path)
				}
			}
			if len(match.URI) == 0 {
				paths = append(paths, "/")
			}
		}
		if len(rule.Match) == 0 {
			paths = []string{"/"}
		}
		add(rule.Route, paths)
	}
	for _, rules := range [][]inventory.VirtualTCPRoute{virtual.Spec.TLS, virtual.Spec.TCP} {
		for i := range rules {
			add(rules[i].Route, nil)
		}
	}
	return leads
}

// virtualLead is where a destination leads; false = outside the cluster.
func virtualLead(namespace string, destination *inventory.Destination) (to lead, ok bool) {
	host := strings.ToLower(destination.Host)
	to.mesh = true
	if destination.Port != nil {
		to.port = destination.Port.Number
	}
	if to.namespace, to.service, ok = meshService(namespace, host); ok {
		return to, true
	}
	if name, in, found := strings.Cut(host, "."); found && !strings.Contains(in, ".") {
		// It looks like a name for DNS, which Istio does not ask.
		return lead{
			service: host, mesh: true,
			lost: fmt.Sprintf("Istio knows no host %s: if that is Service %s/%s, write %s.%s.svc.cluster.local", host, in, name, name, in),
		}, true
	}
	return lead{}, false
}

// meshService is the Service that Istio takes a host for: a name without dots is one of the namespace of the object that
// names it, any other must be a full one. The domain of the cluster may be any.
func meshService(namespace, host string) (in, name string, ok bool) {
	labels := strings.Split(strings.ToLower(host), ".")
	switch {
	case host == "" || labels[0] == "" || strings.HasPrefix(host, "*"):
		return "", "", false
	case len(labels) == 1:
		return namespace, labels[0], true
	case len(labels) > 2 && labels[2] == "svc":
		return labels[1], labels[0], true
	}
	return "", "", false
}

// inMesh says whether a ServiceEntry adds the host to the mesh. Hosts of Services are compared without the domain of the
// cluster.
func (d *Deriver) inMesh(host string) bool {
	for _, namespace := range d.inv.Namespaces() {
		for o := range d.inv.List(inventory.ServiceEntries, namespace) {
			entry, ok := o.Value.(*inventory.ServiceEntry)
			if !ok {
				continue
			}
			for _, added := range entry.Spec.Hosts {
				added = strings.ToLower(added)
				if labels := strings.Split(added, "."); len(labels) > 3 && labels[2] == "svc" {
					added = strings.Join(labels[:3], ".")
				}
				suffix, wild := strings.CutPrefix(added, "*")
				if added == host || wild && strings.HasSuffix(host, suffix) {
					return true
				}
			}
		}
	}
	return !d.inv.Covers(inventory.ServiceEntries, "")
}
