package neo4jstore

import (
	"slices"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// relationKey is what tells written relations apart.
type relationKey struct {
	kind     string
	from, to graph.ProjectedEnd
	key      string
}

func keyOf(r *graph.ProjectedRelation) relationKey { return relationKey{r.Type, r.From, r.To, r.Key} }

// difference is what exactly has to be written of the entities that differ from a snapshot which the graph shows; nil
// where that is more than one transaction holds.
func (p *projection) difference(from *graph.Snapshot, refs []catalog.Ref) *projectedChange {
	change := p.change()
	for _, ref := range refs {
		old, now := from.Projection(ref), p.to.Projection(ref)
		switch {
		case old == nil && now == nil, old != nil && now != nil && old.Hash == now.Hash:
		case now == nil:
			change.gone = append(change.gone, old.ID)
			change.remove = append(change.remove, old.Relations...)
			change.rows += 1 + len(old.Relations)
		case old == nil:
			change.addNode(now, true)
			change.addRelations(now.Relations)
		default:
			change.addNode(now, true)
			change.addDifference(old.Relations, now.Relations)
		}
		if change.isFull() {
			return nil
		}
	}
	return change
}

func (c *projectedChange) addDifference(old, now []graph.ProjectedRelation) {
	was := make(map[relationKey]string, len(old))
	for i := range old {
		was[keyOf(&old[i])] = old[i].Properties.Hash()
	}
	for i := range now {
		key := keyOf(&now[i])
		if hash, found := was[key]; !found || hash != now[i].Properties.Hash() {
			c.addRelations(now[i : i+1])
		}
		delete(was, key)
	}
	for i := range old {
		if _, left := was[keyOf(&old[i])]; left {
			c.remove = append(c.remove, old[i])
			c.rows++
		}
	}
}

// anew is all that has to be written of entities whose state in the graph is not known; not small where that is more than
// one transaction holds.
func (p *projection) anew(stale []staleRow, gone []string) (change *projectedChange, small bool) {
	change = p.change()
	change.create = true
	change.gone, change.drop, change.rows = gone, slices.Clone(gone), 2*len(gone)
	for _, row := range stale {
		if change.isFull() {
			return nil, false
		}
		entity := p.to.Projection(row.ref)
		if !row.isNew {
			change.drop = append(change.drop, entity.ID)
			change.rows += len(entity.Relations) // those that go
		}
		change.addNode(entity, true)
		change.addRelations(entity.Relations)
	}
	return change, !change.isFull()
}

// writeNodes makes the nodes of entities that have to be written anew, or gives them their properties, and takes their
// hashes away.
func (p *projection) writeNodes(stale []staleRow) error {
	change := p.change()
	for i, row := range stale {
		change.addNode(p.to.Projection(row.ref), false)
		if !change.isFull() && i < len(stale)-1 {
			continue
		}
		if err := p.own(change.write); err != nil {
			return err
		}
		change = p.change()
	}
	return nil
}

// dropRows takes all relations away that were written with entities.
func (p *projection) dropRows(stale []staleRow, gone []string) error {
	ids := slices.Clone(gone)
	for _, row := range stale {
		if !row.isNew {
			ids = append(ids, graph.ProjectedID(string(row.ref)))
		}
	}
	for some := range slices.Chunk(ids, statementRows) {
		for left := true; left; {
			err := p.own(func(tx *transaction) error {
				dropped, err := tx.dropRows(some)
				left = dropped == dropLimit
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// writeRows writes the relations of entities that have none, and their hashes with the last of them.
func (p *projection) writeRows(stale []staleRow) error {
	begin := func() *projectedChange {
		change := p.change()
		change.create = true
		return change
	}
	change := begin()
	flush := func() error {
		err := p.own(change.write)
		change = begin()
		return err
	}
	for _, row := range stale {
		entity := p.to.Projection(row.ref)
		for i := range entity.Relations {
			change.addRelations(entity.Relations[i : i+1])
			if change.isFull() {
				if err := flush(); err != nil {
					return err
				}
			}
		}
		change.hashes = append(change.hashes, map[string]any{"ref": entity.ID, "hash": entity.Hash})
		if change.rows++; change.isFull() {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// dropNodes takes nodes away that no relation of an entity leads to any more.
func (p *projection) dropNodes(ids []string) error {
	for some := range slices.Chunk(ids, statementRows) {
		if err := p.own((&projectedChange{gone: some}).write); err != nil {
			return err
		}
	}
	return nil
}

// compare finds out by the hashes which nodes of the graph are not what the snapshot says, and which it should not have.
func (p *projection) compare() (stale []staleRow, gone []string, err error) {
	odd := map[string]catalog.Ref{} // entities known in the graph by something else than their Ref
	for e := range p.to.Entities("") {
		if id := graph.ProjectedID(string(e.Ref)); id != string(e.Ref) {
			odd[id] = e.Ref
		}
	}
	seen := make(map[catalog.Ref]bool)
	for after, more := "", true; more; {
		var page [][2]string
		err := p.store.read(p.ctx, func(tx *transaction) error {
			page = page[:0]
			for record, err := range tx.stream(`MATCH (e:@Entity) WHERE e.ref > $after
				RETURN e.ref AS ref, coalesce(e.hash, '') AS hash ORDER BY e.ref LIMIT $limit`,
				map[string]any{"after": after, "limit": comparedRows}) {
				if err != nil {
					return err
				}
				r := reader{record: record}
				page = append(page, [2]string{r.text("ref"), r.text("hash")})
				if r.err != nil {
					return r.err
				}
			}
			return nil
		})
		if err != nil {
			return nil, nil, err
		}
		for _, row := range page {
			id, hash := row[0], row[1]
			ref, isOdd := odd[id]
			if !isOdd {
				ref = catalog.Ref(id)
			}
			entity := p.to.Projection(ref)
			if entity == nil || entity.ID != id {
				gone = append(gone, id)
				continue
			}
			if seen[ref] = true; entity.Hash != hash {
				stale = append(stale, staleRow{ref: ref})
			}
		}
		if more = len(page) == comparedRows; more {
			after = page[len(page)-1][0]
		}
	}
	for e := range p.to.Entities("") {
		if !seen[e.Ref] {
			stale = append(stale, staleRow{e.Ref, true})
		}
	}
	return stale, gone, nil
}

// comparedRows is how many nodes one read transaction compares.
const comparedRows = 5000
