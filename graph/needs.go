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
		if a < 0 || b < 0 {
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
			default: // plain
			}
		default: // ownership and membership carry no failure
			continue
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
