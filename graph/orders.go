package graph

import (
	"cmp"
	"iter"
	"slices"

	"github.com/tidwall/btree"

	"github.com/orrery-catalog/orrery/catalog"
)

// orders keep the lists that answers are cut from, so that no page needs a sort of everything.
type orders struct {
	byRef  *btree.BTreeG[*catalog.Entity]
	byName *btree.BTreeG[named]
	byTier [maxTier + 1]*btree.BTreeG[*catalog.Entity] // each by Ref; 0 = no tier
	// problems in the order of catalog.CompareProblems; those about something also by Ref.
	problems, problemsOf *btree.BTreeG[*catalog.Problem]
	severities           [catalog.Error + 1]int // how many problems
	traits               *btree.BTreeG[traitCount]
}

// maxTier is the least critical tier.
const maxTier = 4

func tree[T any](less func(a, b T) bool) *btree.BTreeG[T] {
	return btree.NewBTreeGOptions(less, btree.Options{NoLocks: true})
}

func newOrders() orders {
	o := orders{
		byRef:      tree(func(a, b *catalog.Entity) bool { return a.Ref < b.Ref }),
		byName:     tree(func(a, b named) bool { return a.compare(b) < 0 }),
		problems:   tree(func(a, b *catalog.Problem) bool { return catalog.CompareProblems(*a, *b) < 0 }),
		problemsOf: tree(func(a, b *catalog.Problem) bool { return compareProblemsOf(a, b) < 0 }),
		traits:     tree(func(a, b traitCount) bool { return a.compare(b.Traits) < 0 }),
	}
	for i := range o.byTier {
		o.byTier[i] = tree(func(a, b *catalog.Entity) bool { return a.Ref < b.Ref })
	}
	return o
}

// fork lets an edit change the trees. Two edits must not fork the same Snapshot at once.
func (o *orders) fork() {
	o.byRef, o.byName, o.traits = o.byRef.Copy(), o.byName.Copy(), o.traits.Copy()
	o.problems, o.problemsOf = o.problems.Copy(), o.problemsOf.Copy()
	for i := range o.byTier {
		o.byTier[i] = o.byTier[i].Copy()
	}
}

// named is an entity with its name, which is a part of its Ref.
type named struct {
	name   string
	entity *catalog.Entity
}

func nameOf(e *catalog.Entity) named { return named{e.Ref.Name(), e} }

func (n named) compare(other named) int {
	if c := cmp.Compare(n.name, other.name); c != 0 {
		return c
	}
	return cmp.Compare(n.entity.Ref, other.entity.Ref)
}

func compareProblemsOf(a, b *catalog.Problem) int {
	return cmp.Or(cmp.Compare(a.Ref, b.Ref), catalog.CompareProblems(*a, *b))
}

// at is an entity to search the trees by.
func at(ref catalog.Ref) *catalog.Entity {
	return &catalog.Entity{Descriptor: catalog.Descriptor{Ref: ref}}
}

// behind yields the items of a tree that come after one.
func behind[T comparable](tree *btree.BTreeG[T], after T) iter.Seq[T] {
	return func(yield func(T) bool) {
		tree.Ascend(after, func(item T) bool {
			return !tree.Less(after, item) || yield(item)
		})
	}
}

// Entities yields the entities whose Ref is greater than after, in the order of Ref.
func (s *Snapshot) Entities(after catalog.Ref) iter.Seq[*catalog.Entity] {
	return behind(s.byRef, at(after))
}

// EntitiesByName yields the entities in the order of the names in their Refs, then by Ref, from behind the place of after,
// which need not be an entity; "" = from the first.
func (s *Snapshot) EntitiesByName(after catalog.Ref) iter.Seq[*catalog.Entity] {
	return func(yield func(*catalog.Entity) bool) {
		for n := range behind(s.byName, nameOf(at(after))) {
			if !yield(n.entity) {
				return
			}
		}
	}
}

// EntitiesByTier yields the entities in the order of tier (the most critical first, then those without one), then by Ref,
// from behind the place of a tier (0 = none) and Ref, which need not be there. Tier 1 and "" start at the first.
func (s *Snapshot) EntitiesByTier(tier int, after catalog.Ref) iter.Seq[*catalog.Entity] {
	return func(yield func(*catalog.Entity) bool) {
		for {
			if tier < 0 || tier > maxTier {
				tier = 0
			}
			for entity := range behind(s.byTier[tier], at(after)) {
				if !yield(entity) {
					return
				}
			}
			if tier == 0 {
				return
			}
			tier, after = tier+1, ""
		}
	}
}

// Traits are what lists of entities are mostly chosen by.
type Traits struct {
	Kind  string // in lower case
	Tier  int    // 0 = none
	Owned bool   // an owner is stated
	// Placeholder, Discovered, Found and Stale are those of [catalog.Entity].
	Placeholder, Discovered, Found, Stale bool
}

// IsOwnable is that of [catalog.Entity].
func (t Traits) IsOwnable() bool { return catalog.IsOwnable(t.Kind) && (!t.Found || t.Discovered) }

type traitCount struct {
	Traits
	count int
}

func (t Traits) compare(other Traits) int {
	return cmp.Or(cmp.Compare(t.Kind, other.Kind), cmp.Compare(t.Tier, other.Tier), cmp.Compare(t.bits(), other.bits()))
}

func (t Traits) bits() (bits uint8) {
	for i, set := range [...]bool{t.Owned, t.Placeholder, t.Discovered, t.Found, t.Stale} {
		if set {
			bits |= 1 << i
		}
	}
	return bits
}

// traitsOf an entity of a known tier, as reading that takes long.
func traitsOf(e *catalog.Entity, tier int) Traits {
	return Traits{e.Ref.Kind(), tier, e.Owner != "", e.Placeholder, e.Discovered, e.Found, e.Stale}
}

// Traits yields how many entities have which combination of traits, each combination that there is once. So a count by
// any of them takes no look at the entities.
func (s *Snapshot) Traits() iter.Seq2[Traits, int] {
	return func(yield func(Traits, int) bool) {
		s.traits.Scan(func(t traitCount) bool { return yield(t.Traits, t.count) })
	}
}

// count adds to the number of entities that have the traits.
func (o *orders) count(traits Traits, more int) {
	counted, _ := o.traits.Get(traitCount{Traits: traits})
	counted.Traits, counted.count = traits, counted.count+more
	if counted.count == 0 {
		o.traits.Delete(counted)
		return
	}
	o.traits.Set(counted)
}

// Problems yields the problems of one entity, or all of them for "", in the order of [catalog.CompareProblems].
func (s *Snapshot) Problems(ref catalog.Ref) iter.Seq[*catalog.Problem] {
	return func(yield func(*catalog.Problem) bool) {
		if ref == "" {
			s.problems.Scan(yield)
			return
		}
		s.problemsOf.Ascend(&catalog.Problem{Ref: ref}, func(p *catalog.Problem) bool { return p.Ref == ref && yield(p) })
	}
}

// ProblemsFrom yields the problems from a place of their order on, which need not be one of them.
func (s *Snapshot) ProblemsFrom(place catalog.Problem) iter.Seq[*catalog.Problem] {
	return func(yield func(*catalog.Problem) bool) { s.problems.Ascend(&place, yield) }
}

// ProblemCount is the number of problems of a severity.
func (s *Snapshot) ProblemCount(severity catalog.Severity) int {
	if int(severity) >= len(s.severities) {
		return 0
	}
	return s.severities[severity]
}

// dropOrders takes an entity out of all orders.
func (e *edit) dropOrders(old *catalog.Entity) {
	tier := old.Tier()
	e.byRef.Delete(old)
	e.byName.Delete(nameOf(old))
	e.byTier[tier].Delete(old)
	e.count(traitsOf(old, tier), -1)
}

// putOrders puts entities that came or changed, of which the tiers are told, in their places; those that came are in no
// order yet.
func (e *edit) putOrders(changes []catalog.EntityChange, tiers []uint8) {
	set := (*btree.BTreeG[*catalog.Entity]).Set
	if e.before.Len() == 0 {
		set = (*btree.BTreeG[*catalog.Entity]).Load
	}
	counts := make(map[Traits]int)
	names := make([]named, 0, len(changes))
	for i, c := range changes {
		if c.Entity == nil {
			continue
		}
		names = append(names, nameOf(c.Entity))
		tier := int(tiers[i])
		counts[traitsOf(c.Entity, tier)]++
		if old := e.before.find(c.Ref); old >= 0 {
			was := e.before.entity(old)
			wasTier := e.before.tier(old)
			counts[traitsOf(was, wasTier)]--
			if wasTier != tier {
				e.byTier[wasTier].Delete(was)
			}
		}
		set(e.byRef, c.Entity)
		set(e.byTier[tier], c.Entity)
	}
	slices.SortFunc(names, named.compare)
	for _, n := range names {
		if e.before.Len() == 0 {
			e.byName.Load(n)
		} else {
			e.byName.Set(n)
		}
	}
	for traits, more := range counts {
		e.count(traits, more)
	}
}

func (e *edit) putProblems(change *catalog.ModelChange) {
	for i := range change.Mended {
		mended := &change.Mended[i]
		if _, had := e.problems.Delete(mended); had {
			e.countProblem(mended.Severity, -1)
		}
		e.problemsOf.Delete(mended)
	}
	for i := range change.Problems {
		problem := &change.Problems[i]
		if _, had := e.problems.Set(problem); !had {
			e.countProblem(problem.Severity, 1)
		}
		if problem.Ref != "" {
			e.problemsOf.Set(problem)
		}
	}
	for i := range change.Moved {
		moved := &change.Moved[i]
		e.problems.Set(moved)
		if moved.Ref != "" {
			e.problemsOf.Set(moved)
		}
	}
}

func (o *orders) countProblem(severity catalog.Severity, more int) {
	if int(severity) < len(o.severities) {
		o.severities[severity] += more
	}
}
