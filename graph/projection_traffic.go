package graph

import (
	"slices"

	"github.com/orrery-catalog/orrery/catalog"
)

// Traffic is what is written besides of a need of a call that was counted: how much goes there of late, and how it behaves;
// nil where nothing was counted. It is not in the hash of the entity, since it changes all the time and makes no revision:
// it is written with the relation, and brought up to date by [TrafficProjector].
func (r *ProjectedRelation) Traffic() Properties {
	if r.counted == nil || r.counted.snapshot.traffic == nil {
		return nil
	}
	snapshot, edge := r.counted.snapshot, r.counted.edge
	sum := snapshot.EdgeTraffic(edge)
	if sum == nil {
		return nil
	}
	p := Properties{"requests": sum.Requests, "errors": sum.Errors}
	if share, ok := sum.ErrorRate(); ok {
		p["requestRate"], p["errorRate"] = sum.Rate, share
	}
	if p99, ok := sum.Latency.Quantile(0.99); ok {
		p["p99"] = p99
	}
	p.text("behaves", snapshot.Behaves(edge).String())
	p.time("firstSeen", sum.First)
	p.time("lastSeen", sum.Last)
	return p
}

// TrafficProperties are the names of what [ProjectedRelation.Traffic] may hold. Those that it lacks are unknown.
func TrafficProperties() []string {
	return []string{"requests", "errors", "requestRate", "errorRate", "p99", "behaves", "firstSeen", "lastSeen"}
}

// countedEdge is where the numbers of a written relation come from.
type countedEdge struct {
	snapshot *Snapshot
	edge     *catalog.Edge
}

// setCounted says which of the relations that are written of a stated one is the call itself.
func (s *Snapshot) setCounted(written []ProjectedRelation, edge *catalog.Edge) {
	if !isCall(edge) || !hasFlow(edge) {
		return
	}
	for i := range written {
		if r := &written[i]; r.Type == WrittenDependsOn && !r.From.Publishers && !r.To.Publishers {
			r.counted = &countedEdge{s, edge}
		}
	}
}

// ProjectedTraffic lists the relations with traffic of the entities behind a Ref, in its order, until there are limit or
// more of them. last is the last of the entities; "" = there are none behind it.
func (s *Snapshot) ProjectedTraffic(after catalog.Ref, limit int) (relations []ProjectedRelation, last catalog.Ref) {
	for entity := range s.Entities(after) {
		if len(relations) >= limit {
			return relations, last
		}
		last = entity.Ref
		if !slices.ContainsFunc(s.relations.at(s.find(last)).out, func(e catalog.Edge) bool { return hasFlow(&e) }) {
			continue
		}
		for _, r := range s.Projection(last).Relations {
			if r.counted != nil {
				relations = append(relations, r)
			}
		}
	}
	return relations, ""
}
