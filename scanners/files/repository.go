package files

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/descriptor"
	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/folder"
)

// Repository is what a scanner of repositories knows of the one that it lets be read. Its functions may be called from
// several goroutines. Names are those in the root: Name as a person would go there, Real without symbolic links.
type Repository struct {
	// Names are files to read besides what Include finds, whatever their extension; without an Include, nothing else is
	// looked for. nil = Include alone finds what is read.
	Names []string
	// Anchored: a glob of Include without a slash means files of the root's own folder.
	Anchored bool
	// Owners are the places of a CODEOWNERS file in the root, in the order in which the first counts. nil = those of every host,
	// of the nearest folder that has one: the root may hold many repositories.
	Owners []string
	// Large is held while a large file is parsed, with room for one: many scanners may share it. nil = each has its own.
	Large chan struct{}
	// Before says what a file said at the previous scan, if that is what it says now; nil = nobody knows.
	Before func(name, real string) Said
	// Version is where a file stands in version control; nil = nowhere.
	Version func(name, real string) *catalog.Version
	// Note hears of each file that was read and understood; nil = nobody does.
	Note func(Note)
	// Elsewhere hears of each target of a Location that is a URL, and may find it wrong: Code, Message and Fix are then set.
	// nil = nobody does, and such targets are left alone.
	Elsewhere func(name, target string) *catalog.Problem
}

// Said is what a file is known to say.
type Said uint8

// What a file is known to say.
const (
	SaidUnknown Said = iota // it has to be read
	SaidSame                // what it said: its scope is Unchanged
	SaidNothing             // it is no catalog file
)

// Note says what kind of file one is.
type Note struct {
	Name, Real string
	Silent     bool // it is no catalog file
	// Alone: as long as it has the same content, it says the same, and names no others.
	Alone bool
}

func (r *Repository) before(f file) Said {
	if r.Before == nil {
		return SaidUnknown
	}
	return r.Before(f.name, f.real)
}

func (r *Repository) note(note Note) {
	if r.Note != nil {
		r.Note(note)
	}
}

func (r *Repository) elsewhere(f file, target string) *catalog.Problem {
	if r.Elsewhere == nil {
		return nil
	}
	return r.Elsewhere(f.name, target)
}

// described completes the scope of a catalog file.
func (r *run) described(f file, result descriptor.Result, scope *scanners.Scope) {
	if version := r.config.Repository.Version; version != nil {
		at := version(f.name, f.real)
		for _, document := range scope.Documents {
			document.Version = at
		}
	}
	if r.config.Repository.Note == nil {
		return
	}
	r.mu.Lock()
	reads := len(r.found.reads[f.real]) > 0
	r.mu.Unlock()
	r.config.Repository.note(Note{
		Name: f.name, Real: f.real, Alone: scope.State == scanners.Read && !reads &&
			!slices.ContainsFunc(result.Documents, func(p descriptor.Parsed) bool { return p.Location != nil }),
	})
}

// named emits the files that are known by name.
func (r *run) named(ctx context.Context, walk *folder.Walk) error {
	for _, name := range r.config.Repository.Names {
		if err := walk.Named(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// fetchAtOnce is how many files are fetched before they are read.
const fetchAtOnce = 100

// fetching reads files that lie elsewhere: some are fetched, then read, then the next.
func (r *run) fetching(
	ctx context.Context, find func(context.Context, func(context.Context, file) error) error,
	each func(context.Context, func(context.Context, func(context.Context, file) error) error) error,
) error {
	var found []file
	if err := find(ctx, func(_ context.Context, f file) error {
		found = append(found, f)
		return nil
	}); err != nil {
		return err
	}
	for some := range slices.Chunk(found, fetchAtOnce) {
		var names []string
		for _, f := range some {
			if !r.opened[r.shown(f.real)] && r.config.Repository.before(f) == SaidUnknown {
				names = append(names, f.real)
			}
		}
		if err := r.tree.Fetch(ctx, names); err != nil {
			return err
		}
		if err := each(ctx, func(ctx context.Context, emit func(context.Context, file) error) error {
			for _, f := range some {
				if err := emit(ctx, f); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

var errNotYet = errors.New("not fetched yet")

// fetchRead fetches what the placeholders of a file read.
func (r *run) fetchRead(ctx context.Context, f file, data []byte) error {
	if !r.tree.Afar() || !strings.Contains(string(data), "$") {
		return nil
	}
	var names []string
	descriptor.Parse(data, descriptor.Options{
		Location: r.shown(f.name), MaxBytes: int(r.config.MaxFileBytes),
		Read: func(target string) ([]byte, error) {
			if name, err := r.from(f, target); err == nil && !isRemote(target) && len(names) < fetchAtOnce {
				names = append(names, name)
			}
			return nil, errNotYet
		},
	})
	return r.tree.Fetch(ctx, names)
}

// fetchTargets fetches what the Locations in a file name one by one.
func (r *run) fetchTargets(ctx context.Context, f file, result descriptor.Result) error {
	if !r.tree.Afar() {
		return nil
	}
	var names []string
	for _, parsed := range result.Documents {
		if parsed.Location == nil {
			continue
		}
		for _, target := range parsed.Location.Targets {
			if isRemote(target.Target) || strings.ContainsAny(target.Target, "*?[{") {
				continue
			}
			if name, err := r.from(f, target.Target); err == nil {
				names = append(names, name)
			}
		}
	}
	return r.tree.Fetch(ctx, names)
}
