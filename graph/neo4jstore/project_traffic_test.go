package neo4jstore

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/graphtest"
)

// TestProjectTraffic: the numbers of relations that are there come and go by the page, and nothing else changes.
func TestProjectTraffic(t *testing.T) {
	store := openProjector(t, 0)
	model := catalog.Merge(slices.Values(seen()), catalog.MergeOptions{})
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	bare := graph.Build(graph.Input{Model: model, Revision: 0, Time: at})
	if err := store.Project(t.Context(), "", 0, nil, bare); err != nil {
		t.Fatal(err)
	}
	written := func() map[string]any {
		t.Helper()
		rates := map[string]any{}
		for _, row := range ask(t, store, `MATCH (a:@Entity)-[r:DEPENDS_ON]->(b:@Entity)
			RETURN a.name AS caller, [r.requestRate, r.errorRate, r.p99 > 0.2, r.behaves, toString(r.firstSeen), r.requests] AS numbers`, nil) {
			rates[row["caller"].(string)] = append([]any{rates[row["caller"].(string)]}, row["numbers"].([]any)...)[1:]
		}
		return rates
	}
	hashes := func() []map[string]any {
		return ask(t, store, "MATCH (e:@Entity) RETURN e.ref AS ref, e.hash AS hash ORDER BY ref", nil)
	}
	nothing := []any{nil, nil, nil, nil, nil, nil}
	none := map[string]any{
		"order-service": nothing, "checkout-service": nothing, "wishlist-service": nothing, "nightly-export": nothing,
	}
	if diff := cmp.Diff(none, written()); diff != "" {
		t.Fatalf("nothing was counted (-want +got):\n%s", diff)
	}
	before := hashes()
	sweep := func(of *graph.Snapshot) (steps int) {
		t.Helper()
		for after := catalog.Ref(""); ; steps++ {
			next, err := store.ProjectTraffic(t.Context(), "", 0, of, after, 1)
			if err != nil {
				t.Fatal(err)
			}
			if after = next; after == "" || steps > 100 {
				return steps + 1
			}
		}
	}
	counted := bare.WithTraffic(callsSeen())
	if steps := sweep(counted); steps < 4 || steps > 6 {
		t.Errorf("it took %d steps", steps)
	}
	const first = "2026-02-27T00:00:00Z"
	want := map[string]any{
		"checkout-service": []any{20.0, 0.0025, true, "HARD", first, 40_000.0},
		"order-service":    []any{5.0, 0.02, true, "SOFT", first, 10_000.0},
		"nightly-export":   nothing,
	}
	got := written()
	delete(got, "wishlist-service") // it calls two
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, hashes()); diff != "" {
		t.Errorf("numbers changed the hashes:\n%s", diff)
	}
	// Who takes over finds nothing to write, and a graph of another revision is left alone.
	if err := store.Project(t.Context(), "", 0, nil, counted); err != nil {
		t.Fatal(err)
	}
	later := counted.Apply(nil, 7, at, nil)
	if next, err := store.ProjectTraffic(t.Context(), "", 0, later, "component:default/m", 1); err != nil || next != "component:default/m" {
		t.Errorf("%q, %v", next, err)
	}
	sweep(bare.WithTraffic(&graphtest.Traffic{}))
	if diff := cmp.Diff(none, written()); diff != "" {
		t.Errorf("what nobody knows any more is still there (-want +got):\n%s", diff)
	}
}
