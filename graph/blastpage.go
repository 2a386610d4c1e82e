package graph

import (
	"slices"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
)

// Failed are the entities that failed: those asked for in the order given, without repetition, then their parts by Ref.
func (b *Blast) Failed() []FailedEntity { return b.failed }

// Len is the number of impacted entities, after MaxDistance.
func (b *Blast) Len() int { return len(b.order.nodes) }

// Totals counts the impacted entities by impact.
func (b *Blast) Totals() map[Impact]int {
	return map[Impact]int{Outage: b.totals[Outage], Degraded: b.totals[Degraded], Delayed: b.totals[Delayed]}
}

// ImpactOn is the impact on one entity; None where it is not hit (or filtered by MaxDistance). A failed one has OUTAGE.
func (b *Blast) ImpactOn(ref catalog.Ref) Impact {
	a := b.view.find(ref)
	if a < 0 {
		return None
	}
	s := b.states.of(a)
	if b.limit > 0 && s.distance() > b.limit {
		return None
	}
	return s.impact()
}

// Impacted is one entity that is hit.
type Impacted struct {
	Entity   *catalog.Entity
	Impact   Impact
	Distance int
	// Path is the witness: a shortest chain of needs that support each entity's own impact, from this one to a failed one,
	// of equally short ones that with the smallest Refs. Its length is Distance; nil where that is over MaxPathLength.
	Path []Need
	// Alternatives holds, for an OUTAGE by an any-of group, all members of that group that the first step of the path
	// belongs to, by Ref; empty otherwise.
	Alternatives []catalog.Ref

	blast *Blast
}

// MaxPathLength is the length up to which witness paths are told, so that a page stays small even where somebody has
// made a chain of the whole catalog.
const MaxPathLength = 10_000

// Page returns impacted entities from offset, at most limit (all the rest for a negative limit), sorted by impact (worst
// first), then distance, then Ref.
func (b *Blast) Page(offset, limit int) []Impacted {
	offset = min(max(offset, 0), b.Len())
	end := b.Len()
	if limit >= 0 && limit < end-offset {
		end = offset + limit
	}
	nodes := b.order.slice(b.view.Snapshot, offset, end)
	page := make([]Impacted, len(nodes))
	witnesses := witnesses{Blast: b, steps: map[node]step{}, paths: map[node][]Need{}}
	// Backwards, as later ones are farther away in most cases: their paths hold those of the nearer ones.
	for i := len(page) - 1; i >= 0; i-- {
		page[i] = witnesses.impacted(nodes[i])
		page[i].blast = b // not in impacted, which would have the witnesses outlive the page
	}
	return page
}

// witnesses finds paths, and remembers what it found for one page.
type witnesses struct {
	*Blast
	steps map[node]step
	paths map[node][]Need
}

func (w *witnesses) impacted(a node) Impacted {
	s := w.states.of(a)
	hit := Impacted{Entity: w.view.entity(a), Impact: s.impact(), Distance: s.distance()}
	hit.Path = w.path(a)
	if first := w.first(a); hit.Impact == Outage && first.need.group != noGroup {
		hit.Alternatives = w.view.members(a, first.need.group)
	}
	return hit
}

// first is the first step of the witness path of a.
func (w *witnesses) first(a node) step {
	s, ok := w.steps[a]
	if !ok {
		s = w.findFirst(a)
		w.steps[a] = s
	}
	return s
}

// path is the witness path of a. Paths share their tails.
func (w *witnesses) path(a node) []Need {
	if known, ok := w.paths[a]; ok {
		return known
	}
	length := w.states.of(a).distance()
	if length > MaxPathLength {
		return nil
	}
	path := make([]Need, 0, length)
	var from []node
	for b := a; w.states.of(b).distance() > 0; {
		s := w.first(b)
		path, from = append(path, w.view.needOf(s)), append(from, b)
		b = s.to
	}
	for i, b := range from {
		if _, ok := w.paths[b]; ok {
			break
		}
		w.paths[b] = path[i:]
	}
	return path
}

// findFirst chooses the first step: of the needs that support the impact on a and lead one nearer to what
// failed, the first by compareSteps.
func (w *witnesses) findFirst(a node) step {
	v, own := w.view, w.states.of(a)
	var best step
	found := false
	lost := map[int32]bool{}
	for s := range v.steps(a) {
		target := w.states.of(s.to)
		if target.distance() != own.distance()-1 || target.impact() == None ||
			through(target.impact(), s.need.attr.strength()) < own.impact() {
			continue
		}
		if number := s.need.group; number != noGroup && own.impact() == Outage {
			all, known := lost[number]
			if !known {
				all = w.lostAll(a, number)
				lost[number] = all
			}
			if !all {
				continue
			}
		}
		if !found || v.compareSteps(s, best) < 0 {
			best, found = s, true
		}
	}
	return best
}

// lostAll says whether every member of a group of a, through its own strength, has OUTAGE.
func (w *witnesses) lostAll(a node, number int32) bool {
	var count int32
	last := node(-1)
	for _, need := range w.view.needsOf(a) {
		if need.group == number && need.to != last && w.view.counts(need.attr) &&
			through(w.states.of(need.to).impact(), need.attr.strength()) == Outage {
			last = need.to
			count++
		}
	}
	return count == w.view.size(number)
}

// members lists a group of a.
func (v *view) members(a node, number int32) []catalog.Ref {
	var refs []catalog.Ref
	for _, need := range v.needsOf(a) {
		if need.group == number && v.visible(need.attr) {
			refs = append(refs, v.ref(need.to))
		}
	}
	return slices.Compact(refs)
}

// Hit is an entity with the impact on it.
type Hit struct {
	Entity *catalog.Entity
	Impact Impact

	blast *Blast
}

// Journeys are the impacted journeys, worst first, then by Ref.
func (b *Blast) Journeys() []Hit { return b.hits(b.isOf(kindJourney)) }

// Systems are the impacted systems, worst first, then by Ref.
func (b *Blast) Systems() []Hit { return b.hits(b.isOf(kindSystem)) }

func (b *Blast) isOf(kind kind) func(node) bool {
	return func(a node) bool { return b.view.kind(a) == kind }
}

func (b *Blast) hits(wanted func(node) bool) []Hit {
	hits := []Hit{}
	for _, a := range b.order.nodes {
		if wanted(a) {
			hits = append(hits, Hit{Entity: b.view.entity(a), Impact: b.states.of(a).impact(), blast: b})
		}
	}
	slices.SortFunc(hits, func(x, y Hit) int {
		if x.Impact != y.Impact {
			return int(y.Impact) - int(x.Impact)
		}
		return strings.Compare(string(x.Entity.Ref), string(y.Entity.Ref))
	})
	return hits
}

// TeamHit is what a team is hit by.
type TeamHit struct {
	Owner    *catalog.Entity // a Group or User, maybe a placeholder; nil = no owner
	Impacted int
	Worst    Impact
	OnCall   []catalog.Contact
}

// Teams groups the impacted entities by owner, worst first, then by number, then by Ref. Entities without an owner are
// under Owner nil, last, but for those that nobody is expected to own.
func (b *Blast) Teams() []TeamHit {
	v := b.view
	index := map[node]int{}
	teams := []TeamHit{}
	for _, a := range b.order.nodes {
		owner := v.owner(a)
		if owner < 0 && !v.entity(a).IsOwnable() {
			continue
		}
		i, ok := index[owner]
		if !ok {
			i = len(teams)
			index[owner] = i
			team := TeamHit{}
			if owner >= 0 {
				team.Owner, team.OnCall = v.entity(owner), v.onCallOfOwner(owner)
			}
			teams = append(teams, team)
		}
		teams[i].Impacted++
		teams[i].Worst = max(teams[i].Worst, b.states.of(a).impact())
	}
	slices.SortFunc(teams, func(x, y TeamHit) int {
		switch {
		case x.Owner == nil:
			return 1
		case y.Owner == nil:
			return -1
		case x.Worst != y.Worst:
			return int(y.Worst) - int(x.Worst)
		case x.Impacted != y.Impacted:
			return y.Impacted - x.Impacted
		}
		return strings.Compare(string(x.Owner.Ref), string(y.Owner.Ref))
	})
	return teams
}

// Tiers counts the impacted entities by tier (0 = no tier) and impact.
func (b *Blast) Tiers() map[int]map[Impact]int {
	tiers := map[int]map[Impact]int{}
	for _, a := range b.order.nodes {
		tier := b.view.tier(a)
		if tiers[tier] == nil {
			tiers[tier] = map[Impact]int{}
		}
		tiers[tier][b.states.of(a).impact()]++
	}
	return tiers
}
