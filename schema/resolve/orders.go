package resolve

import (
	"cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// The orders of lists. Each is total, and the same as that of the list it is for.

var byRef = order[*catalog.Entity, catalog.Ref]{
	name:    "ref",
	key:     func(_ int, e *catalog.Entity) catalog.Ref { return e.Ref },
	compare: cmp.Compare[catalog.Ref],
}

type nameKey struct {
	_    struct{} `cbor:",toarray"`
	Name string
	Ref  catalog.Ref
}

var byName = order[*catalog.Entity, nameKey]{
	name: "name",
	key: func(_ int, e *catalog.Entity) nameKey {
		return nameKey{Name: e.Ref.Name(), Ref: e.Ref}
	},
	compare: func(a, b nameKey) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Ref, b.Ref)) },
}

type tierKey struct {
	_    struct{} `cbor:",toarray"`
	Tier int      // noTier for none
	Ref  catalog.Ref
}

const noTier = 5

var byTier = order[*catalog.Entity, tierKey]{
	name: "tier",
	key: func(_ int, e *catalog.Entity) tierKey {
		tier := e.Tier()
		if tier == 0 {
			tier = noTier
		}
		return tierKey{Tier: tier, Ref: e.Ref}
	},
	compare: func(a, b tierKey) int { return cmp.Or(cmp.Compare(a.Tier, b.Tier), cmp.Compare(a.Ref, b.Ref)) },
}

type needKey struct {
	_             struct{} `cbor:",toarray"`
	From, To, Via catalog.Ref
	AnyOf         string
	Same          int // how many with equal other fields come before
}

// byNeed is the order of [graph.Deps] and of needs in general.
func byNeed(needs []graph.Need) order[*graph.Need, needKey] {
	ends := func(a, b needKey) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(a.AnyOf, b.AnyOf),
			cmp.Compare(a.Via, b.Via))
	}
	keyAt := func(i int) needKey {
		n := &needs[i]
		return needKey{From: n.From, To: n.To, Via: n.Via, AnyOf: n.AnyOf}
	}
	return order[*graph.Need, needKey]{
		name: "need",
		key: func(i int, _ *graph.Need) needKey {
			key := keyAt(i)
			for j := i - 1; j >= 0 && ends(keyAt(j), key) == 0; j-- {
				key.Same++
			}
			return key
		},
		compare: func(a, b needKey) int { return cmp.Or(ends(a, b), cmp.Compare(a.Same, b.Same)) },
	}
}

type relationKey struct {
	_           struct{} `cbor:",toarray"`
	In          int      // 0 for outgoing ones, which come first
	From, To    catalog.Ref
	Type        catalog.RelationType
	Environment string
}

// byRelation is the order of the relations of one entity: outgoing, then incoming.
func byRelation(outgoing int) order[*catalog.Edge, relationKey] {
	return order[*catalog.Edge, relationKey]{
		name: "relation",
		key: func(i int, e *catalog.Edge) relationKey {
			key := relationKey{From: e.From, To: e.To, Type: e.Type, Environment: e.Environment}
			if i >= outgoing {
				key.In = 1
			}
			return key
		},
		compare: func(a, b relationKey) int {
			return cmp.Or(cmp.Compare(a.In, b.In), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To),
				cmp.Compare(a.Type, b.Type), cmp.Compare(a.Environment, b.Environment))
		},
	}
}

type distanceKey struct {
	_        struct{} `cbor:",toarray"`
	Distance int
	Ref      catalog.Ref
}

var byDistance = order[*graph.Reached, distanceKey]{
	name: "distance",
	key: func(_ int, r *graph.Reached) distanceKey {
		return distanceKey{Distance: r.Distance, Ref: r.Entity.Ref}
	},
	compare: func(a, b distanceKey) int {
		return cmp.Or(cmp.Compare(a.Distance, b.Distance), cmp.Compare(a.Ref, b.Ref))
	},
}

type failedKey struct {
	_    struct{} `cbor:",toarray"`
	Part int      // 0 for those asked for, which come first, in the order asked for
	At   int
	Ref  catalog.Ref
}

var byFailed = order[*graph.FailedEntity, failedKey]{
	name: "failed",
	key: func(i int, f *graph.FailedEntity) failedKey {
		if f.PartOf == "" {
			return failedKey{At: i, Ref: f.Entity.Ref}
		}
		return failedKey{Part: 1, Ref: f.Entity.Ref}
	},
	compare: func(a, b failedKey) int {
		return cmp.Or(cmp.Compare(a.Part, b.Part), cmp.Compare(a.At, b.At), cmp.Compare(a.Ref, b.Ref))
	},
}

type impactKey struct {
	_        struct{} `cbor:",toarray"`
	Impact   graph.Impact
	Distance int
	Ref      catalog.Ref
}

func compareImpacts(a, b impactKey) int {
	return cmp.Or(cmp.Compare(b.Impact, a.Impact), cmp.Compare(a.Distance, b.Distance), cmp.Compare(a.Ref, b.Ref))
}

var byImpact = order[*graph.Impacted, impactKey]{
	name: "impact",
	key: func(_ int, i *graph.Impacted) impactKey {
		return impactKey{Impact: i.Impact, Distance: i.Distance, Ref: i.Entity.Ref}
	},
	compare: compareImpacts,
}

var byHit = order[*graph.Hit, impactKey]{
	name:    "hit",
	key:     func(_ int, h *graph.Hit) impactKey { return impactKey{Impact: h.Impact, Ref: h.Entity.Ref} },
	compare: compareImpacts,
}

type teamKey struct {
	_        struct{} `cbor:",toarray"`
	Nobody   int      // 1 for what nobody owns, which comes last
	Worst    graph.Impact
	Impacted int
	Ref      catalog.Ref
}

var byTeam = order[*graph.TeamHit, teamKey]{
	name: "team",
	key: func(_ int, t *graph.TeamHit) teamKey {
		if t.Owner == nil {
			return teamKey{Nobody: 1}
		}
		return teamKey{Worst: t.Worst, Impacted: t.Impacted, Ref: t.Owner.Ref}
	},
	compare: func(a, b teamKey) int {
		return cmp.Or(cmp.Compare(a.Nobody, b.Nobody), cmp.Compare(b.Worst, a.Worst), cmp.Compare(b.Impacted, a.Impacted),
			cmp.Compare(a.Ref, b.Ref))
	},
}
