package graph

import (
	"cmp"
	"slices"
	"sync"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/traffic"
)

// Behaves is the strength of a relation that its traffic tells, over all flows that are evidence of it: Unstated where too
// few calls failed, or the truth is between. What is declared stands beside it.
func (s *Snapshot) Behaves(edge *catalog.Edge) catalog.Strength {
	if s.traffic == nil || !isCall(edge) {
		return catalog.Unstated
	}
	return s.behavesBy(edge, func(*catalog.Evidence) bool { return true })
}

func (s *Snapshot) behavesBy(edge *catalog.Edge, counts func(*catalog.Evidence) bool) catalog.Strength {
	var together traffic.Together
	for i := range edge.Evidence {
		e := &edge.Evidence[i]
		if e.Flow == 0 || !counts(e) || isFlowIn(edge.Evidence[:i], e, counts) {
			continue
		}
		if flow := s.flow(e); flow != nil {
			together.Merge(flow.Together)
		}
	}
	return together.Behaves()
}

// isFlowIn says whether a flow is in a list already: several files may have told of it.
func isFlowIn(list []catalog.Evidence, e *catalog.Evidence, counts func(*catalog.Evidence) bool) bool {
	return slices.ContainsFunc(list, func(other catalog.Evidence) bool {
		return other.Flow == e.Flow && other.Origin.Source == e.Origin.Source && counts(&other)
	})
}

// behaving are the snapshots in which needs have the strength that traffic tells, by environment: made when they are first
// asked for, in time in the size of the graph.
type behaving struct {
	mu    sync.Mutex
	known map[string]*Snapshot
}

// maxBehaving bounds the environments that are kept: production, and one more.
const maxBehaving = 2

// behaves is the same graph with the strengths that the traffic of an environment tells, where it tells one.
func (s *Snapshot) behaves(environment string) *Snapshot {
	if s.traffic == nil {
		return s
	}
	environment = cmp.Or(environment, ProductionEnvironment)
	s.behaving.mu.Lock()
	defer s.behaving.mu.Unlock()
	if known := s.behaving.known[environment]; known != nil {
		return known
	}
	for other := range s.behaving.known {
		if len(s.behaving.known) >= maxBehaving && other != ProductionEnvironment {
			delete(s.behaving.known, other)
		}
	}
	if s.behaving.known == nil {
		s.behaving.known = map[string]*Snapshot{}
	}
	made := s.makeBehaving(environment)
	s.behaving.known[environment] = made
	return made
}

// makeBehaving changes the needs that a relation gives its own source. Those that follow from it the other way round, or by
// a topic, are no calls of anybody.
func (s *Snapshot) makeBehaving(environment string) *Snapshot {
	e := s.edit()
	isHere := func(evidence *catalog.Evidence) bool {
		return evidence.Origin.Environment == "" || evidence.Origin.Environment == environment
	}
	for a := range s.end {
		row := s.relations.at(a).out
		var learned map[relation]catalog.Strength
		for i := range row {
			if !isCall(&row[i]) || !hasFlow(&row[i]) {
				continue
			}
			if strength := s.behavesBy(&row[i], isHere); strength != catalog.Unstated && strength != strengthOf(&row[i]) {
				if learned == nil {
					learned = map[relation]catalog.Strength{}
				}
				learned[relationAt(i)] = strength
			}
		}
		if learned == nil {
			continue
		}
		needs := slices.Clone(s.needsOf(a))
		for i := range needs {
			if strength, ok := learned[needs[i].edge]; ok && needs[i].attr&attrToHub == 0 {
				needs[i].attr = needs[i].attr&^attrStrength | attr(strength)
			}
		}
		e.setRow(a, needs, nil)
	}
	e.flush()
	return e.Snapshot
}

func hasFlow(edge *catalog.Edge) bool {
	return slices.ContainsFunc(edge.Evidence, func(e catalog.Evidence) bool { return e.Flow != 0 })
}
