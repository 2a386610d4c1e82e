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
		renewed.revision, renewed.time, renewed.sources = revision, time, sources
		return &renewed
	}
	a := application{edit: s.edit()}
	s.forking.Lock()
	a.orders.fork()
	a.names.fork()
	s.forking.Unlock()
	a.forking = &sync.Mutex{}
	a.revision, a.time, a.sources = revision, time, sources

	a.putEntities(change.Entities)
	a.putRows(change.Edges)
	a.putProblems(change)
	a.deriveNeeds()
	a.release()
	a.index = s.index.after(a.Snapshot, change)
	return a.Snapshot
}

// application is an edit by a change of the Model.
type application struct {
	*edit
	rows []rowChange
	// touched are nodes whose rows of relations changed, or what those lead to; turned those that became an entity or none
	// and maybe were an end of relations before.
	touched nodeSet
	turned  []node
}

// rowChange is all relations from a node, as they were and as they are.
type rowChange struct {
	a        node
	old, now []catalog.Edge
	ends     []node // of now
}

func (a *application) putEntities(changes []catalog.EntityChange) {
	var born []node
	nodes := make([]node, len(changes))
	if a.before.Len() == 0 {
		a.ends = make(map[catalog.Ref]node, len(changes))
	}
	for i, c := range changes {
		n := a.find(c.Ref)
		switch {
		case c.Entity == nil && n < 0:
		case c.Entity == nil:
			a.dropOrders(a.entity(n))
			a.leave(n)
			a.turned = append(a.turned, n)
		case n < 0:
			if n = a.absent.find(c.Ref); n >= 0 {
				a.turned = append(a.turned, n)
			}
			born = append(born, a.enter(c.Entity))
			if a.ends != nil {
				a.ends[c.Ref] = born[len(born)-1]
			}
		default:
			f := a.facts.write(a.edition, n)
			f.entity, f.tier = c.Entity, uint8(c.Entity.Tier())
		}
		if nodes[i] = n; n < 0 && c.Entity != nil {
			nodes[i] = born[len(born)-1]
		}
	}
	a.arrange(born)
	a.putOrders(changes)
	for i, c := range changes {
		n := nodes[i]
		if n < 0 {
			continue
		}
		var old *catalog.Entity
		if n < a.before.end {
			old = a.before.entity(n)
		}
		a.putOwner(n, old, c.Entity)
		a.putNames(n, old, c.Entity)
	}
	a.flushNames()
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

func (a *application) putRows(changes []catalog.EdgesChange) {
	count := 0
	for i := range changes {
		count += len(changes[i].Edges)
	}
	ends := make([]node, 0, count)
	a.rows = make([]rowChange, 0, len(changes)+len(a.turned))
	for _, c := range changes {
		n := a.endOf(c.From)
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
