package graphtest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/descriptor"
	"github.com/orrery-catalog/orrery/graph"
)

// ProjectorEngine is how the suite gets at stores that write the graph for people.
type ProjectorEngine struct {
	// Open opens a new, empty store. It is closed by t.Cleanup.
	Open func(t testing.TB) graph.Projector
	// Ask asks the database of a store in Cypher, with @ before each label, and gives the rows. Values are those of
	// [graph.Properties], nil, []any or map[string]any.
	Ask func(t testing.TB, store graph.Projector, cypher string, parameters map[string]any) []map[string]any
}

// RunProjector is what every engine that writes the graph for people must do.
func RunProjector(t *testing.T, engine ProjectorEngine) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, engine ProjectorEngine)
	}{
		{"IsTheSnapshot", testProjectionIsTheSnapshot},
		{"HealsWhatWasBrokenOff", testProjectionHeals},
		{"OddNames", testProjectionOfOddNames},
		{"Revisions", testProjectionRevisions},
		{"Fenced", testProjectionFenced},
		{"Answers", testProjectionAnswers},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, engine) })
	}
}

// projected is a store with a catalog that changes at random.
type projected struct {
	*testing.T
	*rand.Rand
	ProjectorEngine
	store  graph.Projector
	merger *catalog.Merger
	ids    map[catalog.DocumentID]bool
	now    *graph.Snapshot
}

func newProjected(t *testing.T, engine ProjectorEngine, seed uint64) *projected {
	return &projected{
		T: t, Rand: rand.New(rand.NewPCG(seed, 7)), ProjectorEngine: engine, store: engine.Open(t),
		merger: catalog.NewMerger(catalog.MergeOptions{}), ids: map[catalog.DocumentID]bool{}, now: graph.Build(graph.Input{}),
	}
}

// change makes the next snapshot: some documents come or change, others go.
func (p *projected) change() {
	documents := p.documents()
	var put []*catalog.Document
	putIDs := map[catalog.DocumentID]bool{}
	for range 1 + p.IntN(len(documents)) {
		if document := documents[p.IntN(len(documents))]; !putIDs[document.ID] {
			putIDs[document.ID] = true
			put = append(put, document)
		}
	}
	var remove []catalog.DocumentID
	share := []int{2, 8, 30}[p.IntN(3)]
	for _, id := range slices.SortedFunc(maps.Keys(p.ids), compareIDs) {
		if p.IntN(share) == 0 && !putIDs[id] {
			remove = append(remove, id)
			delete(p.ids, id)
		}
	}
	maps.Copy(p.ids, putIDs)
	revision := p.now.Revision() + 1
	p.now = p.now.Apply(p.merger.Apply(remove, slices.Values(put)), revision, time.Unix(1_700_000_000+int64(revision), 0), p.sources())
}

// documents of a random catalog, each from one of three sources, some stale, some with aliases, and what was observed
// under such aliases in one environment or another.
func (p *projected) documents() []*catalog.Document {
	var documents []*catalog.Document
	aliases := []catalog.Alias{"otel:a", "otel:shop/b", "host:api.example.com", "db:postgresql:db/x", "otel:c"}
	for i, text := range RandomCatalog(p.Rand) {
		location := fmt.Sprintf("repo/%03d.yaml", i)
		for _, parsed := range descriptor.Parse([]byte(text), descriptor.Options{Location: location}).Documents {
			document := parsed.Document
			if document == nil {
				continue
			}
			document.ID = catalog.DocumentID{
				Source: fmt.Sprintf("source%d", p.IntN(3)), Scope: location, Key: fmt.Sprint(parsed.Ref, "#", parsed.Index),
			}
			document.Stale = p.IntN(9) == 0
			if p.IntN(4) == 0 && len(document.Claims) > 0 {
				alias := aliases[p.IntN(len(aliases))]
				document.Claims[0].Aliases = append(document.Claims[0].Aliases, catalog.AliasClaim{Alias: alias})
			}
			documents = append(documents, document)
		}
	}
	for i, alias := range aliases {
		documents = append(documents, &catalog.Document{
			ID:          catalog.DocumentID{Source: "live", Scope: "traces", Key: string(alias)},
			Environment: []string{"", "staging", "production"}[p.IntN(3)],
			Claims: []catalog.Claim{{Subject: catalog.Subject{Alias: alias}, Edges: []catalog.EdgeClaim{{
				Target: catalog.Subject{Alias: aliases[(i+1+p.IntN(4))%len(aliases)]}, Type: catalog.DependsOn, Evidence: catalog.Observed,
			}}}},
		})
	}
	return append(documents, RandomCluster(p.Rand)...)
}

func (p *projected) sources() []graph.Source {
	var sources []graph.Source
	for i := range p.IntN(4) {
		sources = append(sources, graph.Source{
			ID: fmt.Sprintf("source%d", i), Kind: "files", State: graph.SourceOK, Documents: p.IntN(3),
			LastGood: time.Unix(1_700_000_000, 123_000), Duration: 1500 * time.Millisecond,
		})
	}
	return sources
}

func (p *projected) project(from, to *graph.Snapshot) {
	p.Helper()
	if err := p.store.Project(p.Context(), "", 0, from, to); err != nil {
		p.Fatalf("project revision %d: %v", to.Revision(), err)
	}
}

func (p *projected) ask(cypher string, parameters map[string]any) []map[string]any {
	p.Helper()
	return p.Ask(p, p.store, cypher, parameters)
}

// column reads one column of texts, sorted.
func (p *projected) column(cypher string, parameters map[string]any) []string {
	p.Helper()
	list := []string{}
	for _, row := range p.ask(cypher, parameters) {
		list = append(list, row["ref"].(string))
	}
	slices.Sort(list)
	return list
}

// check compares all that was written with the snapshot.
func (p *projected) check(s *graph.Snapshot) {
	p.Helper()
	for _, part := range []struct {
		name      string
		want, got map[string]any
	}{
		{"nodes", wantedNodes(s), p.nodes()},
		{"relations", wantedRelations(s), p.relations()},
		{"sources", wantedSources(s), p.sourceNodes()},
	} {
		if diff := gocmp.Diff(part.want, part.got); diff != "" {
			p.Fatalf("revision %d: %s (-snapshot +written):\n%s", s.Revision(), part.name, diff)
		}
	}
	row := p.ask("MATCH (s:@Store) RETURN s.projected AS revision, s.projectedTime AS time, s.projecting AS underWay", nil)[0]
	want := map[string]any{"revision": int64(s.Revision()), "time": nil, "underWay": nil}
	if !s.Time().IsZero() {
		want["time"] = s.Time().UTC()
	}
	if diff := gocmp.Diff(want, row); diff != "" {
		p.Fatalf("revision %d: the store node (-want +got):\n%s", s.Revision(), diff)
	}
}

func wantedNodes(s *graph.Snapshot) map[string]any {
	nodes := map[string]any{}
	for e := range s.Entities("") {
		written := s.Projection(e.Ref)
		properties := map[string]any(maps.Clone(written.Properties))
		properties["hash"] = written.Hash
		nodes[written.ID+" :"+written.Kind] = properties
		for i := range written.Relations {
			for _, end := range []graph.ProjectedEnd{written.Relations[i].From, written.Relations[i].To} {
				if end.Publishers {
					nodes[nameOfEnd(end.ID, true)] = map[string]any{"topic": end.ID}
				}
			}
		}
	}
	return nodes
}

func nameOfEnd(id string, publishers bool) string {
	if publishers {
		return "publishers of " + id
	}
	return id
}

func wantedRelations(s *graph.Snapshot) map[string]any {
	relations := map[string]any{}
	for e := range s.Entities("") {
		for _, r := range s.Projection(e.Ref).Relations {
			properties := map[string]any(maps.Clone(r.Properties))
			properties["key"] = r.Key
			name := fmt.Sprintf("%s -%s %s-> %s", nameOfEnd(r.From.ID, r.From.Publishers), r.Type, r.Key, nameOfEnd(r.To.ID, r.To.Publishers))
			relations[name] = properties
		}
	}
	return relations
}

func wantedSources(s *graph.Snapshot) map[string]any {
	sources := map[string]any{}
	for i := range s.Sources() {
		sources[s.Sources()[i].ID] = map[string]any(graph.SourceProperties(&s.Sources()[i]))
	}
	return sources
}

func (p *projected) nodes() map[string]any {
	nodes := map[string]any{}
	for _, row := range p.ask("MATCH (e:@Entity) RETURN e.ref AS ref, labels(e) AS labels, size('@') AS cut, properties(e) AS properties", nil) {
		label := "no second label"
		for _, found := range row["labels"].([]any) {
			if name := found.(string)[row["cut"].(int64):]; name != "Entity" {
				label = name
			}
		}
		nodes[row["ref"].(string)+" :"+label] = row["properties"]
	}
	for _, row := range p.ask("MATCH (h:@Publishers) RETURN h.topic AS topic, properties(h) AS properties", nil) {
		nodes[nameOfEnd(row["topic"].(string), true)] = row["properties"]
	}
	return nodes
}

func (p *projected) relations() map[string]any {
	relations := map[string]any{}
	rows := p.ask(`MATCH (a)-[r]->(b) WHERE a:@Entity OR a:@Publishers RETURN coalesce(a.ref, a.topic) AS from, a:@Publishers AS fromAll,
		type(r) AS type, r.key AS key, properties(r) AS properties, coalesce(b.ref, b.topic) AS to, b:@Publishers AS toAll`, nil)
	for _, row := range rows {
		name := fmt.Sprintf("%s -%s %s-> %s", nameOfEnd(row["from"].(string), row["fromAll"].(bool)), row["type"], row["key"],
			nameOfEnd(row["to"].(string), row["toAll"].(bool)))
		if relations[name] != nil {
			p.Fatalf("%s was written twice", name)
		}
		relations[name] = row["properties"]
	}
	return relations
}

func (p *projected) sourceNodes() map[string]any {
	sources := map[string]any{}
	for _, row := range p.ask("MATCH (s:@Source) RETURN s.id AS id, properties(s) AS properties", nil) {
		sources[row["id"].(string)] = row["properties"]
	}
	return sources
}

// testProjectionIsTheSnapshot follows random changes, some at once, and some from nothing.
func testProjectionIsTheSnapshot(t *testing.T, engine ProjectorEngine) {
	seeds(t, 12, func(t *testing.T, seed uint64) {
		p := newProjected(t, engine, seed)
		var last *graph.Snapshot
		for range 8 {
			for range 1 + p.IntN(2) {
				p.change()
			}
			if p.IntN(6) == 0 {
				last = nil
			}
			p.project(last, p.now)
			p.check(p.now)
			last = p.now
		}
	})
}

// testProjectionHeals breaks projections off at any moment, lets another process write in between, and forgets what was
// written last.
func testProjectionHeals(t *testing.T, engine ProjectorEngine) {
	seeds(t, 10, func(t *testing.T, seed uint64) {
		p := newProjected(t, engine, 1000+seed)
		took := 50 * time.Millisecond
		last := p.now
		for range 8 {
			before := p.now
			p.change()
			if p.IntN(4) > 0 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(p.Int64N(int64(took)+1)))
				err := p.store.Project(ctx, "", 0, last, p.now)
				cancel()
				if err != nil && !errors.Is(err, context.DeadlineExceeded) {
					t.Fatalf("broken off: %v", err)
				}
			}
			switch p.IntN(4) {
			case 0: // go on with what failed, from what was there before, or believing that it had not
				p.project(before, p.now)
			case 1:
				p.project(nil, p.now)
			case 2: // something later, that knows nothing of the attempt
				p.change()
				p.project(last, p.now)
			case 3: // others have written what was broken off
				p.project(last, p.now)
				p.change()
				p.project(last, p.now)
			}
			start := time.Now()
			p.check(p.now)
			took = max(10*time.Millisecond, min(time.Since(start), 200*time.Millisecond))
			last = p.now
		}
	})
}

// testProjectionOfOddNames writes what no person would name anything.
func testProjectionOfOddNames(t *testing.T, engine ProjectorEngine) {
	p := newProjected(t, engine, 1)
	long := make([]byte, 20_000)
	for i := range long {
		long[i] = 'x'
	}
	names := []string{
		"plain", "`) DETACH DELETE n //", "nul\x00byte", "in\xffvalid", "in\xfevalid", string(long), string(long) + "y",
		"ünïcode", "\U0001F980", "'quote\"", "a b", "@Entity",
	}
	kinds := []string{"component", "store", "entity", "claim", "data-product", "1st", "`x`", "ключ", "publishers", "topic"}
	var documents []*catalog.Document
	for i, name := range names {
		ref := catalog.NewRef(kinds[i%len(kinds)], "", name)
		next := catalog.NewRef(kinds[(i+1)%len(kinds)], "", names[(i+1)%len(names)])
		documents = append(documents, &catalog.Document{
			ID: catalog.DocumentID{Source: "odd", Scope: "s", Key: name}, Location: "in\xffvalid",
			Claims: []catalog.Claim{{
				Subject: catalog.Subject{Ref: ref},
				Descriptor: &catalog.Descriptor{
					Ref: ref, Kind: kinds[i%len(kinds)], Namespace: "default", Name: name, Description: string(long) + "\xff", Owner: next,
					Tags: slices.Repeat([]string{name}, 300),
				},
				Edges: []catalog.EdgeClaim{
					{Target: catalog.Subject{Ref: next}, Type: catalog.DependsOn, Evidence: catalog.Declared, Role: catalog.PublishAndConsume},
					{Target: catalog.Subject{Ref: next}, Type: catalog.OwnedBy, Evidence: catalog.Declared},
				},
			}},
		})
	}
	p.now = p.now.Apply(p.merger.Apply(nil, slices.Values(documents)), 1, time.Unix(1, 0), nil)
	p.project(nil, p.now)
	p.check(p.now)
	if p.now.Len() < len(names) {
		t.Fatalf("%d entities, want %d", p.now.Len(), len(names))
	}
	before := p.now
	p.now = p.now.Apply(p.merger.Apply([]catalog.DocumentID{documents[3].ID, documents[5].ID}, slices.Values(documents[:0])), 2, time.Unix(2, 0), nil)
	p.project(before, p.now)
	p.check(p.now)
	p.now = p.now.Apply(nil, 3, time.Unix(3, 0), nil)
	p.project(nil, p.now)
	p.check(p.now)
}

// testProjectionRevisions does not go back, and heals what it is asked to.
func testProjectionRevisions(t *testing.T, engine ProjectorEngine) {
	p := newProjected(t, engine, 2)
	p.change()
	first := p.now
	p.change()
	p.project(nil, p.now)
	for _, from := range []*graph.Snapshot{nil, first} {
		p.project(from, first)
		p.check(p.now)
	}
	p.ask("MATCH (e:@Entity) WITH e ORDER BY e.ref LIMIT 1 SET e.title = 'wrong', e.hash = 'wrong'", nil)
	p.project(first, p.now)
	if written := p.column("MATCH (e:@Entity {title: 'wrong'}) RETURN e.ref AS ref", nil); len(written) != 1 {
		t.Errorf("a graph that is there was compared: %q", written)
	}
	// Somebody had a hand in it, and has it all written anew.
	p.ask("MATCH (:@Entity)-[r]->() WITH r LIMIT 3 DELETE r", nil)
	p.ask("MATCH (e:@Entity) REMOVE e.hash", nil)
	p.project(nil, p.now)
	p.check(p.now)
}

// testProjectionFenced refuses who has lost the lease.
func testProjectionFenced(t *testing.T, engine ProjectorEngine) {
	p := newProjected(t, engine, 3)
	old, err := p.store.Lease(t.Context(), "projector", "one", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	p.change()
	if err := p.store.Project(t.Context(), "projector", old, nil, p.now); err != nil {
		t.Fatal(err)
	}
	first := p.now
	if _, err := p.store.Lease(t.Context(), "projector", "one", 0); err != nil {
		t.Fatal(err)
	}
	token, err := p.store.Lease(t.Context(), "projector", "two", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	p.change()
	for _, from := range []*graph.Snapshot{nil, first} {
		if err := p.store.Project(t.Context(), "projector", old, from, p.now); !errors.Is(err, graph.ErrFenced) {
			t.Errorf("without the lease: %v, want ErrFenced", err)
		}
	}
	p.check(first)
	if err := p.store.Project(t.Context(), "projector", token, first, p.now); err != nil {
		t.Fatal(err)
	}
	p.check(p.now)
}

// seeds makes random runs, each a test of its own.
func seeds(t *testing.T, runs int, run func(*testing.T, uint64)) {
	if testing.Short() {
		runs = max(1, runs/4)
	}
	for seed := range uint64(runs) {
		if !t.Failed() {
			t.Run(fmt.Sprint("Seed", seed), func(t *testing.T) { run(t, seed) })
		}
	}
}
