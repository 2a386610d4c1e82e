package storecopy_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/sqlitestore"
	"github.com/orrery-catalog/orrery/internal/storecopy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const long = 100 * 365 * 24 * time.Hour

func openSQLite(t testing.TB, config sqlitestore.Config) *sqlitestore.Store {
	t.Helper()
	if config.Path == "" {
		config.Path = filepath.Join(t.TempDir(), "orrery.db")
	}
	store, err := sqlitestore.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

// empty is a new store to copy to, which forgets nothing.
func empty(t testing.TB) *sqlitestore.Store {
	return openSQLite(t, sqlitestore.Config{KeepHistory: long})
}

func mustCopy(t testing.TB, from, to graph.TrafficStore) storecopy.Summary {
	t.Helper()
	summary, err := storecopy.Copy(t.Context(), from, to, storecopy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return summary
}

// writer makes random changes of a store, by a clock that is right, or not.
type writer struct {
	store  graph.TrafficStore
	random *rand.Rand
	clock  time.Time
	wrong  bool // the clock
	base   graph.Revision
}

// odd are strings that come out as they went in.
var odd = []string{"", " ", "\x00", "a\x00b", "\xff\xfe", "\x01\x02\x03", "'", `"\`, "🪐", "e\u0301", "\U0010ffff", "\u202e", strings.Repeat("long/", 300)}

func (w *writer) word() string {
	if w.random.IntN(3) == 0 {
		return odd[w.random.IntN(len(odd))]
	}
	return fmt.Sprint("word", w.random.IntN(20))
}

func (w *writer) change() graph.Change {
	w.clock = w.clock.Add(time.Duration(w.random.IntN(36)) * time.Hour)
	change := graph.Change{Base: w.base, Time: w.clock}
	if w.wrong && w.random.IntN(4) == 0 {
		change.Time = w.clock.Add(time.Duration(w.random.IntN(2000)-1000) * time.Hour)
	}
	if w.random.IntN(8) == 0 {
		return change // a change of nothing
	}
	seen := map[catalog.DocumentID]bool{}
	for range w.random.IntN(12) {
		id := catalog.DocumentID{Source: w.word(), Scope: w.word(), Key: w.word()}
		if w.random.IntN(2) == 0 {
			id = catalog.DocumentID{Source: "s", Scope: "x", Key: fmt.Sprint(w.random.IntN(8))}
		}
		if seen[id] {
			continue
		}
		seen[id] = true
		if w.random.IntN(4) == 0 {
			change.Remove = append(change.Remove, id)
			continue
		}
		ref := catalog.NewRef("component", "", fmt.Sprint("c", w.random.IntN(30)))
		change.Put = append(change.Put, &catalog.Document{
			ID: id, Location: w.word(), Ordinal: w.random.IntN(100), Stale: w.random.IntN(2) == 0,
			Claims: []catalog.Claim{{
				Subject:    catalog.Subject{Ref: ref},
				Descriptor: &catalog.Descriptor{Ref: ref, Kind: "Component", Namespace: "default", Name: string(ref), Description: w.word()},
			}},
		})
	}
	states := map[string]bool{}
	for range w.random.IntN(4) {
		state := graph.State{Source: w.word(), Name: w.word()}
		if w.random.IntN(3) > 0 {
			state.Data = bytes.Repeat([]byte(w.word()), w.random.IntN(3)+1)
			if len(state.Data) == 0 {
				state.Data = []byte{}
			}
		}
		if key := fmt.Sprintf("%q %q", state.Source, state.Name); !states[key] {
			states[key] = true
			change.States = append(change.States, state)
		}
	}
	for range w.random.IntN(5) {
		change.Recorded = append(change.Recorded, graph.FieldChange{
			Ref: catalog.Ref("component:default/" + w.word()), Field: w.word(), Old: w.word(), New: w.word(), Source: w.word(),
		})
	}
	return change
}

func (w *writer) write(t testing.TB, changes int) {
	t.Helper()
	for range changes {
		revision, err := w.store.Apply(t.Context(), w.change())
		if err != nil {
			t.Fatal(err)
		}
		w.base = revision
		w.count(t)
	}
}

// count writes, replaces and empties rows of traffic.
func (w *writer) count(t testing.TB) {
	t.Helper()
	rows := make(map[graph.TrafficKey][]byte)
	for range w.random.IntN(3) {
		key := graph.TrafficKey{Source: w.word(), Writer: w.word(), Hour: traffic.Hour(w.random.IntN(3)), Part: uint16(w.random.IntN(3))}
		if rows[key] = nil; w.random.IntN(3) > 0 {
			rows[key] = bytes.Repeat([]byte(w.word()), w.random.IntN(3)+1)
		}
	}
	var write graph.TrafficWrite
	for key, data := range rows {
		write.Put = append(write.Put, graph.TrafficRow{TrafficKey: key, Data: data})
	}
	if err := w.store.WriteTraffic(t.Context(), write); err != nil {
		t.Fatal(err)
	}
}

// randomStore has lived: what it forgot, and of what, depends on the number.
func randomStore(t testing.TB, number uint64) (*sqlitestore.Store, *writer) {
	w := &writer{random: rand.New(rand.NewPCG(number, 1)), clock: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)}
	w.wrong = w.random.IntN(3) == 0
	config := sqlitestore.Config{Now: func() time.Time { return w.clock }}
	if w.random.IntN(3) > 0 {
		config.KeepHistory = time.Duration(w.random.IntN(30*24)+1) * time.Hour
	}
	if w.random.IntN(2) == 0 {
		config.KeepPastBytes = int64(w.random.IntN(30_000) + 1)
	}
	if w.random.IntN(2) == 0 {
		config.KeepRevisions = w.random.IntN(40) + 1
	}
	store := openSQLite(t, config)
	w.store = store
	w.write(t, 1+w.random.IntN(80))
	return store, w
}

func TestCopyOfRandomStores(t *testing.T) {
	t.Parallel()
	stores := uint64(30)
	if testing.Short() {
		stores = 5
	}
	for number := range stores {
		t.Run(fmt.Sprint(number), func(t *testing.T) {
			t.Parallel()
			from, w := randomStore(t, number)
			to := empty(t)
			summary := mustCopy(t, from, to)
			if summary.Revision != w.base || summary.Behind != 0 {
				t.Errorf("%+v, want revision %d", summary, w.base)
			}
			requireEqual(t, from, to, w.random)
			again := empty(t)
			if second := mustCopy(t, to, again); second != summary {
				t.Errorf("a copy of the copy gives %+v, the copy %+v", second, summary)
			}
			requireEqual(t, from, again, w.random)
		})
	}
}

// TestCopyIsContinued breaks copies off at every change, and goes on from there, also after the source has gone on.
func TestCopyIsContinued(t *testing.T) {
	t.Parallel()
	for number := range uint64(8) {
		t.Run(fmt.Sprint(number), func(t *testing.T) {
			t.Parallel()
			from, w := randomStore(t, 100+number)
			to := empty(t)
			for at := 0; ; at++ {
				ctx, cancel := context.WithCancel(t.Context())
				_, err := storecopy.Copy(ctx, from, to, storecopy.Options{Progress: func(_, _ graph.Revision) { cancel() }})
				if ctx.Err() == nil {
					t.Fatalf("after %d interruptions nothing was left to do: %v", at, err)
				}
				cancel()
				if err == nil {
					break // the last change was made before the interruption was noticed
				}
				unfinished := new(storecopy.UnfinishedError)
				if !errors.As(err, &unfinished) || !errors.Is(err, context.Canceled) || unfinished.At == 0 || unfinished.Through != w.base {
					t.Fatalf("after %d interruptions: %v", at, err)
				}
				requireHeld(t, to)
				if unfinished.At == w.base {
					break
				}
			}
			mustCopy(t, from, to)
			requireEqual(t, from, to, w.random)
			if _, err := to.Lease(t.Context(), graph.LeaseScans, "a server", time.Minute); err != nil {
				t.Errorf("a finished copy cannot be scanned into: %v", err)
			}
		})
	}
}

func requireHeld(t testing.TB, store graph.Store) {
	t.Helper()
	held := new(graph.LeaseHeldError)
	if _, err := store.Lease(t.Context(), graph.LeaseScans, "a server", time.Minute); !errors.As(err, &held) || held.Holder != storecopy.Holder {
		t.Fatalf("an unfinished copy can be scanned into: %v", err)
	}
}

// TestCopyGoesOn copies again what went on meanwhile, as a backup does every night.
func TestCopyGoesOn(t *testing.T) {
	t.Parallel()
	from, w := randomStore(t, 3)
	to := empty(t)
	for range 5 {
		mustCopy(t, from, to)
		if again := mustCopy(t, from, to); again.Revisions != 0 || again.Revision != w.base {
			t.Errorf("a copy of what is copied gives %+v", again)
		}
		w.write(t, 10)
	}
	last := mustCopy(t, from, to)
	if last.Revisions != 10 {
		t.Errorf("%+v, want 10 revisions", last)
	}
	equalNow(t, from, to)
}

func equalNow(t testing.TB, from, to graph.TrafficStore) {
	t.Helper()
	if diff := cmp.Diff(rowsOf(t, from), rowsOf(t, to)); diff != "" {
		t.Errorf("the rows of traffic (-source +copy):\n%s", diff)
	}
	if a, b := contentAt(t, from, graph.AsOf{}), contentAt(t, to, graph.AsOf{}); !equalContents(a, b) {
		t.Errorf("the source is at %d with %d records, the copy at %d with %d", a.revision, len(a.records), b.revision, len(b.records))
	}
}

// TestCopyOfAStoreInUse has the source written, and forget its oldest states, all the while.
func TestCopyOfAStoreInUse(t *testing.T) {
	t.Parallel()
	w := &writer{random: rand.New(rand.NewPCG(7, 7)), clock: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)}
	from := openSQLite(t, sqlitestore.Config{KeepHistory: 60 * 24 * time.Hour, Now: func() time.Time { return w.clock }})
	w.store = from
	w.write(t, 150)
	to := empty(t)
	written := 0
	summary, err := storecopy.Copy(t.Context(), from, to, storecopy.Options{Progress: func(graph.Revision, graph.Revision) {
		if written < 60 {
			w.write(t, 1)
			written++
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if written != 60 || summary.Revision != w.base || summary.Behind != 0 {
		t.Errorf("%+v after %d changes in the meantime, want revision %d", summary, written, w.base)
	}
	equalNow(t, from, to)
	extent, err := storecopy.Survey(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	for revision := extent.Oldest; revision <= extent.Newest; revision++ {
		if a, b := contentAt(t, from, graph.AsOf{Revision: revision}), contentAt(t, to, graph.AsOf{Revision: revision}); !equalContents(a, b) {
			t.Fatalf("revision %d differs", revision)
		}
	}
}

func TestCopyRefused(t *testing.T) {
	t.Parallel()
	from, w := randomStore(t, 5)
	fill := func(change graph.Change) *sqlitestore.Store {
		store := empty(t)
		change.Time = w.clock
		if _, err := store.Apply(t.Context(), change); err != nil {
			t.Fatal(err)
		}
		return store
	}
	recorded := []graph.FieldChange{{Ref: "component:default/a", Field: "owner", Old: "x", New: "y"}}
	ahead := fill(graph.Change{Origin: true, Base: w.base + 1})
	forked := empty(t)
	mustCopy(t, from, forked)
	if _, err := forked.Apply(t.Context(), graph.Change{Base: w.base, Time: w.clock, Recorded: recorded}); err != nil {
		t.Fatal(err)
	}
	w.write(t, 3)
	counted := empty(t)
	if err := counted.WriteTraffic(t.Context(), graph.TrafficWrite{Put: []graph.TrafficRow{{Data: []byte("x")}}}); err != nil {
		t.Fatal(err)
	}
	leased := empty(t)
	if _, err := leased.Lease(t.Context(), graph.LeaseScans, "a server", time.Hour); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		from, to graph.TrafficStore
		want     error
	}{
		"nothing to copy":   {empty(t), empty(t), storecopy.ErrNothing},
		"documents":         {from, fill(graph.Change{Put: []*catalog.Document{{ID: catalog.DocumentID{Source: "a"}}}}), storecopy.ErrOccupied},
		"states":            {from, fill(graph.Change{States: []graph.State{{Source: "a", Data: []byte{}}}}), storecopy.ErrOccupied},
		"history":           {from, fill(graph.Change{Recorded: recorded}), storecopy.ErrOccupied},
		"ahead":             {from, ahead, storecopy.ErrOccupied},
		"went its own way":  {from, forked, storecopy.ErrOccupied},
		"a server is there": {from, leased, graph.ErrLeaseHeld},
		"traffic":           {from, counted, storecopy.ErrOccupied},
		"closed":            {closed(t), empty(t), graph.ErrClosed},
		"closed copy":       {from, closed(t), graph.ErrClosed},
	} {
		t.Run(name, func(t *testing.T) {
			before := graph.Revision(0)
			if !strings.HasPrefix(name, "closed") {
				before = contentAt(t, test.to, graph.AsOf{}).revision
			}
			if _, err := storecopy.Copy(t.Context(), test.from, test.to, storecopy.Options{}); !errors.Is(err, test.want) {
				t.Fatalf("%v, want %v", err, test.want)
			}
			if strings.HasPrefix(name, "closed") {
				return
			}
			if after := contentAt(t, test.to, graph.AsOf{}).revision; after != before {
				t.Errorf("the copy went from revision %d to %d", before, after)
			}
		})
	}
}

func closed(t *testing.T) graph.TrafficStore {
	store := empty(t)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	return store
}
