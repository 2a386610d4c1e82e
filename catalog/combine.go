package catalog

import (
	"cmp"
	"fmt"
	"slices"
)

// fact is a claim of an edge that counts, between Refs and in forward direction.
type fact struct {
	from, to int32 // Refs by number; by place in sorted once they are arranged
	document int32
	edge     int32 // into targets
}

// facts takes the edges of all claims that count, in order of precedence, with every alias resolved. After it the set of
// entities is known.
func (m *merger) facts() []fact {
	facts := make([]fact, 0, len(m.targets))
	m.counted(func(document, c int32) bool {
		claim := &m.claims[c]
		subject := m.refOf(claim.subject)
		for i := claim.firstEdge; i < claim.endEdge; i++ {
			f := fact{from: subject, to: m.refOf(m.targets[i].target), document: document, edge: i}
			if m.targets[i].reverse {
				f.from, f.to = f.to, f.from
			}
			facts = append(facts, f)
		}
		if claim.descriptor != nil && claim.subject >= 0 && claim.descriptor.Owner != "" {
			owner := m.refID(claim.descriptor.Owner)
			m.mentioned[owner] = true
		}
		return true
	})
	return facts
}

// edges makes the edges, in the order of their Refs. Facts are brought together by counting and sorting, not by maps:
// this is the part of a merge that is as long as the catalog has edges.
func (m *merger) edges(facts []fact) []Edge {
	start := make([]int32, len(m.sorted)+1)
	for i := range facts {
		facts[i].from, facts[i].to = m.rank[facts[i].from], m.rank[facts[i].to]
		start[facts[i].from+1]++
	}
	for i := range m.sorted {
		start[i+1] += start[i]
	}
	grouped := make([]fact, len(facts))
	for _, f := range facts {
		grouped[start[f.from]] = f
		start[f.from]++
	}
	c := combiner{merger: m, result: make([]Edge, 0, len(facts)), evidence: make([]Evidence, 0, len(facts))}
	for len(grouped) > 0 {
		end := 1
		for end < len(grouped) && grouped[end].from == grouped[0].from {
			end++
		}
		slices.SortStableFunc(grouped[:end], func(a, b fact) int { return cmp.Compare(a.to, b.to) })
		for i := 0; i < end; {
			j := i + 1
			for j < end && grouped[j].to == grouped[i].to {
				j++
			}
			c.combine(grouped[i:j])
			i = j
		}
		grouped = grouped[end:]
	}
	return c.result
}

// combiner makes edges of the facts between one entity and another.
type combiner struct {
	*merger
	result   []Edge
	evidence []Evidence // of all edges, one behind the other
	scratch  []fact
}

// combine makes the edges from one entity to another of all facts about the two, which come in order of precedence.
//
// An entry of `dependencies` and what dependsOn or consumesApis say of the same target are one edge: of consumesApis where
// that names it. What holds in every environment covers what was seen in one: that is evidence on the same edge.
func (c *combiner) combine(facts []fact) {
	if len(facts) == 1 {
		c.emit(c.targets[facts[0].edge].relation, c.environment(facts[0]), facts)
		return
	}
	joined, consumes := false, false
	for _, f := range facts {
		edge := &c.targets[f.edge]
		joined = joined || edge.detailed
		consumes = consumes || edge.relation == ConsumesAPI
	}
	for relation := DependsOn; relation <= RunsOn; relation++ {
		every := false
		c.scratch = c.scratch[:0]
		for _, f := range facts {
			is := c.targets[f.edge].relation
			if joined && consumes && is == DependsOn {
				is = ConsumesAPI
			}
			if is == relation {
				c.scratch = append(c.scratch, f)
				every = every || c.environment(f) == ""
			}
		}
		if len(c.scratch) == 0 {
			continue
		}
		if every {
			c.emit(relation, "", c.scratch)
			continue
		}
		slices.SortStableFunc(c.scratch, func(a, b fact) int { return cmp.Compare(c.environment(a), c.environment(b)) })
		for i := 0; i < len(c.scratch); {
			j := i + 1
			for j < len(c.scratch) && c.environment(c.scratch[j]) == c.environment(c.scratch[i]) {
				j++
			}
			c.emit(relation, c.environment(c.scratch[i]), c.scratch[i:j])
			i = j
		}
	}
}

// environment of a fact: what is declared holds in every one.
func (c *combiner) environment(f fact) string {
	if c.targets[f.edge].evidence == Declared {
		return ""
	}
	return c.documents[f.document].origin.Environment
}

// emit adds one edge.
func (c *combiner) emit(relation RelationType, environment string, facts []fact) {
	c.result = append(c.result, Edge{})
	edge := &c.result[len(c.result)-1]
	edge.From, edge.To = c.refs[c.sorted[facts[0].from]], c.refs[c.sorted[facts[0].to]]
	edge.Type, edge.Environment = relation, environment
	c.settle(edge, facts)
	edge.Evidence = c.evidenceOf(facts)
	edge.Stale = !slices.ContainsFunc(edge.Evidence, func(e Evidence) bool { return !e.Stale })
	if edge.From == edge.To && !c.toldSelf[edge.From] {
		c.toldSelf[edge.From] = true
		c.problems = append(c.problems, Problem{
			Location: edge.Evidence[0].Origin.Location, Line: edge.Evidence[0].Line,
			Severity: Warning, Code: CodeSelfDependency, Ref: edge.From,
			Message: fmt.Sprintf("%s refers to itself (%s)", edge.From, edge.Type),
			Fix:     "remove the reference, or name what was meant",
		})
	}
}

// authority orders what says how strong an edge is: an entry of `dependencies`, another word of the entity itself, the
// word of the target (dependencyOf), and what was seen or inferred.
func (c *combiner) authority(f fact) int {
	switch edge := &c.targets[f.edge]; {
	case edge.evidence != Declared:
		return 3
	case edge.reverse:
		return 2
	case !edge.detailed:
		return 1
	}
	return 0
}

// settle decides all but the ends of an edge. Of the strength: the first authority that states one, and the stricter of
// several that it states; a role states one, too. The roles: all that the first authority gives which gives any. Of the
// rest: the first that says it, by authority, then precedence; but what was seen puts no declared edge into an any-of
// group.
func (c *combiner) settle(edge *Edge, facts []fact) {
	if !edge.Type.IsDependency() {
		return
	}
	var details EdgeDetails
	declared := false
	for authority := range 4 {
		var strength Strength
		var role Role
		var anyOf string
		for _, f := range facts {
			if c.authority(f) != authority {
				continue
			}
			said := &c.targets[f.edge]
			strength = max(strength, statedStrength(said))
			role |= said.role
			if said.details != nil {
				anyOf = cmp.Or(anyOf, said.details.anyOf)
				details.Fallback = cmp.Or(details.Fallback, said.details.fallback)
				details.CallsPerRequest = cmp.Or(details.CallsPerRequest, said.details.calls)
				details.Timeout = cmp.Or(details.Timeout, said.details.timeout)
			}
			declared = declared || authority < 3
		}
		edge.Strength = cmp.Or(edge.Strength, strength)
		edge.Role = cmp.Or(edge.Role, role)
		if authority < 3 || !declared {
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

// evidenceOf unites the evidence of facts, each place once; where it stands twice, what is not stale counts.
func (c *combiner) evidenceOf(facts []fact) []Evidence {
	first := len(c.evidence)
	for _, f := range facts {
		document := &c.documents[f.document]
		c.evidence = append(c.evidence, Evidence{
			Kind: c.targets[f.edge].evidence, Stale: document.stale, Line: c.targets[f.edge].line, Origin: document.origin,
		})
	}
	all := c.evidence[first:]
	if len(all) > 1 {
		slices.SortFunc(all, compareEvidence)
		all = slices.CompactFunc(all, samePlace)
		c.evidence = c.evidence[:first+len(all)]
	}
	return slices.Clip(all)
}

func compareEvidence(a, b Evidence) int {
	stale := func(e Evidence) int {
		if e.Stale {
			return 1
		}
		return 0
	}
	return cmp.Or(
		cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Origin.Source, b.Origin.Source),
		cmp.Compare(a.Origin.Location, b.Origin.Location), cmp.Compare(a.Line, b.Line),
		cmp.Compare(a.Origin.Environment, b.Origin.Environment), cmp.Compare(stale(a), stale(b)),
	)
}

func samePlace(a, b Evidence) bool {
	return a.Kind == b.Kind && a.Line == b.Line && *a.Origin == *b.Origin
}
