package graph

import (
	"github.com/orrery-catalog/orrery/catalog"
)

// A node is an entity, or a hub: "the producers of one topic". A consumer needs the hub and the hub its producers, so
// that a topic costs as many edges as it has members, not the product of both sides. Hubs never show: a walk steps over
// them as if each consumer needed each other producer. The number of a node stays with its Ref as long as that is in the
// graph; numbers are in no order. Further groups of an entity take numbers of nodes, too.
type node = int32

// needGraph holds the needs both ways.
type needGraph struct {
	out pages[[]outNeed] // hubs last, else by target, then group name; to one target in the order of the relations
	in  pages[[]inNeed]  // by source
	// inGroups has the group of each need in a row of in; nil where all are those that groupOf finds without.
	inGroups pages[[]int32]
	// groups by number: the first group of each node has that of the node, its others have nodes of their own.
	groups       pages[*group]
	sizes        pages[int32] // of the groups, in production: near at hand, as walks ask for that all the time
	environments map[string]uint32
	vias         []viaNeed // see relation
}

func newNeedGraph() needGraph {
	return needGraph{environments: map[string]uint32{"": envEvery, ProductionEnvironment: envProduction}}
}

// outNeed is a need seen from its source.
type outNeed struct {
	to    node
	attr  attr
	group int32 // into groups; noGroup = plain
	edge  relation
}

// relation tells where the relation is that a need rests on: in the row of its source or, turned, of its target. A
// negative one is, only in what-if, a need by way of a topic that had to be made explicit: ^ its place in vias.
type relation int32

func relationAt(i int) relation { return relation(i) << 1 }

func (r relation) turned() relation { return r | 1 }

// owner is the end of the need in whose row the relation is.
func (r relation) owner(from, to node) node {
	if r&1 != 0 {
		return to
	}
	return from
}

// edge is the relation that a need rests on.
func (s *Snapshot) edge(from, to node, r relation) *catalog.Edge {
	return &s.relations.at(r.owner(from, to)).out[r>>1]
}

// inNeed is a need seen from its target.
type inNeed struct {
	from node
	attr attr
}

const noGroup = -1

// group is one any-of group of one node. It is immutable.
type group struct {
	groupKey
	size int32 // different members that production sees
	// mixed has, where environments differ in the members, the size for each that has members of its own, and under
	// envEvery that for all others.
	mixed map[uint32]int32
}

// groupKey tells the groups of one node apart.
type groupKey struct {
	origin origin
	name   string
}

// isSingle says whether a group has one member, in every environment the same: it gives what a plain need would.
func (g *group) isSingle() bool { return g.size == 1 && g.mixed == nil }

// sizeIn is the number of different members that an environment sees.
func (g *group) sizeIn(env uint32) int32 {
	if env == envProduction || g.mixed == nil {
		return g.size
	}
	if size, ok := g.mixed[env]; ok {
		return size
	}
	return g.mixed[envEvery]
}

// origin says which rule made a group, so that a stated group named "parts" is not the parts.
type origin uint8

const (
	plain origin = iota
	stated
	providers
	parts
	workloads
	nodes
)

var originNames = [...]string{providers: "providers", parts: "parts", workloads: "workloads", nodes: "nodes"}

// attr packs what decides whether and how a need passes failure on.
type attr uint32

const (
	attrStrength   attr = 3       // two bits: catalog.Strength
	attrGrouped    attr = 1 << 2  // member of an any-of group; not set, seen from the target, where it is the only one
	attrFreshShift      = 3       // three bits: kinds of evidence that are not stale
	attrKindsShift      = 6       // three bits: all kinds of evidence
	attrHub        attr = 1 << 9  // the source is a hub
	attrOther      attr = 1 << 10 // seen from the target: the group is not the first of the source
	attrToHub      attr = 1 << 11 // the target is a hub
	attrEnvShift        = 12      // the rest: number of the environment

	attrEvidence attr = 1<<9 - 1<<attrFreshShift // without it a need never counts
)

// Numbers of environments that are always there.
const (
	envEvery      uint32 = 0 // holds in every environment
	envProduction uint32 = 1
)

// ProductionEnvironment is the environment that answers are for unless another is asked for.
const ProductionEnvironment = "production"

func (a attr) strength() catalog.Strength { return catalog.Strength(a & attrStrength) }
func (a attr) environment() uint32        { return uint32(a >> attrEnvShift) }

// groupOf is the group of a need that has one: the need at place i in the row of b.
func (n *needGraph) groupOf(b node, i int, need inNeed) int32 {
	if need.attr&attrOther != 0 {
		return (*n.inGroups.at(b))[i]
	}
	return need.from
}

// setGroup gives a number its group, or none.
func (n *needGraph) setGroup(e *edition, number int32, g *group) {
	*n.groups.write(e, number) = g
	size := int32(0)
	if g != nil {
		size = g.size
	}
	*n.sizes.write(e, number) = size
}

// seenFrom is a need of a, seen from its target.
func (n *outNeed) seenFrom(a node, groups *pages[*group]) inNeed {
	seen := inNeed{from: a, attr: n.attr}
	if n.group != noGroup {
		if n.group != a {
			seen.attr |= attrOther
		}
		if (*groups.at(n.group)).isSingle() {
			seen.attr &^= attrGrouped
		}
	}
	return seen
}
