package inventory

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
)

const (
	serviceNameLabel = discoveryv1.LabelServiceName
	podNameLabel     = appsv1.StatefulSetPodNameLabel
)

// label is one label of a pod.
type label struct{ key, value string }

// Selected are the workloads of a namespace whose pods a selector matches, in the order of Workloads. An empty selector
// matches all of them, nil none. A selector of one pod of a StatefulSet by its name matches the StatefulSet.
func (i *Inventory) Selected(namespace string, selector labels.Selector) []*Workload {
	s := i.spaces[namespace]
	if selector == nil || s == nil {
		return nil
	}
	if selector.Empty() {
		return slices.Collect(i.Workloads(namespace))
	}
	requirements, selectable := selector.Requirements()
	if !selectable {
		return nil
	}
	found := make(map[*work]bool)
	for m := range s.candidates(requirements) {
		if selector.Matches(labels.Set(m.labels)) {
			found[m.work] = true
		}
	}
	if w := s.byPodName(selector, requirements); w != nil {
		found[w] = true
	}
	selected := make([]*Workload, 0, len(found))
	for w := range found {
		selected = append(selected, i.build(w))
	}
	slices.SortFunc(selected, inOrder)
	return selected
}

// inOrder compares workloads of one namespace.
func inOrder(a, b *Workload) int {
	return cmp.Compare(workKey(a.Kind, a.name), workKey(b.Kind, b.name))
}

// candidates are the members that have a label which the selector asks for: the one that fewest have.
func (s *space) candidates(requirements labels.Requirements) func(func(*member) bool) {
	var best []map[Key]*member
	least := -1
	for _, r := range requirements {
		switch r.Operator() {
		case selection.Equals, selection.DoubleEquals, selection.In:
		default:
			continue
		}
		var holders []map[Key]*member
		count := 0
		for _, value := range r.ValuesUnsorted() {
			holders = append(holders, s.labels[label{r.Key(), value}])
			count += len(s.labels[label{r.Key(), value}])
		}
		if least < 0 || count < least {
			best, least = holders, count
		}
	}
	if least < 0 {
		best = []map[Key]*member{s.members}
	}
	return func(yield func(*member) bool) {
		for _, holders := range best {
			for _, m := range holders {
				if !yield(m) {
					return
				}
			}
		}
	}
}

// byPodName finds the StatefulSet that has the one pod which a selector names.
func (s *space) byPodName(selector labels.Selector, requirements labels.Requirements) *work {
	name, named := selector.RequiresExactMatch(podNameLabel)
	dash := strings.LastIndexByte(name, '-')
	if !named || dash < 0 || len(requirements) == 0 {
		return nil
	}
	set := s.get(StatefulSets, name[:dash])
	ordinal, err := strconv.ParseInt(name[dash+1:], 10, 32)
	if set == nil || err != nil || ordinal < 0 || strconv.FormatInt(ordinal, 10) != name[dash+1:] {
		return nil
	}
	value, ok := set.Value.(*appsv1.StatefulSet)
	if !ok {
		return nil
	}
	first, wanted := int64(0), int64(1)
	if value.Spec.Ordinals != nil {
		first = int64(value.Spec.Ordinals.Start)
	}
	if value.Spec.Replicas != nil {
		wanted = int64(*value.Spec.Replicas)
	}
	m := s.members[set.Key]
	with := maps.Clone(m.labels)
	if with == nil {
		with = make(map[string]string)
	}
	with[podNameLabel] = name
	if ordinal < first || ordinal >= first+wanted || !selector.Matches(labels.Set(with)) {
		return nil
	}
	return m.work
}

// Behind are the workloads that a Service leads to: by its selector, or where it has none by the pods that its
// EndpointSlices name. An ExternalName leads to none.
func (i *Inventory) Behind(service *Object) []*Workload {
	value, ok := service.Value.(*corev1.Service)
	if !ok || value.Spec.Type == corev1.ServiceTypeExternalName {
		return nil
	}
	if len(value.Spec.Selector) > 0 {
		return i.Selected(service.Namespace, labels.SelectorFromValidatedSet(value.Spec.Selector))
	}
	found := make(map[string]*Workload)
	for _, slice := range i.SlicesOf(service) {
		for _, endpoint := range endpoints(slice) {
			if w := i.target(service.Namespace, &endpoint); w != nil {
				found[workKey(w.Kind, w.name)] = w
			}
		}
	}
	return slices.SortedFunc(maps.Values(found), inOrder)
}

func endpoints(slice *Object) []discoveryv1.Endpoint {
	value, ok := slice.Value.(*discoveryv1.EndpointSlice)
	if !ok {
		return nil
	}
	return value.Endpoints
}

// target is the workload of the pod that an endpoint names; nil = none. An endpoint leads to its own namespace only.
func (i *Inventory) target(namespace string, endpoint *discoveryv1.Endpoint) *Workload {
	ref := endpoint.TargetRef
	if ref == nil || ref.Kind != "Pod" || ref.Namespace != "" && ref.Namespace != namespace {
		return nil
	}
	pod := i.Get(Pods, namespace, ref.Name)
	if pod == nil {
		return nil
	}
	return i.Owner(pod)
}

// SlicesOf are the EndpointSlices of a Service, by name.
func (i *Inventory) SlicesOf(service *Object) []*Object {
	s := i.spaces[service.Namespace]
	if s == nil {
		return nil
	}
	return slices.SortedFunc(maps.Values(s.slices[service.Name]), func(a, b *Object) int { return cmp.Compare(a.Name, b.Name) })
}
