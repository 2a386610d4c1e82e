package catalog

import (
	"cmp"
	"fmt"
	"slices"
)

// fact is an edge of a claim that counts, from the entity whose row is made, in forward direction.
type fact struct {
	to    int32 // Ref
	order int32 // of to
	index int32 // in the edges of claim
	claim *claimRecord
}

func (f fact) edge() *edgeRecord { return &f.claim.edges[f.index] }

// environment of a fact: what is declared holds in every one, but where something runs.
func (f fact) environment() string {
	if edge := f.edge(); edge.evidence() == Declared && edge.relation != RunsOn {
		return ""
	}
	return f.claim.document.origin.Environment
}

// combiner makes rows of edges. It keeps the memory that it works in from one row to the next.
type combiner struct {
	*Merger
	facts, scratch []fact
	edges          []Edge     // of the row under way
	evidence       []Evidence // of all of them, one behind the other
	changed        []EdgesChange

	plain map[int32][]Edge // rows that wait for coverRows; nil for none
	again []int32          // entities of which rows may be covered in another way
}

// row makes all edges from one entity, in order.
func (c *combiner) row(from int32) {
	c.collect(from)
	r := c.refs.at(from)
	c.edges, c.evidence = c.edges[:0], c.evidence[:0]
	for facts := c.facts; len(facts) > 0; {
		end := 1
		for end < len(facts) && facts[end].to == facts[0].to {
			end++
		}
		c.combine(r.ref, facts[:end])
		facts = facts[end:]
	}
	if !c.wait(from) {
		c.finish(from, c.edges, true)
	}
}

// finish gives an entity a row, unless it has an equal one. The row under way is copied for it.
func (c *combiner) finish(id int32, row []Edge, underWay bool) {
	r := c.refs.at(id)
	if !slices.EqualFunc(r.row, row, equalEdges) {
		if underWay {
			row = c.kept()
		}
		r.row = row
		c.changed = append(c.changed, EdgesChange{r.ref, row})
	}
	c.tell(&r.selfReference, c.selfReference(r))
}

// kept is a copy of the row under way.
func (c *combiner) kept() []Edge {
	if len(c.edges) == 0 {
		return nil
	}
	evidence := slices.Clone(c.evidence)
	row := slices.Clone(c.edges)
	for i := range row {
		n := len(row[i].Evidence)
		row[i].Evidence, evidence = evidence[:n:n], evidence[n:]
	}
	return row
}

// collect takes the edges of all claims that count, by target, then precedence.
func (c *combiner) collect(from int32) {
	c.facts = c.facts[:0]
	r := c.refs.at(from)
	if r.winner != nil {
		c.own(from, r.winner)
	}
	for _, claim := range r.contributed {
		c.own(from, claim)
	}
	c.others(from, r.reverse)
	for _, id := range r.aliases {
		a := c.aliases.at(id)
		for _, claim := range a.subjects {
			c.own(from, claim)
		}
		c.others(from, a.reverse)
	}
	slices.SortFunc(c.facts, func(a, b fact) int {
		switch {
		case a.to != b.to && a.order > 0 && b.order > 0: // as strings, but faster
			return cmp.Compare(a.order, b.order)
		case a.to != b.to:
			return cmp.Compare(c.refs.at(a.to).ref, c.refs.at(b.to).ref)
		}
		return cmp.Or(precedence(a.claim, b.claim), cmp.Compare(a.index, b.index))
	})
}

func (c *combiner) own(from int32, claim *claimRecord) {
	for i := range claim.edges {
		if edge := &claim.edges[i]; !edge.reverse() {
			c.add(from, edge.target, int32(i), claim)
		}
	}
}

func (c *combiner) others(from int32, reverse []occurrence) {
	for _, edge := range reverse {
		c.add(from, edge.claim.subject, edge.index, edge.claim)
	}
}

// add passes over what runs on itself because an alias stands for the very thing it runs on: a workload that belongs to
// nobody.
func (c *combiner) add(from, target, index int32, claim *claimRecord) {
	to := c.refOf(target)
	edge := &claim.edges[index]
	if to == from && edge.relation == RunsOn && (claim.subject < 0 || edge.target < 0) {
		return
	}
	c.facts = append(c.facts, fact{to, c.refs.at(to).order, index, claim})
}

// combine makes the edges from one entity to another of all facts about the two, which come in order of precedence.
//
// An entry of `dependencies` and what dependsOn or consumesApis say of the same target are one edge: of consumesApis where
// that names it. What holds in every environment covers what was seen in one: that is evidence on the same edge.
func (c *combiner) combine(from Ref, facts []fact) {
	if len(facts) == 1 {
		c.emit(from, facts[0].edge().relation, facts[0].environment(), facts)
		return
	}
	joined, consumes := false, false
	for _, f := range facts {
		joined = joined || f.edge().detailed()
		consumes = consumes || f.edge().relation == ConsumesAPI
	}
	for relation := DependsOn; relation <= RunsOn; relation++ {
		every := false
		c.scratch = c.scratch[:0]
		for _, f := range facts {
			is := f.edge().relation
			if joined && consumes && is == DependsOn {
				is = ConsumesAPI
			}
			if is == relation {
				c.scratch = append(c.scratch, f)
				every = every || f.environment() == ""
			}
		}
		if len(c.scratch) == 0 {
			continue
		}
		if every {
			c.emit(from, relation, "", c.scratch)
			continue
		}
		slices.SortStableFunc(c.scratch, func(a, b fact) int { return cmp.Compare(a.environment(), b.environment()) })
		for rest := c.scratch; len(rest) > 0; {
			end := 1
			for end < len(rest) && rest[end].environment() == rest[0].environment() {
				end++
			}
			c.emit(from, relation, rest[0].environment(), rest[:end])
			rest = rest[end:]
		}
	}
}

// emit adds one edge.
func (c *combiner) emit(from Ref, relation RelationType, environment string, facts []fact) {
	c.edges = append(c.edges, Edge{From: from, To: c.refs.at(facts[0].to).ref, Type: relation, Environment: environment})
	edge := &c.edges[len(c.edges)-1]
	settle(edge, facts)
	edge.Evidence = c.evidenceOf(facts)
	edge.Stale = !slices.ContainsFunc(edge.Evidence, func(e Evidence) bool { return !e.Stale })
}

// selfReference tells that an entity refers to itself, once, and only where no document tells it already.
func (m *Merger) selfReference(r *refRecord) *Problem {
	i, refers := slices.BinarySearchFunc(r.row, r.ref, func(e Edge, to Ref) int { return cmp.Compare(e.To, to) })
	if !refers || m.toldSelf[r.ref] > 0 {
		return nil
	}
	edge := &r.row[i]
	return &Problem{
		Location: edge.Evidence[0].Origin.Location, Line: edge.Evidence[0].Line, Version: edge.Evidence[0].Origin.Version,
		Severity: Warning, Code: CodeSelfDependency, Ref: r.ref,
		Message: fmt.Sprintf("%s refers to itself (%s)", r.ref, edge.Type),
		Fix:     "remove the reference, or name what was meant",
	}
}

// authority orders what says how strong an edge is: an entry of `dependencies`, another word of the entity itself, the
// word of the target (dependencyOf), and what was seen or inferred.
func authority(edge *edgeRecord) int {
	switch {
	case edge.evidence() != Declared:
		return 3
	case edge.reverse():
		return 2
	case !edge.detailed():
		return 1
	}
	return 0
}

// settle decides all but the ends of an edge. Of the strength: the first authority that states one, and the stricter of
// several that it states; a role states one, too. The roles: all that the first authority gives which gives any. Of the
// rest: the first that says it, by authority, then precedence; but what was seen puts no declared edge into an any-of
// group.
func settle(edge *Edge, facts []fact) {
	if !edge.Type.IsDependency() {
		return
	}
	var details EdgeDetails
	declared := false
	for rank := range 4 {
		var strength Strength
		var role Role
		var anyOf string
		for _, f := range facts {
			said := f.edge()
			if authority(said) != rank {
				continue
			}
			strength = max(strength, statedStrength(said))
			role |= said.role
			if said.details != nil {
				anyOf = cmp.Or(anyOf, said.details.anyOf)
				details.Fallback = cmp.Or(details.Fallback, said.details.fallback)
				details.CallsPerRequest = cmp.Or(details.CallsPerRequest, said.details.calls)
				details.Timeout = cmp.Or(details.Timeout, said.details.timeout)
				details.Protocol = cmp.Or(details.Protocol, said.details.protocol)
			}
			declared = declared || rank < 3
		}
		edge.Strength = cmp.Or(edge.Strength, strength)
		edge.Role = cmp.Or(edge.Role, role)
		if rank < 3 || !declared {
			edge.AnyOf = cmp.Or(edge.AnyOf, anyOf)
		}
	}
	edge.Strength = cmp.Or(edge.Strength, Hard)
	if details != (EdgeDetails{}) {
		kept := details // a copy, so that the edges without details need no memory for any
		edge.Details = &kept
	}
}

// statedStrength is what a claim says: by a strength, or else by a role.
func statedStrength(edge *edgeRecord) Strength {
	switch {
	case edge.strength != Unstated:
		return edge.strength
	case edge.role.Publishes():
		return Hard
	case edge.role.Consumes():
		return Async
	}
	return Unstated
}

// evidenceOf unites the evidence of facts, each place and flow once.
func (c *combiner) evidenceOf(facts []fact) []Evidence {
	first := len(c.evidence)
	for _, f := range facts {
		edge := f.edge()
		var flow FlowID
		if edge.details != nil {
			flow = edge.details.flow
		}
		c.evidence = append(c.evidence, Evidence{
			Kind: edge.evidence(), Stale: f.claim.isEdgeStale(f.index), Flow: flow, Line: edge.line, Origin: f.claim.document.origin,
			FirstSeen: cmp.Or(edge.firstSeen, f.claim.firstSeen), LastSeen: f.claim.edgeSeenLast(f.index),
		})
	}
	return c.uniteFrom(first)
}

// uniteFrom puts the evidence from a place on in order, each place and flow once.
func (c *combiner) uniteFrom(first int) []Evidence {
	all := c.evidence[first:]
	if len(all) > 1 {
		slices.SortFunc(all, func(a, b Evidence) int { return cmp.Or(compareEvidence(a, b), compareFreshness(a, b)) })
		all = uniteEvidence(all)
		c.evidence = c.evidence[:first+len(all)]
	}
	return slices.Clip(all)
}

func compareEvidence(a, b Evidence) int {
	return cmp.Or(
		cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Origin.Source, b.Origin.Source),
		cmp.Compare(a.Origin.Location, b.Origin.Location), cmp.Compare(a.Line, b.Line),
		cmp.Compare(a.Origin.Environment, b.Origin.Environment), cmp.Compare(a.Flow, b.Flow),
	)
}

// compareFreshness puts in order what stands at one place: the version of what could be renewed counts.
func compareFreshness(a, b Evidence) int {
	if a.Stale != b.Stale {
		if a.Stale {
			return 1
		}
		return -1
	}
	return compareVersions(a.Origin.Version, b.Origin.Version)
}

// uniteEvidence makes one of what stands at the same place and is of the same flow: it is stale where all of it is, seen
// since the earliest, until the latest.
func uniteEvidence(all []Evidence) []Evidence {
	united := all[:1]
	for _, e := range all[1:] {
		last := &united[len(united)-1]
		if compareEvidence(*last, e) != 0 {
			united = append(united, e)
			continue
		}
		last.Stale = last.Stale && e.Stale
		last.FirstSeen, last.LastSeen = earliest(last.FirstSeen, e.FirstSeen), latest(last.LastSeen, e.LastSeen)
	}
	return united
}

func equalEdges(a, b Edge) bool {
	return a.From == b.From && a.To == b.To && a.Type == b.Type && a.Strength == b.Strength && a.Role == b.Role &&
		a.Stale == b.Stale && a.AnyOf == b.AnyOf && a.Environment == b.Environment &&
		(a.Details == b.Details || a.Details != nil && b.Details != nil && *a.Details == *b.Details) &&
		slices.EqualFunc(a.Evidence, b.Evidence, equalEvidence)
}

func equalEvidence(a, b Evidence) bool {
	return a.Kind == b.Kind && a.Stale == b.Stale && a.Line == b.Line && a.FirstSeen == b.FirstSeen &&
		a.LastSeen == b.LastSeen && a.Flow == b.Flow && equalOrigins(a.Origin, b.Origin)
}
