package graph

import (
	"slices"
	"sync"

	"github.com/orrery-catalog/orrery/catalog"
)

// Reach is the observed reach of a failure: which part of the requests that began at an entry point, or at the entry points
// among the steps of a journey, touched something that failed, directly or not.
type Reach struct {
	// Requests began there, of all hours that are kept, corrected for sampling.
	Requests float64
	// AtLeast is the least share of them that touched what failed, from 0 to 1: the greatest share that touched any one of
	// it. AtMost is the greatest that is possible, where no request touched two of it; it is AtLeast where one thing with one
	// name failed.
	AtLeast, AtMost float64
}

// EntryPoints are the impacted entry points: entities at which requests begin. Worst first, then by Ref.
func (b *Blast) EntryPoints() []Hit {
	return b.hits(func(a node) bool { return b.view.entity(a).Entry == catalog.EntryPoint })
}

// ObservedReach is the reach at what is hit: an entry point, or a journey, whose steps weigh by their requests; nil where
// nothing of it was traced, or nothing of what failed was ever seen in traffic.
func (h *Hit) ObservedReach() *Reach { return h.blast.reach(h.Entity) }

// ObservedReach is as of [Hit].
func (i *Impacted) ObservedReach() *Reach { return i.blast.reach(i.Entity) }

// touched are the names by which traffic knows what failed.
type touched struct {
	once     sync.Once
	entities []*catalog.Entity // of those that traffic knows
	unknown  bool              // there are others, besides wholes, which fail by their parts
}

func (b *Blast) reach(e *catalog.Entity) *Reach {
	numbers := b.view.traffic
	if numbers == nil {
		return nil
	}
	b.touched.once.Do(b.findTouched)
	if len(b.touched.entities) == 0 {
		return nil
	}
	var sum, least, most float64
	for _, entry := range b.entriesOf(e) {
		requests, atLeast, atMost := b.reachFrom(entry)
		sum += requests
		least += requests * atLeast
		most += requests * atMost
	}
	if sum <= 0 {
		return nil
	}
	return &Reach{Requests: sum, AtLeast: least / sum, AtMost: most / sum}
}

// entriesOf are the entry points that a journey begins at, or else the entity itself.
func (b *Blast) entriesOf(e *catalog.Entity) []*catalog.Entity {
	if e.Ref.Kind() != "journey" {
		return []*catalog.Entity{e}
	}
	var entries []*catalog.Entity
	a := b.view.find(e.Ref)
	last := node(-1)
	for step := range b.view.steps(a) {
		if entity := b.view.entity(step.to); step.to != last && entity.Entry == catalog.EntryPoint {
			entries = append(entries, entity)
		}
		last = step.to
	}
	return entries
}

// reachFrom is how many requests began at an entry point, and which share of them touched what failed.
func (b *Blast) reachFrom(entry *catalog.Entity) (requests, atLeast, atMost float64) {
	numbers, environment := b.view.traffic, b.environment
	for i := range entry.Aliases {
		if service := numbers.Service(environment, entry.Aliases[i].Alias); service != nil {
			requests += service.Entries
		}
	}
	if requests <= 0 {
		return 0, 0, 0
	}
	if b.touched.unknown {
		atMost = 1
	}
	for _, failed := range b.touched.entities {
		if failed == entry {
			return requests, 1, 1
		}
		for i := range failed.Aliases {
			touched := 0.0
			for j := range entry.Aliases {
				touched += numbers.Reach(environment, entry.Aliases[j].Alias, failed.Aliases[i].Alias)
			}
			atLeast = max(atLeast, min(touched/requests, 1))
			atMost = min(atMost+touched/requests, 1)
		}
	}
	return requests, atLeast, max(atLeast, atMost)
}

// findTouched finds which of the failed entities traffic knows.
func (b *Blast) findTouched() {
	for _, failed := range b.failed {
		switch {
		case b.view.isInTraffic(failed.Entity, b.environment):
			b.touched.entities = append(b.touched.entities, failed.Entity)
		case !b.view.kind(b.view.find(failed.Entity.Ref)).isWhole():
			b.touched.unknown = true
		}
	}
}

// isInTraffic says whether anything was counted of an entity: of itself, or of what it calls or is called by.
func (s *Snapshot) isInTraffic(e *catalog.Entity, environment string) bool {
	isService := func(known catalog.EntityAlias) bool { return s.traffic.Service(environment, known.Alias) != nil }
	if slices.ContainsFunc(e.Aliases, isService) {
		return true
	}
	a := s.find(e.Ref)
	if slices.ContainsFunc(s.relations.at(a).out, func(edge catalog.Edge) bool { return hasFlow(&edge) }) {
		return true
	}
	for edge := range s.relationsTo(a) {
		if hasFlow(edge) {
			return true
		}
	}
	return false
}
