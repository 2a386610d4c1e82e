package sqlitestore

import (
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// contentAt is what the store says that it held.
func contentAt(t testing.TB, store *Store, at graph.AsOf) (graph.Revision, map[string]string, error) {
	t.Helper()
	got := make(map[string]string)
	revision, records := store.Load(t.Context(), at)
	for record, err := range records {
		switch {
		case err != nil:
			return revision, nil, err
		case record.State != nil:
			got["state "+record.State.Name] = string(record.State.Data)
		default:
			got[record.Document.ID.Scope+record.Document.ID.Key] = fmt.Sprint(record.Document.Ordinal, record.Document.Location)
		}
	}
	return revision, got, nil
}

// pastStore is a store with what it held at each revision.
type pastStore struct {
	*Store
	clock  time.Time
	times  []time.Time // by revision - 1
	states []map[string]string
}

func newPastStore(t testing.TB, config Config) *pastStore {
	p := &pastStore{clock: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)}
	config.Path, config.Now = filepath.Join(t.TempDir(), "orrery.db"), func() time.Time { return p.clock }
	p.Store = mustOpen(t, config)
	return p
}

func (p *pastStore) apply(t testing.TB, change graph.Change) {
	t.Helper()
	change.Base = graph.Revision(len(p.states))
	if _, err := p.Apply(t.Context(), change); err != nil {
		t.Fatal(err)
	}
	_, content, err := contentAt(t, p.Store, graph.AsOf{})
	if err != nil {
		t.Fatal(err)
	}
	p.states, p.times = append(p.states, content), append(p.times, change.Time)
}

// requirePast requires that exactly the states from a revision on are told, by their revision and by their time.
func (p *pastStore) requirePast(t testing.TB, from graph.Revision) {
	t.Helper()
	for i := range p.states {
		asked := graph.Revision(i + 1)
		// Of equal times, the newest revision counts.
		last := asked
		for int(last) < len(p.times) && p.times[last].Equal(p.times[i]) {
			last++
		}
		for at, revision := range map[graph.AsOf]graph.Revision{{Revision: asked}: asked, {Time: p.times[i]}: last} {
			got, content, err := contentAt(t, p.Store, at)
			if revision < from {
				if !errors.Is(err, graph.ErrCompacted) {
					t.Fatalf("at %+v of %d, kept from %d: %v, want ErrCompacted", at, len(p.states), from, err)
				}
				continue
			}
			want := p.states[revision-1]
			if err != nil || got != revision || !maps.Equal(content, want) {
				t.Fatalf("at %+v of %d: revision %d with %d records, want %d with %d, %v", at, len(p.states), got, len(content),
					revision, len(want), err)
			}
		}
	}
}

// TestPastOutlivesAClockThatIsAhead holds that what was committed while the clock was years ahead costs few of the oldest
// states.
func TestPastOutlivesAClockThatIsAhead(t *testing.T) {
	p := newPastStore(t, Config{KeepRevisions: 3, KeepHistory: 10 * 24 * time.Hour})
	apply := func() {
		change := killScan(graph.Revision(len(p.states) + 1))
		change.Time = p.clock
		p.apply(t, change)
	}
	for range 8 {
		p.clock = p.clock.AddDate(0, 0, 1)
		apply()
	}
	right := p.clock
	p.clock = right.AddDate(4, 0, 0)
	apply()
	p.clock = right.AddDate(0, 0, 1)
	apply()
	for _, revision := range []graph.Revision{6, 7, 8, 9, 10} {
		got, content, err := contentAt(t, p.Store, graph.AsOf{Revision: revision})
		if err != nil || got != revision || !maps.Equal(content, p.states[revision-1]) {
			t.Errorf("at revision %d: revision %d with %d records, %v", revision, got, len(content), err)
		}
	}
	if got, _, err := contentAt(t, p.Store, graph.AsOf{Time: right}); err != nil || got != 8 {
		t.Errorf("at the time before the clock was wrong: revision %d, %v", got, err)
	}
}

func TestPastIsKeptForSoLong(t *testing.T) {
	p := newPastStore(t, Config{KeepRevisions: 3, KeepHistory: 10 * 24 * time.Hour})
	for day := range 40 {
		p.clock = p.clock.AddDate(0, 0, 1)
		change := killScan(graph.Revision(day + 1))
		change.Time = p.clock
		p.apply(t, change)
		// Ten days ago the change of ten days ago was made: the state that it replaced was true until then.
		p.requirePast(t, graph.Revision(max(1, day-10)))
	}
	requireFollowed(t, p.Store, 40, 29) // wherever a state can be loaded
	var rows, old int
	if err := p.read.QueryRowContext(t.Context(), "SELECT count(*), sum(replaced <= 29 AND revision <= 37) FROM superseded").Scan(&rows, &old); err != nil || old != 0 || rows == 0 {
		t.Errorf("%d rows are kept, %d of them for nobody, %v", rows, old, err)
	}
	before := p.clock
	change := killScan(41)
	change.Time = before.AddDate(400, 0, 0) // by a clock gone mad
	p.apply(t, change)
	p.requirePast(t, 29)
}

func TestPastIsKeptForSoManyBytes(t *testing.T) {
	const bound = 1_000_000
	p := newPastStore(t, Config{KeepPastBytes: bound, KeepRevisions: 1})
	for revision := range graph.Revision(30) {
		change := killScan(revision + 1)
		change.Time = p.clock
		p.apply(t, change)
	}
	var past graph.Revision
	var kept int64
	if err := p.read.QueryRowContext(t.Context(), "SELECT past, (SELECT sum(length(data)) FROM superseded) FROM meta").Scan(&past, &kept); err != nil {
		t.Fatal(err)
	}
	if kept > bound || kept < bound/2 || past < 5 || past > 28 {
		t.Errorf("%d bytes are kept, from revision %d on", kept, past)
	}
	p.requirePast(t, past)
	// The state before the newest is kept, whatever it weighs.
	for version := range 3 {
		var huge graph.Change
		for i := range 40 {
			huge.States = append(huge.States, graph.State{Source: "s", Name: fmt.Sprint(i), Data: fmt.Appendf(nil, "%d%50000d", version, 0)})
		}
		huge.Time = p.clock
		p.apply(t, huge)
	}
	p.requirePast(t, 32)
}

// TestHistoryGoesOnWhereItWasEmptied has revisions without records outlive all records before them.
func TestHistoryGoesOnWhereItWasEmptied(t *testing.T) {
	p := newPastStore(t, Config{KeepHistory: 10 * 24 * time.Hour})
	apply := func(records int) {
		t.Helper()
		change := graph.Change{Time: p.clock}
		for i := range records {
			change.Recorded = append(change.Recorded, graph.FieldChange{Ref: "component:default/a", Field: fmt.Sprint(i)})
		}
		p.apply(t, change)
	}
	apply(20)
	p.clock = p.clock.AddDate(0, 0, 9)
	apply(0)
	p.clock = p.clock.AddDate(0, 0, 9)
	apply(0) // the 20 go
	apply(5)
	p.clock = p.clock.AddDate(0, 0, 9)
	apply(0)
	var got []string
	for recorded, err := range p.History(t.Context(), graph.HistoryQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(recorded.Revision, ".", recorded.Position, " ", recorded.Field))
	}
	if want := "4.0 0, 4.1 1, 4.2 2, 4.3 3, 4.4 4"; strings.Join(got, ", ") != want {
		t.Errorf("the history has %q, want %s", got, want)
	}
	for after, want := range map[graph.Revision]error{0: nil, 1: graph.ErrCompacted, 2: nil, 3: nil, 4: nil, 99: nil} {
		var err error
		for _, err = range p.History(t.Context(), graph.HistoryQuery{After: after}) {
			break
		}
		if !errors.Is(err, want) {
			t.Errorf("the history after %d: %v, want %v", after, err, want)
		}
	}
}

// TestFileOfSchema1 opens what the first schema holds: three revisions, of which each replaced the one document.
func TestFileOfSchema1(t *testing.T) {
	path := filepath.Join(t.TempDir(), "orrery.db")
	old := mustOpen(t, Config{Path: path, migrations: migrations[:1]})
	packed := func(ordinal int) string {
		data, err := graph.EncodeDocument(&catalog.Document{
			ID: catalog.DocumentID{Source: "s", Scope: "x", Key: "k"}, Ordinal: ordinal,
		})
		if err != nil {
			t.Fatal(err)
		}
		return "x'" + hex.EncodeToString(data) + "'"
	}
	if err := old.write.do(t.Context(), func(tx *transaction) error {
		for _, statement := range []string{
			"INSERT INTO revisions VALUES (1, 1000000, 0, 50), (2, 2000000, 1, 50), (3, 3000000, 2, 0)",
			"INSERT INTO history VALUES (1, 1, 'component:default/a', '', '', 'DESCRIBED', 's'), (2, 2, 'component:default/a', 'owner', 'x', 'y', 's')",
			"INSERT INTO superseded VALUES (1, 0, 's', 'x', 'k', " + packed(1) + "), (2, 0, 's', 'x', 'k', " + packed(2) + ")",
			"INSERT INTO records VALUES (0, 's', 'x', 'k', 3, " + packed(3) + ")",
		} {
			if err := tx.run(statement); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	clock := time.Unix(10, 0).UTC()
	store := mustOpen(t, Config{Path: path, Now: func() time.Time { return clock }})
	require := func(at graph.AsOf, revision graph.Revision, content string, want error) {
		t.Helper()
		got, records, err := contentAt(t, store, at)
		if !errors.Is(err, want) || want == nil && (got != revision || records["xk"] != content) {
			t.Errorf("at %+v: revision %d with %q, %v; want %d with %q, %v", at, got, records["xk"], err, revision, content, want)
		}
	}
	require(graph.AsOf{}, 3, "3", nil)
	require(graph.AsOf{Revision: 3}, 3, "3", nil)
	require(graph.AsOf{Revision: 2}, 0, "", graph.ErrCompacted) // schema 1 did not keep until when it was true
	change := graph.Change{Base: 3, Time: clock, Put: []*catalog.Document{{ID: catalog.DocumentID{Source: "s", Scope: "x", Key: "k"}, Ordinal: 4}}}
	if _, err := store.Apply(t.Context(), change); err != nil {
		t.Fatal(err)
	}
	require(graph.AsOf{Revision: 3}, 3, "3", nil)
	require(graph.AsOf{Time: time.Unix(3, 0)}, 3, "3", nil)
	require(graph.AsOf{Time: time.Unix(2, 0)}, 0, "", graph.ErrCompacted)
	require(graph.AsOf{Revision: 4}, 4, "4", nil)
	ordinal := 0
	for commit, err := range store.Follow(t.Context(), 0) {
		if ordinal++; err != nil || int(commit.Revision) != ordinal || len(commit.Put) != 1 || commit.Put[0].Ordinal != ordinal {
			t.Fatalf("follow gave %+v, %v", commit, err)
		}
		if ordinal == 4 {
			break
		}
	}
	var fields []string
	for recorded, err := range store.History(t.Context(), graph.HistoryQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		fields = append(fields, fmt.Sprint(recorded.Revision, recorded.Position, recorded.Field))
	}
	if got := strings.Join(fields, " "); got != "2 0owner 1 0" {
		t.Errorf("the history has %q", got)
	}
}
