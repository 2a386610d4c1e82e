package kubernetes

import (
	"cmp"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// item is an object as it is kept, in a form that passes through the libraries' lists.
type item struct {
	v1.TypeMeta
	v1.ObjectMeta // of which the names and the version are set
	object        *inventory.Object
	err           error // why it is not kept: then object is nil
}

// DeepCopyObject implements runtime.Object.
func (i *item) DeepCopyObject() runtime.Object {
	other := *i
	return &other
}

// items makes what is kept of what the server sends. What is not needed is let go of here.
type items struct {
	cluster  string
	resource *inventory.Resource
}

func (m *items) of(raw any) (*item, error) {
	switch raw := raw.(type) {
	case *item:
		return raw, nil
	case v1.Object:
		return m.make(raw), nil
	}
	return nil, fmt.Errorf("the API server sent a %T among %s", raw, m.resource.Path())
}

func (m *items) make(raw v1.Object) *item {
	made := &item{ObjectMeta: v1.ObjectMeta{
		Namespace: raw.GetNamespace(), Name: raw.GetName(), UID: raw.GetUID(), ResourceVersion: raw.GetResourceVersion(),
	}}
	value, err := m.value(raw)
	if err != nil {
		made.err = err
		return made
	}
	value.SetResourceVersion("") // which alone would make it another one
	made.object = &inventory.Object{Key: m.key(raw.GetNamespace(), raw.GetName()), Value: value}
	made.object.Location = location(m.cluster, made.object.Key)
	return made
}

func (m *items) value(raw v1.Object) (v1.Object, error) {
	if untyped, ok := raw.(*unstructured.Unstructured); ok {
		return inventory.FromUnstructured(m.resource.Kind, untyped)
	}
	return inventory.Trim(raw)
}

func (m *items) key(namespace, name string) inventory.Key {
	return inventory.Key{Kind: m.resource.Kind, Namespace: namespace, Name: name}
}

// location is what a person may look for an object by.
func location(cluster string, key inventory.Key) string {
	if key.Namespace == "" {
		return cluster + "/" + string(key.Kind) + "/" + key.Name
	}
	return cluster + "/" + string(key.Kind) + "/" + key.Namespace + "/" + key.Name
}

func compareKeys(a, b inventory.Key) int {
	return cmp.Or(strings.Compare(string(a.Kind), string(b.Kind)), strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
}
