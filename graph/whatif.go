package graph

import (
	"slices"

	"github.com/orrery-catalog/orrery/catalog"
)

// viaNeed is a consumer's need of one producer by way of a topic.
type viaNeed struct {
	consumer, producer relation
	topic              node
}

// pair is a WhatIfPair of known entities.
type pair struct{ from, to node }

// assume is the Snapshot with what a question takes away and adds. It answers that question only: its trees lack the
// entities that are assumed.
func (v *view) assume(filter Filter) *Snapshot {
	e := v.edit()
	removed := map[pair]bool{}
	var sources []node
	for _, p := range filter.Remove {
		if from, to := v.find(p.From), v.find(p.To); from >= 0 && to >= 0 {
			removed[pair{from, to}] = true
			sources = append(sources, from)
		}
	}
	e.enterAssumed(filter.Add)
	added := map[node][]statedNeed{}
	for _, add := range filter.Add {
		from := e.find(add.From)
		added[from] = append(added[from], e.assumedNeed(from, add))
		sources = append(sources, from)
	}
	slices.Sort(sources)
	for _, a := range slices.Compact(sources) {
		kept, explicit := v.rowWithout(e, a, removed)
		e.setRow(a, kept, append(explicit, added[a]...))
	}
	e.flush()
	return e.Snapshot
}

// enterAssumed makes entities of the ends that are none.
func (e *edit) enterAssumed(assumed []WhatIfEdge) {
	var refs []catalog.Ref
	for _, add := range assumed {
		refs = append(refs, add.From, add.To)
	}
	slices.Sort(refs)
	var entered []node
	for _, ref := range slices.Compact(refs) {
		if e.find(ref) < 0 {
			entered = append(entered, e.enter(placeholder(ref)))
		}
	}
	e.arrange(entered)
}

func placeholder(ref catalog.Ref) *catalog.Entity {
	entity := &catalog.Entity{Placeholder: true}
	entity.Ref = ref
	entity.Kind, entity.Namespace, entity.Name = catalog.KindSpelling(ref.Kind()), ref.Namespace(), ref.Name()
	return entity
}

// rowWithout copies the needs of a that are left. Where the need of one producer by way of a topic is removed, those of
// the other producers become explicit.
func (v *view) rowWithout(e *edit, a node, removed map[pair]bool) (kept []outNeed, explicit []statedNeed) {
	if a >= v.end {
		return nil, nil
	}
	for _, need := range v.needsOf(a) {
		if need.attr&attrToHub == 0 {
			if !removed[pair{a, need.to}] {
				kept = append(kept, need)
			}
			continue
		}
		producers := v.needsOf(need.to)
		if !slices.ContainsFunc(producers, func(p outNeed) bool { return removed[pair{a, p.to}] }) {
			kept = append(kept, need)
			continue
		}
		if !v.counts(need.attr) {
			continue
		}
		for _, producer := range producers {
			if producer.to == a || removed[pair{a, producer.to}] || !v.counts(producer.attr) {
				continue
			}
			explicit = append(explicit, statedNeed{
				place: *e.places.at(producer.to), from: a, to: producer.to, attr: assumed(catalog.Async),
				edge: ^relation(len(e.vias)),
			})
			e.vias = append(e.vias, viaNeed{consumer: need.edge, producer: producer.edge, topic: v.topic(need.to)})
		}
	}
	return kept, explicit
}

// assumed is the attr of a need that counts whatever the filter.
func assumed(strength catalog.Strength) attr {
	all := attr(catalog.AllEvidence)
	return attr(strength) | all<<attrFreshShift | all<<attrKindsShift | attr(envEvery)<<attrEnvShift
}

// assumedNeed adds a relation, behind all others of its source, and tells the need that follows.
func (e *edit) assumedNeed(from node, add WhatIfEdge) statedNeed {
	strength := add.Strength
	if strength == catalog.Unstated {
		strength = catalog.Hard
	}
	row := e.relations.write(e.edition, from)
	to := e.find(add.To)
	need := statedNeed{place: *e.places.at(to), from: from, to: to, attr: assumed(strength), edge: relationAt(len(row.out))}
	if to == from {
		need.attr &^= attrEvidence
	}
	if add.AnyOf != "" {
		need.origin = stated
	}
	row.out = append(slices.Clip(row.out), catalog.Edge{
		From: add.From, To: add.To, Type: catalog.DependsOn, Strength: strength, AnyOf: add.AnyOf,
	})
	return need
}
