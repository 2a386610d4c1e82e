package facts

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// service says which Service leads to a workload, to each of those behind it.
func (d *Deriver) service(s scope) result {
	take(d.named, s.namespace, s)
	o := d.inv.Get(inventory.Services, s.namespace, s.name)
	if o == nil {
		return result{}
	}
	value, ok := o.Value.(*corev1.Service)
	if !ok || value.Spec.Type == corev1.ServiceTypeExternalName {
		return result{}
	}
	slicesOf := d.inv.SlicesOf(o)
	if len(value.Spec.Selector) == 0 && len(slicesOf) > 0 {
		put(d.named, s.namespace, s)
	}
	var left cuts
	told := catalog.Service{
		Namespace: s.namespace, Name: s.name, Type: string(corev1.ServiceTypeClusterIP),
		Headless:        value.Spec.ClusterIP == corev1.ClusterIPNone,
		PublishNotReady: value.Spec.PublishNotReadyAddresses,
		Location:        o.Location, Line: o.Line(""),
	}
	if value.Spec.Type != "" {
		told.Type = clip(string(value.Spec.Type), maxWord)
	}
	for i := range keep(&left, value.Spec.Ports, maxPorts, "ports") {
		told.Ports = append(told.Ports, servicePort(&value.Spec.Ports[i]))
	}
	if d.live() {
		told.ReadyEndpoints = readyEndpoints(slicesOf)
	}
	behind := d.inv.Behind(o)
	result := result{loose: d.looseService(o, value, behind, told.ReadyEndpoints, slicesOf)}
	// A job often has the labels of what it is for, without being what anybody means by the Service.
	allJobs := !slices.ContainsFunc(behind, func(w *inventory.Workload) bool { return !isJob(w) })
	alias, err := catalog.ParseAlias(catalog.WorldDNS + ":" + s.name + "." + s.namespace + ".svc")
	for _, w := range keep(&left, behind, maxBehind, "workloads") {
		claims := []catalog.Claim{{Subject: catalog.Subject{Ref: w.Ref}, Line: told.Line, Facts: &catalog.Facts{Services: []catalog.Service{told}}}}
		if err == nil && (isJob(w) == allJobs) {
			claims = append(claims, catalog.Claim{
				Subject: catalog.Subject{Alias: w.Alias}, Line: told.Line,
				Aliases: []catalog.AliasClaim{{Alias: alias, Line: told.Line}},
			})
		}
		result.documents = append(result.documents, &catalog.Document{Ordinal: len(result.documents), Location: o.Location, Claims: claims})
	}
	result.tellCut(left, o)
	if len(behind) == 0 && !hasEndpoints(slicesOf) && len(value.Spec.Selector) > 0 {
		result.tellUnread(o, d.inv.MayMake(s.namespace, value.Spec.Selector), value.Spec.Selector)
	}
	return result
}

// tellUnread adds that what a Service selects may be pods that an operator makes of an object, and that nobody knows.
func (r *result) tellUnread(o *inventory.Object, by *inventory.Foreign, selector map[string]string) {
	if by == nil {
		return
	}
	r.documents = append(r.documents, &catalog.Document{Ordinal: len(r.documents), Location: o.Location, Problems: []catalog.Problem{{
		Location: o.Location, Line: o.Line("spec.selector"), Field: "spec.selector", Severity: catalog.Warning, Code: "service-selects-unread",
		Message: clip(fmt.Sprintf("no workload that is read has pods with the labels %s; an operator may make them of %s %s, whose kind is not known here",
			selectorText(selector), by.Kind, by.Name), 2*maxText),
		Fix: "nothing, if so; a running cluster shows the pods. Else correct the selector",
	}}})
}

// tellCut adds the problem of what was left out of what an object says.
func (r *result) tellCut(left cuts, o *inventory.Object) {
	if problems := left.problems(catalog.Problem{Location: o.Location, Line: o.Line("")}); len(problems) > 0 {
		r.documents = append(r.documents, &catalog.Document{Ordinal: len(r.documents), Location: o.Location, Problems: problems})
	}
}

func servicePort(p *corev1.ServicePort) catalog.ServicePort {
	told := catalog.ServicePort{
		Name: clip(p.Name, maxWord), Port: p.Port, Protocol: protocol(p.Protocol), Target: strconv.Itoa(int(p.Port)),
	}
	if p.TargetPort.Type == intstr.String && p.TargetPort.StrVal != "" || p.TargetPort.IntVal != 0 {
		told.Target = portOf(p.TargetPort)
	}
	if p.AppProtocol != nil {
		told.AppProtocol = clip(*p.AppProtocol, maxWord)
	}
	return told
}

// readyEndpoints counts what a Service leads to now; nil = nobody has looked yet, or it cannot be read. An endpoint that
// stands in several slices, of several ports or families of addresses, counts once.
func readyEndpoints(slicesOf []*inventory.Object) *int32 {
	if len(slicesOf) == 0 {
		return nil
	}
	byFamily := make(map[discoveryv1.AddressType]map[string]bool)
	for _, o := range slicesOf {
		slice, ok := o.Value.(*discoveryv1.EndpointSlice)
		if !ok {
			continue
		}
		for i := range slice.Endpoints {
			endpoint := &slice.Endpoints[i]
			if ready := endpoint.Conditions.Ready; ready != nil && !*ready {
				continue
			}
			put(byFamily, slice.AddressType, endpointName(endpoint))
		}
	}
	most := 0
	for _, names := range byFamily {
		most = max(most, len(names))
	}
	count := int32(most)
	return &count
}

func endpointName(endpoint *discoveryv1.Endpoint) string {
	if ref := endpoint.TargetRef; ref != nil {
		return ref.Kind + "/" + ref.Namespace + "/" + ref.Name
	}
	if len(endpoint.Addresses) > 0 {
		return endpoint.Addresses[0]
	}
	return ""
}

// looseService tells where a Service leads to nothing.
func (d *Deriver) looseService(o *inventory.Object, value *corev1.Service, behind []*inventory.Workload, ready *int32,
	slicesOf []*inventory.Object,
) (loose []catalog.LooseEnd) {
	if len(value.Spec.Selector) == 0 { // whoever wrote it takes care of its endpoints
		return nil
	}
	switch {
	case len(behind) == 0 && !hasEndpoints(slicesOf):
		if d.coversWorkloads(o.Namespace) && d.inv.MayMake(o.Namespace, value.Spec.Selector) == nil {
			loose = append(loose, looseEnd(o, "Service", "service-selects-nothing", "spec.selector",
				fmt.Sprintf("no workload of namespace %s has pods with the labels %s", o.Namespace, selectorText(value.Spec.Selector))))
		}
	case ready != nil && *ready == 0 && slices.ContainsFunc(behind, meantToRun):
		loose = append(loose, looseEnd(o, "Service", "service-without-endpoints", "",
			"no pod behind it is ready: "+some(namesOf(behind))))
	}
	if missing := missingPorts(value, behind); len(missing) > 0 {
		loose = append(loose, looseEnd(o, "Service", "service-port-unresolved", "spec.ports",
			fmt.Sprintf("no container of %s has a port named %s", some(namesOf(behind)), some(missing))))
	}
	return loose
}

func hasEndpoints(slicesOf []*inventory.Object) bool {
	return slices.ContainsFunc(slicesOf, func(o *inventory.Object) bool {
		slice, ok := o.Value.(*discoveryv1.EndpointSlice)
		return ok && len(slice.Endpoints) > 0
	})
}

// meantToRun says whether a workload should have pods at any time: jobs end, and what is scaled to nothing rests.
func meantToRun(w *inventory.Workload) bool {
	return !isJob(w) && (w.Wanted == nil || *w.Wanted > 0)
}

func isJob(w *inventory.Workload) bool { return w.Kind == "job" || w.Kind == "cronjob" }

// missingPorts are the names of targets that no container behind a Service has as the name of a port.
func missingPorts(value *corev1.Service, behind []*inventory.Workload) []string {
	if len(behind) == 0 {
		return nil
	}
	type namedPort struct{ name, protocol string }
	var named map[namedPort]bool
	var missing []string
	for i := range value.Spec.Ports {
		port := &value.Spec.Ports[i]
		if port.TargetPort.Type != intstr.String || port.TargetPort.StrVal == "" {
			continue
		}
		if named == nil {
			named = make(map[namedPort]bool)
			for _, w := range behind {
				for c := range staying(&w.Template.Spec) {
					for _, p := range c.Ports {
						named[namedPort{p.Name, protocol(p.Protocol)}] = true
					}
				}
			}
		}
		if name := port.TargetPort.StrVal; !named[namedPort{name, protocol(port.Protocol)}] {
			missing = append(missing, clip(name, maxName))
		}
	}
	slices.Sort(missing)
	return slices.Compact(missing)
}

func namesOf(workloads []*inventory.Workload) []string {
	names := make([]string, len(workloads))
	for i, w := range workloads {
		names[i] = w.Kind + " " + w.Name()
	}
	return names
}

func selectorText(selector map[string]string) string {
	pairs := make([]string, 0, len(selector))
	for _, key := range sortedKeys(selector) {
		pairs = append(pairs, key+"="+selector[key])
	}
	return clip(strings.Join(pairs, ","), maxText)
}
