package facts

import (
	"cmp"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// ingressLeads reads an Ingress. What no rule takes, and what a rule without paths takes, goes to the default backend.
func ingressLeads(o *inventory.Object) []lead {
	ingress, ok := o.Value.(*networkingv1.Ingress)
	if !ok {
		return nil
	}
	var leads []lead
	to := func(backend *networkingv1.IngressBackend, host, path string) {
		if backend == nil || backend.Service == nil { // a resource of the controller's own, such as a bucket
			return
		}
		leads = append(leads, lead{
			namespace: o.Namespace, service: backend.Service.Name, port: backend.Service.Port.Number,
			portName: backend.Service.Port.Name, hosts: []string{cmp.Or(host, "*")}, paths: []string{cmp.Or(path, "/")},
		})
	}
	to(ingress.Spec.DefaultBackend, "", "")
	for _, rule := range ingress.Spec.Rules {
		if rule.HTTP == nil || len(rule.HTTP.Paths) == 0 {
			to(ingress.Spec.DefaultBackend, rule.Host, "")
			continue
		}
		for i := range rule.HTTP.Paths {
			path := &rule.HTTP.Paths[i]
			to(&path.Backend, rule.Host, path.Path)
		}
	}
	return leads
}
