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
	CodeSelectorConflict       = "selector-conflict"       // several entities select one workload
	CodeSelfDependency         = "self-dependency"         // an entity refers to itself
)

// elect finds, for each Ref that is marked for it, the claim that describes it: the first in order of precedence.
func (m *Merger) elect() {
	for _, id := range m.touched[:len(m.touched):len(m.touched)] {
		r := m.refs.at(id)
		if r.marks&markElection == 0 {
			continue
		}
		var first *claimRecord
		if len(r.described) > 0 {
			first = r.described[0]
		}
		if r.winner != first {
			if r.winner != nil {
				m.count(r.winner, false)
			}
			if r.winner = first; first != nil {
				m.count(first, true)
			}
		}
		if described := first != nil; described != r.known {
			r.known = described
			m.noteName(id)
		}
		m.mark(id, markEntity) // what others that describe it say counts for when it was seen first
		m.tell(&r.conflict, m.conflictOf(r))
	}
}

// conflictOf makes one problem of all descriptors of a Ref, unless they all say the same. It stands where the first that
// counts for nothing and says something else does.
func (m *Merger) conflictOf(r *refRecord) *Problem {
	if len(r.described) < 2 {
		return nil
	}
	fighting := r.described
	if !r.winner.yields {
		fighting = slices.DeleteFunc(slices.Clone(fighting), func(c *claimRecord) bool { return c.yields })
	}
	first := slices.IndexFunc(fighting, func(c *claimRecord) bool { return !sayTheSame(r.winner, c) })
	if first < 0 {
		return nil
	}
	places := make([]string, len(fighting))
	for i, c := range fighting {
		places[i] = placeOf(c)
	}
	places[0] += " (which counts)"
	origin := fighting[first].document.origin
	return &Problem{
		Location: origin.Location,
		Line:     fighting[first].line,
		Version:  origin.Version,
		Severity: Warning, Code: CodeConflictingDescriptors, Ref: r.ref,
		Message: fmt.Sprintf("%s is described in %d places, differently: %s",
			r.ref, len(places), strings.Join(places, ", ")),
		Fix: "keep one of them, or give the entities different names",
	}
}

// placeOf writes location and line, and the source where that alone does not tell.
func placeOf(c *claimRecord) string {
	origin := c.document.origin
	switch {
	case origin.Location == "":
		return "source " + origin.Source
	case c.line > 0:
		return fmt.Sprintf("%s:%d", origin.Location, c.line)
	}
	return origin.Location
}

// sayTheSame compares what two claims about one Ref say, wherever and since whenever they say it.
func sayTheSame(a, b *claimRecord) bool {
	return a == b || reflect.DeepEqual(plainDescriptor(a.descriptor), plainDescriptor(b.descriptor)) &&
		maps.Equal(edgeSet(a), edgeSet(b)) && reflect.DeepEqual(contentOf(a), contentOf(b))
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

func edgeSet(c *claimRecord) map[comparableEdge]bool {
	set := make(map[comparableEdge]bool)
	for _, edge := range c.edges {
		key := comparableEdge{edgeRecord: edge}
		if edge.details != nil {
			key.edgeDetails = *edge.details
		}
		key.details, key.line, key.place, key.firstSeen, key.lastSeen = nil, 0, 0, 0, 0
		set[key] = true
	}
	return set
}

// content is the statements of a claim besides descriptor and edges.
type content struct {
	aliases   map[int32]bool
	links     map[Link]bool
	selectors map[string]bool
	facts     *Facts
}

func contentOf(c *claimRecord) content {
	w := content{aliases: map[int32]bool{}, links: map[Link]bool{}, selectors: map[string]bool{}}
	for _, stated := range c.aliases {
		w.aliases[stated.alias] = true
	}
	if c.more == nil {
		return w
	}
	w.facts = c.more.facts
	for _, link := range c.more.links {
		w.links[link] = true
	}
	for _, selector := range c.more.selectors {
		selector.Line = 0
		w.selectors[fmt.Sprintf("%q", []any{selector.Namespace, selector.Requirements})] = true
	}
	return w
}
