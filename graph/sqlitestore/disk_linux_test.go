package sqlitestore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// mount makes a folder a disk of its own until the test ends; only root can.
func mount(t *testing.T, source, kind string, flags uintptr, options string) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount(source, dir, kind, flags, options); err != nil {
		t.Skip("a disk of its own cannot be mounted here:", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// readOnlyView shows a folder on a read-only disk.
func readOnlyView(t *testing.T, dir string) string {
	t.Helper()
	view := mount(t, dir, "", unix.MS_BIND, "")
	if err := unix.Mount("", view, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Skip("a disk cannot be mounted read-only here:", err)
	}
	return view
}

func TestReadOnlyDisk(t *testing.T) {
	t.Run("closed store", func(t *testing.T) {
		path := fixture(t)
		view := filepath.Join(readOnlyView(t, filepath.Dir(path)), "orrery.db")
		_, err := Open(t.Context(), Config{Path: view})
		if !errors.Is(err, graph.ErrUnavailable) || !strings.Contains(err.Error(), "read-only") || !strings.Contains(err.Error(), "for reading") {
			t.Errorf("open for writing: %v, want ErrUnavailable that says what to do", err)
		}
		reader := mustOpen(t, Config{Path: view, ReadOnly: true})
		if revision, content := killContent(t, reader); revision != 1 || len(content) != len(killScan(1).Put)+1 {
			t.Errorf("%d records at revision %d", len(content), revision)
		}
		if err := reader.Ready(t.Context()); err != nil {
			t.Error(err)
		}
		// It is read as one that nobody writes. When somebody does, by another way to the disk, the reader must say so
		// instead of mixing two states.
		writer := mustOpen(t, Config{Path: path})
		if _, err := writer.Apply(t.Context(), killScan(2)); err != nil {
			t.Fatal(err)
		}
		if err := reader.Ready(t.Context()); !errors.Is(err, graph.ErrUnavailable) {
			t.Errorf("ready while the file is written: %v, want ErrUnavailable", err)
		}
		// One that is opened now finds the shared memory of the writer, and follows it.
		fresh := mustOpen(t, Config{Path: view, ReadOnly: true})
		if revision, _ := killContent(t, fresh); revision != 2 {
			t.Errorf("a reader beside the writer sees revision %d", revision)
		}
	})
	t.Run("store of a writer that was killed", func(t *testing.T) {
		path := killedStore(t)
		view := filepath.Join(readOnlyView(t, filepath.Dir(path)), "orrery.db")
		reader := mustOpen(t, Config{Path: view, ReadOnly: true})
		seen, _ := killContent(t, reader)
		if err := reader.Close(); err != nil { // two connections of one process share what they know of a file
			t.Fatal(err)
		}
		if err := os.Remove(path + "-shm"); err != nil {
			t.Fatal(err)
		}
		store, err := Open(t.Context(), Config{Path: view, ReadOnly: true})
		if !errors.Is(err, graph.ErrUnavailable) || !strings.Contains(err.Error(), "copy both files") {
			t.Errorf("a log without shared memory: %v, want ErrUnavailable that says what to do", err)
			if err == nil {
				_ = store.Close()
			}
		}
		if revision, _ := killContent(t, mustOpen(t, Config{Path: path})); revision != seen || seen < 5 {
			t.Errorf("readers saw revision %d, the writer %d", seen, revision)
		}
	})
	t.Run("no store", func(t *testing.T) {
		view := filepath.Join(readOnlyView(t, t.TempDir()), "orrery.db")
		if _, err := Open(t.Context(), Config{Path: view}); !errors.Is(err, graph.ErrUnavailable) || !strings.Contains(err.Error(), "read-only") {
			t.Errorf("open for writing: %v, want ErrUnavailable", err)
		}
	})
}

// killedStore is what a writer leaves that was killed.
func killedStore(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "orrery.db")
	child := startChild(t, path, "-1000")
	for range 20 { // ten commits
		child.line(t)
	}
	child.kill(t)
	return path
}

func TestDiskFull(t *testing.T) {
	dir := mount(t, "tmpfs", "tmpfs", 0, "size=2m")
	path := filepath.Join(dir, "orrery.db")
	testFull(t, mustOpen(t, Config{Path: path}), func(*testing.T) {
		if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_REMOUNT, "size=64m"); err != nil {
			t.Fatal(err)
		}
	})
}

func TestDiskFullBeforeTheStoreIsMade(t *testing.T) {
	dir := mount(t, "tmpfs", "tmpfs", 0, "size=64k")
	path := filepath.Join(dir, "orrery.db")
	if err := os.WriteFile(filepath.Join(dir, "other"), make([]byte, 40<<10), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Config{Path: path}); !errors.Is(err, graph.ErrUnavailable) || !strings.Contains(err.Error(), "full") {
		t.Errorf("got %v, want ErrUnavailable that says the disk is full", err)
	}
	if err := os.Remove(filepath.Join(dir, "other")); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if entry.Name() != "orrery.db.lock" {
			t.Errorf("%s was left behind", entry.Name())
		}
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_REMOUNT, "size=64m"); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, Config{Path: path})
}

// TestStoreFull is TestDiskFull where nothing can be mounted: SQLite itself refuses to let the file grow.
func TestStoreFull(t *testing.T) {
	store := mustOpen(t, Config{Path: filepath.Join(t.TempDir(), "orrery.db"), pragmas: []string{"max_page_count = 300"}})
	testFull(t, store, func(t *testing.T) {
		if err := store.write.do(t.Context(), func(tx *transaction) error { return tx.run("PRAGMA max_page_count = 100000") }); err != nil {
			t.Fatal(err)
		}
	})
}

// testFull fills the disk: the change that does not fit must be refused and leave everything as it was, and once there is
// space the same change must go in.
func testFull(t *testing.T, store *Store, makeSpace func(*testing.T)) {
	t.Helper()
	var revision graph.Revision
	change := func() graph.Change {
		change := killScan(revision + 1)
		for i := range 20 {
			change.Put = append(change.Put, &catalog.Document{
				ID: catalog.DocumentID{Source: "large", Scope: fmt.Sprint(revision), Key: fmt.Sprint(i)}, Location: strings.Repeat("x", 10_000),
			})
		}
		return change
	}
	var failure error
	for failure == nil && revision < 1000 {
		if _, failure = store.Apply(t.Context(), change()); failure == nil {
			revision++
		}
	}
	if !errors.Is(failure, graph.ErrUnavailable) || !strings.Contains(failure.Error(), "full") {
		t.Fatalf("after %d changes: %v, want ErrUnavailable that says the disk is full", revision, failure)
	}
	before, content := killContent(t, store)
	if before != revision {
		t.Fatalf("revision %d after the disk was full, want %d", before, revision)
	}
	if _, err := store.Apply(t.Context(), change()); !errors.Is(err, graph.ErrUnavailable) {
		t.Errorf("again: %v, want ErrUnavailable", err)
	}
	if err := store.Ready(t.Context()); err != nil {
		t.Errorf("the store can be read while its disk is full, but is not ready: %v", err)
	}
	makeSpace(t)
	if _, err := store.Apply(t.Context(), change()); err != nil {
		t.Fatalf("with space again: %v", err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	again := mustOpen(t, Config{Path: store.path})
	if after, now := killContent(t, again); after != revision+1 || len(now) <= len(content)/2 {
		t.Errorf("opened again: %d records at revision %d, want revision %d", len(now), after, revision+1)
	}
}
