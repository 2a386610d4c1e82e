package graphtest

import (
	"context"
	"errors"
	"testing"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// testLoadWhileOthersWrite runs several loads at once, each begun at another revision and none drained before the end,
// with a change between any two records.
func testLoadWhileOthersWrite(t *testing.T, engine Engine) {
	h := newHistory(t, engine)
	h.apply(t, graph.Change{Put: storedDocuments(0, 60, 0)})
	var nested func(depth int)
	nested = func(depth int) {
		if depth == 4 {
			return
		}
		before, n := h.state.clone(), 0
		got := load(t, h.store, func() {
			if n++; n%20 != 0 {
				return
			}
			h.apply(t, graph.Change{
				Put: storedDocuments(n%7+1, 60, depth*100+n), Remove: []catalog.DocumentID{storedID(n % 7)},
				States: []graph.State{{Source: "s", Name: "n", Data: []byte{byte(n), byte(depth)}}},
			})
			if n == 20 {
				nested(depth + 1)
			}
		})
		before.requireEqual(t, got, "load")
		for commit, err := range follow(t, h.store, got.revision) {
			if err != nil {
				t.Fatal(err)
			}
			if got.apply(t, commit); got.revision == h.state.revision {
				break
			}
		}
		h.state.requireEqual(t, got, "load and follow")
	}
	nested(0)
}

// testLoadBeforeItsStream makes changes after Load has told its revision and before its stream is run.
func testLoadBeforeItsStream(t *testing.T, engine Engine) {
	h := newHistory(t, engine)
	h.apply(t, graph.Change{Put: storedDocuments(0, 30, 0)})
	for _, reader := range []graph.Store{h.store, engine.Join(t, h.store)} {
		before := h.state.clone()
		revision, records := reader.Load(t.Context(), graph.AsOf{})
		h.apply(t, graph.Change{Put: storedDocuments(10, 40, int(revision)), Remove: []catalog.DocumentID{storedID(int(revision))}})
		got := newStoreState()
		got.revision = revision
		for record, err := range records {
			if err != nil {
				t.Fatal(err)
			}
			got.documents[record.Document.ID] = packed(t, record.Document)
		}
		before.requireEqual(t, got, "load")
	}
	h.check(t)
}

// testLoadBrokenOff leaves loads in every way that is allowed: the store must not run out of anything.
func testLoadBrokenOff(t *testing.T, engine Engine) {
	h := newHistory(t, engine)
	h.apply(t, graph.Change{Put: storedDocuments(0, 20, 0)})
	for round := range 100 {
		ctx, cancel := context.WithCancel(t.Context())
		_, records := h.store.Load(ctx, graph.AsOf{})
		if round%2 == 0 { // otherwise the stream is never run
			n := 0
			for _, err := range records {
				if err != nil {
					t.Fatal(err)
				}
				if n++; n == round/4 {
					break
				}
			}
			for _, err := range records {
				if err == nil {
					t.Fatal("the stream of a load could be run through twice")
				}
			}
		}
		cancel()
		if round%10 == 0 {
			h.apply(t, graph.Change{Put: storedDocuments(0, 20, round)})
		}
	}
	h.check(t)
}

func testLoadEndedByContext(t *testing.T, engine Engine) {
	h := newHistory(t, engine)
	h.apply(t, graph.Change{Put: storedDocuments(0, 2000, 0)})
	ctx, cancel := context.WithCancel(t.Context())
	_, records := h.store.Load(ctx, graph.AsOf{})
	n, last := 0, error(nil)
	for record, err := range records {
		if last != nil {
			t.Fatalf("a record came after the error: %+v", record)
		}
		if last = err; err == nil {
			n++
		}
		if n == 10 {
			cancel()
		}
	}
	cancel()
	if !errors.Is(last, context.Canceled) || n == 2000 {
		t.Errorf("the load ended after %d records with %v", n, last)
	}
	_, records = h.store.Load(ctx, graph.AsOf{})
	for _, err := range records {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("load with an ended context: %v", err)
		}
	}
	h.check(t)
}
