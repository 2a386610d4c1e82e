package catalog

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// The codes of the problems that only the whole of all claims shows.
const (
	CodeConflictingDescriptors = "conflicting-descriptors" // several documents describe one entity, differently
	CodeAliasConflict          = "alias-conflict"          // several entities state one alias
	CodeSelfDependency         = "self-dependency"         // an entity refers to itself
)

// election is the claim that describes a Ref, of those that compete for it. claim is none where nobody describes it.
type election struct{ claim, document int32 }

// place is where a claim stands.
type place struct{ claim, document int32 }

// elect finds for each Ref the claim that describes it: the first in order of precedence.
func (m *merger) elect() {
	m.elections = slices.Repeat([]election{{claim: none}}, len(m.refs))
	m.mentioned = make([]bool, len(m.refs))
	rivals := make(map[int32][]place)
	for d := range m.documents {
		for c := m.documents[d].firstClaim; c < m.documents[d].endClaim; c++ {
			claim := &m.claims[c]
			if claim.descriptor == nil || claim.subject < 0 {
				continue
			}
			if won := &m.elections[claim.subject]; won.claim == none {
				*won = election{c, int32(d)}
			} else {
				rivals[claim.subject] = append(rivals[claim.subject], place{c, int32(d)})
			}
		}
	}
	for ref, losers := range rivals {
		m.tellConflict(ref, losers)
	}
}

// tellConflict makes one problem of all descriptors of a Ref, unless they all say the same. It stands where the first
// that counts for nothing and says something else does.
func (m *merger) tellConflict(ref int32, losers []place) {
	won := m.elections[ref]
	first := slices.IndexFunc(losers, func(p place) bool { return !m.sayTheSame(won.claim, p.claim) })
	if first < 0 {
		return
	}
	places := []string{m.placeOf(place(won)) + " (which counts)"}
	for _, loser := range losers {
		places = append(places, m.placeOf(loser))
	}
	m.problems = append(m.problems, Problem{
		Location: m.documents[losers[first].document].origin.Location,
		Line:     m.claims[losers[first].claim].line,
		Severity: Warning, Code: CodeConflictingDescriptors, Ref: m.refs[ref],
		Message: fmt.Sprintf("%s is described in %d places, differently: %s",
			m.refs[ref], len(places), strings.Join(places, ", ")),
		Fix: "keep one of them, or give the entities different names",
	})
}

// placeOf writes location and line, and the source where that alone does not tell.
func (m *merger) placeOf(p place) string {
	origin, line := m.documents[p.document].origin, m.claims[p.claim].line
	switch {
	case origin.Location == "":
		return "source " + origin.Source
	case line > 0:
		return fmt.Sprintf("%s:%d", origin.Location, line)
	}
	return origin.Location
}

// sayTheSame compares what two claims about one Ref say, wherever they say it.
func (m *merger) sayTheSame(a, b int32) bool {
	x, y := &m.claims[a], &m.claims[b]
	return reflect.DeepEqual(plainDescriptor(x.descriptor), plainDescriptor(y.descriptor)) &&
		maps.Equal(m.edgeSet(x), m.edgeSet(y)) && maps.Equal(aliasSet(x), aliasSet(y)) && maps.Equal(linkSet(x), linkSet(y))
}

// plainDescriptor makes no difference between nothing and an empty list.
func plainDescriptor(d *Descriptor) Descriptor {
	plain := *d
	if len(plain.Labels) == 0 {
		plain.Labels = nil
	}
	if len(plain.Annotations) == 0 {
		plain.Annotations = nil
	}
	if len(plain.Tags) == 0 {
		plain.Tags = nil
	}
	if len(plain.Links) == 0 {
		plain.Links = nil
	}
	return plain
}

type comparableEdge struct {
	edgeRecord
	edgeDetails
}

func (m *merger) edgeSet(claim *claimRecord) map[comparableEdge]bool {
	set := make(map[comparableEdge]bool)
	for _, edge := range m.targets[claim.firstEdge:claim.endEdge] {
		key := comparableEdge{edgeRecord: edge}
		if edge.details != nil {
			key.edgeDetails = *edge.details
		}
		key.line, key.details = 0, nil
		set[key] = true
	}
	return set
}

func aliasSet(claim *claimRecord) map[Alias]bool {
	set := make(map[Alias]bool)
	if claim.more != nil {
		for _, stated := range claim.more.aliases {
			set[stated.Alias] = true
		}
	}
	return set
}

func linkSet(claim *claimRecord) map[Link]bool {
	set := make(map[Link]bool)
	if claim.more != nil {
		for _, link := range claim.more.links {
			set[link] = true
		}
	}
	return set
}
