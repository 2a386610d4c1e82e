package inventory

import (
	"fmt"
	"maps"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/orrery-catalog/orrery/scanners/kubernetes/hosts"
)

// maxAnnotation is the length in bytes of the longest annotation that is kept. What is longer is no word of a person.
const maxAnnotation = 1 << 10

// Trim reduces an object, as an API server sends it or a manifest states it, to what is kept of its kind. It takes the
// object over: the result is the same one, in which much is gone, but for a ConfigMap, which becomes a [ConfigMap], and a
// ReplicationController, which becomes a ReplicaSet. A type that no kind has is an error. Trimmed objects may be trimmed again.
func Trim(object v1.Object) (v1.Object, error) {
	switch o := object.(type) {
	case *appsv1.Deployment:
		o.Spec.RevisionHistoryLimit = nil
		o.Status = appsv1.DeploymentStatus{ObservedGeneration: o.Status.ObservedGeneration, ReadyReplicas: o.Status.ReadyReplicas}
		trimTemplate(&o.Spec.Template)
	case *appsv1.StatefulSet:
		o.Spec.RevisionHistoryLimit, o.Spec.VolumeClaimTemplates = nil, nil
		o.Status = appsv1.StatefulSetStatus{ObservedGeneration: o.Status.ObservedGeneration, ReadyReplicas: o.Status.ReadyReplicas}
		trimTemplate(&o.Spec.Template)
	case *appsv1.DaemonSet:
		o.Spec.RevisionHistoryLimit = nil
		o.Status = appsv1.DaemonSetStatus{
			ObservedGeneration: o.Status.ObservedGeneration, NumberReady: o.Status.NumberReady,
			DesiredNumberScheduled: o.Status.DesiredNumberScheduled,
		}
		trimTemplate(&o.Spec.Template)
	case *appsv1.ReplicaSet:
		trimReplicaSet(o)
	case *corev1.ReplicationController:
		object = replicaSet(o)
	case *batchv1.Job:
		trimJob(o)
	case *batchv1.CronJob:
		o.Status = batchv1.CronJobStatus{}
		o.Spec.JobTemplate.ObjectMeta = v1.ObjectMeta{}
		o.Spec.JobTemplate.Spec.Selector = nil
		trimTemplate(&o.Spec.JobTemplate.Spec.Template)
	case *corev1.Pod:
		trimPod(o)
	case *corev1.Service:
		trimService(o)
	case *discoveryv1.EndpointSlice:
		trimSlice(o)
	case *corev1.ConfigMap:
		object = reduce(o)
	case *corev1.Namespace:
		o.Spec, o.Status.Conditions = corev1.NamespaceSpec{}, nil
		o.Labels = with(o.Labels, corev1.LabelMetadataName, o.Name) // as the API server has it
	case *corev1.Node:
		trimNode(o)
	case *networkingv1.Ingress:
		o.Status = networkingv1.IngressStatus{}
	case *autoscalingv2.HorizontalPodAutoscaler:
		o.Spec.Metrics, o.Spec.Behavior, o.Status = nil, nil, autoscalingv2.HorizontalPodAutoscalerStatus{}
	case *policyv1.PodDisruptionBudget:
		o.Status = policyv1.PodDisruptionBudgetStatus{}
	case *ConfigMap, *networkingv1.NetworkPolicy, *Gateway, *HTTPRoute, *VirtualService, *ServiceEntry, *DestinationRule, *IstioGateway,
		*Foreign:
	default:
		return nil, fmt.Errorf("an inventory holds no %T", object)
	}
	trimMeta(object)
	return object, nil
}

// trimMeta keeps of the metadata what tells an object apart, its labels and annotations, and its controller.
func trimMeta(object v1.Object) {
	if typed, ok := object.(runtime.Object); ok { // its Kind says it, whatever the version in which it came
		typed.GetObjectKind().SetGroupVersionKind(schema.GroupVersionKind{})
	}
	object.SetManagedFields(nil)
	object.SetFinalizers(nil)
	object.SetAnnotations(annotations(object.GetAnnotations()))
	var controllers []v1.OwnerReference
	if ref := v1.GetControllerOfNoCopy(object); ref != nil {
		is := true
		controllers = []v1.OwnerReference{{APIVersion: ref.APIVersion, Kind: ref.Kind, Name: ref.Name, UID: ref.UID, Controller: &is}}
	}
	object.SetOwnerReferences(controllers)
}

// annotations leaves out what tools keep for themselves.
func annotations(all map[string]string) map[string]string {
	maps.DeleteFunc(all, func(key, value string) bool {
		switch key {
		case corev1.LastAppliedConfigAnnotation, "deployment.kubernetes.io/revision", "kubectl.kubernetes.io/restartedAt":
			return true
		}
		return len(value) > maxAnnotation
	})
	if len(all) == 0 {
		return nil
	}
	return all
}

func with(labels map[string]string, key, value string) map[string]string {
	if labels == nil {
		labels = make(map[string]string)
	}
	labels[key] = value
	return labels
}

// trimReplicaSet keeps only the metadata of one that belongs to a Deployment: the Deployment has the rest.
func trimReplicaSet(o *appsv1.ReplicaSet) {
	if !makes(ReplicaSets, o) {
		o.Labels, o.Annotations = nil, nil
		o.Spec, o.Status = appsv1.ReplicaSetSpec{}, appsv1.ReplicaSetStatus{}
		return
	}
	o.Spec.Selector = nil
	o.Status = appsv1.ReplicaSetStatus{ObservedGeneration: o.Status.ObservedGeneration, ReadyReplicas: o.Status.ReadyReplicas}
	trimTemplate(&o.Spec.Template)
}

// replicaSet is what a ReplicationController is: it has another sort of selector only, which nobody needs.
func replicaSet(o *corev1.ReplicationController) *appsv1.ReplicaSet {
	set := &appsv1.ReplicaSet{ObjectMeta: o.ObjectMeta}
	set.Spec.Replicas = o.Spec.Replicas
	if o.Spec.Template != nil {
		set.Spec.Template = *o.Spec.Template
		trimTemplate(&set.Spec.Template)
	}
	set.Status = appsv1.ReplicaSetStatus{ObservedGeneration: o.Status.ObservedGeneration, ReadyReplicas: o.Status.ReadyReplicas}
	return set
}

// trimJob keeps only the metadata of one that belongs to a CronJob, and takes away the labels that the API server adds.
func trimJob(o *batchv1.Job) {
	o.Status = batchv1.JobStatus{}
	if !makes(Jobs, o) {
		o.Labels, o.Annotations, o.Spec = nil, nil, batchv1.JobSpec{}
		return
	}
	o.Spec.Selector = nil
	trimTemplate(&o.Spec.Template)
	for _, labels := range []map[string]string{o.Labels, o.Spec.Template.Labels} {
		maps.DeleteFunc(labels, func(key, _ string) bool { return generated(key) })
	}
}

// trimPod keeps of a pod with a controller where and how it is, since the controller has its template.
func trimPod(o *corev1.Pod) {
	status := corev1.PodStatus{Phase: o.Status.Phase, PodIP: o.Status.PodIP}
	for _, condition := range o.Status.Conditions {
		if condition.Type == corev1.PodReady {
			status.Conditions = []corev1.PodCondition{{Type: condition.Type, Status: condition.Status}}
		}
	}
	o.Status = status
	node := o.Spec.NodeName
	if makes(Pods, o) {
		trimSpec(&o.Spec)
	} else {
		o.Annotations = nil
		o.Spec = corev1.PodSpec{RestartPolicy: o.Spec.RestartPolicy}
	}
	o.Spec.NodeName = node
}

// makes says whether an object tells what a workload is.
func makes(kind Kind, value v1.Object) bool {
	return MakesWorkload(&Object{Key: Key{Kind: kind, Name: value.GetName()}, Value: value})
}

func trimService(o *corev1.Service) {
	// Somebody may call it by its address outside.
	o.Status = corev1.ServiceStatus{LoadBalancer: corev1.LoadBalancerStatus{Ingress: o.Status.LoadBalancer.Ingress}}
	for i := range o.Status.LoadBalancer.Ingress {
		o.Status.LoadBalancer.Ingress[i].Ports = nil
	}
	spec := corev1.ServiceSpec{
		Type: o.Spec.Type, Selector: o.Spec.Selector, Ports: o.Spec.Ports, ClusterIP: o.Spec.ClusterIP,
		ExternalName: o.Spec.ExternalName, PublishNotReadyAddresses: o.Spec.PublishNotReadyAddresses,
	}
	for i := range spec.Ports {
		spec.Ports[i].NodePort = 0
	}
	o.Spec = spec
}

// trimSlice keeps which pods there are, and the addresses of what is no pod.
func trimSlice(o *discoveryv1.EndpointSlice) {
	for i := range o.Endpoints {
		endpoint := &o.Endpoints[i]
		kept := discoveryv1.Endpoint{Conditions: endpoint.Conditions}
		if ref := endpoint.TargetRef; ref != nil {
			kept.TargetRef = &corev1.ObjectReference{Kind: ref.Kind, Namespace: ref.Namespace, Name: ref.Name}
		} else {
			kept.Addresses = endpoint.Addresses
		}
		*endpoint = kept
	}
}

// trimNode keeps the labels, which say in which zone it is, and whether it is ready.
func trimNode(o *corev1.Node) {
	var conditions []corev1.NodeCondition
	for _, condition := range o.Status.Conditions {
		if condition.Type == corev1.NodeReady {
			conditions = []corev1.NodeCondition{{Type: condition.Type, Status: condition.Status}}
		}
	}
	o.Spec = corev1.NodeSpec{Unschedulable: o.Spec.Unschedulable}
	o.Status = corev1.NodeStatus{Conditions: conditions}
}

// reduce finds the hosts in a ConfigMap. Its values are not kept.
func reduce(o *corev1.ConfigMap) *ConfigMap {
	reduced := &ConfigMap{ObjectMeta: o.ObjectMeta, Hosts: make(map[string][]hosts.Reference, len(o.Data))}
	for key, value := range o.Data {
		references := hosts.Extract(key, value)
		for i := range references {
			references[i].Host = strings.Clone(references[i].Host) // not the whole value with it
		}
		reduced.Hosts[strings.Clone(key)] = references
		if off := hosts.Off(key, value); len(off) > 0 {
			if reduced.Off == nil {
				reduced.Off = make(map[string][]string)
			}
			reduced.Off[strings.Clone(key)] = off
		}
	}
	return reduced
}
