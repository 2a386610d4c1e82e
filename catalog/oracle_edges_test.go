package catalog_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
)

// word is one EdgeClaim, forward, with what ranks it.
type word struct {
	catalog.EdgeClaim
	from, to  catalog.Ref
	env       string
	authority int
	evidence  catalog.Evidence
}

func (o *oracle) words() []word {
	var words []word
	for _, s := range o.counted {
		for _, edge := range s.claim.Edges {
			w := word{EdgeClaim: edge, from: o.refOf(s.claim.Subject), to: o.refOf(edge.Target), env: o.environment(s.document.Environment)}
			if edge.Reverse {
				w.from, w.to = w.to, w.from
			}
			switch {
			case edge.Evidence != catalog.Declared:
				w.authority = 3
			case edge.Reverse:
				w.authority = 2
			case !edge.Detailed:
				w.authority = 1
			}
			if edge.Evidence == catalog.Declared && edge.Type != catalog.RunsOn {
				w.env = ""
			}
			isByAlias := s.claim.Subject.Ref == "" || edge.Target.Ref == ""
			if w.from == w.to && edge.Type == catalog.RunsOn && isByAlias {
				continue // it is what it runs on
			}
			w.evidence = catalog.Evidence{
				Kind: edge.Evidence, Stale: s.isEdgeStale(edge), Line: s.line(edge.Line), Origin: o.origin(s), Flow: edge.Flow,
				FirstSeen: cmp.Or(edge.FirstSeen, s.claim.FirstSeen), LastSeen: s.edgeLastSeen(edge),
			}
			words = append(words, w)
		}
	}
	return words
}

func (o *oracle) edges(model *catalog.Model) {
	words := o.words()
	between := func(w word) func(word) bool {
		return func(other word) bool { return other.from == w.from && other.to == w.to }
	}
	// The same target in dependencies and in dependsOn or consumesApis is one edge.
	settled := slices.Clone(words)
	for i, w := range words {
		pair := filter(words, between(w))
		detailed := slices.ContainsFunc(pair, func(w word) bool { return w.Detailed })
		consumed := slices.ContainsFunc(pair, func(w word) bool { return w.Type == catalog.ConsumesAPI })
		if detailed && consumed && w.Type == catalog.DependsOn {
			settled[i].Type = catalog.ConsumesAPI
		}
	}
	// What holds everywhere covers what was seen somewhere.
	words = slices.Clone(settled)
	for i, w := range words {
		same := filter(filter(words, between(w)), func(other word) bool { return other.Type == w.Type })
		if slices.ContainsFunc(same, func(other word) bool { return other.env == "" }) {
			settled[i].env = ""
		}
	}
	groups := map[string][]word{}
	for _, w := range settled {
		key := fmt.Sprint(w.from, " ", w.to, " ", w.Type, " ", w.env)
		groups[key] = append(groups[key], w)
	}
	for _, group := range groups {
		model.Edges = append(model.Edges, oracleEdge(group))
	}
	slices.SortFunc(model.Edges, func(a, b catalog.Edge) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(a.Type, b.Type),
			cmp.Compare(a.Environment, b.Environment))
	})
	model.Edges = oracleCover(model.Edges)
}

func oracleEdge(group []word) catalog.Edge {
	edge := catalog.Edge{From: group[0].from, To: group[0].to, Type: group[0].Type, Environment: group[0].env, Stale: true}
	for _, w := range group {
		edge.Stale = edge.Stale && w.evidence.Stale
		edge.Evidence = addEvidence(edge.Evidence, w.evidence)
	}
	sortEvidence(edge.Evidence)
	if edge.Type == catalog.OwnedBy || edge.Type == catalog.MemberOf {
		return edge
	}
	byAuthority := slices.Clone(group)
	slices.SortStableFunc(byAuthority, func(a, b word) int { return cmp.Compare(a.authority, b.authority) })
	declared := byAuthority[0].authority < 3

	// The first authority that says how strong the edge is, by a strength or a role.
	for authority := range 4 {
		var stated []catalog.Strength
		for _, w := range byAuthority {
			if w.authority != authority {
				continue
			}
			switch {
			case w.Strength != catalog.Unstated:
				stated = append(stated, w.Strength)
			case w.Role == catalog.Publish, w.Role == catalog.PublishAndConsume:
				stated = append(stated, catalog.Hard)
			case w.Role == catalog.Consume:
				stated = append(stated, catalog.Async)
			}
		}
		if len(stated) > 0 {
			edge.Strength = slices.Max(stated)
			break
		}
	}
	if edge.Strength == catalog.Unstated {
		edge.Strength = catalog.Hard
	}
	for authority := range 4 {
		same := filter(byAuthority, func(w word) bool { return w.authority == authority })
		publishes := slices.ContainsFunc(same, func(w word) bool { return strings.Contains(w.Role.String(), "PUBLISH") })
		consumes := slices.ContainsFunc(same, func(w word) bool { return strings.Contains(w.Role.String(), "CONSUME") })
		switch {
		case publishes && consumes:
			edge.Role = catalog.PublishAndConsume
		case publishes:
			edge.Role = catalog.Publish
		case consumes:
			edge.Role = catalog.Consume
		}
		if publishes || consumes {
			break
		}
	}
	details := catalog.EdgeDetails{}
	for _, w := range byAuthority {
		if edge.AnyOf == "" && (w.authority < 3 || !declared) {
			edge.AnyOf = w.AnyOf
		}
		if details.Fallback == "" {
			details.Fallback = w.Fallback
		}
		if details.CallsPerRequest == 0 {
			details.CallsPerRequest = w.CallsPerRequest
		}
		if details.Timeout == time.Duration(0) {
			details.Timeout = w.Timeout
		}
		if details.Protocol == "" {
			details.Protocol = w.Protocol
		}
	}
	if details != (catalog.EdgeDetails{}) {
		edge.Details = &details
	}
	return edge
}

// addEvidence keeps each place and flow once.
func addEvidence(all []catalog.Evidence, more catalog.Evidence) []catalog.Evidence {
	twin := slices.IndexFunc(all, func(e catalog.Evidence) bool {
		return e.Kind == more.Kind && e.Line == more.Line && e.Flow == more.Flow && e.Origin.Source == more.Origin.Source &&
			e.Origin.Location == more.Origin.Location && e.Origin.Environment == more.Origin.Environment
	})
	if twin < 0 {
		return append(all, more)
	}
	e := &all[twin]
	// At the first version of what is not stale, or else of all.
	if e.Stale && !more.Stale || e.Stale == more.Stale && firstVersion(e.Origin.Version, more.Origin.Version) == more.Origin.Version {
		e.Origin = more.Origin
	}
	e.Stale = e.Stale && more.Stale
	e.FirstSeen = earlier(e.FirstSeen, more.FirstSeen)
	if e.LastSeen != 0 && (more.LastSeen == 0 || more.LastSeen > e.LastSeen) {
		e.LastSeen = more.LastSeen
	}
	return all
}

func sortEvidence(all []catalog.Evidence) {
	slices.SortFunc(all, func(a, b catalog.Evidence) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Origin.Source, b.Origin.Source),
			cmp.Compare(a.Origin.Location, b.Origin.Location), cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Origin.Environment, b.Origin.Environment), cmp.Compare(a.Flow, b.Flow))
	})
}

func filter(words []word, keep func(word) bool) []word {
	var kept []word
	for _, w := range words {
		if keep(w) {
			kept = append(kept, w)
		}
	}
	return kept
}
