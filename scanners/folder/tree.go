package folder

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

// Why a name in a folder is not read.
var (
	// ErrOutside is a path or link that leaves its root.
	ErrOutside = errors.New("it leads out of the scanned folder")
	// ErrIrregular is a FIFO, device or socket.
	ErrIrregular = errors.New("it is not a regular file")
	// errLinks is a chain of symbolic links that is too long or has no end.
	errLinks = errors.New("its symbolic links have no end")
)

// maxLinks is how many symbolic links one path may pass, as on Linux.
const maxLinks = 40

// Tree is a folder that cannot be left. Names are slash-separated and relative to it; "." is the folder itself.
type Tree interface {
	// Open never waits for the other end of a FIFO.
	Open(name string) (fs.File, error)
	// ReadDir is sorted by name.
	ReadDir(name string) ([]fs.DirEntry, error)
	Lstat(name string) (fs.FileInfo, error)
	ReadLink(name string) (string, error)
	// Inside turns the absolute target of a link into a name in the tree.
	Inside(target string) (string, error)
	// Check is an error when the tree is not, or no longer, where it was opened.
	Check() error
	Close() error
}

// disk is a tree of the file system. The operating system keeps it confined, also while links are changed under it.
type disk struct {
	dir   string
	root  *os.Root
	stat  fs.FileInfo
	bases []string // absolute paths of the root, as given and with its links resolved
}

func openFolder(dir string) (*disk, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	f := &disk{dir: dir, root: root}
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

func (f *disk) Open(name string) (fs.File, error) {
	return f.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

func (f *disk) ReadDir(name string) ([]fs.DirEntry, error) {
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

func (f *disk) Lstat(name string) (fs.FileInfo, error) { return f.root.Lstat(name) }

func (f *disk) ReadLink(name string) (string, error) {
	target, err := f.root.Readlink(name)
	return filepath.ToSlash(target), err
}

func (f *disk) Inside(target string) (string, error) {
	for _, base := range f.bases {
		if name, err := filepath.Rel(base, filepath.FromSlash(target)); err == nil && filepath.IsLocal(name) {
			return filepath.ToSlash(name), nil
		}
	}
	return "", ErrOutside
}

func (f *disk) Check() error {
	now, err := os.Stat(f.dir)
	if err != nil {
		return err
	}
	if !os.SameFile(now, f.stat) {
		return errors.New("the folder was replaced by another while it was read")
	}
	return nil
}

func (f *disk) Close() error { return f.root.Close() }

// embedded is a tree over an fs.FS.
type embedded struct{ fsys fs.FS }

func (e embedded) Open(name string) (fs.File, error)          { return e.fsys.Open(name) }
func (e embedded) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(e.fsys, name) }
func (e embedded) Lstat(name string) (fs.FileInfo, error)     { return fs.Lstat(e.fsys, name) }
func (e embedded) ReadLink(name string) (string, error)       { return fs.ReadLink(e.fsys, name) }
func (e embedded) Inside(string) (string, error)              { return "", ErrOutside }
func (e embedded) Close() error                               { return nil }

func (e embedded) Check() error {
	_, err := fs.Stat(e.fsys, ".")
	return err
}

// OpenRegular opens a regular file and nothing else.
func OpenRegular(t Tree, name string) (fs.File, fs.FileInfo, error) {
	file, err := t.Open(name)
	if err != nil {
		return nil, nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = ErrIrregular
	}
	if err != nil {
		return nil, nil, errors.Join(err, file.Close())
	}
	return file, info, nil
}

// Resolve follows the symbolic links in name and returns the path without any, with what is there.
func Resolve(t Tree, name string) (string, fs.FileInfo, error) {
	at, rest := ".", strings.Split(name, "/")
	for links := 0; len(rest) > 0; {
		part := rest[0]
		rest = rest[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			if at == "." {
				return "", nil, ErrOutside
			}
			at = path.Dir(at)
			continue
		}
		next := path.Join(at, part)
		found, err := t.Lstat(next)
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
		target, err := t.ReadLink(next)
		if err != nil {
			return "", nil, err
		}
		if path.IsAbs(target) || filepath.IsAbs(target) {
			if target, err = t.Inside(target); err != nil {
				return "", nil, err
			}
			at = "."
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	info, err := t.Lstat(at)
	if err != nil {
		return "", nil, err
	}
	return at, info, nil
}

// Plain is err without the operation and path that package os puts before it, and in words that say what to do.
func Plain(err error) error {
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
