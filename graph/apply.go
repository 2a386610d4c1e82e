package graph

import (
	"sync"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
)

// Apply is the graph at a later revision. It shares with s all that the change does not touch; nil changes nothing. It
// takes time in the size of what the change touches: the entities and rows of edges in it, and the rows of needs that
// follow from those, each whole.
func (s *Snapshot) Apply(change *catalog.ModelChange, revision Revision, time time.Time, sources []Source) *Snapshot {
	if change == nil || change.IsEmpty() {
		renewed := *s
		renewed.revision, renewed.time, renewed.sources, renewed.behaving = revision, time, sources, &behaving{}
		return &renewed
	}
	a := application{edit: s.edit()}
	s.forking.Lock()
	a.orders.fork()
	a.names.fork()
	s.forking.Unlock()
	a.forking = &sync.Mutex{}
	a.revision, a.time, a.sources, a.behaving = revision, time, sources, &behaving{}

	nodes, tiers := a.putEntities(change.Entities)
	var lists sync.WaitGroup // of what the edges have nothing to do with
	lists.Go(func() {
		a.putOrders(change.Entities, tiers)
		a.putProblems(change)
	})
	lists.Go(func() { a.putNames(change.Entities, nodes) })
	a.putRows(change, nodes)
	a.deriveNeeds()
	a.release()
	lists.Wait()
	a.index = s.index.after(a.Snapshot, change)
	return a.Snapshot
}

// application is an edit by a change of the Model.
type application struct {
	*edit
	rows []rowChange
	// touched are nodes whose rows of relations changed, or what those lead to; turned those that became an entity or none,
	// or of another kind, and maybe were an end of relations before.
	touched nodeSet
	turned  []node
}

// rowChange is all relations from a node, as they were and as they are.
type rowChange struct {
	a        node
	old, now []catalog.Edge
	ends     []node // of now
}

// putEntities enters what came or changed, and takes out what is gone. It tells the nodes (-1 where there is none), and
// their tiers.
func (a *application) putEntities(changes []catalog.EntityChange) (nodes []node, tiers []uint8) {
	nodes, tiers = make([]node, len(changes)), make([]uint8, len(changes))
	var born []node
	if a.before.Len() == 0 {
		a.ends = make(map[catalog.Ref]node, len(changes))
		a.refs.expect(len(changes))
	}
	for i, c := range changes {
		n := a.before.find(c.Ref) // a change names each entity once
		switch {
		case c.Entity == nil && n < 0:
		case c.Entity == nil:
			a.dropOrders(a.entity(n))
			a.leave(n)
			a.turned = append(a.turned, n)
		case n < 0:
			if absent := a.before.absent.find(c.Ref); absent >= 0 {
				a.turned = append(a.turned, absent)
			}
			n = a.enter(c.Entity)
			born = append(born, n)
			if a.ends != nil {
				a.ends[c.Ref] = n
			}
		default:
			if kindOf(c.Entity) != a.kind(n) {
				a.turned = append(a.turned, n)
			}
			a.putFacts(n, c.Entity)
		}
		if nodes[i] = n; n >= 0 {
			tiers[i] = a.facts.at(n).tier
		}
	}
	a.refs.expect(0)
	a.arrange(born)
	for i, c := range changes {
		if n := nodes[i]; n >= 0 {
			a.putOwner(n, a.before.entityAt(n), c.Entity)
		}
	}
	return nodes, tiers
}

func (a *application) putOwner(n node, old, now *catalog.Entity) {
	before, owner := a.facts.at(n).owner, node(-1)
	if now != nil && now.Owner != "" {
		if old != nil && old.Owner == now.Owner {
			return
		}
		owner = a.endOf(now.Owner)
		a.facts.write(a.edition, owner).owns++
	}
	if before >= 0 {
		a.facts.write(a.edition, before).owns--
		a.loose = append(a.loose, loose{before, old.Owner})
	}
	if before != owner {
		a.facts.write(a.edition, n).owner = owner
	}
}

func (a *application) putRows(change *catalog.ModelChange, nodes []node) {
	entities, changes := change.Entities, change.Edges // both by Ref: many are the same
	count := 0
	for i := range changes {
		count += len(changes[i].Edges)
	}
	ends := make([]node, 0, count)
	a.rows = make([]rowChange, 0, len(changes)+len(a.turned))
	for _, c := range changes {
		for len(entities) > 0 && entities[0].Ref < c.From {
			entities, nodes = entities[1:], nodes[1:]
		}
		n := node(-1)
		if len(entities) > 0 && entities[0].Ref == c.From {
			n = nodes[0]
		}
		if n < 0 {
			n = a.endOf(c.From)
		}
		first := len(ends)
		for i := range c.Edges {
			if i > 0 && c.Edges[i].To == c.Edges[i-1].To {
				ends = append(ends, ends[len(ends)-1])
			} else {
				ends = append(ends, a.endOf(c.Edges[i].To))
			}
		}
		if !a.touched.add(n) {
			continue // a change names each row once
		}
		row := a.relations.write(a.edition, n)
		a.rows = append(a.rows, rowChange{n, row.out, c.Edges, ends[first:]})
		row.out = c.Edges
		if len(c.Edges) == 0 {
			row.out = nil
			a.loose = append(a.loose, loose{n, c.From})
		}
	}
	links := make([]link, 0, count)
	for i := range a.rows {
		links = a.appendLinks(links, &a.rows[i])
	}
	for _, n := range a.turned {
		for _, source := range a.relations.at(n).in {
			a.touched.add(source)
		}
		a.touched.add(n)
		for _, edge := range a.relations.at(n).out { // its place among their sources is another one
			target := a.endOf(edge.To)
			links = append(links, link{n, target, false}, link{n, target, true})
		}
	}
	a.relate(links)
	for _, n := range a.turned {
		for _, source := range a.relations.at(n).in {
			a.touched.add(source)
		}
	}
}

// appendLinks tells which relations of a row came and went. Both are sorted by target.
func (a *application) appendLinks(links []link, row *rowChange) []link {
	i, j := 0, 0
	for i < len(row.old) || j < len(row.now) {
		switch {
		case j == len(row.now) || i < len(row.old) && row.old[i].To < row.now[j].To:
			to := row.old[i].To
			target := a.endOf(to)
			links = append(links, link{row.a, target, false})
			a.loose = append(a.loose, loose{target, to})
			i = skip(row.old, i, to)
		case i == len(row.old) || row.now[j].To < row.old[i].To:
			links = append(links, link{row.a, row.ends[j], true})
			j = skip(row.now, j, row.now[j].To)
		default:
			i, j = skip(row.old, i, row.old[i].To), skip(row.now, j, row.now[j].To)
		}
	}
	return links
}

// skip is the place behind the relations to one target.
func skip(row []catalog.Edge, i int, to catalog.Ref) int {
	for i < len(row) && row[i].To == to {
		i++
	}
	return i
}
