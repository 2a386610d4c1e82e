package graphtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

func testEmptyStore(t *testing.T, engine Engine) {
	h := newHistory(t, engine)
	h.state.requireEqual(t, load(t, h.store, func() {}), "a new store")
	h.requireHistory(t, h.store)
	h.check(t)
}

func testPutReplaceRemove(t *testing.T, engine Engine) {
	h := newHistory(t, engine)
	h.apply(t, graph.Change{Put: storedDocuments(0, 100, 1), Recorded: []graph.FieldChange{birth(1), birth(2)}})
	h.apply(t, graph.Change{Put: storedDocuments(20, 50, 2)})
	h.apply(t, graph.Change{Put: storedDocuments(100, 110, 1), Remove: []catalog.DocumentID{
		storedID(3), storedID(30), storedID(99), storedID(5000), // the last was never there
	}})
	h.apply(t, graph.Change{Put: storedDocuments(30, 31, 3)}) // back again
	h.apply(t, graph.Change{Put: storedDocuments(30, 31, 3)}) // as it was
	h.requireCommits(t, h.store, 0)
	h.check(t)
	h.requireHistory(t, h.store)
}

func testEmptyChange(t *testing.T, engine Engine) {
	h := newHistory(t, engine)
	for range 3 {
		h.apply(t, graph.Change{})
	}
	h.requireCommits(t, h.store, 0)
	h.check(t)
}

func testLargeChange(t *testing.T, engine Engine) {
	h := newHistory(t, engine)
	n := 20_000
	if testing.Short() {
		n = 4_000
	}
	var recorded []graph.FieldChange
	for number := range n {
		recorded = append(recorded, birth(number))
	}
	h.apply(t, graph.Change{Put: storedDocuments(0, n, 1), Recorded: recorded})
	h.check(t)
	var removed []catalog.DocumentID
	for number := n / 2; number < n; number++ {
		removed = append(removed, storedID(number))
	}
	h.apply(t, graph.Change{Put: storedDocuments(0, n/2, 2), Remove: removed})
	h.check(t)
	h.requireCommits(t, h.store, 0)
	h.requireHistory(t, h.store)
}

func testLargeValues(t *testing.T, engine Engine) {
	h := newHistory(t, engine)
	large := strings.Repeat("x🪐\"'\n\x00", 1<<20/10)
	document := storedDocument(1, 1)
	document.Claims[0].Descriptor.Description = large
	h.apply(t, graph.Change{
		Put:      []*catalog.Document{document, storedDocument(2, 1)},
		Recorded: []graph.FieldChange{{Ref: "component:default/a", Field: "description", Old: large, New: large + large, Source: "s"}},
	})
	h.check(t)
	h.requireHistory(t, h.store)
}

// oddStrings are what people and file systems come up with.
var oddStrings = []string{
	"", " ", "\x00", "a\x00", "a\x00b", "\xff\xfe", "caf\xe9", "'", `"`, "`", `\`, "%", "_", "--", ";", "'; DROP TABLE x; --",
	"{}", "$1", "?", "\n", "\r\n", "\t", "\u202e", "\ufeff", "🪐", "👩‍👩‍👧‍👦", "é", "e\u0301", "ß", "İ", "Ω", "日本語", "\U0010ffff",
	"a", "A", "../..", "C:\\x", "/", "~", "null", "0", "-1", strings.Repeat("long/", 400),
}

func testOddStrings(t *testing.T, engine Engine) {
	h := newHistory(t, engine)
	var change graph.Change
	for i, odd := range oddStrings {
		for _, id := range []catalog.DocumentID{
			{Source: odd, Scope: "b", Key: "c"}, {Source: "x", Scope: odd, Key: "c"}, {Source: "x", Scope: "y", Key: odd},
		} {
			change.Put = append(change.Put, &catalog.Document{ID: id, Ordinal: i, Location: odd, Claims: []catalog.Claim{{
				Subject:    catalog.Subject{Ref: catalog.Ref(odd)},
				Descriptor: &catalog.Descriptor{Description: odd, Labels: map[string]string{odd: odd, "k": "v"}},
			}}})
		}
		change.States = append(change.States,
			graph.State{Source: odd, Name: "n", Data: []byte(odd)}, graph.State{Source: "s", Name: odd, Data: []byte(odd)})
		change.Recorded = append(change.Recorded, graph.FieldChange{
			Ref: catalog.Ref(odd), Field: odd, Old: odd, New: odd, Source: odd,
		})
	}
	h.apply(t, change)
	h.requireHistory(t, h.store)
	for _, odd := range oddStrings {
		h.requireAnswer(t, h.store, graph.HistoryQuery{Refs: []catalog.Ref{catalog.Ref(odd)}})
		if _, err := h.store.Lease(t.Context(), odd, "holder of "+odd, time.Minute); err != nil {
			t.Errorf("lease %q: %v", odd, err)
		}
		var held *graph.LeaseHeldError
		if _, err := h.store.Lease(t.Context(), odd, "other", time.Minute); !errors.As(err, &held) || held.Holder != "holder of "+odd {
			t.Errorf("lease %q: %v, want it held by %q", odd, err, "holder of "+odd)
		}
	}
	h.check(t)
	h.requireCommits(t, h.store, 0)
	h.store = engine.Reopen(t, h.store)
	h.check(t)
	var removal graph.Change
	for id := range h.state.documents {
		removal.Remove = append(removal.Remove, id)
	}
	h.apply(t, removal)
	h.check(t)
}

func testTimes(t *testing.T, engine Engine) {
	h := newHistory(t, engine)
	for _, at := range []time.Time{
		time.Date(2024, 1, 1, 12, 0, 0, 123456789, time.FixedZone("east", 5*3600+1800)), // cut to the microsecond, in UTC
		time.Date(2024, 1, 1, 12, 0, 0, 999999999, time.UTC),
		time.Date(2023, 12, 1, 0, 0, 0, 0, time.UTC), // earlier than the one before: clocks differ
	} {
		h.apply(t, graph.Change{Time: at, Put: storedDocuments(0, 2, at.Nanosecond()), Recorded: []graph.FieldChange{birth(0)}})
	}
	h.requireCommits(t, h.store, 0)
	h.requireHistory(t, h.store)
	h.check(t)
}

func testStates(t *testing.T, engine Engine) {
	h := newHistory(t, engine)
	largest := bytes.Repeat([]byte{0, 255, 'x'}, graph.MaxStateBytes/3+1)[:graph.MaxStateBytes]
	h.apply(t, graph.Change{States: []graph.State{
		{Source: "a", Name: "etags", Data: []byte("1")},
		{Source: "b", Name: "etags", Data: []byte("2")},
		{Source: "a", Name: "next", Data: []byte("3")},
		{Source: "a", Name: "largest", Data: largest},
		{Source: "a", Name: "empty", Data: []byte{}},
		{Source: "a", Name: "absent"},
	}})
	h.check(t)
	h.apply(t, graph.Change{States: []graph.State{
		{Source: "a", Name: "etags", Data: []byte("4")}, {Source: "a", Name: "largest"}, {Source: "c", Name: "absent"},
	}})
	h.check(t)
	h.requireCommits(t, h.store, 0)
	_, err := h.store.Apply(t.Context(), graph.Change{Base: h.state.revision, Time: timeOf(9), States: []graph.State{
		{Source: "a", Name: "largest", Data: append(largest, 0)},
	}})
	if !errors.Is(err, graph.ErrTooLarge) {
		t.Errorf("a state of %d bytes: %v, want ErrTooLarge", len(largest)+1, err)
	}
	h.check(t)
}

// testOwnership changes what it gave and what it got: the store must not notice.
func testOwnership(t *testing.T, engine Engine) {
	h := newHistory(t, engine)
	change := graph.Change{
		Put:      storedDocuments(0, 10, 1),
		States:   []graph.State{{Source: "s", Name: "n", Data: []byte("data")}},
		Recorded: []graph.FieldChange{birth(1)},
	}
	for _, document := range change.Put {
		h.state.documents[document.ID] = packed(t, document)
	}
	h.state.states[stateID{"s", "n"}] = "data"
	var err error
	if h.state.revision, err = h.store.Apply(t.Context(), change); err != nil {
		t.Fatal(err)
	}
	spoil := func(documents []*catalog.Document, states []graph.State) {
		for _, document := range documents {
			document.Claims[0].Descriptor.Labels["a"] = "spoilt"
			document.Claims[0].Subject.Ref = "spoilt"
			document.ID.Key = "spoilt"
		}
		for _, state := range states {
			copy(state.Data, "xxxx")
		}
	}
	spoil(change.Put, change.States)
	for range 2 {
		_, records := h.store.Load(t.Context(), graph.AsOf{})
		for record, err := range records {
			if err != nil {
				t.Fatal(err)
			}
			if record.Document != nil {
				spoil([]*catalog.Document{record.Document}, nil)
			} else {
				spoil(nil, []graph.State{*record.State})
			}
		}
		for commit, err := range follow(t, h.store, 0) {
			if err != nil {
				t.Fatal(err)
			}
			spoil(commit.Put, commit.States)
			break
		}
	}
	h.state.requireEqual(t, load(t, h.store, func() {}), "after the caller changed what is his")
}

func testFailedApply(t *testing.T, engine Engine) {
	h := newHistory(t, engine)
	h.apply(t, graph.Change{Put: storedDocuments(0, 30, 1), Recorded: []graph.FieldChange{birth(1)}})
	token, err := h.store.Lease(t.Context(), "scans", "me", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	huge := storedDocument(41, 1)
	huge.Location = strings.Repeat("x", graph.MaxDocumentBytes)
	for name, test := range map[string]struct {
		ctx  context.Context
		fail func(*graph.Change)
		want error
	}{
		"base too old":        {fail: func(c *graph.Change) { c.Base-- }, want: graph.ErrConflict},
		"base too new":        {fail: func(c *graph.Change) { c.Base++ }, want: graph.ErrConflict},
		"fence too old":       {fail: func(c *graph.Change) { c.Lease, c.Fence = "scans", token-1 }, want: graph.ErrFenced},
		"lease never granted": {fail: func(c *graph.Change) { c.Lease, c.Fence = "other", token }, want: graph.ErrFenced},
		"fence before base":   {fail: func(c *graph.Change) { c.Base--; c.Lease = "scans" }, want: graph.ErrFenced},
		"state too large": {fail: func(c *graph.Change) {
			c.States = append(c.States, graph.State{Source: "s", Name: "z", Data: make([]byte, graph.MaxStateBytes+1)})
		}, want: graph.ErrTooLarge},
		"document too large": {fail: func(c *graph.Change) { c.Put = append(c.Put, huge) }, want: graph.ErrTooLarge},
		"nil document":       {fail: func(c *graph.Change) { c.Put = append(c.Put, nil) }, want: graph.ErrBadChange},
		"put twice":          {fail: func(c *graph.Change) { c.Put = append(c.Put, storedDocument(20, 9)) }, want: graph.ErrBadChange},
		"put and removed":    {fail: func(c *graph.Change) { c.Remove = append(c.Remove, storedID(20)) }, want: graph.ErrBadChange},
		"state twice":        {fail: func(c *graph.Change) { c.States = append(c.States, c.States[0]) }, want: graph.ErrBadChange},
		"ended context":      {ctx: ended, fail: func(*graph.Change) {}, want: context.Canceled},
	} {
		change := graph.Change{
			Base: h.state.revision, Time: timeOf(7), Put: storedDocuments(20, 40, 2), Remove: []catalog.DocumentID{storedID(1)},
			States: []graph.State{{Source: "s", Name: "n", Data: []byte("d")}}, Recorded: []graph.FieldChange{birth(2)},
		}
		test.fail(&change)
		ctx := test.ctx
		if ctx == nil {
			ctx = t.Context()
		}
		if revision, err := h.store.Apply(ctx, change); !errors.Is(err, test.want) || revision != 0 {
			t.Errorf("%s: revision %d, %v, want %v", name, revision, err, test.want)
		}
		h.check(t)
		h.requireHistory(t, h.store)
	}
	h.requireCommits(t, h.store, 0)
}

// testApplyEndedByContext ends the context at many moments of an Apply: it took place as a whole or not at all, and the
// error says which.
func testApplyEndedByContext(t *testing.T, engine Engine) {
	h := newHistory(t, engine)
	h.apply(t, graph.Change{Put: storedDocuments(0, 2000, 0)})
	start := time.Now()
	h.apply(t, graph.Change{Put: storedDocuments(0, 2000, 1)})
	whole := time.Since(start)
	for round := range 20 {
		ctx, cancel := context.WithTimeout(t.Context(), whole*time.Duration(round+1)/15)
		change := graph.Change{Base: h.state.revision, Time: timeOf(h.state.revision + 1), Put: storedDocuments(0, 2000, round+2)}
		switch _, err := h.store.Apply(ctx, change); {
		case err == nil:
			h.record(t, change)
		case !errors.Is(err, context.DeadlineExceeded):
			t.Fatalf("apply with an ended context: %v", err)
		}
		cancel()
		h.state.requireEqual(t, load(t, h.store, func() {}), fmt.Sprint("round ", round))
	}
	h.check(t)
}

func testConflict(t *testing.T, engine Engine) {
	h := newHistory(t, engine)
	for range 5 {
		h.apply(t, graph.Change{Put: storedDocuments(0, 1, int(h.state.revision))})
	}
	for base := range graph.Revision(10) {
		if base == h.state.revision {
			continue
		}
		_, err := h.store.Apply(t.Context(), graph.Change{Base: base, Time: timeOf(1), Put: storedDocuments(0, 3, 100)})
		if !errors.Is(err, graph.ErrConflict) {
			t.Errorf("base %d of %d: %v, want ErrConflict", base, h.state.revision, err)
		}
	}
	h.check(t)
}

func testOneWinsPerBase(t *testing.T, engine Engine) {
	h := newHistory(t, engine)
	for round := range 10 {
		const appliers = 6
		changes, errs := make([]graph.Change, appliers), make([]error, appliers)
		var all sync.WaitGroup
		for i := range appliers {
			changes[i] = graph.Change{
				Base: h.state.revision, Time: timeOf(h.state.revision + 1), Put: storedDocuments(i, 20+i, round*100+i),
			}
			all.Go(func() { _, errs[i] = h.store.Apply(t.Context(), changes[i]) })
		}
		all.Wait()
		winners := 0
		for i, err := range errs {
			switch {
			case err == nil:
				winners++
				h.record(t, changes[i])
			case !errors.Is(err, graph.ErrConflict):
				t.Errorf("applier %d: %v, want ErrConflict", i, err)
			}
		}
		if winners != 1 {
			t.Fatalf("%d changes on top of revision %d won", winners, round)
		}
	}
	h.check(t)
}

// testConcurrentAppliers lets several count in one document: none may lose a count of another.
func testConcurrentAppliers(t *testing.T, engine Engine) {
	store := engine.Open(t)
	const appliers, counts = 4, 15
	count := func() error {
		for {
			revision, records := store.Load(t.Context(), graph.AsOf{})
			counter := &catalog.Document{ID: storedID(0)}
			for record, err := range records {
				if err != nil {
					return err
				}
				counter = record.Document
			}
			counter.Ordinal++
			_, err := store.Apply(t.Context(), graph.Change{Base: revision, Time: timeOf(1), Put: []*catalog.Document{counter}})
			if !errors.Is(err, graph.ErrConflict) {
				return err
			}
		}
	}
	var all sync.WaitGroup
	for range appliers {
		all.Go(func() {
			for range counts {
				if err := count(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	want := newStoreState()
	want.revision = appliers * counts
	want.documents[storedID(0)] = packed(t, &catalog.Document{ID: storedID(0), Ordinal: appliers * counts})
	want.requireEqual(t, load(t, store, func() {}), "after everybody counted")
}
