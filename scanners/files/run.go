package files

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners"
)

// run is one scan of one root.
type run struct {
	config *Config
	tree   tree
	base   string // display name of the tree; "" = none
	only   string // the one file that the root is; "" = all
	sink   scanners.Sink
	opened map[string]bool // by location without links; written between rounds and by the walk only
	// large is held while a large file is parsed: its parsed form may be fifty times its size.
	large    chan struct{}
	listings listings

	mu       sync.Mutex
	reported map[string]bool // names of scopes
	next     map[string]file // files that Locations name, by real name
	found    *relations      // between the files that were read
	part     *part           // nil = all is read
	broken   []string        // scopes that held Locations and could not be read in full
}

// newRun opens a root. The caller closes the tree of the run.
func newRun(config *Config, root Root, opened map[string]bool, sink scanners.Sink) (*run, error) {
	t, only, err := root.open()
	if err != nil {
		return nil, fmt.Errorf("read folder %s: %w", cmp.Or(root.display(), "."), plain(err))
	}
	r := &run{
		config: config, tree: t, base: root.display(), only: only, sink: sink, opened: opened,
		large: make(chan struct{}, 1), listings: listings{byDir: make(map[string][]fs.DirEntry)},
		reported: make(map[string]bool), next: make(map[string]file), found: newRelations(),
	}
	if only != "" {
		if r.base = path.Dir(r.base); r.base == "." {
			r.base = ""
		}
	}
	return r, nil
}

// scanRoot reads one root: what walking finds, then, round by round, what the Locations found so far name.
func (s *Scanner) scanRoot(ctx context.Context, root Root, opened map[string]bool, sink scanners.Sink) (*run, error) {
	r, err := newRun(&s.config, root, opened, sink)
	if err != nil {
		return nil, err
	}
	return r, errors.Join(r.scan(ctx, func(ctx context.Context, emit func(context.Context, file) error) error {
		if r.only != "" {
			return r.single(ctx, r.only, emit)
		}
		return (&walk{run: r, emit: emit, visited: make(map[string]bool)}).all(ctx)
	}), r.tree.close())
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
	// What was deleted as a whole looks empty to whoever has it open.
	if err := r.tree.check(); err != nil {
		return fmt.Errorf("folder %s vanished while it was read: %w", r.shown("."), plain(err))
	}
	return nil
}

// round reads the files that find emits, several at a time, each only once in a scan.
func (r *run) round(ctx context.Context, find func(context.Context, func(context.Context, file) error) error) error {
	group, ctx := errgroup.WithContext(ctx)
	files := make(chan file)
	group.Go(func() error {
		defer close(files)
		return find(ctx, func(ctx context.Context, f file) error {
			location := r.shown(f.real)
			if r.opened[location] {
				return nil
			}
			if len(r.opened) >= r.config.MaxFiles {
				return fmt.Errorf("folder %s has more than %d files to open: narrow it by include or exclude", r.shown("."), r.config.MaxFiles)
			}
			r.opened[location] = true
			select {
			case files <- f:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	})
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() error {
			for f := range files {
				if err := r.read(ctx, f); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// single emits the one file that the root is.
func (r *run) single(ctx context.Context, name string, emit func(context.Context, file) error) error {
	r.config.Progress.Seen.Add(1)
	// The path was named by the operator, so a link at its end is followed wherever it leads inside the folder.
	real, info, err := resolve(r.tree, name)
	if err != nil {
		return fmt.Errorf("read file %s: %w", r.shown(name), plain(err))
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("read file %s: %w", r.shown(name), errIrregular)
	}
	return emit(ctx, file{name: name, real: real})
}

// shown is the location of a file: what people see, and the name of its scope.
func (r *run) shown(name string) string { return shown(r.base, name) }

// shown is the location of a file below a display name.
func shown(base, name string) string {
	switch {
	case name == "." && base == "":
		return "."
	case name == ".":
		return base
	case base == "/":
		return "/" + name
	default:
		return join(base, name)
	}
}

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

func (r *run) unreadableFolder(ctx context.Context, name string, reason error) error {
	return r.unreadable(ctx, r.shown(name)+"/", catalog.Problem{
		Location: r.shown(name), Code: "unreadable-folder", Message: "this folder cannot be read: " + reason.Error(),
		Fix: "mend it, or leave it out by exclude",
	})
}

func (r *run) refuse(ctx context.Context, name, code, message, fix string) error {
	location := r.shown(name)
	return r.unreadable(ctx, location, catalog.Problem{Location: location, Code: code, Message: message, Fix: fix})
}

// irregular tells of a FIFO, device or socket under the name of a catalog file; others are nobody's concern.
func (r *run) irregular(ctx context.Context, name string) error {
	if !namedCatalog(name) {
		return nil
	}
	return r.refuse(ctx, name, "unreadable-file", "this cannot be read: "+errIrregular.Error(), "replace it by a file")
}

func (r *run) vanished(folder string) error {
	return fmt.Errorf("folder %s %w: scan again", r.shown(folder), errVanished)
}

// errVanished says that a folder went away while it was read, so that nobody knows what was in it.
var errVanished = errors.New("vanished while it was read")
