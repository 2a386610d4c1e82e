package sqlitestore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/graph"
)

// killTrafficEnv makes the child of TestKillNineOfTraffic of a test binary.
const killTrafficEnv = "ORRERY_TEST_KILL_TRAFFIC"

// killTraffic is the write of a number: all rows say it, but for a few that are empty.
func killTraffic(number int) graph.TrafficWrite {
	var write graph.TrafficWrite
	for part := range uint16(200) {
		row := graph.TrafficRow{TrafficKey: graph.TrafficKey{Source: "traces", Writer: "w", Part: part}}
		if (number+int(part))%10 != 0 {
			row.Data = bytes.Repeat(fmt.Appendf(nil, "%d ", number), 1+int(part)*10)
		}
		write.Put = append(write.Put, row)
	}
	return write
}

// killTrafficChild writes for ever, and tells each number after it was written.
func killTrafficChild(path string) error {
	store, err := Open(context.Background(), Config{Path: path, pragmas: []string{"cache_size = 10", "wal_autocheckpoint = 100"}})
	if err != nil {
		return err
	}
	number, err := killTrafficFound(store)
	for err == nil {
		number++
		if err = store.WriteTraffic(context.Background(), killTraffic(number)); err == nil {
			_, err = fmt.Fprintln(os.Stdout, number)
		}
	}
	return err
}

// killTrafficFound requires that the rows are those of one write, and tells its number; 0 = there are none.
func killTrafficFound(store *Store) (number int, err error) {
	got := make(map[graph.TrafficKey]string)
	for row, err := range store.Traffic(context.Background(), 0) {
		if err != nil {
			return 0, err
		}
		got[row.TrafficKey] = string(row.Data)
		first, _, _ := strings.Cut(string(row.Data), " ")
		if number, err = strconv.Atoi(first); err != nil {
			return 0, err
		}
	}
	if len(got) == 0 {
		return 0, nil
	}
	for _, row := range killTraffic(number).Put {
		if got[row.TrafficKey] != string(row.Data) {
			return 0, fmt.Errorf("the row %d is not of the write %d", row.Part, number)
		}
		delete(got, row.TrafficKey)
	}
	return number, nil
}

// TestKillNineOfTraffic kills a child that writes rows at any moment: what was reported is there, and no write by half.
func TestKillNineOfTraffic(t *testing.T) {
	rounds := 60
	if testing.Short() {
		rounds = 12
	}
	path, last := filepath.Join(t.TempDir(), "orrery.db"), 0
	for round := range rounds {
		child := startChildAs(t, killTrafficEnv+"="+path)
		told, err := strconv.Atoi(strings.TrimSpace(child.line(t)))
		if err != nil {
			t.Fatal(err)
		}
		spin(time.Duration(round*7%40) * time.Millisecond / 4)
		child.kill(t)
		store, err := Open(t.Context(), Config{Path: path, ReadOnly: round%3 == 0})
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		number, err := killTrafficFound(store)
		if err != nil || number < told || told <= last {
			t.Fatalf("round %d: the write %d is there, after %d was told and %d was there before: %v", round, number, told, last, err)
		}
		last = number
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d writes in %d rounds of kill -9", last, rounds)
}

// TestTrafficOfAnOlderFile brings a file from before there were rows to the present schema: all that was there stays.
func TestTrafficOfAnOlderFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "orrery.db")
	old := Config{Path: path, Program: "orrery 0.3.0", migrations: migrations[:3]}
	store := mustOpen(t, old)
	if _, err := store.Apply(t.Context(), killScan(1)); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Config{Path: path, ReadOnly: true}); !errors.Is(err, ErrOlderSchema) {
		t.Errorf("read before it was migrated: %v, want ErrOlderSchema", err)
	}
	store = mustOpen(t, Config{Path: path, Program: "orrery 0.4.0"})
	if n, err := killTrafficFound(store); n != 0 || err != nil {
		t.Errorf("rows of write %d, %v", n, err)
	}
	if err := store.WriteTraffic(t.Context(), killTraffic(7)); err != nil {
		t.Fatal(err)
	}
	if n, err := killTrafficFound(store); n != 7 || err != nil {
		t.Errorf("rows of write %d, %v", n, err)
	}
	if revision, content := killContent(t, store); revision != 1 || len(content) != len(killScan(1).Put)+1 {
		t.Errorf("%d records at revision %d", len(content), revision)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	for _, readOnly := range []bool{false, true} {
		old.ReadOnly = readOnly
		if _, err := Open(t.Context(), old); !errors.Is(err, ErrNewerSchema) || !strings.Contains(err.Error(), "orrery 0.4.0") {
			t.Errorf("by the older program, only reading %t: %v, want ErrNewerSchema", readOnly, err)
		}
	}
}

// TestTrafficBesideCompaction: what the store forgets of its past takes no row with it.
func TestTrafficBesideCompaction(t *testing.T) {
	store := mustOpen(t, Config{Path: filepath.Join(t.TempDir(), "orrery.db"), KeepRevisions: 1, KeepHistory: time.Hour, KeepPastBytes: 1})
	if err := store.WriteTraffic(t.Context(), killTraffic(3)); err != nil {
		t.Fatal(err)
	}
	for revision := range graph.Revision(30) {
		change := killScan(revision + 1)
		change.Time = change.Time.Add(time.Duration(revision) * 24 * time.Hour)
		if _, err := store.Apply(t.Context(), change); err != nil {
			t.Fatal(err)
		}
	}
	_, records := store.Load(t.Context(), graph.AsOf{Revision: 5})
	for _, err := range records {
		if !errors.Is(err, graph.ErrCompacted) {
			t.Fatalf("a past that should be gone: %v", err)
		}
	}
	if n, err := killTrafficFound(store); n != 3 || err != nil {
		t.Errorf("rows of write %d, %v", n, err)
	}
}

// TestTrafficReadWhileWritten has a stream stopped in its middle while its rows are replaced: it goes on with those of its
// beginning, and keeps nobody from writing.
func TestTrafficReadWhileWritten(t *testing.T) {
	store := mustOpen(t, Config{Path: filepath.Join(t.TempDir(), "orrery.db")})
	if err := store.WriteTraffic(t.Context(), killTraffic(3)); err != nil {
		t.Fatal(err)
	}
	n := 0
	for row, err := range store.Traffic(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n == 5 {
			if err := store.WriteTraffic(t.Context(), killTraffic(4)); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.HasPrefix(row.Data, []byte("3 ")) {
			t.Fatalf("row %d is of another write", n)
		}
	}
	if n != 180 {
		t.Errorf("%d rows of 180", n)
	}
}
