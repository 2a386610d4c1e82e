package inventory_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// oracle answers what an inventory answers by looking at every object each time.
type oracle map[inventory.Key]*inventory.Object

func (o oracle) in(namespace string, kinds ...inventory.Kind) []*inventory.Object {
	var found []*inventory.Object
	for key, object := range o {
		if key.Namespace == namespace && slices.Contains(kinds, key.Kind) {
			found = append(found, object)
		}
	}
	slices.SortFunc(found, func(a, b *inventory.Object) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
	})
	return found
}

func (o oracle) namespaces() []string {
	found := make(map[string]bool)
	for key := range o {
		found[key.Namespace] = true
	}
	delete(found, "")
	return slices.Sorted(maps.Keys(found))
}

// owner is the workload, as kind/name, that an object is or belongs to; "" = none.
func (o oracle) owner(object *inventory.Object) string {
	var up *struct{ kind, name, uid string }
	for _, ref := range object.Value.GetOwnerReferences() {
		if ref.Controller != nil && *ref.Controller && ref.Kind != "Node" {
			up = &struct{ kind, name, uid string }{ref.Kind, ref.Name, string(ref.UID)}
		}
	}
	native := map[inventory.Kind]map[string]inventory.Kind{
		inventory.ReplicaSets: {"Deployment": inventory.Deployments},
		inventory.Jobs:        {"CronJob": inventory.CronJobs},
		inventory.Pods: {
			"ReplicaSet": inventory.ReplicaSets, "StatefulSet": inventory.StatefulSets, "DaemonSet": inventory.DaemonSets,
			"Job": inventory.Jobs,
		},
	}
	switch object.Kind {
	case inventory.Deployments:
		return "deployment/" + object.Name
	case inventory.StatefulSets:
		return "statefulset/" + object.Name
	case inventory.DaemonSets:
		return "daemonset/" + object.Name
	case inventory.CronJobs:
		return "cronjob/" + object.Name
	case inventory.ReplicaSets, inventory.Jobs, inventory.Pods:
	default:
		return ""
	}
	if up == nil {
		return map[inventory.Kind]string{
			inventory.ReplicaSets: "deployment/", inventory.Jobs: "job/", inventory.Pods: "pod/",
		}[object.Kind] + object.Name
	}
	kind, known := native[object.Kind][up.kind]
	if !known {
		pod, isPod := object.Value.(*corev1.Pod)
		if object.Kind == inventory.Jobs || isPod && pod.Spec.RestartPolicy == corev1.RestartPolicyNever {
			return "job/" + up.name
		}
		return "deployment/" + up.name
	}
	if above := o[inventory.Key{Kind: kind, Namespace: object.Namespace, Name: up.name}]; above != nil {
		if uid := string(above.Value.GetUID()); uid != "" && up.uid != "" && uid != up.uid {
			return ""
		}
		return o.owner(above)
	}
	hash := object.Value.GetLabels()["pod-template-hash"]
	if object.Kind == inventory.Pods && kind == inventory.ReplicaSets && hash != "" {
		for _, deployment := range o.in(object.Namespace, inventory.Deployments) {
			if deployment.Name+"-"+hash == up.name {
				return "deployment/" + deployment.Name
			}
		}
	}
	return ""
}

// makes says whether an object tells by itself what a workload is.
func (o oracle) makes(object *inventory.Object) bool {
	return oracle{object.Key: object}.owner(object) != ""
}

func (o oracle) workloads(namespace string) []string {
	found := make(map[string]bool)
	for _, object := range o.in(namespace, workloadKinds()...) {
		if o.makes(object) {
			found[o.owner(object)] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

func (o oracle) selected(namespace string, selector labels.Selector) []string {
	found := make(map[string]bool)
	for _, object := range o.in(namespace, workloadKinds()...) {
		if !o.makes(object) {
			continue
		}
		for _, set := range podLabels(object) {
			if selector.Matches(set) {
				found[o.owner(object)] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// podLabels are those that the pods of an object may have.
func podLabels(object *inventory.Object) []labels.Set {
	switch value := object.Value.(type) {
	case *appsv1.Deployment:
		return []labels.Set{value.Spec.Template.Labels}
	case *appsv1.ReplicaSet:
		return []labels.Set{value.Spec.Template.Labels}
	case *appsv1.DaemonSet:
		return []labels.Set{value.Spec.Template.Labels}
	case *appsv1.StatefulSet:
		sets := []labels.Set{value.Spec.Template.Labels}
		for ordinal := range *value.Spec.Replicas {
			sets = append(sets, labels.Merge(value.Spec.Template.Labels, labels.Set{
				"statefulset.kubernetes.io/pod-name": object.Name + "-" + strconv.Itoa(int(ordinal)),
			}))
		}
		return sets
	case *batchv1.Job:
		return []labels.Set{value.Spec.Template.Labels}
	case *batchv1.CronJob:
		return []labels.Set{value.Spec.JobTemplate.Spec.Template.Labels}
	case *corev1.Pod:
		return []labels.Set{value.Labels}
	}
	panic(fmt.Sprintf("%T makes no pods", object.Value))
}

func (o oracle) pods(namespace, workload string) []string {
	var found []string
	for _, pod := range o.in(namespace, inventory.Pods) {
		if o.owner(pod) == workload {
			found = append(found, pod.Name)
		}
	}
	return found
}

func (o oracle) slicesOf(service *inventory.Object) []string {
	var found []string
	for _, slice := range o.in(service.Namespace, inventory.EndpointSlices) {
		if slice.Value.GetLabels()["kubernetes.io/service-name"] == service.Name {
			found = append(found, slice.Name)
		}
	}
	return found
}

func (o oracle) behind(service *inventory.Object) []string {
	value := service.Value.(*corev1.Service)
	if len(value.Spec.Selector) > 0 {
		return o.selected(service.Namespace, labels.Set(value.Spec.Selector).AsSelector())
	}
	found := make(map[string]bool)
	for _, name := range o.slicesOf(service) {
		slice := o[inventory.Key{Kind: inventory.EndpointSlices, Namespace: service.Namespace, Name: name}]
		for _, endpoint := range slice.Value.(*discoveryv1.EndpointSlice).Endpoints {
			pod := o[inventory.Key{Kind: inventory.Pods, Namespace: service.Namespace, Name: endpoint.TargetRef.Name}]
			if pod == nil || endpoint.TargetRef.Kind != "Pod" {
				continue
			}
			// A pod whose controller is gone belongs to no workload that there is.
			if owner := o.owner(pod); slices.Contains(o.workloads(service.Namespace), owner) {
				found[owner] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

func workloadKinds() []inventory.Kind {
	return []inventory.Kind{
		inventory.Deployments, inventory.StatefulSets, inventory.DaemonSets, inventory.CronJobs, inventory.ReplicaSets,
		inventory.Jobs, inventory.Pods,
	}
}

func names(workloads []*inventory.Workload) []string {
	var found []string
	for _, w := range workloads {
		found = append(found, w.Kind+"/"+w.Name())
	}
	return found
}

func objectNames(objects []*inventory.Object) []string {
	var found []string
	for _, object := range objects {
		found = append(found, object.Name)
	}
	return found
}
