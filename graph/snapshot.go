package graph

import (
	"cmp"
	"errors"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
)

// ErrNotFound says that an entity is not in the snapshot, not even as a placeholder. See [NotFoundError].
var ErrNotFound = errors.New("not in the catalog")

// NotFoundError names the missing entity and what the asker may have meant. It wraps [ErrNotFound].
type NotFoundError struct {
	Ref        catalog.Ref   // as asked for; after [Snapshot.Resolve] what was typed, maybe no complete Ref
	Candidates []catalog.Ref // same name or nearly, best first, at most 5
}

func (e *NotFoundError) Error() string { return string(e.Ref) + " is not in the catalog" }

// Unwrap makes errors.Is(err, ErrNotFound) true.
func (e *NotFoundError) Unwrap() error { return ErrNotFound }

// Snapshot is the whole graph at one revision, immutable, in memory. All methods may be called from many goroutines, and
// nothing they return may be changed. Snapshots made from one another by [Snapshot.Apply] share all that is the same.
type Snapshot struct {
	revision Revision
	time     time.Time
	sources  []Source

	// Nodes below end are in the tables; those on the list of unused ones stand for nothing.
	end       node
	unused    *unused
	refs      refMap // of entities
	absent    refMap // of ends of relations that are no entities
	facts     pages[facts]
	places    pages[place]
	relations pages[relations]
	needGraph

	orders
	names
	scratch *sync.Pool // of *scratch
	index   *indexSlot
	forking *sync.Mutex // held while an edit takes its copies of the trees
	traffic Traffic     // nil = there are no numbers

	behaving *behaving
}

// facts are what is known of a node but for its edges.
type facts struct {
	entity *catalog.Entity // nil of hubs, of further groups, and of what is no entity
	topic  *topic          // of what is published or consumed, and of the hub for it
	owner  node            // whom the entity names, entity or not; -1 = nobody
	owns   int32           // how many entities name this one
	kind   kind
	tier   uint8 // 0 = none
}

// relations are the merged edges of an entity.
type relations struct {
	out []catalog.Edge // sorted by To, Type, Environment; shared with the Model or its change
	in  []node         // whose rows lead here, each once, in the order of Ref
}

// unused is a list of nodes that stand for nothing.
type unused struct {
	a    node
	next *unused
}

// Input is what a Snapshot is built from. The Snapshot keeps and shares all of it.
type Input struct {
	Revision Revision
	Time     time.Time // of the revision
	Model    *catalog.Model
	Sources  []Source // sorted by ID
}

// Build makes the Snapshot of a merged catalog.
func Build(input Input) *Snapshot {
	change := &catalog.ModelChange{}
	if model := input.Model; model != nil {
		change.Entities = make([]catalog.EntityChange, len(model.Entities))
		for i, entity := range model.Entities {
			change.Entities[i] = catalog.EntityChange{Ref: entity.Ref, Entity: entity}
		}
		for i := 0; i < len(model.Edges); {
			end := i + 1
			for end < len(model.Edges) && model.Edges[end].From == model.Edges[i].From {
				end++
			}
			change.Edges = append(change.Edges, catalog.EdgesChange{From: model.Edges[i].From, Edges: model.Edges[i:end:end]})
			i = end
		}
		change.Problems = model.Problems
	}
	return newSnapshot().Apply(change, input.Revision, input.Time, input.Sources)
}

// newSnapshot is one of nothing.
func newSnapshot() *Snapshot {
	s := &Snapshot{
		refs: newRefMap(), absent: newRefMap(), needGraph: newNeedGraph(), orders: newOrders(), names: newNames(),
		scratch: &sync.Pool{New: func() any { return &scratch{} }}, forking: &sync.Mutex{}, behaving: &behaving{},
	}
	s.index = &indexSlot{snapshot: s}
	return s
}

// find is the node of an entity, or -1.
func (s *Snapshot) find(ref catalog.Ref) node { return s.refs.find(ref) }

// entity of a node; nil where there is none.
func (s *Snapshot) entity(a node) *catalog.Entity { return s.facts.at(a).entity }

// entityAt is the entity of a node that a later snapshot may have, and s not yet.
func (s *Snapshot) entityAt(a node) *catalog.Entity {
	if a >= s.end {
		return nil
	}
	return s.entity(a)
}

func (s *Snapshot) ref(a node) catalog.Ref { return s.entity(a).Ref }

func (s *Snapshot) kind(a node) kind { return s.facts.at(a).kind }

// compare orders entities by Ref.
func (s *Snapshot) compare(a, b node) int { return cmp.Compare(*s.places.at(a), *s.places.at(b)) }

// owner is the entity that owns another; -1 where there is none.
func (s *Snapshot) owner(a node) node {
	if owner := s.facts.at(a).owner; owner >= 0 && s.entity(owner) != nil {
		return owner
	}
	return -1
}

// Revision is the revision the snapshot shows.
func (s *Snapshot) Revision() Revision { return s.revision }

// Time is when the revision was made.
func (s *Snapshot) Time() time.Time { return s.time }

// WithTraffic is the same graph at the same revision with other numbers beside it; nil takes them away. It shares
// everything else with s, and costs a copy of a few words. [Snapshot.Apply] keeps the numbers.
func (s *Snapshot) WithTraffic(t Traffic) *Snapshot {
	other := *s
	other.traffic, other.behaving = t, &behaving{}
	return &other
}

// IsSameGraph says whether two snapshots show the same revision of the same graph, whatever was counted beside it.
func (s *Snapshot) IsSameGraph(other *Snapshot) bool {
	return s.index == other.index && s.revision == other.revision
}

// Traffic is what was counted beside the graph; nil where nothing was, as for a past state.
func (s *Snapshot) Traffic() Traffic { return s.traffic }

// Sources are the configured sources, sorted by ID.
func (s *Snapshot) Sources() []Source { return s.sources }

// Len is the number of entities, placeholders included.
func (s *Snapshot) Len() int { return s.byRef.Len() }

// Entity finds an entity or placeholder. The error is a *NotFoundError.
func (s *Snapshot) Entity(ref catalog.Ref) (*catalog.Entity, error) {
	a := s.find(ref)
	if a < 0 {
		return nil, s.notFound(string(ref))
	}
	return s.entity(a), nil
}

// Relations yields the merged edges of an entity: outgoing, then incoming, each in the order of the Model. They are the
// relations as stated; what follows from them for failures is a [Need], which [Snapshot.Deps] lists.
func (s *Snapshot) Relations(ref catalog.Ref) (out, in iter.Seq[*catalog.Edge]) {
	a := s.find(ref)
	if a < 0 {
		nothing := func(func(*catalog.Edge) bool) {}
		return nothing, nothing
	}
	out = func(yield func(*catalog.Edge) bool) {
		row := s.relations.at(a).out
		for i := range row {
			if !yield(&row[i]) {
				return
			}
		}
	}
	return out, s.relationsTo(a)
}

// relationsTo yields the relations that lead to an entity.
func (s *Snapshot) relationsTo(a node) iter.Seq[*catalog.Edge] {
	return func(yield func(*catalog.Edge) bool) {
		ref := s.ref(a)
		for _, source := range s.relations.at(a).in {
			row := s.relations.at(source).out
			i, _ := slices.BinarySearchFunc(row, ref, compareTo)
			for ; i < len(row) && row[i].To == ref; i++ {
				if !yield(&row[i]) {
					return
				}
			}
		}
	}
}

func compareTo(edge catalog.Edge, ref catalog.Ref) int { return cmp.Compare(edge.To, ref) }

// Edges yields all merged edges in the order of the Model.
func (s *Snapshot) Edges() iter.Seq[*catalog.Edge] {
	return func(yield func(*catalog.Edge) bool) {
		for entity := range s.Entities("") {
			row := s.relations.at(s.find(entity.Ref)).out
			for i := range row {
				if !yield(&row[i]) {
					return
				}
			}
		}
	}
}
