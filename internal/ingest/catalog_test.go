package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/ingest"
	"github.com/orrery-catalog/orrery/scanners"
)

const (
	refA = "component:default/a"
	refB = "component:default/b"
	refC = "component:default/c"
)

func TestConfigMistakes(t *testing.T) {
	w := &world{}
	for want, sources := range map[string][]ingest.Source{
		"a source has no id":            {{Scanner: w}},
		`two sources have the id "one"`: {{ID: "one", Scanner: w}, {ID: "one", Scanner: w}},
		`source "one" has no scanner`:   {{ID: "one"}},
	} {
		if _, err := ingest.New(t.Context(), ingest.Config{Sources: sources}); err == nil || err.Error() != want {
			t.Errorf("the error is %v, want %s", err, want)
		}
	}
}

func TestInMemory(t *testing.T) {
	w := &world{}
	c := newCatalog(t, nil, ingest.Source{ID: "w", Scanner: w})
	if c.Snapshot() != nil || c.Ready(t.Context()) == nil {
		t.Error("there is a snapshot before anything was scanned")
	}
	changed := c.Changed()
	w.says(read("f", refA))
	scan(t, c)
	select {
	case <-changed:
	default:
		t.Error("nobody was told of the first snapshot")
	}
	if diff := cmp.Diff([]string{refA}, shown(c.Snapshot())); diff != "" {
		t.Error(diff)
	}
	if err := c.Ready(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestEmptyCatalogIsReady holds that a scan that found nothing is an answer too.
func TestEmptyCatalogIsReady(t *testing.T) {
	c := newCatalog(t, openStore(t, storePath(t), false), ingest.Source{ID: "w", Scanner: &world{}})
	if c.Snapshot() != nil {
		t.Error("an empty store has a snapshot")
	}
	scan(t, c)
	if c.Snapshot() == nil || c.Snapshot().Len() != 0 {
		t.Error("there is no empty snapshot after the scan")
	}
}

func TestRestart(t *testing.T) {
	path := storePath(t)
	one, two := &world{}, &world{}
	one.says(read("f", refA, "!broken"), read("g", refB))
	two.says(read("f", refC))
	one.next = []byte("cursor of one")
	sources := []ingest.Source{{ID: "two", Kind: "files", Scanner: two}, {ID: "one", Kind: "files", Scanner: one}}
	store := openStore(t, path, false)
	c := newCatalog(t, store, sources...)
	scan(t, c)
	two.fails(errors.New("down"))
	if _, err := c.Scan(t.Context(), "two"); err == nil {
		t.Fatal("no error")
	}
	before := c.Snapshot()
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}

	c = newCatalog(t, openStore(t, path, false), sources...)
	after := c.Snapshot()
	if after == nil {
		t.Fatal("there is no snapshot after the restart")
	}
	if before.Revision() != after.Revision() || !before.Time().Equal(after.Time()) {
		t.Errorf("revision %d of %v, before %d of %v", after.Revision(), after.Time(), before.Revision(), before.Time())
	}
	if diff := cmp.Diff(shown(before), shown(after)); diff != "" {
		t.Errorf("entities (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff(before.Sources(), after.Sources()); diff != "" {
		t.Errorf("sources (-before +after):\n%s", diff)
	}
	if two := after.Sources()[1]; two.State != graph.SourceFailed || two.Error != "down" || two.Documents != 1 || two.LastGood.IsZero() {
		t.Errorf("the failed source is %+v", two)
	}
	if lost := after.Sources()[0].Lost; lost["broken"] != 1 {
		t.Errorf("lost is %v", lost)
	}
	if result := scan(t, c, "one").Sources[0]; result.Put+result.Removed != 0 {
		t.Errorf("the scan after the restart put %d and removed %d documents", result.Put, result.Removed)
	}
	if string(one.given) != "cursor of one" {
		t.Errorf("the scanner was given %q", one.given)
	}
}

// TestLostTrafficIsCountedOnce holds that what is wrong in recorded traffic stands among the problems alone: how much of it was
// lost is told by what counts the traffic.
func TestLostTrafficIsCountedOnce(t *testing.T) {
	w := &world{}
	w.says(read("f", refA, "!broken"))
	c := newCatalog(t, openStore(t, storePath(t), false), ingest.Source{ID: "w", Scanner: w, Ages: true})
	scan(t, c)
	if lost := c.Snapshot().Sources()[0].Lost; len(lost) > 0 {
		t.Errorf("lost is %v", lost)
	}
	if n := len(slices.Collect(c.Snapshot().Problems(catalog.Ref("")))); n != 1 {
		t.Errorf("there are %d problems", n)
	}
}

func TestFailedScanKeepsTheCursor(t *testing.T) {
	w := &world{next: []byte("good")}
	c := newCatalog(t, openStore(t, storePath(t), false), ingest.Source{ID: "w", Scanner: w})
	scan(t, c)
	w.next = []byte("bad")
	w.fails(errors.New("down"))
	if _, err := c.Scan(t.Context()); err == nil {
		t.Fatal("no error")
	}
	w.says()
	scan(t, c)
	if string(w.given) != "good" {
		t.Errorf("the scanner was given %q, want that of the last good scan", w.given)
	}
}

func TestUnknownSource(t *testing.T) {
	c := newCatalog(t, nil, ingest.Source{ID: "w", Scanner: &world{}})
	if _, err := c.Scan(t.Context(), "v"); !errors.Is(err, graph.ErrUnknownSource) || !strings.Contains(err.Error(), "w") {
		t.Errorf("the error is %v", err)
	}
}

// TestOneSourceFails holds that the others are scanned, and that the answer of the failed one stands.
func TestOneSourceFails(t *testing.T) {
	one, two := &world{}, &world{}
	c := newCatalog(t, openStore(t, storePath(t), false), ingest.Source{ID: "one", Scanner: one}, ingest.Source{ID: "two", Scanner: two})
	one.says(read("f", refA))
	two.says(read("f", refB))
	scan(t, c)
	one.says()
	one.fails(errors.New("down"))
	two.says(read("f", refC))
	result, err := c.Scan(t.Context())
	var failed *ingest.SourceError
	if !errors.As(err, &failed) || failed.Source != "one" || err.Error() != "source one: down" {
		t.Errorf("the error is %v", err)
	}
	if result.Sources[0].Err == nil || result.Sources[1].Err != nil {
		t.Errorf("the result is %+v", result)
	}
	if diff := cmp.Diff([]string{refA, refC}, shown(c.Snapshot())); diff != "" {
		t.Errorf("entities (-want +got):\n%s", diff)
	}
}

// TestOrderOfScans holds that any order of scans gives the same catalog.
func TestOrderOfScans(t *testing.T) {
	build := func(order ...string) *graph.Snapshot {
		one, two := &world{}, &world{}
		one.says(read("f", refA+" One", refB), read("g", refC+" One"))
		two.says(read("f", refA+" Two"), read("a", refC+" Two"))
		c := newCatalog(t, openStore(t, storePath(t), false),
			ingest.Source{ID: "one", Scanner: one}, ingest.Source{ID: "two", Scanner: two, Priority: 50})
		for _, id := range order {
			scan(t, c, id)
		}
		return c.Snapshot()
	}
	want := build("one", "two")
	for _, order := range [][]string{{"two", "one"}, {"two", "one", "two"}, {"one", "two", "one"}} {
		got := build(order...)
		if diff := cmp.Diff(shown(want), shown(got)); diff != "" {
			t.Errorf("entities after %v (-want +got):\n%s", order, diff)
		}
		if diff := cmp.Diff(problems(want), problems(got)); diff != "" {
			t.Errorf("problems after %v (-want +got):\n%s", order, diff)
		}
	}
}

// TestCancelledScan holds that a scan that is stopped leaves no trace at all.
func TestCancelledScan(t *testing.T) {
	w, store := &world{}, &spy{Store: openStore(t, storePath(t), false)}
	c := newCatalog(t, store, ingest.Source{ID: "w", Scanner: w})
	w.says(read("f", refA))
	scan(t, c)
	before := c.Snapshot()
	ctx, cancel := context.WithCancel(t.Context())
	w.says(read("g", refB))
	w.during = cancel
	if _, err := c.Scan(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	if c.Snapshot() != before || len(store.taken()) != 1 {
		t.Errorf("the scan that was stopped left revision %d and %d changes", c.Snapshot().Revision(), len(store.taken()))
	}
}

// TestOneChangePerScan holds that all scopes of a scan come in one change, and none that needs no writing.
func TestOneChangePerScan(t *testing.T) {
	w, store := &world{}, &spy{Store: openStore(t, storePath(t), false)}
	c := newCatalog(t, store, ingest.Source{ID: "w", Scanner: w})
	var many []scope
	for i := range 500 {
		many = append(many, read(fmt.Sprintf("f%d", i), fmt.Sprintf("component:default/a%d", i)))
	}
	w.says(many...)
	scan(t, c)
	model := c.Snapshot()
	scan(t, c)
	changes := store.taken()
	if len(changes) != 2 || len(changes[0].Put) != 500 || len(changes[1].Put)+len(changes[1].Remove) != 0 {
		t.Errorf("there were %d changes", len(changes))
	}
	one, _ := model.Entity("component:default/a1")
	two, err := c.Snapshot().Entity("component:default/a1")
	if err != nil || one != two {
		t.Error("a scan that found nothing new was merged anew")
	}
}

// TestConflict holds that a change is computed anew when somebody else wrote first, and that theirs is not lost.
func TestConflict(t *testing.T) {
	w, store := &world{}, &spy{Store: openStore(t, storePath(t), false)}
	c := newCatalog(t, store, ingest.Source{ID: "w", Scanner: w})
	w.says(read("f", refA))
	scan(t, c)
	interfered := false
	store.before = func(change graph.Change) error {
		if interfered {
			return nil
		}
		interfered = true
		theirs := document("f", 0, refC)
		theirs.ID = catalog.DocumentID{Source: "other", Scope: "f", Key: refC}
		_, err := store.Store.Apply(t.Context(), graph.Change{Base: change.Base, Time: change.Time, Put: []*catalog.Document{theirs}})
		return err
	}
	w.says(read("g", refB))
	scan(t, c)
	if !interfered {
		t.Fatal("nobody interfered")
	}
	if diff := cmp.Diff([]string{refB, refC}, shown(c.Snapshot())); diff != "" {
		t.Errorf("entities (-want +got):\n%s", diff)
	}
}

func TestEndlessConflict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, store := &world{}, &spy{Store: local{newDatabase().door()}}
		c := newCatalog(t, store, ingest.Source{ID: "w", Scanner: w})
		store.before = func(change graph.Change) error { // somebody else is always faster
			_, err := store.Store.Apply(t.Context(), graph.Change{Base: change.Base, Time: change.Time})
			return err
		}
		if _, err := c.Scan(t.Context()); !errors.Is(err, graph.ErrConflict) {
			t.Errorf("the error is %v", err)
		}
	})
}

// local is a database that only one process writes to.
type local struct{ *door }

func (local) Capabilities() graph.Capabilities { return graph.Capabilities{} }

// TestStoreCannotBeWritten holds that what is not in the store is not in the answers either.
func TestStoreCannotBeWritten(t *testing.T) {
	w, store := &world{}, &spy{Store: openStore(t, storePath(t), false)}
	c := newCatalog(t, store, ingest.Source{ID: "w", Scanner: w})
	w.says(read("f", refA))
	scan(t, c)
	store.before = func(graph.Change) error { return graph.ErrUnavailable }
	w.says(read("f", refB))
	if _, err := c.Scan(t.Context()); !errors.Is(err, graph.ErrUnavailable) || strings.Contains(err.Error(), "\n") {
		t.Errorf("the error is %q", err)
	}
	if diff := cmp.Diff([]string{refA}, shown(c.Snapshot())); diff != "" {
		t.Errorf("entities (-want +got):\n%s", diff)
	}
	store.before = nil
	scan(t, c)
	if diff := cmp.Diff([]string{refB}, shown(c.Snapshot())); diff != "" {
		t.Errorf("entities (-want +got):\n%s", diff)
	}
}

func TestBadScanners(t *testing.T) {
	w := &world{}
	c := newCatalog(t, nil, ingest.Source{ID: "w", Scanner: w})
	w.says(read("f", refA), read("f", refB))
	if _, err := c.Scan(t.Context()); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("a scope that is reported twice: %v", err)
	}
	w.says(read("f", refA))
	w.next = make([]byte, 64<<20+1)
	if _, err := c.Scan(t.Context()); !errors.Is(err, graph.ErrTooLarge) {
		t.Errorf("a state that is too large: %v", err)
	}
	if got := shown(c.Snapshot()); len(got) != 0 {
		t.Errorf("a failed scan left %v", got)
	}
}

// TestTooMuch holds that no scope can put more into the store than a document may hold.
func TestTooMuch(t *testing.T) {
	w := &world{}
	c := newCatalog(t, nil, ingest.Source{ID: "w", Scanner: w})
	says := []string{refA + " " + strings.Repeat("x", graph.MaxDocumentBytes), refB}
	for i := range 2000 {
		says = append(says, fmt.Sprintf("!broken %d", i))
	}
	w.says(partly("f", says...))
	scan(t, c)
	if diff := cmp.Diff([]string{refB}, shown(c.Snapshot())); diff != "" {
		t.Errorf("entities (-want +got):\n%s", diff)
	}
	codes := make(map[string]int)
	for problem := range c.Snapshot().Problems("") {
		codes[problem.Code]++
	}
	if diff := cmp.Diff(map[string]int{"broken": 1000, "more-problems": 1}, codes); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

// TestProgress holds that a listener who keeps up sees every step, and each listener the end.
func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{}
		c := newCatalog(t, nil, ingest.Source{ID: "w", Scanner: w})
		var many []scope
		for i := range 600 {
			many = append(many, read(fmt.Sprintf("f%d", i), fmt.Sprintf("component:default/a%d", i)))
		}
		w.says(many...)
		w.pause = time.Millisecond
		steps := listen(t, c)
		slow, stop := iter.Pull(c.Progress(t.Context()))
		defer stop()
		go func() { _, _ = c.Scan(t.Context()) }()
		synctest.Wait()
		first, _ := slow() // and nothing more for a while
		pass(time.Minute)
		synctest.Wait()
		want := []graph.ScanProgress{
			{Source: "w"},
			{Source: "w", Scopes: 256, Documents: 256},
			{Source: "w", Scopes: 512, Documents: 512},
			{Source: "w", Scopes: 600, Documents: 600, Done: true},
		}
		if diff := cmp.Diff(want, steps()); diff != "" {
			t.Errorf("steps (-want +got):\n%s", diff)
		}
		last, _ := slow()
		if diff := cmp.Diff([]graph.ScanProgress{want[0], want[3]}, []graph.ScanProgress{first, last}); diff != "" {
			t.Errorf("steps of the slow one (-want +got):\n%s", diff)
		}
		w.fails(errors.New("down\nand out"))
		if _, err := c.Scan(t.Context()); err == nil {
			t.Error("no error")
		}
		synctest.Wait()
		if got := steps(); got[len(got)-1].Error != "down and out" || !got[len(got)-1].Done {
			t.Errorf("the end is %+v", got[len(got)-1])
		}
	})
}

// TestManyListeners holds that listeners who stop listening hold nothing up.
func TestManyListeners(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{}
		c := newCatalog(t, nil, ingest.Source{ID: "w", Scanner: w})
		var listening []func() []graph.ScanProgress
		for i := range 1000 {
			if i%2 == 0 {
				listening = append(listening, listen(t, c))
				continue
			}
			go func() {
				for range c.Progress(t.Context()) {
					<-t.Context().Done() // stops reading after the first
				}
			}()
		}
		for i := range 100 {
			w.says(read("f", fmt.Sprintf("%s %d", refA, i)))
			scan(t, c)
			synctest.Wait()
		}
		for _, steps := range listening {
			ends := 0
			for _, step := range steps() {
				if step.Done {
					ends++
				}
			}
			if ends != 100 {
				t.Fatalf("a listener saw %d ends, want 100", ends)
			}
		}
	})
}

// listen gathers progress until the test ends. It is for use in a bubble.
func listen(t *testing.T, c *ingest.Catalog) (steps func() []graph.ScanProgress) {
	t.Helper()
	var mu sync.Mutex
	var list []graph.ScanProgress
	go func() {
		for step := range c.Progress(t.Context()) {
			mu.Lock()
			list = append(list, step)
			mu.Unlock()
		}
	}()
	synctest.Wait()
	return func() []graph.ScanProgress {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(list)
	}
}

// TestReadOnly holds that a reader shows what is stored and what others commit, and never scans.
func TestReadOnly(t *testing.T) {
	path := storePath(t)
	w := &world{}
	w.says(read("f", refA))
	writer := newCatalog(t, openStore(t, path, false), ingest.Source{ID: "w", Kind: "files", Scanner: w})
	scan(t, writer)

	reader, err := ingest.New(t.Context(), ingest.Config{
		Store: openStore(t, path, true), ReadOnly: true, Sources: []ingest.Source{{ID: "w", Kind: "files"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{refA}, shown(reader.Snapshot())); diff != "" {
		t.Errorf("entities (-want +got):\n%s", diff)
	}
	if _, err := reader.Scan(t.Context()); !errors.Is(err, graph.ErrReadOnly) {
		t.Errorf("the error of a scan is %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- reader.Run(ctx) }()
	for _, what := range [][]scope{{read("f", refA, refB)}, {read("g", refC)}, {unreadable("g")}} {
		w.says(what...)
		scan(t, writer)
		want := writer.Snapshot()
		for {
			changed := reader.Changed() // before the look, so that none is missed
			if reader.Snapshot().Revision() == want.Revision() {
				break
			}
			<-changed
		}
		if diff := cmp.Diff(shown(want), shown(reader.Snapshot())); diff != "" {
			t.Errorf("entities (-writer +reader):\n%s", diff)
		}
		if diff := cmp.Diff(want.Sources(), reader.Snapshot().Sources()); diff != "" {
			t.Errorf("sources (-writer +reader):\n%s", diff)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestRun holds that serving scans everything, survives a source that fails, and stops when told.
func TestRun(t *testing.T) {
	good, bad := &world{}, &world{}
	good.says(read("f", refA))
	bad.fails(errors.New("down"))
	c := newCatalog(t, nil, ingest.Source{ID: "good", Scanner: good}, ingest.Source{ID: "bad", Scanner: bad})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	for {
		changed := c.Changed()
		if s := c.Snapshot(); s != nil && len(shown(s)) == 1 && s.Sources()[0].State == graph.SourceFailed {
			break
		}
		<-changed
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

var _ scanners.Scanner = (*world)(nil)
