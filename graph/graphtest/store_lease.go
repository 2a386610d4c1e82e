package graphtest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/graph"
)

func testLease(t *testing.T, engine Engine) {
	store := engine.Open(t)
	take := func(name, holder string, ttl time.Duration) graph.FencingToken {
		t.Helper()
		token, err := store.Lease(t.Context(), name, holder, ttl)
		if err != nil {
			t.Fatalf("%s takes %s for %v: %v", holder, name, ttl, err)
		}
		return token
	}
	refuse := func(name, holder string, ttl time.Duration, by string) {
		t.Helper()
		_, err := store.Lease(t.Context(), name, holder, ttl)
		var held *graph.LeaseHeldError
		if !errors.As(err, &held) || !errors.Is(err, graph.ErrLeaseHeld) {
			t.Fatalf("%s takes %s, which %s holds: %v, want a *LeaseHeldError", holder, name, by, err)
		}
		if held.Holder != by || held.Until.Before(time.Now()) || held.Until.After(time.Now().Add(2*time.Hour)) {
			t.Errorf("%s was told that %s holds it until %v, want %s for an hour", holder, held.Holder, held.Until, by)
		}
	}

	first := take("scans", "a", time.Hour)
	if first == 0 {
		t.Error("the token 0 was granted: a change that forgot to set it would pass")
	}
	refuse("scans", "b", time.Hour, "a")
	refuse("scans", "b", 0, "a") // nobody gives back what another one holds
	if again := take("scans", "a", time.Hour); again != first {
		t.Errorf("renewed: token %d, want still %d", again, first)
	}
	refuse("scans", "b", time.Hour, "a")
	take("observations", "b", time.Hour) // another name is another lease
	refuse("observations", "a", time.Hour, "b")

	take("scans", "a", 0)
	take("scans", "a", 0) // again does nothing
	second := take("scans", "b", time.Hour)
	if second <= first {
		t.Errorf("passed on: token %d, want more than %d", second, first)
	}
	refuse("scans", "a", time.Hour, "b")

	store = engine.Reopen(t, store)
	refuse("scans", "a", time.Hour, "b")
	if again := take("scans", "b", time.Hour); again != second {
		t.Errorf("renewed after the store was opened again: token %d, want still %d", again, second)
	}
	take("scans", "b", 0)
	if third := take("scans", "b", time.Hour); third <= second {
		t.Errorf("taken again after it was given back: token %d, want more than %d", third, second)
	}
	take("never taken", "a", 0)
	if _, err := store.Lease(t.Context(), "scans", "b", -time.Second); err == nil {
		t.Error("a lease was taken for less than no time")
	}
}

// testLeaseExpires takes a short lease and asks for it until it is free.
func testLeaseExpires(t *testing.T, engine Engine) {
	store := engine.Open(t)
	const ttl = time.Second // far more than the next call takes
	first, err := store.Lease(t.Context(), "scans", "a", ttl)
	if err != nil {
		t.Fatal(err)
	}
	refused, deadline := 0, time.Now().Add(patience)
	for {
		token, err := store.Lease(t.Context(), "scans", "b", ttl)
		if err == nil {
			if token <= first {
				t.Errorf("passed on: token %d, want more than %d", token, first)
			}
			break
		}
		if refused++; !errors.Is(err, graph.ErrLeaseHeld) || time.Now().After(deadline) {
			t.Fatalf("after %d attempts: %v", refused, err)
		}
		<-time.After(ttl / 50)
	}
	if refused == 0 {
		t.Error("a lease that was held passed on at once")
	}
	change := graph.Change{Time: timeOf(1), Lease: "scans", Fence: first, Put: storedDocuments(0, 1, 0)}
	if _, err := store.Apply(t.Context(), change); !errors.Is(err, graph.ErrFenced) {
		t.Errorf("a change under the lost lease: %v, want ErrFenced", err)
	}
}

func testLeaseHasOneHolder(t *testing.T, engine Engine) {
	store := engine.Open(t)
	const holders = 8
	errs := make([]error, holders)
	var all sync.WaitGroup
	for i := range holders {
		all.Go(func() { _, errs[i] = store.Lease(t.Context(), "scans", fmt.Sprint("holder ", i), time.Hour) })
	}
	all.Wait()
	winners := 0
	for _, err := range errs {
		if err == nil {
			winners++
		} else if !errors.Is(err, graph.ErrLeaseHeld) {
			t.Errorf("%v, want ErrLeaseHeld", err)
		}
	}
	if winners != 1 {
		t.Errorf("%d of %d hold the lease", winners, holders)
	}
}

func testFencing(t *testing.T, engine Engine) {
	h := newHistory(t, engine)
	take := func(holder string, ttl time.Duration) graph.FencingToken {
		t.Helper()
		token, err := h.store.Lease(t.Context(), "scans", holder, ttl)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	refuse := func(token graph.FencingToken) {
		t.Helper()
		_, err := h.store.Apply(t.Context(), graph.Change{
			Base: h.state.revision, Time: timeOf(1), Lease: "scans", Fence: token, Put: storedDocuments(0, 9, 99),
		})
		if !errors.Is(err, graph.ErrFenced) {
			t.Fatalf("token %d: %v, want ErrFenced", token, err)
		}
		h.check(t)
	}
	refuse(0)
	first := take("a", time.Hour)
	h.apply(t, graph.Change{Lease: "scans", Fence: first, Put: storedDocuments(0, 2, 1)})
	take("a", time.Hour)
	h.apply(t, graph.Change{Lease: "scans", Fence: first, Put: storedDocuments(0, 2, 2)})
	take("a", 0)
	second := take("b", time.Hour)
	refuse(first)
	refuse(second + 1)
	refuse(0)
	h.apply(t, graph.Change{Lease: "scans", Fence: second, Put: storedDocuments(0, 2, 3)})
	h.apply(t, graph.Change{Put: storedDocuments(0, 2, 4)}) // a change under no lease needs none
	h.store = engine.Reopen(t, h.store)
	refuse(first)
	h.apply(t, graph.Change{Lease: "scans", Fence: second, Put: storedDocuments(0, 2, 5)})
	h.check(t)
}
