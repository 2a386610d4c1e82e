package graphtest_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/graphtest"
	"github.com/orrery-catalog/orrery/graph/graphtest/oracle"
)

// randomTogether is mostly clear about the strength that it tells, or nothing.
func randomTogether(random *rand.Rand) oracle.Together {
	if random.IntN(2) == 0 {
		return oracle.Together{}
	}
	return oracle.Together{Both: random.IntN(20), Call: random.IntN(20), Request: random.IntN(10), None: random.IntN(30)}
}

// flowOf counts what the oracle was told as another flow of a source; 0 for nothing.
func flowOf(numbers *graphtest.Traffic, source string, t oracle.Together) catalog.FlowID {
	if t == (oracle.Together{}) {
		return 0
	}
	n := func(count int) uint64 { return uint64(count) }
	return numbers.Count(source, &graph.FlowNumbers{
		FlowKey:  traffic.FlowKey{From: catalog.Alias(fmt.Sprint("otel:", len(numbers.Flows)))},
		Together: traffic.Together{BothFailed: n(t.Both), CallFailed: n(t.Call), RequestFailed: n(t.Request), NoneFailed: n(t.None)},
	})
}

// see draws dependencies that were seen or inferred, mostly where the files declare a way between the ends. It adds them to
// the oracle's catalog and returns the documents that say so.
func see(random *rand.Rand, truth *oracle.Catalog, numbers *graphtest.Traffic) (documents []*catalog.Document) {
	var refs []string
	for _, ref := range slices.Sorted(maps.Keys(truth.Entities)) {
		if !strings.HasPrefix(ref, "api:") && !strings.HasPrefix(ref, "group:") && !strings.HasPrefix(ref, "user:") {
			refs = append(refs, ref)
		}
	}
	if len(refs) == 0 {
		return nil
	}
	var seen []oracle.Relation
	for i := range random.IntN(12) {
		from, to := refs[random.IntN(len(refs))], refs[random.IntN(len(refs))]
		if random.IntN(4) > 0 {
			from, to = ends(random, truth, from, to)
		}
		environment := []string{"production", "production", "staging"}[random.IntN(3)]
		same := func(r oracle.Relation) bool { return r.From == from && r.To == to && r.Environment == environment }
		if slices.ContainsFunc(seen, same) {
			continue
		}
		r := oracle.Relation{
			From: from, To: to, Type: "dependsOn", Environment: environment,
			AnyOf: []string{"", "", "", "service", "g0"}[random.IntN(5)],
			Evidence: []oracle.Evidence{{
				Kind: []string{"OBSERVED", "INFERRED"}[random.IntN(2)], Stale: random.IntN(4) == 0, Environment: environment,
				Together: randomTogether(random),
			}},
		}
		seen = append(seen, r)
		edge := catalog.EdgeClaim{Target: catalog.Subject{Ref: catalog.Ref(to)}, Type: catalog.DependsOn, AnyOf: r.AnyOf}
		edge.Flow = flowOf(numbers, "seen", r.Evidence[0].Together)
		must(edge.Evidence.UnmarshalText([]byte(r.Evidence[0].Kind)))
		documents = append(documents, &catalog.Document{
			ID: catalog.DocumentID{Source: "seen", Key: fmt.Sprint(i)}, Environment: environment, Stale: r.Evidence[0].Stale,
			Claims: []catalog.Claim{{Subject: catalog.Subject{Ref: catalog.Ref(from)}, Edges: []catalog.EdgeClaim{edge}}},
		})
	}
	truth.See(seen...)
	return documents
}

// ends draws what two relations of the files have on their far sides: what one needs and the other provides, is part of, or
// stands on another side of. It returns the ends that it is given where it finds none.
func ends(random *rand.Rand, truth *oracle.Catalog, from, to string) (_, _ string) {
	var pairs [][2]string
	for _, first := range truth.Relations {
		for _, second := range truth.Relations {
			needs := first.Type == "dependsOn" || first.Type == "consumesApi"
			isEnd := !strings.HasPrefix(second.From, "api:")
			if needs && first.To == second.To && first.From != second.From && second.Type != "consumesApi" && isEnd {
				pairs = append(pairs, [2]string{first.From, second.From})
			}
		}
	}
	if len(pairs) == 0 {
		return from, to
	}
	pair := pairs[random.IntN(len(pairs))]
	return pair[0], pair[1]
}
