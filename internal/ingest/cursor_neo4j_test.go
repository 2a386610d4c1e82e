package ingest_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/orrery-catalog/orrery/graph/neo4jstore"
	"github.com/orrery-catalog/orrery/internal/ingest"
	"github.com/orrery-catalog/orrery/internal/testenv"
)

// TestStateInPiecesNeo4j holds that processes that take turns on one Neo4j go on from the state of a scanner as the one before
// left it, whatever its size.
func TestStateInPiecesNeo4j(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a server")
	}
	server := testenv.Neo4j(t)
	config := neo4jstore.Config{
		URI: server.URI, Username: server.Username, Password: server.Password, Database: server.Database,
		LabelPrefix: testenv.LabelPrefix(t, server),
	}
	random := rand.New(rand.NewPCG(1, 2))
	state := []byte{}
	var given []byte
	for turn, size := range []int{3, chunk, 5*chunk + 1, 6 << 20, 6<<20 + 1, 2*chunk + 7, 0, chunk - 1} {
		given = state
		if state = bytes.Clone(state[:min(size, len(state))]); len(state) < size {
			state = append(state, make([]byte, size-len(state))...)
		}
		for range min(size, 3) {
			state[random.IntN(size)] = byte(random.IntN(256))
		}
		store, err := neo4jstore.Open(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		w := &world{next: bytes.Clone(state)}
		w.says(read("f", refA+fmt.Sprint(" ", turn)))
		c := newCatalog(t, store, ingest.Source{ID: "w", Scanner: w})
		scan(t, c)
		if !bytes.Equal(w.given, given) {
			t.Errorf("turn %d: it was given %d bytes, not the %d that the one before left", turn, len(w.given), len(given))
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
