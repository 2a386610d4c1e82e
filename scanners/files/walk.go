package files

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// file is one file to read.
type file struct {
	name  string // in the root, as a person would go there; may pass symbolic links
	real  string // the same file without links
	steps int    // Locations that led to it; 0 = found by walking
}

// walk finds the files of one root. One goroutine uses it.
type walk struct {
	*run
	emit    func(context.Context, file) error
	visited map[string]bool // folders, without links
	links   []place         // symbolic links, in the order of the walk
	// entered hears of each folder, without links, before it is listed; nil = nobody does.
	entered func(real string) error
}

// place is a folder to enter or a link to follow.
type place struct {
	name, real string
	parts      []string // of name
	ignores    ignores  // in force there
}

// all walks the root, then what its links lead to. A folder is entered once, so that links cannot make the walk endless,
// and links come last, so that what is there without them has its own name.
func (w *walk) all(ctx context.Context) error {
	if err := w.folders(ctx, place{name: ".", real: "."}); err != nil {
		return err
	}
	for len(w.links) > 0 {
		next := w.links[0]
		w.links = w.links[1:]
		w.noteLink(next.real)
		if err := w.follow(ctx, next); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) folders(ctx context.Context, start place) error {
	for stack := []place{start}; len(stack) > 0; {
		at := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if err := ctx.Err(); err != nil {
			return err
		}
		if w.visited[at.real] {
			continue
		}
		w.visited[at.real] = true
		below, err := w.folder(ctx, at)
		if err != nil {
			return err
		}
		stack = append(stack, below...)
	}
	return nil
}

// folder emits the files of one folder and returns the folders in it, the last first.
func (w *walk) folder(ctx context.Context, at place) (below []place, err error) {
	if len(at.parts) > w.config.MaxFolderDepth {
		return nil, w.unreadableFolder(ctx, at.name, fmt.Errorf("it is more than %d folders deep", w.config.MaxFolderDepth))
	}
	if w.entered != nil {
		if err := w.entered(at.real); err != nil {
			return nil, err
		}
	}
	entries, err := w.tree.readDir(at.real)
	switch {
	case err == nil:
	case at.real == ".":
		return nil, fmt.Errorf("read folder %s: %w", w.shown("."), plain(err))
	case errors.Is(err, fs.ErrNotExist):
		return nil, w.vanished(at.name)
	default:
		return nil, w.unreadableFolder(ctx, at.name, plain(err))
	}
	at = w.inForce(at, has(entries, ".git"), has(entries, ".gitignore"))
	for _, entry := range entries {
		next := at.in(entry.Name())
		switch mode := entry.Type(); {
		case mode.IsDir():
			if w.enters(next) {
				below = append(below, next)
			}
		case mode&fs.ModeSymlink != 0:
			w.links = append(w.links, next)
		default:
			if err := w.consider(ctx, next, mode); err != nil {
				return nil, err
			}
		}
	}
	slices.Reverse(below)
	return below, nil
}

// inForce is the place with what its own files say of what is ignored in it.
func (r *run) inForce(at place, repository, ignoring bool) place {
	if repository { // what is around it does not say what it ignores
		at.ignores = nil
	}
	if ignoring {
		at.ignores = at.ignores.with(r.tree, at.real, at.parts)
	}
	return at
}

// in is what has the name in a folder.
func (p place) in(name string) place {
	return place{
		name: join(p.name, name), real: join(p.real, name), parts: append(slices.Clip(p.parts), name), ignores: p.ignores,
	}
}

func has(entries []fs.DirEntry, name string) bool {
	_, found := slices.BinarySearchFunc(entries, name, func(entry fs.DirEntry, name string) int {
		return strings.Compare(entry.Name(), name)
	})
	return found
}

func (w *walk) enters(at place) bool {
	return !at.ignores.match(at.parts, true) && !matches(w.config.Exclude, at.name) && !junk(w.tree, at.real)
}

// follow reads what a symbolic link leads to, unless the walk was there.
func (w *walk) follow(ctx context.Context, link place) error {
	real, info, err := resolve(w.tree, link.real)
	switch {
	case err == nil && info.IsDir():
		link.real = real
		if w.enters(link) {
			return w.folders(ctx, link)
		}
		return nil
	case err == nil:
		link.real = real
		return w.consider(ctx, link, info.Mode())
	case !w.wants(link), errors.Is(err, fs.ErrNotExist) && !namedCatalog(link.name):
		return nil
	default:
		return w.refuse(ctx, link.name, "refused-link", "the symbolic link is not followed: "+plain(err).Error(),
			"replace it by the file it leads to, or scan a folder that holds both")
	}
}

// wants says whether the name asks for the file to be opened.
func (w *walk) wants(at place) bool {
	switch strings.ToLower(path.Ext(at.name)) {
	case ".yaml", ".yml", ".json":
	default:
		return false
	}
	return (len(w.config.Include) == 0 || matches(w.config.Include, at.name)) && !matches(w.config.Exclude, at.name) &&
		!at.ignores.match(at.parts, false)
}

// consider emits a file that is to be opened.
func (w *walk) consider(ctx context.Context, at place, mode fs.FileMode) error {
	w.config.Progress.Seen.Add(1)
	if !w.wants(at) {
		return nil
	}
	if !mode.IsRegular() {
		return w.irregular(ctx, at.name)
	}
	return w.emit(ctx, file{name: at.name, real: at.real})
}

// namedCatalog says whether a file has the name that catalog files usually have, so that it is worth a word when it
// cannot be read.
func namedCatalog(name string) bool {
	return strings.Contains(strings.ToLower(path.Base(name)), "catalog-info")
}
