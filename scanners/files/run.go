package files

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/folder"
)

// run is one scan of one root.
type run struct {
	config *Config
	tree   *folder.Opened
	sink   scanners.Sink
	opened map[string]bool // by location without links; written between rounds and by the walk only
	// large is held while a large file is parsed: its parsed form may be fifty times its size.
	large    chan struct{}
	listings listings
	owners   owners

	mu       sync.Mutex
	reported map[string]bool // names of scopes
	next     map[string]file // files that Locations name, by real name
	found    *relations      // between the files that were read
	part     *part           // nil = all is read
	broken   []string        // scopes that held Locations and could not be read in full
}

// newRun opens a root. The caller closes the tree of the run.
func newRun(config *Config, root Root, already map[string]bool, sink scanners.Sink) (*run, error) {
	opened, err := root.Open()
	if err != nil {
		return nil, err
	}
	large := config.Repository.Large
	if large == nil {
		large = make(chan struct{}, 1)
	}
	return &run{
		config: config, tree: opened, sink: sink, opened: already,
		large: large, listings: listings{byDir: make(map[string][]fs.DirEntry)},
		reported: make(map[string]bool), next: make(map[string]file), found: newRelations(),
		owners: owners{
			listed: make(map[string]landmarks), of: make(map[string]*ownersFile), kept: make(map[*ownersFile]struct{}),
		},
	}, nil
}

// scanRoot reads one root: what walking finds, then, round by round, what the Locations found so far name.
func (s *Scanner) scanRoot(ctx context.Context, root Root, opened map[string]bool, sink scanners.Sink) (*run, error) {
	r, err := newRun(&s.config, root, opened, sink)
	if err != nil {
		return nil, err
	}
	return r, errors.Join(r.scan(ctx, func(ctx context.Context, emit func(context.Context, file) error) error {
		if r.tree.Only != "" {
			return r.single(ctx, emit)
		}
		walk := r.walk(emit)
		if r.config.Repository.Names != nil {
			if err := r.named(ctx, walk); err != nil || len(r.config.Include) == 0 {
				return err
			}
		}
		return walk.All(ctx)
	}), r.tree.Close())
}

func (r *run) scan(ctx context.Context, find func(context.Context, func(context.Context, file) error) error) error {
	err := r.round(ctx, find)
	for err == nil && len(r.next) > 0 {
		found := slices.SortedFunc(maps.Values(r.next), func(a, b file) int { return strings.Compare(a.real, b.real) })
		clear(r.next)
		err = r.round(ctx, func(ctx context.Context, emit func(context.Context, file) error) error {
			for _, f := range found {
				if err := emit(ctx, f); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err == nil && r.part == nil {
		err = r.unreached(ctx)
	}
	if err != nil {
		return err
	}
	return r.tree.Still()
}

// round reads the files that find emits, several at a time, each only once in a scan.
func (r *run) round(ctx context.Context, find func(context.Context, func(context.Context, file) error) error) error {
	reading := folder.Reading[file]{
		Root: r.shown("."), Opened: r.opened, Most: r.config.MaxFiles,
		Location: func(f file) string { return r.shown(f.real) }, Read: r.read,
	}
	if r.tree.Afar() {
		return r.fetching(ctx, find, reading.Each)
	}
	return reading.Each(ctx, find)
}

// single emits the one file that the root is.
func (r *run) single(ctx context.Context, emit func(context.Context, file) error) error {
	r.config.Progress.Seen.Add(1)
	found, err := r.tree.Single()
	if err != nil {
		return err
	}
	return emit(ctx, file{name: found.Name, real: found.Real})
}

// walk is one through the root, or a part of it.
func (r *run) walk(emit func(context.Context, file) error) *folder.Walk {
	return &folder.Walk{
		In: r.tree, Options: r.config.options(), Refused: r.refused, Linked: r.noteLink, Listed: r.noteListed,
		Emit: func(ctx context.Context, f folder.File) error { return emit(ctx, file{name: f.Name, real: f.Real}) },
	}
}

// file is a file to read.
type file struct {
	name  string // in the root, as a person would go there; may pass symbolic links
	real  string // the same file without links
	steps int    // Locations that led to it; 0 = found by walking
}

// shown is the location of a file: what people see, and the name of its scope.
func (r *run) shown(name string) string { return r.tree.Shown(name) }

func (r *run) report(ctx context.Context, scope scanners.Scope) error {
	r.mu.Lock()
	again := r.reported[scope.Name]
	r.reported[scope.Name] = true
	r.mu.Unlock()
	if again {
		return nil
	}
	r.broke(scope)
	return r.sink.Report(ctx, scope)
}

// unreadable reports a scope that is there and cannot be read, with the reason.
func (r *run) unreadable(ctx context.Context, scope string, problem catalog.Problem) error {
	problem.Severity = catalog.Warning
	if namedCatalog(problem.Location) {
		problem.Severity = catalog.Error
	}
	return r.report(ctx, scanners.Scope{
		Name: scope, State: scanners.Unreadable, Error: problem.Message,
		Documents: []*catalog.Document{{Location: problem.Location, Problems: []catalog.Problem{problem}}},
	})
}

// refused tells of what the walk does not read, where anybody will miss it: a link that leads nowhere, and a FIFO, device or
// socket, only under the name of a catalog file.
func (r *run) refused(ctx context.Context, at folder.Refusal) error {
	if (errors.Is(at.Err, fs.ErrNotExist) || errors.Is(at.Err, folder.ErrIrregular)) && !namedCatalog(at.Name) {
		return nil
	}
	scope := r.shown(at.Name)
	if at.Folder {
		scope += "/"
	}
	return r.unreadable(ctx, scope, catalog.Problem{Location: r.shown(at.Name), Code: at.Code, Message: at.Message, Fix: at.Fix})
}

func (r *run) refuse(ctx context.Context, name, code, message, fix string) error {
	location := r.shown(name)
	return r.unreadable(ctx, location, catalog.Problem{Location: location, Code: code, Message: message, Fix: fix})
}

// namedCatalog says whether a file has the name that catalog files usually have, so that it is worth a word when it
// cannot be read.
func namedCatalog(name string) bool {
	return strings.Contains(strings.ToLower(path.Base(name)), "catalog-info")
}
