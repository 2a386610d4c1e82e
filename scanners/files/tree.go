package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// errOutside is a path or link that leaves its root.
var errOutside = errors.New("it leads out of the scanned folder")

// errIrregular is a FIFO, device or socket.
var errIrregular = errors.New("it is not a regular file")

// errLinks is a chain of symbolic links that is too long or has no end.
var errLinks = errors.New("its symbolic links have no end")

// maxLinks is how many symbolic links one path may pass, as on Linux.
const maxLinks = 40

// tree is a folder that cannot be left. Names are slash-separated and relative to it; "." is the folder itself.
type tree interface {
	// open never waits for the other end of a FIFO.
	open(name string) (fs.File, error)
	// readDir is sorted by name.
	readDir(name string) ([]fs.DirEntry, error)
	lstat(name string) (fs.FileInfo, error)
	readLink(name string) (string, error)
	// inside turns the absolute target of a link into a name in the tree.
	inside(target string) (string, error)
	// check is an error when the tree is not, or no longer, where it was opened.
	check() error
	close() error
}

// folder is a tree on disk. The operating system keeps it confined, also while links are changed under it.
type folder struct {
	dir   string
	root  *os.Root
	stat  fs.FileInfo
	bases []string // absolute paths of the root, as given and with its links resolved
}

func openFolder(dir string) (*folder, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	f := &folder{dir: dir, root: root}
	if f.stat, err = root.Stat("."); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	if base, err := filepath.Abs(dir); err == nil {
		f.bases = append(f.bases, base)
		if real, err := filepath.EvalSymlinks(base); err == nil && real != base {
			f.bases = append(f.bases, real)
		}
	}
	return f, nil
}

func (f *folder) open(name string) (fs.File, error) {
	return f.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

func (f *folder) readDir(name string) ([]fs.DirEntry, error) {
	// Never waiting, too: what was a folder a moment ago may be anything now.
	dir, err := f.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = dir.Close() }() // only read from
	entries, err := dir.ReadDir(-1)
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, err
}

func (f *folder) lstat(name string) (fs.FileInfo, error) { return f.root.Lstat(name) }

func (f *folder) readLink(name string) (string, error) {
	target, err := f.root.Readlink(name)
	return filepath.ToSlash(target), err
}

func (f *folder) inside(target string) (string, error) {
	for _, base := range f.bases {
		if name, err := filepath.Rel(base, filepath.FromSlash(target)); err == nil && filepath.IsLocal(name) {
			return filepath.ToSlash(name), nil
		}
	}
	return "", errOutside
}

func (f *folder) check() error {
	now, err := os.Stat(f.dir)
	if err != nil {
		return err
	}
	if !os.SameFile(now, f.stat) {
		return errors.New("the folder was replaced by another while it was read")
	}
	return nil
}

func (f *folder) close() error { return f.root.Close() }

// embedded is a tree over an fs.FS.
type embedded struct{ fsys fs.FS }

func (e embedded) open(name string) (fs.File, error)          { return e.fsys.Open(name) }
func (e embedded) readDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(e.fsys, name) }
func (e embedded) lstat(name string) (fs.FileInfo, error)     { return fs.Lstat(e.fsys, name) }
func (e embedded) readLink(name string) (string, error)       { return fs.ReadLink(e.fsys, name) }
func (e embedded) inside(string) (string, error)              { return "", errOutside }
func (e embedded) close() error                               { return nil }

func (e embedded) check() error {
	_, err := fs.Stat(e.fsys, ".")
	return err
}

// openRegular opens a regular file and nothing else.
func openRegular(t tree, name string) (fs.File, fs.FileInfo, error) {
	file, err := t.open(name)
	if err != nil {
		return nil, nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errIrregular
	}
	if err != nil {
		return nil, nil, errors.Join(err, file.Close())
	}
	return file, info, nil
}

// resolve follows the symbolic links in name and returns the path without any, with what is there.
func resolve(t tree, name string) (string, fs.FileInfo, error) {
	at, rest := ".", strings.Split(name, "/")
	for links := 0; len(rest) > 0; {
		part := rest[0]
		rest = rest[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			if at == "." {
				return "", nil, errOutside
			}
			at = path.Dir(at)
			continue
		}
		next := path.Join(at, part)
		found, err := t.lstat(next)
		if err != nil {
			return "", nil, err
		}
		if found.Mode()&fs.ModeSymlink == 0 {
			at = next
			continue
		}
		if links++; links > maxLinks {
			return "", nil, errLinks
		}
		target, err := t.readLink(next)
		if err != nil {
			return "", nil, err
		}
		if path.IsAbs(target) || filepath.IsAbs(target) {
			if target, err = t.inside(target); err != nil {
				return "", nil, err
			}
			at = "."
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	info, err := t.lstat(at)
	if err != nil {
		return "", nil, err
	}
	return at, info, nil
}

// plain is err without the operation and path that package os puts before it, and in words that say what to do.
func plain(err error) error {
	var pathError *fs.PathError
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: give the process the right to read it", fs.ErrPermission)
	case errors.As(err, &pathError):
		return pathError.Err
	default:
		return err
	}
}
