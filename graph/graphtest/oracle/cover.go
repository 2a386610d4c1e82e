package oracle

import (
	"slices"
	"strings"
)

// See adds dependencies that were seen or inferred. What is declared between the same ends is the same relation, with one
// more reason to believe it.
func (c *Catalog) See(seen ...Relation) {
	for _, s := range seen {
		declared := slices.IndexFunc(c.Relations, func(r Relation) bool {
			return r.From == s.From && r.To == s.To && r.Type == s.Type && isDeclared(r)
		})
		if declared >= 0 {
			c.Relations[declared].Evidence = append(c.Relations[declared].Evidence, s.Evidence...)
		} else {
			c.Add(s)
		}
	}
	c.cover()
}

func isDeclared(r Relation) bool {
	return slices.ContainsFunc(r.Evidence, func(e Evidence) bool { return e.Kind == "DECLARED" })
}

func isCall(r Relation) bool { return r.Type == "dependsOn" || r.Type == "consumesApi" }

// cover turns dependencies that nobody declares into evidence for the declared paths between the same ends.
func (c *Catalog) cover() {
	paths := map[int][]int{} // → the relations that get the evidence
	for i, seen := range c.Relations {
		if seen.Type != "dependsOn" || isDeclared(seen) || seen.From == seen.To {
			continue
		}
		for j, first := range c.Relations {
			if first.From == seen.From && first.From != first.To && isCall(first) && isDeclared(first) && c.leads(first, seen.To) {
				paths[i] = append(paths[i], j)
			}
		}
	}
	// Alternatives of which one is not covered stay together.
	stays := func(r Relation) bool {
		for i, other := range c.Relations {
			if r.AnyOf != "" && other.From == r.From && other.AnyOf == r.AnyOf && paths[i] == nil {
				return true
			}
		}
		return false
	}
	var left []Relation
	for i, r := range c.Relations {
		if paths[i] != nil && !stays(r) {
			continue
		}
		r.Evidence = slices.Clone(r.Evidence)
		for k, seen := range c.Relations {
			if slices.Contains(paths[k], i) && !stays(seen) {
				r.Evidence = append(r.Evidence, seen.Evidence...)
			}
		}
		left = append(left, r)
	}
	c.Relations = left
}

// leads says whether the declared relation is the first half of a path to the target: by what the target provides, by a
// topic between the two, or by something that the target is part of.
func (c *Catalog) leads(first Relation, target string) bool {
	if first.To == target {
		return true
	}
	for _, second := range c.Relations {
		if second.From != target || !isDeclared(second) {
			continue
		}
		publishes := strings.Contains(first.Role, "PUBLISH") && strings.Contains(second.Role, "CONSUME")
		consumes := strings.Contains(first.Role, "CONSUME") && strings.Contains(second.Role, "PUBLISH")
		if second.To == first.To && (second.Type == "providesApi" || isCall(second) && (publishes || consumes)) {
			return true
		}
	}
	return c.isPart(target, first.To)
}

func (c *Catalog) isPart(part, whole string) bool {
	reached := map[string]bool{part: true}
	for before := 0; before < len(reached); {
		before = len(reached)
		for _, r := range c.Relations {
			if r.Type == "partOf" && isDeclared(r) && reached[r.From] {
				reached[r.To] = true
			}
		}
	}
	return reached[whole]
}
