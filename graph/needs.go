package graph

import (
	"slices"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
)

// Need is one edge of the dependency graph: From needs To. Most are a relation as stated; some follow from one (an API
// needs its providers, a System its parts, a consumer the producers of its topic).
type Need struct {
	From, To catalog.Ref
	Strength catalog.Strength
	// AnyOf names the group of alternatives within From; "" = a plain need. Groups that follow from relations are named
	// "providers", "parts", "workloads" and "nodes"; a stated group of the same name is another group.
	AnyOf string
	// Via is the topic by which a consumer needs a producer; "" = none.
	Via catalog.Ref
	// Edge is the relation it rests on; for Via the consumer's edge to the topic. An assumed need has one without evidence.
	Edge *catalog.Edge
	// Producer is the producer's edge to the topic; nil unless Via is set.
	Producer *catalog.Edge
}

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

// statedNeed is a need before it is sorted into rows.
type statedNeed struct {
	from, to node
	attr     attr
	origin   origin
	edge     int32
}

// deriveNeeds turns relations into needs, by the rules of the design and, where it is silent, these:
//   - A need that follows from a relation (providers, parts, workloads, nodes) is HARD; a strength stated on such a
//     relation has no meaning there.
//   - Whatever has parts needs any of them: the target of a partOf relation may be of any kind.
//   - What a runsOn relation means is decided by its target: any of the Workloads, any of the Nodes, and every other
//     target (a Zone, a Cluster) HARD.
//   - A role counts on dependsOn and consumesApi relations. The stated strength of such a relation holds for the topic; the
//     needs by way of the topic are ASYNC always, and plain, whatever any-of group the relation to the topic is in.
//   - A need by way of a topic rests on two relations and counts where both do.
//   - A relation to itself stays a member of its any-of group and, as it carries nothing, counts NONE there.
func (s *Snapshot) deriveNeeds(from, to []node) {
	g := &s.needs
	edges := s.model.Edges
	g.environments = map[string]uint32{"": envEvery, ProductionEnvironment: envProduction}
	needs := make([]statedNeed, 0, len(edges))
	var publish, consume []int32 // relations to topics
	for i := range edges {
		edge := &edges[i]
		a, b := from[i], to[i]
		if a < 0 || b < 0 || !edge.Type.IsDependency() {
			continue
		}
		need := statedNeed{from: a, to: b, attr: attr(strengthOf(edge)), edge: int32(i)}
		switch edge.Type {
		case catalog.DependsOn, catalog.ConsumesAPI:
			if edge.AnyOf != "" {
				need.origin = stated
			}
			if edge.Role.Publishes() {
				publish = append(publish, int32(i))
			}
			if edge.Role.Consumes() {
				consume = append(consume, int32(i))
			}
		case catalog.ProvidesAPI:
			need = statedNeed{from: b, to: a, attr: attr(catalog.Hard), origin: providers, edge: int32(i)}
		case catalog.PartOf:
			need = statedNeed{from: b, to: a, attr: attr(catalog.Hard), origin: parts, edge: int32(i)}
		case catalog.RunsOn:
			need.attr = attr(catalog.Hard)
			switch s.kinds[b] {
			case kindWorkload:
				if isJob(edge.To) {
					continue
				}
				need.origin = workloads
			case kindNode:
				need.origin = nodes
			}
		}
		needs = g.appendBelieved(needs, need, edge)
	}
	needs = s.deriveHubs(needs, from, to, publish, consume)
	g.arrange(needs, edges, len(s.model.Entities)+len(g.hubTopic))
}

// deriveHubs makes a hub of each topic that has both sides, and the needs to and from it.
func (s *Snapshot) deriveHubs(needs []statedNeed, from, to []node, publish, consume []int32) []statedNeed {
	g := &s.needs
	published := make(map[node]node, len(publish)) // topic → hub, -1 while nobody consumes it
	for _, i := range publish {
		published[to[i]] = -1
	}
	for _, i := range consume {
		if hub, ok := published[to[i]]; ok && hub < 0 {
			published[to[i]] = 0
			g.hubTopic = append(g.hubTopic, to[i])
		}
	}
	slices.Sort(g.hubTopic)
	for i, topic := range g.hubTopic {
		published[topic] = node(len(s.model.Entities) + i)
	}
	for _, i := range consume {
		if hub, ok := published[to[i]]; ok {
			need := statedNeed{from: from[i], to: hub, attr: attr(catalog.Async), edge: i}
			needs = g.appendBelieved(needs, need, &s.model.Edges[i])
		}
	}
	for _, i := range publish {
		if hub := published[to[i]]; hub >= 0 {
			need := statedNeed{from: hub, to: from[i], attr: attr(catalog.Hard) | attrHub, edge: i}
			needs = g.appendBelieved(needs, need, &s.model.Edges[i])
		}
	}
	return needs
}

func strengthOf(edge *catalog.Edge) catalog.Strength {
	switch {
	case edge.Strength != catalog.Unstated:
		return edge.Strength
	case edge.Role == catalog.Consume:
		return catalog.Async
	default:
		return catalog.Hard
	}
}

// appendBelieved completes a need by the evidence of its relation. One that holds in every environment, but was seen in
// some, becomes a need for each of these besides, so that what was seen counts where it was seen.
func (g *needGraph) appendBelieved(needs []statedNeed, need statedNeed, edge *catalog.Edge) []statedNeed {
	own := g.environment(edge.Environment)
	first := len(needs)
	needs = append(needs, need)
	needs[first].attr |= attr(own) << attrEnvShift
	if need.from == need.to {
		return needs
	}
	for i := range edge.Evidence {
		evidence := &edge.Evidence[i]
		env := own
		if own == envEvery && evidence.Kind != catalog.Declared && evidence.Origin != nil {
			env = g.environment(evidence.Origin.Environment)
		}
		at := first
		for at < len(needs) && needs[at].attr.environment() != env {
			at++
		}
		if at == len(needs) {
			needs = append(needs, need)
			needs[at].attr |= attr(env) << attrEnvShift
		}
		needs[at].attr |= attr(evidence.Kind) << attrKindsShift
		if isFresh(evidence) {
			needs[at].attr |= attr(evidence.Kind) << attrFreshShift
		}
	}
	return needs
}

// isFresh says whether evidence counts unless stale is asked for. What a file or cluster said before it could no longer
// be read does: the last good data stands. Only traffic that was not seen for long leaves the default answers.
func isFresh(evidence *catalog.Evidence) bool {
	return !evidence.Stale || evidence.Kind != catalog.Observed
}

func (g *needGraph) environment(name string) uint32 {
	if name == "" {
		return envEvery
	}
	env, ok := g.environments[name]
	if !ok {
		env = uint32(len(g.environments))
		g.environments[name] = env
	}
	return env
}

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

// isJob says whether a Workload ends by itself and so keeps nothing running. Its name is cluster.kind.name, where each of
// cluster and name may hold dots: the first part that names a kind of controller decides.
func isJob(workload catalog.Ref) bool {
	words := strings.Split(workload.Name(), ".")
	for _, word := range words[1:] {
		switch word {
		case "job", "cronjob":
			return true
		case "deployment", "statefulset", "daemonset", "replicaset", "pod":
			return false
		}
	}
	return false
}
