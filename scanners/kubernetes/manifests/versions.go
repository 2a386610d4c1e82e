package manifests

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	networkingv1beta1 "k8s.io/api/networking/v1beta1"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/json"

	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// form is how a manifest of an API version is read.
type form struct {
	resource inventory.Resource
	// decode reads JSON of a version that is no longer served; nil = its fields are the present ones.
	decode func(data []byte) (v1.Object, error)
}

// forms finds what is read, by kind and API version as a manifest states them.
type forms map[string]map[string]form

// allForms are those of the versions that API servers serve, and of former ones that files still state.
func allForms() forms {
	all := make(forms)
	for _, resource := range inventory.Resources() {
		var versions []string
		for _, version := range resource.Versions {
			if resource.Group != "" {
				version = resource.Group + "/" + version
			}
			versions = append(versions, version)
		}
		all.add(form{resource: resource}, append(versions, former(resource.Kind)...)...)
	}
	ingress := form{resource: *inventory.ResourceOf(inventory.Ingresses), decode: formerIngress}
	all.add(ingress, "networking.k8s.io/v1beta1", "extensions/v1beta1")
	slice := form{resource: *inventory.ResourceOf(inventory.EndpointSlices), decode: endpoints}
	slice.resource.Singular = "Endpoints"
	all.add(slice, "v1")
	return all
}

func (f forms) add(one form, versions ...string) {
	kind := one.resource.Singular
	if f[kind] == nil {
		f[kind] = make(map[string]form)
	}
	for _, version := range versions {
		f[kind][version] = one
	}
}

// find is the form of a manifest. Where the kind is known in the group, but not in that version, instead names one in which it
// is.
func (f forms) find(apiVersion, kind string) (found form, known bool, instead string) {
	if found, ok := f[kind][apiVersion]; ok {
		return found, true, ""
	}
	group, _, grouped := strings.Cut(apiVersion, "/")
	for _, form := range f[kind] {
		if grouped && form.resource.Group == group {
			return form, false, group + "/" + form.resource.Versions[0]
		}
	}
	return form{}, false, ""
}

// former are API versions of a kind that are no longer served, and whose fields, as far as they are kept, are the present ones.
func former(kind inventory.Kind) []string {
	switch kind {
	case inventory.Deployments:
		return []string{"apps/v1beta1", "apps/v1beta2", "extensions/v1beta1"}
	case inventory.StatefulSets:
		return []string{"apps/v1beta1", "apps/v1beta2"}
	case inventory.DaemonSets, inventory.ReplicaSets:
		return []string{"apps/v1beta2", "extensions/v1beta1"}
	case inventory.NetworkPolicies:
		return []string{"extensions/v1beta1"}
	case inventory.CronJobs:
		return []string{"batch/v1beta1", "batch/v2alpha1"}
	case inventory.HorizontalPodAutoscalers:
		return []string{"autoscaling/v1", "autoscaling/v2beta1", "autoscaling/v2beta2"}
	case inventory.PodDisruptionBudgets:
		return []string{"policy/v1beta1"}
	case inventory.EndpointSlices:
		return []string{"discovery.k8s.io/v1beta1"}
	case inventory.HTTPRoutes, inventory.Gateways:
		return []string{"gateway.networking.k8s.io/v1alpha2"}
	case inventory.GRPCRoutes:
		return []string{"gateway.networking.k8s.io/v1beta1"}
	}
	return nil
}

// selects says whether an API version demands that a controller states its selector.
func selects(apiVersion string) bool { return apiVersion == "apps/v1" || apiVersion == "apps/v1beta2" }

// formerIngress reads an Ingress of the time when a backend was a name and a port side by side.
func formerIngress(data []byte) (v1.Object, error) {
	var old networkingv1beta1.Ingress
	if err := json.Unmarshal(data, &old); err != nil {
		return nil, err
	}
	ingress := &networkingv1.Ingress{ObjectMeta: old.ObjectMeta}
	ingress.Spec.IngressClassName = old.Spec.IngressClassName
	for _, tls := range old.Spec.TLS {
		ingress.Spec.TLS = append(ingress.Spec.TLS, networkingv1.IngressTLS{Hosts: tls.Hosts, SecretName: tls.SecretName})
	}
	if old.Spec.Backend != nil {
		backend := formerBackend(*old.Spec.Backend)
		ingress.Spec.DefaultBackend = &backend
	}
	for _, rule := range old.Spec.Rules {
		now := networkingv1.IngressRule{Host: rule.Host}
		if rule.HTTP != nil {
			now.HTTP = new(networkingv1.HTTPIngressRuleValue)
			for _, path := range rule.HTTP.Paths {
				now.HTTP.Paths = append(now.HTTP.Paths, networkingv1.HTTPIngressPath{
					Path: path.Path, PathType: (*networkingv1.PathType)(path.PathType), Backend: formerBackend(path.Backend),
				})
			}
		}
		ingress.Spec.Rules = append(ingress.Spec.Rules, now)
	}
	return inventory.Trim(ingress)
}

func formerBackend(old networkingv1beta1.IngressBackend) networkingv1.IngressBackend {
	if old.ServiceName == "" {
		return networkingv1.IngressBackend{Resource: old.Resource}
	}
	return networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{
		Name: old.ServiceName,
		Port: networkingv1.ServiceBackendPort{Name: old.ServicePort.StrVal, Number: old.ServicePort.IntVal},
	}}
}

// endpoints reads Endpoints as the EndpointSlice that a controller would make of them.
func endpoints(data []byte) (v1.Object, error) {
	var old corev1.Endpoints //nolint:staticcheck // files still state it
	if err := json.Unmarshal(data, &old); err != nil {
		return nil, err
	}
	slice := &discoveryv1.EndpointSlice{ObjectMeta: old.ObjectMeta, AddressType: discoveryv1.AddressTypeIPv4}
	if slice.Labels == nil {
		slice.Labels = make(map[string]string)
	}
	slice.Labels[discoveryv1.LabelServiceName] = old.Name
	for _, subset := range old.Subsets {
		for _, address := range subset.Addresses {
			slice.Endpoints = append(slice.Endpoints, discoveryv1.Endpoint{
				Addresses: []string{address.IP}, TargetRef: address.TargetRef,
			})
		}
		for _, port := range subset.Ports {
			slice.Ports = append(slice.Ports, discoveryv1.EndpointPort{Name: &port.Name, Port: &port.Port, Protocol: &port.Protocol})
		}
	}
	return inventory.Trim(slice)
}
