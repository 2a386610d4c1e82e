package catalog_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
)

// The oracle merges slowly and plainly: it goes through all statements again for everything that it wants to know.

// statement is a claim with its document.
type statement struct {
	document *catalog.Document
	claim    catalog.Claim
}

func (s statement) isDocumentStale() bool { return s.document.Stale || s.document.Held }

func (s statement) stale() bool { return s.isDocumentStale() || s.claim.Stale }

func (s statement) isEdgeStale(edge catalog.EdgeClaim) bool { return s.isDocumentStale() || edge.Stale }

// lastSeen is 0 for what was in the last good scan.
func (s statement) lastSeen() catalog.Instant {
	switch {
	case s.stale() && s.claim.LastSeen != 0:
		return s.claim.LastSeen
	case s.isDocumentStale():
		return s.document.LastSeen
	}
	return 0
}

func (s statement) edgeLastSeen(edge catalog.EdgeClaim) catalog.Instant {
	if edge.LastSeen == 0 && s.isDocumentStale() {
		return s.document.LastSeen
	}
	return edge.LastSeen
}

func (s statement) line(of int32) int32 { return cmp.Or(of, s.claim.Line) }

type oracle struct {
	options catalog.MergeOptions
	winners map[catalog.Ref]statement
	counted []statement
	all     []statement // with those that lost
}

func (o *oracle) environment(name string) string {
	return cmp.Or(o.options.Environments[strings.ToLower(name)], strings.ToLower(name))
}

func (o *oracle) origin(s statement) *catalog.Origin {
	return &catalog.Origin{
		Source: s.document.ID.Source, Location: s.document.Location, Environment: o.environment(s.document.Environment),
		Version: s.document.Version,
	}
}

func oracleMerge(documents []*catalog.Document, options catalog.MergeOptions) *catalog.Model {
	model := &catalog.Model{}
	var all []statement
	for _, document := range documents {
		for _, claim := range document.Claims {
			all = append(all, statement{document, claim})
		}
		for _, problem := range document.Problems {
			if problem.Version == nil && problem.Location == document.Location {
				problem.Version = document.Version
			}
			tellOnce(model, problem)
		}
	}
	slices.SortStableFunc(all, func(a, b statement) int {
		x, y := a.document, b.document
		held := 0
		if x.Held != y.Held {
			if held = -1; x.Held {
				held = 1
			}
		}
		return cmp.Or(-cmp.Compare(x.Priority, y.Priority), held,
			cmp.Compare(x.Location, y.Location), cmp.Compare(x.Ordinal, y.Ordinal),
			cmp.Compare(x.ID.Source, y.ID.Source), cmp.Compare(x.ID.Scope, y.ID.Scope), cmp.Compare(x.ID.Key, y.ID.Key))
	})
	o := &oracle{options: options, winners: map[catalog.Ref]statement{}, all: all}
	losers := map[catalog.Ref][]statement{}
	for _, s := range all {
		ref := s.claim.Subject.Ref
		if ref == "" || s.claim.Descriptor == nil {
			o.counted = append(o.counted, s)
		} else if _, taken := o.winners[ref]; !taken {
			o.winners[ref] = s
			o.counted = append(o.counted, s)
		} else {
			losers[ref] = append(losers[ref], s)
		}
	}
	for ref, lost := range losers {
		for _, s := range lost {
			if s.claim.Yields && !o.winners[ref].claim.Yields {
				continue
			}
			if content(s) != content(o.winners[ref]) {
				model.Problems = append(model.Problems, catalog.Problem{
					Location: s.document.Location, Line: s.claim.Line, Severity: catalog.Warning, Code: "conflicting-descriptors",
					Ref: ref, Version: s.document.Version,
				})
				break
			}
		}
	}
	o.edges(model)
	o.entities(model)
	o.aliasProblems(model)
	o.selfProblems(model)
	return model
}

// tellOnce keeps each problem once, at the first version of those that tell it.
func tellOnce(model *catalog.Model, problem catalog.Problem) {
	for i := range model.Problems {
		if known := &model.Problems[i]; catalog.CompareProblems(*known, problem) == 0 {
			known.Version = firstVersion(known.Version, problem.Version)
			return
		}
	}
	model.Problems = append(model.Problems, problem)
}

func firstVersion(a, b *catalog.Version) *catalog.Version {
	if a == nil || b != nil && b.Commit < a.Commit {
		return b
	}
	return a
}

// content writes down all that a claim says, without where.
func content(s statement) string {
	parts := map[string]bool{}
	for _, edge := range s.claim.Edges {
		edge.Line, edge.FirstSeen, edge.LastSeen = 0, 0, 0
		parts[fmt.Sprintf("edge %#v", edge)] = true
	}
	for _, alias := range s.claim.Aliases {
		parts["alias "+string(alias.Alias)] = true
	}
	for _, link := range s.claim.Links {
		parts[fmt.Sprintf("link %#v", link)] = true
	}
	for _, selector := range s.claim.Selectors {
		selector.Line = 0
		parts[fmt.Sprintf("selector %#v", selector)] = true
	}
	if facts, err := json.Marshal(s.claim.Facts); err == nil {
		parts["facts "+string(facts)] = true
	}
	d := s.claim.Descriptor
	return fmt.Sprint(d.Ref, d.Kind, d.Namespace, d.Name, "|", d.Title, "|", d.Description, "|", d.Labels, d.Annotations,
		d.Tags, d.Links, d.Type, "|", d.Lifecycle, "|", d.Owner, slices.Sorted(maps.Keys(parts)))
}

func (o *oracle) entities(model *catalog.Model) {
	refs := map[catalog.Ref]bool{}
	seen := map[catalog.Alias]bool{} // → mentioned by something that is not stale
	mention := func(subject catalog.Subject, stale bool) {
		refs[o.refOf(subject)] = true
		if subject.Ref == "" {
			seen[subject.Alias] = seen[subject.Alias] || !stale
		}
	}
	known := map[catalog.Ref]map[catalog.Alias]catalog.MatchedBy{}
	know := func(alias catalog.Alias, ref catalog.Ref, by catalog.MatchedBy) {
		if known[ref] == nil {
			known[ref] = map[catalog.Alias]catalog.MatchedBy{}
		}
		known[ref][alias] = by
	}
	for _, s := range o.counted {
		mention(s.claim.Subject, s.stale())
		for _, edge := range s.claim.Edges {
			mention(edge.Target, s.isEdgeStale(edge))
		}
		if d := s.claim.Descriptor; d != nil && d.Owner != "" && s.claim.Subject.Ref != "" {
			refs[d.Owner] = true
		}
		for _, stated := range s.claim.Aliases {
			if ref, by := o.resolve(stated.Alias); by != "" {
				know(stated.Alias, ref, by)
			}
		}
	}
	fresh := map[catalog.Ref]bool{}
	for alias, isFresh := range seen {
		ref, by := o.resolve(alias)
		know(alias, ref, by)
		if by == catalog.MatchedByDiscovery {
			fresh[ref] = fresh[ref] || isFresh
		}
	}
	for _, ref := range slices.Sorted(maps.Keys(refs)) {
		e := &catalog.Entity{}
		won, described := o.winners[ref]
		isFresh, found := fresh[ref]
		switch {
		case described:
			e.Descriptor, e.Origin, e.Line, e.Stale = *won.claim.Descriptor, o.origin(won), won.claim.Line, won.stale()
			e.LastSeen, e.OwnerHints = won.lastSeen(), won.claim.OwnerHints
		case found:
			e.Discovered, e.Lifecycle, e.Stale = true, "discovered", !isFresh
		default:
			e.Placeholder = true
		}
		witness, isFound := o.found(ref)
		if isFound = isFound && !described; isFound {
			e.Found, e.Placeholder = true, false
			e.Origin, e.Line, e.Stale = o.origin(witness), witness.claim.Line, witness.stale()
		}
		e.Facts = o.facts(ref)
		if !described {
			e.Ref, e.Kind, e.Namespace, e.Name = ref, catalog.KindSpelling(ref.Kind()), ref.Namespace(), ref.Name()
		}
		for _, alias := range slices.Sorted(maps.Keys(known[ref])) {
			e.Aliases = append(e.Aliases, o.entityAlias(alias, known[ref][alias]))
		}
		o.times(e)
		if isFound {
			e.LastSeen = witness.lastSeen()
		}
		var contributed []catalog.Link
		for _, s := range o.counted {
			if s.claim.Subject.Ref == ref {
				contributed = append(contributed, s.claim.Links...)
			}
		}
		slices.SortFunc(contributed, func(a, b catalog.Link) int {
			return cmp.Or(cmp.Compare(a.URL, b.URL), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Title, b.Title))
		})
		e.Links = slices.Clone(e.Links)
		for _, link := range contributed {
			if !slices.ContainsFunc(e.Links, func(l catalog.Link) bool { return l.URL == link.URL && l.Type == link.Type }) {
				e.Links = append(e.Links, link)
			}
		}
		model.Entities = append(model.Entities, e)
	}
}

// times sets when the entity was seen first, and, of a discovered one that is stale, last.
func (o *oracle) times(e *catalog.Entity) {
	has := func(alias catalog.Alias, by string) bool {
		return slices.ContainsFunc(e.Aliases, func(known catalog.EntityAlias) bool {
			return known.Alias == alias && strings.HasPrefix(string(known.MatchedBy), by)
		})
	}
	for _, s := range o.all {
		is := s.claim.Subject
		if is.Ref == e.Ref || is.Ref == "" && has(is.Alias, "") {
			e.FirstSeen = earlier(e.FirstSeen, s.claim.FirstSeen)
			if s.claim.Descriptor == nil || is.Ref == "" {
				e.Entry = max(e.Entry, s.claim.Entry)
			}
		}
	}
	if !e.Discovered || !e.Stale {
		return
	}
	var seen []catalog.Instant
	isName := func(m catalog.Subject) bool { return m.Ref == "" && has(m.Alias, "DISCOVERY") }
	for _, s := range o.counted {
		if isName(s.claim.Subject) {
			seen = append(seen, s.lastSeen())
		}
		for _, edge := range s.claim.Edges {
			if isName(edge.Target) {
				seen = append(seen, s.edgeLastSeen(edge))
			}
		}
	}
	if !slices.Contains(seen, 0) {
		e.LastSeen = slices.Max(seen)
	}
}

// earlier passes over what is unknown.
func earlier(a, b catalog.Instant) catalog.Instant {
	if a != 0 && (b == 0 || a < b) {
		return a
	}
	return b
}

func (o *oracle) entityAlias(alias catalog.Alias, by catalog.MatchedBy) catalog.EntityAlias {
	known := catalog.EntityAlias{Alias: alias, MatchedBy: by}
	if claims := o.claims(alias); len(claims) == 1 {
		known.Origin, known.Line = o.origin(claims[0].statement), claims[0].line
		return known
	}
	if seen := o.observations(alias); len(seen) > 0 {
		known.Origin, known.Line = o.origin(seen[0]), seen[0].claim.Line
		return known
	}
	for _, s := range o.counted {
		for _, stated := range s.claim.Aliases {
			if stated.Alias == alias && s.claim.Subject.Ref == "" {
				known.Origin, known.Line = o.origin(s), s.line(stated.Line)
				return known
			}
		}
	}
	for _, reverse := range []bool{false, true} {
		for _, s := range o.counted {
			for _, edge := range s.claim.Edges {
				if edge.Target.Ref == "" && edge.Target.Alias == alias && edge.Reverse == reverse {
					known.Origin, known.Line = o.origin(s), s.line(edge.Line)
					return known
				}
			}
		}
	}
	return known
}

func (o *oracle) selfProblems(model *catalog.Model) {
	told := map[catalog.Ref]bool{}
	for _, problem := range model.Problems {
		if problem.Code == "self-dependency" {
			told[problem.Ref] = true
		}
	}
	for _, edge := range model.Edges {
		if edge.From == edge.To && !told[edge.From] {
			told[edge.From] = true
			model.Problems = append(model.Problems, catalog.Problem{
				Location: edge.Evidence[0].Origin.Location, Line: edge.Evidence[0].Line, Severity: catalog.Warning,
				Code: "self-dependency", Ref: edge.From, Version: edge.Evidence[0].Origin.Version,
			})
		}
	}
}
