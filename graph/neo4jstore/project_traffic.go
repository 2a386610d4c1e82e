package neo4jstore

import (
	"context"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

var _ graph.TrafficProjector = (*Store)(nil)

// ProjectTraffic implements [graph.TrafficProjector]. It is one transaction.
func (s *Store) ProjectTraffic(
	ctx context.Context, lease string, fence graph.FencingToken, of *graph.Snapshot, after catalog.Ref, limit int,
) (catalog.Ref, error) {
	relations, last := of.ProjectedTraffic(after, limit)
	next := last
	p := &projection{store: s, ctx: ctx, lease: lease, fence: fence, to: of}
	err := p.fenced(func(tx *transaction) error {
		next = after
		found, err := tx.written()
		if err != nil || !found.shows(of.Revision()) {
			return err
		}
		next = last
		return tx.writeTraffic(relations)
	})
	if err != nil {
		return after, err
	}
	return next, nil
}

// writeTraffic gives relations their present numbers, and takes away those that nobody knows any more. It makes none.
func (tx *transaction) writeTraffic(relations []graph.ProjectedRelation) error {
	rows := make([]map[string]any, len(relations))
	for i := range relations {
		r := &relations[i]
		known, stated := cypherProperties(r.Traffic()), cypherProperties(r.Properties)
		numbers := make(map[string]any)
		for _, name := range graph.TrafficProperties() {
			numbers[name] = stated[name] // null where nothing is stated
			if value, ok := known[name]; ok {
				numbers[name] = value
			}
		}
		rows[i] = map[string]any{"from": r.From.ID, "to": r.To.ID, "key": r.Key, "numbers": numbers}
	}
	return tx.each(strings.ReplaceAll(`MATCH (a:@Entity {ref: row.from}) USING INDEX a:@Entity(ref)
		MATCH (b:@Entity {ref: row.to}) USING INDEX b:@Entity(ref)
		MATCH (a)-[r:TYPE {key: row.key}]->(b) SET r += row.numbers`, "TYPE", graph.WrittenDependsOn), rows)
}
