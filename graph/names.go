package graph

import (
	"iter"
	"slices"
	"strings"

	"github.com/tidwall/btree"

	"github.com/orrery-catalog/orrery/catalog"
)

// names lead to entities from what is not their Ref.
type names struct {
	aliases *btree.BTreeG[claimed] // in lower case
	formers *btree.BTreeG[claimed] // Refs of what was discovered, until somebody described it
}

// claimed is a name that an entity has; several may have the same.
type claimed struct {
	name string
	a    node
}

func newNames() names {
	less := func(x, y claimed) bool { return x.name < y.name || x.name == y.name && x.a < y.a }
	return names{aliases: tree(less), formers: tree(less)}
}

// fork lets an edit change the trees. Two edits must not fork the same Snapshot at once.
func (n *names) fork() { n.aliases, n.formers = n.aliases.Copy(), n.formers.Copy() }

// putNames takes the names that an entity had away and gives it those that it has.
func (e *edit) putNames(a node, old, now *catalog.Entity) {
	if old != nil && now != nil && old.Placeholder == now.Placeholder && old.Discovered == now.Discovered &&
		slices.EqualFunc(old.Aliases, now.Aliases, func(x, y catalog.EntityAlias) bool { return x.Alias == y.Alias }) {
		return
	}
	if old != nil {
		for _, alias := range old.Aliases {
			e.aliases.Delete(claimed{strings.ToLower(string(alias.Alias)), a})
		}
		for former := range formersOf(old) {
			e.formers.Delete(claimed{string(former), a})
		}
	}
	if now != nil {
		for _, alias := range now.Aliases {
			e.aliases.Set(claimed{strings.ToLower(string(alias.Alias)), a})
		}
		for former := range formersOf(now) {
			e.formers.Set(claimed{string(former), a})
		}
	}
}

// formersOf yields the Refs that a described entity would have by its aliases alone, some maybe twice.
func formersOf(e *catalog.Entity) iter.Seq[catalog.Ref] {
	return func(yield func(catalog.Ref) bool) {
		if e.Placeholder || e.Discovered {
			return
		}
		for _, alias := range e.Aliases {
			if former := catalog.DiscoveredRef(alias.Alias); former != e.Ref && !yield(former) {
				return
			}
		}
	}
}

// byAlias is the entity that has an alias; of several the last by Ref, and -1 for none.
func (s *Snapshot) byAlias(lower string) node {
	found := node(-1)
	s.aliases.Ascend(claimed{name: lower}, func(c claimed) bool {
		if c.name == lower && (found < 0 || s.compare(found, c.a) < 0) {
			found = c.a
		}
		return c.name == lower
	})
	return found
}

// byFormer is the one entity that took over what was discovered under a Ref; -1 where there is none, or several would.
func (s *Snapshot) byFormer(ref catalog.Ref) node {
	found, count := node(-1), 0
	s.formers.Ascend(claimed{name: string(ref)}, func(c claimed) bool {
		if c.name != string(ref) {
			return false
		}
		found = c.a
		count++
		return count < 2
	})
	if count != 1 || s.find(ref) >= 0 {
		return -1
	}
	return found
}

// FormerRefs are the Refs that lead to an entity because it took over what was discovered under them: sorted, without
// its own, and none for what is no entity. [Snapshot.Resolve] follows them.
func (s *Snapshot) FormerRefs(ref catalog.Ref) []catalog.Ref {
	a := s.find(ref)
	if a < 0 {
		return nil
	}
	var formers []catalog.Ref
	for former := range formersOf(s.entity(a)) {
		if s.byFormer(former) == a {
			formers = append(formers, former)
		}
	}
	slices.Sort(formers)
	return slices.Compact(formers)
}

// named yields the entities from the first whose name is not less, by name.
func (s *Snapshot) named(name string) iter.Seq[*catalog.Entity] {
	return func(yield func(*catalog.Entity) bool) { s.byName.Ascend(at(startOf(name)), yield) }
}

// startOf comes before every Ref of a name.
func startOf(name string) catalog.Ref { return catalog.Ref("\x00:\x00/" + name) }

// namesAround lists the Refs whose names are nearest, at most count to either side.
func (s *Snapshot) namesAround(name string, count int) []catalog.Ref {
	var refs []catalog.Ref
	add := func(entity *catalog.Entity) bool {
		refs = append(refs, entity.Ref)
		return len(refs)%count != 0
	}
	s.byName.Descend(at(startOf(name)), add)
	slices.Reverse(refs)
	below := len(refs)
	for entity := range s.named(name) {
		if len(refs)-below == count {
			break
		}
		refs = append(refs, entity.Ref)
	}
	return refs
}
