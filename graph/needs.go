package graph

import (
	"cmp"
	"maps"
	"slices"

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

// statedNeed is a need before it has its place in a row.
type statedNeed struct {
	place    place // of to, or of the topic of a hub
	from, to node
	attr     attr
	edge     relation
	origin   origin
}

// topic is what a node is to those who publish to it and consume it.
type topic struct {
	of                  node
	hub                 node // -1 while it lacks a side
	published, consumed int32
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
//
// The needs that follow from the relations of one entity are in its own row and in those of what it is part of, of the
// APIs that it provides and of the topics that it publishes to. Those of the touched entities are made anew.
func (a *application) deriveNeeds() {
	a.turnTopics()
	var affected nodeSet
	for _, n := range a.touched.nodes {
		affected.add(n)
		if a.before.entityAt(n) != nil {
			a.before.addElsewhere(&affected, n)
		}
	}
	own, turned := a.needsOfTouched()
	turned = sortByNode(turned, a.end, func(n *statedNeed) node { return n.from })
	for i := range turned {
		affected.add(turned[i].from)
	}
	slices.Sort(affected.nodes)
	a.outRows.chunk = chunkOf(len(own) + len(turned))
	a.moves = make([]move, 0, len(own)+len(turned))
	var kept []outNeed
	var needs []statedNeed
	for _, n := range affected.nodes {
		needs = needs[:0]
		for len(own) > 0 && own[0].from == n {
			needs, own = append(needs, own[0]), own[1:]
		}
		for len(turned) > 0 && turned[0].from == n {
			needs, turned = append(needs, turned[0]), turned[1:]
		}
		kept = kept[:0]
		for _, need := range *a.out.at(n) {
			if owner := need.edge.owner(n, need.to); !a.touched.has(owner) {
				kept = append(kept, need)
			}
		}
		a.setRow(n, kept, needs)
	}
	a.flush()
}

// addElsewhere adds the nodes, but n itself, in whose rows needs are that follow from relations of n.
func (s *Snapshot) addElsewhere(nodes *nodeSet, n node) {
	row := s.relations.at(n).out
	for i := range row {
		edge := &row[i]
		publishes := isCall(edge) && edge.Role.Publishes()
		if !publishes && edge.Type != catalog.ProvidesAPI && edge.Type != catalog.PartOf {
			continue
		}
		target := s.find(edge.To)
		switch {
		case target < 0:
		case !publishes:
			nodes.add(target)
		case s.hub(target) >= 0:
			nodes.add(s.hub(target))
		}
	}
}

func isCall(edge *catalog.Edge) bool {
	return edge.Type == catalog.DependsOn || edge.Type == catalog.ConsumesAPI
}

// hub is that of a topic; -1 while one side of it is missing.
func (s *Snapshot) hub(a node) node {
	if t := s.facts.at(a).topic; t != nil {
		return t.hub
	}
	return -1
}

// turnTopics makes a hub of each topic that has got both sides, and gives up those of topics that lost one. Whoever
// publishes or consumes there is touched by that.
func (a *application) turnTopics() {
	more := map[node]*topic{}
	for _, n := range a.touched.nodes {
		if a.before.entityAt(n) != nil {
			a.before.countRoles(more, n, -1)
		}
		if a.entity(n) != nil {
			a.countRoles(more, n, 1)
		}
	}
	for _, n := range slices.Sorted(maps.Keys(more)) {
		now := topic{of: n, hub: -1}
		if old := a.facts.at(n).topic; old != nil {
			now = *old
		}
		now.published += more[n].published
		now.consumed += more[n].consumed
		had, has := now.hub >= 0, now.published > 0 && now.consumed > 0
		hub := now.hub
		if !had && has {
			hub = a.take()
			now.hub = hub
		}
		if had && !has {
			a.free(hub)
			now.hub = -1
		}
		if had != has {
			for _, source := range a.relations.at(n).in {
				a.touched.add(source)
			}
		}
		f := a.facts.write(a.edition, n)
		if f.topic = nil; now.published+now.consumed > 0 {
			f.topic = &now
		}
		if has {
			h := a.facts.write(a.edition, hub)
			h.kind, h.topic = kindHub, &now
		}
	}
}

// countRoles adds, times sign, the relations of n by which it publishes and consumes.
func (s *Snapshot) countRoles(counts map[node]*topic, n node, sign int32) {
	row := s.relations.at(n).out
	for i := range row {
		edge := &row[i]
		if edge.Role == catalog.NoRole || !isCall(edge) {
			continue
		}
		target := s.find(edge.To)
		if target < 0 {
			continue
		}
		count := counts[target]
		if count == nil {
			count = &topic{}
			counts[target] = count
		}
		if edge.Role.Publishes() {
			count.published += sign
		}
		if edge.Role.Consumes() {
			count.consumed += sign
		}
	}
}

// needsOfTouched lists the needs that follow from the relations of the touched entities, each row of relations in order:
// by node those that they have themselves, and those that others have.
func (a *application) needsOfTouched() (own, turned []statedNeed) {
	slices.Sort(a.touched.nodes)
	slices.SortFunc(a.rows, func(x, y rowChange) int { return cmp.Compare(x.a, y.a) })
	count := 0
	for _, n := range a.touched.nodes {
		count += len(a.relations.at(n).out)
	}
	own = make([]statedNeed, 0, count)
	rows := a.rows
	var found []node
	for _, n := range a.touched.nodes {
		var ends []node
		if len(rows) > 0 && rows[0].a == n {
			ends, rows = rows[0].ends, rows[1:]
		} else {
			found = found[:0]
			for _, edge := range a.relations.at(n).out {
				found = append(found, a.endOf(edge.To))
			}
			ends = found
		}
		if a.entity(n) != nil {
			own, turned = a.appendNeeds(own, turned, n, ends)
		}
	}
	return own, turned
}

// appendNeeds appends what follows from the relations of a, of which the ends are known: needs of a and needs of others.
func (e *edit) appendNeeds(own, turned []statedNeed, a node, ends []node) (_, _ []statedNeed) {
	row := e.relations.at(a).out
	for i := range row {
		edge, b := &row[i], ends[i]
		end := e.facts.at(b)
		if end.entity == nil {
			continue
		}
		need := statedNeed{
			place: *e.places.at(b), from: a, to: b, attr: attr(strengthOf(edge)), edge: relationAt(i),
		}
		back := statedNeed{
			place: *e.places.at(a), from: b, to: a, attr: attr(catalog.Hard), edge: relationAt(i).turned(),
		}
		switch edge.Type {
		case catalog.DependsOn, catalog.ConsumesAPI:
			if edge.AnyOf != "" {
				need.origin = stated
			}
			if hub := e.hub(b); hub >= 0 && edge.Role.Consumes() {
				toHub := statedNeed{
					place: need.place, from: a, to: hub, attr: attr(catalog.Async) | attrToHub, edge: need.edge,
				}
				own = e.appendBelieved(own, toHub, edge)
			}
			if hub := e.hub(b); hub >= 0 && edge.Role.Publishes() {
				back.from, back.attr = hub, back.attr|attrHub
				turned = e.appendBelieved(turned, back, edge)
			}
		case catalog.ProvidesAPI:
			back.origin = providers
			turned = e.appendBelieved(turned, back, edge)
			continue
		case catalog.PartOf:
			back.origin = parts
			turned = e.appendBelieved(turned, back, edge)
			continue
		case catalog.RunsOn:
			need.attr = attr(catalog.Hard)
			switch end.kind {
			case kindJob:
				continue
			case kindWorkload:
				need.origin = workloads
			case kindNode:
				need.origin = nodes
			default: // plain
			}
		default: // ownership and membership carry no failure
			continue
		}
		own = e.appendBelieved(own, need, edge)
	}
	return own, turned
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
func (e *edit) appendBelieved(needs []statedNeed, need statedNeed, edge *catalog.Edge) []statedNeed {
	own := e.environment(edge.Environment)
	first := len(needs)
	needs = append(needs, need)
	needs[first].attr |= attr(own) << attrEnvShift
	if need.from == need.to {
		return needs
	}
	for i := range edge.Evidence {
		evidence := &edge.Evidence[i]
		env := own
		if name := environmentOf(edge, evidence); name != edge.Environment {
			env = e.environment(name)
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
		if isFresh(edge, evidence) {
			needs[at].attr |= attr(evidence.Kind) << attrFreshShift
		}
	}
	return needs
}

// environmentOf is where evidence of a relation counts; "" = in every environment. Of a relation that holds in every one,
// what was seen counts where it was seen, and so does what is declared of where something runs.
func environmentOf(edge *catalog.Edge, evidence *catalog.Evidence) string {
	isEverywhere := evidence.Kind == catalog.Declared && edge.Type != catalog.RunsOn
	if edge.Environment != "" || isEverywhere || evidence.Origin == nil {
		return edge.Environment
	}
	return evidence.Origin.Environment
}

// isFresh says whether evidence counts unless stale is asked for. What a file or cluster said before it could no longer
// be read does: the last good data stands. Only traffic that was not seen for long leaves the default answers, and where
// something runs is no traffic.
func isFresh(edge *catalog.Edge, evidence *catalog.Evidence) bool {
	return !evidence.Stale || evidence.Kind != catalog.Observed || edge.Type == catalog.RunsOn
}

// environment is the number of a name.
func (e *edit) environment(name string) uint32 {
	if name == "" {
		return envEvery
	}
	env, ok := e.environments[name]
	if !ok {
		if !e.isEnvOwned {
			e.environments, e.isEnvOwned = maps.Clone(e.environments), true
		}
		env = uint32(len(e.environments))
		e.environments[name] = env
	}
	return env
}
