package inventory

import (
	"iter"
	"maps"
	"slices"

	"github.com/tidwall/btree"
)

// Inventory holds the objects of one cluster. It is not safe for use from several goroutines, and must not change while
// one of its sequences is gone through.
type Inventory struct {
	cluster string
	spaces  map[string]*space                      // by namespace; "" holds what has none
	covers  func(kind Kind, namespace string) bool // nil = everything
}

// space is what is in one namespace, with the indexes over it, which change with each object that comes or goes. What an
// index holds of an object follows from that object alone, so that objects may come in any order.
type space struct {
	count   int
	objects map[Kind]*btree.Map[string, *Object] // by name
	works   btree.Map[string, *work]             // the workloads, by kind/name
	members map[Key]*member                      // what workloads are made of
	labels  map[label]map[Key]*member            // the same, by each label of their pods
	owned   map[owner]map[string]*Object         // the ReplicaSets, Jobs and Pods of each controller, by name
	guessed map[string]map[string]int            // by the probable name of a Deployment: its ReplicaSets, with their numbers of pods
	slices  map[string]map[string]*Object        // the EndpointSlices of each Service, by name
}

// New makes an empty one; cluster is the name of the cluster in aliases.
func New(cluster string) *Inventory {
	return &Inventory{cluster: cluster, spaces: make(map[string]*space)}
}

// Cluster is the name of the cluster.
func (i *Inventory) Cluster() string { return i.cluster }

// Put adds an object, in place of the one of the same Key. Its Value is of the type that its Kind names, as [Trim] and
// [FromUnstructured] give it.
func (i *Inventory) Put(o *Object) {
	s := i.spaces[o.Namespace]
	if s == nil {
		s = &space{
			objects: make(map[Kind]*btree.Map[string, *Object]), members: make(map[Key]*member),
			labels: make(map[label]map[Key]*member), owned: make(map[owner]map[string]*Object),
			guessed: make(map[string]map[string]int), slices: make(map[string]map[string]*Object),
		}
		i.spaces[o.Namespace] = s
	}
	if s.objects[o.Kind] == nil {
		s.objects[o.Kind] = new(btree.Map[string, *Object])
	}
	if before, replaced := s.objects[o.Kind].Set(o.Name, o); replaced {
		s.forget(before)
	} else {
		s.count++
	}
	s.learn(o)
}

// Delete takes an object out, if it is there.
func (i *Inventory) Delete(key Key) {
	s := i.spaces[key.Namespace]
	if s == nil || s.objects[key.Kind] == nil {
		return
	}
	before, found := s.objects[key.Kind].Delete(key.Name)
	if !found {
		return
	}
	s.forget(before)
	if s.count--; s.count == 0 {
		delete(i.spaces, key.Namespace)
	}
}

// Get finds an object; nil = there is none.
func (i *Inventory) Get(kind Kind, namespace, name string) *Object {
	s := i.spaces[namespace]
	if s == nil {
		return nil
	}
	return s.get(kind, name)
}

func (s *space) get(kind Kind, name string) *Object {
	all := s.objects[kind]
	if all == nil {
		return nil
	}
	o, _ := all.Get(name)
	return o
}

// List gives the objects of a kind in a namespace ("" for kinds without), by name.
func (i *Inventory) List(kind Kind, namespace string) iter.Seq[*Object] {
	return func(yield func(*Object) bool) {
		if s := i.spaces[namespace]; s != nil && s.objects[kind] != nil {
			s.objects[kind].Scan(func(_ string, o *Object) bool { return yield(o) })
		}
	}
}

// Namespaces are those in which anything is, sorted, without "".
func (i *Inventory) Namespaces() []string {
	names := slices.Sorted(maps.Keys(i.spaces))
	if len(names) > 0 && names[0] == "" {
		names = names[1:]
	}
	return names
}

// learn takes an object into the indexes.
func (s *space) learn(o *Object) {
	if key, ok := workloadOf(o); ok {
		s.join(key, o)
	}
	if by, ok := ownerOf(o); ok {
		add(s.owned, by, o.Name, o)
		if deployment, ok := guess(o, by); ok {
			if s.guessed[deployment] == nil {
				s.guessed[deployment] = make(map[string]int)
			}
			s.guessed[deployment][by.name]++
		}
	}
	if o.Kind == EndpointSlices {
		add(s.slices, o.Value.GetLabels()[serviceNameLabel], o.Name, o)
	}
}

// forget takes an object out of the indexes.
func (s *space) forget(o *Object) {
	s.leave(o)
	if by, ok := ownerOf(o); ok {
		remove(s.owned, by, o.Name)
		if deployment, ok := guess(o, by); ok {
			if s.guessed[deployment][by.name]--; s.guessed[deployment][by.name] == 0 {
				remove(s.guessed, deployment, by.name)
			}
		}
	}
	if o.Kind == EndpointSlices {
		remove(s.slices, o.Value.GetLabels()[serviceNameLabel], o.Name)
	}
}

func add[K1, K2 comparable, V any](index map[K1]map[K2]V, at K1, name K2, value V) {
	if index[at] == nil {
		index[at] = make(map[K2]V)
	}
	index[at][name] = value
}

func remove[K1, K2 comparable, V any](index map[K1]map[K2]V, at K1, name K2) {
	if delete(index[at], name); len(index[at]) == 0 {
		delete(index, at)
	}
}
