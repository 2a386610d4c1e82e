package github

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"time"

	"github.com/orrery-catalog/orrery/scanners/folder"
)

// Open opens a file or folder, also by way of symbolic links.
func (f *tree) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	info, err := f.Lstat(name)
	if err == nil && info.Mode()&fs.ModeSymlink != 0 || errors.Is(err, fs.ErrNotExist) {
		if name, err = f.resolve(name); err == nil {
			info, err = f.Lstat(name)
		}
	}
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: folder.Plain(err)}
	}
	opened := &file{info: info.(*fileInfo), in: f, name: name}
	if info.IsDir() {
		return opened, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	n := opened.info.node
	content, err := f.contentLocked(n)
	if errors.Is(err, errTooLarge) && n.size > 0 { // nobody reads more than its size
		opened.content = bytes.NewReader(nil)
		return opened, nil
	}
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	opened.info.size, opened.content = int64(len(content)), bytes.NewReader(content)
	return opened, nil
}

// resolve follows the links in a name.
func (f *tree) resolve(name string) (string, error) {
	opened, err := folder.Root{FS: f}.Open()
	if err != nil {
		return "", err
	}
	real, _, err := folder.Resolve(opened, name)
	return real, err
}

// Lstat implements [fs.ReadLinkFS].
func (f *tree) Lstat(name string) (fs.FileInfo, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "lstat", Path: name, Err: fs.ErrInvalid}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	n, err := f.nodeLocked(name)
	if err != nil {
		return nil, &fs.PathError{Op: "lstat", Path: name, Err: err}
	}
	return &fileInfo{name: path.Base(name), node: n, mode: n.mode, size: n.size}, nil
}

// Stat implements [fs.StatFS].
func (f *tree) Stat(name string) (fs.FileInfo, error) {
	info, err := f.Lstat(name)
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		if name, err = f.resolve(name); err == nil {
			return f.Lstat(name)
		}
	}
	return info, err
}

// ReadLink implements [fs.ReadLinkFS].
func (f *tree) ReadLink(name string) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, err := f.nodeLocked(name)
	switch {
	case err == nil && n.mode&modeKind != modeLink:
		err = fs.ErrInvalid
	case err == nil && f.links > maxLinks:
		err = errManyLinks
	}
	if err != nil {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: err}
	}
	content, err := f.contentLocked(n)
	if err != nil {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: err}
	}
	return string(content[:min(len(content), 4096)]), nil
}

// ReadDir implements [fs.ReadDirFS].
func (f *tree) ReadDir(name string) ([]fs.DirEntry, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrInvalid}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	n, err := f.nodeLocked(name)
	if err == nil && n.mode&modeKind != modeTree && n.mode&modeKind != modeModule {
		err = errors.New("it is not a folder")
	}
	if err == nil {
		err = f.listLocked(name, n)
	}
	if err != nil {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: err}
	}
	entries := make([]fs.DirEntry, 0, len(n.children))
	for _, child := range slices.Sorted(maps.Keys(n.children)) {
		full := folder.Join(name, child)
		if found := f.nodes[full]; found != nil && (f.hidden == nil || !f.hidden(full)) {
			entries = append(entries, fs.FileInfoToDirEntry(&fileInfo{name: child, node: found, mode: found.mode, size: found.size}))
		}
	}
	return entries, nil
}

// file is one that was opened.
type file struct {
	info    *fileInfo
	in      *tree
	name    string
	content *bytes.Reader // nil = a folder
	entries []fs.DirEntry
	listed  bool
}

// Stat implements [fs.File].
func (f *file) Stat() (fs.FileInfo, error) { return f.info, nil }

// Close implements [fs.File].
func (f *file) Close() error { return nil }

// Read implements [fs.File].
func (f *file) Read(into []byte) (int, error) {
	if f.content == nil {
		return 0, &fs.PathError{Op: "read", Path: f.name, Err: errors.New("it is a folder")}
	}
	return f.content.Read(into)
}

// ReadDir implements [fs.ReadDirFile].
func (f *file) ReadDir(n int) ([]fs.DirEntry, error) {
	if !f.listed {
		entries, err := f.in.ReadDir(f.name)
		if err != nil {
			return nil, err
		}
		f.entries, f.listed = entries, true
	}
	some := f.entries
	if n > 0 {
		if len(some) == 0 {
			return nil, io.EOF
		}
		some = some[:min(n, len(some))]
	}
	f.entries = f.entries[len(some):]
	return some, nil
}

// fileInfo describes a file.
type fileInfo struct {
	name string
	node *node
	mode int64
	size int64
}

// Name implements [fs.FileInfo].
func (i *fileInfo) Name() string { return i.name }

// Size implements [fs.FileInfo]. Before a file was opened it may be unknown, and is then 0.
func (i *fileInfo) Size() int64 { return max(0, i.size) }

// Mode implements [fs.FileInfo].
func (i *fileInfo) Mode() fs.FileMode {
	switch i.mode & modeKind {
	case modeTree, modeModule: // what a submodule holds is another repository's
		return fs.ModeDir | 0o755
	case modeLink:
		return fs.ModeSymlink | 0o777
	}
	return fs.FileMode(i.mode & 0o777) //nolint:gosec // nine bits
}

// ModTime implements [fs.FileInfo]. Git knows none.
func (i *fileInfo) ModTime() time.Time { return time.Time{} }

// IsDir implements [fs.FileInfo].
func (i *fileInfo) IsDir() bool { return i.Mode().IsDir() }

// Sys implements [fs.FileInfo]. There is nothing below.
func (i *fileInfo) Sys() any { return nil }
