package catalog

import (
	"cmp"
	"iter"
	"slices"
)

// Merger keeps a [Model] up to date while documents come and go. What it has after any sequence of changes is what
// [Merge] makes of the documents that are left; a change costs time in the size of what it touches. It is not safe for use
// from several goroutines; what it returns is immutable and may be shared.
//
// A change goes through it in steps: documents are taken out and put in; of the Refs that this touched the describing claim
// is elected; then the aliases that are touched are resolved; then the entities and rows of edges are made anew that any of
// it marked; then what is seen goes to the declared paths that cover it. Each step marks what the next has to look at, so
// nothing else is looked at.
type Merger struct {
	rules     identityRules
	documents map[DocumentID]*documentRecord
	refs      pool[refRecord]
	refIDs    map[Ref]int32
	aliases   pool[aliasRecord]
	aliasIDs  map[Alias]int32
	labels    labelIndex
	selectors selectorIndex
	problems  problemBook
	toldSelf  map[Ref]int32 // how many problems of documents tell that the entity refers to itself
	coverage  coverage

	byName   map[kindAndName][]int32 // see entitiesNamed; nil until it is asked for
	watchers map[string][]watcher    // by the name of an entity: aliases that become another when it is described or no more

	// What the present change has marked; empty between two changes.
	touched   []int32              // Refs with marks
	names     map[string]bool      // watched names of which an entity is described now, or no more
	changed   []int32              // aliases about which something else is said
	unsettled []int32              // aliases to resolve again
	joins     map[int32]resolution // what joined found; nil but while aliases are resolved
}

// NewMerger makes one without documents.
func NewMerger(options MergeOptions) *Merger {
	return &Merger{
		rules:     newIdentityRules(options),
		documents: make(map[DocumentID]*documentRecord),
		refIDs:    make(map[Ref]int32), aliasIDs: make(map[Alias]int32),
		labels: make(labelIndex), selectors: make(selectorIndex),
		problems: newProblemBook(), toldSelf: make(map[Ref]int32), coverage: newCoverage(),
		watchers: make(map[string][]watcher), names: make(map[string]bool),
	}
}

// Apply takes documents away and puts others, in place of those of the same ID, and tells what that changed. An absent
// document may be removed. The inverse change (the documents that were there before) leads back to an equal Model. An
// entity that did not change keeps its pointer, and a row of edges its slice. The Merger keeps the same parts of documents
// as [Merge].
func (m *Merger) Apply(remove []DocumentID, put iter.Seq[*Document]) *ModelChange {
	for _, id := range remove {
		m.removeDocument(id)
	}
	for document := range put {
		m.removeDocument(document.ID)
		m.addDocument(document)
	}
	m.elect()
	m.identify()
	return m.renew()
}

// renew makes anew what is marked, and forgets what is no longer mentioned.
func (m *Merger) renew() *ModelChange {
	change := &ModelChange{}
	slices.SortFunc(m.touched, func(a, b int32) int { return cmp.Compare(m.refs.at(a).ref, m.refs.at(b).ref) })
	for i, id := range m.touched {
		m.refs.at(id).order = int32(i) + 1
	}
	c := combiner{Merger: m}
	for _, id := range m.touched {
		r := m.refs.at(id)
		if r.marks&markEntity != 0 {
			if e := m.entity(r); !equalEntities(r.entity, e) {
				r.entity = e
				change.Entities = append(change.Entities, EntityChange{r.ref, e})
			}
			r.shareDescriptor()
		}
		if r.marks&markRow != 0 {
			c.row(id)
		}
	}
	c.coverRows()
	change.Edges = c.changed
	slices.SortFunc(change.Edges, func(a, b EdgesChange) int { return cmp.Compare(a.From, b.From) })
	change.Problems, change.Mended, change.Moved = m.problems.change()
	for _, id := range m.touched {
		m.refs.at(id).marks, m.refs.at(id).order = 0, 0
		m.forgetRef(id)
	}
	m.touched, m.changed, m.unsettled = emptied(m.touched), emptied(m.changed), emptied(m.unsettled)
	return change
}

// emptied keeps room for a few, not for as many as the largest change had.
func emptied(list []int32) []int32 {
	if cap(list) > 1024 {
		return nil
	}
	return list[:0]
}

// Model is the present one as a whole. It takes time in the size of the catalog.
func (m *Merger) Model() *Model {
	var present []*refRecord
	count := 0
	for id := range m.refs.length {
		if r := m.refs.at(id); r.entity != nil {
			present = append(present, r)
			count += len(r.row)
		}
	}
	slices.SortFunc(present, func(a, b *refRecord) int { return cmp.Compare(a.ref, b.ref) })
	model := &Model{
		Entities: slices.Grow([]*Entity(nil), len(present)), Edges: slices.Grow([]Edge(nil), count), Problems: m.problems.all(),
	}
	for _, r := range present {
		start := len(model.Edges)
		model.Entities, model.Edges = append(model.Entities, r.entity), append(model.Edges, r.row...)
		if len(r.row) > 0 {
			r.row = slices.Clip(model.Edges[start:]) // so that the edges are in memory once
		}
	}
	return model
}
