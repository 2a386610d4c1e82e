package neo4jstore

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/neo4j/neo4j-go-driver/v5/neo4j"

	"github.com/orrery-catalog/orrery/graph"
)

// projectedChange is what one transaction changes in the written graph.
type projectedChange struct {
	nodes  map[string][]map[string]any // by their second label
	hashes []map[string]any            // of nodes that are there
	drop   []string                    // entities of which all relations go first
	remove []graph.ProjectedRelation
	put    []graph.ProjectedRelation
	create bool     // none of put is there: then nothing has to be looked for, and nothing may be written twice
	gone   []string // entities that go last
	rows   int
	bytes  int
	limit  int // of rows
}

func (p *projection) change() *projectedChange {
	return &projectedChange{limit: p.rows, nodes: make(map[string][]map[string]any)}
}

func (c *projectedChange) isFull() bool { return c.rows >= c.limit || c.bytes >= projectedBytes }

func (c *projectedChange) addNode(entity *graph.ProjectedEntity, withHash bool) {
	row := c.properties(entity.Properties)
	if withHash {
		row["hash"] = entity.Hash
	}
	c.nodes[entity.Kind] = append(c.nodes[entity.Kind], row)
	c.rows++
}

func (c *projectedChange) addRelations(relations []graph.ProjectedRelation) {
	c.put = append(c.put, relations...)
	c.rows += len(relations)
	for i := range relations {
		c.bytes += sizeOf(relations[i].Properties)
	}
}

func (c *projectedChange) properties(properties graph.Properties) map[string]any {
	c.bytes += sizeOf(properties)
	return cypherProperties(properties)
}

func sizeOf(properties graph.Properties) (size int) {
	for name, value := range properties {
		size += len(name) + 8
		switch v := value.(type) {
		case string:
			size += len(v)
		case []string:
			for _, text := range v {
				size += len(text)
			}
		}
	}
	return size
}

// cypherProperties are the properties as the driver takes them.
func cypherProperties(properties graph.Properties) map[string]any {
	row := make(map[string]any, len(properties)+1)
	for name, value := range properties {
		switch v := value.(type) {
		case time.Time:
			row[name] = cypherTime(v)
		case time.Duration:
			row[name] = neo4j.DurationOf(0, 0, int64(v/time.Second), int(v%time.Second))
		default:
			row[name] = v
		}
	}
	return row
}

// cypherTime is a time with an offset of zero and no name of a zone, as datetime('2026-01-01T00:00:00Z') is in Cypher;
// null where it is zero.
func cypherTime(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.In(time.FixedZone("Offset", 0))
}

// publishers are the topics of which publishers or consumers may be gone.
func (c *projectedChange) publishers() []string {
	var topics []string
	for i := range c.remove {
		for _, end := range [...]graph.ProjectedEnd{c.remove[i].From, c.remove[i].To} {
			if end.Publishers {
				topics = append(topics, end.ID)
			}
		}
	}
	slices.Sort(topics)
	return slices.Compact(topics)
}

func (c *projectedChange) write(tx *transaction) error {
	for some := range slices.Chunk(c.drop, statementRows) {
		switch dropped, err := tx.dropRows(some); {
		case err != nil:
			return err
		case dropped == dropLimit:
			return errLarge
		}
	}
	for _, label := range slices.Sorted(maps.Keys(c.nodes)) {
		if err := tx.each("MERGE (e:@Entity {ref: row.ref}) SET e = row, e:@"+label, c.nodes[label]); err != nil {
			return err
		}
	}
	if err := tx.eachRelation(c.remove, false, `WITH row, a, b MATCH (a)-[r:TYPE {key: row.key}]->(b) DELETE r`); err != nil {
		return err
	}
	if err := tx.writePublishers(c.put); err != nil {
		return err
	}
	put := "MERGE (a)-[r:TYPE {key: row.key}]->(b) SET r = row.properties"
	if c.create {
		put = "CREATE (a)-[r:TYPE]->(b) SET r = row.properties"
	}
	if err := tx.eachRelation(c.put, true, put); err != nil {
		return err
	}
	if err := tx.each("MATCH (e:@Entity {ref: row.ref}) SET e.hash = row.hash", c.hashes); err != nil {
		return err
	}
	for some := range slices.Chunk(c.gone, statementRows) {
		if err := tx.run("UNWIND $refs AS ref MATCH (e:@Entity {ref: ref}) DETACH DELETE e", map[string]any{"refs": some}); err != nil {
			return err
		}
	}
	return nil
}

// each runs a statement for rows, many at a time.
func (tx *transaction) each(statement string, rows []map[string]any) error {
	for some := range slices.Chunk(rows, statementRows) {
		if err := tx.run("UNWIND $rows AS row "+statement, map[string]any{"rows": some}); err != nil {
			return err
		}
	}
	return nil
}

// ends says which end of a relation, if any, stands for all publishers of a topic.
type ends uint8

const (
	entities ends = iota
	fromPublishers
	toPublishers
)

// shape is what relations must have in common to be written by one statement.
type shape struct {
	kind string
	ends ends
}

// eachRelation runs a statement in which a and b are the ends of a row and TYPE its type. Both ends are found by their
// indexes, however many relations they have.
func (tx *transaction) eachRelation(relations []graph.ProjectedRelation, whole bool, statement string) error {
	shapes := make(map[shape][]map[string]any)
	for i := range relations {
		r := &relations[i]
		row := map[string]any{"from": r.From.ID, "to": r.To.ID, "key": r.Key}
		if whole {
			properties := cypherProperties(r.Properties)
			maps.Copy(properties, cypherProperties(r.Traffic()))
			properties["key"] = r.Key
			row["properties"] = properties
		}
		s := shape{kind: r.Type}
		switch {
		case r.From.Publishers:
			s.ends = fromPublishers
		case r.To.Publishers:
			s.ends = toPublishers
		}
		shapes[s] = append(shapes[s], row)
	}
	end := func(name, row string, all bool) string {
		if all {
			return "MATCH (" + name + ":@Publishers {topic: " + row + "}) USING INDEX " + name + ":@Publishers(topic) "
		}
		return "MATCH (" + name + ":@Entity {ref: " + row + "}) USING INDEX " + name + ":@Entity(ref) "
	}
	ordered := slices.SortedFunc(maps.Keys(shapes), func(x, y shape) int {
		return cmp.Or(cmp.Compare(x.kind, y.kind), cmp.Compare(x.ends, y.ends))
	})
	for _, s := range ordered {
		cypher := end("a", "row.from", s.ends == fromPublishers) + end("b", "row.to", s.ends == toPublishers) + strings.ReplaceAll(statement, "TYPE", s.kind)
		if err := tx.each(cypher, shapes[s]); err != nil {
			return err
		}
	}
	return nil
}

// writePublishers makes the nodes that stand for the publishers of topics.
func (tx *transaction) writePublishers(relations []graph.ProjectedRelation) error {
	topics := make(map[string]bool)
	for i := range relations {
		for _, end := range [...]graph.ProjectedEnd{relations[i].From, relations[i].To} {
			if end.Publishers {
				topics[end.ID] = true
			}
		}
	}
	for some := range slices.Chunk(slices.Sorted(maps.Keys(topics)), statementRows) {
		if err := tx.run("UNWIND $topics AS topic MERGE (:@Publishers {topic: topic})", map[string]any{"topics": some}); err != nil {
			return err
		}
	}
	return nil
}

// dropLimit is how many relations dropRows takes away at most.
const dropLimit = 10_000

// dropRows takes the hashes of entities away, and relations that were written with them: as many as dropLimit.
func (tx *transaction) dropRows(ids []string) (dropped int64, err error) {
	parameters := map[string]any{"refs": ids, "limit": dropLimit, "turned": graph.TurnedRelations()}
	err = tx.run("UNWIND $refs AS ref MATCH (e:@Entity {ref: ref}) WHERE e.hash IS NOT NULL REMOVE e.hash", parameters)
	if err != nil {
		return 0, err
	}
	stated := slices.DeleteFunc(graph.WrittenTypes(), func(t string) bool { return t == graph.WrittenDependsOn })
	record, err := tx.single(strings.ReplaceAll(`UNWIND $refs AS ref MATCH (e:@Entity {ref: ref})
		CALL {
			WITH e MATCH (e)-[r:STATED]->() RETURN r
			UNION ALL
			WITH e MATCH (e)-[r:DEPENDS_ON]->() WHERE NOT r.relation IN $turned RETURN r
			UNION ALL
			WITH e MATCH (e)<-[r:DEPENDS_ON]-(x) WHERE x:@Publishers OR r.relation IN $turned RETURN r
		}
		WITH r LIMIT $limit DELETE r RETURN count(*) AS dropped`, "STATED", strings.Join(stated, "|")), parameters)
	if err != nil || record == nil {
		return 0, err
	}
	return value[int64](record, "dropped")
}

// writeSources writes the sources that are not as they were in from, or all of them.
func (tx *transaction) writeSources(from, to *graph.Snapshot) error {
	was := make(map[string]string)
	if from != nil {
		for i := range from.Sources() {
			was[from.Sources()[i].ID] = graph.SourceProperties(&from.Sources()[i]).Hash()
		}
	}
	var rows []map[string]any
	ids := make([]string, 0, len(to.Sources()))
	for i := range to.Sources() {
		source := &to.Sources()[i]
		properties := graph.SourceProperties(source)
		ids = append(ids, properties["id"].(string))
		if was[source.ID] != properties.Hash() {
			rows = append(rows, cypherProperties(properties))
		}
		delete(was, source.ID)
	}
	if err := tx.each("MERGE (s:@Source {id: row.id}) SET s = row", rows); err != nil {
		return err
	}
	if from != nil && len(was) == 0 {
		return nil
	}
	return tx.run("MATCH (s:@Source) WHERE NOT s.id IN $ids DETACH DELETE s", map[string]any{"ids": ids})
}
