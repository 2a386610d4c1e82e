package onboard

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// The bounds of what is looked at. A repository has some ten build files; of others' code it holds without end.
const (
	maxEntries   = 100_000 // files and folders that are listed
	maxDepth     = 24
	maxReads     = 400
	maxFileBytes = 1 << 20
	maxBytes     = 32 << 20 // of all files that are read
)

// tree is a repository that was listed, and of which little is read.
type tree struct {
	ctx   context.Context //nolint:containedctx // it lives as long as one call of New
	fs    fs.FS
	files []string            // sorted
	has   map[string]bool     // the same
	dirs  map[string][]string // the same by folder, sorted
	cut   bool                // there is more than was listed
	reads int                 // that are left
	bytes int                 // that are left
	read  map[string][]byte
	err   error // the first of a file that should have been readable
}

// foreign are folders of others' code, of what tools make, and of what is no part of what runs.
var foreign = map[string]bool{
	"node_modules": true, "bower_components": true, "site-packages": true, "vendor": true, "third_party": true, "dist": true,
	"build": true, "target": true, "out": true, "bin": true, "obj": true, "__pycache__": true, "venv": true, "env": true,
	"testdata": true, "fixtures": true, "__fixtures__": true, "__tests__": true, "test": true, "tests": true, "e2e": true,
	"examples": true, "example": true, "samples": true, "sample": true, "demo": true, "demos": true, "skeleton": true,
	"templates": true, "coverage": true, "genproto": true, "Pods": true, "benchmarks": true, "benchmark": true,
}

// list lists a repository.
func list(ctx context.Context, repository fs.FS, reads int) (*tree, error) {
	t := &tree{
		ctx: ctx, fs: repository, has: make(map[string]bool), dirs: make(map[string][]string), read: make(map[string][]byte), reads: reads, bytes: maxBytes,
	}
	if reads <= 0 {
		t.reads = maxReads
	}
	entries := 0
	if err := t.walk(".", 0, &entries); err != nil {
		return nil, err
	}
	slices.Sort(t.files)
	for _, file := range t.files {
		t.dirs[path.Dir(file)] = append(t.dirs[path.Dir(file)], file)
	}
	return t, nil
}

func (t *tree) walk(dir string, depth int, entries *int) error {
	if err := t.ctx.Err(); err != nil {
		return context.Cause(t.ctx)
	}
	found, err := fs.ReadDir(t.fs, dir)
	if err != nil {
		if dir != "." && (errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist)) {
			return nil // what one may not see is nothing to draft from
		}
		return err
	}
	for _, entry := range found {
		if *entries++; *entries > maxEntries {
			t.cut = true
			return nil
		}
		name := path.Join(dir, entry.Name())
		switch {
		case entry.IsDir():
			hidden := strings.HasPrefix(entry.Name(), ".") && entry.Name() != ".github"
			if hidden || foreign[entry.Name()] || depth >= maxDepth {
				continue
			}
			if err := t.walk(name, depth+1, entries); err != nil {
				return err
			}
		case entry.Type().IsRegular():
			t.files = append(t.files, name)
			t.has[name] = true
		}
	}
	return nil
}

// content is that of a file; nil = it is not there, too large, or too much was read already.
func (t *tree) content(name string) []byte {
	if data, known := t.read[name]; known {
		return data
	}
	if !t.has[name] || t.reads <= 0 || t.err != nil || t.ctx.Err() != nil {
		return nil
	}
	t.reads--
	data, err := t.open(name)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
			t.err = err
		}
		data = nil
	}
	t.read[name] = data
	return data
}

func (t *tree) open(name string) ([]byte, error) {
	data, err := readWhole(t.fs, name, min(maxFileBytes, t.bytes))
	t.bytes -= len(data)
	return data, err
}

// readUnlisted is readWhole for a file of which the listing said nothing. What is no file is not opened: a pipe would make
// one wait.
func readUnlisted(files fs.FS, name string, most int) ([]byte, error) {
	if info, err := fs.Stat(files, name); err != nil || !info.Mode().IsRegular() {
		return nil, err
	}
	return readWhole(files, name, most)
}

// readWhole reads a file; nil = it has more than so many bytes.
func readWhole(files fs.FS, name string, most int) ([]byte, error) {
	file, err := files.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, int64(most)+1))
	if err != nil || len(data) > most {
		return nil, err
	}
	return data, nil
}

// below says whether a file lies in a folder or below it.
func below(file, dir string) bool { return dir == "." || strings.HasPrefix(file, dir+"/") }
