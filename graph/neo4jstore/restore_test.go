package neo4jstore_test

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/graph"
)

// TestOlderCopyOfDatabase: a backup was played back under a Store, so that the database knows nothing of the newest
// transactions that the Store saw, and says that it will wait for them. After a moment the Store goes on with what is there.
func TestOlderCopyOfDatabase(t *testing.T) {
	store := open(t, behindProxy(t).config)
	if _, err := store.Apply(t.Context(), marked(0, "kept")); err != nil {
		t.Fatal(err)
	}
	seen, err := store.Seen(t.Context())
	if err != nil || len(seen) == 0 {
		t.Fatal(seen, err)
	}
	for i, bookmark := range seen {
		raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(bookmark, "FB:"))
		if err != nil || len(raw) < 3+16 {
			t.Fatalf("the bookmark %s has another form: %v", bookmark, err)
		}
		// The id of the database, and the number of a transaction that is many millions later.
		later := slices.Concat(raw[:3+16], []byte{0xca, 0x20, 0, 0, 0, 0x90})
		seen[i] = "FB:" + base64.StdEncoding.EncodeToString(later)
	}
	if err := store.Saw(t.Context(), seen); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := store.Ready(t.Context()); !errors.Is(err, graph.ErrUnavailable) {
		t.Fatalf("the server has begun a transaction that it should wait with: %v", err)
	}
	if revision, mark, err := loadMark(t.Context(), store); err != nil || revision != 1 || mark != "kept" {
		t.Errorf("revision %d of the change %s: %v", revision, mark, err)
	}
	if revision, err := store.Apply(t.Context(), marked(1, "next")); err != nil || revision != 2 {
		t.Errorf("the next change: %d, %v", revision, err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
}
