package catalog

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// claimant is a person's word that an alias is an entity: a statement of the alias, or a selector.
type claimant struct {
	occurrence
	selects bool
}

func (w claimant) line() int32 {
	if w.selects {
		return cmp.Or(w.claim.more.selectors[w.index].Line, w.claim.line)
	}
	return cmp.Or(w.claim.aliases[w.index].line, w.claim.line)
}

func compareClaimants(a, b claimant) int {
	rank := func(w claimant) int {
		if w.selects {
			return 1
		}
		return 0
	}
	return cmp.Or(precedence(a.claim, b.claim), cmp.Compare(rank(a), rank(b)), cmp.Compare(a.index, b.index))
}

// words say whether anybody claims an alias, and whether several entities do.
type words struct {
	ref                int32 // of one that does
	claimed, contested bool
}

func (a *aliasRecord) words() (w words) {
	for _, list := range [...][]occurrence{a.declared, a.selected} {
		for _, word := range list {
			if w.claimed && word.claim.subject != w.ref {
				w.contested = true
				return w
			}
			w.ref, w.claimed = word.claim.subject, true
		}
	}
	return w
}

func (a *aliasRecord) claimants() []claimant {
	list := make([]claimant, 0, len(a.declared)+len(a.selected))
	for _, word := range a.declared {
		list = append(list, claimant{word, false})
	}
	for _, word := range a.selected {
		list = append(list, claimant{word, true})
	}
	return list
}

// firstClaimant is the first by precedence, of an alias that somebody claims.
func (a *aliasRecord) firstClaimant() claimant {
	if len(a.declared) == 1 && len(a.selected) == 0 {
		return claimant{a.declared[0], false} // as nearly always
	}
	return slices.MinFunc(a.claimants(), compareClaimants)
}

// maxNamedInConflict bounds how many of the others each problem of an alias names, since a template that many copied may
// give thousands of entities the same alias.
const maxNamedInConflict = 5

// tellAliasConflict makes a problem on each entity that claims an alias which others claim as well.
func (m *Merger) tellAliasConflict(a *aliasRecord) {
	for _, p := range a.told {
		m.problems.remove(p)
	}
	a.told = nil
	if !a.words().contested || m.mayBeShared(a) {
		return
	}
	all := a.claimants()
	slices.SortFunc(all, compareClaimants)
	seen := make(map[int32]bool)
	all = slices.DeleteFunc(all, func(w claimant) bool {
		again := seen[w.claim.subject]
		seen[w.claim.subject] = true
		return again
	})
	slices.SortFunc(all, func(v, w claimant) int {
		return cmp.Compare(m.refs.at(v.claim.subject).ref, m.refs.at(w.claim.subject).ref)
	})
	for _, w := range all {
		var others []string
		for _, other := range all[:min(len(all), maxNamedInConflict+1)] {
			if other.claim != w.claim && len(others) < maxNamedInConflict {
				others = append(others, string(m.refs.at(other.claim.subject).ref))
			}
		}
		if more := len(all) - 1 - len(others); more > 0 {
			others = append(others, fmt.Sprintf("%d more", more))
		}
		p := Problem{
			Location: w.claim.document.origin.Location, Line: w.line(), Version: w.claim.document.origin.Version,
			Severity: Warning, Code: CodeAliasConflict,
			Message: fmt.Sprintf("the alias %s is also stated by %s, so it stands for none of them",
				a.alias, strings.Join(others, ", ")),
			Fix: "keep the alias on one of the entities", Ref: m.refs.at(w.claim.subject).ref,
		}
		if w.selects {
			// The same for each of the workloads, so that it is told once.
			p.Code = CodeSelectorConflict
			p.Message = fmt.Sprintf("what the labels %s select is also claimed by %s, so it belongs to none of them",
				w.claim.more.selectors[w.index], strings.Join(others, ", "))
			p.Fix = "make the selectors tell the workloads of each entity apart"
		}
		a.told = append(a.told, p)
	}
	for _, p := range a.told {
		m.problems.add(p)
	}
}

// mayBeShared says whether it is nobody's mistake that several claim an alias and that it stands for none of them: a
// repository may hold several entities, and a Kubernetes Service lead to several workloads.
func (m *Merger) mayBeShared(a *aliasRecord) bool {
	switch a.alias.World() {
	case WorldRepository:
		return true
	case WorldDNS:
		return len(a.selected) == 0 && !slices.ContainsFunc(a.declared, func(word occurrence) bool {
			return m.refs.at(word.claim.subject).ref.Kind() != "workload"
		})
	}
	return false
}
