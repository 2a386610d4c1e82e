package graph

import (
	"cmp"
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
	*Snapshot
	chosen  attr   // kinds of evidence of which a need must have one, as bits of attr
	env     uint32 // number of the environment
	overlay *overlay
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
		env, ok := s.needs.environments[filter.Environment]
		if !ok {
			env = uint32(len(s.needs.environments)) // of no need
		}
		v.env = env
	}
	if len(filter.Add) > 0 || len(filter.Remove) > 0 {
		v.overlay = newOverlay(v, filter)
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

// out is the row of needs of a.
func (v *view) out(a node) []outNeed {
	if v.overlay != nil {
		if row, ok := v.overlay.out[a]; ok {
			return row
		}
		if int(a) >= v.hubEnd() {
			return nil
		}
	}
	g := &v.needs
	return g.out[g.outStart[a]:g.outStart[a+1]]
}

// in is the row of needs to b, with the group of each.
func (v *view) in(b node) (needs []inNeed, groups []int32) {
	if v.overlay != nil {
		if row, ok := v.overlay.in[b]; ok {
			return row.needs, row.groups
		}
		if int(b) >= v.hubEnd() {
			return nil, nil
		}
	}
	g := &v.needs
	from, to := g.inStart[b], g.inStart[b+1]
	return g.in[from:to], g.inGroup[from:to]
}

// nodeCount is one more than the greatest node.
func (v *view) nodeCount() int {
	if v.overlay != nil {
		return v.hubEnd() + len(v.overlay.entities)
	}
	return v.hubEnd()
}

func (v *view) groupCount() int {
	if v.overlay != nil {
		return len(v.needs.groups) + len(v.overlay.groups)
	}
	return len(v.needs.groups)
}

func (v *view) group(number int32) *group {
	if i := int(number) - len(v.needs.groups); i >= 0 {
		return &v.overlay.groups[i]
	}
	return &v.needs.groups[number]
}

// size is the number of different members of a group.
func (v *view) size(number int32) int32 {
	if v.overlay != nil {
		if size, ok := v.overlay.sizes[number]; ok {
			return size
		}
	}
	return v.needs.sizeOf(number, v.env)
}

// find is the node of an entity, or -1.
func (v *view) find(ref catalog.Ref) node {
	if a, ok := v.nodes[ref]; ok {
		return a
	}
	if v.overlay != nil {
		if a, ok := v.overlay.index[ref]; ok {
			return a
		}
	}
	return -1
}

// entity of a node that is no hub.
func (v *view) entity(a node) *catalog.Entity {
	if i := int(a) - v.hubEnd(); i >= 0 {
		return v.overlay.entities[i]
	}
	return v.model.Entities[a]
}

func (v *view) kind(a node) kind {
	if int(a) >= v.hubEnd() {
		return kindOf(v.ref(a))
	}
	return v.kinds[a]
}

func (v *view) tier(a node) int {
	if int(a) >= v.hubEnd() {
		return 0 // an assumed entity says nothing
	}
	return int(v.tiers[a])
}

func (v *view) ref(a node) catalog.Ref { return v.entity(a).Ref }

// compare orders entities by Ref.
func (v *view) compare(a, b node) int {
	if int(a) < v.hubEnd() && int(b) < v.hubEnd() {
		return cmp.Compare(a, b)
	}
	return cmp.Compare(v.ref(a), v.ref(b))
}

// step is a need of one entity that counts, with hubs stepped over.
type step struct {
	from, to node
	need     outNeed // of from; where via is set, its need of the hub
	via      node    // the topic; -1 = none
	producer int32   // with via: the producer's relation to the topic
}

// steps yields the needs of an entity that count: direct ones by target, group name and origin, then those by way of
// topics, by topic and producer. A relation to itself is left out: it carries no failure.
func (v *view) steps(a node) iter.Seq[step] {
	return func(yield func(step) bool) {
		lastHub, last := node(-1), outNeed{to: -1}
		for _, need := range v.out(a) {
			if !v.counts(need.attr) {
				continue
			}
			if !v.isHub(need.to) {
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
			for _, producer := range v.out(need.to) {
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
		via := v.overlay.vias[^need.edge]
		s.need.edge, s.via, s.producer = via.consumer, via.topic, via.producer
	}
	return s
}

// sources yields the other entities with a need of b that counts; one may come more than once.
func (v *view) sources(b node) iter.Seq[node] {
	return func(yield func(node) bool) {
		needs, _ := v.in(b)
		for _, need := range needs {
			if !v.counts(need.attr) {
				continue
			}
			if !v.isHub(need.from) {
				if !yield(need.from) {
					return
				}
				continue
			}
			consumers, _ := v.in(need.from)
			for _, consumer := range consumers {
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
		From: v.ref(s.from), To: v.ref(s.to), Strength: s.need.attr.strength(), Edge: v.edge(s.need.edge),
	}
	if s.need.group != noGroup {
		need.AnyOf = v.group(s.need.group).name
	}
	if s.via >= 0 {
		need.Via, need.Producer = v.ref(s.via), v.edge(s.producer)
	}
	return need
}

// edge is a relation of the model, or behind them an assumed one.
func (v *view) edge(i int32) *catalog.Edge {
	if assumed := int(i) - len(v.model.Edges); assumed >= 0 {
		return &v.overlay.edges[assumed]
	}
	return &v.model.Edges[i]
}

func (s *Snapshot) isHub(a node) bool { return int(a) >= len(s.model.Entities) && int(a) < s.hubEnd() }

func (s *Snapshot) topic(hub node) node { return s.needs.hubTopic[int(hub)-len(s.model.Entities)] }

// hubEnd is one more than the greatest node of the snapshot itself.
func (s *Snapshot) hubEnd() int { return len(s.model.Entities) + len(s.needs.hubTopic) }
