package inventory

import "k8s.io/apimachinery/pkg/apis/meta/v1"

// Kind names a kind of objects as its API does: in the plural, in lower case.
type Kind string

// The kinds that an inventory holds, with the type of [Object.Value].
const (
	Deployments              Kind = "deployments"              // *appsv1.Deployment
	StatefulSets             Kind = "statefulsets"             // *appsv1.StatefulSet
	DaemonSets               Kind = "daemonsets"               // *appsv1.DaemonSet
	ReplicaSets              Kind = "replicasets"              // *appsv1.ReplicaSet, of which the metadata is kept
	ReplicationControllers   Kind = "replicationcontrollers"   // *appsv1.ReplicaSet, which has all that is needed of both
	Controllers              Kind = "controllers"              // *appsv1.ReplicaSet: of a kind of which pods alone are known; see Listed
	Operated                 Kind = "operated"                 // *Foreign, of which an operator may make pods; see Listed
	CronJobs                 Kind = "cronjobs"                 // *batchv1.CronJob
	Jobs                     Kind = "jobs"                     // *batchv1.Job
	Pods                     Kind = "pods"                     // *corev1.Pod; the template of one with a controller is not kept
	Services                 Kind = "services"                 // *corev1.Service
	EndpointSlices           Kind = "endpointslices"           // *discoveryv1.EndpointSlice
	ConfigMaps               Kind = "configmaps"               // *ConfigMap
	Namespaces               Kind = "namespaces"               // *corev1.Namespace
	Nodes                    Kind = "nodes"                    // *corev1.Node
	Ingresses                Kind = "ingresses"                // *networkingv1.Ingress
	NetworkPolicies          Kind = "networkpolicies"          // *networkingv1.NetworkPolicy
	HorizontalPodAutoscalers Kind = "horizontalpodautoscalers" // *autoscalingv2.HorizontalPodAutoscaler
	PodDisruptionBudgets     Kind = "poddisruptionbudgets"     // *policyv1.PodDisruptionBudget
	Gateways                 Kind = "gateways"                 // *Gateway: of the Gateway API
	HTTPRoutes               Kind = "httproutes"               // *HTTPRoute
	GRPCRoutes               Kind = "grpcroutes"               // *HTTPRoute, which has all that is needed of both
	VirtualServices          Kind = "virtualservices"          // *VirtualService: of Istio, like the rest
	ServiceEntries           Kind = "serviceentries"           // *ServiceEntry
	DestinationRules         Kind = "destinationrules"         // *DestinationRule
	IstioGateways            Kind = "istiogateways"            // *IstioGateway
)

// Listed says whether an API server is asked for the objects of a kind. Controllers and Operated have objects of all kinds
// that [Resources] does not name; manifests alone tell of them, since in a cluster there are their pods.
func (k Kind) Listed() bool { return k != Controllers && k != Operated }

// Key tells the objects of a cluster apart.
type Key struct {
	Kind      Kind
	Namespace string // "" for nodes and namespaces
	Name      string
}

// Object is one object, with what it says and where.
type Object struct {
	Key
	// Location is a path or URL that a person can open; for a live cluster "<cluster>/<kind>/<namespace>/<name>".
	Location string
	// Lines gives the line of a field, by its path as in "spec.template.spec.containers[0].env[2]", or of the nearest one
	// around it; nil for a live cluster.
	Lines Lines
	Value v1.Object // of the type that its Kind names; nobody changes it once it is in an inventory
}

// Line is that of a field, 1-based; 0 = the object has no lines.
func (o *Object) Line(field string) int32 {
	if o.Lines == nil {
		return 0
	}
	return o.Lines.Line(field)
}

// Lines finds lines of a manifest.
type Lines interface {
	// Line is that of a field, or of the nearest one around it, 1-based; "" is the object itself.
	Line(field string) int32
}
