package sqlitestore

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/graph"
)

// step2 is a migration that does not exist: it makes an old fixture out of what the present schema writes.
const step2 = `ALTER TABLE records ADD COLUMN note TEXT; UPDATE records SET note = 'migrated ' || key;`

func fixture(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "orrery.db")
	store := mustOpen(t, Config{Path: path, Program: "orrery 0.1.0"})
	if _, err := store.Apply(t.Context(), killScan(1)); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestMigration(t *testing.T) {
	path := fixture(t)
	newer := append(append([]string{}, migrations...), step2, "CREATE TABLE third (x)")
	if _, err := Open(t.Context(), Config{Path: path, ReadOnly: true, migrations: newer}); !errors.Is(err, ErrOlderSchema) {
		t.Errorf("read before the migration: %v, want ErrOlderSchema", err)
	}
	store := mustOpen(t, Config{Path: path, Program: "orrery 0.3.0", migrations: newer})
	for _, fact := range [][2]string{
		{"PRAGMA user_version", fmt.Sprint(len(newer))},
		{"SELECT written_by FROM meta", "orrery 0.3.0"},
		{"SELECT count(*) FROM records WHERE kind = 0 AND note IS NULL", "0"},
		{"SELECT count(*) FROM third", "0"},
	} {
		query, want := fact[0], fact[1]
		var got string
		if err := store.read.QueryRowContext(t.Context(), query).Scan(&got); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", query, got, err, want)
		}
	}
	revision, content := killContent(t, store)
	if revision != 1 || len(content) != len(killScan(1).Put)+1 {
		t.Errorf("after the migration there are %d records at revision %d", len(content), revision)
	}
	mustOpen(t, Config{Path: path, ReadOnly: true, migrations: newer})
}

func TestFailedMigrationChangesNothing(t *testing.T) {
	path := fixture(t)
	broken := append(append([]string{}, migrations...), step2, "INSERT INTO no_such_table VALUES (1)")
	_, err := Open(t.Context(), Config{Path: path, Program: "orrery 0.3.0", migrations: broken})
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("schema %d to %d", len(broken)-1, len(broken))) {
		t.Fatalf("got %v, want the step that failed", err)
	}
	store := mustOpen(t, Config{Path: path}) // not locked, and still of the old schema
	if revision, _ := killContent(t, store); revision != 1 {
		t.Errorf("revision %d", revision)
	}
}

func TestNewerSchemaIsRefused(t *testing.T) {
	path := fixture(t)
	newer := append(append([]string{}, migrations...), step2)
	if err := mustOpen(t, Config{Path: path, Program: "orrery 9.9.9", migrations: newer}).Close(); err != nil {
		t.Fatal(err)
	}
	for _, readOnly := range []bool{false, true} {
		_, err := Open(t.Context(), Config{Path: path, ReadOnly: readOnly})
		if !errors.Is(err, ErrNewerSchema) || !strings.Contains(err.Error(), "orrery 9.9.9") || !strings.Contains(err.Error(), "upgrade") {
			t.Errorf("read only %v: %v, want ErrNewerSchema that names orrery 9.9.9", readOnly, err)
		}
	}
	mustOpen(t, Config{Path: path, migrations: newer})
}

// TestSchemaOfDocumentsAlone holds that a file which differs only in what documents may say is read as it is, and refused
// by a program that does not know them.
func TestSchemaOfDocumentsAlone(t *testing.T) {
	path := fixture(t)
	newer := append(append([]string{}, migrations...), "")
	reader := mustOpen(t, Config{Path: path, ReadOnly: true, migrations: newer})
	if revision, _ := killContent(t, reader); revision != 1 {
		t.Errorf("read before the migration: revision %d", revision)
	}
	if err := mustOpen(t, Config{Path: path, Program: "orrery 0.3.0", migrations: newer}).Close(); err != nil {
		t.Fatal(err)
	}
	for _, readOnly := range []bool{false, true} {
		if _, err := Open(t.Context(), Config{Path: path, ReadOnly: readOnly}); !errors.Is(err, ErrNewerSchema) {
			t.Errorf("read only %v, by the older program: %v, want ErrNewerSchema", readOnly, err)
		}
	}
}

func TestFollowIsKeptForTheNewestRevisions(t *testing.T) {
	store := mustOpen(t, Config{Path: filepath.Join(t.TempDir(), "orrery.db"), KeepRevisions: 10, KeepPastBytes: 1})
	for revision := range graph.Revision(30) {
		if _, err := store.Apply(t.Context(), killScan(revision+1)); err != nil {
			t.Fatal(err)
		}
	}
	requireFollowed(t, store, 30, 20)
}

func TestFollowIsKeptForSoManyBytes(t *testing.T) {
	store := mustOpen(t, Config{Path: filepath.Join(t.TempDir(), "orrery.db"), KeepBytes: 1_000_000, KeepPastBytes: 1})
	for revision := range graph.Revision(30) {
		if _, err := store.Apply(t.Context(), killScan(revision+1)); err != nil {
			t.Fatal(err)
		}
	}
	var kept, counted int64
	if err := store.read.QueryRowContext(t.Context(), `SELECT coalesce(sum(length(data)), 0),
		(SELECT sum(superseded) FROM revisions) FROM superseded WHERE revision > (SELECT compacted FROM meta)`).Scan(&kept, &counted); err != nil {
		t.Fatal(err)
	}
	if kept > 1_000_000 || kept < 500_000 || counted < kept || counted > kept*11/10 {
		t.Errorf("%d bytes are kept and %d counted, want nearly 1,000,000", kept, counted)
	}
	var compacted graph.Revision
	if err := store.read.QueryRowContext(t.Context(), "SELECT compacted FROM meta").Scan(&compacted); err != nil {
		t.Fatal(err)
	}
	requireFollowed(t, store, 30, compacted)
	// A change that outweighs the bound by itself can still be followed.
	huge := graph.Change{Base: 30}
	for i := range 100 {
		huge.States = append(huge.States, graph.State{Source: "s", Name: fmt.Sprint(i), Data: make([]byte, 1<<15)})
	}
	for base := graph.Revision(30); base < 33; base++ {
		huge.Base = base
		if _, err := store.Apply(t.Context(), huge); err != nil {
			t.Fatal(err)
		}
		for commit, err := range store.Follow(t.Context(), base) {
			if err != nil || commit.Revision != base+1 || len(commit.States) != 100 {
				t.Errorf("follow after %d: revision %d with %d states, %v", base, commit.Revision, len(commit.States), err)
			}
			break
		}
	}
	requireFollowed(t, store, 33, 32)
}

// requireFollowed requires that exactly the changes after oldest can be followed up to newest.
func requireFollowed(t *testing.T, store *Store, newest, oldest graph.Revision) {
	t.Helper()
	for after := range newest {
		next := after
		for commit, err := range store.Follow(t.Context(), after) {
			if after < oldest {
				if !errors.Is(err, graph.ErrCompacted) {
					t.Fatalf("follow after %d: %v, want ErrCompacted", after, err)
				}
				break
			}
			next++
			if err != nil || commit.Revision != next {
				t.Fatalf("follow after %d: revision %d, %v; want %d", after, commit.Revision, err, next)
			}
			if want := killScan(next); next <= 30 && len(commit.Put) != len(want.Put) {
				t.Fatalf("follow after %d: revision %d puts %d documents, want %d", after, next, len(commit.Put), len(want.Put))
			}
			if next == newest {
				break
			}
		}
	}
}

func TestHistoryIsKeptForSoLong(t *testing.T) {
	store := mustOpen(t, Config{Path: filepath.Join(t.TempDir(), "orrery.db"), KeepRevisions: 3, KeepHistory: 10 * 24 * time.Hour})
	start := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	apply := func(base graph.Revision, at time.Time) {
		t.Helper()
		if _, err := store.Apply(t.Context(), graph.Change{Base: base, Time: at, Recorded: []graph.FieldChange{
			{Ref: "component:default/a", Field: "first"}, {Ref: "component:default/a", Field: "second"},
		}}); err != nil {
			t.Fatal(err)
		}
	}
	require := func(newest, oldest graph.Revision) {
		t.Helper()
		var got []graph.Revision
		for recorded, err := range store.History(t.Context(), graph.HistoryQuery{}) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, recorded.Revision)
		}
		if len(got) != 2*int(newest-oldest+1) || got[0] != newest || got[len(got)-1] != oldest {
			t.Fatalf("the history has %v, want two each of %d to %d", got, newest, oldest)
		}
	}
	for day := range 30 {
		apply(graph.Revision(day), start.AddDate(0, 0, day))
	}
	require(30, 20)
	var revisions int
	if err := store.read.QueryRowContext(t.Context(), "SELECT count(*) FROM revisions").Scan(&revisions); err != nil || revisions != 12 {
		t.Errorf("%d revisions are kept, %v; want 11 and the one that was true before", revisions, err)
	}
	apply(30, start.AddDate(500, 0, 0)) // by a clock gone mad
	apply(31, start.AddDate(0, 0, 30))
	if _, err := store.Apply(t.Context(), graph.Change{Base: 32, Time: start}); err != nil { // one that is late wipes nothing
		t.Fatal(err)
	}
	var n int
	for range store.History(t.Context(), graph.HistoryQuery{Since: start.AddDate(400, 0, 0)}) {
		n++
	}
	if n != 2 {
		t.Errorf("%d changes of the future", n)
	}
}
