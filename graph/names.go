package graph

import (
	"cmp"
	"hash/maphash"
	"iter"
	"slices"
	"strings"

	"github.com/tidwall/btree"

	"github.com/orrery-catalog/orrery/catalog"
)

// names lead to entities from what is not their Ref.
type names struct {
	seed    maphash.Seed
	aliases *btree.BTreeG[claimed] // in lower case
	formers *btree.BTreeG[claimed] // Refs of what was discovered, until somebody described it
	handles *btree.BTreeG[claimed] // see handlesOf
	// teams is how many Groups each source describes that stand for a team elsewhere. A change copies it.
	teams map[string]int
}

// claimed is the hash of a name with an entity that may have it.
type claimed struct {
	hash uint64
	a    node
}

func (c claimed) compare(other claimed) int {
	return cmp.Or(cmp.Compare(c.hash, other.hash), cmp.Compare(c.a, other.a))
}

func newNames() names {
	less := func(x, y claimed) bool { return x.compare(y) < 0 }
	return names{seed: maphash.MakeSeed(), aliases: tree(less), formers: tree(less), handles: tree(less)}
}

// fork lets an edit change the trees. Two edits must not fork the same Snapshot at once.
func (n *names) fork() {
	n.aliases, n.formers, n.handles = n.aliases.Copy(), n.formers.Copy(), n.handles.Copy()
}

// putNames takes the names that entities had away, and adds those that they have: in order, which is fast where there
// are none yet.
func (e *edit) putNames(changes []catalog.EntityChange, nodes []node) {
	var aliases, formers, handles []claimed
	teams := make(map[string]int)
	for i, c := range changes {
		a, now := nodes[i], c.Entity
		if a < 0 {
			continue
		}
		old := e.before.entityAt(a)
		teams[teamSource(old)]--
		teams[teamSource(now)]++
		for handle := range handlesOf(old) {
			e.handles.Delete(e.claim(handle, a))
		}
		for handle := range handlesOf(now) {
			handles = append(handles, e.claim(handle, a))
		}
		if old != nil && now != nil && haveSameNames(old, now) {
			continue
		}
		if old != nil {
			for _, alias := range old.Aliases {
				e.aliases.Delete(e.claim(lowered(alias), a))
			}
			for former := range formersOf(old) {
				e.formers.Delete(e.claim(string(former), a))
			}
		}
		if now != nil {
			for _, alias := range now.Aliases {
				aliases = append(aliases, e.claim(lowered(alias), a))
			}
			for former := range formersOf(now) {
				formers = append(formers, e.claim(string(former), a))
			}
		}
	}
	load(e.aliases, aliases)
	load(e.formers, formers)
	load(e.handles, handles)
	e.countTeams(teams)
}

func haveSameNames(x, y *catalog.Entity) bool {
	return x.Placeholder == y.Placeholder && x.Discovered == y.Discovered &&
		slices.EqualFunc(x.Aliases, y.Aliases, func(x, y catalog.EntityAlias) bool { return x.Alias == y.Alias })
}

func load(tree *btree.BTreeG[claimed], more []claimed) {
	slices.SortFunc(more, claimed.compare)
	for _, c := range more {
		tree.Load(c)
	}
}

func (n *names) claim(name string, a node) claimed { return claimed{maphash.String(n.seed, name), a} }

func lowered(alias catalog.EntityAlias) string { return strings.ToLower(string(alias.Alias)) }

// claimants yields the entities that may have a name.
func (n *names) claimants(tree *btree.BTreeG[claimed], name string) iter.Seq[node] {
	return func(yield func(node) bool) {
		first := n.claim(name, 0)
		tree.Ascend(first, func(c claimed) bool { return c.hash == first.hash && yield(c.a) })
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
	for a := range s.claimants(s.aliases, lower) {
		has := slices.ContainsFunc(s.entity(a).Aliases, func(alias catalog.EntityAlias) bool { return lowered(alias) == lower })
		if has && (found < 0 || s.compare(found, a) < 0) {
			found = a
		}
	}
	return found
}

// byFormer is the one entity that took over what was discovered under a Ref; -1 where there is none, or several would.
func (s *Snapshot) byFormer(ref catalog.Ref) node {
	found := node(-1)
	for a := range s.claimants(s.formers, string(ref)) {
		for former := range formersOf(s.entity(a)) {
			if former == ref && found >= 0 && found != a {
				return -1
			}
			if former == ref {
				found = a
			}
		}
	}
	if s.find(ref) >= 0 {
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
	return func(yield func(*catalog.Entity) bool) {
		s.byName.Ascend(nameOf(at(startOf(name))), func(n named) bool { return yield(n.entity) })
	}
}

// startOf comes before every Ref of a name.
func startOf(name string) catalog.Ref { return catalog.Ref("\x00:\x00/" + name) }

// namesAround lists the Refs whose names are nearest, at most count to either side.
func (s *Snapshot) namesAround(name string, count int) []catalog.Ref {
	var refs []catalog.Ref
	s.byName.Descend(nameOf(at(startOf(name))), func(n named) bool {
		refs = append(refs, n.entity.Ref)
		return len(refs)%count != 0
	})
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
