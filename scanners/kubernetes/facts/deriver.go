package facts

import (
	"crypto/sha256"
	"maps"
	"slices"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/edges"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// Deriver makes documents of the objects in an inventory, by scope, and follows its changes. It is not safe for use from
// several goroutines, and the inventory must not change while one of its methods runs.
type Deriver struct {
	inv      *inventory.Inventory
	evidence catalog.EvidenceKind
	store    store

	begun   bool // the first Derive has taken in what the inventory held
	changed map[inventory.Key]bool
	dirty   map[scope]bool
	edges   map[string]bool // namespaces whose edges must be inferred anew

	// What follows from the objects as they were at the last Derive, so that a change is known by its difference.
	known     map[inventory.Key]known
	selectors map[selectorKey]map[workloadKey]bool   // workloads by what they select: the equal ones get in each other's way
	firsts    map[selectorKey][]string               // names of the first of those; made when a Derive first needs them
	scalers   map[workloadKey]map[inventory.Key]bool // autoscalers by their target
	onNode    dependents[string, workloadKey]        // workloads, by the nodes that their pods run on
	named     map[string]map[scope]bool              // Services that have no selector but slices that name pods, by namespace
	resting   dependents[string, scope]              // routes, by the namespaces of the Services that they name
	inferred  map[string][]string                    // scopes of edges, by namespace
	peers     dependents[string, string]             // namespaces, by those that their edges rest on
	gateways  map[inventory.Key]*inventory.Object    // of Istio
	spaces    []string                               // namespaces
	loose     map[scope][]catalog.LooseEnd
	looseEnds bool // they changed
	derived   int  // scopes and namespaces, since the beginning
}

// NewDeriver makes one over an inventory, which may hold objects already. evidence is that of runsOn edges:
// [catalog.Observed] for a live cluster, [catalog.Declared] for manifests.
func NewDeriver(inv *inventory.Inventory, evidence catalog.EvidenceKind) *Deriver {
	return &Deriver{
		inv: inv, evidence: evidence,
		store:     store{packed: make(map[string][]byte), changed: make(map[string]bool)},
		changed:   make(map[inventory.Key]bool),
		dirty:     make(map[scope]bool),
		edges:     make(map[string]bool),
		known:     make(map[inventory.Key]known),
		selectors: make(map[selectorKey]map[workloadKey]bool),
		firsts:    make(map[selectorKey][]string),
		scalers:   make(map[workloadKey]map[inventory.Key]bool),
		onNode:    newDependents[string, workloadKey](),
		named:     make(map[string]map[scope]bool),
		resting:   newDependents[string, scope](),
		inferred:  make(map[string][]string),
		peers:     newDependents[string, string](),
		gateways:  make(map[inventory.Key]*inventory.Object),
		loose:     make(map[scope][]catalog.LooseEnd),
	}
}

// live says whether the objects come from a cluster, whose controllers fill in what they see.
func (d *Deriver) live() bool { return d.evidence == catalog.Observed }

// Changed notes that an object was put into the inventory or deleted from it; it is called after that.
func (d *Deriver) Changed(key inventory.Key) { d.changed[key] = true }

// ChangedCoverage notes that the inventory covers other kinds or namespaces than before: all that follows from the absence
// of objects is looked at again.
func (d *Deriver) ChangedCoverage() { d.begun = false }

// Derive brings all scopes up to date, and names those that came, changed or went since the last call, sorted.
func (d *Deriver) Derive() (changed []string) {
	if !d.begun {
		d.begin()
	}
	for key := range d.changed {
		d.touch(key)
	}
	clear(d.changed)
	if spaces := d.inv.Namespaces(); !slices.Equal(spaces, d.spaces) {
		for _, gone := range d.spaces {
			d.edges[gone] = true
		}
		d.spaces = spaces
		d.touchMesh() // a name with a dot is one of a Service if it ends in that of a namespace
	}
	for s := range d.dirty {
		d.derive(s)
	}
	clear(d.dirty)
	clear(d.firsts)
	for namespace := range d.edges {
		d.infer(namespace)
	}
	clear(d.edges)
	if d.looseEnds {
		d.looseEnds = false
		d.store.set(scope{part: clusterPart}.String(), d.clusterDocuments())
	}
	changed = slices.Sorted(maps.Keys(d.store.changed))
	clear(d.store.changed)
	return changed
}

// begin takes everything that is there for changed.
func (d *Deriver) begin() {
	d.begun, d.looseEnds = true, true
	for _, kind := range inventory.Kinds() {
		for _, namespace := range append(d.inv.Namespaces(), "") {
			for o := range d.inv.List(kind, namespace) {
				d.changed[o.Key] = true
			}
		}
	}
	for _, namespace := range d.inv.Namespaces() {
		d.edges[namespace] = true
	}
}

// Scope gives copies of the documents of a scope, which the caller owns; false = there is no such scope.
func (d *Deriver) Scope(name string) ([]*catalog.Document, bool) {
	packed, ok := d.store.packed[name]
	if !ok {
		return nil, false
	}
	documents, err := unpack(packed)
	return documents, err == nil
}

// Sum is a digest of what a scope says: equal where the documents are, also in another process. false = there is no such scope.
func (d *Deriver) Sum(name string) (sum [sha256.Size]byte, ok bool) {
	packed, ok := d.store.packed[name]
	return sha256.Sum256(packed), ok
}

// Scopes names all scopes, sorted.
func (d *Deriver) Scopes() []string { return slices.Sorted(maps.Keys(d.store.packed)) }

// result is what is derived for a scope.
type result struct {
	documents []*catalog.Document
	loose     []catalog.LooseEnd
	rests     []string // the namespaces of others' objects that it rests on
}

// derive brings one scope up to date.
func (d *Deriver) derive(s scope) {
	d.derived++
	var r result
	if !fits(s.name) || s.part != nodesPart && !fits(s.namespace) {
		return
	}
	switch s.part {
	case nodesPart:
		r = d.node(s)
	case workloadsPart:
		r = d.workload(s)
	case placementPart:
		r = d.placement(s)
	case servicesPart:
		r = d.service(s)
	case routesPart:
		r = d.route(s)
		d.resting.set(s, r.rests)
	case autoscalersPart:
		r = d.autoscaler(s)
	case budgetsPart:
		r = d.budget(s)
	}
	d.store.set(s.String(), r.documents)
	if len(r.loose) > 0 || len(d.loose[s]) > 0 {
		if !slices.Equal(r.loose, d.loose[s]) {
			d.looseEnds = true
		}
		if d.loose[s] = r.loose; len(r.loose) == 0 {
			delete(d.loose, s)
		}
	}
}

// infer brings the edges of one namespace up to date.
func (d *Deriver) infer(namespace string) {
	d.derived++
	before := d.inferred[namespace]
	var scopes, rests []string
	for _, inferred := range edges.Infer(d.inv, namespace) {
		rests = append(rests, inferred.Namespaces...)
		if inferred.Scope != "" && len(inferred.Documents) > 0 {
			scopes = append(scopes, inferred.Scope)
			for i, document := range inferred.Documents { // whose ID is the receiver's to fill
				document.ID, document.Ordinal = catalog.DocumentID{}, i
			}
			d.store.set(inferred.Scope, inferred.Documents)
		}
	}
	slices.Sort(scopes)
	for _, name := range before {
		if _, still := slices.BinarySearch(scopes, name); !still {
			d.store.set(name, nil)
		}
	}
	if d.inferred[namespace] = scopes; len(scopes) == 0 {
		delete(d.inferred, namespace)
	}
	d.peers.set(namespace, rests)
}
