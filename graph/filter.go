package graph

import (
	"iter"

	"github.com/orrery-catalog/orrery/catalog"
)

// Filter chooses what counts. The zero value counts every kind of evidence, leaves stale traffic out and looks at
// production.
//
// A need counts when any of its evidence is chosen and it holds in the environment. A member of an any-of group that
// another environment has is no member; one that only lacks chosen evidence stays and counts NONE.
type Filter struct {
	Evidence catalog.EvidenceSet // 0 = all
	// IncludeStale also counts traffic that was not seen for long. What a file or cluster said before it could no longer be
	// read counts anyway: the last good data stands.
	IncludeStale bool
	Environment  string // "" = production
	// Behaves takes the strength that traffic in the environment tells in place of the declared one, wherever it tells one.
	// See [Snapshot.Behaves].
	Behaves bool
	// Add and Remove change the graph for this question only: dependsOn edges to add (missing ends appear as placeholders)
	// and pairs of ends between which no need is left (a member taken away so is no member). Remove comes first.
	Add    []WhatIfEdge
	Remove []WhatIfPair
}

// WhatIfEdge is an assumed dependency.
type WhatIfEdge struct {
	From, To catalog.Ref
	Strength catalog.Strength // Unstated = Hard
	AnyOf    string           // a group of From that is stated already is joined
}

// WhatIfPair names two ends.
type WhatIfPair struct{ From, To catalog.Ref }

// view is the graph as one question sees it.
type view struct {
	*Snapshot        // with what is assumed
	chosen    attr   // kinds of evidence of which a need must have one, as bits of attr
	env       uint32 // number of the environment
}

func (s *Snapshot) view(filter Filter) *view {
	v := &view{Snapshot: s, env: envProduction}
	evidence := attr(filter.Evidence & catalog.AllEvidence)
	if filter.Evidence == 0 {
		evidence = attr(catalog.AllEvidence)
	}
	v.chosen = evidence << attrFreshShift
	if filter.IncludeStale {
		v.chosen = evidence << attrKindsShift
	}
	if filter.Environment != "" {
		env, ok := s.environments[filter.Environment]
		if !ok {
			env = uint32(len(s.environments)) // of no need
		}
		v.env = env
	}
	if filter.Behaves {
		v.Snapshot = s.behaves(filter.Environment)
	}
	if len(filter.Add) > 0 || len(filter.Remove) > 0 {
		v.Snapshot = v.assume(filter)
	}
	return v
}

// counts says whether a need is part of the question.
func (v *view) counts(a attr) bool {
	env := a.environment()
	return a&v.chosen != 0 && (env == envEvery || env == v.env)
}

// visible says whether the environment has the need, whether it counts or not.
func (v *view) visible(a attr) bool {
	env := a.environment()
	return env == envEvery || env == v.env
}

// needsOf is the row of needs of a.
func (s *Snapshot) needsOf(a node) []outNeed { return *s.out.at(a) }

// needsTo is the row of needs to b.
func (s *Snapshot) needsTo(b node) []inNeed { return *s.in.at(b) }

func (s *Snapshot) group(number int32) *group { return *s.groups.at(number) }

// size is the number of different members of a group.
func (v *view) size(number int32) int32 {
	if v.env == envProduction {
		return *v.sizes.at(number)
	}
	return v.group(number).sizeIn(v.env)
}

func (s *Snapshot) tier(a node) int { return int(s.facts.at(a).tier) }

// step is a need of one entity that counts, with hubs stepped over.
type step struct {
	from, to node
	need     outNeed  // of from; where via is set, its need of the hub
	via      node     // the topic; -1 = none
	producer relation // with via: the producer's relation to the topic
}

// steps yields the needs of an entity that count: direct ones by target, group name and origin, then those by way of
// topics, by topic and producer. A relation to itself is left out: it carries no failure.
func (v *view) steps(a node) iter.Seq[step] {
	return func(yield func(step) bool) {
		lastHub, last := node(-1), outNeed{to: -1}
		for _, need := range v.needsOf(a) {
			if !v.counts(need.attr) {
				continue
			}
			if need.attr&attrToHub == 0 {
				if need.to == last.to && need.edge == last.edge {
					continue // the same relation, seen in an environment
				}
				last = need
				if !yield(v.stepOf(a, need)) {
					return
				}
				continue
			}
			if need.to == lastHub {
				continue
			}
			lastHub = need.to
			lastProducer := node(-1)
			for _, producer := range v.needsOf(need.to) {
				if producer.to == a || producer.to == lastProducer || !v.counts(producer.attr) {
					continue
				}
				lastProducer = producer.to
				s := step{from: a, to: producer.to, need: need, via: v.topic(need.to), producer: producer.edge}
				if !yield(s) {
					return
				}
			}
		}
	}
}

// stepOf is the step along a need that ends at an entity.
func (v *view) stepOf(a node, need outNeed) step {
	s := step{from: a, to: need.to, need: need, via: -1}
	if need.edge < 0 { // what-if has made a need by way of a topic explicit
		via := v.vias[^need.edge]
		s.need.edge, s.via, s.producer = via.consumer, via.topic, via.producer
	}
	return s
}

// sources yields the other entities with a need of b that counts; one may come more than once.
func (v *view) sources(b node) iter.Seq[node] {
	return func(yield func(node) bool) {
		for _, need := range v.needsTo(b) {
			if !v.counts(need.attr) {
				continue
			}
			if need.attr&attrHub == 0 {
				if !yield(need.from) {
					return
				}
				continue
			}
			for _, consumer := range v.needsTo(need.from) {
				if consumer.from != b && v.counts(consumer.attr) && !yield(consumer.from) {
					return
				}
			}
		}
	}
}

// needOf tells a step to people.
func (v *view) needOf(s step) Need {
	need := Need{
		From: v.ref(s.from), To: v.ref(s.to), Strength: s.need.attr.strength(), Edge: v.edge(s.from, s.to, s.need.edge),
	}
	if s.need.group != noGroup {
		need.AnyOf = v.group(s.need.group).name
	}
	if s.via >= 0 {
		need.Via, need.Producer = v.ref(s.via), v.edge(s.from, s.to, s.producer)
	}
	return need
}

func (s *Snapshot) isHub(a node) bool { return s.kind(a) == kindHub }

// topic of a hub.
func (s *Snapshot) topic(hub node) node { return s.facts.at(hub).topic.of }
