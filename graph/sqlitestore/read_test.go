package sqlitestore

import (
	"context"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/graph"
)

// TestReadersThatGiveUp has contexts end at any moment of a look at the store: no connection may be left in the middle of
// something for who gets it next.
func TestReadersThatGiveUp(t *testing.T) {
	store := mustOpen(t, Config{Path: filepath.Join(t.TempDir(), "orrery.db")})
	if _, err := store.Apply(t.Context(), killScan(1)); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i := range uint64(4) {
		all.Go(func() {
			random := rand.New(rand.NewPCG(i, 1))
			for range 700 {
				ctx, cancel := context.WithCancel(t.Context())
				timer := time.AfterFunc(time.Duration(random.IntN(120))*time.Microsecond, cancel)
				_, _ = store.Load(ctx, graph.AsOf{})
				timer.Stop()
				cancel()
			}
		})
	}
	all.Wait()
	for range 20 {
		views := make([]*view, 8)
		for i := range views {
			var err error
			if views[i], err = store.view(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		for _, v := range views {
			v.end()
		}
	}
}
