package graph

import (
	"slices"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
)

// A node is an entity, by its place in the order of Ref, or behind those a hub: "the producers of one topic". A
// consumer needs the hub and the hub its producers, so that a topic costs as many edges as it has members, not the
// product of both sides. Hubs never show: a walk steps over them as if each consumer needed each other producer.
type node = int32

// needGraph holds the needs both ways in compressed rows: those of node a are out[outStart[a]:outStart[a+1]], by target,
// then group name; those to node b are in[inStart[b]:inStart[b+1]], by source.
type needGraph struct {
	outStart, inStart []int32
	out               []outNeed
	in                []inNeed
	inGroup           []int32 // of each of in; apart, as a walk looks at few of them
	groups            []group // the first group of each node has the number of the node, its others follow
	sizes             []int32 // of each group: different members that production sees
	hubTopic          []node  // the topic of each hub, in the order of hubs
	environments      map[string]uint32
	// Where environments differ in the members of a group, envSizes has the size for each that has members of its own
	// (but production) and bareSizes that for all others.
	envSizes  map[uint32]map[int32]int32
	bareSizes map[int32]int32
}

// outNeed is a need seen from its source.
type outNeed struct {
	to    node
	attr  attr
	group int32 // into groups; noGroup = plain
	edge  int32 // the relation it rests on, into Model.Edges
}

// inNeed is a need seen from its target.
type inNeed struct {
	from node
	attr attr
}

const noGroup = -1

// group is one any-of group of one node.
type group struct {
	name   string
	origin origin
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
	attrEnvShift        = 11      // the rest: number of the environment

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

// arrange sorts needs into rows both ways, and numbers the groups.
func (g *needGraph) arrange(needs []statedNeed, edges []catalog.Edge, nodeCount int) {
	needs = sortByNode(needs, nodeCount, func(n *statedNeed) node { return n.to })
	needs = sortByNode(needs, nodeCount, func(n *statedNeed) node { return n.from })

	g.outStart = make([]int32, nodeCount+1)
	g.out = make([]outNeed, len(needs))
	g.groups = make([]group, nodeCount)
	numbers := map[groupKey]int32{}
	for i := 0; i < len(needs); {
		a := needs[i].from
		end := i
		for end < len(needs) && needs[end].from == a {
			end++
		}
		row := needs[i:end]
		sortTies(row, edges)
		clear(numbers)
		for j, need := range row {
			out := outNeed{to: need.to, attr: need.attr, group: noGroup, edge: need.edge}
			if need.origin != plain {
				out.attr |= attrGrouped
				out.group = g.number(a, numbers, keyOf(&need, edges))
			}
			g.out[i+j] = out
		}
		g.outStart[a+1] = int32(len(row))
		i = end
	}
	sum(g.outStart)
	g.sizeGroups()
	g.reverse(nodeCount)
}

// groupKey tells the groups of one node apart.
type groupKey struct {
	origin origin
	name   string
}

func keyOf(need *statedNeed, edges []catalog.Edge) groupKey {
	if need.origin == stated {
		return groupKey{stated, edges[need.edge].AnyOf}
	}
	return groupKey{need.origin, originNames[need.origin]}
}

func (g *needGraph) number(a node, numbers map[groupKey]int32, key groupKey) int32 {
	number, ok := numbers[key]
	if !ok {
		number = a
		if len(numbers) > 0 {
			number = int32(len(g.groups))
			g.groups = append(g.groups, group{})
		}
		numbers[key] = number
		g.groups[number] = group{name: key.name, origin: key.origin}
	}
	return number
}

// sortTies orders needs between the same two nodes by group name, origin and relation.
func sortTies(row []statedNeed, edges []catalog.Edge) {
	for i := 0; i < len(row); {
		end := i + 1
		for end < len(row) && row[end].to == row[i].to {
			end++
		}
		if end-i > 1 {
			slices.SortStableFunc(row[i:end], func(x, y statedNeed) int {
				kx, ky := keyOf(&x, edges), keyOf(&y, edges)
				if c := strings.Compare(kx.name, ky.name); c != 0 {
					return c
				}
				if kx.origin != ky.origin {
					return int(kx.origin) - int(ky.origin)
				}
				return int(x.edge) - int(y.edge)
			})
		}
		i = end
	}
}

// reverse makes the rows by target from those by source.
func (g *needGraph) reverse(nodeCount int) {
	g.inStart = make([]int32, nodeCount+1)
	for i := range g.out {
		g.inStart[g.out[i].to+1]++
	}
	sum(g.inStart)
	g.in = make([]inNeed, len(g.out))
	g.inGroup = make([]int32, len(g.out))
	next := slices.Clone(g.inStart)
	for a := range nodeCount {
		for _, need := range g.out[g.outStart[a]:g.outStart[a+1]] {
			at := next[need.to]
			next[need.to]++
			g.in[at] = need.seenFrom(node(a))
			if need.group != noGroup && g.isSingle(need.group) {
				g.in[at].attr &^= attrGrouped
			}
			g.inGroup[at] = need.group
		}
	}
}

// sizeGroups counts the different members of each group: in production, and where another environment differs. Needs of
// one group between the same two nodes stand together.
func (g *needGraph) sizeGroups() {
	g.envSizes = map[uint32]map[int32]int32{}
	g.bareSizes = map[int32]int32{}
	g.sizes = make([]int32, len(g.groups))
	var envs []uint32
	for i := 0; i < len(g.out); {
		need := g.out[i]
		end := i + 1
		for end < len(g.out) && g.out[end].to == need.to && g.out[end].group == need.group && need.group != noGroup {
			end++
		}
		if need.group != noGroup {
			envs = envs[:0]
			for _, same := range g.out[i:end] {
				envs = append(envs, same.attr.environment())
			}
			if slices.Contains(envs, envEvery) {
				g.sizes[need.group]++
			} else {
				slices.Sort(envs)
				for _, env := range slices.Compact(envs) {
					if g.envSizes[env] == nil {
						g.envSizes[env] = map[int32]int32{}
					}
					g.envSizes[env][need.group]++
				}
			}
		}
		i = end
	}
	for _, sizes := range g.envSizes {
		for number, own := range sizes {
			g.bareSizes[number] = g.sizes[number]
			sizes[number] = g.sizes[number] + own
		}
	}
	for number, size := range g.envSizes[envProduction] {
		g.sizes[number] = size
	}
	delete(g.envSizes, envProduction)
}

// seenFrom is the need of a seen from its target.
func (n *outNeed) seenFrom(a node) inNeed {
	seen := inNeed{from: a, attr: n.attr}
	if n.group != noGroup && n.group != a {
		seen.attr |= attrOther
	}
	return seen
}

// groupOf is the group of a need that has one.
func groupOf(need inNeed, groups []int32, i int) int32 {
	if need.attr&attrOther != 0 {
		return groups[i]
	}
	return need.from
}

// isSingle says whether a group has one member, in every environment the same: it gives what a plain need would.
func (g *needGraph) isSingle(number int32) bool {
	_, mixed := g.bareSizes[number]
	return g.sizes[number] == 1 && !mixed
}

// sizeOf is the number of different members that an environment sees in a group.
func (g *needGraph) sizeOf(number int32, env uint32) int32 {
	if env != envProduction {
		if size, ok := g.envSizes[env][number]; ok {
			return size
		}
		if size, ok := g.bareSizes[number]; ok {
			return size
		}
	}
	return g.sizes[number]
}

// sortByNode is a stable counting sort.
func sortByNode(needs []statedNeed, nodeCount int, key func(*statedNeed) node) []statedNeed {
	start := make([]int32, nodeCount+1)
	for i := range needs {
		start[key(&needs[i])+1]++
	}
	sum(start)
	sorted := make([]statedNeed, len(needs))
	for i := range needs {
		k := key(&needs[i])
		sorted[start[k]] = needs[i]
		start[k]++
	}
	return sorted
}

// sum turns counts into starts: each becomes the sum up to itself.
func sum(counts []int32) {
	for i := 1; i < len(counts); i++ {
		counts[i] += counts[i-1]
	}
}
