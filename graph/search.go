package graph

import (
	"sync"
	"sync/atomic"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph/search"
)

// Search finds entities by what a person typed, the best first; see [search]. The first search of a catalog builds its
// index, unless [Snapshot.PrepareSearch] did, which takes a second or two for 200,000 entities. The index then follows
// [Snapshot.Apply] in the size of the change.
func (s *Snapshot) Search(request search.Request) search.Result {
	return s.Index(buildSearch).(*searchIndex).view().Find(request)
}

// PrepareSearch builds what the first search would otherwise wait for.
func (s *Snapshot) PrepareSearch() { s.Index(buildSearch).(*searchIndex).view() }

// A main index is replaced when more than so many entities have changed since it was built: up to that, indexing them anew
// takes a few milliseconds, once a snapshot that is searched.
const searchRebuild = 1000

// searchIndex finds the entities of one snapshot: a main index, which it shares with other snapshots, and a small one of
// the entities that have changed since that was built, made when somebody first searches.
type searchIndex struct {
	snapshot *Snapshot
	main     *search.Index
	changed  *changedRefs // since main
	// next is being built in the background, and will take the place of main; nil = none.
	next        *mainIndex
	changedNext *changedRefs // since next
	once        sync.Once
	made        *search.View
}

func buildSearch(s *Snapshot) Index { return &searchIndex{snapshot: s, main: s.indexForSearch()} }

func (s *Snapshot) indexForSearch() *search.Index {
	documents := make([]search.Document, 0, s.Len())
	for entity := range s.Entities("") {
		documents = append(documents, s.document(entity))
	}
	return search.Build(documents)
}

// document is an entity as it is searched. Whoever states a dependency on it or consumes it is a dependent.
func (s *Snapshot) document(entity *catalog.Entity) search.Document {
	d := search.Document{Entity: entity}
	_, in := s.Relations(entity.Ref)
	last := catalog.Ref("")
	for edge := range in {
		if isDependency(edge) && edge.From != last {
			last = edge.From
			d.Dependents++
		}
	}
	return d
}

func isDependency(e *catalog.Edge) bool {
	return (e.Type == catalog.DependsOn || e.Type == catalog.ConsumesAPI) && e.From != e.To
}

// Apply only notes what changed.
func (x *searchIndex) Apply(_, next *Snapshot, change *catalog.ModelChange) Index {
	refs := x.touched(change)
	made := &searchIndex{snapshot: next, main: x.main, changed: x.changed.with(refs), next: x.next}
	if made.next != nil {
		made.changedNext = x.changedNext.with(refs)
		if made.next.done() {
			made.main, made.changed, made.next, made.changedNext = made.next.wait(), made.changedNext, nil, nil
		}
	}
	if made.next == nil && made.changed.len() > searchRebuild {
		made.next = newMainIndex(next)
	}
	return made
}

// touched are the entities that are to be found or ranked in another way: those that changed, and the ends of dependencies
// that came or went.
func (x *searchIndex) touched(change *catalog.ModelChange) []catalog.Ref {
	refs := make([]catalog.Ref, 0, len(change.Entities))
	for _, e := range change.Entities {
		refs = append(refs, e.Ref)
	}
	for _, row := range change.Edges {
		const before, after = 1, 2
		targets := map[catalog.Ref]int{}
		out, _ := x.snapshot.Relations(row.From)
		for edge := range out {
			if isDependency(edge) {
				targets[edge.To] |= before
			}
		}
		for i := range row.Edges {
			if isDependency(&row.Edges[i]) {
				targets[row.Edges[i].To] |= after
			}
		}
		for target, when := range targets {
			if when != before|after {
				refs = append(refs, target)
			}
		}
	}
	return refs
}

// view is what searches look through.
func (x *searchIndex) view() *search.View {
	x.once.Do(func() {
		main, changed := x.main, x.changed
		// Where most has changed, waiting for the next index is quicker than indexing what changed.
		if x.next != nil && (x.next.done() || changed.len() > main.Len()/2) {
			main, changed = x.next.wait(), x.changedNext
		}
		refs := changed.all()
		documents := make([]search.Document, 0, len(refs))
		for _, ref := range refs {
			if x.snapshot.find(ref) < 0 {
				continue
			}
			if entity, err := x.snapshot.Entity(ref); err == nil {
				documents = append(documents, x.snapshot.document(entity))
			}
		}
		x.made = search.NewView(main, search.Build(documents), refs)
	})
	return x.made
}

// mainIndex is the index of all entities of a snapshot, being built in the background.
type mainIndex struct {
	built chan struct{} // closed when it is there
	index atomic.Pointer[search.Index]
}

func newMainIndex(s *Snapshot) *mainIndex {
	x := &mainIndex{built: make(chan struct{})}
	go func() {
		defer close(x.built)
		x.index.Store(s.indexForSearch())
	}()
	return x
}

func (x *mainIndex) done() bool { return x.index.Load() != nil }

func (x *mainIndex) wait() *search.Index {
	<-x.built
	return x.index.Load()
}

// changedRefs is a list of what changed, which snapshots share. A Ref may be in it several times. nil is empty.
type changedRefs struct {
	refs   []catalog.Ref
	before *changedRefs
	count  int // of all Refs from here on back
}

func (c *changedRefs) with(refs []catalog.Ref) *changedRefs {
	if len(refs) == 0 {
		return c
	}
	return &changedRefs{refs: refs, before: c, count: c.len() + len(refs)}
}

func (c *changedRefs) len() int {
	if c == nil {
		return 0
	}
	return c.count
}

// all are the Refs, each once.
func (c *changedRefs) all() []catalog.Ref {
	all := make([]catalog.Ref, 0, c.len())
	known := make(map[catalog.Ref]bool, c.len())
	for ; c != nil; c = c.before {
		for _, ref := range c.refs {
			if !known[ref] {
				known[ref] = true
				all = append(all, ref)
			}
		}
	}
	return all
}
