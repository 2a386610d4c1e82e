package graphtest

import (
	"fmt"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// The questions that the suite asks in Cypher, as the documentation gives them.
const (
	cypherOwner = `MATCH (:@Entity {ref: $ref})-[:OWNED_BY]->(o:@Entity) RETURN o.ref AS ref`

	cypherNeeds = `MATCH (e:@Entity {ref: $ref})-[:DEPENDS_ON {counts: true}]->(x:@Entity) RETURN x.ref AS ref
		UNION
		MATCH (e:@Entity {ref: $ref})-[:DEPENDS_ON {counts: true}]->(:@Publishers)-[:DEPENDS_ON {counts: true}]->(x:@Entity)
		WHERE x <> e RETURN x.ref AS ref`

	cypherNeededBy = `MATCH (e:@Entity {ref: $ref})<-[:DEPENDS_ON {counts: true}]-(x:@Entity) RETURN x.ref AS ref
		UNION
		MATCH (e:@Entity {ref: $ref})<-[:DEPENDS_ON {counts: true}]-(:@Publishers)<-[:DEPENDS_ON {counts: true}]-(x:@Entity)
		WHERE x <> e RETURN x.ref AS ref`

	cypherReach = `MATCH (f:@Entity {ref: $ref})
		OPTIONAL MATCH (part:@Entity)-[:PART_OF* {counts: true}]->(f) WHERE f:@System OR f:@Domain OR f:@Cluster OR f:@Zone
		WITH f, collect(DISTINCT part) + [f] AS failed
		UNWIND failed AS lost
		MATCH (x:@Entity)-[:DEPENDS_ON* {counts: true}]->(lost)
		WITH DISTINCT x, failed WHERE NOT x IN failed
		RETURN x.ref AS ref`

	cypherReachIn = `MATCH (f:@Entity {ref: $ref})
		OPTIONAL MATCH (part:@Entity)-[parts:PART_OF*]->(f) WHERE (f:@System OR f:@Domain OR f:@Cluster OR f:@Zone)
			AND all(r IN parts WHERE any(e IN r.environments WHERE e = '*' OR e = $environment))
		WITH f, collect(DISTINCT part) + [f] AS failed
		UNWIND failed AS lost
		MATCH (x:@Entity)-[needs:DEPENDS_ON*]->(lost)
		WHERE all(r IN needs WHERE any(e IN r.environments WHERE e = '*' OR e = $environment))
		WITH DISTINCT x, failed WHERE NOT x IN failed
		RETURN x.ref AS ref`

	cypherSurelyOut = `MATCH (x:@Entity)-[needs:DEPENDS_ON*]->(f:@Entity {ref: $ref})
		WHERE all(r IN needs WHERE r.counts AND r.strength = 'HARD' AND r.anyOf IS NULL)
		WITH DISTINCT x, f WHERE x <> f
		RETURN x.ref AS ref`

	cypherUnowned = `MATCH (e:@Entity) WHERE NOT (e)-[:OWNED_BY]->() AND NOT e:@Group AND NOT e:@User AND NOT e:@Location
		AND NOT e:@Node AND NOT e:@Zone AND NOT e:@Cluster AND (NOT e.found OR e.discovered) RETURN e.ref AS ref`

	cypherUndeclared = `MATCH (a:@Entity)-[r:DEPENDS_ON {observed: true, declared: false, derived: false}]->(b:@Entity)
		RETURN DISTINCT a.ref + ' ' + b.ref AS ref`

	cypherUnseen = `MATCH (a:@Entity)-[r:DEPENDS_ON {observed: false, declared: true, derived: false}]->(b:@Entity)
		RETURN DISTINCT a.ref + ' ' + b.ref AS ref`
)

// testProjectionAnswers asks the same of the database and of the snapshot, on random graphs.
func testProjectionAnswers(t *testing.T, engine ProjectorEngine) {
	seeds(t, 16, func(t *testing.T, seed uint64) {
		p := newProjected(t, engine, 2000+seed)
		for range 1 + p.IntN(3) {
			p.change()
		}
		p.project(nil, p.now)
		refs := []catalog.Ref{}
		for e := range p.now.Entities("") {
			refs = append(refs, e.Ref)
		}
		for _, ref := range refs {
			parameters := map[string]any{"ref": graph.ProjectedID(string(ref))}
			p.equal(seed, ref, "its owner", p.ownerOf(ref), p.column(cypherOwner, parameters))
			p.equal(seed, ref, "what it needs", p.direct(ref, graph.Needs), p.column(cypherNeeds, parameters))
			p.equal(seed, ref, "who needs it", p.direct(ref, graph.NeededBy), p.column(cypherNeededBy, parameters))
			p.equal(seed, ref, "what its failure reaches", p.reach(ref, "", graph.Delayed), p.column(cypherReach, parameters))
			parameters["environment"] = "staging"
			p.equal(seed, ref, "what it reaches in staging", p.reach(ref, "staging", graph.Delayed), p.column(cypherReachIn, parameters))
			out := p.reach(ref, "", graph.Outage)
			for _, sure := range p.column(cypherSurelyOut, parameters) {
				if _, found := slices.BinarySearch(out, sure); !found && !slices.Contains(p.failed(ref), sure) {
					t.Errorf("seed %d: %s is told to be out when %s fails, and is not", seed, sure, ref)
				}
			}
		}
		p.equal(seed, "", "unowned", p.unowned(), p.column(cypherUnowned, nil))
		p.equal(seed, "", "seen and not declared", p.drift(catalog.Observed, catalog.Declared), p.column(cypherUndeclared, nil))
		p.equal(seed, "", "declared and not seen", p.drift(catalog.Declared, catalog.Observed), p.column(cypherUnseen, nil))
	})
}

func (p *projected) equal(seed uint64, ref catalog.Ref, what string, want, got []string) {
	p.Helper()
	if diff := gocmp.Diff(want, got); diff != "" {
		p.Errorf("seed %d: %s: %s (-snapshot +Cypher):\n%s", seed, ref, what, diff)
	}
}

func (p *projected) ownerOf(ref catalog.Ref) []string {
	owners := []string{}
	out, _ := p.now.Relations(ref)
	for edge := range out {
		if edge.Type == catalog.OwnedBy {
			owners = append(owners, string(edge.To))
		}
	}
	return sortedOnce(owners)
}

func (p *projected) direct(ref catalog.Ref, direction graph.Direction) []string {
	deps, err := p.now.Deps(ref, graph.DepsOptions{Direction: direction, Depth: 1})
	if err != nil {
		p.Fatal(err)
	}
	list := []string{}
	for _, reached := range deps.Entities {
		list = append(list, string(reached.Entity.Ref))
	}
	return sortedOnce(list)
}

func (p *projected) blast(ref catalog.Ref, environment string) *graph.Blast {
	blast, err := p.now.BlastRadius([]catalog.Ref{ref}, graph.BlastOptions{Filter: graph.Filter{Environment: environment}})
	if err != nil {
		p.Fatal(err)
	}
	return blast
}

// reach lists what is hit at least so hard.
func (p *projected) reach(ref catalog.Ref, environment string, least graph.Impact) []string {
	list := []string{}
	for _, hit := range p.blast(ref, environment).Page(0, -1) {
		if hit.Impact >= least {
			list = append(list, string(hit.Entity.Ref))
		}
	}
	return sortedOnce(list)
}

// failed lists what fails with an entity.
func (p *projected) failed(ref catalog.Ref) []string {
	list := []string{}
	for _, failed := range p.blast(ref, "").Failed() {
		list = append(list, string(failed.Entity.Ref))
	}
	return list
}

func (p *projected) unowned() []string {
	list := []string{}
	for e := range p.now.Entities("") {
		if e.Owner == "" && e.IsOwnable() {
			list = append(list, string(e.Ref))
		}
	}
	return list
}

// drift lists the stated dependencies for which there is one kind of evidence and not the other.
func (p *projected) drift(has, lacks catalog.EvidenceKind) []string {
	list := []string{}
	for edge := range p.now.Edges() {
		kinds := edge.KindsOfEvidence()
		if edge.Type == catalog.DependsOn && kinds.Has(has) && !kinds.Has(lacks) {
			list = append(list, fmt.Sprint(edge.From, " ", edge.To))
		}
	}
	return sortedOnce(list)
}

func sortedOnce(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}
