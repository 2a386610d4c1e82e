package neo4jstore

import (
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/graphtest"
	"github.com/orrery-catalog/orrery/internal/boltpeer"
	"github.com/orrery-catalog/orrery/internal/testenv"
)

// TestProjectCreatesOnce loses the answer of every fourth commit: what was committed must not be written again.
func TestProjectCreatesOnce(t *testing.T) {
	server := testenv.Neo4j(t)
	prefix := testenv.LabelPrefix(t, server)
	cluster := boltpeer.Start(t, server.Address(), 1, 0)
	store, err := Open(t.Context(), Config{
		URI: cluster.URI("core1"), Username: server.Username, Password: server.Password, Database: server.Database,
		LabelPrefix: prefix, Holder: "projection test", projectedRows: 40,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	var commits, lost atomic.Int64
	cluster.Script(func(request boltpeer.Request) boltpeer.Action {
		if request.Message != boltpeer.Commit || !request.Write || commits.Add(1)%4 != 0 {
			return boltpeer.Action{}
		}
		lost.Add(1)
		return boltpeer.Action{Cut: true, After: true}
	})
	merger := catalog.NewMerger(catalog.MergeOptions{})
	documents := slices.Collect(graphtest.Company{Services: 12, Edges: 40, Seed: 1}.Documents())
	var last *graph.Snapshot
	now := graph.Build(graph.Input{})
	for _, count := range []int{len(documents) / 2, len(documents), 1} { // from nothing, with many new entities, and a small step
		change := merger.Apply(nil, slices.Values(documents[:count]))
		if count == 1 {
			change = merger.Apply(nil, slices.Values(changed(documents, 1, true)))
		}
		now = now.Apply(change, now.Revision()+1, time.Now(), nil)
		for deadline := time.Now().Add(time.Minute); ; {
			err := store.Project(t.Context(), "", 0, last, now)
			if err == nil {
				break
			}
			if !errors.Is(err, graph.ErrUnavailable) || time.Now().After(deadline) {
				t.Fatal(err)
			}
		}
		last = now
		want := int64(0)
		for e := range now.Entities("") {
			want += int64(len(now.Projection(e.Ref).Relations))
		}
		got := ask(t, store, `MATCH (a)-[r]->(b) WHERE (a:@Entity OR a:@Publishers)
			RETURN count(r) AS relations, count(DISTINCT [elementId(a), elementId(b), type(r), r.key]) AS different`, nil)[0]
		if got["relations"] != want || got["different"] != want {
			t.Errorf("after %d documents: %v relations, %v of them different; want %d", count, got["relations"], got["different"], want)
		}
	}
	if lost.Load() < 4 {
		t.Errorf("only %d answers were lost", lost.Load())
	}
}
