package facts

import (
	"cmp"

	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// gatewayLeads reads an HTTPRoute or a GRPCRoute. A backend of weight 0 gets nothing.
func (d *Deriver) gatewayLeads(o *inventory.Object) []lead {
	route, ok := o.Value.(*inventory.HTTPRoute)
	if !ok {
		return nil
	}
	hosts := d.gatewayHosts(o.Namespace, route)
	var leads []lead
	for i := range route.Spec.Rules {
		rule := &route.Spec.Rules[i]
		var paths []string
		for _, match := range rule.Matches {
			switch {
			case match.Path != nil:
				paths = append(paths, cmp.Or(match.Path.Value, "/"))
			case match.Method != nil:
				paths = append(paths, "/"+cmp.Or(match.Method.Service, "*")+"/"+cmp.Or(match.Method.Method, "*"))
			default:
				paths = append(paths, "/")
			}
		}
		if len(paths) == 0 {
			paths = []string{"/"}
		}
		for j := range rule.BackendRefs {
			backend := &rule.BackendRefs[j]
			if backend.Group != "" || backend.Kind != "" && backend.Kind != "Service" || backend.Weight != nil && *backend.Weight == 0 {
				continue
			}
			leads = append(leads, lead{
				namespace: cmp.Or(backend.Namespace, o.Namespace), service: backend.Name, port: backend.Port,
				hosts: hosts, paths: paths,
			})
		}
	}
	return leads
}

// gatewayHosts are those of a route, or where it has none those of what it is attached to: the listeners of its Gateways,
// or a Service of a mesh.
func (d *Deriver) gatewayHosts(namespace string, route *inventory.HTTPRoute) []string {
	hosts := route.Spec.Hostnames
	if len(hosts) > 0 {
		return hosts
	}
	for _, parent := range route.Spec.ParentRefs {
		in := cmp.Or(parent.Namespace, namespace)
		switch parent.Kind {
		case "Service":
			hosts = append(hosts, parent.Name+"."+in+".svc")
		case "", "Gateway":
			hosts = append(hosts, d.listenerHosts(in, parent.Name)...)
		}
	}
	if len(hosts) == 0 {
		return []string{"*"}
	}
	return hosts
}

func (d *Deriver) listenerHosts(namespace, name string) []string {
	o := d.inv.Get(inventory.Gateways, namespace, name)
	if o == nil {
		return nil
	}
	gateway, ok := o.Value.(*inventory.Gateway)
	if !ok {
		return nil
	}
	var hosts []string
	for _, listener := range gateway.Spec.Listeners {
		hosts = append(hosts, cmp.Or(listener.Hostname, "*"))
	}
	return hosts
}
