package catalog

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// resolution is what an alias stands for. by is "" where nothing that counts names the alias.
type resolution struct {
	ref int32
	by  MatchedBy
}

// identifier resolves aliases. The rules, in order:
//
//  1. A person's word: an entity states the alias. Of an alias that several entities state, none gets it.
//  2. The word of something observed: what states the alias as one more name of its own is what the alias stands for,
//     as long as all that state it are the same entity.
//  3. Hints (labels), in their order: one that names a described entity, in its namespace or, without one, alone.
//  4. The configured rewrites, in their order: one that matches the whole alias and gives a described entity.
//  5. An equal name in the same namespace, then an equal name that only one entity has. See [likeness].
//
// What none of them resolves becomes the entity of [DiscoveredRef].
type identifier struct {
	*merger
	said     []aliasRecord // by alias
	alone    []resolution  // by alias: what resolveAlone found; by is "" where it was not asked or found nothing
	rewrites []Rewrite
	byName   map[kindAndName][]int32 // described entities; nil until it is asked for
}

type kindAndName struct{ kind, name string }

// aliasRecord is all that is said of an alias.
type aliasRecord struct {
	seen     bool // something was observed by this name
	fresh    bool // by a document that is not stale
	declared []declaration
	stated   []int32 // aliases of observed things that have this name too
	hints    []Hint
}

// declaration is an entity's statement of an alias.
type declaration struct {
	ref, document, line int32
}

// identify resolves the aliases, and collects what else claims contribute.
func (m *merger) identify(options MergeOptions) {
	m.known = make(map[int32][]EntityAlias)
	m.links = make(map[int32][]Link)
	m.found = make(map[int32]bool)
	t := &identifier{merger: m, rewrites: anchored(options.Rewrites)}
	t.collect()
	t.alone = make([]resolution, len(m.aliases))
	m.identity = make([]resolution, len(m.aliases))
	for alias := range m.aliases {
		id := int32(alias)
		said := &t.said[alias]
		t.tellConflict(id)
		ref, by := t.resolve(id)
		if by == "" {
			if !said.seen {
				continue
			}
			by = MatchedByDiscovery
		}
		m.identity[alias] = resolution{ref, by}
		m.known[ref] = append(m.known[ref], EntityAlias{Alias: m.aliases[alias], MatchedBy: by})
		m.mentioned[ref] = true
		if by == MatchedByDiscovery {
			m.found[ref] = m.found[ref] || said.fresh
		}
	}
}

// collect reads the claims that count: which aliases are in use, who states them, and what else is contributed.
func (t *identifier) collect() {
	t.said = make([]aliasRecord, len(t.aliases))
	t.counted(func(document, c int32) bool {
		claim := &t.claims[c]
		fresh := !t.documents[document].stale
		t.see(claim.subject, fresh)
		for i := range t.targets[claim.firstEdge:claim.endEdge] {
			t.see(t.targets[claim.firstEdge+int32(i)].target, fresh)
		}
		if claim.more != nil {
			t.collectDetails(document, claim)
		}
		return true
	})
}

func (t *identifier) see(subject int32, fresh bool) {
	if subject >= 0 {
		t.mentioned[subject] = true
		return
	}
	said := &t.said[^subject]
	said.seen = true
	said.fresh = said.fresh || fresh
}

func (t *identifier) collectDetails(document int32, claim *claimRecord) {
	for _, stated := range claim.more.aliases {
		alias := t.aliasID(stated.Alias)
		for len(t.said) < len(t.aliases) {
			t.said = append(t.said, aliasRecord{})
		}
		said := &t.said[alias]
		switch {
		case claim.subject >= 0:
			said.declared = append(said.declared, declaration{claim.subject, document, cmp.Or(stated.Line, claim.line)})
		case alias != ^claim.subject:
			said.stated = append(said.stated, ^claim.subject)
		}
	}
	if claim.subject >= 0 {
		if len(claim.more.links) > 0 {
			t.links[claim.subject] = append(t.links[claim.subject], claim.more.links...)
		}
		return
	}
	said := &t.said[^claim.subject]
	said.hints = append(said.hints, claim.more.hints...)
}

// resolve applies the rules to an alias. Of one that was not observed only the first two say anything.
func (t *identifier) resolve(alias int32) (ref int32, by MatchedBy) {
	said := &t.said[alias]
	if len(said.declared) == 0 {
		if ref, by = t.resolveStated(said.stated); by != "" || !said.seen {
			return ref, by
		}
	}
	return t.resolveAlone(alias)
}

// resolveStated is what all the observed things are that state one alias. The word of one that is itself only another
// name of something does not count, so that words make neither chains nor circles.
func (t *identifier) resolveStated(by []int32) (ref int32, how MatchedBy) {
	for _, alias := range by {
		if said := &t.said[alias]; len(said.declared) == 0 && len(said.stated) > 0 {
			continue
		}
		same, rule := t.resolveAlone(alias)
		if how != "" && same != ref {
			return none, ""
		}
		ref, how = same, cmp.Or(how, rule)
	}
	return ref, how
}

// resolveAlone applies all rules but that of the word of something observed.
func (t *identifier) resolveAlone(alias int32) (int32, MatchedBy) {
	found := &t.alone[alias]
	if found.by == "" {
		found.ref, found.by = t.match(alias)
	}
	return found.ref, found.by
}

func (t *identifier) match(alias int32) (ref int32, by MatchedBy) {
	said, name := &t.said[alias], t.aliases[alias]
	if len(said.declared) > 0 {
		if ref := said.declared[0].ref; !said.contested() {
			return ref, MatchedByDeclaration
		}
		if !said.seen {
			return none, ""
		}
		return t.apart(name, said.declared), MatchedByDiscovery
	}
	like := likenessOf(name)
	for _, hint := range said.hints {
		if ref := t.named(like.kinds, hint.Namespace, lower(hint.Name)); ref != none {
			return ref, MatchedByLabel
		}
	}
	if ref := t.rewrite(name); ref != none {
		return ref, MatchedByRewrite
	}
	own := DiscoveredRef(name)
	if ref := t.described(own); ref != none && own.Kind() != "workload" {
		return ref, MatchedByNamespaceName
	}
	if like.name != "" {
		if ref := t.named(like.kinds, cmp.Or(like.namespace, DefaultNamespace), like.name); ref != none {
			return ref, MatchedByNamespaceName
		}
		if ref := t.named(like.kinds, "", like.name); ref != none {
			return ref, MatchedByName
		}
	}
	return t.refID(own), MatchedByDiscovery
}

// apart is the entity of an alias that several entities claim: none of those, and no other that is described.
func (t *identifier) apart(alias Alias, declared []declaration) int32 {
	own := DiscoveredRef(alias)
	taken := func(d declaration) bool { return t.refs[d.ref] == own }
	if t.described(own) != none || slices.ContainsFunc(declared, taken) {
		own = apartRef(alias)
	}
	return t.refID(own)
}

// contested says whether several entities state the alias.
func (a *aliasRecord) contested() bool {
	return slices.ContainsFunc(a.declared, func(d declaration) bool { return d.ref != a.declared[0].ref })
}

// described is the number of a Ref that somebody describes; none for another.
func (t *identifier) described(ref Ref) int32 {
	if id, ok := t.refIDs[ref]; ok && t.elections[id].claim != none {
		return id
	}
	return none
}

// named finds the described entity of a name, of the first of the kinds that has one. Without a namespace it must be the
// only one of that kind.
func (t *identifier) named(kinds []string, namespace, name string) int32 {
	for _, kind := range kinds {
		if namespace != "" {
			if ref := t.described(NewRef(kind, namespace, name)); ref != none {
				return ref
			}
			continue
		}
		switch refs := t.entitiesNamed(kind, name); len(refs) {
		case 0:
		case 1:
			return refs[0]
		default:
			return none
		}
	}
	return none
}

func (t *identifier) entitiesNamed(kind, name string) []int32 {
	if t.byName == nil {
		t.byName = make(map[kindAndName][]int32)
		for id := range t.elections {
			if t.elections[id].claim == none {
				continue
			}
			kind, _, name := t.refs[id].parts()
			switch kind {
			case "component", "resource", "external":
				key := kindAndName{kind, name}
				t.byName[key] = append(t.byName[key], int32(id))
			}
		}
	}
	return t.byName[kindAndName{kind, name}]
}

// rewrite applies the first rule that matches the whole alias and gives a described entity.
func (t *identifier) rewrite(alias Alias) int32 {
	if len(alias) > MaxAliasBytes {
		return none
	}
	for _, rule := range t.rewrites {
		match := rule.Match.FindStringSubmatchIndex(string(alias))
		if match == nil || match[0] > 0 || match[1] < len(alias) {
			continue
		}
		written := rule.Match.ExpandString(nil, rule.Replace, string(alias), match)
		if ref, err := ParseRef(string(written), "", ""); err == nil && t.described(ref) != none {
			return t.described(ref)
		}
	}
	return none
}

// anchored makes the rules match whole aliases only. Matching takes time linear in the alias, whatever the expression.
func anchored(rewrites []Rewrite) []Rewrite {
	var rules []Rewrite
	for _, rule := range rewrites {
		if rule.Match == nil {
			continue
		}
		// An expression that cannot be wrapped (one that ends in a quotation without its end) stays as it is.
		if whole, err := regexp.Compile(`\A(?:` + rule.Match.String() + `)\z`); err == nil {
			rule.Match = whole
		}
		rules = append(rules, rule)
	}
	return rules
}

// maxNamedInConflict bounds how many of the others each problem of an alias names, since a template that many copied may
// give thousands of entities the same alias.
const maxNamedInConflict = 5

// tellConflict makes a problem on each entity that states an alias which others state as well. Only a repository may be
// stated by several, since it may hold several: that it stands for none of them is no mistake of anybody.
func (t *identifier) tellConflict(alias int32) {
	said := &t.said[alias]
	if len(said.declared) == 0 || !said.contested() || t.aliases[alias].World() == WorldRepository {
		return
	}
	seen := make(map[int32]bool)
	distinct := slices.DeleteFunc(slices.Clone(said.declared), func(d declaration) bool {
		again := seen[d.ref]
		seen[d.ref] = true
		return again
	})
	for _, d := range distinct {
		var others []string
		for _, other := range distinct[:min(len(distinct), maxNamedInConflict+1)] {
			if other.ref != d.ref && len(others) < maxNamedInConflict {
				others = append(others, string(t.refs[other.ref]))
			}
		}
		if more := len(distinct) - 1 - len(others); more > 0 {
			others = append(others, fmt.Sprintf("%d more", more))
		}
		t.problems = append(t.problems, Problem{
			Location: t.documents[d.document].origin.Location, Line: d.line, Severity: Warning, Code: CodeAliasConflict,
			Message: fmt.Sprintf("the alias %s is also stated by %s, so it stands for none of them",
				t.aliases[alias], strings.Join(others, ", ")),
			Fix: "keep the alias on one of the entities", Ref: t.refs[d.ref],
		})
	}
}
