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

func (s statement) stale() bool { return s.document.Stale || s.document.Held }

// lastSeen is 0 for what was in the last good scan.
func (s statement) lastSeen() catalog.Instant {
	if s.stale() {
		return s.document.LastSeen
	}
	return 0
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
	d := s.claim.Descriptor
	return fmt.Sprint(d.Ref, d.Kind, d.Namespace, d.Name, "|", d.Title, "|", d.Description, "|", d.Labels, d.Annotations,
		d.Tags, d.Links, d.Type, "|", d.Lifecycle, "|", d.Owner, slices.Sorted(maps.Keys(parts)))
}

// claimed is a person's word that an alias is an entity, by a statement or else a selector.
type claimed struct {
	statement
	line     int32
	selector *catalog.Selector
}

// claims lists who claims an alias, each once.
func (o *oracle) claims(alias catalog.Alias) []claimed {
	var claims []claimed
	add := func(c claimed) {
		if !slices.ContainsFunc(claims, func(other claimed) bool { return other.claim.Subject == c.claim.Subject }) {
			claims = append(claims, c)
		}
	}
	for _, s := range o.counted {
		if s.claim.Subject.Ref == "" {
			continue
		}
		for _, stated := range s.claim.Aliases {
			if stated.Alias == alias {
				add(claimed{s, s.line(stated.Line), nil})
			}
		}
		for _, selector := range s.claim.Selectors {
			if o.selects(selector, alias) {
				add(claimed{s, s.line(selector.Line), &selector})
			}
		}
	}
	return claims
}

func (o *oracle) selects(selector catalog.Selector, alias catalog.Alias) bool {
	_, namespace, _ := likeNames(alias)
	if selector.Namespace != "" && selector.Namespace != namespace {
		return false
	}
	return slices.ContainsFunc(o.observations(alias), func(s statement) bool {
		named := false
		for _, r := range selector.Requirements {
			value, there := s.claim.Labels[r.Key]
			switch {
			case len(r.Values) == 0 && there == r.Not, len(r.Values) > 0 && slices.Contains(r.Values, value) == r.Not:
				return false
			case len(r.Values) > 0 && !r.Not:
				named = true
			}
		}
		return named
	})
}

// observations are the claims about an alias.
func (o *oracle) observations(alias catalog.Alias) []statement {
	var found []statement
	for _, s := range o.counted {
		if s.claim.Subject.Ref == "" && s.claim.Subject.Alias == alias {
			found = append(found, s)
		}
	}
	return found
}

// declarers lists who claims an alias, each once.
func (o *oracle) declarers(alias catalog.Alias) []catalog.Ref {
	var refs []catalog.Ref
	for _, c := range o.claims(alias) {
		refs = append(refs, c.claim.Subject.Ref)
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
	for _, s := range o.observations(alias) {
		for _, hint := range s.claim.Hints {
			if ref := o.only(kinds, hint.Namespace, hint.Name); ref != "" {
				return ref, catalog.MatchedByLabel
			}
		}
		for _, label := range []string{"backstage.io/kubernetes-id", o.nameLabel(alias, s)} {
			value := s.claim.Labels[label]
			if value == "" {
				continue
			}
			if ref := cmp.Or(o.only(kinds, namespace, value), o.only(kinds, "", value)); ref != "" {
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

// nameLabel is the label that names what was observed: its name, where nothing else in its namespace has that name.
func (o *oracle) nameLabel(alias catalog.Alias, s statement) string {
	const name, instance = "app.kubernetes.io/name", "app.kubernetes.io/instance"
	_, namespace, _ := likeNames(alias)
	value, there := s.claim.Labels[name]
	unique := there
	for _, other := range o.counted {
		is := other.claim.Subject.Alias
		_, in, _ := likeNames(is)
		if is != "" && is != alias && is.World() == alias.World() && in == namespace && there && other.claim.Labels[name] == value {
			unique = false
		}
	}
	if unique {
		return name
	}
	return instance
}

// likeNames knows the aliases of the random catalogs only.
func likeNames(alias catalog.Alias) (kinds []string, namespace, name string) {
	switch alias {
	case "otel:a", "otel:b":
		return []string{"component", "resource"}, "default", strings.TrimPrefix(string(alias), "otel:")
	case "otel:shop/a", "dns:a.shop.svc", "k8s:eu/shop/deployment/a":
		return []string{"component", "resource"}, "shop", "a"
	case "k8s:eu/shop/job/x":
		return []string{"component", "resource"}, "shop", "x"
	case "host:api.psp.com":
		return []string{"external", "resource", "component"}, "default", "api.psp.com"
	case "db:postgresql:b.shop.svc:5432/x":
		return []string{"resource", "component"}, "shop", "b"
	case "topic:kafka:orders":
		return []string{"resource"}, "default", "orders"
	}
	return []string{"component", "resource"}, "default", ""
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
			seen[subject.Alias] = seen[subject.Alias] || !s.stale()
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
			e.Descriptor, e.Origin, e.Line, e.Stale = *won.claim.Descriptor, o.origin(won), won.claim.Line, won.stale()
			e.LastSeen = won.lastSeen()
		case found:
			e.Discovered, e.Lifecycle, e.Stale = true, "discovered", !isFresh
		default:
			e.Placeholder = true
		}
		if !described {
			e.Ref, e.Kind, e.Namespace, e.Name = ref, catalog.KindSpelling(ref.Kind()), ref.Namespace(), ref.Name()
		}
		for _, alias := range slices.Sorted(maps.Keys(known[ref])) {
			e.Aliases = append(e.Aliases, o.entityAlias(alias, known[ref][alias]))
		}
		o.times(e)
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
		}
	}
	if !e.Discovered || !e.Stale {
		return
	}
	var seen []catalog.Instant
	for _, s := range o.counted {
		mentions := []catalog.Subject{s.claim.Subject}
		for _, edge := range s.claim.Edges {
			mentions = append(mentions, edge.Target)
		}
		if slices.ContainsFunc(mentions, func(m catalog.Subject) bool { return m.Ref == "" && has(m.Alias, "DISCOVERY") }) {
			seen = append(seen, s.lastSeen())
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

func (o *oracle) aliasProblems(model *catalog.Model) {
	aliases := map[catalog.Alias]bool{}
	for _, s := range o.counted {
		aliases[s.claim.Subject.Alias] = true
		for _, stated := range s.claim.Aliases {
			aliases[stated.Alias] = true
		}
	}
	for alias := range aliases {
		claims := o.claims(alias)
		if len(claims) < 2 || strings.HasPrefix(string(alias), "repo:") {
			continue
		}
		for _, c := range claims {
			p := catalog.Problem{
				Location: c.document.Location, Line: c.line, Severity: catalog.Warning, Code: "alias-conflict", Ref: c.claim.Subject.Ref,
				Message: string(alias),
			}
			if c.selector != nil {
				p.Code = "selector-conflict"
				// The same words about several workloads are told once.
				p.Message = fmt.Sprint(c.selector.Requirements, c.selector.Namespace, slices.Sorted(slices.Values(o.declarers(alias))))
			}
			if !slices.Contains(model.Problems, p) {
				model.Problems = append(model.Problems, p)
			}
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
