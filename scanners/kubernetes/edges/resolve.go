package edges

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/publicsuffix"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// answer is what a host stands for.
type answer struct {
	service  *inventory.Object // that answers; nil = none
	external string            // a host outside of the cluster
	// inside says that only a Service could answer, since the name is one of the cluster.
	inside bool
}

// maxHops is how many ExternalNames are followed.
const maxHops = 8

// resolve finds what answers for a host, as the cluster's DNS does for a pod of the namespace.
func (in *inference) resolve(namespace, host string) answer {
	for range maxHops {
		a := in.lookUp(namespace, host)
		if a.service == nil {
			return a
		}
		value, _ := a.service.Value.(*corev1.Service)
		if value == nil || value.Spec.Type != corev1.ServiceTypeExternalName {
			if outside := in.outside(a.service); outside != "" {
				return in.lookUp(a.service.Namespace, outside)
			}
			return a
		}
		host, namespace = strings.ToLower(strings.TrimSuffix(value.Spec.ExternalName, ".")), a.service.Namespace
		if host == "" {
			return answer{}
		}
	}
	return answer{} // they lead to each other
}

// outside is the host that the EndpointSlices of a Service without a selector lead to; "" = none.
func (in *inference) outside(service *inventory.Object) string {
	value, ok := service.Value.(*corev1.Service)
	if !ok || len(value.Spec.Selector) > 0 {
		return ""
	}
	for _, o := range in.inv.SlicesOf(service) {
		slice, ok := o.Value.(*discoveryv1.EndpointSlice)
		if !ok || slice.AddressType != discoveryv1.AddressTypeFQDN {
			continue
		}
		for _, endpoint := range slice.Endpoints {
			if len(endpoint.Addresses) > 0 {
				return strings.ToLower(strings.TrimSuffix(endpoint.Addresses[0], "."))
			}
		}
	}
	return ""
}

func (in *inference) lookUp(namespace, host string) answer {
	if _, err := netip.ParseAddr(host); err == nil {
		return answer{service: in.byAddress(host)}
	}
	labels := strings.Split(host, ".")
	if labels[0] == "kubernetes" && (len(labels) == 1 || labels[1] == metav1.NamespaceDefault) {
		return answer{} // the API server, which runs in front of the cluster
	}
	if at := slices.Index(labels, "svc"); at >= 2 {
		name, of := labels[at-2], labels[at-1]
		if service := in.service(of, name); service != nil && (at == 2 || at == 3 && headless(service)) {
			return answer{service: service}
		}
		if in.files && !in.hasNamespace(of) {
			in.rests[of] = true
			if service := in.service(metav1.NamespaceDefault, name); service != nil && (at == 2 || at == 3 && headless(service)) {
				return answer{service: service}
			}
		}
		return answer{inside: true}
	}
	switch len(labels) {
	case 1:
		service := in.service(namespace, host)
		if service == nil && in.files {
			service = in.unstated(namespace, host)
		}
		return answer{service: service, inside: true}
	case 2:
		if service := in.service(labels[1], labels[0]); service != nil {
			return answer{service: service}
		}
		if service := in.service(namespace, labels[1]); service != nil && headless(service) && in.pod(service, labels[0]) {
			return answer{service: service}
		}
	case 3:
		if service := in.service(labels[2], labels[1]); service != nil && headless(service) && in.pod(service, labels[0]) {
			return answer{service: service}
		}
	}
	if strings.HasSuffix(host, ".cluster.local") {
		return answer{inside: true}
	}
	if service := in.byAddress(host); service != nil {
		return answer{service: service}
	}
	if in.public(host) {
		return answer{external: host}
	}
	return answer{}
}

// service finds a Service and remembers that the edges rest on its namespace.
func (in *inference) service(namespace, name string) *inventory.Object {
	if namespace != in.namespace && in.hasNamespace(namespace) {
		in.rests[namespace] = true
	}
	return in.inv.Get(inventory.Services, namespace, name)
}

// unstated finds the one Service of a name across the namespace default and another. Files that state a namespace for some
// objects only, as charts with parts of others do, are applied to that namespace as a whole; those without one are told as
// of default, though they never are.
func (in *inference) unstated(namespace, name string) *inventory.Object {
	others := []string{metav1.NamespaceDefault}
	if namespace == metav1.NamespaceDefault {
		others = in.inv.Namespaces()
	}
	var found []*inventory.Object
	for _, other := range others {
		if o := in.service(other, name); o != nil && other != namespace {
			found = append(found, o)
		}
	}
	if len(found) != 1 {
		return nil
	}
	return found[0]
}

// hasNamespace says whether anything is known of a namespace. The names of others are not remembered: any two words with a
// dot look like one.
func (in *inference) hasNamespace(namespace string) bool {
	if in.namespaces == nil {
		in.namespaces = make(map[string]bool)
		for _, name := range in.inv.Namespaces() {
			in.namespaces[name] = true
		}
	}
	return in.namespaces[namespace]
}

func headless(service *inventory.Object) bool {
	value, ok := service.Value.(*corev1.Service)
	return ok && value.Spec.ClusterIP == corev1.ClusterIPNone
}

// pod says whether a name may be that of a pod behind a headless Service: one of a StatefulSet has a number.
func (in *inference) pod(service *inventory.Object, name string) bool {
	for _, w := range in.inv.Behind(service) {
		if number, ok := strings.CutPrefix(name, w.Name()+"-"); ok && w.Kind == "statefulset" {
			if _, err := strconv.ParseUint(number, 10, 31); err == nil {
				return true
			}
		}
		if w.Template.Spec.Hostname == name || w.Kind == "pod" && w.Name() == name {
			return true
		}
	}
	return false
}

// byAddress finds the Service with an address inside of the cluster or, given by a load balancer, outside.
func (in *inference) byAddress(address string) *inventory.Object {
	if in.addresses == nil {
		in.addresses = make(map[string]*inventory.Object)
		for _, namespace := range in.inv.Namespaces() {
			for o := range in.inv.List(inventory.Services, namespace) {
				value, ok := o.Value.(*corev1.Service)
				if !ok {
					continue
				}
				if value.Spec.ClusterIP != corev1.ClusterIPNone {
					in.addresses[value.Spec.ClusterIP] = o
				}
				for _, ingress := range value.Status.LoadBalancer.Ingress {
					in.addresses[ingress.IP], in.addresses[strings.ToLower(ingress.Hostname)] = o, o
				}
			}
		}
		delete(in.addresses, "")
	}
	o := in.addresses[address]
	if o != nil && o.Namespace != in.namespace {
		in.rests[o.Namespace] = true
	}
	return o
}

// public says whether a name is one of the internet, or one that a ServiceEntry adds to the mesh. Namespaces are called like
// the newer domains, too: orders.shop and redis.data are Services of namespaces that are not there, rather than the bare
// name of a company.
func (in *inference) public(host string) bool {
	suffix, icann := publicsuffix.PublicSuffix(host)
	labels := strings.Split(host, ".")
	last := labels[len(labels)-1]
	switch {
	case icann && (host == suffix || in.hasNamespace(last)):
	case icann && len(labels) == 2 && len(last) > 3 && last != "info":
	case icann && len(labels) == 3 && numbered(labels[0]) && strings.HasPrefix(labels[0], labels[1]):
	case icann || strings.Contains(suffix, "."):
		return true
	}
	for pattern := range in.stated() {
		if host == pattern || strings.HasPrefix(pattern, "*.") && strings.HasSuffix(host, pattern[1:]) {
			return true
		}
	}
	return false
}

// numbered says whether a name may be one of a pod of a StatefulSet.
func numbered(name string) bool {
	dash := strings.LastIndexByte(name, '-')
	return dash > 0 && strings.Trim(name[dash+1:], "0123456789") == ""
}

// stated are the hosts of ServiceEntries outside of the mesh.
func (in *inference) stated() map[string]bool {
	if in.entries == nil {
		in.entries = make(map[string]bool)
		for _, namespace := range in.inv.Namespaces() {
			for o := range in.inv.List(inventory.ServiceEntries, namespace) {
				entry, ok := o.Value.(*inventory.ServiceEntry)
				if !ok || entry.Spec.Location == "MESH_INTERNAL" {
					continue
				}
				for _, host := range entry.Spec.Hosts {
					in.entries[strings.ToLower(host)] = true
				}
			}
		}
	}
	return in.entries
}

// injected is the value of a variable that Kubernetes gives to every container: the host or port of a Service of the
// namespace. The host is given as the Service's name.
func (in *inference) injected(variable string) (value string, ok bool) {
	stem, host := strings.CutSuffix(variable, "_SERVICE_HOST")
	if !host {
		if stem, ok = strings.CutSuffix(variable, "_SERVICE_PORT"); !ok {
			return "", false
		}
	}
	if in.variables == nil {
		in.variables = make(map[string]*inventory.Object)
		for o := range in.inv.List(inventory.Services, in.namespace) {
			in.variables[strings.ToUpper(strings.ReplaceAll(o.Name, "-", "_"))] = o
		}
	}
	o := in.variables[stem]
	if o == nil {
		return "", false
	}
	service, ok := o.Value.(*corev1.Service)
	if host || !ok {
		return o.Name, ok
	}
	if len(service.Spec.Ports) == 0 {
		return "", false
	}
	return strconv.Itoa(int(service.Spec.Ports[0].Port)), true
}
