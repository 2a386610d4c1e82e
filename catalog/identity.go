package catalog

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// Aliases are resolved by these rules, in order:
//
//  1. A person's word: an entity states the alias, or selects by labels what was observed by it. Of what several entities
//     claim, none gets it.
//  2. The word of something observed: what states the alias as one more name of its own is what the alias stands for,
//     as long as all that state it are the same entity. A service and what runs it are on a par: see joined.go.
//  3. Hints, then labels (see [Merger.hints]), in their order: one that names a described entity.
//  4. The configured rewrites, in their order: one that matches the whole alias and gives a described entity.
//  5. An equal name in the same namespace, then an equal name that only one entity has. See [likeness].
//
// What none of them resolves becomes the entity of [DiscoveredRef].

// identityRules are the configured ones.
type identityRules struct {
	rewrites     []Rewrite
	environments map[string]string // by name in lower case
}

func newIdentityRules(options MergeOptions) identityRules {
	rules := identityRules{rewrites: anchored(options.Rewrites), environments: make(map[string]string)}
	for name, normal := range options.Environments {
		rules.environments[lower(name)] = normal
	}
	return rules
}

// environment is the name that counts for an environment.
func (r *identityRules) environment(name string) string {
	name = lower(name)
	if normal, ok := r.environments[name]; ok {
		return normal
	}
	return name
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

// identify resolves the aliases of which something changed, and those that depend on them.
func (m *Merger) identify() {
	m.tellWatchers()
	for _, id := range m.changed {
		m.review(id)
	}
	var moved []int32
	if len(m.unsettled) > 0 {
		m.joins = make(map[int32]resolution)
	}
	for _, id := range m.unsettled {
		a := m.aliases.at(id)
		a.unsettled = false
		if is := m.resolve(id); is != (resolution{a.ref, a.by}) {
			if a.by == "" || is.by == "" || a.ref != is.ref {
				moved = append(moved, id)
			}
			m.settle(id, is)
		}
	}
	for _, id := range moved {
		m.markNeighbours(m.aliases.at(id))
	}
	m.joins = nil
	for _, id := range m.changed {
		m.forgetAlias(id)
	}
}

// review forgets what followed from what was said of an alias, and finds whose resolution depends on it. Words make no
// chains, so that these are only its partners and the names that it states.
func (m *Merger) review(id int32) {
	a := m.aliases.at(id)
	a.changed = false
	m.forgetAlone(id)
	a.selected = m.selectorsOf(a)
	m.tellAliasConflict(a)
	if a.by != "" {
		m.mark(a.ref, markEntity) // it shows where its aliases come from
	}
	m.touch(id)
	m.touchJoined(id)
}

// settle makes an alias stand for another Ref, or for none.
func (m *Merger) settle(id int32, is resolution) {
	a := m.aliases.at(id)
	if a.by != "" {
		r := m.refs.at(a.ref)
		var moved bool
		if r.aliases, moved = take(r.aliases, a.place); moved {
			m.aliases.at(r.aliases[a.place]).place = a.place
		}
		m.mark(a.ref, markEntity|markRow)
	}
	a.ref, a.by = is.ref, is.by
	if a.by != "" {
		r := m.refs.at(a.ref)
		a.place = int32(len(r.aliases))
		r.aliases = append(r.aliases, id)
		m.mark(a.ref, markEntity|markRow)
	}
}

// markNeighbours marks the rows, of other entities, of all edges that have an alias at one end.
func (m *Merger) markNeighbours(a *aliasRecord) {
	for _, edge := range a.forward {
		m.markSubject(edge.claim.subject, markRow)
	}
	for _, c := range a.subjects {
		for i := range c.edges {
			if c.edges[i].reverse() {
				m.markSubject(c.edges[i].target, markRow)
			}
		}
	}
}

// resolve applies the rules to an alias. Of one that was not observed only the first two say anything.
func (m *Merger) resolve(id int32) resolution {
	a := m.aliases.at(id)
	if a.words().claimed {
		return m.resolveAlone(id)
	}
	if is := m.resolveStated(a); is.by != "" || !a.seen() && !m.hasPartner(a) {
		return is
	}
	return m.joined(id)
}

// resolveStated is what all the observed things are that state one alias, by the rule of the first. The word of one that
// is itself only another name of something does not count, so that words make neither chains nor circles.
func (m *Merger) resolveStated(a *aliasRecord) (found resolution) {
	var first occurrence
	for _, statement := range a.stated {
		by := ^statement.claim.subject
		other := m.aliases.at(by)
		if a.isPair(other) || other.follows() {
			continue
		}
		is := m.joined(by)
		if first.claim != nil && is.ref != found.ref {
			return resolution{}
		}
		if first.claim == nil || compareOccurrences(statement, first) < 0 {
			first, found = statement, is
		}
	}
	return found
}

// resolveAlone applies all rules but that of the word of something observed.
func (m *Merger) resolveAlone(id int32) resolution {
	a := m.aliases.at(id)
	if a.alone.by == "" {
		if ref, by := m.match(id); by != "" {
			a.alone = resolution{m.refID(ref), by}
		}
	}
	return a.alone
}

func (m *Merger) forgetAlone(id int32) {
	a := m.aliases.at(id)
	if a.alone.by != "" {
		m.release(a.alone.ref)
		a.alone = resolution{}
	}
	for _, w := range a.watched {
		list, moved := take(m.watchers[w.name], w.place)
		if moved {
			other := list[w.place]
			m.aliases.at(other.alias).watched[other.slot].place = w.place
		}
		keep(m.watchers, w.name, list)
	}
	a.watched = nil
}

func (m *Merger) match(id int32) (ref Ref, by MatchedBy) {
	a := m.aliases.at(id)
	if words := a.words(); words.claimed {
		switch {
		case !words.contested:
			return m.refs.at(words.ref).ref, MatchedByDeclaration
		case !a.seen():
			return "", ""
		}
		return m.apart(id), MatchedByDiscovery
	}
	like := likenessOf(a.alias)
	for _, hint := range m.hints(a) {
		if ref := m.named(id, like.kinds, hint.Namespace, lower(hint.Name)); ref != "" {
			return ref, MatchedByLabel
		}
	}
	if ref := m.rewrite(id); ref != "" {
		return ref, MatchedByRewrite
	}
	own := DiscoveredRef(a.alias)
	if own.Kind() != "workload" && m.describes(id, own) {
		return own, MatchedByNamespaceName
	}
	if like.name != "" {
		if ref := m.named(id, like.kinds, cmp.Or(like.namespace, DefaultNamespace), like.name); ref != "" {
			return ref, MatchedByNamespaceName
		}
		if ref := m.named(id, like.kinds, "", like.name); ref != "" {
			return ref, MatchedByName
		}
	}
	return own, MatchedByDiscovery
}

// apart is the entity of an alias that several entities claim: none of those, and no other that is described.
func (m *Merger) apart(id int32) Ref {
	a := m.aliases.at(id)
	own := DiscoveredRef(a.alias)
	is := func(word occurrence) bool { return m.refs.at(word.claim.subject).ref == own }
	if m.describes(id, own) || slices.ContainsFunc(a.declared, is) || slices.ContainsFunc(a.selected, is) {
		return apartRef(a.alias)
	}
	return own
}

// describes says whether somebody describes a Ref. From then on the alias follows all entities of that name.
func (m *Merger) describes(alias int32, ref Ref) bool {
	m.watch(alias, ref.Name())
	id, ok := m.refIDs[ref]
	return ok && m.refs.at(id).known
}

func (m *Merger) watch(alias int32, name string) {
	a := m.aliases.at(alias)
	if slices.ContainsFunc(a.watched, func(w watch) bool { return w.name == name }) {
		return
	}
	list := m.watchers[name]
	m.watchers[name] = append(list, watcher{alias, int32(len(a.watched))})
	a.watched = append(a.watched, watch{name, int32(len(list))})
}

// named finds the described entity of a name, of the first of the kinds that has one. Without a namespace it must be the
// only one of that kind.
func (m *Merger) named(alias int32, kinds []string, namespace, name string) Ref {
	m.watch(alias, name)
	for _, kind := range kinds {
		if namespace != "" {
			if ref := NewRef(kind, namespace, name); m.describes(alias, ref) {
				return ref
			}
			continue
		}
		switch refs := m.entitiesNamed(kind, name); len(refs) {
		case 0:
		case 1:
			return m.refs.at(refs[0]).ref
		default:
			return ""
		}
	}
	return ""
}

type kindAndName struct{ kind, name string }

// entitiesNamed are the described entities of a name, of a kind that aliases may be like. The index is made when it is
// first asked for, since a catalog of files alone never does.
func (m *Merger) entitiesNamed(kind, name string) []int32 {
	if m.byName == nil {
		m.byName = make(map[kindAndName][]int32)
		for id := range m.refs.length {
			if m.refs.at(id).known {
				m.indexName(id)
			}
		}
	}
	return m.byName[kindAndName{kind, name}]
}

// indexName puts a Ref that is described into the index, or takes out one that is no more.
func (m *Merger) indexName(id int32) {
	r := m.refs.at(id)
	kind, _, name := r.ref.parts()
	switch kind {
	case "component", "resource", "external":
	default:
		return
	}
	key := kindAndName{kind, name}
	list := m.byName[key]
	if r.known {
		r.place = int32(len(list))
		m.byName[key] = append(list, id)
		return
	}
	list, moved := take(list, r.place)
	if moved {
		m.refs.at(list[r.place]).place = r.place
	}
	keep(m.byName, key, list)
}

// noteName notes that an entity is described now, or no more. The aliases that look at entities of its name are told once,
// however many of them change.
func (m *Merger) noteName(id int32) {
	if m.byName != nil {
		m.indexName(id)
	}
	if len(m.watchers) == 0 {
		return
	}
	if name := m.refs.at(id).ref.Name(); len(m.watchers[name]) > 0 {
		m.names[name] = true
	}
}

func (m *Merger) tellWatchers() {
	for name := range m.names {
		for _, w := range m.watchers[name] {
			m.markAlias(w.alias)
		}
	}
	clear(m.names)
}

// rewrite applies the first rule that matches the whole alias and gives a described entity.
func (m *Merger) rewrite(id int32) Ref {
	alias := m.aliases.at(id).alias
	if len(alias) > MaxAliasBytes {
		return ""
	}
	for _, rule := range m.rules.rewrites {
		match := rule.Match.FindStringSubmatchIndex(string(alias))
		if match == nil || match[0] > 0 || match[1] < len(alias) {
			continue
		}
		written := rule.Match.ExpandString(nil, rule.Replace, string(alias), match)
		if ref, err := ParseRef(string(written), "", ""); err == nil && m.describes(id, ref) {
			return ref
		}
	}
	return ""
}

// hints are names that may identify what was observed: those that a scanner gives, then those of labels. A name in a
// label is first looked for in the namespace of what has it, then in all.
func (m *Merger) hints(a *aliasRecord) []Hint {
	var hints []Hint
	subjects := a.subjects
	if len(subjects) > 1 {
		subjects = slices.SortedFunc(slices.Values(subjects), precedence)
	}
	for _, c := range subjects {
		if c.more == nil {
			continue
		}
		hints = append(hints, c.more.hints...)
		for _, name := range m.namesInLabels(c) {
			namespace := cmp.Or(likenessOf(a.alias).namespace, DefaultNamespace)
			hints = append(hints, Hint{Name: name, Namespace: namespace}, Hint{Name: name})
		}
	}
	return slices.DeleteFunc(hints, func(h Hint) bool { return strings.TrimSpace(h.Name) == "" })
}
