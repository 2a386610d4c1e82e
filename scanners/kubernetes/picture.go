package kubernetes

import (
	"maps"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/facts"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// picture is what is known of a cluster, and what follows from it. It is safe for use from several goroutines.
type picture struct {
	mu      sync.Mutex
	cluster string
	objects *inventory.Inventory
	deriver *facts.Deriver
	strange map[inventory.Key]string
	pending map[string]bool // scopes that changed and were not told yet
	left    map[string]bool // scopes that are gone because of objects whose deletion was heard of, and were not reported yet
	doubted bool            // since scopes were derived, something left of which no deletion was heard
	dirty   bool            // an object changed since scopes were derived
	signal  chan struct{}   // has one when it became dirty
}

func newPicture(cluster string) *picture {
	objects := inventory.New(cluster)
	return &picture{
		cluster: cluster, objects: objects, deriver: facts.NewDeriver(objects, catalog.Observed),
		strange: make(map[inventory.Key]string), pending: make(map[string]bool), left: make(map[string]bool), signal: make(chan struct{}, 1),
	}
}

// keys are those of the objects of one part of a cluster that are in its picture, which guards them.
type keys map[inventory.Key]bool

// put takes a new or changed object of a part. What differs in nothing that is kept is not looked at.
func (p *picture) put(of keys, key inventory.Key, i *item) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.putLocked(of, key, i)
}

func (p *picture) putLocked(of keys, key inventory.Key, i *item) {
	if i.err != nil { // what was known of it stands
		p.strange[key] = oneLine(i.err)
		return
	}
	delete(p.strange, key)
	if of[key] {
		if old := p.objects.Get(key.Kind, key.Namespace, key.Name); old != nil && equality.Semantic.DeepEqual(old.Value, i.object.Value) {
			return
		}
	}
	of[key] = true
	p.objects.Put(i.object)
	p.changedLocked(key)
}

// remove takes an object of a part out, whose deletion was heard of.
func (p *picture) remove(of keys, key inventory.Key) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.removeLocked(of, key)
}

func (p *picture) removeLocked(of keys, key inventory.Key) {
	delete(p.strange, key)
	if of[key] {
		delete(of, key)
		p.objects.Delete(key)
		p.changedLocked(key)
	}
}

func (p *picture) changedLocked(key inventory.Key) {
	p.deriver.Changed(key)
	p.dirty = true
	select {
	case p.signal <- struct{}{}:
	default: // there is one already
	}
}

// replace makes the objects of a part those that were listed.
func (p *picture) replace(of keys, now map[inventory.Key]*item) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for key := range of {
		if _, there := now[key]; !there {
			p.doubted = true
			p.removeLocked(of, key)
		}
	}
	for key, i := range now {
		p.putLocked(of, key, i)
	}
}

// cover says of which kinds and namespaces the picture is complete. What follows from everything follows anew.
func (p *picture) cover(covers func(kind inventory.Kind, namespace string) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.objects.Cover(covers)
	p.deriver.ChangedCoverage()
	p.dirty, p.doubted = true, true
}

// derive brings the scopes up to date.
func (p *picture) derive() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.dirty {
		return
	}
	for _, name := range p.deriver.Derive() {
		p.pending[name] = true
		if _, there := p.deriver.Scope(name); there || p.doubted {
			delete(p.left, name)
		} else {
			p.left[name] = true
		}
	}
	p.dirty, p.doubted = false, false
}

// departed are the scopes that are gone because of deletions that were heard of, and were not reported yet, sorted.
func (p *picture) departed() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Sorted(maps.Keys(p.left))
}

// reported forgets that a scope is gone; it says whether its deletion was heard of.
func (p *picture) reported(name string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	heard := p.left[name]
	delete(p.left, name)
	return heard
}

// take are the scopes that changed since it was last asked, sorted.
func (p *picture) take() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	names := slices.Sorted(maps.Keys(p.pending))
	clear(p.pending)
	return names
}

func (p *picture) scopes() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.deriver.Scopes()
}

// scope is what a scope says.
func (p *picture) scope(name string) ([]*catalog.Document, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.deriver.Scope(name)
}

// oddities are the objects that could not be understood, with why, sorted.
func (p *picture) oddities() []oddity {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []oddity
	for key, why := range p.strange {
		all = append(all, oddity{key, why})
	}
	slices.SortFunc(all, func(a, b oddity) int { return compareKeys(a.key, b.key) })
	return all
}

type oddity struct {
	key inventory.Key
	why string
}
