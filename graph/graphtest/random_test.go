package graphtest_test

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/descriptor"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/graphtest"
	"github.com/orrery-catalog/orrery/graph/graphtest/oracle"
)

// TestRandomCatalogs asks random questions of random catalogs, and of the oracle.
func TestRandomCatalogs(t *testing.T) {
	catalogs := 10_000
	if testing.Short() {
		catalogs = 500
	}
	const parts = 8
	for part := range parts {
		t.Run(fmt.Sprint(part), func(t *testing.T) {
			t.Parallel()
			for seed := part; seed < catalogs && !t.Failed(); seed += parts {
				checkRandomCatalog(t, uint64(seed))
			}
		})
	}
}

func checkRandomCatalog(t *testing.T, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 0))
	files := graphtest.RandomCatalog(random)
	documents := parse(t, files)
	truth, err := oracle.Read(files...)
	if err != nil {
		t.Fatal(err)
	}
	numbers := &graphtest.Traffic{}
	if seed%3 == 1 { // what declared paths may cover
		documents = append(documents, see(random, truth, numbers)...)
	}
	model := catalog.Merge(slices.Values(documents), catalog.MergeOptions{})
	if seed%3 == 0 { // what only live sources see: workloads, traffic, environments
		addLive(random, model, truth, numbers)
	}
	snapshot := graph.Build(graph.Input{Model: model}).WithTraffic(numbers)
	w := &world{T: t, Rand: random, snapshot: snapshot, truth: truth, refs: slices.Sorted(maps.Keys(truth.Entities))}
	w.checkEntities()
	for range 3 {
		w.checkBlast()
	}
	w.checkWalks()
	if t.Failed() {
		t.Logf("seed %d, catalog:\n%s\nrelations:\n%+v", seed, strings.Join(files, "\n=== next file\n"), truth.Relations)
	}
}

func parse(t *testing.T, files []string) []*catalog.Document {
	var documents []*catalog.Document
	for i, text := range files {
		location := fmt.Sprintf("repo/%03d.yaml", i)
		for _, parsed := range descriptor.Parse([]byte(text), descriptor.Options{Location: location}).Documents {
			if parsed.Document == nil {
				t.Fatalf("a document that should be valid is refused: %v\n%s", parsed.Problems, text)
			}
			parsed.Document.ID = catalog.DocumentID{Source: "repos", Scope: location, Key: fmt.Sprint(parsed.Ref, "#", parsed.Index)}
			parsed.Document.Priority = catalog.DefaultPriorityFiles
			documents = append(documents, parsed.Document)
		}
	}
	return documents
}

// addLive adds relations that no catalog file states, to both sides: to the merged model and to the oracle's.
func addLive(random *rand.Rand, model *catalog.Model, truth *oracle.Catalog, numbers *graphtest.Traffic) {
	declared := slices.Sorted(maps.Keys(truth.Entities))
	workloads := []string{
		"workload:default/eu.deployment.w0", "workload:default/eu.west.statefulset.w1.job.x", "workload:shop/eu.cronjob.w2",
		"workload:shop/eu.job.w3",
	}
	machines := []string{"node:default/eu.n0", "node:default/eu.n1"}
	places := []string{"zone:default/z0", "cluster:default/eu"}
	pick := func(from []string) string { return from[random.IntN(len(from))] }
	for range random.IntN(25) {
		r := oracle.Relation{Environment: pick([]string{"", "production", "production", "staging"})}
		switch random.IntN(7) {
		case 0:
			r.Type, r.From, r.To = "runsOn", pick(declared), pick(workloads)
		case 1:
			r.Type, r.From, r.To = "runsOn", pick(workloads), pick(machines)
		case 2:
			r.Type, r.From, r.To = "runsOn", pick(machines), pick(places)
		case 3:
			r.Type, r.From, r.To = "partOf", pick(machines), pick(places)
		case 4:
			r.Type, r.From, r.To = "providesApi", pick(declared), pick(declared)
		default:
			r.Type, r.From, r.To = pick([]string{"dependsOn", "consumesApi"}), pick(declared), pick(append(declared, workloads...))
			r.Strength = pick([]string{"HARD", "SOFT", "ASYNC"})
			r.AnyOf = pick([]string{"", "", "g0"})
			r.Role = pick([]string{"", "", "PUBLISH", "CONSUME", "PUBLISH_AND_CONSUME"})
		}
		kinds := []string{"OBSERVED", "INFERRED", "DECLARED"}
		for range 1 + random.IntN(2) {
			e := oracle.Evidence{
				Kind: pick(kinds), Stale: random.IntN(3) == 0, Environment: r.Environment, Together: randomTogether(random),
			}
			if r.Environment == "" {
				e.Environment = pick([]string{"", "production", "staging"})
			}
			r.Evidence = append(r.Evidence, e)
		}
		if isKnown(model, r) {
			continue
		}
		truth.Add(r)
		model.Edges = append(model.Edges, edgeOf(r, numbers))
	}
	for _, ref := range slices.Sorted(maps.Keys(truth.Entities)) {
		if !slices.ContainsFunc(model.Entities, func(e *catalog.Entity) bool { return e.Ref == catalog.Ref(ref) }) {
			model.Entities = append(model.Entities, &catalog.Entity{
				Descriptor: catalog.Descriptor{Ref: catalog.Ref(ref)}, Placeholder: true,
			})
		}
	}
	slices.SortFunc(model.Entities, func(a, b *catalog.Entity) int { return cmp.Compare(a.Ref, b.Ref) })
	slices.SortFunc(model.Edges, func(a, b catalog.Edge) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(a.Type, b.Type),
			cmp.Compare(a.Environment, b.Environment))
	})
}

func isKnown(model *catalog.Model, r oracle.Relation) bool {
	return slices.ContainsFunc(model.Edges, func(e catalog.Edge) bool {
		return string(e.From) == r.From && string(e.To) == r.To && e.Type.String() == r.Type && e.Environment == r.Environment
	})
}

// edgeOf is the merged edge of a relation.
func edgeOf(r oracle.Relation, numbers *graphtest.Traffic) catalog.Edge {
	edge := catalog.Edge{From: catalog.Ref(r.From), To: catalog.Ref(r.To), AnyOf: r.AnyOf, Environment: r.Environment}
	must(edge.Type.UnmarshalText([]byte(r.Type)))
	must(edge.Strength.UnmarshalText([]byte(r.Strength)))
	must(edge.Role.UnmarshalText([]byte(r.Role)))
	for _, e := range r.Evidence {
		origin := &catalog.Origin{Source: "live", Location: "live", Environment: e.Environment}
		evidence := catalog.Evidence{Stale: e.Stale, Origin: origin, Flow: flowOf(numbers, "live", e.Together)}
		must(evidence.Kind.UnmarshalText([]byte(e.Kind)))
		edge.Evidence = append(edge.Evidence, evidence)
	}
	return edge
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// world is one random catalog, as the code under test and as the oracle see it.
type world struct {
	*testing.T
	*rand.Rand
	snapshot *graph.Snapshot
	truth    *oracle.Catalog
	refs     []string
}

func (w *world) equal(what string, want, got any) {
	w.Helper()
	if diff := gocmp.Diff(want, got); diff != "" {
		w.Errorf("%s (-oracle +graph):\n%s", what, diff)
	}
}

func (w *world) ref() string { return w.refs[w.IntN(len(w.refs))] }

func (w *world) checkEntities() {
	got := []string{}
	for entity := range w.snapshot.Entities("") {
		got = append(got, string(entity.Ref))
	}
	w.equal("entities", w.refs, got)
}

// question draws the same question in the words of both sides.
func (w *world) question() (oracle.Question, graph.Filter) {
	var q oracle.Question
	var f graph.Filter
	if w.IntN(3) == 0 {
		for _, kind := range []catalog.EvidenceKind{catalog.Declared, catalog.Observed, catalog.Inferred} {
			if w.IntN(2) == 0 {
				q.Evidence = append(q.Evidence, kind.String())
				f.Evidence |= catalog.EvidenceSet(kind)
			}
		}
	}
	q.IncludeStale = w.IntN(3) == 0
	q.Environment = []string{"", "", "production", "staging", "nowhere"}[w.IntN(5)]
	q.Behaves = w.IntN(3) == 0
	f.IncludeStale, f.Environment, f.Behaves = q.IncludeStale, q.Environment, q.Behaves
	if w.IntN(3) != 0 {
		return q, f
	}
	for range w.IntN(4) {
		a := oracle.Assumed{From: w.end(), To: w.end()}
		a.Strength = []string{"", "HARD", "SOFT", "ASYNC"}[w.IntN(4)]
		a.AnyOf = []string{"", "g0", "parts"}[w.IntN(3)]
		edge := graph.WhatIfEdge{From: catalog.Ref(a.From), To: catalog.Ref(a.To), AnyOf: a.AnyOf}
		must(edge.Strength.UnmarshalText([]byte(a.Strength)))
		q.Add, f.Add = append(q.Add, a), append(f.Add, edge)
	}
	for range w.IntN(4) {
		pair := [2]string{w.ref(), w.ref()}
		if shown, _ := w.truth.Deps(oracle.Question{}, pair[0], false, 1); len(shown) > 0 {
			pair[1] = shown[w.IntN(len(shown))].To // a need that is there, also one that follows from relations
		}
		q.Remove = append(q.Remove, pair)
		f.Remove = append(f.Remove, graph.WhatIfPair{From: catalog.Ref(pair[0]), To: catalog.Ref(pair[1])})
	}
	return q, f
}

// end of an assumed need: mostly a known entity.
func (w *world) end() string {
	if w.IntN(5) == 0 {
		return []string{"component:default/assumed", "api:default/zz", "system:shop/a"}[w.IntN(3)]
	}
	return w.ref()
}

func (w *world) checkBlast() {
	q, f := w.question()
	q.MaxDistance = max(0, w.IntN(6)-2)
	var failed []catalog.Ref
	for range 1 + w.IntN(3) {
		ref := w.ref()
		q.Failed = append(q.Failed, ref)
		failed = append(failed, catalog.Ref(ref))
	}
	want := w.truth.Blast(q)
	blast, err := w.snapshot.BlastRadius(failed, graph.BlastOptions{Filter: f, MaxDistance: q.MaxDistance})
	if err != nil {
		w.Fatal(err)
	}
	got := oracle.Answer{PartOf: map[string]string{}, Totals: map[string]int{}}
	for _, failed := range blast.Failed() {
		got.Failed = append(got.Failed, string(failed.Entity.Ref))
		if failed.PartOf != "" {
			got.PartOf[string(failed.Entity.Ref)] = string(failed.PartOf)
		}
	}
	page := blast.Page(0, -1)
	for _, hit := range page {
		got.Impacted = append(got.Impacted, hitOf(hit))
	}
	for impact, count := range blast.Totals() {
		got.Totals[impact.String()] = count
	}
	w.equal(fmt.Sprintf("%+v", q), want, got)
	if w.Failed() {
		return
	}
	w.checkPages(blast, page, q.MaxDistance > 0)
	w.checkGroups(blast, want)
}

func hitOf(hit graph.Impacted) oracle.Hit {
	h := oracle.Hit{Ref: string(hit.Entity.Ref), Impact: hit.Impact.String(), Distance: hit.Distance}
	for _, need := range hit.Path {
		h.Path = append(h.Path, string(need.From))
	}
	if len(hit.Path) > 0 {
		h.Path = append(h.Path, string(hit.Path[len(hit.Path)-1].To))
	}
	return h
}

// checkPages says that any page is that part of the whole answer, and that paths hang together.
func (w *world) checkPages(blast *graph.Blast, whole []graph.Impacted, cut bool) {
	offset, limit := w.IntN(len(whole)+2), w.IntN(len(whole)+2)
	page := blast.Page(offset, limit)
	want := whole[min(offset, len(whole)):min(offset+limit, len(whole))]
	if !slices.EqualFunc(want, page, func(a, b graph.Impacted) bool { return gocmp.Equal(hitOf(a), hitOf(b)) }) {
		w.Errorf("the page from %d of %d is no part of the whole", offset, limit)
	}
	for _, hit := range whole {
		for i, need := range hit.Path {
			if i > 0 && hit.Path[i-1].To != need.From {
				w.Errorf("the path of %s is broken at %s", hit.Entity.Ref, need.From)
			}
			if need.Via == "" && need.Edge == nil || need.Via != "" && (need.Edge == nil || need.Producer == nil) {
				w.Errorf("the path of %s shows no relation from %s to %s", hit.Entity.Ref, need.From, need.To)
			}
		}
		for _, ref := range hit.Alternatives {
			if !cut && blast.ImpactOn(ref) != graph.Outage || hit.Impact != graph.Outage {
				w.Errorf("%s is an alternative of %s and has no outage", ref, hit.Entity.Ref)
			}
		}
	}
}

// checkGroups says that what the answer groups adds up.
func (w *world) checkGroups(blast *graph.Blast, want oracle.Answer) {
	impacts := map[string]string{}
	var journeys, systems []string
	for _, hit := range want.Impacted {
		impacts[hit.Ref] = hit.Impact
		if strings.HasPrefix(hit.Ref, "journey:") {
			journeys = append(journeys, hit.Ref+" "+hit.Impact)
		}
		if strings.HasPrefix(hit.Ref, "system:") {
			systems = append(systems, hit.Ref+" "+hit.Impact)
		}
	}
	for _, failed := range want.Failed {
		impacts[failed] = "OUTAGE"
	}
	for _, ref := range w.refs {
		if got := blast.ImpactOn(catalog.Ref(ref)).String(); got != cmp.Or(impacts[ref], "NONE") {
			w.Errorf("the impact on %s is %s, want %s", ref, got, impacts[ref])
		}
	}
	told := func(hits []graph.Hit) (told []string) {
		for _, hit := range hits {
			told = append(told, fmt.Sprint(hit.Entity.Ref, " ", hit.Impact))
		}
		return told
	}
	byImpact := func(a, b string) int {
		rank := func(s string) int {
			return slices.Index([]string{"OUTAGE", "DEGRADED", "DELAYED"}, s[strings.Index(s, " ")+1:])
		}
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b))
	}
	slices.SortFunc(journeys, byImpact)
	slices.SortFunc(systems, byImpact)
	w.equal("journeys", journeys, told(blast.Journeys()))
	w.equal("systems", systems, told(blast.Systems()))
	inTeams, inTiers := 0, 0
	for _, team := range blast.Teams() {
		inTeams += team.Impacted
	}
	for _, tier := range blast.Tiers() {
		for _, count := range tier {
			inTiers += count
		}
	}
	for _, hit := range blast.Page(0, -1) {
		if owned, err := w.snapshot.Ownership(hit.Entity.Ref); err == nil && owned.Owner == nil && !hit.Entity.IsOwnable() {
			inTeams++ // nobody is expected to own it
		}
	}
	w.equal("impacted in teams", blast.Len(), inTeams)
	w.equal("impacted in tiers", blast.Len(), inTiers)
}

// checkWalks compares deps, path and cycles.
func (w *world) checkWalks() {
	q, f := w.question()
	start, depth := w.ref(), w.IntN(4)
	for direction, neededBy := range []bool{false, true} {
		wantEdges, wantDistances := w.truth.Deps(q, start, neededBy, depth)
		deps, err := w.snapshot.Deps(catalog.Ref(start), graph.DepsOptions{
			Filter: f, Direction: graph.Direction(direction), Depth: depth,
		})
		if err != nil {
			w.Fatal(err)
		}
		edges, distances := told(deps)
		w.equal(fmt.Sprintf("deps of %s, direction %d, depth %d, %+v", start, direction, depth, q), wantEdges, edges)
		w.equal(fmt.Sprintf("distances from %s, direction %d, depth %d, %+v", start, direction, depth, q), wantDistances, distances)
	}
	end := w.ref()
	path, err := w.snapshot.Path(catalog.Ref(start), catalog.Ref(end), f)
	if err != nil {
		w.Fatal(err)
	}
	var refs []string
	for _, need := range path {
		refs = append(refs, string(need.From))
	}
	if path != nil {
		refs = append(refs, end)
	}
	w.equal(fmt.Sprintf("path from %s to %s, %+v", start, end, q), w.truth.Path(q, start, end), refs)
	var cycles [][]string
	for _, cycle := range w.snapshot.Cycles() {
		var refs []string
		for _, ref := range cycle {
			refs = append(refs, string(ref))
		}
		cycles = append(cycles, refs)
	}
	w.equal("cycles", w.truth.Cycles(), cycles)
}

// told tells deps in the words of the oracle. Relations of several types between two entities are one edge there.
func told(deps *graph.Deps) (edges []oracle.Edge, distances map[string]int) {
	for _, need := range deps.Edges {
		edges = append(edges, oracle.Edge{
			From: string(need.From), To: string(need.To), Strength: need.Strength.String(), AnyOf: need.AnyOf, Via: string(need.Via),
		})
	}
	slices.SortStableFunc(edges, func(a, b oracle.Edge) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(a.AnyOf, b.AnyOf),
			cmp.Compare(a.Via, b.Via), cmp.Compare(a.Strength, b.Strength))
	})
	distances = map[string]int{}
	for _, reached := range deps.Entities {
		distances[string(reached.Entity.Ref)] = reached.Distance
	}
	return slices.Compact(edges), distances
}
