package catalog

import (
	"cmp"
	"reflect"
	"slices"
)

// entity makes the entity of a Ref; nil where nobody mentions it.
func (m *Merger) entity(r *refRecord) *Entity {
	if r.mentions == 0 && len(r.aliases) == 0 {
		return nil
	}
	e := &Entity{}
	if r.winner != nil {
		e.Descriptor = *r.winner.descriptor
		e.claimedBy(r.winner)
	} else {
		discovered, found := m.discovery(r), r.firstFound()
		if e.Discovered = len(discovered) > 0; e.Discovered {
			e.Lifecycle = LifecycleDiscovered
			e.Stale, e.LastSeen = staleness(discovered)
		}
		if e.Found = found != nil; e.Found {
			e.claimedBy(found)
		}
		e.Placeholder = !e.Discovered && !e.Found
	}
	e.Facts = r.unitedFacts()
	e.Ref = r.ref
	if e.Kind == "" || e.Namespace == "" || e.Name == "" {
		kind, namespace, name := r.ref.parts()
		e.Kind, e.Namespace, e.Name = cmp.Or(e.Kind, KindSpelling(kind)), cmp.Or(e.Namespace, namespace), cmp.Or(e.Name, name)
	}
	var contributed []Link
	for _, c := range r.contributed {
		if c.more != nil {
			contributed = append(contributed, c.more.links...)
		}
	}
	if r.winner != nil && r.winner.more != nil {
		contributed = append(contributed, r.winner.more.links...)
		e.OwnerHints = r.winner.more.owners
	}
	e.Links = unite(e.Links, contributed)
	e.FirstSeen = m.firstSeen(r)
	e.Entry = m.entry(r)
	for _, id := range r.aliases {
		e.Aliases = append(e.Aliases, entityAlias(m.aliases.at(id)))
	}
	slices.SortFunc(e.Aliases, func(a, b EntityAlias) int { return cmp.Compare(a.Alias, b.Alias) })
	return e
}

// claimedBy takes over where the claim stands that says what the entity is, and whether that could be renewed.
func (e *Entity) claimedBy(c *claimRecord) {
	e.Origin, e.Line, e.Stale, e.LastSeen = c.document.origin, c.line, c.isStale(), c.seenLast()
}

// firstFound is the first by precedence of what says that it was found, of those that are not stale where there are any;
// nil for none.
func (r *refRecord) firstFound() (first *claimRecord) {
	for _, c := range r.contributed {
		switch {
		case !c.found:
		case first == nil, first.isStale() && !c.isStale(), first.isStale() == c.isStale() && precedence(c, first) < 0:
			first = c
		}
	}
	return first
}

// shareDescriptor lets the claim that describes an entity use the entity's copy of the descriptor, where nothing was added
// to it, so that it is in memory once.
func (r *refRecord) shareDescriptor() {
	if r.winner == nil {
		return
	}
	d := r.winner.descriptor
	if d.Ref == r.ref && d.Kind != "" && d.Namespace != "" && d.Name != "" && len(d.Links) == len(r.entity.Links) {
		r.winner.descriptor = &r.entity.Descriptor
	}
}

func equalEntities(a, b *Entity) bool {
	if a == nil || b == nil {
		return a == b
	}
	return reflect.DeepEqual(a, b)
}

// discovery lists the aliases that a Ref comes from alone.
func (m *Merger) discovery(r *refRecord) []*aliasRecord {
	var discovered []*aliasRecord
	for _, id := range r.aliases {
		if a := m.aliases.at(id); a.by == MatchedByDiscovery {
			discovered = append(discovered, a)
		}
	}
	return discovered
}

// staleness says whether all that was observed by some names is stale, and when it was seen last.
func staleness(names []*aliasRecord) (stale bool, lastSeen Instant) {
	for _, a := range names {
		if a.fresh > 0 {
			return false, 0
		}
	}
	started := false
	see := func(at Instant) {
		if !started {
			started, lastSeen = true, at
		}
		lastSeen = latest(lastSeen, at)
	}
	for _, a := range names {
		for _, c := range a.subjects {
			see(c.seenLast())
		}
		for _, edges := range [][]occurrence{a.forward, a.reverse} {
			for _, edge := range edges {
				see(edge.claim.edgeSeenLast(edge.index))
			}
		}
	}
	return true, lastSeen
}

// firstSeen is the earliest of all claims about a Ref and its aliases, those that count for nothing else included.
func (m *Merger) firstSeen(r *refRecord) (first Instant) {
	for _, c := range r.described {
		first = earliest(first, c.firstSeen)
	}
	for _, c := range r.contributed {
		first = earliest(first, c.firstSeen)
	}
	for _, id := range r.aliases {
		for _, c := range m.aliases.at(id).subjects {
			first = earliest(first, c.firstSeen)
		}
	}
	return first
}

// entry is the most that traffic says about a Ref and its aliases.
func (m *Merger) entry(r *refRecord) (most Entry) {
	for _, c := range r.contributed {
		most = max(most, c.entry)
	}
	for _, id := range r.aliases {
		for _, c := range m.aliases.at(id).subjects {
			most = max(most, c.entry)
		}
	}
	return most
}

// earliest passes over what is unknown.
func earliest(a, b Instant) Instant {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}

// latest takes 0 for the last good scan, after which there is nothing.
func latest(a, b Instant) Instant {
	if a == 0 || b == 0 {
		return 0
	}
	return max(a, b)
}

// entityAlias says where an alias comes from: from a person's word, or else from the first that observed something by the
// name, that stated it as another name of something observed, or that saw something point to it.
func entityAlias(a *aliasRecord) EntityAlias {
	known := EntityAlias{Alias: a.alias, MatchedBy: a.by}
	at := func(c *claimRecord, line int32) EntityAlias {
		known.Origin, known.Line = c.document.origin, cmp.Or(line, c.line)
		return known
	}
	a.wasFirst = occurrence{}
	if words := a.words(); words.claimed && !words.contested {
		first := a.firstClaimant()
		return at(first.claim, first.line())
	}
	switch {
	case len(a.subjects) > 0:
		return at(slices.MinFunc(a.subjects, precedence), 0)
	case len(a.stated) > 0:
		first := slices.MinFunc(a.stated, compareOccurrences)
		return at(first.claim, first.claim.aliases[first.index].line)
	case len(a.forward) > 0:
		first := a.firstMention()
		return at(first.claim, first.claim.edges[first.index].line)
	case len(a.reverse) > 0:
		first := slices.MinFunc(a.reverse, compareOccurrences)
		return at(first.claim, first.claim.edges[first.index].line)
	}
	return known
}

// unite adds contributed links behind those of the descriptor. A link is the same where it leads to the same place for
// the same purpose; the descriptor's words for it stand.
func unite(own, contributed []Link) []Link {
	if len(contributed) == 0 {
		return own
	}
	slices.SortFunc(contributed, func(a, b Link) int {
		return cmp.Or(cmp.Compare(a.URL, b.URL), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Title, b.Title),
			cmp.Compare(a.Icon, b.Icon))
	})
	type purpose struct{ url, is string }
	seen := make(map[purpose]bool, len(own)+len(contributed))
	for _, link := range own {
		seen[purpose{link.URL, link.Type}] = true
	}
	links := slices.Clone(own)
	for _, link := range contributed {
		if p := (purpose{link.URL, link.Type}); !seen[p] {
			seen[p] = true
			links = append(links, link)
		}
	}
	return links
}
