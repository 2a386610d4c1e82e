package edges

import (
	"strings"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// ownHost says whether a public name is one by which an Ingress of the namespace leads into it. Such a name is not outside; it
// is mostly told for browsers.
func (in *inference) ownHost(host string) bool {
	if in.fronts == nil {
		in.fronts = make(map[string]bool)
		for o := range in.inv.List(inventory.Ingresses, in.namespace) {
			value, ok := o.Value.(*networkingv1.Ingress)
			if !ok {
				continue
			}
			for _, rule := range value.Spec.Rules {
				in.fronts[strings.ToLower(rule.Host)] = true
			}
		}
		delete(in.fronts, "")
	}
	return in.fronts[host]
}
