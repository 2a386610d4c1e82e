package inventory

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
)

// owner names the controller of an object in the same namespace. Several of one name, one after the other, are told apart
// by uid where that is looked up.
type owner struct {
	of   Kind // of the objects that it controls
	kind Kind // of the controller
	name string
}

// known is the kind of a controller, if it is one whose objects an inventory holds and that controls objects of the kind of.
func known(of Kind, ref *v1.OwnerReference) (Kind, bool) {
	group, _, _ := strings.Cut(ref.APIVersion, "/")
	var kind Kind
	switch ref.Kind {
	case "Deployment":
		return Deployments, of == ReplicaSets && (group == "apps" || group == "extensions")
	case "CronJob":
		return CronJobs, of == Jobs && group == "batch"
	case "Job":
		return Jobs, of == Pods && group == "batch"
	case "ReplicationController":
		return ReplicationControllers, of == Pods && ref.APIVersion == "v1"
	case "ReplicaSet":
		kind = ReplicaSets
	case "StatefulSet":
		kind = StatefulSets
	case "DaemonSet":
		kind = DaemonSets
	}
	return kind, kind != "" && of == Pods && (group == "apps" || group == "extensions")
}

// controller is the reference to an object's controller; nil = it has none. A pod that the kubelet itself runs from a file
// has its node there, which controls nothing.
func controller(o *Object) *v1.OwnerReference {
	ref := v1.GetControllerOfNoCopy(o.Value)
	if ref != nil && ref.Kind == "Node" && ref.APIVersion == "v1" {
		return nil
	}
	return ref
}

// ownerOf names the controller of an object, if it is of a known kind.
func ownerOf(o *Object) (owner, bool) {
	switch o.Kind {
	case ReplicaSets, Jobs, Pods:
		if ref := controller(o); ref != nil {
			kind, ok := known(o.Kind, ref)
			return owner{of: o.Kind, kind: kind, name: ref.Name}, ok
		}
	}
	return owner{}, false
}

// owns says whether the object is the controller that another refers to, and not a later one of the same name.
func owns(o, other *Object) bool {
	ref := controller(other)
	return ref.UID == "" || o.Value.GetUID() == "" || ref.UID == o.Value.GetUID()
}

// guess names the Deployment that a pod probably belongs to, by the name of its ReplicaSet, which is that of the
// Deployment and the hash that the pod carries. It counts where the ReplicaSet itself is not there: not to be read, or not
// read yet.
func guess(pod *Object, by owner) (deployment string, ok bool) {
	hash := pod.Value.GetLabels()["pod-template-hash"]
	if pod.Kind != Pods || by.kind != ReplicaSets || hash == "" {
		return "", false
	}
	deployment, ok = strings.CutSuffix(by.name, "-"+hash)
	return deployment, ok && deployment != ""
}

// Owner is the workload that an object is, or that it belongs to by way of its controllers; nil = none. Other kinds than
// those of workloads, ReplicaSets, Jobs and Pods have none. The object need not be in the inventory any more.
func (i *Inventory) Owner(o *Object) *Workload {
	if key, ok := workloadOf(o); ok {
		return i.workload(o.Namespace, key)
	}
	by, ok := ownerOf(o)
	s := i.spaces[o.Namespace]
	if !ok || s == nil {
		return nil
	}
	if above := s.get(by.kind, by.name); above != nil {
		if !owns(above, o) {
			return nil
		}
		return i.Owner(above)
	}
	if deployment, ok := guess(o, by); ok && s.get(Deployments, deployment) != nil {
		return i.workload(o.Namespace, workKey("deployment", deployment))
	}
	return nil
}

// PodsOf are the pods of a workload, that of a bare pod included, by name.
func (i *Inventory) PodsOf(w *Workload) []*Object {
	s := i.spaces[w.Object.Namespace]
	if s == nil {
		return nil
	}
	pods := make(map[string]*Object)
	for _, m := range s.membersOf(workKey(w.Kind, w.Name())) {
		s.collect(pods, m)
	}
	return slices.SortedFunc(maps.Values(pods), func(a, b *Object) int { return cmp.Compare(a.Name, b.Name) })
}

// collect finds the pods that an object controls, or is.
func (s *space) collect(pods map[string]*Object, o *Object) {
	switch o.Kind {
	case Pods:
		pods[o.Name] = o
	case CronJobs:
		s.each(owner{Jobs, CronJobs, o.Name}, o, func(job *Object) { s.collect(pods, job) })
	case Deployments:
		s.each(owner{ReplicaSets, Deployments, o.Name}, o, func(set *Object) { s.collect(pods, set) })
		for set := range s.guessed[o.Name] {
			if s.get(ReplicaSets, set) != nil {
				continue
			}
			for _, pod := range s.owned[owner{Pods, ReplicaSets, set}] {
				if by, _ := ownerOf(pod); guessed(pod, by, o.Name) {
					pods[pod.Name] = pod
				}
			}
		}
	default:
		s.each(owner{Pods, o.Kind, o.Name}, o, func(pod *Object) { pods[pod.Name] = pod })
	}
}

func guessed(pod *Object, by owner, deployment string) bool {
	name, ok := guess(pod, by)
	return ok && name == deployment
}

// each visits what an object controls.
func (s *space) each(by owner, o *Object, visit func(*Object)) {
	for _, other := range s.owned[by] {
		if owns(o, other) {
			visit(other)
		}
	}
}

// restarts says whether a pod is meant to run on.
func restarts(pod *corev1.PodSpec) bool {
	return pod.RestartPolicy == "" || pod.RestartPolicy == corev1.RestartPolicyAlways
}
