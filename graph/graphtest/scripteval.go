package graphtest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// asking is an eval line as read.
type asking struct {
	refs   []catalog.Ref
	filter graph.Filter
	within int
	kinds  []string
}

// answer computes what an eval asks, in the lines that expect has.
func (s *script) answer(question string) ([]string, error) {
	w := &words{left: strings.Fields(question)}
	verb := w.next()
	ask, err := readAsking(w)
	if err != nil {
		return nil, err
	}
	count := map[string]int{"needs": 1, "needed-by": 1, "owner": 1, "path": 2, "cycles": 0}
	if wanted, ok := count[verb]; ok && len(ask.refs) != wanted {
		return nil, fmt.Errorf("%s takes %d names", verb, wanted)
	}
	switch verb {
	case "blast":
		return s.blast(ask)
	case "teams":
		return s.teams(ask)
	case "needs":
		return s.deps(ask, graph.Needs)
	case "needed-by":
		return s.deps(ask, graph.NeededBy)
	case "path":
		path, err := s.snapshot.Path(ask.refs[0], ask.refs[1], ask.filter)
		if err != nil || path == nil {
			return nil, err
		}
		return []string{tellPath(ask.refs[0], path)}, nil
	case "cycles":
		var lines []string
		for _, cycle := range s.snapshot.Cycles() {
			lines = append(lines, join(cycle, ", "))
		}
		return lines, nil
	case "owner":
		return s.owner(ask.refs[0])
	default:
		return nil, fmt.Errorf("%q is no question", verb)
	}
}

// readAsking reads: REF ... [evidence KIND ...] [stale] [in ENVIRONMENT] [within N] [kind KIND] [plus A -> B words]
// [minus A -> B].
func readAsking(w *words) (asking, error) {
	var ask asking
	for len(w.left) > 0 && w.err == nil {
		switch {
		case w.accept("evidence"):
			for _, word := range strings.Split(w.next(), ",") {
				var kind catalog.EvidenceKind
				w.err = errors.Join(w.err, kind.UnmarshalText([]byte(word)))
				ask.filter.Evidence |= catalog.EvidenceSet(kind)
			}
		case w.accept("stale"):
			ask.filter.IncludeStale = true
		case w.accept("in"):
			ask.filter.Environment = w.next()
		case w.accept("within"):
			ask.within = w.number()
		case w.accept("kind"):
			ask.kinds = append(ask.kinds, w.next())
		case w.accept("plus"):
			edge := graph.WhatIfEdge{From: w.ref()}
			w.accept("->")
			edge.To = w.ref()
			for _, strength := range []catalog.Strength{catalog.Hard, catalog.Soft, catalog.Async} {
				if w.accept(strings.ToLower(strength.String())) {
					edge.Strength = strength
				}
			}
			if w.accept("anyOf") {
				edge.AnyOf = w.next()
			}
			ask.filter.Add = append(ask.filter.Add, edge)
		case w.accept("minus"):
			pair := graph.WhatIfPair{From: w.ref()}
			w.accept("->")
			pair.To = w.ref()
			ask.filter.Remove = append(ask.filter.Remove, pair)
		default:
			ask.refs = append(ask.refs, w.ref())
		}
	}
	return ask, w.done()
}

func (s *script) blast(ask asking) ([]string, error) {
	blast, err := s.snapshot.BlastRadius(ask.refs, graph.BlastOptions{Filter: ask.filter, MaxDistance: ask.within})
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, failed := range blast.Failed() {
		if failed.PartOf != "" {
			lines = append(lines, "failed "+short(failed.Entity.Ref)+" part of "+short(failed.PartOf))
		}
	}
	for _, hit := range blast.Page(0, -1) {
		line := fmt.Sprintf("%s %s: %s", strings.ToLower(hit.Impact.String()), short(hit.Entity.Ref),
			tellPath(hit.Entity.Ref, hit.Path))
		if len(hit.Alternatives) > 0 {
			line += fmt.Sprintf(" (all of %s: %s)", hit.Path[0].AnyOf, join(hit.Alternatives, ", "))
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// tellPath writes a > b > c, with the topic where a step goes by way of one: a >(orders) b.
func tellPath(start catalog.Ref, path []graph.Need) string {
	told := short(start)
	for _, need := range path {
		arrow := " > "
		if need.Via != "" {
			arrow = " >(" + short(need.Via) + ") "
		}
		told += arrow + short(need.To)
	}
	return told
}

func (s *script) teams(ask asking) ([]string, error) {
	blast, err := s.snapshot.BlastRadius(ask.refs, graph.BlastOptions{Filter: ask.filter, MaxDistance: ask.within})
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, team := range blast.Teams() {
		name := "nobody"
		if team.Owner != nil {
			name = short(team.Owner.Ref)
		}
		line := fmt.Sprintf("%s: %d, worst %s", name, team.Impacted, strings.ToLower(team.Worst.String()))
		for _, contact := range team.OnCall {
			line += ", call " + contact.Target
		}
		lines = append(lines, line)
	}
	return lines, nil
}

func (s *script) deps(ask asking, direction graph.Direction) ([]string, error) {
	deps, err := s.snapshot.Deps(ask.refs[0], graph.DepsOptions{
		Filter: ask.filter, Direction: direction, Depth: ask.within, Kinds: ask.kinds,
	})
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, need := range deps.Edges {
		line := short(need.From) + " -> " + short(need.To) + " " + strings.ToLower(need.Strength.String())
		if need.AnyOf != "" {
			line += " anyOf " + need.AnyOf
		}
		if need.Via != "" {
			line += " via " + short(need.Via)
		}
		lines = append(lines, line)
	}
	for _, reached := range deps.Entities {
		lines = append(lines, strconv.Itoa(reached.Distance)+" "+short(reached.Entity.Ref))
	}
	return lines, nil
}

func (s *script) owner(ref catalog.Ref) ([]string, error) {
	answer, err := s.snapshot.Ownership(ref)
	if err != nil {
		return nil, err
	}
	owner := "nobody"
	if answer.Owner != nil {
		owner = short(answer.Owner.Ref)
	}
	lines := []string{owner}
	members := []string{}
	for _, member := range answer.Members {
		members = append(members, short(member.Ref))
	}
	if slices.Sort(members); len(members) > 0 {
		lines = append(lines, "members "+strings.Join(members, ", "))
	}
	for _, contact := range answer.OnCall {
		lines = append(lines, "call "+contact.Target)
	}
	return lines, nil
}
