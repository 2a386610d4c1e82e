package sqlitestore_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/sqlitestore"
)

// exec runs SQL on a file by another door, as another program does.
func exec(t testing.TB, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range statements {
		if _, err := db.Exec(statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

func put(t testing.TB, store graph.Store, base graph.Revision, location string) {
	t.Helper()
	document := &catalog.Document{ID: catalog.DocumentID{Source: "s", Scope: "x", Key: "k"}, Location: location}
	if _, err := store.Apply(t.Context(), graph.Change{Base: base, Put: []*catalog.Document{document}}); err != nil {
		t.Fatal(err)
	}
}

// location is what put put.
func location(t testing.TB, store graph.Store) string {
	t.Helper()
	_, records := store.Load(t.Context(), graph.AsOf{})
	for record, err := range records {
		if err != nil {
			t.Fatal(err)
		}
		return record.Document.Location
	}
	return ""
}

func TestForeignFilesAreRefusedAndUntouched(t *testing.T) {
	junk := make([]byte, 10_000)
	for i := range junk {
		junk[i] = byte(rand.Uint32())
	}
	text := []byte("apiVersion: backstage.io/v1alpha1\n")
	tests := map[string]func(t *testing.T, path string){
		"text":           func(t *testing.T, path string) { write(t, path, text) },
		"long text":      func(t *testing.T, path string) { write(t, path, bytes.Repeat(text, 1000)) },
		"one byte":       func(t *testing.T, path string) { write(t, path, []byte{0}) },
		"zeros":          func(t *testing.T, path string) { write(t, path, make([]byte, 8192)) },
		"random bytes":   func(t *testing.T, path string) { write(t, path, junk) },
		"only the magic": func(t *testing.T, path string) { write(t, path, []byte("SQLite format 3\x00")) },
		"another program's database": func(t *testing.T, path string) {
			exec(t, path, "CREATE TABLE bookmarks (url TEXT)", "INSERT INTO bookmarks VALUES ('x')")
		},
		"another program's database with an id": func(t *testing.T, path string) {
			exec(t, path, "PRAGMA application_id = 252006673", "PRAGMA journal_mode = WAL", "CREATE TABLE t (x)")
		},
	}
	for name, make := range tests {
		for _, readOnly := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/readonly=%v", name, readOnly), func(t *testing.T) {
				dir := t.TempDir()
				path := filepath.Join(dir, "data.db")
				make(t, path)
				before := folder(t, dir)
				_, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Path: path, ReadOnly: readOnly})
				if !errors.Is(err, sqlitestore.ErrForeignFile) {
					t.Errorf("got %v, want ErrForeignFile", err)
				}
				if err != nil && !strings.Contains(err.Error(), path) {
					t.Errorf("the error does not name the file: %v", err)
				}
				if after := folder(t, dir); !slices.Equal(before, after) {
					t.Errorf("the folder changed: %.200q then %.200q", before, after)
				}
			})
		}
	}
}

func TestPathsThatAreNoFiles(t *testing.T) {
	dir := t.TempDir()
	for _, readOnly := range []bool{false, true} {
		if _, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Path: dir, ReadOnly: readOnly}); !errors.Is(err, sqlitestore.ErrForeignFile) {
			t.Errorf("a folder: %v, want ErrForeignFile", err)
		}
		if _, err := sqlitestore.Open(t.Context(), sqlitestore.Config{ReadOnly: readOnly}); err == nil {
			t.Error("no path: no error")
		}
		missing := filepath.Join(dir, "no", "such", "folder", "orrery.db")
		if _, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Path: missing, ReadOnly: readOnly}); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a missing folder: %v, want fs.ErrNotExist", err)
		}
		if runtime.GOOS != "windows" {
			if _, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Path: os.DevNull, ReadOnly: readOnly}); !errors.Is(err, sqlitestore.ErrForeignFile) {
				t.Errorf("%s: %v, want ErrForeignFile", os.DevNull, err)
			}
		}
	}
	path := filepath.Join(dir, "missing.db")
	if _, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Path: path, ReadOnly: true}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file to read: %v, want fs.ErrNotExist", err)
	}
	if got := folder(t, dir); len(got) > 0 {
		t.Errorf("files were left: %q", got)
	}
}

func TestOddPaths(t *testing.T) {
	for _, name := range []string{"a b.db", "q?mode=memory.db", "h#x.db", "p%41.db", "quote'\".db", "été 🪐.db", ":memory:", "file:x", "-x"} {
		path := filepath.Join(t.TempDir(), name)
		store := open(t, sqlitestore.Config{Path: path})
		put(t, store, 0, name)
		reader := open(t, sqlitestore.Config{Path: path, ReadOnly: true})
		if got := location(t, reader); got != name {
			t.Errorf("%s: read %q", name, got)
		}
		if info, err := os.Stat(path); err != nil || info.Size() == 0 {
			t.Errorf("%s: the file is not where it was asked for: %v", name, err)
		}
	}
}

func TestEmptyFileBecomesAStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "orrery.db")
	write(t, path, nil)
	if _, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Path: path, ReadOnly: true}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an empty file to read: %v, want fs.ErrNotExist", err)
	}
	store := open(t, sqlitestore.Config{Path: path})
	put(t, store, 0, "here")
	if got := location(t, store); got != "here" {
		t.Errorf("read %q", got)
	}
}

// TestHalfMadeFileIsMadeAgain leaves what a process leaves that died while it made the file.
func TestHalfMadeFileIsMadeAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "orrery.db")
	for _, suffix := range []string{"", "-wal", "-journal"} {
		write(t, filepath.Join(filepath.Dir(path), ".orrery.db.new"+suffix), []byte("SQLite format 3\x00 and so on"))
	}
	store := open(t, sqlitestore.Config{Path: path})
	put(t, store, 0, "here")
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if name := entry.Name(); name != "orrery.db" && name != "orrery.db.lock" {
			t.Errorf("%s was left behind", name)
		}
	}
}

func TestReplacedFileIsNoticed(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "orrery.db")
	store := open(t, sqlitestore.Config{Path: path})
	put(t, store, 0, "first")
	other := open(t, sqlitestore.Config{Path: filepath.Join(dir, "other.db")})
	put(t, other, 0, "second")
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "other.db"), path); err != nil {
		t.Fatal(err)
	}
	if err := store.Ready(t.Context()); !errors.Is(err, graph.ErrUnavailable) {
		t.Errorf("ready on a replaced file: %v, want ErrUnavailable", err)
	}
	if _, err := store.Apply(t.Context(), graph.Change{Base: 1}); !errors.Is(err, graph.ErrUnavailable) {
		t.Errorf("apply on a replaced file: %v, want ErrUnavailable", err)
	}
}

func TestDamage(t *testing.T) {
	newStore := func(t *testing.T) string {
		path := filepath.Join(t.TempDir(), "orrery.db")
		store := open(t, sqlitestore.Config{Path: path})
		var change graph.Change
		for i := range 2000 {
			change.Put = append(change.Put, &catalog.Document{
				ID: catalog.DocumentID{Source: "s", Scope: fmt.Sprintf("%04d", i), Key: "k"}, Location: strings.Repeat("x", 200),
			})
		}
		if _, err := store.Apply(t.Context(), change); err != nil {
			t.Fatal(err)
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
		return path
	}
	t.Run("of one document", func(t *testing.T) {
		path := newStore(t)
		exec(t, path, "UPDATE records SET data = x'01000000ffa0' WHERE scope = '1234'")
		store := open(t, sqlitestore.Config{Path: path})
		_, records := store.Load(t.Context(), graph.AsOf{})
		n := 0
		for _, err := range records {
			if err == nil {
				n++
				continue
			}
			var corrupt *graph.CorruptError
			if !errors.As(err, &corrupt) || corrupt.Document.Scope != "1234" || n != 1234 {
				t.Errorf("after %d documents: %v, want a *CorruptError that names scope 1234", n, err)
			}
			if !strings.Contains(err.Error(), path+" is damaged: move it") {
				t.Errorf("the message does not say what to do: %v", err)
			}
			return
		}
		t.Error("the damage was not noticed")
	})
	t.Run("of a document under another's name", func(t *testing.T) {
		path := newStore(t)
		exec(t, path, "UPDATE records SET data = (SELECT data FROM records WHERE scope = '0001') WHERE scope = '0002'")
		var corrupt *graph.CorruptError
		_, records := open(t, sqlitestore.Config{Path: path}).Load(t.Context(), graph.AsOf{})
		for _, err := range records {
			if errors.As(err, &corrupt) && corrupt.Document.Scope == "0002" {
				return
			}
		}
		t.Errorf("the damage was not noticed: %v", corrupt)
	})
	t.Run("of the file", func(t *testing.T) {
		path := newStore(t)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i := 8192; i < len(data); i++ {
			data[i] = byte(i * 7)
		}
		write(t, path, data)
		store, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Path: path})
		if err == nil {
			t.Cleanup(func() { _ = store.Close() })
			_, records := store.Load(t.Context(), graph.AsOf{})
			for _, e := range records {
				err = e
			}
		}
		if err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("got %v, want an error that says what to do", err)
		}
	})
}

func write(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// folder is the names, sizes, times and contents in a folder.
func folder(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprint(info.Name(), info.ModTime(), info.Mode(), string(data)))
	}
	return all
}
