package graphtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/graph"
)

// testTrafficOfManyWriters has writers at work on rows of their own, which they replace and empty, next to readers who go on
// after the last row they were given, or break off anywhere: none misses a row, and who reads to the end sees no write by
// half.
func testTrafficOfManyWriters(t *testing.T, engine Engine) {
	store := engine.Open(t)
	const writers, parts = 4, 12
	rounds := 30
	if testing.Short() {
		rounds = 10
	}
	want := make([]map[graph.TrafficKey]string, writers)
	readers := []graph.Store{store, engine.Join(t, store), engine.Join(t, store)}
	views := make([]*trafficView, len(readers))
	var writing, reading sync.WaitGroup
	done := make(chan struct{})
	for number := range writers {
		want[number] = make(map[graph.TrafficKey]string)
		writing.Go(func() {
			random := rand.New(rand.NewPCG(uint64(number), 3))
			for round := range rounds {
				// All of a write say the same, where they are not empty: that is what makes halves visible.
				var write graph.TrafficWrite
				for part := range parts {
					row := trafficRow(fmt.Sprint("writer ", number), part, fmt.Sprint("round ", round))
					if part > 0 && random.IntN(4) == 0 {
						row.Data = nil
					}
					if want[number][row.TrafficKey] = string(row.Data); len(row.Data) == 0 {
						delete(want[number], row.TrafficKey)
					}
					write.Put = append(write.Put, row)
				}
				if err := trafficOf(t, store).WriteTraffic(t.Context(), write); err != nil {
					t.Errorf("writer %d: %v", number, err)
					return
				}
				if random.IntN(4) == 0 {
					<-time.After(rand.N(20 * time.Millisecond)) // a moment of rest, so that streams come to their ends
				}
			}
		})
	}
	for i, reader := range readers {
		views[i] = newTrafficView()
		reading.Go(func() {
			random := rand.New(rand.NewPCG(uint64(i), 5))
			for last := false; ; {
				limit := -1
				if i > 0 && !last {
					limit = 1 + random.IntN(40)
				}
				whole, err := views[i].read(t.Context(), trafficOf(t, reader), limit)
				if err != nil {
					t.Errorf("reader %d: %v", i, err)
					return
				}
				if whole {
					requireWholeWrites(t, views[i])
				}
				if last {
					return
				}
				select {
				case <-done:
					last = true
				default:
				}
			}
		})
	}
	writing.Wait()
	close(done)
	reading.Wait()
	all := make(map[graph.TrafficKey]string)
	for _, rows := range want {
		maps.Copy(all, rows)
	}
	for i, view := range views {
		if diff := cmp.Diff(all, view.data()); diff != "" {
			t.Errorf("reader %d (-want +got):\n%s", i, diff)
		}
	}
}

// requireWholeWrites requires that the rows of each writer are of one write.
func requireWholeWrites(t *testing.T, view *trafficView) {
	t.Helper()
	of := make(map[string]string)
	for key, data := range view.data() {
		if was, ok := of[key.Writer]; ok && was != data {
			t.Errorf("of %s there are rows of %s and of %s", key.Writer, was, data)
		}
		of[key.Writer] = data
	}
}

// testTrafficHasOneCompactor has several put a sum in the place of the same rows: it takes place once.
func testTrafficHasOneCompactor(t *testing.T, engine Engine) {
	store := trafficOf(t, engine.Open(t))
	const parts, compactors = 6, 6
	view := newTrafficView()
	for part := range parts {
		mustWriteTraffic(t, store, trafficRow("a", part, "x"))
	}
	if _, err := view.read(t.Context(), store, -1); err != nil {
		t.Fatal(err)
	}
	errs := make([]error, compactors)
	var all sync.WaitGroup
	for i := range compactors {
		all.Go(func() {
			write := graph.TrafficWrite{Put: []graph.TrafficRow{trafficRow("", 0, fmt.Sprint("sum of ", i))}}
			write.Expect = append(write.Expect, graph.TrafficRow{TrafficKey: write.Put[0].TrafficKey})
			for key, row := range view.rows {
				write.Put = append(write.Put, graph.TrafficRow{TrafficKey: key})
				write.Expect = append(write.Expect, graph.TrafficRow{TrafficKey: key, Sequence: row.Sequence})
			}
			errs[i] = store.WriteTraffic(t.Context(), write)
		})
	}
	all.Wait()
	want := make(map[graph.TrafficKey]string)
	for i, err := range errs {
		switch {
		case err == nil:
			want[trafficRow("", 0, "").TrafficKey] = fmt.Sprint("sum of ", i)
		case !errors.Is(err, graph.ErrConflict):
			t.Errorf("%v, want ErrConflict", err)
		}
	}
	if len(want) != 1 {
		t.Fatalf("the errors of the compactors are %v, want one that is nil", errs)
	}
	view.requireTraffic(t, store, want)
}

// testTrafficLife requires what holds for a store that only reads, is away, is closed, or is asked for no longer; and that
// neither side keeps memory of the other.
func testTrafficLife(t *testing.T, engine Engine) {
	store := engine.Open(t)
	row := trafficRow("a", 1, "data")
	view, want := newTrafficView(), map[graph.TrafficKey]string{row.TrafficKey: "data"}
	mustWriteTraffic(t, store, row)
	clear(row.Data)
	for got, err := range trafficOf(t, store).Traffic(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		clear(got.Data)
	}
	view.requireTraffic(t, store, want)

	write := graph.TrafficWrite{Put: []graph.TrafficRow{trafficRow("a", 2, "never there")}}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := trafficOf(t, store).WriteTraffic(ended, write); !errors.Is(err, context.Canceled) {
		t.Errorf("write without a context: %v", err)
	}
	if err := lastError(trafficOf(t, store).Traffic(ended, 0)); !errors.Is(err, context.Canceled) {
		t.Errorf("read without a context: %v", err)
	}
	reader := engine.Join(t, store)
	if err := trafficOf(t, reader).WriteTraffic(t.Context(), write); !errors.Is(err, graph.ErrReadOnly) {
		t.Errorf("write: %v, want ErrReadOnly", err)
	}
	view.requireTraffic(t, reader, want)

	mend := engine.Break(t, store)
	if err := trafficOf(t, store).WriteTraffic(t.Context(), write); !errors.Is(err, graph.ErrUnavailable) {
		t.Errorf("write while the database does not answer: %v, want ErrUnavailable", err)
	}
	if err := lastError(trafficOf(t, store).Traffic(t.Context(), 0)); !errors.Is(err, graph.ErrUnavailable) {
		t.Errorf("read while the database does not answer: %v, want ErrUnavailable", err)
	}
	mend()
	for deadline := time.Now().Add(patience); store.Ready(t.Context()) != nil && time.Now().Before(deadline); {
		<-time.After(10 * time.Millisecond)
	}
	view.requireTraffic(t, store, want)

	for part := range 300 {
		row := trafficRow("b", part, "")
		row.Data = bytes.Repeat([]byte("x"), 10_000)
		want[row.TrafficKey] = string(row.Data)
		mustWriteTraffic(t, store, row)
	}
	n := 0
	for _, err := range trafficOf(t, store).Traffic(t.Context(), 0) {
		switch n++; {
		case n == 1:
			if err := store.Close(); err != nil {
				t.Fatal(err)
			}
		case err != nil && !errors.Is(err, graph.ErrClosed):
			t.Errorf("a stream under way: %v, want ErrClosed", err)
		}
	}
	if n > 302 || n < 2 {
		t.Errorf("a stream under way gave %d rows", n)
	}
	if err := trafficOf(t, store).WriteTraffic(t.Context(), write); !errors.Is(err, graph.ErrClosed) {
		t.Errorf("write into a closed store: %v, want ErrClosed", err)
	}
	if err := lastError(trafficOf(t, store).Traffic(t.Context(), 0)); !errors.Is(err, graph.ErrClosed) {
		t.Errorf("read from a closed store: %v, want ErrClosed", err)
	}
	view.requireTraffic(t, engine.Reopen(t, store), want)
}
