package graphtest_test

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/graphtest"
	"github.com/orrery-catalog/orrery/graph/graphtest/oracle"
)

// TestApplyIsBuild changes random catalogs step by step, files and what live sources see. After each step the snapshot
// must answer as one built from scratch, and as the oracle; and earlier ones as they did before.
func TestApplyIsBuild(t *testing.T) {
	runs := 600
	if testing.Short() {
		runs = 60
	}
	const parts = 4
	for part := range parts {
		t.Run(fmt.Sprint(part), func(t *testing.T) {
			t.Parallel()
			for seed := part; seed < runs && !t.Failed(); seed += parts {
				followCatalog(t, uint64(seed))
			}
		})
	}
}

func followCatalog(t *testing.T, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 1))
	var files []string
	model := &catalog.Model{}
	snapshot := graph.Build(graph.Input{Model: model})
	type kept struct {
		snapshot *graph.Snapshot
		answers  []string
	}
	var past []kept
	for step := range 8 {
		files = changeFiles(random, files)
		next := catalog.Merge(slices.Values(parse(t, files)), catalog.MergeOptions{})
		truth, err := oracle.Read(files...)
		if err != nil {
			t.Fatal(err)
		}
		numbers := &graphtest.Traffic{}
		if seed%3 != 0 && len(truth.Entities) > 0 {
			live := uint64(step)
			if seed%3 == 1 {
				live = 0 // much the same in each step
			}
			addLive(rand.New(rand.NewPCG(seed, live)), next, truth, numbers)
		}
		snapshot = snapshot.Apply(differenceOf(model, next), graph.Revision(step), time.Unix(int64(step), 0), nil).WithTraffic(numbers)
		model = next

		answers := answersOf(snapshot, seed)
		fresh := graph.Build(graph.Input{Model: model, Revision: graph.Revision(step), Time: time.Unix(int64(step), 0)}).WithTraffic(numbers)
		if diff := gocmp.Diff(answersOf(fresh, seed), answers); diff != "" {
			t.Fatalf("seed %d, step %d (-built +applied):\n%s", seed, step, diff)
		}
		past = append(past, kept{snapshot, answers})
		w := &world{T: t, Rand: random, snapshot: snapshot, truth: truth, refs: slices.Sorted(maps.Keys(truth.Entities))}
		if len(w.refs) > 0 {
			w.checkEntities()
			w.checkBlast()
			w.checkWalks()
		}
		if t.Failed() {
			t.Fatalf("seed %d, step %d", seed, step)
		}
	}
	for step, old := range past {
		if diff := gocmp.Diff(old.answers, answersOf(old.snapshot, seed)); diff != "" {
			t.Fatalf("seed %d: the snapshot of step %d is another one now (-then +now):\n%s", seed, step, diff)
		}
	}
}

// changeFiles replaces some files, of a document each, by those of another random catalog. A file that is gone leaves its
// place, so that the others keep their names.
func changeFiles(random *rand.Rand, files []string) []string {
	made := strings.Split(strings.Join(graphtest.RandomCatalog(random), "---\n"), "---\n")
	switch random.IntN(8) {
	case 0:
		return nil
	case 1:
		return made
	}
	changed := slices.Clone(files)
	for range 1 + random.IntN(4) {
		switch i := random.IntN(len(changed) + 1); {
		case i == len(changed) || len(changed) < 5:
			changed = append(changed, made...)
		case random.IntN(3) == 0:
			changed[i] = ""
		default:
			changed[i] = made[random.IntN(len(made))]
		}
	}
	return changed[:min(len(changed), 60)]
}

// TestApplyMerged follows a Merger through random changes from several sources.
func TestApplyMerged(t *testing.T) {
	runs := 300
	if testing.Short() {
		runs = 40
	}
	for seed := range runs {
		random := rand.New(rand.NewPCG(uint64(seed), 2))
		merger := catalog.NewMerger(catalog.MergeOptions{})
		snapshot := graph.Build(graph.Input{})
		ids := map[catalog.DocumentID]bool{}
		for step := range 10 {
			documents := randomDocuments(t, random)
			var put []*catalog.Document
			for range random.IntN(1 + len(documents)) {
				put = append(put, documents[random.IntN(len(documents))])
			}
			var remove []catalog.DocumentID
			for _, id := range slices.SortedFunc(maps.Keys(ids), compareIDs) {
				if random.IntN(8) == 0 {
					remove = append(remove, id)
				}
			}
			for _, id := range remove {
				delete(ids, id)
			}
			for _, document := range put {
				ids[document.ID] = true
			}
			snapshot = snapshot.Apply(merger.Apply(remove, slices.Values(put)), graph.Revision(step), time.Time{}, nil)
			fresh := graph.Build(graph.Input{Model: merger.Model(), Revision: graph.Revision(step)})
			if diff := gocmp.Diff(answersOf(fresh, uint64(seed)), answersOf(snapshot, uint64(seed))); diff != "" {
				t.Fatalf("seed %d, step %d (-built +applied):\n%s", seed, step, diff)
			}
		}
	}
}

func compareIDs(a, b catalog.DocumentID) int {
	return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Scope, b.Scope), cmp.Compare(a.Key, b.Key))
}

// randomDocuments are the documents of a random catalog, each from one of three sources, some with aliases, what was
// observed under such aliases, and what clusters say.
func randomDocuments(t *testing.T, random *rand.Rand) []*catalog.Document {
	documents := parse(t, graphtest.RandomCatalog(random))
	aliases := []catalog.Alias{"otel:a", "otel:shop/b", "host:api.example.com", "db:postgresql:db/x", "otel:c"}
	for _, document := range documents {
		document.ID.Source = fmt.Sprintf("source%d", random.IntN(3))
		document.Stale = random.IntN(9) == 0
		if random.IntN(4) == 0 {
			alias := aliases[random.IntN(len(aliases))]
			document.Claims[0].Aliases = append(document.Claims[0].Aliases, catalog.AliasClaim{Alias: alias})
		}
	}
	for i, alias := range aliases {
		if random.IntN(2) == 0 {
			continue
		}
		documents = append(documents, &catalog.Document{
			ID: catalog.DocumentID{Source: "live", Scope: "traces", Key: string(alias)}, Environment: []string{"", "staging"}[random.IntN(2)],
			Claims: []catalog.Claim{{Subject: catalog.Subject{Alias: alias}, Edges: []catalog.EdgeClaim{{
				Target: catalog.Subject{Alias: aliases[(i+1+random.IntN(4))%len(aliases)]}, Type: catalog.DependsOn, Evidence: catalog.Observed,
			}}}},
		})
	}
	return append(documents, graphtest.RandomCluster(random)...)
}

// differenceOf finds out by comparing everything.
func differenceOf(old, now *catalog.Model) *catalog.ModelChange {
	change := &catalog.ModelChange{}
	entities := func(m *catalog.Model) map[catalog.Ref]*catalog.Entity {
		all := map[catalog.Ref]*catalog.Entity{}
		for _, e := range m.Entities {
			all[e.Ref] = e
		}
		return all
	}
	was, is := entities(old), entities(now)
	for _, ref := range keysOf(was, is) {
		if !reflect.DeepEqual(was[ref], is[ref]) {
			change.Entities = append(change.Entities, catalog.EntityChange{Ref: ref, Entity: is[ref]})
		}
	}
	rows := func(m *catalog.Model) map[catalog.Ref][]catalog.Edge {
		all := map[catalog.Ref][]catalog.Edge{}
		for _, e := range m.Edges {
			all[e.From] = append(all[e.From], e)
		}
		return all
	}
	wasRows, isRows := rows(old), rows(now)
	for _, ref := range keysOf(wasRows, isRows) {
		if !reflect.DeepEqual(wasRows[ref], isRows[ref]) {
			change.Edges = append(change.Edges, catalog.EdgesChange{From: ref, Edges: isRows[ref]})
		}
	}
	without := func(all, others []catalog.Problem) []catalog.Problem {
		return slices.DeleteFunc(slices.Clone(all), func(p catalog.Problem) bool { return slices.Contains(others, p) })
	}
	change.Problems, change.Mended = without(now.Problems, old.Problems), without(old.Problems, now.Problems)
	return change
}

func keysOf[V any](a, b map[catalog.Ref]V) []catalog.Ref {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return slices.Sorted(maps.Keys(all))
}

// answersOf tells what a snapshot answers to questions of every kind. The same seed asks the same.
func answersOf(s *graph.Snapshot, seed uint64) []string {
	var told []string
	tell := func(what string, values ...any) { told = append(told, what+" "+fmt.Sprint(values...)) }
	tell("digest", graph.Digest(s), s.Len(), s.Revision(), s.Time())
	var export, lines bytes.Buffer
	must(graph.WriteExport(&export, s))
	must(graph.WriteExportLines(&lines, s))
	told = append(told, strings.Split(export.String()+lines.String(), "\n")...)

	var refs []catalog.Ref
	for e := range s.Entities("") {
		refs = append(refs, e.Ref)
	}
	tell("entities", refs)
	for e := range s.EntitiesByName("") {
		tell("by name", e.Ref)
	}
	for e := range s.EntitiesByTier(1, "") {
		tell("by tier", e.Tier(), e.Ref)
	}
	for traits, count := range s.Traits() {
		tell("traits", traits, count)
	}
	for p := range s.Problems("") {
		tell("problem", p)
	}
	tell("problems", s.ProblemCount(catalog.Error), s.ProblemCount(catalog.Warning))
	tell("cycles", s.Cycles())
	for _, ref := range refs {
		tellEntity(tell, s, ref)
	}
	random := rand.New(rand.NewPCG(seed, 3))
	for range min(4, len(refs)) {
		a, b := refs[random.IntN(len(refs))], refs[random.IntN(len(refs))]
		options := graph.BlastOptions{MaxDistance: random.IntN(3)}
		options.Filter.Environment = []string{"", "staging", "nowhere"}[random.IntN(3)]
		options.Filter.IncludeStale = random.IntN(2) == 0
		if random.IntN(2) == 0 {
			options.Filter.Add = []graph.WhatIfEdge{
				{From: a, To: "component:new/assumed"}, {From: b, To: refs[random.IntN(len(refs))], AnyOf: "g0", Strength: catalog.Soft},
			}
			options.Filter.Remove = []graph.WhatIfPair{{From: b, To: a}, {From: refs[random.IntN(len(refs))], To: b}}
		}
		tellBlast(tell, s, []catalog.Ref{a, b}, options)
		path, err := s.Path(a, b, options.Filter)
		tell("path", needs(path), err)
	}
	return told
}

func tellEntity(tell func(string, ...any), s *graph.Snapshot, ref catalog.Ref) {
	out, in := s.Relations(ref)
	for edge := range out {
		tell("out", edge.From, edge.To, edge.Type, edge.Environment)
	}
	for edge := range in {
		tell("in", edge.From, edge.To, edge.Type, edge.Environment)
	}
	for p := range s.Problems(ref) {
		tell("of", ref, p)
	}
	ownership, err := s.Ownership(ref)
	must(err)
	tell("owner", ref, ownership.OnCall, ownership.Runbooks)
	if ownership.Owner != nil {
		tell("owner", ref, ownership.Owner.Ref, len(ownership.Members))
	}
	tell("formers", ref, s.FormerRefs(ref))
	typed := []string{ref.Name(), ref.Kind() + ":" + ref.Name(), ref.Name() + "x"}
	for _, former := range s.FormerRefs(ref) {
		typed = append(typed, string(former))
	}
	e, err := s.Entity(ref)
	must(err)
	for _, alias := range e.Aliases {
		typed = append(typed, strings.ToUpper(string(alias.Alias)), string(catalog.DiscoveredRef(alias.Alias)))
	}
	for _, text := range typed {
		found, err := s.Resolve(text)
		if err != nil {
			tell("resolve", text, err)
			continue
		}
		tell("resolve", text, found.Ref)
	}
	for _, direction := range []graph.Direction{graph.Needs, graph.NeededBy} {
		for _, depth := range []int{0, 1} {
			deps, err := s.Deps(ref, graph.DepsOptions{Direction: direction, Depth: depth})
			must(err)
			tell("deps", ref, direction, depth, needs(deps.Edges))
			for _, reached := range deps.Entities {
				tell("reached", reached.Entity.Ref, reached.Distance)
			}
		}
	}
	tellBlast(tell, s, []catalog.Ref{ref}, graph.BlastOptions{})
}

func tellBlast(tell func(string, ...any), s *graph.Snapshot, failed []catalog.Ref, options graph.BlastOptions) {
	blast, err := s.BlastRadius(failed, options)
	must(err)
	tell("blast", failed, blast.Totals(), blast.Tiers())
	for _, f := range blast.Failed() {
		tell("failed", f.Entity.Ref, f.PartOf)
	}
	for _, hit := range blast.Page(0, -1) {
		tell("hit", hit.Entity.Ref, hit.Impact, hit.Distance, needs(hit.Path), hit.Alternatives)
	}
	for _, team := range blast.Teams() {
		if team.Owner != nil {
			tell("team", team.Owner.Ref)
		}
		tell("team", team.Impacted, team.Worst, team.OnCall)
	}
	for _, hit := range append(blast.Journeys(), blast.Systems()...) {
		tell("group", hit.Entity.Ref, hit.Impact)
	}
}

func needs(all []graph.Need) []string {
	var words []string
	for _, n := range all {
		word := fmt.Sprint(n.From, n.To, n.Strength, n.AnyOf, n.Via)
		for _, edge := range []*catalog.Edge{n.Edge, n.Producer} {
			if edge != nil {
				word += fmt.Sprint(" by ", edge.From, edge.To, edge.Type, edge.Environment, len(edge.Evidence))
			}
		}
		words = append(words, word)
	}
	return words
}

// TestApplyWhileAsked asks older and newer snapshots while newer ones are made of them.
func TestApplyWhileAsked(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 4))
	merger := catalog.NewMerger(catalog.MergeOptions{})
	snapshot := graph.Build(graph.Input{})
	var all sync.WaitGroup
	for step := range 12 {
		documents := randomDocuments(t, random)
		snapshot = snapshot.Apply(merger.Apply(nil, slices.Values(documents)), graph.Revision(step), time.Time{}, nil)
		asked := snapshot
		first := make(chan []string, 2)
		for range 2 {
			all.Go(func() {
				answers := answersOf(asked, uint64(step))
				first <- answers
				if again := answersOf(asked, uint64(step)); !slices.Equal(answers, again) {
					t.Errorf("revision %d answers differently the second time", step)
				}
			})
		}
		all.Go(func() {
			if a, b := <-first, <-first; !slices.Equal(a, b) {
				t.Errorf("revision %d answers two askers differently", step)
			}
		})
	}
	all.Wait()
}
