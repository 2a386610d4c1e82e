package inventory

import (
	"iter"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/orrery-catalog/orrery/catalog"
)

// Inventory holds the objects of one cluster. It is not safe for use from several goroutines.
type Inventory struct {
	cluster string
	objects map[Kind]map[string]map[string]*Object // by namespace and name
}

// New makes an empty one; cluster is the name of the cluster in aliases.
func New(cluster string) *Inventory {
	return &Inventory{cluster: cluster, objects: make(map[Kind]map[string]map[string]*Object)}
}

// Cluster is the name of the cluster.
func (i *Inventory) Cluster() string { return i.cluster }

// Put adds an object, in place of the one of the same Key.
func (i *Inventory) Put(o *Object) {
	if i.objects[o.Kind] == nil {
		i.objects[o.Kind] = make(map[string]map[string]*Object)
	}
	if i.objects[o.Kind][o.Namespace] == nil {
		i.objects[o.Kind][o.Namespace] = make(map[string]*Object)
	}
	i.objects[o.Kind][o.Namespace][o.Name] = o
}

// Delete takes an object out, if it is there.
func (i *Inventory) Delete(key Key) {
	delete(i.objects[key.Kind][key.Namespace], key.Name)
}

// Get finds an object; nil = there is none.
func (i *Inventory) Get(kind Kind, namespace, name string) *Object {
	return i.objects[kind][namespace][name]
}

// List gives the objects of a kind in a namespace ("" for kinds without), by name.
func (i *Inventory) List(kind Kind, namespace string) iter.Seq[*Object] {
	return func(yield func(*Object) bool) {
		all := i.objects[kind][namespace]
		for _, name := range slices.Sorted(maps.Keys(all)) {
			if !yield(all[name]) {
				return
			}
		}
	}
}

// Namespaces are those in which anything is, sorted, without "".
func (i *Inventory) Namespaces() []string { return nil }

// Workload is a controller, or a pod without one, whatever its kind.
type Workload struct {
	Object   *Object
	Kind     string // one of [catalog.WorkloadKinds]
	Alias    catalog.Alias
	Ref      catalog.Ref // [catalog.DiscoveredRef] of Alias
	Labels   map[string]string
	Template *corev1.PodTemplateSpec // never nil
	// TemplatePath is the path of Template in Object, for [Object.Line]: "spec.template", for a pod "".
	TemplatePath string
	Wanted       *int32 // replicas; nil = no fixed number
	Ready        *int32 // nil = unknown
}

// Workloads gives the workloads of a namespace, by kind, then name. A ReplicaSet, Job or Pod that has a controller is none.
func (i *Inventory) Workloads(namespace string) iter.Seq[*Workload] {
	return func(func(*Workload) bool) {}
}

// Workload finds one by its kind and name; nil = there is none.
func (i *Inventory) Workload(namespace, kind, name string) *Workload { return nil }

// Selected are the workloads of a namespace whose pods a selector matches, in the order of Workloads. An empty selector
// matches all of them, nil none.
func (i *Inventory) Selected(namespace string, selector labels.Selector) []*Workload { return nil }

// Behind are the workloads that a Service leads to: by its selector, or where it has none by the pods that its
// EndpointSlices name.
func (i *Inventory) Behind(service *Object) []*Workload { return nil }

// SlicesOf are the EndpointSlices of a Service.
func (i *Inventory) SlicesOf(service *Object) []*Object { return nil }

// PodsOf are the pods of a workload, that of a bare pod included, by name.
func (i *Inventory) PodsOf(w *Workload) []*Object { return nil }
