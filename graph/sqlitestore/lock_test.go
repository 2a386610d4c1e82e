package sqlitestore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/graph"
)

func mustOpen(t testing.TB, config Config) *Store {
	t.Helper()
	store, err := Open(t.Context(), config)
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

func TestSecondWriterIsToldWhoHoldsTheStore(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "orrery.db")
	first := mustOpen(t, Config{Path: path, Holder: "orrery serve"})
	link := filepath.Join(dir, "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	for _, name := range []string{path, link, filepath.Join(dir, "..", filepath.Base(dir), "orrery.db")} {
		_, err := Open(t.Context(), Config{Path: name})
		var held *graph.LeaseHeldError
		if !errors.As(err, &held) || !errors.Is(err, graph.ErrLeaseHeld) {
			t.Fatalf("%s: %v, want a *LeaseHeldError", name, err)
		}
		for _, word := range []string{"orrery serve", fmt.Sprint("process ", os.Getpid()), "since 20"} {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%s: the error does not tell %q: %v", name, word, err)
			}
		}
		if !held.Until.IsZero() {
			t.Errorf("the lock is said to end at %v, and ends with its process", held.Until)
		}
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, Config{Path: path})
}

func TestLockFileThatSaysNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "orrery.db")
	mustOpen(t, Config{Path: path})
	for _, words := range []string{"", "{", "[]", strings.Repeat("x", 1<<16)} {
		if err := os.WriteFile(path+".lock", []byte(words), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(t.Context(), Config{Path: path}); !errors.Is(err, graph.ErrLeaseHeld) || !strings.Contains(err.Error(), "another process") {
			t.Errorf("%.10q: %v, want ErrLeaseHeld by another process", words, err)
		}
	}
}

// TestLockEndsWithItsProcess kills a writer in another process: while it lives it is named, and once it is gone the store
// can be written at once, and read before that.
func TestLockEndsWithItsProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "orrery.db")
	child := startChild(t, path, "-1000")
	for range 20 { // ten commits
		child.line(t)
	}
	_, err := Open(t.Context(), Config{Path: path})
	if !errors.Is(err, graph.ErrLeaseHeld) || !strings.Contains(err.Error(), fmt.Sprintf("process %d ", child.Process.Pid)) {
		t.Errorf("%v, want ErrLeaseHeld by process %d", err, child.Process.Pid)
	}
	reader := mustOpen(t, Config{Path: path, ReadOnly: true})
	during, _ := killContent(t, reader)
	child.kill(t)
	if info, err := os.Stat(path + "-wal"); err != nil || info.Size() == 0 {
		t.Fatalf("the dead writer left no log, so that this test proves nothing: %v", err)
	}
	after, _ := killContent(t, reader) // was open all the time
	fresh := mustOpen(t, Config{Path: path, ReadOnly: true})
	seen, _ := killContent(t, fresh)
	if during < 10 || after < during || seen != after {
		t.Errorf("readers saw revision %d, then %d, then %d", during, after, seen)
	}
	start := time.Now()
	writer := mustOpen(t, Config{Path: path})
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("it took %v to open what the dead writer left", took)
	}
	if _, err := writer.Apply(t.Context(), killScan(seen+1)); err != nil {
		t.Error(err)
	}
	for commit, err := range fresh.Follow(t.Context(), seen) { // readers see the new writer
		if err != nil || commit.Revision != seen+1 {
			t.Errorf("revision %d, %v; want %d", commit.Revision, err, seen+1)
		}
		break
	}
}
