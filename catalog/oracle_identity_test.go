package catalog_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
)

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

// resolve says what an alias stands for; by is "" where that is nothing.
func (o *oracle) resolve(alias catalog.Alias) (ref catalog.Ref, by catalog.MatchedBy) {
	switch declarers := o.declarers(alias); {
	case len(declarers) == 1 || len(declarers) > 1 && o.seen(alias):
		return o.resolveAlone(alias)
	case len(declarers) > 1:
		return "", ""
	}
	if ref, by := o.byStatements(alias); by != "" {
		return ref, by
	}
	if o.seen(alias) || len(o.partners(alias)) > 0 {
		is := o.joined(alias)
		return is.ref, is.by
	}
	return "", ""
}

func (o *oracle) byStatements(alias catalog.Alias) (catalog.Ref, catalog.MatchedBy) {
	var first catalog.MatchedBy
	refs := map[catalog.Ref]bool{}
	for _, s := range o.counted {
		for _, stated := range s.claim.Aliases {
			if stated.Alias == alias && s.claim.Subject.Ref == "" && s.claim.Subject.Alias != alias &&
				!oracleIsPair(alias, s.claim.Subject.Alias) {
				if o.follows(s.claim.Subject.Alias) {
					continue
				}
				is := o.joined(s.claim.Subject.Alias)
				refs[is.ref] = true
				first = cmp.Or(first, is.by)
			}
		}
	}
	if len(refs) != 1 {
		return "", ""
	}
	return slices.Collect(maps.Keys(refs))[0], first
}

// isOtherName says whether something observed states the alias as a further name.
func (o *oracle) isOtherName(alias catalog.Alias) bool {
	return slices.ContainsFunc(o.counted, func(s statement) bool {
		return s.claim.Subject.Ref == "" && s.claim.Subject.Alias != alias && !oracleIsPair(alias, s.claim.Subject.Alias) &&
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
		ofOther := func(c claimed) bool { return c.claim.Subject.Ref.Kind() != "workload" || c.selector != nil }
		if strings.HasPrefix(string(alias), "dns:") && !slices.ContainsFunc(claims, ofOther) {
			continue
		}
		for _, c := range claims {
			p := catalog.Problem{
				Location: c.document.Location, Line: c.line, Severity: catalog.Warning, Code: "alias-conflict", Ref: c.claim.Subject.Ref,
				Message: string(alias), Version: c.document.Version,
			}
			if c.selector != nil {
				p.Code = "selector-conflict"
				// The same words about several workloads are told once.
				p.Message = fmt.Sprint(c.selector.Requirements, c.selector.Namespace, slices.Sorted(slices.Values(o.declarers(alias))))
			}
			tellOnce(model, p)
		}
	}
}
