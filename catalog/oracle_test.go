package catalog_test

import (
	"cmp"
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

func (s statement) origin() *catalog.Origin {
	return &catalog.Origin{Source: s.document.ID.Source, Location: s.document.Location, Environment: s.document.Environment}
}

type oracle struct {
	options catalog.MergeOptions
	winners map[catalog.Ref]statement
	counted []statement
}

func oracleMerge(documents []*catalog.Document, options catalog.MergeOptions) *catalog.Model {
	model := &catalog.Model{}
	var all []statement
	for _, document := range documents {
		for _, claim := range document.Claims {
			all = append(all, statement{document, claim})
		}
		for _, problem := range document.Problems {
			if !slices.Contains(model.Problems, problem) {
				model.Problems = append(model.Problems, problem)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b statement) int {
		x, y := a.document, b.document
		return cmp.Or(-cmp.Compare(x.Priority, y.Priority), cmp.Compare(x.Location, y.Location), cmp.Compare(x.Ordinal, y.Ordinal),
			cmp.Compare(x.ID.Source, y.ID.Source), cmp.Compare(x.ID.Scope, y.ID.Scope), cmp.Compare(x.ID.Key, y.ID.Key))
	})
	o := &oracle{options: options, winners: map[catalog.Ref]statement{}}
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
			if content(s) != content(o.winners[ref]) {
				model.Problems = append(model.Problems, catalog.Problem{
					Location: s.document.Location, Line: s.claim.Line, Severity: catalog.Warning, Code: "conflicting-descriptors",
					Ref: ref,
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

// content writes down all that a claim says, without where.
func content(s statement) string {
	parts := map[string]bool{}
	for _, edge := range s.claim.Edges {
		edge.Line = 0
		parts[fmt.Sprintf("edge %#v", edge)] = true
	}
	for _, alias := range s.claim.Aliases {
		parts["alias "+string(alias.Alias)] = true
	}
	for _, link := range s.claim.Links {
		parts[fmt.Sprintf("link %#v", link)] = true
	}
	d := s.claim.Descriptor
	return fmt.Sprint(d.Ref, d.Kind, d.Namespace, d.Name, "|", d.Title, "|", d.Description, "|", d.Labels, d.Annotations,
		d.Tags, d.Links, d.Type, "|", d.Lifecycle, "|", d.Owner, slices.Sorted(maps.Keys(parts)))
}

// declarers lists who states an alias, each once.
func (o *oracle) declarers(alias catalog.Alias) []catalog.Ref {
	var refs []catalog.Ref
	for _, s := range o.counted {
		for _, stated := range s.claim.Aliases {
			if stated.Alias == alias && s.claim.Subject.Ref != "" && !slices.Contains(refs, s.claim.Subject.Ref) {
				refs = append(refs, s.claim.Subject.Ref)
			}
		}
	}
	return refs
}

func (o *oracle) describes(ref catalog.Ref) bool { _, ok := o.winners[ref]; return ok }

// resolve says what an alias that was observed stands for.
func (o *oracle) resolve(alias catalog.Alias) (catalog.Ref, catalog.MatchedBy) {
	if len(o.declarers(alias)) == 0 {
		if ref, by := o.byStatements(alias); by != "" {
			return ref, by
		}
	}
	return o.resolveAlone(alias)
}

func (o *oracle) byStatements(alias catalog.Alias) (catalog.Ref, catalog.MatchedBy) {
	var first catalog.MatchedBy
	refs := map[catalog.Ref]bool{}
	for _, s := range o.counted {
		for _, stated := range s.claim.Aliases {
			if stated.Alias == alias && s.claim.Subject.Ref == "" && s.claim.Subject.Alias != alias {
				if len(o.declarers(s.claim.Subject.Alias)) == 0 && o.isOtherName(s.claim.Subject.Alias) {
					continue
				}
				ref, by := o.resolveAlone(s.claim.Subject.Alias)
				refs[ref] = true
				first = cmp.Or(first, by)
			}
		}
	}
	if len(refs) != 1 {
		return "", ""
	}
	return slices.Collect(maps.Keys(refs))[0], first
}

// isOtherName says whether something observed by another name states the alias.
func (o *oracle) isOtherName(alias catalog.Alias) bool {
	return slices.ContainsFunc(o.counted, func(s statement) bool {
		return s.claim.Subject.Ref == "" && s.claim.Subject.Alias != alias &&
			slices.ContainsFunc(s.claim.Aliases, func(stated catalog.AliasClaim) bool { return stated.Alias == alias })
	})
}

func (o *oracle) resolveAlone(alias catalog.Alias) (catalog.Ref, catalog.MatchedBy) {
	own := catalog.DiscoveredRef(alias)
	switch declarers := o.declarers(alias); {
	case len(declarers) == 1:
		return declarers[0], catalog.MatchedByDeclaration
	case len(declarers) > 1 && (o.describes(own) || slices.Contains(declarers, own)):
		suffix := digits(alias)
		return catalog.NewRef(own.Kind(), own.Namespace(), own.Name()+"-"+suffix), catalog.MatchedByDiscovery
	case len(declarers) > 1:
		return own, catalog.MatchedByDiscovery
	}
	kinds, namespace, name := likeNames(alias)
	for _, s := range o.counted {
		if s.claim.Subject.Ref != "" || s.claim.Subject.Alias != alias {
			continue
		}
		for _, hint := range s.claim.Hints {
			if ref := o.only(kinds, hint.Namespace, hint.Name); ref != "" {
				return ref, catalog.MatchedByLabel
			}
		}
	}
	for _, rule := range o.options.Rewrites {
		if rule.Match.FindString(string(alias)) == string(alias) {
			ref, err := catalog.ParseRef(rule.Match.ReplaceAllString(string(alias), rule.Replace), "", "")
			if err == nil && o.describes(ref) {
				return ref, catalog.MatchedByRewrite
			}
		}
	}
	if o.describes(own) && !strings.HasPrefix(string(own), "workload:") {
		return own, catalog.MatchedByNamespaceName
	}
	if name != "" {
		if ref := o.only(kinds, namespace, name); ref != "" {
			return ref, catalog.MatchedByNamespaceName
		}
		if ref := o.only(kinds, "", name); ref != "" {
			return ref, catalog.MatchedByName
		}
	}
	return own, catalog.MatchedByDiscovery
}

// likeNames knows the aliases of the random catalogs only.
func likeNames(alias catalog.Alias) (kinds []string, namespace, name string) {
	switch alias {
	case "otel:a", "otel:b":
		return []string{"component", "resource"}, "default", strings.TrimPrefix(string(alias), "otel:")
	case "otel:shop/a", "dns:a.shop.svc", "k8s:eu/shop/deployment/a":
		return []string{"component", "resource"}, "shop", "a"
	case "host:api.psp.com":
		return []string{"external", "resource", "component"}, "default", "api.psp.com"
	case "db:postgresql:b.shop.svc:5432/x":
		return []string{"resource", "component"}, "shop", "b"
	case "topic:kafka:orders":
		return []string{"resource"}, "default", "orders"
	}
	return []string{"component", "resource"}, "", ""
}

func (o *oracle) only(kinds []string, namespace, name string) catalog.Ref {
	for _, kind := range kinds {
		var found []catalog.Ref
		for ref := range o.winners {
			if ref.Kind() == kind && strings.EqualFold(ref.Name(), name) && (namespace == "" || ref.Namespace() == namespace) {
				found = append(found, ref)
			}
		}
		if len(found) == 1 {
			return found[0]
		}
		if len(found) > 1 {
			return ""
		}
	}
	return ""
}

func (o *oracle) refOf(subject catalog.Subject) catalog.Ref {
	if subject.Ref != "" {
		return subject.Ref
	}
	ref, _ := o.resolve(subject.Alias)
	return ref
}

func (o *oracle) entities(model *catalog.Model) {
	refs := map[catalog.Ref]bool{}
	seen := map[catalog.Alias]bool{} // → mentioned by a document that is not stale
	mention := func(subject catalog.Subject, s statement) {
		refs[o.refOf(subject)] = true
		if subject.Ref == "" {
			seen[subject.Alias] = seen[subject.Alias] || !s.document.Stale
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
		mention(s.claim.Subject, s)
		for _, edge := range s.claim.Edges {
			mention(edge.Target, s)
		}
		if d := s.claim.Descriptor; d != nil && d.Owner != "" && s.claim.Subject.Ref != "" {
			refs[d.Owner] = true
		}
		for _, stated := range s.claim.Aliases {
			if declarers := o.declarers(stated.Alias); len(declarers) == 1 {
				know(stated.Alias, declarers[0], catalog.MatchedByDeclaration)
			} else if len(declarers) == 0 {
				if ref, by := o.byStatements(stated.Alias); by != "" {
					know(stated.Alias, ref, by)
				}
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
			e.Descriptor, e.Origin, e.Line, e.Stale = *won.claim.Descriptor, won.origin(), won.claim.Line, won.document.Stale
		case found:
			e.Discovered, e.Lifecycle, e.Stale = true, "discovered", !isFresh
		default:
			e.Placeholder = true
		}
		if !described {
			e.Ref, e.Kind, e.Namespace, e.Name = ref, catalog.KindSpelling(ref.Kind()), ref.Namespace(), ref.Name()
		}
		for _, alias := range slices.Sorted(maps.Keys(known[ref])) {
			e.Aliases = append(e.Aliases, catalog.EntityAlias{Alias: alias, MatchedBy: known[ref][alias]})
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

func (o *oracle) aliasProblems(model *catalog.Model) {
	told := map[string]bool{}
	for _, s := range o.counted {
		for _, stated := range s.claim.Aliases {
			key := fmt.Sprint(stated.Alias, s.claim.Subject.Ref)
			if s.claim.Subject.Ref == "" || len(o.declarers(stated.Alias)) < 2 || told[key] ||
				strings.HasPrefix(string(stated.Alias), "repo:") {
				continue
			}
			told[key] = true
			line := stated.Line
			if line == 0 {
				line = s.claim.Line
			}
			model.Problems = append(model.Problems, catalog.Problem{
				Location: s.document.Location, Line: line, Severity: catalog.Warning, Code: "alias-conflict",
				Ref: s.claim.Subject.Ref,
			})
		}
	}
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
				Code: "self-dependency", Ref: edge.From,
			})
		}
	}
}
