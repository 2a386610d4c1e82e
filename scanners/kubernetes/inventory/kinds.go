package inventory

import (
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Resource is how the API server names a [Kind].
type Resource struct {
	Kind Kind
	// Group of the API, "" for the core, and its Versions whose fields agree for what is kept, the present one first.
	Group    string
	Versions []string
	Plural   string // in paths of the API and rules of RBAC
	Singular string // the kind in manifests, for example Deployment
	Cluster  bool   // its objects have no namespace
	// New makes an empty object as the API server sends it; nil for kinds that come as [unstructured.Unstructured] and go
	// through [FromUnstructured].
	New func() v1.Object
}

// Resources lists what an inventory takes, in an order in which what comes later belongs to what came before.
func Resources() []Resource {
	return []Resource{
		{Kind: Namespaces, Versions: v("v1"), Singular: "Namespace", Cluster: true, New: empty[corev1.Namespace]},
		{Kind: Nodes, Versions: v("v1"), Singular: "Node", Cluster: true, New: empty[corev1.Node]},
		{Kind: Deployments, Group: "apps", Versions: v("v1"), Singular: "Deployment", New: empty[appsv1.Deployment]},
		{Kind: StatefulSets, Group: "apps", Versions: v("v1"), Singular: "StatefulSet", New: empty[appsv1.StatefulSet]},
		{Kind: DaemonSets, Group: "apps", Versions: v("v1"), Singular: "DaemonSet", New: empty[appsv1.DaemonSet]},
		{Kind: ReplicaSets, Group: "apps", Versions: v("v1"), Singular: "ReplicaSet", New: empty[appsv1.ReplicaSet]},
		{
			Kind: ReplicationControllers, Versions: v("v1"), Singular: "ReplicationController",
			New: empty[corev1.ReplicationController],
		},
		{Kind: CronJobs, Group: "batch", Versions: v("v1"), Singular: "CronJob", New: empty[batchv1.CronJob]},
		{Kind: Jobs, Group: "batch", Versions: v("v1"), Singular: "Job", New: empty[batchv1.Job]},
		{Kind: Pods, Versions: v("v1"), Singular: "Pod", New: empty[corev1.Pod]},
		{Kind: Services, Versions: v("v1"), Singular: "Service", New: empty[corev1.Service]},
		{Kind: EndpointSlices, Group: "discovery.k8s.io", Versions: v("v1"), Singular: "EndpointSlice", New: empty[discoveryv1.EndpointSlice]},
		{Kind: ConfigMaps, Versions: v("v1"), Singular: "ConfigMap", New: empty[corev1.ConfigMap]},
		{Kind: Ingresses, Group: "networking.k8s.io", Versions: v("v1"), Singular: "Ingress", New: empty[networkingv1.Ingress]},
		{Kind: NetworkPolicies, Group: "networking.k8s.io", Versions: v("v1"), Singular: "NetworkPolicy", New: empty[networkingv1.NetworkPolicy]},
		{
			Kind: HorizontalPodAutoscalers, Group: "autoscaling", Versions: v("v2"), Singular: "HorizontalPodAutoscaler",
			New: empty[autoscalingv2.HorizontalPodAutoscaler],
		},
		{Kind: PodDisruptionBudgets, Group: "policy", Versions: v("v1"), Singular: "PodDisruptionBudget", New: empty[policyv1.PodDisruptionBudget]},
		{Kind: Gateways, Group: gatewayGroup, Versions: v("v1", "v1beta1"), Singular: "Gateway"},
		{Kind: HTTPRoutes, Group: gatewayGroup, Versions: v("v1", "v1beta1"), Singular: "HTTPRoute"},
		{Kind: GRPCRoutes, Group: gatewayGroup, Versions: v("v1", "v1alpha2"), Singular: "GRPCRoute"},
		{Kind: VirtualServices, Group: istioGroup, Versions: v("v1", "v1beta1", "v1alpha3"), Singular: "VirtualService"},
		{Kind: ServiceEntries, Group: istioGroup, Versions: v("v1", "v1beta1", "v1alpha3"), Singular: "ServiceEntry"},
		{Kind: DestinationRules, Group: istioGroup, Versions: v("v1", "v1beta1", "v1alpha3"), Singular: "DestinationRule"},
		{Kind: IstioGateways, Group: istioGroup, Versions: v("v1", "v1beta1", "v1alpha3"), Plural: "gateways", Singular: "Gateway"},
	}
}

// Kinds are all that an inventory holds, whether Listed or not.
func Kinds() []Kind {
	var kinds []Kind
	for _, r := range Resources() {
		kinds = append(kinds, r.Kind)
	}
	return append(kinds, Controllers, Operated)
}

const (
	gatewayGroup = "gateway.networking.k8s.io"
	istioGroup   = "networking.istio.io"
)

func v(versions ...string) []string { return versions }

// empty makes an object of a type whose pointer is one.
func empty[T any, P interface {
	*T
	v1.Object
}]() v1.Object {
	return P(new(T))
}

// Path is the resource's name in paths of the API and in rules of RBAC.
func (r *Resource) Path() string {
	if r.Plural != "" {
		return r.Plural
	}
	return string(r.Kind)
}

// GroupVersionResource names the resource in one of its Versions.
func (r *Resource) GroupVersionResource(version string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: r.Group, Version: version, Resource: r.Path()}
}

// ResourceOf describes a kind; nil = there is no such kind.
func ResourceOf(kind Kind) *Resource {
	all := Resources()
	i := slices.IndexFunc(all, func(r Resource) bool { return r.Kind == kind })
	if i < 0 {
		return nil
	}
	return &all[i]
}
