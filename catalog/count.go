package catalog

// count puts a claim among those that count, or takes it out of them, and marks all that this touches.
func (m *Merger) count(c *claimRecord, in bool) {
	c.counted = in
	m.countSubject(c, in)
	for i := range c.edges {
		m.countTarget(c, int32(i), in)
	}
	if c.owner != none {
		m.mention(c.owner, in)
	}
	for i := range c.aliases {
		m.countStatement(c, int32(i), in)
	}
	if c.more != nil {
		for i := range c.more.labels {
			m.countLabel(c, int32(i), in)
		}
		for i := range c.more.selectors {
			m.countSelector(c, int32(i), in)
		}
	}
}

func sign(in bool) int32 {
	if in {
		return 1
	}
	return -1
}

// mention counts how often a Ref is mentioned: what is mentioned is an entity.
func (m *Merger) mention(id int32, in bool) {
	r := m.refs.at(id)
	if in {
		r.mentions++
	} else {
		r.mentions--
	}
	if r.mentions == 0 || in && r.mentions == 1 {
		m.mark(id, markEntity)
	}
}

func (m *Merger) countSubject(c *claimRecord, in bool) {
	if c.subject < 0 {
		a := m.aliases.at(^c.subject)
		if in {
			c.place = int32(len(a.subjects))
			a.subjects = append(a.subjects, c)
		} else {
			a.subjects = takeClaim(a.subjects, c.place)
		}
		m.markAlias(^c.subject)
		m.markSubject(c.subject, markEntity|markRow)
		m.countFresh(a, c.isStale(), in)
		return
	}
	m.mention(c.subject, in)
	m.mark(c.subject, markEntity|markRow)
	if c.descriptor == nil {
		r := m.refs.at(c.subject)
		if in {
			c.place = int32(len(r.contributed))
			r.contributed = append(r.contributed, c)
		} else {
			r.contributed = takeClaim(r.contributed, c.place)
		}
	}
}

func takeClaim(list []*claimRecord, place int32) []*claimRecord {
	list, moved := take(list, place)
	if moved {
		list[place].place = place
	}
	return list
}

// countFresh counts what is not stale among what was observed by a name.
func (m *Merger) countFresh(a *aliasRecord, stale, in bool) {
	before := a.fresh
	switch {
	case stale:
	case in:
		a.fresh++
	default:
		a.fresh--
	}
	if a.by != "" && ((before > 0) != (a.fresh > 0) || a.fresh == 0) {
		m.mark(a.ref, markEntity)
	}
}

func (m *Merger) countTarget(c *claimRecord, i int32, in bool) {
	edge := &c.edges[i]
	if edge.target >= 0 {
		m.mention(edge.target, in)
		if edge.reverse() {
			m.mark(edge.target, markRow)
			r := m.refs.at(edge.target)
			r.reverse = countEdge(r.reverse, c, i, in)
		}
		return
	}
	a := m.aliases.at(^edge.target)
	before := a.seen()
	if edge.reverse() {
		m.markSubject(edge.target, markEntity|markRow)
		a.reverse = countEdge(a.reverse, c, i, in)
	} else {
		a.forward = countEdge(a.forward, c, i, in)
		m.keepFirst(a, occurrence{c, i}, in)
	}
	if before != a.seen() {
		m.markAlias(^edge.target)
	}
	m.countFresh(a, c.isEdgeStale(i), in)
}

func countEdge(list []occurrence, c *claimRecord, i int32, in bool) []occurrence {
	place := &c.edges[i].place
	if in {
		*place = int32(len(list))
		return append(list, occurrence{c, i})
	}
	list, moved := take(list, *place)
	if moved {
		other := list[*place]
		other.claim.edges[other.index].place = *place
	}
	return list
}

func (m *Merger) countStatement(c *claimRecord, i int32, in bool) {
	stated := &c.aliases[i]
	if stated.alias == ^c.subject {
		return // its own name is no other
	}
	a := m.aliases.at(stated.alias)
	list := &a.declared
	if c.subject < 0 {
		list = &a.stated
		if !a.isPair(m.aliases.at(^c.subject)) {
			a.further += sign(in)
		}
	}
	if in {
		stated.place = int32(len(*list))
		*list = append(*list, occurrence{c, i})
	} else {
		var moved bool
		if *list, moved = take(*list, stated.place); moved {
			other := (*list)[stated.place]
			other.claim.aliases[other.index].place = stated.place
		}
	}
	m.markAlias(stated.alias)
}

// keepFirst keeps in mind the first edge to an alias. Where that goes, the next is only looked for when somebody asks and
// none before the one that went has come: what many mention changes often.
func (m *Merger) keepFirst(a *aliasRecord, edge occurrence, in bool) {
	switch {
	case !in && a.first == edge:
		a.first, a.wasFirst = occurrence{}, edge
	case !in:
		return
	case len(a.forward) == 1,
		a.first.claim != nil && compareOccurrences(edge, a.first) < 0,
		a.first.claim == nil && a.wasFirst.claim != nil && compareOccurrences(edge, a.wasFirst) <= 0:
		a.first, a.wasFirst = edge, occurrence{}
	default:
		return
	}
	if a.by != "" {
		m.mark(a.ref, markEntity)
	}
}

// firstMention is the first edge to an alias that is mentioned.
func (a *aliasRecord) firstMention() occurrence {
	if a.first.claim == nil {
		for _, edge := range a.forward {
			if a.first.claim == nil || compareOccurrences(edge, a.first) < 0 {
				a.first = edge
			}
		}
	}
	return a.first
}
