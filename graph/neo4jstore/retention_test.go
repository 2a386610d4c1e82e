package neo4jstore_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/neo4j/neo4j-go-driver/v5/neo4j"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/neo4jstore"
	"github.com/orrery-catalog/orrery/internal/testenv"
)

// aging is a store that gets a change whenever its clock says so. Every change replaces the document and the state, puts
// another one and removes the one put before, so that each revision is told from all others.
type aging struct {
	*neo4jstore.Store
	prefix string
	clock  time.Time
	newest graph.Revision
	bulk   string // makes documents large
}

func newAging(t *testing.T, config neo4jstore.Config) *aging {
	a := &aging{clock: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)}
	place := behindProxy(t).config
	config.URI, config.Username, config.Password, config.Database, config.LabelPrefix = place.URI, place.Username, place.Password, place.Database, place.LabelPrefix
	config.Now = func() time.Time { return a.clock }
	a.Store, a.prefix = open(t, config), config.LabelPrefix
	return a
}

func (a *aging) change(t *testing.T) {
	t.Helper()
	mark := fmt.Sprint(a.newest + 1)
	newest, err := a.Apply(t.Context(), graph.Change{
		Base: a.newest, Time: a.clock,
		Put: []*catalog.Document{
			{ID: catalog.DocumentID{Key: "same"}, Location: mark + a.bulk}, {ID: catalog.DocumentID{Key: mark}, Location: mark},
		},
		Remove:   []catalog.DocumentID{{Key: fmt.Sprint(a.newest)}},
		States:   []graph.State{{Name: "mark", Data: []byte(mark)}},
		Recorded: []graph.FieldChange{{Ref: "component:default/a", New: mark}, {Ref: "component:default/b", New: mark}},
	})
	if err != nil {
		t.Fatal(err)
	}
	a.newest = newest
}

// requireKept requires that exactly the states from past on are loaded and followed, and the history after forgotten told.
func (a *aging) requireKept(t *testing.T, past, forgotten graph.Revision) {
	t.Helper()
	for revision := graph.Revision(1); revision <= a.newest; revision++ {
		mark, err := a.markAt(t, revision)
		if kept := revision >= past; kept && (err != nil || mark != fmt.Sprint(revision)) || !kept && !errors.Is(err, graph.ErrCompacted) {
			t.Errorf("revision %d of %d, kept from %d: %q, %v", revision, a.newest, past, mark, err)
		}
		if revision == a.newest {
			break
		}
		for commit, err := range a.Follow(t.Context(), revision) {
			if kept := revision >= past; kept && (err != nil || commit.Revision != revision+1 || len(commit.Put) != 2 || len(commit.Remove) != 1) ||
				!kept && !errors.Is(err, graph.ErrCompacted) {
				t.Errorf("following %d of %d, kept from %d: %+v, %v", revision, a.newest, past, commit, err)
			}
			break
		}
		n := 0
		var failed error
		for _, err := range a.History(t.Context(), graph.HistoryQuery{After: revision}) {
			failed = err
			n++
		}
		if kept := revision >= forgotten; kept && (failed != nil || n != 2*int(a.newest-revision)) || !kept && !errors.Is(failed, graph.ErrCompacted) {
			t.Errorf("the history after %d of %d, kept after %d: %d, %v", revision, a.newest, forgotten, n, failed)
		}
	}
}

// markAt requires that a past state is whole, and tells which it is.
func (a *aging) markAt(t *testing.T, revision graph.Revision) (string, error) {
	t.Helper()
	var marks []string
	_, records := a.Load(t.Context(), graph.AsOf{Revision: revision})
	for record, err := range records {
		switch {
		case err != nil:
			return "", err
		case record.State != nil:
			marks = append(marks, string(record.State.Data))
		default:
			marks = append(marks, strings.TrimSuffix(record.Document.Location, a.bulk))
		}
	}
	if len(marks) != 3 || marks[0] != marks[1] || marks[1] != marks[2] {
		return "", fmt.Errorf("the state is that of the changes %q", marks)
	}
	return marks[0], nil
}

// nodes counts what is really in the database.
func (a *aging) nodes(t *testing.T, label string) int64 {
	t.Helper()
	server := testenv.Neo4j(t)
	result, err := neo4j.ExecuteQuery(t.Context(), server.Driver(t), "MATCH (n:"+a.prefix+label+") RETURN count(n) AS n",
		nil, neo4j.EagerResultTransformer, neo4j.ExecuteQueryWithDatabase(server.Database))
	if err != nil {
		t.Fatal(err)
	}
	n, _, err := neo4j.GetRecordValue[int64](result.Records[0], "n")
	if err != nil {
		t.Fatal(err)
	}
	return n
}

const day = 24 * time.Hour

func TestPastIsKeptForSoLong(t *testing.T) {
	a := newAging(t, neo4jstore.Config{KeepHistory: 10 * day})
	for range 10 {
		a.clock = a.clock.Add(day)
		a.change(t)
	}
	a.requireKept(t, 0, 0)
	for range 10 {
		a.clock = a.clock.Add(day)
		a.change(t)
	}
	// Of the last ten days are the revisions 10 to 20; before them, 9 was true.
	a.requireKept(t, 9, 9)
	// The newest change has removed what was no longer kept before it.
	for label, most := range map[string]int64{"Claim": 2 * 13, "State": 13, "FieldChange": 2 * 13, "Revision": 13} {
		if n := a.nodes(t, label); n > most {
			t.Errorf("%d nodes %s are left, want %d at most", n, label, most)
		}
	}
	a.clock = a.clock.Add(100 * day)
	for range 5 {
		a.change(t)
	}
	a.requireKept(t, 20, 20)
}

// TestPastOutlivesAClockThatIsAhead holds that a change from the future costs few of the oldest states.
func TestPastOutlivesAClockThatIsAhead(t *testing.T) {
	a := newAging(t, neo4jstore.Config{KeepHistory: 10 * day})
	for range 8 {
		a.clock = a.clock.Add(day)
		a.change(t)
	}
	right := a.clock
	a.clock = right.AddDate(4, 0, 0)
	a.change(t)
	a.clock = right.Add(day)
	a.change(t)
	a.requireKept(t, 4, 4)
}

func TestPastIsBoundedInBytes(t *testing.T) {
	a := newAging(t, neo4jstore.Config{KeepPastBytes: 50_000})
	a.bulk = strings.Repeat("x", 10_000)
	for range 12 {
		a.clock = a.clock.Add(time.Second)
		a.change(t)
	}
	// What the newest four revisions replaced is within the bound, what five did is over it.
	a.requireKept(t, 8, 0)
	a.bulk = strings.Repeat("x", 100_000)
	for range 3 {
		a.change(t)
	}
	if _, err := a.markAt(t, a.newest-1); err != nil {
		t.Errorf("the state before the newest, which is larger than the bound: %v", err)
	}
}
