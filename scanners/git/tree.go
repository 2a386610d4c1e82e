package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/orrery-catalog/orrery/scanners/folder"
)

const (
	// maxEntries and maxNames bound the files and folders of a commit, and the bytes of their paths.
	maxEntries = 1_000_000
	maxNames   = 128 << 20
	// maxLinks is how many symbolic links a path may pass, maxLinkBytes how long the target of one may be: as on Linux.
	maxLinks     = 40
	maxLinkBytes = 4096
	// headBytes is how much can be read of a file over the limit.
	headBytes = 64 << 10
	// pointer is what a file begins with whose content is kept by Git LFS, and maxPointer how long it may be.
	pointer    = "version https://git-lfs.github.com/spec/"
	maxPointer = 1024
)

var (
	errEntries = fmt.Errorf("it has more than %d files", maxEntries)
	errPointer = errors.New("its content is kept by Git LFS, which is not read")
)

// tree is the files of a commit as an fs.FS. A submodule is an empty folder, as where nobody fetched it. A name that is no
// UTF-8 or has control characters is shown with these as %XX.
type tree struct {
	top     *entry
	objects *objects
	largest int64 // bytes of a file that is read whole
}

var (
	_ fs.ReadDirFS  = (*tree)(nil)
	_ fs.ReadLinkFS = (*tree)(nil)
)

// entry is a file, folder or link. As an fs.FileInfo it has no size: that of a file is known when it is open.
type entry struct {
	name    string
	mode    fs.FileMode
	oid     string
	entries []*entry // of a folder, by name
}

func (e *entry) Name() string               { return e.name }
func (e *entry) IsDir() bool                { return e.mode.IsDir() }
func (e *entry) Type() fs.FileMode          { return e.mode.Type() }
func (e *entry) Info() (fs.FileInfo, error) { return e, nil }
func (e *entry) Size() int64                { return 0 }
func (e *entry) Mode() fs.FileMode          { return e.mode }
func (e *entry) ModTime() time.Time         { return time.Time{} }
func (e *entry) Sys() any                   { return nil }

// readTree lists the files of a commit.
func readTree(ctx context.Context, in call, commit string) (*entry, error) {
	listing := &listing{top: &entry{name: ".", mode: fs.ModeDir | 0o555}}
	listing.folders = map[string]*entry{"": listing.top}
	in.args, in.output = []string{"ls-tree", "-r", "-t", "-z", "--full-tree", commit}, listing
	err := in.run(ctx)
	switch {
	case listing.refused != nil:
		return nil, listing.refused
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", errBroken, err)
	case len(listing.rest) > 0:
		return nil, fmt.Errorf("%w: git ls-tree was cut off", errBroken)
	}
	for _, dir := range listing.folders {
		slices.SortFunc(dir.entries, func(a, b *entry) int { return strings.Compare(a.name, b.name) })
		dir.entries = slices.CompactFunc(dir.entries, func(a, b *entry) bool { return a.name == b.name })
	}
	return listing.top, nil
}

// listing takes the output of `git ls-tree -r -t -z`.
type listing struct {
	top     *entry
	folders map[string]*entry // by path
	rest    []byte            // of an entry
	count   int
	names   int
	refused error
}

func (l *listing) Write(data []byte) (int, error) {
	for rest := data; len(rest) > 0; {
		line, after, whole := bytes.Cut(rest, []byte{0})
		if rest = after; !whole {
			l.rest = append(l.rest, line...)
			if len(l.rest) > 1<<20 {
				l.refused = errEntries
			}
		} else if l.add(string(append(l.rest, line...))); len(l.rest) > 0 {
			l.rest = l.rest[:0]
		}
		if l.refused != nil {
			return 0, l.refused
		}
	}
	return len(data), nil
}

// add takes one entry: mode, type, object, and its path behind a tab. What no checkout could hold is left out.
func (l *listing) add(line string) {
	words, name, _ := strings.Cut(line, "\t")
	fields := strings.Fields(words)
	if l.count, l.names = l.count+1, l.names+len(name); l.count > maxEntries || l.names > maxNames {
		l.refused = errEntries
		return
	}
	dir, base := path.Split(name)
	parent := l.folders[strings.TrimSuffix(dir, "/")]
	if parent == nil || len(fields) != 3 || path.Clean("/"+name) != "/"+name || strings.EqualFold(base, ".git") {
		return
	}
	e := &entry{name: strings.Clone(shownName(base)), oid: strings.Clone(fields[2])} // the line itself is not kept
	switch fields[0] {
	case "040000":
		e.mode = fs.ModeDir | 0o555
		l.folders[name] = e
	case "160000":
		e.mode = fs.ModeDir | 0o555
	case "120000":
		e.mode = fs.ModeSymlink | 0o444
	default:
		e.mode = 0o444
	}
	parent.entries = append(parent.entries, e)
}

// shownName is a name with what no text can hold as %XX.
func shownName(name string) string {
	if utf8.ValidString(name) && !strings.ContainsFunc(name, unicode.IsControl) {
		return name
	}
	var shown strings.Builder
	for len(name) > 0 {
		r, size := utf8.DecodeRuneInString(name)
		if r == utf8.RuneError && size == 1 || unicode.IsControl(r) {
			for i := range size {
				fmt.Fprintf(&shown, "%%%02X", name[i])
			}
		} else {
			shown.WriteString(name[:size])
		}
		name = name[size:]
	}
	return shown.String()
}

// find is what has a name, with links followed on the way and, with follow, at the end.
func (t *tree) find(name string, follow bool) (*entry, error) {
	at, above := t.top, []*entry(nil)
	links := 0
	for rest := strings.Split(name, "/"); len(rest) > 0; {
		part := rest[0]
		rest = rest[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			if len(above) == 0 {
				return nil, folder.ErrOutside
			}
			at, above = above[len(above)-1], above[:len(above)-1]
			continue
		}
		if !at.IsDir() {
			return nil, syscall.ENOTDIR
		}
		i, found := slices.BinarySearchFunc(at.entries, part, func(e *entry, name string) int { return strings.Compare(e.name, name) })
		if !found {
			return nil, syscall.ENOENT
		}
		next := at.entries[i]
		if next.mode&fs.ModeSymlink == 0 || len(rest) == 0 && !follow {
			at, above = next, append(above, at)
			continue
		}
		target, err := t.target(next)
		if links++; err == nil && (links > maxLinks || path.IsAbs(target)) {
			err = folder.ErrOutside
		}
		if err != nil {
			return nil, err
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	return at, nil
}

func (t *tree) target(link *entry) (string, error) {
	target, err := t.objects.read(link.oid, maxLinkBytes)
	return string(target), err
}

func refused(op, name string, err error) error { return &fs.PathError{Op: op, Path: name, Err: err} }

// Open opens a file or folder.
func (t *tree) Open(name string) (fs.File, error) {
	e, err := t.find(name, true)
	if err != nil {
		return nil, refused("open", name, err)
	}
	if e.IsDir() {
		return &folderFile{entry: e}, nil
	}
	size, err := t.objects.size(e.oid)
	if err != nil {
		return nil, refused("open", name, err)
	}
	return &blobFile{tree: t, entry: e, size: size}, nil
}

// ReadDir lists a folder.
func (t *tree) ReadDir(name string) ([]fs.DirEntry, error) {
	e, err := t.find(name, true)
	if err == nil && !e.IsDir() {
		err = syscall.ENOTDIR
	}
	if err != nil {
		return nil, refused("readdir", name, err)
	}
	list := make([]fs.DirEntry, len(e.entries))
	for i, entry := range e.entries {
		list[i] = entry
	}
	return list, nil
}

// Lstat looks at what has a name.
func (t *tree) Lstat(name string) (fs.FileInfo, error) {
	e, err := t.find(name, false)
	if err != nil {
		return nil, refused("lstat", name, err)
	}
	return e, nil
}

// ReadLink reads where a symbolic link leads.
func (t *tree) ReadLink(name string) (string, error) {
	e, err := t.find(name, false)
	if err == nil && e.mode&fs.ModeSymlink == 0 {
		err = fs.ErrInvalid
	}
	if err == nil {
		target, err := t.target(e)
		if err == nil {
			return target, nil
		}
		return "", refused("readlink", name, err)
	}
	return "", refused("readlink", name, err)
}

// folderFile is a folder that is open.
type folderFile struct{ *entry }

func (f *folderFile) Stat() (fs.FileInfo, error) { return f.entry, nil }
func (f *folderFile) Read([]byte) (int, error)   { return 0, fs.ErrInvalid }
func (f *folderFile) Close() error               { return nil }

// blobFile is a file that is open. Of one over the limit only the beginning can be read.
type blobFile struct {
	*entry
	tree   *tree
	size   int64
	reader *bytes.Reader // nil = nothing was read yet
}

func (f *blobFile) Stat() (fs.FileInfo, error) { return f, nil }
func (f *blobFile) Size() int64                { return f.size }
func (f *blobFile) Close() error               { return nil }

func (f *blobFile) Read(into []byte) (int, error) {
	if f.reader == nil {
		data, err := f.content()
		if err != nil {
			return 0, refused("read", f.name, err)
		}
		f.reader = bytes.NewReader(data)
	}
	n, err := f.reader.Read(into)
	if err == io.EOF && f.reader.Size() < f.size {
		return n, refused("read", f.name, fmt.Errorf("it has %d bytes, of which only the first are read", f.size))
	}
	return n, err
}

func (f *blobFile) content() ([]byte, error) {
	if f.size > f.tree.largest {
		return f.tree.objects.head(f.oid, headBytes+1)
	}
	data, err := f.tree.objects.read(f.oid, f.tree.largest)
	if err == nil && len(data) <= maxPointer && bytes.HasPrefix(data, []byte(pointer)) && strings.Contains(strings.ToLower(f.name), "catalog-info") {
		return nil, errPointer
	}
	return data, err
}
