package graphtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/graph"
)

// trafficOf is the store with its rows of traffic, which every engine keeps.
func trafficOf(t testing.TB, store graph.Store) graph.TrafficStore {
	t.Helper()
	of, ok := store.(graph.TrafficStore)
	if !ok {
		t.Fatalf("a %T keeps no traffic", store)
	}
	return of
}

// trafficView is what a reader knows who goes on after the last row it was given.
type trafficView struct {
	rows map[graph.TrafficKey]graph.TrafficRow
	last uint64

	// strange are the empty rows it was given from the start without having known them: right only where they were emptied
	// while it read.
	strange []graph.TrafficKey
}

func newTrafficView() *trafficView {
	return &trafficView{rows: make(map[graph.TrafficKey]graph.TrafficRow)}
}

// read takes in what was written since, at most so many rows, and says whether that was all.
func (v *trafficView) read(ctx context.Context, store graph.TrafficStore, limit int) (whole bool, err error) {
	fromStart := v.last == 0
	for row, err := range store.Traffic(ctx, v.last) {
		switch {
		case err != nil:
			return false, err
		case row.Sequence <= v.last:
			return false, fmt.Errorf("sequence %d came after %d", row.Sequence, v.last)
		case fromStart && len(row.Data) == 0 && v.rows[row.TrafficKey].Sequence == 0:
			v.strange = append(v.strange, row.TrafficKey)
		}
		v.last = row.Sequence
		if v.rows[row.TrafficKey] = row; len(row.Data) == 0 {
			delete(v.rows, row.TrafficKey)
		}
		if limit--; limit == 0 {
			return false, nil
		}
	}
	return true, nil
}

// data is what the rows hold.
func (v *trafficView) data() map[graph.TrafficKey]string {
	all := make(map[graph.TrafficKey]string, len(v.rows))
	for key, row := range v.rows {
		all[key] = string(row.Data)
	}
	return all
}

// requireTraffic requires that the store holds these rows, and that the reader who goes on finds the same. Nobody may be
// writing.
func (v *trafficView) requireTraffic(t testing.TB, store graph.Store, want map[graph.TrafficKey]string) {
	t.Helper()
	anew := newTrafficView()
	for _, reader := range []*trafficView{v, anew} {
		if _, err := reader.read(t.Context(), trafficOf(t, store), -1); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, reader.data()); diff != "" {
			t.Fatalf("the rows of traffic (-want +got):\n%s", diff)
		}
	}
	if len(anew.strange) > 0 {
		t.Fatalf("the rows %+v are told from the start and are empty", anew.strange)
	}
	if !maps.EqualFunc(v.rows, anew.rows, func(a, b graph.TrafficRow) bool { return a.Sequence == b.Sequence }) {
		t.Fatal("who reads on and who reads anew are given other sequences")
	}
}

func mustWriteTraffic(t testing.TB, store graph.Store, rows ...graph.TrafficRow) {
	t.Helper()
	if err := trafficOf(t, store).WriteTraffic(t.Context(), graph.TrafficWrite{Put: rows}); err != nil {
		t.Fatal(err)
	}
}

// trafficRow is a row of a writer.
func trafficRow(writer string, part int, data string) graph.TrafficRow {
	return graph.TrafficRow{TrafficKey: graph.TrafficKey{Source: "traces", Writer: writer, Hour: 492_000, Part: uint16(part)}, Data: []byte(data)}
}

// testTraffic writes, replaces and empties rows in any order, in writes of any size and on any condition, and reads after
// each, also by a store that was opened again and one that only reads.
func testTraffic(t *testing.T, engine Engine) {
	store, random := engine.Open(t), rand.New(rand.NewPCG(1, 7))
	view, want := newTrafficView(), make(map[graph.TrafficKey]string)
	view.requireTraffic(t, store, want)
	words := []string{"", "traces", "a\x00b", "\xff\xfe", "\x01\x02", "🪐", "'", strings.Repeat("long/", 3000)}
	steps := 150
	if testing.Short() {
		steps = 60
	}
	for step := range steps {
		var write graph.TrafficWrite
		after := maps.Clone(want)
		for range random.IntN(12) {
			row := graph.TrafficRow{TrafficKey: graph.TrafficKey{
				Source: words[random.IntN(len(words))], Writer: words[random.IntN(len(words))],
				Hour: []traffic.Hour{0, 1, 492_000, 1<<32 - 1}[random.IntN(4)], Part: []uint16{0, 1, 1<<16 - 1}[random.IntN(3)],
			}, Sequence: random.Uint64()}
			if len(view.rows) > 0 && random.IntN(3) == 0 { // one that is there
				row.TrafficKey = slices.Collect(maps.Keys(view.rows))[random.IntN(len(view.rows))]
			}
			if slices.ContainsFunc(write.Put, func(r graph.TrafficRow) bool { return r.TrafficKey == row.TrafficKey }) {
				continue
			}
			if random.IntN(4) > 0 {
				row.Data = bytes.Repeat([]byte{0, byte(step), 255}, 1+random.IntN(2000))
			}
			if after[row.TrafficKey] = string(row.Data); len(row.Data) == 0 {
				delete(after, row.TrafficKey)
			}
			write.Put = append(write.Put, row)
			if random.IntN(3) == 0 {
				write.Expect = append(write.Expect, graph.TrafficRow{TrafficKey: row.TrafficKey, Sequence: view.rows[row.TrafficKey].Sequence})
			}
		}
		var wrong bool
		if len(write.Expect) > 0 && random.IntN(4) == 0 {
			wrong = true
			write.Expect[random.IntN(len(write.Expect))].Sequence += 1 + random.Uint64N(3)
		}
		switch err := trafficOf(t, store).WriteTraffic(t.Context(), write); {
		case wrong && errors.Is(err, graph.ErrConflict):
		case wrong || err != nil:
			t.Fatalf("step %d: a write whose expectations are wrong (%t): %v", step, wrong, err)
		default:
			want = after
		}
		view.requireTraffic(t, store, want)
		if random.IntN(20) == 0 {
			store = engine.Reopen(t, store)
		}
	}
	view.requireTraffic(t, engine.Join(t, store), want)
}

// testTrafficExpect states what holds for a row that never was, one that is, and one that is empty.
func testTrafficExpect(t *testing.T, engine Engine) {
	store := engine.Open(t)
	view := newTrafficView()
	written := func() map[graph.TrafficKey]string {
		t.Helper()
		if _, err := view.read(t.Context(), trafficOf(t, store), -1); err != nil {
			t.Fatal(err)
		}
		return view.data()
	}
	try := func(key graph.TrafficKey, sequence uint64) bool {
		t.Helper()
		before := written()
		err := trafficOf(t, store).WriteTraffic(t.Context(), graph.TrafficWrite{
			Put:    []graph.TrafficRow{trafficRow("other", 0, fmt.Sprint("after ", view.last))},
			Expect: []graph.TrafficRow{{TrafficKey: key, Sequence: sequence}},
		})
		if err != nil && !errors.Is(err, graph.ErrConflict) {
			t.Fatal(err)
		}
		if after := written(); maps.Equal(before, after) != (err != nil) {
			t.Fatalf("%v, and before there was %v and after %v", err, before, after)
		}
		return err == nil
	}
	require := func(what string, key graph.TrafficKey, sequence uint64, want bool) {
		t.Helper()
		if got := try(key, sequence); got != want {
			t.Errorf("%s, expected at sequence %d: written %t, want %t", what, sequence, got, want)
		}
	}
	row := trafficRow("a", 1, "data")
	require("a row that never was", row.TrafficKey, 0, true)
	require("a row that never was", row.TrafficKey, 1, false)
	mustWriteTraffic(t, store, row)
	written()
	sequence := view.rows[row.TrafficKey].Sequence
	require("a row", row.TrafficKey, sequence, true)
	require("a row", row.TrafficKey, 0, false)
	require("a row", row.TrafficKey, sequence+1, false)
	require("a row", row.TrafficKey, 1<<64-1, false)
	mustWriteTraffic(t, store, row)
	require("a row that was written again", row.TrafficKey, sequence, false)
	mustWriteTraffic(t, store, trafficRow("a", 1, ""))
	require("an empty row", row.TrafficKey, 0, true)
	require("an empty row", row.TrafficKey, sequence, false)
	neighbours := []graph.TrafficKey{
		{Source: "traces", Writer: "a", Hour: 492_000, Part: 2},
		{Source: "traces", Writer: "a", Hour: 492_001, Part: 1},
		{Source: "traces", Writer: "b", Hour: 492_000, Part: 1},
		{Source: "trace", Writer: "sa", Hour: 492_000, Part: 1},
	}
	mustWriteTraffic(t, store, row)
	for _, key := range neighbours {
		require("a row beside one that is", key, 0, true)
	}
}

// testTrafficMakesNoRevision requires that rows are told by Traffic alone: a change that rests on the newest revision goes
// through whatever was written meanwhile, and loads, followers and the history are told of changes only.
func testTrafficMakesNoRevision(t *testing.T, engine Engine) {
	h, want := newHistory(t, engine), make(map[graph.TrafficKey]string)
	put := func(part int, data string) {
		t.Helper()
		row := trafficRow("a", part, data)
		want[row.TrafficKey] = data
		mustWriteTraffic(t, h.store, row)
	}
	put(0, "before anything else")
	h.check(t)
	for version := range 4 {
		for part := range 5 {
			put(part, fmt.Sprint("version ", version))
		}
		h.apply(t, graph.Change{Put: storedDocuments(0, 3, version), Recorded: []graph.FieldChange{birth(version)}})
	}
	put(4, "the last")
	h.requireCommits(t, h.store, 0)
	h.check(t)
	h.requireHistory(t, h.store)
	h.store = engine.Reopen(t, h.store)
	h.check(t)
	newTrafficView().requireTraffic(t, h.store, want)
}

// testTrafficBounds writes the largest that is allowed, and more.
func testTrafficBounds(t *testing.T, engine Engine) {
	store := trafficOf(t, engine.Open(t))
	view, want := newTrafficView(), make(map[graph.TrafficKey]string)
	rows := func(n, bytes int) (all []graph.TrafficRow) {
		for part := range n {
			all = append(all, trafficRow("w", part, strings.Repeat("x", bytes)))
		}
		return all
	}
	keys := len("traces") + len("w")
	for name, put := range map[string][]graph.TrafficRow{
		"a row":  rows(1, graph.MaxStateBytes+1),
		"rows":   rows(graph.MaxTrafficRows+1, 1),
		"bytes":  rows(graph.MaxTrafficBytes>>20, graph.MaxStateBytes-keys+1),
		"a key":  {{TrafficKey: graph.TrafficKey{Writer: strings.Repeat("x", graph.MaxTrafficBytes)}, Data: []byte("x")}},
		"twice":  append(rows(3, 1), trafficRow("w", 1, "again")),
		"expect": nil,
	} {
		write, want := graph.TrafficWrite{Put: put}, graph.ErrTooLarge
		switch name {
		case "twice":
			want = graph.ErrBadChange
		case "expect":
			write.Expect = rows(graph.MaxTrafficRows+1, 0)
		}
		if err := store.WriteTraffic(t.Context(), write); !errors.Is(err, want) {
			t.Errorf("too large by %s: %v, want %v", name, err, want)
		}
	}
	view.requireTraffic(t, store, want)
	for name, put := range map[string][]graph.TrafficRow{
		"rows": rows(graph.MaxTrafficRows, 100), "bytes": rows(graph.MaxTrafficBytes>>20, graph.MaxStateBytes-keys),
	} {
		for _, row := range put {
			want[row.TrafficKey] = string(row.Data)
		}
		if err := store.WriteTraffic(t.Context(), graph.TrafficWrite{Put: put}); err != nil {
			t.Fatalf("as many %s as are allowed: %v", name, err)
		}
		view.requireTraffic(t, store, want)
	}
	if err := store.WriteTraffic(t.Context(), graph.TrafficWrite{}); err != nil {
		t.Errorf("a write of nothing: %v", err)
	}
	view.requireTraffic(t, store, want)
}

// testTrafficForgotten requires that emptied rows are told for a day, and that who reads on after longer learns that it
// must begin anew.
func testTrafficForgotten(t *testing.T, engine Engine) {
	store := engine.Open(t)
	early, view, want := newTrafficView(), newTrafficView(), make(map[graph.TrafficKey]string)
	put := func(part int, data string) {
		t.Helper()
		row := trafficRow("a", part, data)
		mustWriteTraffic(t, store, row)
		if want[row.TrafficKey] = data; data == "" {
			delete(want, row.TrafficKey)
		}
		view.requireTraffic(t, store, want)
	}
	for part := range 20 {
		put(part, "data")
	}
	if _, err := early.read(t.Context(), trafficOf(t, store), -1); err != nil {
		t.Fatal(err)
	}
	for part := range 10 {
		put(part, "")
	}
	engine.AgeTraffic(t, store, 23*time.Hour)
	put(30, "makes the store tidy up")
	late := &trafficView{rows: maps.Clone(early.rows), last: early.last}
	late.requireTraffic(t, store, want)
	put(11, "") // is still young when the others are forgotten
	engine.AgeTraffic(t, store, 2*time.Hour)
	for range 10 {
		put(30, "makes the store tidy up")
	}
	if _, err := early.read(t.Context(), trafficOf(t, store), -1); !errors.Is(err, graph.ErrCompacted) {
		t.Errorf("who comes after a day is told %v, want ErrCompacted", err)
	}
	store = engine.Reopen(t, store)
	view.requireTraffic(t, store, want)
	engine.AgeTraffic(t, store, 23*time.Hour)
	put(1, "is back")
	for _, err := range trafficOf(t, store).Traffic(t.Context(), view.last+1) {
		if !errors.Is(err, graph.ErrCompacted) {
			t.Errorf("read on after a sequence of the future: %v, want ErrCompacted", err)
		}
	}
	put(2, "is back") // the sequence of a forgotten row is not given again
}
