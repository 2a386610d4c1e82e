package manifests

import (
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// lacks names a field without which no API server takes an object, or "": what lacks one is a part of an object, which
// Kustomize or another tool puts into the whole. selector says whether the manifest states one.
func lacks(apiVersion string, object v1.Object, selector bool) string {
	switch o := object.(type) {
	case *appsv1.Deployment:
		return ofController(apiVersion, selector, &o.Spec.Template)
	case *appsv1.StatefulSet:
		return ofController(apiVersion, selector, &o.Spec.Template)
	case *appsv1.DaemonSet:
		return ofController(apiVersion, selector, &o.Spec.Template)
	case *appsv1.ReplicaSet:
		if inventory.MakesWorkload(&inventory.Object{Key: inventory.Key{Kind: inventory.ReplicaSets}, Value: o}) {
			return ofController(apiVersion, selector, &o.Spec.Template)
		}
	case *batchv1.Job:
		if inventory.MakesWorkload(&inventory.Object{Key: inventory.Key{Kind: inventory.Jobs}, Value: o}) {
			return ofPods("spec.template.spec.", &o.Spec.Template.Spec)
		}
	case *batchv1.CronJob:
		return ofPods("spec.jobTemplate.spec.template.spec.", &o.Spec.JobTemplate.Spec.Template.Spec)
	case *corev1.Pod:
		if inventory.MakesWorkload(&inventory.Object{Key: inventory.Key{Kind: inventory.Pods}, Value: o}) {
			return ofPods("spec.", &o.Spec)
		}
	case *corev1.Service:
		if len(o.Spec.Ports) == 0 && o.Spec.ClusterIP != corev1.ClusterIPNone && o.Spec.Type != corev1.ServiceTypeExternalName {
			return "spec.ports"
		}
	case *networkingv1.Ingress:
		if len(o.Spec.Rules) == 0 && o.Spec.DefaultBackend == nil {
			return "spec.rules"
		}
	case *autoscalingv2.HorizontalPodAutoscaler:
		if o.Spec.ScaleTargetRef.Name == "" || o.Spec.ScaleTargetRef.Kind == "" {
			return "spec.scaleTargetRef"
		}
		if o.Spec.MaxReplicas == 0 {
			return "spec.maxReplicas"
		}
	}
	return ""
}

func ofController(apiVersion string, selector bool, template *corev1.PodTemplateSpec) string {
	if selects(apiVersion) && !selector {
		return "spec.selector"
	}
	return ofPods("spec.template.spec.", &template.Spec)
}

func ofPods(path string, pod *corev1.PodSpec) string {
	if len(pod.Containers) == 0 {
		return path + "containers"
	}
	for _, container := range pod.Containers {
		if container.Name == "" {
			return path + "containers.name"
		}
		if container.Image == "" {
			return path + "containers.image"
		}
	}
	return ""
}
