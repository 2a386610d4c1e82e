package graphtest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/graph"
)

// testReaders requires that a store opened for reading refuses to write, and says so.
func testReaders(t *testing.T, engine Engine) {
	h := newHistory(t, engine)
	h.apply(t, graph.Change{Put: storedDocuments(0, 5, 0)})
	reader := engine.Join(t, h.store)
	if _, err := reader.Apply(t.Context(), graph.Change{Base: 1, Time: timeOf(2)}); !errors.Is(err, graph.ErrReadOnly) {
		t.Errorf("apply: %v, want ErrReadOnly", err)
	}
	if _, err := reader.Lease(t.Context(), "scans", "me", time.Hour); !errors.Is(err, graph.ErrReadOnly) {
		t.Errorf("lease: %v, want ErrReadOnly", err)
	}
	h.checkThrough(t, reader)
}

// testDurable opens the store again and again: everything that was reported must be there, and go on.
func testDurable(t *testing.T, engine Engine) {
	h, random := newHistory(t, engine), rand.New(rand.NewPCG(7, 8))
	for range 5 {
		for range 5 {
			h.apply(t, randomChange(random))
		}
		h.store = engine.Reopen(t, h.store)
		h.state.requireEqual(t, load(t, h.store, func() {}), "opened again")
		h.requireCommits(t, h.store, 0)
		h.requireHistory(t, h.store)
		h.check(t)
	}
}

func testReady(t *testing.T, engine Engine) {
	h := newHistory(t, engine)
	h.apply(t, graph.Change{Put: storedDocuments(0, 5, 0)})
	if err := h.store.Ready(t.Context()); err != nil {
		t.Fatalf("an open store is not ready: %v", err)
	}
	for range 2 {
		mend := engine.Break(t, h.store)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		if err := h.store.Ready(ctx); err == nil {
			t.Error("ready while the database does not answer")
		}
		_, err := h.store.Apply(ctx, graph.Change{Base: h.state.revision, Time: timeOf(9), Put: storedDocuments(0, 5, 9)})
		if !errors.Is(err, graph.ErrUnavailable) {
			t.Errorf("apply while the database does not answer: %v, want ErrUnavailable", err)
		}
		_, records := h.store.Load(ctx, graph.AsOf{})
		for _, err := range records {
			if !errors.Is(err, graph.ErrUnavailable) {
				t.Errorf("load while the database does not answer: %v, want ErrUnavailable", err)
				break
			}
		}
		cancel()
		mend()
		for deadline := time.Now().Add(patience); ; {
			err := h.store.Ready(t.Context())
			if err == nil {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("not ready again: %v", err)
			}
		}
		h.check(t)
	}
}

func testClosed(t *testing.T, engine Engine) {
	h := newHistory(t, engine)
	h.apply(t, graph.Change{Put: storedDocuments(0, 5, 0)})
	store := h.store
	ctx := t.Context()
	_, unread := store.Load(ctx, graph.AsOf{})
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Errorf("closing again: %v", err)
	}
	_, records := store.Load(ctx, graph.AsOf{})
	_, applied := store.Apply(ctx, graph.Change{Base: 1, Time: timeOf(1)})
	_, leased := store.Lease(ctx, "scans", "me", time.Hour)
	for name, err := range map[string]error{
		"apply": applied, "lease": leased, "ready": store.Ready(ctx), "load": lastError(records),
		"a load under way": lastError(unread),
		"follow":           lastError(follow(t, store, 0)),
		"history":          lastError(store.History(ctx, graph.HistoryQuery{})),
	} {
		if !errors.Is(err, graph.ErrClosed) {
			t.Errorf("%s: %v, want ErrClosed", name, err)
		}
	}
	h.store = engine.Reopen(t, store)
	h.check(t)
}

// lastError runs a stream to its first error.
func lastError[T any](stream iter.Seq2[T, error]) error {
	for _, err := range stream {
		if err != nil {
			return err
		}
	}
	return nil
}

// testClosedUnderStreams closes the store while a load, a history and a waiting follower are at work.
func testClosedUnderStreams(t *testing.T, engine Engine) {
	h := newHistory(t, engine)
	change := graph.Change{Put: storedDocuments(0, 3000, 0)}
	for number := range 3000 {
		change.Recorded = append(change.Recorded, birth(number))
	}
	h.apply(t, change)
	reading, closed, ended := make(chan struct{}, 3), make(chan struct{}), make(chan error, 3)
	go func() {
		_, records := h.store.Load(t.Context(), graph.AsOf{})
		ended <- lastError(pauseAfterFirst(records, reading, closed))
	}()
	go func() {
		ended <- lastError(pauseAfterFirst(h.store.History(t.Context(), graph.HistoryQuery{}), reading, closed))
	}()
	go func() { ended <- lastError(pauseAfterFirst(follow(t, h.store, 0), reading, closed)) }()
	for range 3 {
		select {
		case <-reading:
		case <-time.After(patience):
			t.Fatal("a stream gives nothing")
		}
	}
	if err := h.store.Close(); err != nil {
		t.Error(err)
	}
	close(closed)
	for range 3 {
		select {
		case err := <-ended:
			if !errors.Is(err, graph.ErrClosed) {
				t.Errorf("a stream under way ended with %v, want ErrClosed", err)
			}
		case <-time.After(patience):
			t.Fatal("a stream under way goes on after the store was closed")
		}
	}
	h.store = engine.Reopen(t, h.store)
	h.check(t)
}

// pauseAfterFirst tells that the stream gave its first piece, and goes on with it when it may.
func pauseAfterFirst[T any](stream iter.Seq2[T, error], first chan<- struct{}, goOn <-chan struct{}) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		paused := false
		for piece, err := range stream {
			if !paused {
				paused = true
				first <- struct{}{}
				<-goOn
			}
			if !yield(piece, err) {
				return
			}
		}
	}
}

// testRandomSequences does everything in any order and compares with the plain state after each step.
func testRandomSequences(t *testing.T, engine Engine) {
	sequences, steps := uint64(12), 60
	if testing.Short() {
		sequences = 3
	}
	for seed := range sequences {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			h, random := newHistory(t, engine), rand.New(rand.NewPCG(seed, 0))
			for range steps {
				switch random.IntN(12) {
				case 0:
					h.store = engine.Reopen(t, h.store)
				case 1:
					change := randomChange(random)
					change.Base, change.Time = h.state.revision+1, timeOf(1)
					if _, err := h.store.Apply(t.Context(), change); !errors.Is(err, graph.ErrConflict) {
						t.Fatalf("%v, want ErrConflict", err)
					}
				case 2:
					h.check(t)
				case 3:
					h.requireHistory(t, h.store)
				case 4:
					h.requireCommits(t, h.store, graph.Revision(random.Uint64N(uint64(h.state.revision)+1)))
				default:
					h.apply(t, randomChange(random))
				}
				h.state.requireEqual(t, load(t, h.store, func() {}), "after a step")
			}
			h.checkThrough(t, engine.Join(t, h.store))
		})
	}
}
