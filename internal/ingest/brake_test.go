package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/ingest"
	"github.com/orrery-catalog/orrery/scanners"
)

// services are files of one component each, numbered from the first up to the last, without it.
func services(first, last int) []scope {
	var list []scope
	for i := first; i < last; i++ {
		list = append(list, read(fmt.Sprintf("f%03d", i), fmt.Sprintf("component:default/s%03d", i)))
	}
	return list
}

// taken says of such files that they were taken away.
func taken(first, last int) []scope {
	list := services(first, last)
	for i := range list {
		list[i] = gone(list[i].name)
	}
	return list
}

func TestBrake(t *testing.T) {
	moved := func(scopes []scope) []scope {
		for i := range scopes {
			scopes[i].name = "moved/" + scopes[i].name
		}
		return scopes
	}
	tests := []struct {
		name          string
		before, after []scope
		held, left    int // entities
		reason        string
	}{
		{"19 of 100", services(0, 100), services(19, 100), 0, 81, ""},
		{"20 of 100", services(0, 100), services(20, 100), 0, 80, ""},
		{"21 of 100", services(0, 100), services(21, 100), 21, 100, "21 of 100 entities would go: more than 20 % and more than 20"},
		{"19 % of many", services(0, 200), services(38, 200), 0, 162, ""},
		{"20 % of many", services(0, 200), services(40, 200), 0, 160, ""},
		{"21 % of many", services(0, 200), services(42, 200), 42, 200, "42 of 200 entities would go: more than 20 % and more than 20"},
		{"20 of few", services(0, 21), services(20, 21), 0, 1, ""},
		{"all but one", services(0, 22), services(21, 22), 21, 22, "21 of 22 entities would go: more than 20 % and more than 20"},
		{"all of two", services(0, 2), nil, 2, 2, "all 2 entities of the source would go"},
		{"all of one", services(0, 1), nil, 0, 0, ""},
		{"all are renamed", services(0, 30), services(30, 60), 30, 60, "all 30 entities of the source would go"},
		{"all of few are others", services(0, 5), services(5, 10), 5, 10, "all 5 entities of the source would go"},
		{"all are moved", services(0, 30), moved(services(0, 30)), 0, 30, ""},
		{"one file with all is moved", []scope{read("a", refA, refB)}, []scope{read("b", refA, refB)}, 0, 2, ""},
		{"all are gone from the one file", []scope{read("a", refA, refB)}, []scope{read("a")}, 2, 2, "all 2 entities of the source would go"},
		{"all but one are moved", services(0, 30), moved(services(1, 30)), 0, 29, ""},
		{"all are unreadable", services(0, 3), []scope{unreadable("f000"), unreadable("f001"), unreadable("f002")}, 0, 3, ""},
		{"one is said twice, and once no more", []scope{read("a", refA, refA+" Two"), read("b", refB, refA)}, []scope{read("b", refB, refA)}, 0, 2, ""},
		{"all were taken away", services(0, 30), taken(0, 30), 0, 0, ""},
		{"half were taken away", services(0, 100), append(taken(0, 50), services(50, 100)...), 0, 50, ""},
		{"30 were taken away and 21 are missing", services(0, 100), append(taken(0, 30), services(51, 100)...), 21, 70, "21 of 100 entities would go: more than 20 % and more than 20"},
		{"taken away from one of two files", []scope{read("a", refA), read("b", refA), read("c", refB)}, []scope{gone("a"), read("b", refA), read("c", refB)}, 0, 2, ""},
		{"only problems are gone", []scope{partly("a", "!one", refA), unreadable("b")}, []scope{read("a", refA)}, 0, 1, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := &world{}
			path := storePath(t)
			store := openStore(t, path, false)
			one := ingest.Source{ID: "w", Kind: "files", Scanner: w}
			c := newCatalog(t, store, one)
			w.says(test.before...)
			scan(t, c)
			w.says(test.after...)
			result := scan(t, c).Sources[0]
			if got := c.Snapshot().Len(); got != test.left {
				t.Errorf("%d entities are left, want %d", got, test.left)
			}
			source := c.Snapshot().Sources()[0]
			if diff := cmp.Diff(source.Held, result.Held); diff != "" {
				t.Errorf("held by the result (-source +result):\n%s", diff)
			}
			if test.held == 0 {
				if source.Held != nil || source.State == graph.SourceHeld {
					t.Errorf("the source is %s and holds %+v", source.State, source.Held)
				}
				return
			}
			if source.State != graph.SourceHeld || source.Held == nil || source.Held.Entities != test.held || source.Held.Reason != test.reason ||
				len(source.Held.Refs) != test.held || source.Held.Since.IsZero() || source.Stale != test.held {
				t.Fatalf("the source is %+v, held %+v", source, source.Held)
			}
			for _, ref := range source.Held.Refs {
				told := 0
				for problem := range c.Snapshot().Problems(ref) {
					if problem.Code == "removal-held" {
						told++
						if !strings.Contains(problem.Fix, "orrery sources approve w") || problem.Location == "" {
							t.Errorf("%+v", problem)
						}
					}
				}
				if told != 1 {
					t.Errorf("%s tells %d times that it is held", ref, told)
				}
			}
			again := scan(t, c).Sources[0]
			if diff := cmp.Diff(source.Held, again.Held); again.Put+again.Removed != 0 || diff != "" {
				t.Errorf("the same scan again put %d, removed %d, and holds (-before +after):\n%s", again.Put, again.Removed, diff)
			}
			if err := store.Close(); err != nil {
				t.Fatal(err)
			}
			c = newCatalog(t, openStore(t, path, false), one)
			if diff := cmp.Diff(source.Held, c.Snapshot().Sources()[0].Held); diff != "" {
				t.Errorf("after a restart (-before +after):\n%s", diff)
			}
			approved, err := c.ApproveScan(t.Context(), "w", source.Held.Digest)
			if err != nil || approved.Held != nil || approved.Removed == 0 || approved.Revision != c.Snapshot().Revision() {
				t.Errorf("approved: %+v, %v", approved, err)
			}
			if got := c.Snapshot().Len(); got != test.left-test.held {
				t.Errorf("%d entities are left, want %d", got, test.left-test.held)
			}
			if source := c.Snapshot().Sources()[0]; source.Held != nil || source.State != graph.SourceOK || source.Entities != test.left-test.held {
				t.Errorf("after the approval the source is %+v", source)
			}
			if _, err := c.ApproveScan(t.Context(), "w", source.Held.Digest); !errors.Is(err, graph.ErrNothingHeld) {
				t.Errorf("the error of a second approval is %v", err)
			}
		})
	}
}

// TestHeldIsFoundAgain holds that what comes back is as it was, and that the rest is judged anew.
func TestHeldIsFoundAgain(t *testing.T) {
	w := &world{}
	c := newCatalog(t, openStore(t, storePath(t), false), ingest.Source{ID: "w", Scanner: w})
	w.says(services(0, 100)...)
	scan(t, c)
	before := contentOf(c.Snapshot())
	w.says()
	scan(t, c)
	held := c.Snapshot().Sources()[0].Held
	if held == nil || held.Entities != 100 {
		t.Fatalf("held is %+v", held)
	}
	w.says(services(30, 100)...)
	scan(t, c)
	again := c.Snapshot().Sources()[0].Held
	if again == nil || again.Entities != 30 || again.Digest == held.Digest || !again.Since.Equal(held.Since) {
		t.Fatalf("held is %+v, before %+v", again, held)
	}
	if _, err := c.ApproveScan(t.Context(), "w", held.Digest); !errors.Is(err, graph.ErrHeldMoved) {
		t.Errorf("the error of an approval of what was shown earlier is %v", err)
	}
	w.says(services(0, 100)...)
	scan(t, c)
	if diff := cmp.Diff(before, contentOf(c.Snapshot())); diff != "" {
		t.Errorf("when all is back (-want +got):\n%.2000s", diff)
	}
	if source := c.Snapshot().Sources()[0]; source.Held != nil || source.State != graph.SourceOK || source.Stale != 0 {
		t.Errorf("when all is back the source is %+v", source)
	}
	w.says()
	scan(t, c)
	w.says(services(10, 100)...)
	if result := scan(t, c).Sources[0]; result.Held != nil || c.Snapshot().Len() != 90 {
		t.Errorf("ten that stayed away: %+v, %d entities", result, c.Snapshot().Len())
	}
}

// TestHeldBesideOthers holds that what was found is committed although other things are held.
func TestHeldBesideOthers(t *testing.T) {
	w := &world{}
	c := newCatalog(t, openStore(t, storePath(t), false), ingest.Source{ID: "w", Scanner: w})
	w.says(read("f", refA, refB))
	scan(t, c)
	w.says(read("f", refC))
	scan(t, c)
	if diff := cmp.Diff([]string{refA + " stale", refB + " stale", refC}, shown(c.Snapshot())); diff != "" {
		t.Errorf("entities (-want +got):\n%s", diff)
	}
	w.says(read("f", refC+" Gamma", refB)) // then a alone is missing, of three
	scan(t, c)
	if diff := cmp.Diff([]string{refB, refC + " Gamma"}, shown(c.Snapshot())); diff != "" {
		t.Errorf("entities (-want +got):\n%s", diff)
	}
}

// TestHeldAndUnchanged holds that a scope which is as it was at the last scan does not bring back what was missing then.
func TestHeldAndUnchanged(t *testing.T) {
	w := &world{}
	c := newCatalog(t, openStore(t, storePath(t), false), ingest.Source{ID: "w", Scanner: w})
	w.says(read("f", refA, refB))
	scan(t, c)
	w.says(read("f"))
	scan(t, c)
	held := c.Snapshot().Sources()[0].Held
	w.says(unchanged("f"))
	scan(t, c)
	if diff := cmp.Diff(held, c.Snapshot().Sources()[0].Held); held == nil || diff != "" {
		t.Errorf("held (-before +after):\n%s", diff)
	}
	w.says(unchanged("f"), read("g", refA))
	scan(t, c)
	if diff := cmp.Diff([]string{refA}, shown(c.Snapshot())); diff != "" {
		t.Errorf("one is found elsewhere, and the other goes (-want +got):\n%s", diff)
	}
}

// TestBrakeOnDisk holds that a folder that was emptied, or whose disk is not mounted, wipes nothing, and that a path that
// leads nowhere is a failure.
func TestBrakeOnDisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "repos")
	fill := func() {
		for i := range 30 {
			name := filepath.Join(dir, fmt.Sprintf("team%d", i%3), fmt.Sprintf("s%d", i), "catalog-info.yaml")
			if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
				t.Fatal(err)
			}
			text := fmt.Sprintf("apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: s%d}\nspec: {type: service, lifecycle: live, owner: team%d}\n", i, i%3)
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	fill()
	c := newCatalog(t, openStore(t, storePath(t), false), filesSource(t, "repos", dir))
	scan(t, c)
	before := c.Snapshot()
	check := func(what string, state graph.SourceState) {
		t.Helper()
		if got := c.Snapshot().Sources()[0].State; got != state || c.Snapshot().Len() != before.Len() {
			t.Errorf("%s: the source is %s with %d entities, want %s with %d", what, got, c.Snapshot().Len(), state, before.Len())
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Scan(t.Context()); err == nil {
		t.Error("no error though the path leads nowhere")
	}
	check("the path leads nowhere", graph.SourceFailed)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	scan(t, c)
	check("nothing is mounted there", graph.SourceHeld)
	fill()
	scan(t, c)
	check("it is mounted again", graph.SourceOK)
	if diff := cmp.Diff(contentOf(before), contentOf(c.Snapshot())); diff != "" {
		t.Errorf("when it is mounted again (-want +got):\n%.2000s", diff)
	}
	if err := os.RemoveAll(filepath.Join(dir, "team1")); err != nil {
		t.Fatal(err)
	}
	scan(t, c)
	if got := c.Snapshot().Sources()[0]; got.State != graph.SourceOK || got.Entities != 20 {
		t.Errorf("after a third went, ten in all, the source is %+v", got)
	}
}

// TestFlapping holds that a source that is full and empty in turns loses nothing and doubles nothing, and that only the
// marks are written.
func TestFlapping(t *testing.T) {
	w, store := &world{}, &spy{Store: openStore(t, storePath(t), false)}
	c := newCatalog(t, store, ingest.Source{ID: "w", Scanner: w})
	w.says(services(0, 40)...)
	scan(t, c)
	full := contentOf(c.Snapshot())
	for range 30 {
		w.says()
		scan(t, c)
		scan(t, c)
		if c.Snapshot().Len() != 40 {
			t.Fatalf("there are %d entities", c.Snapshot().Len())
		}
		w.says(services(0, 40)...)
		scan(t, c)
		scan(t, c)
		if diff := cmp.Diff(full, contentOf(c.Snapshot())); diff != "" {
			t.Fatalf("when it is full again (-want +got):\n%.2000s", diff)
		}
	}
	for i, change := range store.taken() {
		want := 0
		if i%2 == 1 || i == 0 {
			want = 40
		}
		if len(change.Put) != want || len(change.Remove) != 0 {
			t.Fatalf("change %d puts %d and removes %d documents, want %d and none", i, len(change.Put), len(change.Remove), want)
		}
	}
}

func TestUnconfiguredSource(t *testing.T) {
	path := storePath(t)
	old, small, fresh := &world{next: []byte("cursor")}, &world{}, &world{}
	old.says(read("f", refA, refB), unreadable("g"))
	small.says(read("f", refC))
	sources := map[string]ingest.Source{
		"old": {ID: "old", Kind: "files", Scanner: old}, "small": {ID: "small", Kind: "files", Scanner: small},
		"new": {ID: "new", Kind: "files", Scanner: fresh},
	}
	store := openStore(t, path, false)
	scan(t, newCatalog(t, store, sources["old"], sources["small"]))

	c := newCatalog(t, store, sources["new"])
	if got := c.Snapshot().Sources()[1]; got.ID != "old" || got.State != graph.SourceStale || !got.Unconfigured || !strings.Contains(got.Error, "no longer configured") {
		t.Errorf("before the first scan the source is %+v", got)
	}
	for range 2 {
		scan(t, c)
		if diff := cmp.Diff([]string{refA + " stale", refB + " stale"}, shown(c.Snapshot())); diff != "" {
			t.Errorf("entities (-want +got):\n%s", diff)
		}
		ids := ""
		for _, source := range c.Snapshot().Sources() {
			ids += source.ID + " "
		}
		if ids != "new old " {
			t.Errorf("there are the sources %s", ids)
		}
		got := c.Snapshot().Sources()[1]
		if got.State != graph.SourceHeld || !got.Unconfigured || got.Held == nil || got.Held.Entities != 2 ||
			got.Held.Reason != "the source is no longer configured, and all 2 entities of the source would go" {
			t.Errorf("the source is %+v, held %+v", got, got.Held)
		}
	}
	held := c.Snapshot().Sources()[1].Held

	c = newCatalog(t, store, sources["new"], sources["old"]) // it is configured again
	scan(t, c)
	if old.given != nil {
		t.Errorf("the scanner was given %q, and may leave out what is held", old.given)
	}
	if got := c.Snapshot().Sources()[1]; got.Held != nil || got.Unconfigured || got.State != graph.SourceStale {
		t.Errorf("after it came back the source is %+v", got)
	}
	if diff := cmp.Diff([]string{refA, refB}, shown(c.Snapshot())); diff != "" {
		t.Errorf("entities (-want +got):\n%s", diff)
	}

	c = newCatalog(t, store, sources["new"])
	scan(t, c)
	if _, err := c.ScanSource(t.Context(), "old"); !errors.Is(err, graph.ErrUnknownSource) {
		t.Errorf("the error of a scan is %v", err)
	}
	if _, err := c.ApproveScan(t.Context(), "never", held.Digest); !errors.Is(err, graph.ErrUnknownSource) {
		t.Errorf("the error of an approval is %v", err)
	}
	if _, err := c.ApproveScan(t.Context(), "old", held.Digest); err != nil {
		t.Fatal(err)
	}
	if got := c.Snapshot().Sources(); len(got) != 1 || len(shown(c.Snapshot())) != 0 {
		t.Errorf("after the approval there are %+v and %v", got, shown(c.Snapshot()))
	}
	_, records := store.Load(t.Context(), graph.AsOf{})
	for record, err := range records {
		if err != nil {
			t.Fatal(err)
		}
		if record.Document != nil || record.State.Source == "old" || record.State.Source == "small" {
			t.Errorf("%+v is left in the store", record)
		}
	}
}

// TestRunRetires holds that serving begins with the sources that are no longer configured.
func TestRunRetires(t *testing.T) {
	store := openStore(t, storePath(t), false)
	old := &world{}
	old.says(read("f", refA))
	scan(t, newCatalog(t, store, ingest.Source{ID: "old", Scanner: old}))
	c := newCatalog(t, store, ingest.Source{ID: "new", Scanner: &world{}})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	for {
		changed := c.Changed()
		if sources := c.Snapshot().Sources(); len(sources) == 1 && sources[0].ID == "new" {
			break
		}
		<-changed
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if c.Snapshot().Len() != 0 {
		t.Errorf("%v are left", shown(c.Snapshot()))
	}
}

// TestChangedConfiguration holds that documents are given another priority and environment although they say what they
// said.
func TestChangedConfiguration(t *testing.T) {
	store := &spy{Store: openStore(t, storePath(t), false)}
	w := &world{}
	w.says(read("f", refA), read("g", refB, refC), read("h", "component:default/d"))
	scan(t, newCatalog(t, store, ingest.Source{ID: "w", Scanner: w, Priority: 7, Environment: "staging"}))
	w.says(unchanged("f"), partly("g", refB, "!broken"), read("h", "component:default/d"))
	c := newCatalog(t, store, ingest.Source{ID: "w", Scanner: w, Priority: 8, Environment: "test"})
	result := scan(t, c).Sources[0]
	changes := store.taken()
	last := changes[len(changes)-1]
	if len(last.Put) != result.Put || result.Put != 5 {
		t.Errorf("%d documents were put", result.Put)
	}
	for _, document := range last.Put {
		if document.Priority != 8 || len(document.Claims) > 0 && document.Environment != "test" {
			t.Errorf("%v has priority %d and environment %q", document.ID, document.Priority, document.Environment)
		}
		if stale := document.ID.Key == refC; stale != document.Stale || len(document.Claims) > 0 && document.Claims[0].FirstSeen != catalog.InstantOf(changes[0].Time) {
			t.Errorf("%v: stale %t, first seen %v", document.ID, document.Stale, document.Claims[0].FirstSeen)
		}
	}
	if again := scan(t, c).Sources[0]; again.Put != 0 {
		t.Errorf("the same scan again put %d documents", again.Put)
	}
}

// TestBrakeAddsUp holds that what goes in many small scans of parts is held like what goes at once, as long as they follow
// each other closely.
func TestBrakeAddsUp(t *testing.T) {
	dir := t.TempDir()
	file := func(i int) string { return filepath.Join(dir, fmt.Sprintf("e%03d.yaml", i)) }
	write := func(i int) {
		t.Helper()
		text := fmt.Sprintf("apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: e%d}\nspec: {type: service, lifecycle: x, owner: me}\n", i)
		if err := os.WriteFile(file(i), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 200 {
		write(i)
	}
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	c, err := ingest.New(t.Context(), ingest.Config{
		Store: openStore(t, storePath(t), false), Sources: []ingest.Source{filesSource(t, "repos", dir)},
		Now: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	scan(t, c)
	remove := func(i int) *graph.HeldRemoval {
		t.Helper()
		now = now.Add(time.Second)
		if err := os.Remove(file(i)); err != nil {
			t.Fatal(err)
		}
		result := c.ScanParts(t.Context(), "repos", "repos/"+filepath.Base(file(i)))
		if result.Err != nil {
			t.Fatal(result.Err)
		}
		return result.Held
	}
	described := func() int { return c.Snapshot().Sources()[0].Entities }
	for i := range 40 {
		if held := remove(i); held != nil {
			t.Fatalf("the removal %d is held: %+v", i+1, held)
		}
	}
	held := remove(40)
	if held == nil || held.Entities != 1 || held.Of != 200 || !strings.Contains(held.Reason, "after 40 that went just before") {
		t.Fatalf("held: %+v", held)
	}
	now = now.Add(time.Hour)
	if held = remove(41); held == nil || held.Entities != 2 || described() != 160 {
		t.Fatalf("an hour later: %+v, %d entities", held, described())
	}
	if again := scan(t, c).Sources[0].Held; again == nil || again.Digest != held.Digest {
		t.Fatalf("after a whole scan: %+v", again)
	}
	if _, err := c.ApproveScan(t.Context(), "repos", held.Digest); err != nil {
		t.Fatal(err)
	}
	// What a person has seen counts no more, nor what came back, nor what went long ago.
	for i := 50; i < 80; i++ {
		if held := remove(i); held != nil {
			t.Fatalf("after the approval: %+v", held)
		}
	}
	now = now.Add(time.Hour)
	for range 100 {
		if held := remove(80); held != nil {
			t.Fatalf("a file that comes and goes: %+v", held)
		}
		write(80)
		if result := c.ScanParts(t.Context(), "repos", "repos/e080.yaml"); result.Err != nil || result.Put != 1 {
			t.Fatalf("%+v", result)
		}
	}
	if described() != 128 {
		t.Errorf("%d entities", described())
	}
}

// watchedWorld is a world that could be watched.
type watchedWorld struct{ world }

func (w *watchedWorld) ScanParts(context.Context, []byte, []string, scanners.Sink) ([]byte, error) {
	return nil, scanners.ErrWhole
}

func (w *watchedWorld) Watch(ctx context.Context, _ func(...string)) error {
	<-ctx.Done()
	return nil
}

// TestTakenAwayDoesNotAddUp holds that what the source itself says was taken away does not make what is missing next to it look
// like more.
func TestTakenAwayDoesNotAddUp(t *testing.T) {
	w := &watchedWorld{}
	w.says(services(0, 100)...)
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	c, err := ingest.New(t.Context(), ingest.Config{
		Sources: []ingest.Source{{ID: "w", Scanner: w, Watch: true}}, Now: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	scan(t, c)
	for _, step := range []struct {
		says       []scope
		left, held int
	}{
		{services(1, 100), 99, 0},                             // one is missing, which is remembered for a while
		{append(taken(1, 60), services(60, 100)...), 40, 0},   // 59 were taken away
		{services(70, 100), 30, 0},                            // 10 more are missing: 11 of 41
		{append(taken(70, 80), services(80, 100)...), 20, 0},  // and again
		{services(95, 100), 20, 15},                           // 15 more, 26 of 31: that is too much
		{append(taken(95, 100), services(80, 80)...), 15, 15}, // what is held is held still
	} {
		now = now.Add(time.Second)
		w.says(step.says...)
		scan(t, c)
		source := c.Snapshot().Sources()[0]
		held := 0
		if source.Held != nil {
			held = source.Held.Entities
		}
		if source.Entities != step.left || held != step.held {
			t.Fatalf("%d entities are left and %d held, want %d and %d", source.Entities, held, step.left, step.held)
		}
	}
}
