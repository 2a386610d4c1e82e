package ingest_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/ingest"
)

// facts lists since when a source says what: "component:default/a 1", "component:default/a needs component:default/b 2",
// in days since the first scan.
func facts(t *testing.T, store graph.Store, epoch time.Time) []string {
	t.Helper()
	list := []string{}
	day := func(at catalog.Instant) string {
		if at == 0 {
			return "unknown"
		}
		return fmt.Sprint(int(at.Time().Sub(epoch).Hours()) / 24)
	}
	for document := range stored(t, store) {
		for _, claim := range document.Claims {
			line := document.ID.Scope + " " + string(claim.Subject.Ref) + " " + day(claim.FirstSeen)
			if document.Stale {
				line += " seen " + day(document.LastSeen)
			}
			list = append(list, line)
			for _, edge := range claim.Edges {
				since := edge.FirstSeen
				if since != 0 && since == claim.FirstSeen {
					t.Errorf("%s repeats the time of its claim", edge.Target.Ref)
				}
				if since == 0 {
					since = claim.FirstSeen
				}
				list = append(list, "  needs "+string(edge.Target.Ref)+" "+day(since))
			}
		}
	}
	return list
}

func TestFirstSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{}
		store := openStore(t, storePath(t), false)
		sources := []ingest.Source{{ID: "w", Kind: "files", Scanner: w}}
		epoch := time.Now()
		open := func() *ingest.Catalog {
			c, err := ingest.New(t.Context(), ingest.Config{Store: store, Sources: sources})
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		c := open()
		for day, step := range []struct {
			name string
			says []scope
			want []string
		}{
			{"at first", []scope{read("f", refA+" One >"+refB)}, []string{"f " + refA + " 0", "  needs " + refB + " 0"}},
			{"nothing is new", []scope{read("f", refA+" One >"+refB)}, []string{"f " + refA + " 0", "  needs " + refB + " 0"}},
			{"another title", []scope{read("f", refA+" Two >"+refB)}, []string{"f " + refA + " 0", "  needs " + refB + " 0"}},
			{"one more edge", []scope{read("f", refA+" Two >"+refB+" >"+refC)}, []string{"f " + refA + " 0", "  needs " + refB + " 0", "  needs " + refC + " 3"}},
			{"the file is moved", []scope{read("g", refA+" Two >"+refB+" >"+refC)}, []string{"g " + refA + " 0", "  needs " + refB + " 0", "  needs " + refC + " 3"}},
			{"moved and changed", []scope{read("h", refB, refA+" Three >"+refC)}, []string{"h " + refA + " 0", "  needs " + refC + " 3", "h " + refB + " 5"}},
			{"an edge comes back", []scope{read("h", refB, refA+" Three >"+refC+" >"+refB)}, []string{"h " + refA + " 0", "  needs " + refC + " 3", "  needs " + refB + " 6", "h " + refB + " 5"}},
			{"it cannot be read", []scope{unreadable("h")}, []string{"h " + refA + " 0 seen 6", "  needs " + refC + " 3", "  needs " + refB + " 6", "h " + refB + " 5 seen 6"}},
			{"it still cannot", []scope{unreadable("h")}, []string{"h " + refA + " 0 seen 6", "  needs " + refC + " 3", "  needs " + refB + " 6", "h " + refB + " 5 seen 6"}},
			{"it is gone, and held", nil, []string{"h " + refA + " 0 seen 6", "  needs " + refC + " 3", "  needs " + refB + " 6", "h " + refB + " 5 seen 6"}},
			{"found elsewhere", []scope{read("i", refA+" Four >"+refC, refB)}, []string{"i " + refA + " 0", "  needs " + refC + " 3", "i " + refB + " 5"}},
			{"one goes", []scope{read("i", refA+" Four >"+refC)}, []string{"i " + refA + " 0", "  needs " + refC + " 3"}},
			{"and comes back", []scope{read("i", refA+" Four >"+refC, refB)}, []string{"i " + refA + " 0", "  needs " + refC + " 3", "i " + refB + " 12"}},
			{
				"said twice",
				[]scope{read("i", refA+" Four >"+refC, refB), read("j", refA+" >"+refC+" >"+refB)},
				[]string{"i " + refA + " 0", "  needs " + refC + " 3", "i " + refB + " 12", "j " + refA + " 0", "  needs " + refC + " 3", "  needs " + refB + " 13"},
			},
		} {
			w.says(step.says...)
			scan(t, c)
			if diff := cmp.Diff(step.want, facts(t, store, epoch)); diff != "" {
				t.Errorf("day %d, %s (-want +got):\n%s", day, step.name, diff)
			}
			if day%2 == 1 {
				c = open() // from the store, it goes on the same
			}
			if again := scan(t, c).Sources[0]; again.Put+again.Removed != 0 {
				t.Errorf("day %d, %s: the same scan again put %d and removed %d", day, step.name, again.Put, again.Removed)
			}
			pass(24 * time.Hour)
		}
	})
}

// TestFirstSeenByParts holds that a rename that is heard of as a new file first and an old one that is gone afterwards
// loses no time.
func TestFirstSeenByParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{}
		store := openStore(t, storePath(t), false)
		epoch := time.Now()
		c, err := ingest.New(t.Context(), ingest.Config{Store: store, Sources: []ingest.Source{{ID: "w", Scanner: w}}})
		if err != nil {
			t.Fatal(err)
		}
		w.says(read("old", refA+" >"+refB))
		scan(t, c)
		pass(48 * time.Hour)
		w.says(read("new", refA+" >"+refB))
		for _, part := range []string{"new", "old"} {
			if result := c.ScanParts(t.Context(), "w", part); result.Err != nil {
				t.Fatal(result.Err)
			}
		}
		if diff := cmp.Diff([]string{"new " + refA + " 0", "  needs " + refB + " 0"}, facts(t, store, epoch)); diff != "" {
			t.Error(diff)
		}
	})
}

// TestOldStore holds that what was stored before times were kept stays of an unknown time, and that what is new beside it
// is told apart.
func TestOldStore(t *testing.T) {
	store := openStore(t, storePath(t), false)
	old := document("f", 0, refA+" One >"+refB)
	old.ID = catalog.DocumentID{Source: "w", Scope: "f", Key: refA}
	old.Priority = catalog.DefaultPriorityFiles
	if _, err := store.Apply(t.Context(), graph.Change{Time: clock()(), Put: []*catalog.Document{old}}); err != nil {
		t.Fatal(err)
	}
	w := &world{}
	c := newCatalog(t, store, ingest.Source{ID: "w", Scanner: w})
	w.says(read("f", refA+" One >"+refB))
	if result := scan(t, c).Sources[0]; result.Put != 0 {
		t.Errorf("%d documents were put though they say what they said", result.Put)
	}
	w.says(read("f", refA+" Two >"+refB+" >"+refC))
	scan(t, c)
	want := []string{"f " + refA + " unknown", "  needs " + refB + " unknown", "  needs " + refC + " 0"}
	if diff := cmp.Diff(want, facts(t, store, clock()())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
