package graph

import (
	"cmp"
	"maps"
	"slices"

	"github.com/orrery-catalog/orrery/catalog"
)

// overlay holds the rows of a snapshot that a what-if question changes, each whole, so that everything else is shared.
type overlay struct {
	index    map[catalog.Ref]node // of assumed entities
	entities []*catalog.Entity    // the assumed ones, behind all nodes of the snapshot, in no order
	edges    []catalog.Edge       // the assumed ones, behind all of the model
	out      map[node][]outNeed
	in       map[node]inRow
	groups   []group         // new ones, behind those of the snapshot
	sizes    map[int32]int32 // of every group of a changed row
	vias     []viaNeed       // needs by way of a topic that had to be made explicit: outNeed.edge is ^ the place here
}

type inRow struct {
	needs  []inNeed
	groups []int32
}

// viaNeed is a consumer's need of one producer by way of a topic.
type viaNeed struct {
	consumer, producer int32 // their relations to the topic
	topic              node
}

// pair is a WhatIfPair of known entities.
type pair struct{ from, to node }

func newOverlay(v *view, filter Filter) *overlay {
	o := &overlay{index: map[catalog.Ref]node{}, out: map[node][]outNeed{}, in: map[node]inRow{}, sizes: map[int32]int32{}}
	v.overlay = o // so that find, entity and the like know the assumed entities from here on
	added := map[node][]int32{}
	removed := map[pair]bool{}
	var sources []node
	changed := map[node]bool{} // targets
	for _, p := range filter.Remove {
		from, to := v.find(p.From), v.find(p.To)
		if from < 0 || to < 0 {
			continue
		}
		removed[pair{from, to}] = true
		changed[to] = true
		sources = append(sources, from)
	}
	for i, add := range filter.Add {
		from, to := o.findOrAssume(v, add.From), o.findOrAssume(v, add.To)
		strength := add.Strength
		if strength == catalog.Unstated {
			strength = catalog.Hard
		}
		o.edges = append(o.edges, catalog.Edge{
			From: add.From, To: add.To, Type: catalog.DependsOn, Strength: strength, AnyOf: add.AnyOf,
		})
		added[from] = append(added[from], int32(i))
		changed[to] = true
		sources = append(sources, from)
	}
	slices.Sort(sources)
	sources = slices.Compact(sources)

	rows := map[node][]outNeed{}
	for _, a := range sources {
		row := o.rowWithout(v, a, removed, changed)
		for _, i := range added[a] {
			row = append(row, o.assumedNeed(v, a, row, i))
		}
		slices.SortStableFunc(row, func(x, y outNeed) int { return o.compareNeeds(v, x, y) })
		for _, need := range row {
			if need.group != noGroup {
				changed[need.to] = true // a single member may have got company
			}
		}
		rows[a] = row
	}
	columns := o.columns(v, rows, changed)
	o.out, o.in = rows, columns
	for _, row := range rows {
		o.sizeGroups(v, row)
	}
	return o
}

func (o *overlay) findOrAssume(v *view, ref catalog.Ref) node {
	if a := v.find(ref); a >= 0 {
		return a
	}
	a := node(v.nodeCount())
	o.index[ref] = a
	o.entities = append(o.entities, placeholder(ref))
	return a
}

func placeholder(ref catalog.Ref) *catalog.Entity {
	entity := &catalog.Entity{Placeholder: true}
	entity.Ref = ref
	entity.Kind, entity.Namespace, entity.Name = catalog.KindSpelling(ref.Kind()), ref.Namespace(), ref.Name()
	return entity
}

// rowWithout copies the needs of a that are left. Where the need of one producer by way of a topic is removed, those of
// the other producers become explicit.
func (o *overlay) rowWithout(v *view, a node, removed map[pair]bool, changed map[node]bool) []outNeed {
	var row []outNeed
	for _, need := range v.out(a) {
		switch {
		case v.isHub(need.to):
			producers := v.out(need.to)
			if !slices.ContainsFunc(producers, func(p outNeed) bool { return removed[pair{a, p.to}] }) {
				row = append(row, need)
				continue
			}
			changed[need.to] = true
			if !v.counts(need.attr) {
				continue
			}
			for _, producer := range producers {
				if producer.to == a || removed[pair{a, producer.to}] || !v.counts(producer.attr) {
					continue
				}
				changed[producer.to] = true
				row = append(row, outNeed{to: producer.to, attr: assumed(catalog.Async), group: noGroup, edge: ^int32(len(o.vias))})
				o.vias = append(o.vias, viaNeed{consumer: need.edge, producer: producer.edge, topic: v.topic(need.to)})
			}
		case !removed[pair{a, need.to}]:
			row = append(row, need)
		}
	}
	return row
}

// assumed is the attr of a need that counts whatever the filter.
func assumed(strength catalog.Strength) attr {
	all := attr(catalog.AllEvidence)
	return attr(strength) | all<<attrFreshShift | all<<attrKindsShift | attr(envEvery)<<attrEnvShift
}

func (o *overlay) assumedNeed(v *view, a node, row []outNeed, i int32) outNeed {
	edge := &o.edges[i]
	need := outNeed{
		to: v.find(edge.To), attr: assumed(edge.Strength), group: noGroup, edge: int32(len(v.model.Edges)) + i,
	}
	if need.to == a {
		need.attr &^= attrEvidence
	}
	if edge.AnyOf == "" {
		return need
	}
	need.attr |= attrGrouped
	for _, rows := range [][]outNeed{row, v.outUnchanged(a)} {
		for _, other := range rows {
			if other.group != noGroup {
				if g := v.group(other.group); g.origin == stated && g.name == edge.AnyOf {
					need.group = other.group
					return need
				}
			}
		}
	}
	need.group = int32(v.groupCount())
	o.groups = append(o.groups, group{name: edge.AnyOf, origin: stated})
	return need
}

// outUnchanged is the row of a without the overlay.
func (v *view) outUnchanged(a node) []outNeed {
	if int(a) >= v.hubEnd() {
		return nil
	}
	return v.needs.out[v.needs.outStart[a]:v.needs.outStart[a+1]]
}

// compareNeeds keeps the order of rows: hubs last, targets by Ref, then group name and origin.
func (o *overlay) compareNeeds(v *view, x, y outNeed) int {
	if hx, hy := v.isHub(x.to), v.isHub(y.to); hx != hy {
		if hx {
			return 1
		}
		return -1
	} else if hx {
		return cmp.Compare(x.to, y.to)
	}
	if c := v.compare(x.to, y.to); c != 0 {
		return c
	}
	gx, gy := o.groupOrNone(v, x.group), o.groupOrNone(v, y.group)
	return cmp.Or(cmp.Compare(gx.name, gy.name), cmp.Compare(gx.origin, gy.origin))
}

func (o *overlay) groupOrNone(v *view, number int32) group {
	if number == noGroup {
		return group{}
	}
	return *v.group(number)
}

// columns makes the changed rows by target: what unchanged sources need of it, and what is left of the changed ones.
func (o *overlay) columns(v *view, rows map[node][]outNeed, changed map[node]bool) map[node]inRow {
	columns := make(map[node]inRow, len(changed))
	for b := range changed {
		var row inRow
		needs, groups := v.in(b)
		for i, need := range needs {
			if _, ok := rows[need.from]; !ok {
				row.needs, row.groups = append(row.needs, need), append(row.groups, groups[i])
			}
		}
		columns[b] = row
	}
	for _, a := range slices.Sorted(maps.Keys(rows)) {
		for _, need := range rows[a] {
			if row, ok := columns[need.to]; ok { // no order is needed, but that needs of one source stand together
				row.needs, row.groups = append(row.needs, need.seenFrom(a)), append(row.groups, need.group)
				columns[need.to] = row
			}
		}
	}
	return columns
}

// sizeGroups counts the members of the groups of a changed row.
func (o *overlay) sizeGroups(v *view, row []outNeed) {
	type member struct {
		group int32
		to    node
	}
	seen := map[member]bool{}
	for _, need := range row {
		if m := (member{need.group, need.to}); need.group != noGroup && v.visible(need.attr) && !seen[m] {
			seen[m] = true
			o.sizes[need.group]++
		}
	}
}
