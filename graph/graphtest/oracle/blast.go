package oracle

import (
	"cmp"
	"slices"
	"strings"
)

// The impacts, from none to worst.
const (
	none = iota
	delayed
	degraded
	outage
)

var impactNames = []string{"NONE", "DELAYED", "DEGRADED", "OUTAGE"}

// world is one question on its way to the answer.
type world struct {
	needs    []need
	failed   map[string]bool
	impact   map[string]int
	distance map[string]int // only of those that have one
}

// Blast answers a question.
func (c *Catalog) Blast(q Question) Answer {
	w := world{needs: c.needs(q), failed: map[string]bool{}, impact: map[string]int{}, distance: map[string]int{}}
	answer := Answer{PartOf: map[string]string{}, Totals: map[string]int{"OUTAGE": 0, "DEGRADED": 0, "DELAYED": 0}}
	for _, f := range q.Failed {
		if !w.failed[f] {
			w.failed[f] = true
			answer.Failed = append(answer.Failed, f)
		}
	}
	var fallen []string
	for _, whole := range answer.Failed {
		for _, part := range w.partsOf(whole) {
			if !w.failed[part] {
				w.failed[part] = true
				answer.PartOf[part] = whole
				fallen = append(fallen, part)
			}
		}
	}
	slices.Sort(fallen)
	answer.Failed = append(answer.Failed, fallen...)

	w.settleImpacts()
	w.settleDistances()
	for entity, impact := range w.impact {
		if impact == none || w.failed[entity] || q.MaxDistance > 0 && w.distance[entity] > q.MaxDistance {
			continue
		}
		answer.Impacted = append(answer.Impacted, Hit{
			Ref: entity, Impact: impactNames[impact], Distance: w.distance[entity], Path: w.path(entity, map[string][]string{}),
		})
		answer.Totals[impactNames[impact]]++
	}
	slices.SortFunc(answer.Impacted, func(x, y Hit) int {
		return cmp.Or(
			cmp.Compare(slices.Index(impactNames, y.Impact), slices.Index(impactNames, x.Impact)),
			cmp.Compare(x.Distance, y.Distance), cmp.Compare(x.Ref, y.Ref))
	})
	return answer
}

// partsOf lists the parts of a system, domain, cluster or zone, and theirs.
func (w *world) partsOf(whole string) []string {
	kind, _, _ := strings.Cut(whole, ":")
	if !slices.Contains([]string{"system", "domain", "cluster", "zone"}, kind) {
		return nil
	}
	found := []string{whole}
	for changed := true; changed; {
		changed = false
		for _, n := range w.needs {
			if n.group == "parts" && n.counts && slices.Contains(found, n.from) && !slices.Contains(found, n.to) {
				found = append(found, n.to)
				changed = true
			}
		}
	}
	return found[1:]
}

// settleImpacts goes round until nothing changes: the least fixpoint, as impacts start at none and only grow.
func (w *world) settleImpacts() {
	for f := range w.failed {
		w.impact[f] = outage
	}
	for changed := true; changed; {
		changed = false
		for _, n := range w.needs {
			given := w.given(n)
			if n.group != "" {
				given = w.givenByGroup(n.from, n.group)
			}
			if given > w.impact[n.from] {
				w.impact[n.from] = given
				changed = true
			}
		}
	}
}

// given is what one need alone, taken through its own strength, does to its source.
func (w *world) given(n need) int {
	if !n.counts {
		return none
	}
	switch n.strength {
	case "SOFT":
		return min(w.impact[n.to], degraded)
	case "ASYNC":
		return min(w.impact[n.to], delayed)
	default:
		return w.impact[n.to]
	}
}

// givenByGroup is what an any-of group of an entity does to it. A member that several relations name is one member.
func (w *world) givenByGroup(from, group string) int {
	members := map[string]int{}
	for _, n := range w.needs {
		if n.from == from && n.group == group {
			members[n.to] = max(members[n.to], w.given(n))
		}
	}
	worst, best := none, outage
	for _, impact := range members {
		worst, best = max(worst, impact), min(best, impact)
	}
	switch {
	case best == outage:
		return outage
	case worst >= degraded:
		return degraded
	default:
		return worst
	}
}

// supports says whether a need supports the impact on its source.
func (w *world) supports(n need) bool {
	level := w.impact[n.from]
	if level == none || w.given(n) < level {
		return false
	}
	return n.group == "" || w.givenByGroup(n.from, n.group) == level
}

// settleDistances relaxes until nothing changes.
func (w *world) settleDistances() {
	for f := range w.failed {
		w.distance[f] = 0
	}
	for changed := true; changed; {
		changed = false
		for _, n := range w.needs {
			to, known := w.distance[n.to]
			if !known || !w.supports(n) {
				continue
			}
			if from, known := w.distance[n.from]; !known || to+1 < from {
				w.distance[n.from] = to + 1
				changed = true
			}
		}
	}
}

// path is, of all shortest supported paths to a failed entity, the one with the smallest Refs.
func (w *world) path(entity string, memo map[string][]string) []string {
	if w.distance[entity] == 0 {
		return []string{entity}
	}
	if known, ok := memo[entity]; ok {
		return known
	}
	var best []string
	for _, n := range w.needs {
		if d, known := w.distance[n.to]; n.from == entity && known && d == w.distance[entity]-1 && w.supports(n) {
			if path := append([]string{entity}, w.path(n.to, memo)...); best == nil || slices.Compare(path, best) < 0 {
				best = path
			}
		}
	}
	memo[entity] = best
	return best
}
