package sqlitestore_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/graphtest"
	"github.com/orrery-catalog/orrery/graph/sqlitestore"
)

// engine is SQLite as the conformance suite sees it.
var engine = graphtest.Engine{
	Open: func(t testing.TB) graph.Store {
		return open(t, sqlitestore.Config{Path: filepath.Join(t.TempDir(), "orrery.db")})
	},
	Reopen: func(t testing.TB, store graph.Store) graph.Store {
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
		return open(t, sqlitestore.Config{Path: store.Capabilities().Place})
	},
	AgeTraffic: func(t testing.TB, store graph.Store, by time.Duration) {
		sqlitestore.Exec(t, store, "UPDATE traffic SET emptied = emptied - ?", by.Microseconds())
	},
	Join: func(t testing.TB, store graph.Store) graph.Store {
		return open(t, sqlitestore.Config{Path: store.Capabilities().Place, ReadOnly: true})
	},
	Break: func(t testing.TB, store graph.Store) func() {
		path := store.Capabilities().Place
		rename := func(from, to string) {
			if err := os.Rename(from, to); err != nil {
				t.Fatal(err)
			}
		}
		rename(path, path+".away")
		return func() { rename(path+".away", path) }
	},
}

func open(t testing.TB, config sqlitestore.Config) *sqlitestore.Store {
	t.Helper()
	store, err := sqlitestore.Open(t.Context(), config)
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

func TestConformance(t *testing.T) { graphtest.RunStore(t, engine) }

func BenchmarkStore(b *testing.B) { graphtest.BenchStore(b, engine) }
