package edges

import (
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// mesh finds what the VirtualServices of the namespace lead to from gateways.
func (in *inference) mesh() []Inferred {
	var inferred []Inferred
	for o := range in.inv.List(inventory.VirtualServices, in.namespace) {
		value, ok := o.Value.(*inventory.VirtualService)
		if !ok {
			continue
		}
		in.rests = make(map[string]bool)
		found := Inferred{Scope: scope(in.namespace, "virtualservice", o.Name)}
		if document := in.virtualService(o, value); document != nil {
			found.Documents = []*catalog.Document{document}
		}
		found.Namespaces = slices.Sorted(maps.Keys(in.rests)) // also of what leads nowhere yet
		inferred = append(inferred, found)
	}
	return inferred
}

func (in *inference) virtualService(o *inventory.Object, value *inventory.VirtualService) *catalog.Document {
	document := &catalog.Document{
		ID:       catalog.DocumentID{Scope: scope(in.namespace, "virtualservice", o.Name), Key: "virtualservice:" + o.Namespace + "/" + o.Name},
		Location: o.Location,
	}
	sources := make(map[catalog.Alias][]*need)
	route := func(gateways []string, destination inventory.Destination) {
		for _, source := range in.gateways(o.Namespace, gateways) {
			for _, n := range in.destination(o, destination) {
				if n.target != source && !slices.ContainsFunc(sources[source], func(had *need) bool { return had.target == n.target }) {
					sources[source] = append(sources[source], n)
				}
			}
		}
	}
	for _, rule := range value.Spec.HTTP {
		gateways := value.Spec.Gateways
		for _, match := range rule.Match { // a rule may be for some of the gateways only
			if len(match.Gateways) > 0 {
				gateways = match.Gateways
			}
		}
		for _, to := range rule.Route {
			route(gateways, to.Destination)
		}
	}
	for _, rule := range slices.Concat(value.Spec.TLS, value.Spec.TCP) {
		for _, to := range rule.Route {
			route(value.Spec.Gateways, to.Destination)
		}
	}
	for _, source := range slices.Sorted(maps.Keys(sources)) {
		claim := catalog.Claim{Subject: catalog.Subject{Alias: source}, Line: o.Line("")}
		for _, n := range sources[source] {
			claim.Edges = append(claim.Edges, n.edge())
		}
		document.Claims = append(document.Claims, claim)
	}
	if len(document.Claims) == 0 {
		return nil
	}
	return document
}

// gateways are the workloads that Gateways select, or what stands for them where they are no part of the input.
func (in *inference) gateways(namespace string, names []string) []catalog.Alias {
	found := make(map[catalog.Alias]bool)
	for _, name := range names {
		if name == "mesh" {
			continue
		}
		of := namespace
		if before, after, ok := strings.Cut(name, "/"); ok {
			if of, name = before, after; of == "." {
				of = namespace
			}
		}
		o := in.inv.Get(inventory.IstioGateways, of, name)
		if o == nil {
			continue
		}
		gateway, ok := o.Value.(*inventory.IstioGateway)
		if !ok || len(gateway.Spec.Selector) == 0 {
			continue
		}
		selected := in.selectedAnywhere(gateway.Spec.Selector)
		for _, w := range selected {
			found[w.Alias] = true
		}
		if len(selected) > 0 {
			continue
		}
		value, ok := gateway.Spec.Selector["istio"]
		if !ok {
			value = gateway.Spec.Selector[slices.Sorted(maps.Keys(gateway.Spec.Selector))[0]]
		}
		if alias, err := catalog.ParseAlias("host:istio-" + value); err == nil {
			found[alias] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// selectedAnywhere are the workloads of all namespaces that a Gateway selects: Istio does not keep to one.
func (in *inference) selectedAnywhere(selector map[string]string) []*inventory.Workload {
	var all []*inventory.Workload
	for _, namespace := range in.inv.Namespaces() {
		selected := in.inv.Selected(namespace, labels.SelectorFromSet(selector))
		if len(selected) > 0 && namespace != in.namespace {
			in.rests[namespace] = true
		}
		all = append(all, selected...)
	}
	return all
}

// destination is what a route leads to: the workloads of a Service, or of that subset of them which it names.
func (in *inference) destination(o *inventory.Object, to inventory.Destination) []*need {
	a := in.resolve(o.Namespace, strings.ToLower(to.Host))
	if a.service == nil {
		return nil
	}
	workloads := in.behind(a.service)
	if to.Subset != "" {
		if subset, ok := in.subset(o.Namespace, a.service, to.Subset); ok {
			workloads = slices.DeleteFunc(slices.Clone(workloads), func(w *inventory.Workload) bool {
				return !labels.SelectorFromSet(subset).Matches(labels.Set(w.Template.Labels))
			})
		}
	}
	f := finding{answer: a}
	f.Protocol = "http"
	if to.Port != nil {
		f.Port = to.Port.Number
	}
	group := ""
	if len(workloads) > 1 {
		group = "service " + a.service.Namespace + "/" + a.service.Name
	}
	needs := make([]*need, 0, len(workloads))
	for _, w := range workloads {
		needs = append(needs, &need{
			target: w.Alias, workload: w, anyOf: group, protocol: in.protocol(&f), line: o.Line("spec"), port: f.Port,
		})
	}
	return needs
}

// subset are the labels that a DestinationRule gives to a subset: one beside the VirtualService, else one beside the Service.
func (in *inference) subset(namespace string, service *inventory.Object, name string) (map[string]string, bool) {
	for _, of := range slices.Compact([]string{namespace, service.Namespace}) {
		for o := range in.inv.List(inventory.DestinationRules, of) {
			rule, ok := o.Value.(*inventory.DestinationRule)
			if !ok {
				continue
			}
			if a := in.lookUp(of, strings.ToLower(rule.Spec.Host)); a.service == nil || a.service.Key != service.Key {
				continue
			}
			for _, subset := range rule.Spec.Subsets {
				if subset.Name == name {
					return subset.Labels, true
				}
			}
		}
	}
	return nil, false
}
