package graph

import (
	"errors"
	"iter"
	"slices"
	"sort"
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
// nothing they return may be changed.
type Snapshot struct {
	revision Revision
	time     time.Time
	model    *catalog.Model
	sources  []Source

	nodes             map[catalog.Ref]node
	relStart          []int32 // relations from entity a are model.Edges[relStart[a]:relStart[a+1]]
	relInStart, relIn []int32 // relations to b are model.Edges[i] for each i of relIn[relInStart[b]:relInStart[b+1]]
	owners            []node  // the owner of each entity; -1 = none
	kinds             []kind  // of each entity
	tiers             []uint8 // of each entity; 0 = none
	problems          map[catalog.Ref][]int32
	needs             needGraph
	names             func() *nameIndex // made when somebody first asks
	scratch           *sync.Pool        // of *scratch
	index             *indexSlot
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
	model := input.Model
	if model == nil {
		model = &catalog.Model{}
	}
	s := &Snapshot{
		revision: input.Revision, time: input.Time, model: model, sources: input.Sources,
		nodes:    make(map[catalog.Ref]node, len(model.Entities)),
		owners:   make([]node, len(model.Entities)),
		kinds:    make([]kind, len(model.Entities)),
		tiers:    make([]uint8, len(model.Entities)),
		problems: map[catalog.Ref][]int32{},
		scratch:  &sync.Pool{New: func() any { return &scratch{} }},
	}
	for i, entity := range model.Entities {
		s.nodes[entity.Ref] = node(i)
		s.kinds[i], s.tiers[i] = kindOf(entity.Ref), uint8(entity.Tier())
	}
	for i, entity := range model.Entities {
		s.owners[i] = -1
		if owner, ok := s.nodes[entity.Owner]; ok && entity.Owner != "" {
			s.owners[i] = owner
		}
	}
	for i := range model.Problems {
		if ref := model.Problems[i].Ref; ref != "" {
			s.problems[ref] = append(s.problems[ref], int32(i))
		}
	}
	from, to := s.indexRelations()
	s.deriveNeeds(from, to)
	s.names = sync.OnceValue(s.indexNames)
	s.index = &indexSlot{snapshot: s}
	return s
}

// indexRelations finds the rows of relations both ways, and returns the ends of each relation (-1 = no such entity).
func (s *Snapshot) indexRelations() (from, to []node) {
	edges, count := s.model.Edges, len(s.model.Entities)
	from, to = make([]node, len(edges)), make([]node, len(edges))
	s.relStart, s.relInStart = make([]int32, count+1), make([]int32, count+1)
	a := node(-1)
	for i := range edges {
		if a < 0 || s.model.Entities[a].Ref != edges[i].From {
			a = s.find(edges[i].From)
		}
		from[i], to[i] = a, s.find(edges[i].To)
		if a >= 0 {
			s.relStart[a+1]++
		}
		if to[i] >= 0 {
			s.relInStart[to[i]+1]++
		}
	}
	sum(s.relStart)
	sum(s.relInStart)
	s.relIn = make([]int32, s.relInStart[count])
	next := slices.Clone(s.relInStart)
	for i, b := range to {
		if b >= 0 {
			s.relIn[next[b]] = int32(i)
			next[b]++
		}
	}
	return from, to
}

// find is the node of an entity, or -1.
func (s *Snapshot) find(ref catalog.Ref) node {
	if a, ok := s.nodes[ref]; ok {
		return a
	}
	return -1
}

// Revision is the revision the snapshot shows.
func (s *Snapshot) Revision() Revision { return s.revision }

// Time is when the revision was made.
func (s *Snapshot) Time() time.Time { return s.time }

// Sources are the configured sources, sorted by ID.
func (s *Snapshot) Sources() []Source { return s.sources }

// Len is the number of entities, placeholders included.
func (s *Snapshot) Len() int { return len(s.model.Entities) }

// Entity finds an entity or placeholder. The error is a *NotFoundError.
func (s *Snapshot) Entity(ref catalog.Ref) (*catalog.Entity, error) {
	a := s.find(ref)
	if a < 0 {
		return nil, s.notFound(string(ref))
	}
	return s.model.Entities[a], nil
}

// Entities yields the entities whose Ref is greater than after, in the order of Ref.
func (s *Snapshot) Entities(after catalog.Ref) iter.Seq[*catalog.Entity] {
	return func(yield func(*catalog.Entity) bool) {
		entities := s.model.Entities
		first := sort.Search(len(entities), func(i int) bool { return entities[i].Ref > after })
		for _, entity := range entities[first:] {
			if !yield(entity) {
				return
			}
		}
	}
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
		for i := s.relStart[a]; i < s.relStart[a+1]; i++ {
			if !yield(&s.model.Edges[i]) {
				return
			}
		}
	}
	in = func(yield func(*catalog.Edge) bool) {
		for _, i := range s.relIn[s.relInStart[a]:s.relInStart[a+1]] {
			if !yield(&s.model.Edges[i]) {
				return
			}
		}
	}
	return out, in
}

// Edges yields all merged edges in the order of the Model.
func (s *Snapshot) Edges() iter.Seq[*catalog.Edge] {
	return func(yield func(*catalog.Edge) bool) {
		for i := range s.model.Edges {
			if !yield(&s.model.Edges[i]) {
				return
			}
		}
	}
}

// Problems yields the problems of one entity, or all of them for "".
func (s *Snapshot) Problems(ref catalog.Ref) iter.Seq[*catalog.Problem] {
	return func(yield func(*catalog.Problem) bool) {
		if ref != "" {
			for _, i := range s.problems[ref] {
				if !yield(&s.model.Problems[i]) {
					return
				}
			}
			return
		}
		for i := range s.model.Problems {
			if !yield(&s.model.Problems[i]) {
				return
			}
		}
	}
}
