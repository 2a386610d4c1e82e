package neo4jstore_test

import (
	"sync"
	"testing"
	"time"

	"github.com/neo4j/neo4j-go-driver/v5/neo4j"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/graphtest"
	"github.com/orrery-catalog/orrery/graph/neo4jstore"
	"github.com/orrery-catalog/orrery/internal/testenv"
)

// opened is how a store of a test was opened, and what stands between it and the server.
type opened struct {
	config neo4jstore.Config
	proxy  *testenv.TCPProxy
}

// engineOf is Neo4j as the conformance suite sees it: each store is in a label space of its own, behind a proxy that can
// be cut.
func engineOf() graphtest.Engine {
	var stores sync.Map // graph.Store to opened
	remember := func(t testing.TB, o opened) graph.Store {
		store := open(t, o.config)
		stores.Store(store, o)
		return store
	}
	of := func(store graph.Store) opened {
		o, _ := stores.Load(store)
		return o.(opened)
	}
	return graphtest.Engine{
		Open: func(t testing.TB) graph.Store { return remember(t, behindProxy(t)) },
		Reopen: func(t testing.TB, store graph.Store) graph.Store {
			if err := store.Close(); err != nil {
				t.Fatal(err)
			}
			return remember(t, of(store))
		},
		Join: func(t testing.TB, store graph.Store) graph.Store {
			o := of(store)
			o.config.ReadOnly = true
			return remember(t, o)
		},
		Break: func(_ testing.TB, store graph.Store) func() {
			proxy := of(store).proxy
			proxy.Cut()
			return proxy.Mend
		},
		AgeTraffic: func(t testing.TB, store graph.Store, by time.Duration) {
			t.Helper()
			ageTraffic(t, of(store).config.LabelPrefix, by)
		},
	}
}

// ageTraffic makes the rows that are empty by now older.
func ageTraffic(t testing.TB, prefix string, by time.Duration) {
	t.Helper()
	server := testenv.Neo4j(t)
	if _, err := neo4j.ExecuteQuery(t.Context(), server.Driver(t),
		"MATCH (r:"+prefix+"TrafficRow) WHERE r.emptied IS NOT NULL SET r.emptied = r.emptied - $by",
		map[string]any{"by": by.Milliseconds()}, neo4j.EagerResultTransformer,
		neo4j.ExecuteQueryWithDatabase(server.Database)); err != nil {
		t.Fatal(err)
	}
}

// behindProxy is a new label space of the server of the tests, and a way to it that can be broken.
func behindProxy(t testing.TB) opened {
	t.Helper()
	server := testenv.Neo4j(t)
	proxy := testenv.Proxy(t, server.Address())
	return opened{proxy: proxy, config: neo4jstore.Config{
		URI: "bolt://" + proxy.Address(), Username: server.Username, Password: server.Password, Database: server.Database,
		LabelPrefix: testenv.LabelPrefix(t, server),
	}}
}

func open(t testing.TB, config neo4jstore.Config) *neo4jstore.Store {
	t.Helper()
	store, err := neo4jstore.Open(t.Context(), config)
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

func TestConformance(t *testing.T) { graphtest.RunStore(t, engineOf()) }

func BenchmarkStore(b *testing.B) { graphtest.BenchStore(b, engineOf()) }
