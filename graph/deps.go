package graph

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
)

// Direction of a walk over needs.
type Direction uint8

// The directions.
const (
	Needs    Direction = iota // what does A need
	NeededBy                  // who needs A
)

// DepsOptions narrows [Snapshot.Deps].
type DepsOptions struct {
	Filter    Filter
	Direction Direction
	Depth     int      // 0 = no limit, 1 = direct only
	Kinds     []string // any case; only entities of these kinds are listed (the walk passes through all); none = all
}

// Deps is the answer to "what does A need" or "who needs A".
type Deps struct {
	Ref      catalog.Ref
	Edges    []Need    // walked edges, by From, To, AnyOf, Via; with Kinds only those that end at a listed entity
	Entities []Reached // by distance, then Ref; without Ref itself
}

// Reached is an entity with its distance in edges.
type Reached struct {
	Entity   *catalog.Entity
	Distance int
}

// Deps walks the needs of an entity. With [NeededBy] an edge ends, for Kinds, at the entity that has the need. A relation
// of an entity to itself carries no failure and is left out. The error is a *NotFoundError.
func (s *Snapshot) Deps(ref catalog.Ref, options DepsOptions) (*Deps, error) {
	v := s.view(options.Filter)
	start := v.find(ref)
	if start < 0 {
		return nil, s.notFound(string(ref))
	}
	w := v.borrow()
	defer v.giveBack(w)
	var steps []step
	listed := kindFilter(options.Kinds)
	w.state[start] = atDistance(0)
	w.queue = append(w.queue, start)
	for i := 0; i < len(w.queue); i++ {
		a := w.queue[i]
		d := w.state[a].distance()
		if options.Depth > 0 && d >= options.Depth {
			break
		}
		visit := func(b node) {
			if w.state[b] == 0 {
				w.state[b] = atDistance(d + 1)
				w.queue = append(w.queue, b)
			}
		}
		if options.Direction == Needs {
			for step := range v.steps(a) {
				visit(step.to)
				if listed(v.ref(step.to)) && (step.to != start || len(options.Kinds) == 0) {
					steps = append(steps, step)
				}
			}
			continue
		}
		for _, from := range v.distinctSources(a) {
			visit(from)
			if listed(v.ref(from)) && (from != start || len(options.Kinds) == 0) {
				steps = v.appendStepsBetween(steps, from, a)
			}
		}
	}
	deps := &Deps{Ref: ref, Edges: v.tell(steps), Entities: make([]Reached, 0, len(w.queue)-1)}
	for _, a := range w.queue[1:] {
		if listed(v.ref(a)) {
			deps.Entities = append(deps.Entities, Reached{Entity: v.entity(a), Distance: w.state[a].distance()})
		}
	}
	slices.SortFunc(deps.Entities, func(x, y Reached) int {
		return cmp.Or(cmp.Compare(x.Distance, y.Distance), cmp.Compare(x.Entity.Ref, y.Entity.Ref))
	})
	return deps, nil
}

// distinctSources lists the entities with a need of b that counts, in no order.
func (v *view) distinctSources(b node) []node {
	var sources []node
	for a := range v.sources(b) {
		sources = append(sources, a)
	}
	slices.Sort(sources)
	return slices.Compact(sources)
}

// noRelation is no place of a relation, and of no explicit need by way of a topic.
const noRelation relation = math.MinInt32

// appendStepsBetween appends the needs of a that count and end at b.
func (v *view) appendStepsBetween(steps []step, a, b node) []step {
	row := v.needsOf(a)
	first, _ := slices.BinarySearchFunc(row, b, func(need outNeed, b node) int {
		if need.attr&attrToHub != 0 {
			return 1
		}
		return v.compare(need.to, b)
	})
	last := noRelation
	for _, need := range row[first:] {
		if need.to != b {
			break
		}
		if v.counts(need.attr) && need.edge != last { // else the same relation, seen in an environment
			last = need.edge
			steps = append(steps, v.stepOf(a, need))
		}
	}
	lastHub := node(-1)
	for i := len(row) - 1; i >= 0 && row[i].attr&attrToHub != 0; i-- {
		hub := row[i].to
		if hub == lastHub {
			continue
		}
		lastHub = hub
		if s, ok := v.stepVia(a, b, hub); ok {
			steps = append(steps, s)
		}
	}
	return steps
}

// stepVia is the need of a for b by way of a hub, if there is one that counts.
func (v *view) stepVia(a, b, hub node) (step, bool) {
	var found step
	consumer := slices.IndexFunc(v.needsOf(a), func(need outNeed) bool { return need.to == hub && v.counts(need.attr) })
	if consumer < 0 {
		return found, false
	}
	producers := v.needsOf(hub)
	first, _ := slices.BinarySearchFunc(producers, b, func(need outNeed, b node) int { return v.compare(need.to, b) })
	for _, producer := range producers[first:] {
		if producer.to != b {
			break
		}
		if v.counts(producer.attr) {
			return step{from: a, to: b, need: v.needsOf(a)[consumer], via: v.topic(hub), producer: producer.edge}, true
		}
	}
	return found, false
}

// tell tells steps to people, by From, To, AnyOf, Via and then the order of the relations.
func (v *view) tell(steps []step) []Need {
	slices.SortFunc(steps, func(x, y step) int {
		if c := v.compare(x.from, y.from); c != 0 {
			return c
		}
		if c := v.compareSteps(x, y); c != 0 {
			return c
		}
		return cmp.Compare(x.need.edge, y.need.edge)
	})
	needs := make([]Need, len(steps))
	for i, s := range steps {
		needs[i] = v.needOf(s)
	}
	return needs
}

// compareSteps orders the needs of one entity: by target; to one target a plain need before one in a group, by group name,
// and a direct one before one by way of a topic.
func (v *view) compareSteps(x, y step) int {
	if c := v.compare(x.to, y.to); c != 0 {
		return c
	}
	if c := strings.Compare(v.groupName(x), v.groupName(y)); c != 0 {
		return c
	}
	if x.via < 0 || y.via < 0 {
		return cmp.Compare(x.via, y.via)
	}
	return v.compare(x.via, y.via)
}

func (v *view) groupName(s step) string {
	if s.need.group == noGroup {
		return ""
	}
	return v.group(s.need.group).name
}

// kindFilter says whether an entity is of one of the kinds; every entity is of no kinds at all.
func kindFilter(kinds []string) func(catalog.Ref) bool {
	if len(kinds) == 0 {
		return func(catalog.Ref) bool { return true }
	}
	wanted := map[string]bool{}
	for _, kind := range kinds {
		wanted[strings.ToLower(kind)] = true
	}
	return func(ref catalog.Ref) bool { return wanted[ref.Kind()] }
}
