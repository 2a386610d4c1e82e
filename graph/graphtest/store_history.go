package graphtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// testHistory asks random questions and answers them by looking at everything.
func testHistory(t *testing.T, engine Engine) {
	h, random := newHistory(t, engine), rand.New(rand.NewPCG(5, 6))
	for revision := range graph.Revision(50) {
		change := randomChange(random)
		// Clocks of different processes differ: times are not always in the order of revisions.
		change.Time = timeOf(revision).Add(time.Duration(random.IntN(5000)-2500) * time.Millisecond)
		h.apply(t, change)
	}
	h.requireHistory(t, h.store)
	instant := func() time.Time {
		if random.IntN(3) == 0 {
			return time.Time{}
		}
		// Often exactly the time of a change, or just beside it.
		at := h.commits[random.IntN(len(h.commits))].Time
		return at.Add(time.Duration(random.IntN(3)-1) * []time.Duration{1, time.Microsecond, time.Second}[random.IntN(3)])
	}
	for range 300 {
		query := graph.HistoryQuery{Since: instant(), Until: instant()}
		for range random.IntN(4) {
			query.Refs = append(query.Refs, birth(random.IntN(45)).Ref) // some are unknown, some named twice
		}
		if random.IntN(3) == 0 {
			query.After = graph.Revision(random.IntN(60))
		}
		if random.IntN(3) == 0 {
			query.Through, query.From = graph.Revision(random.IntN(60)), random.IntN(12)
		}
		if random.IntN(3) == 0 {
			query.Limit = 1 + random.IntN(30)
		}
		h.requireAnswer(t, h.store, query)
	}
}

// testHistoryOfManyRefs asks for more Refs than any statement takes as parameters.
func testHistoryOfManyRefs(t *testing.T, engine Engine) {
	h := newHistory(t, engine)
	var change graph.Change
	for number := range 1000 {
		change.Recorded = append(change.Recorded, birth(number))
	}
	h.apply(t, change)
	query := graph.HistoryQuery{Limit: 300}
	for number := range 40_000 {
		query.Refs = append(query.Refs, catalog.NewRef("component", "", fmt.Sprintf("service-%06d", number*2)))
	}
	h.requireAnswer(t, h.store, query)
	h.requireAnswer(t, h.store, graph.HistoryQuery{After: 1<<64 - 1})
}

func testHistoryEndedByContext(t *testing.T, engine Engine) {
	h := newHistory(t, engine)
	var change graph.Change
	for number := range 3000 {
		change.Recorded = append(change.Recorded, birth(number))
	}
	h.apply(t, change)
	ctx, cancel := context.WithCancel(t.Context())
	n, last := 0, error(nil)
	for _, err := range h.store.History(ctx, graph.HistoryQuery{}) {
		if last != nil {
			t.Fatal("something came after the error")
		}
		last = err
		if n++; n == 10 {
			cancel()
		}
	}
	cancel()
	if !errors.Is(last, context.Canceled) {
		t.Errorf("the history ended after %d with %v", n, last)
	}
	for range 50 { // broken off, it must hold on to nothing
		for _, err := range h.store.History(t.Context(), graph.HistoryQuery{}) {
			if err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	h.check(t)
}
