package edges

import (
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// ownHost says whether a public name is one by which an Ingress leads to the workload itself.
func (in *inference) ownHost(w *inventory.Workload, host string) bool {
	if in.fronts == nil {
		in.fronts = make(map[string][]string)
		for o := range in.inv.List(inventory.Ingresses, in.namespace) {
			value, ok := o.Value.(*networkingv1.Ingress)
			if !ok {
				continue
			}
			for _, rule := range value.Spec.Rules {
				if rule.HTTP == nil || rule.Host == "" {
					continue
				}
				for _, path := range rule.HTTP.Paths {
					if path.Backend.Service != nil {
						name := strings.ToLower(rule.Host)
						in.fronts[name] = append(in.fronts[name], o.Namespace+"/"+path.Backend.Service.Name)
					}
				}
			}
		}
	}
	own := in.own(w)
	return slices.ContainsFunc(in.fronts[host], func(service string) bool { return slices.Contains(own, service) })
}
