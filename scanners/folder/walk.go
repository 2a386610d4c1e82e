package folder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"syscall"

	"github.com/bmatcuk/doublestar/v4"
)

// File is a file that was found.
type File struct {
	Name string // in the root, as a person would go there; may pass symbolic links
	Real string // the same file without links
}

// Walk finds the files of one root. One goroutine uses it.
type Walk struct {
	In      *Opened
	Options *Options
	Emit    func(context.Context, File) error
	// Refused hears of what is there and is not read; its error ends the walk.
	Refused func(context.Context, Refusal) error
	// Entered hears of each folder, without links, before it is listed; nil = nobody does.
	Entered func(real string) error
	// Listed hears what is in each folder, sorted by name; nil = nobody does.
	Listed func(real string, entries []fs.DirEntry)
	// Linked hears of each symbolic link, without others, before it is followed; nil = nobody does.
	Linked func(link string)
	Links  []Place // symbolic links that are not followed yet, in the order of the walk

	visited map[string]bool // folders, without links
	places  map[string]visit
}

// Refusal is a folder, file or link that is not read.
type Refusal struct {
	Name   string // in the root
	Folder bool   // with all that is in it
	Code   string // of a Problem: "unreadable-folder", "unreadable-file" or "refused-link"
	Err    error
	// Message and Fix are for people.
	Message, Fix string
}

// ErrVanished says that a folder went away while it was read, so that nobody knows what was in it.
var ErrVanished = errors.New("vanished while it was read")

// Place is a folder to enter or a link to follow.
type Place struct {
	Name, Real string
	Parts      []string // of Name
	ignores    ignores  // in force there
}

// Top is the root itself.
func Top() Place { return Place{Name: ".", Real: "."} }

// In is what has the name in a folder.
func (p Place) In(name string) Place {
	return Place{
		Name: Join(p.Name, name), Real: Join(p.Real, name), Parts: append(slices.Clip(p.Parts), name), ignores: p.ignores,
	}
}

// All walks the root, then what its links lead to. A folder is entered once, so that links cannot make the walk endless,
// and links come last, so that what is there without them has its own name.
func (w *Walk) All(ctx context.Context) error {
	if err := w.Folders(ctx, Top()); err != nil {
		return err
	}
	for fetched := 0; len(w.Links) > 0; fetched-- {
		if fetched == 0 {
			fetched = len(w.Links)
			if err := w.fetchLinks(ctx); err != nil {
				return err
			}
		}
		next := w.Links[0]
		w.Links = w.Links[1:]
		if w.Linked != nil {
			w.Linked(next.Real)
		}
		if err := w.follow(ctx, next); err != nil {
			return err
		}
	}
	return nil
}

// Folders walks a folder with those in it. What is linked there is left in Links.
func (w *Walk) Folders(ctx context.Context, start Place) error {
	if w.visited == nil {
		w.visited = make(map[string]bool)
	}
	for stack := []Place{start}; len(stack) > 0; {
		at := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if err := ctx.Err(); err != nil {
			return err
		}
		if w.visited[at.Real] {
			continue
		}
		w.visited[at.Real] = true
		below, err := w.folder(ctx, at)
		if err != nil {
			return err
		}
		stack = append(stack, below...)
	}
	return nil
}

// folder emits the files of one folder and returns the folders in it, the last first.
func (w *Walk) folder(ctx context.Context, at Place) (below []Place, err error) {
	if len(at.Parts) > w.Options.MaxDepth {
		return nil, w.refuseFolder(ctx, at.Name, fmt.Errorf("it is more than %d folders deep", w.Options.MaxDepth))
	}
	if w.Entered != nil {
		if err := w.Entered(at.Real); err != nil {
			return nil, err
		}
	}
	entries, err := w.In.ReadDir(at.Real)
	switch {
	case err == nil:
	case at.Real == ".":
		return nil, fmt.Errorf("read folder %s: %w", w.In.Shown("."), Plain(err))
	case errors.Is(err, fs.ErrNotExist):
		return nil, w.In.Vanished(at.Name)
	default:
		return nil, w.refuseFolder(ctx, at.Name, Plain(err))
	}
	if w.Listed != nil {
		w.Listed(at.Real, entries)
	}
	at = w.inForce(at, has(entries, ".git"), has(entries, ".gitignore"))
	for _, entry := range entries {
		next := at.In(entry.Name())
		switch mode := entry.Type(); {
		case mode.IsDir():
			if w.Enters(next) {
				below = append(below, next)
			}
		case mode&fs.ModeSymlink != 0:
			if w.Wants(next) || w.Options.leads(next.Name) {
				w.Links = append(w.Links, next)
			}
		default:
			if err := w.Consider(ctx, next, mode); err != nil {
				return nil, err
			}
		}
	}
	slices.Reverse(below)
	return below, nil
}

func (w *Walk) refuseFolder(ctx context.Context, name string, err error) error {
	return w.Refused(ctx, Refusal{
		Name: name, Folder: true, Err: err, Code: "unreadable-folder", Message: "this folder cannot be read: " + err.Error(),
		Fix: "mend it, or leave it out by exclude",
	})
}

// Vanished is an error that wraps [ErrVanished].
func (o *Opened) Vanished(folder string) error {
	return fmt.Errorf("folder %s %w: scan again", o.Shown(folder), ErrVanished)
}

// inForce is the place with what its own files say of what is ignored in it.
func (w *Walk) inForce(at Place, repository, ignoring bool) Place {
	if repository { // what is around it does not say what it ignores
		at.ignores = nil
	}
	if ignoring && !w.Options.AnyName {
		at.ignores = at.ignores.with(w.In, at.Real, at.Parts)
	}
	return at
}

func has(entries []fs.DirEntry, name string) bool {
	_, found := slices.BinarySearchFunc(entries, name, func(entry fs.DirEntry, name string) int {
		return strings.Compare(entry.Name(), name)
	})
	return found
}

// Enters says whether the walk comes into a folder whose parent it is in.
func (w *Walk) Enters(at Place) bool {
	return w.Options.leads(at.Name) && !at.ignores.match(at.Parts, true) && !Matches(w.Options.Exclude, at.Name) && !Junk(w.In, at.Real)
}

// follow reads what a symbolic link leads to, unless the walk was there.
func (w *Walk) follow(ctx context.Context, link Place) error {
	real, info, err := Resolve(w.In, link.Real)
	switch {
	case err == nil && info.IsDir():
		link.Real = real
		if w.Enters(link) {
			return w.Folders(ctx, link)
		}
		return nil
	case err == nil:
		link.Real = real
		return w.Consider(ctx, link, info.Mode())
	case !w.Wants(link):
		return nil
	default:
		return w.Refused(ctx, unfollowed(link.Name, err))
	}
}

// Wants says whether the name asks for the file to be opened.
func (w *Walk) Wants(at Place) bool { return w.Options.wants(at) }

func (o *Options) wants(at Place) bool {
	switch strings.ToLower(path.Ext(at.Name)) {
	case ".yaml", ".yml", ".json":
	default:
		if !o.AnyName {
			return false
		}
	}
	return (len(o.Include) == 0 || o.includes(at.Name)) && !Matches(o.Exclude, at.Name) && !at.ignores.match(at.Parts, false)
}

func (o *Options) includes(name string) bool {
	if o.Anchored {
		return slices.ContainsFunc(o.Include, func(glob string) bool { return doublestar.MatchUnvalidated(glob, name) })
	}
	return Matches(o.Include, name)
}

// leads says whether something in a folder of that name can be included.
func (o *Options) leads(name string) bool {
	return !o.Anchored || len(o.Include) == 0 || slices.ContainsFunc(o.Include, func(glob string) bool { return Leads(glob, name) })
}

// Consider emits a file that is to be opened.
func (w *Walk) Consider(ctx context.Context, at Place, mode fs.FileMode) error {
	w.Options.Progress.Seen.Add(1)
	if !w.Wants(at) {
		return nil
	}
	if !mode.IsRegular() {
		return w.Refused(ctx, Irregular(at.Name))
	}
	return w.Emit(ctx, File{Name: at.Name, Real: at.Real})
}

// Irregular refuses a FIFO, device or socket.
func Irregular(name string) Refusal {
	return Refusal{
		Name: name, Err: ErrIrregular, Code: "unreadable-file", Message: "this cannot be read: " + ErrIrregular.Error(),
		Fix: "replace it by a file",
	}
}

// visit is a folder as the walk would come to it.
type visit struct {
	place   Place
	entered bool
}

// ErrUnclear says that what the walk of the whole root would find at a place cannot be told from the place alone.
var ErrUnclear = errors.New("it cannot be told without a walk")

// At is a folder as the walk of the whole root comes to it, if it does, without links on the way: where there is one the
// error wraps [ErrUnclear].
func (w *Walk) At(folder string) (Place, bool, error) {
	if known, ok := w.places[folder]; ok {
		return known.place, known.entered, nil
	}
	at, entered := Top(), true
	if folder != "." {
		above, ok, err := w.At(path.Dir(folder))
		if err != nil {
			return Place{}, false, err
		}
		at = above.In(path.Base(folder))
		info, err := w.In.Lstat(folder)
		switch {
		case Gone(err):
			entered = false
		case err != nil:
			return Place{}, false, w.unclear(folder, Plain(err).Error())
		case info.Mode()&fs.ModeSymlink != 0:
			return Place{}, false, w.unclear(folder, "it is a symbolic link")
		case len(at.Parts) > w.Options.MaxDepth:
			return Place{}, false, w.unclear(folder, "it is too deep")
		default:
			entered = ok && info.IsDir() && w.Enters(at)
		}
	}
	if entered {
		at = w.inForce(at, w.has(folder, ".git"), w.has(folder, ".gitignore"))
	}
	if w.places == nil {
		w.places = make(map[string]visit)
	}
	w.places[folder] = visit{at, entered}
	return at, entered, nil
}

func (w *Walk) unclear(name, why string) error {
	return fmt.Errorf("%w: %s: %s", ErrUnclear, w.In.Shown(name), why)
}

func (w *Walk) has(folder, name string) bool {
	_, err := w.In.Lstat(Join(folder, name))
	return err == nil
}

// Gone says whether an error of Lstat means that nothing has the name.
func Gone(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) }

// Decides is the name whose change a change of the name is: that of its folder, where it decides what is read there.
func Decides(name string) string {
	switch folder := path.Dir(name); path.Base(name) {
	case ".git", ".gitignore":
		return folder
	case "modules.txt", "autoload.php":
		if path.Base(folder) == "vendor" {
			return folder
		}
	}
	return name
}
