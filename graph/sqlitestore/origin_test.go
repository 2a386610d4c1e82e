package sqlitestore

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// TestRetentionOfACopiedStore brings 90 days of history into a store, of which the clock was a year ahead on one day: an
// archive, long after it was made. Its import costs nothing, and what is made later costs little by little.
func TestRetentionOfACopiedStore(t *testing.T) {
	made := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	clock := made.AddDate(2, 0, 0)
	store := mustOpen(t, Config{Path: filepath.Join(t.TempDir(), "orrery.db"), Now: func() time.Time { return clock }})
	apply := func(change graph.Change) {
		t.Helper()
		if revision, err := store.Apply(t.Context(), change); err != nil || revision != change.Base+1 {
			t.Fatalf("on top of %d: %d, %v", change.Base, revision, err)
		}
	}
	recorded := []graph.FieldChange{{Ref: "component:default/a", Field: "owner", Old: "x", New: "y", Source: "s"}}
	put := func(version int) []*catalog.Document {
		return []*catalog.Document{{ID: catalog.DocumentID{Source: "s", Scope: "x", Key: "k"}, Ordinal: version}}
	}
	for day := range 30 { // every other revision has no history
		apply(graph.Change{Origin: true, Base: graph.Revision(100 + 2*day), Time: made.AddDate(0, 0, day), Recorded: recorded})
	}
	apply(graph.Change{Origin: true, Base: 200, Time: made.AddDate(0, 0, 30), Put: put(201), Recorded: recorded})
	for day := 31; day < 90; day++ {
		at := made.AddDate(0, 0, day)
		if day == 50 {
			at = at.AddDate(1, 0, 0)
		}
		apply(graph.Change{Base: graph.Revision(170 + day), Time: at, Put: put(171 + day), Recorded: recorded})
	}
	count := func() (n int, oldest graph.Revision) {
		t.Helper()
		for r, err := range store.History(t.Context(), graph.HistoryQuery{}) {
			if err != nil {
				t.Fatal(err)
			}
			n, oldest = n+1, r.Revision
		}
		return n, oldest
	}
	// The day that the clock was ahead cost what one change may, as it did where it was made.
	if n, oldest := count(); n != 88 || oldest != 105 {
		t.Errorf("%d records are told, from revision %d on", n, oldest)
	}
	requireLoaded := func(oldest graph.Revision, newest graph.Revision) {
		t.Helper()
		for revision := graph.Revision(190); revision <= newest; revision++ {
			_, content, err := contentAt(t, store, graph.AsOf{Revision: revision})
			if revision < oldest {
				if !errors.Is(err, graph.ErrCompacted) {
					t.Fatalf("at revision %d: %v, want ErrCompacted", revision, err)
				}
			} else if err != nil || len(content) != 1 {
				t.Fatalf("at revision %d: %v, %v", revision, content, err)
			}
		}
	}
	requireLoaded(201, 260)
	clock = made.AddDate(3, 0, 0) // used again, a year later
	apply(graph.Change{Base: 260, Time: clock, Put: put(261), Recorded: recorded})
	if n, oldest := count(); n != 87 || oldest != 109 {
		t.Errorf("%d records are told after a change, from revision %d on", n, oldest)
	}
	requireLoaded(201, 261)
	for base := graph.Revision(261); base < 300; base++ {
		apply(graph.Change{Base: base, Time: clock, Put: put(int(base)), Recorded: recorded})
	}
	if n, oldest := count(); n != 40 || oldest != 261 {
		t.Errorf("%d records are told in the end, from revision %d on", n, oldest)
	}
	requireLoaded(260, 300)
	for after, want := range map[graph.Revision]error{200: graph.ErrCompacted, 201: nil, 260: nil} {
		for _, err := range store.Follow(t.Context(), after) {
			if !errors.Is(err, want) {
				t.Errorf("follow after %d: %v, want %v", after, err, want)
			}
			break
		}
	}
}
