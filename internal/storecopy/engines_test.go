package storecopy_test

import (
	"fmt"
	"testing"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/neo4jstore"
	"github.com/orrery-catalog/orrery/internal/storecopy"
	"github.com/orrery-catalog/orrery/internal/testenv"
)

// openNeo4j is a new store on the server of the tests, which forgets nothing.
func openNeo4j(t testing.TB) *neo4jstore.Store {
	t.Helper()
	server := testenv.Neo4j(t)
	store, err := neo4jstore.Open(t.Context(), neo4jstore.Config{
		URI: server.URI, Username: server.Username, Password: server.Password, Database: server.Database,
		LabelPrefix: testenv.LabelPrefix(t, server), KeepHistory: long,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

// TestCopyThroughNeo4j copies to the other engine and back.
func TestCopyThroughNeo4j(t *testing.T) {
	t.Parallel()
	stores := uint64(6)
	if testing.Short() {
		stores = 2
	}
	for number := range stores {
		t.Run(fmt.Sprint(number), func(t *testing.T) {
			from, w := randomStore(t, 200+number)
			there, back := openNeo4j(t), empty(t)
			summary := mustCopy(t, from, there)
			if a, b := survey(t, from), survey(t, there); a != b {
				t.Errorf("the source has %+v, the copy %+v", a, b)
			}
			requireEqual(t, from, there, w.random)
			if second := mustCopy(t, there, back); second != summary {
				t.Errorf("the copy back gives %+v, the copy %+v", second, summary)
			}
			requireEqual(t, from, back, w.random)
			w.write(t, 5)
			if survey(t, from).Oldest > summary.Revision {
				return // it forgets so much that nobody can go on
			}
			mustCopy(t, from, there)
			if third := mustCopy(t, there, back); third.Revisions != 5 || third.Revision != w.base {
				t.Errorf("%+v, want 5 revisions through %d", third, w.base)
			}
			equalNow(t, from, back)
		})
	}
}

func survey(t testing.TB, store graph.Store) storecopy.Extent {
	t.Helper()
	extent, err := storecopy.Survey(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	return extent
}
