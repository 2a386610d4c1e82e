package oracle

import (
	"slices"
	"strings"
)

// Edge is one need that a walk shows.
type Edge struct{ From, To, Strength, AnyOf, Via string }

// Deps lists what an entity needs, or who needs it: the needs between entities up to depth steps away (0 = no limit), each
// once, and the distance of every entity reached.
func (c *Catalog) Deps(q Question, start string, neededBy bool, depth int) (edges []Edge, distance map[string]int) {
	distance = map[string]int{start: 0}
	needs := c.needs(q)
	for d := 0; depth == 0 || d < depth; d++ {
		grown := false
		for _, n := range needs {
			near, far := n.from, n.to
			if neededBy {
				near, far = far, near
			}
			if at, ok := distance[near]; !n.counts || !ok || at != d {
				continue
			}
			if edge := n.edge(); !slices.Contains(edges, edge) {
				edges = append(edges, edge)
			}
			if _, ok := distance[far]; !ok {
				distance[far] = d + 1
				grown = true
			}
		}
		if !grown {
			break
		}
	}
	slices.SortFunc(edges, func(x, y Edge) int {
		return strings.Compare(x.From+"\x00"+x.To+"\x00"+x.AnyOf+"\x00"+x.Via+"\x00"+x.Strength,
			y.From+"\x00"+y.To+"\x00"+y.AnyOf+"\x00"+y.Via+"\x00"+y.Strength)
	})
	delete(distance, start)
	return edges, distance
}

func (n need) edge() Edge {
	return Edge{n.from, n.to, n.strength, strings.TrimPrefix(n.group, "stated "), n.via}
}

// Path is, of all shortest chains of needs between two entities, the one with the smallest Refs; nil where there is none.
func (c *Catalog) Path(q Question, from, to string) []string {
	var counting []need
	for _, n := range c.needs(q) {
		if n.counts {
			counting = append(counting, n)
		}
	}
	for length := 0; length < len(c.Entities)+len(q.Add)*2; length++ {
		if path := smallest(counting, from, to, length, map[key][]string{}); path != nil {
			return path
		}
	}
	return nil
}

type key struct {
	from   string
	length int
}

// smallest is the smallest path of exactly that length. memo remembers answers.
func smallest(needs []need, from, to string, length int, memo map[key][]string) []string {
	if length == 0 {
		if from == to {
			return []string{to}
		}
		return nil
	}
	best, known := memo[key{from, length}]
	if known {
		return best
	}
	for _, n := range needs {
		if n.from != from {
			continue
		}
		if rest := smallest(needs, n.to, to, length-1, memo); rest != nil {
			if path := append([]string{from}, rest...); best == nil || slices.Compare(path, best) < 0 {
				best = path
			}
		}
	}
	memo[key{from, length}] = best
	return best
}

// Cycles are the sets of more than one entity that all need each other, over any number of steps.
func (c *Catalog) Cycles() [][]string {
	reach := map[string]map[string]int{}
	var refs []string
	for ref := range c.Entities {
		refs = append(refs, ref)
		_, reach[ref] = c.Deps(Question{}, ref, false, 0)
	}
	slices.Sort(refs)
	var cycles [][]string
	done := map[string]bool{}
	for _, a := range refs {
		cycle := []string{a}
		for _, b := range refs {
			if reach[a][b] > 0 && reach[b][a] > 0 && a != b {
				cycle = append(cycle, b)
			}
		}
		if slices.Sort(cycle); len(cycle) > 1 && !done[cycle[0]] {
			done[cycle[0]] = true
			cycles = append(cycles, cycle)
		}
	}
	return cycles
}
