package neo4jstore_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/testenv"
)

// TestFaultServerDisk: the disk of the server is full. Changes fail and are not half there; what was committed is kept.
func TestFaultServerDisk(t *testing.T) {
	if testing.Short() {
		t.Skip("a server of its own takes long")
	}
	disk := t.TempDir()
	if err := unix.Mount("none", disk, "tmpfs", 0, "size=256m"); err != nil {
		t.Skip("a disk of its own cannot be mounted here:", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(disk, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	server := testenv.OwnNeo4j(t, "server.directories.data="+disk)
	store := open(t, configOf(server.Neo4jServer))
	var l ledger
	l.apply(t, store, l.next(10))

	filler, err := os.Create(filepath.Join(disk, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = filler.Close() }) // it goes with the disk
	piece := make([]byte, 1<<16)
	for err == nil {
		_, err = filler.Write(piece)
	}
	if !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
	// The server has a little room left in files that are there already.
	var documents map[string]int
	deadline := time.Now().Add(2 * time.Minute)
	for err = nil; err == nil && time.Now().Before(deadline); {
		documents = l.next(800)
		start := time.Now()
		if _, err = store.Apply(t.Context(), l.change(documents)); err == nil {
			l.committed(documents)
		}
		if took := time.Since(start); took > 2*unavailableWithin {
			t.Errorf("apply took %v", took)
		}
	}
	if !errors.Is(err, graph.ErrUnavailable) {
		t.Fatalf("apply on a full disk: %v", err)
	}
	t.Logf("at revision %d: %v", l.revision, err)
	if _, _, err := loaded(t.Context(), store); err != nil && !errors.Is(err, graph.ErrUnavailable) {
		t.Errorf("load on a full disk: %v", err)
	}

	if err := os.Remove(filler.Name()); err != nil {
		t.Fatal(err)
	}
	if err := filler.Close(); err != nil {
		t.Fatal(err)
	}
	server.Kill() // Neo4j does not find by itself that there is room again, and may not end in order
	server.Start()
	requireReady(t, store)
	l.applyAgain(t, store, documents)
	requireHealed(t, store, &l)
}
