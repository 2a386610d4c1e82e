package files

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/orrery-catalog/orrery/scanners"
)

// ScanParts reads the named files again, all that is in the folders whose name ends in "/", and what says something else
// because of them: files whose placeholders read them, and Locations that name them. Where that cannot be told from what
// the last scans left in memory, the error wraps scanners.ErrWhole: at the first, when a symbolic link is concerned, or
// when a Location names other files than before.
func (s *Scanner) ScanParts(ctx context.Context, _ []byte, names []string, sink scanners.Sink) ([]byte, error) {
	known, scan := s.take()
	if known == nil {
		return nil, fmt.Errorf("%w: nothing is known of it yet", scanners.ErrWhole)
	}
	opened, found := make(map[string]bool), make([]*relations, len(known.roots))
	for i := range known.roots {
		inside := known.roots[i].inside(names)
		if len(inside) == 0 {
			continue
		}
		var err error
		found[i], err = s.scanParts(ctx, s.config.Roots[i], &known.roots[i], names, inside, opened, sink)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err != nil {
			return nil, err
		}
	}
	if known.opened += len(opened); known.opened > s.config.MaxFiles {
		return nil, fmt.Errorf("%w: it may have more than %d files", scanners.ErrWhole, s.config.MaxFiles)
	}
	s.learn(known, scan, found)
	return nil, nil
}

// inside are the names in the tree of those scopes that lie in the root, and whether they were named as folders.
func (k *knownRoot) inside(names []string) map[string]bool {
	list := make(map[string]bool)
	for _, name := range names {
		name, folder := strings.CutSuffix(name, "/")
		if !below(name, k.base) {
			continue
		}
		if k.base != "" {
			name = strings.TrimPrefix(strings.TrimPrefix(name, k.base), "/")
		}
		if name = path.Clean(name); filepath.IsLocal(filepath.FromSlash(name)) {
			list[name] = list[name] || folder
		}
	}
	return list
}

// part is the part of a root that is read again.
type part struct {
	*run
	known   *knownRoot
	asked   []string         // the names of the scopes, as they were asked for
	names   map[string]bool  // in the tree: files, and folders with all that is in them
	again   map[string]file  // other files that must be read again, by name without links
	folder  map[string]bool  // those of the names that were named as folders
	folders map[string]entry // by name: folders that were looked at
	deep    bool             // one of the names is or was that of a folder
}

// entry is a folder as the walk would come to it.
type entry struct {
	place   place
	entered bool
}

func (s *Scanner) scanParts(
	ctx context.Context, root Root, known *knownRoot, asked []string, names map[string]bool, opened map[string]bool, sink scanners.Sink,
) (*relations, error) {
	r, err := newRun(&s.config, root, opened, sink)
	if err != nil {
		return nil, err
	}
	p := &part{
		run: r, known: known, asked: asked, names: make(map[string]bool), again: make(map[string]file),
		folder: make(map[string]bool), folders: make(map[string]entry),
	}
	r.part = p
	for name, folder := range names {
		name := p.concerned(name)
		p.names[name], p.folder[name] = true, folder
	}
	return r.found, errors.Join(p.scan(ctx), r.tree.close())
}

func (p *part) scan(ctx context.Context) error {
	if p.names["."] || p.only != p.known.only {
		return fmt.Errorf("%w: the folder itself has changed", scanners.ErrWhole)
	}
	err := p.run.scan(ctx, func(ctx context.Context, emit func(context.Context, file) error) error {
		for name := range p.names {
			if err := p.look(ctx, name, emit); err != nil {
				return err
			}
		}
		for _, f := range p.again {
			if err := emit(ctx, f); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return p.settle(ctx)
}

// concerned is the name whose change a change of the name is: that of its folder, where it decides what is read there.
func (p *part) concerned(name string) string {
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

// covers says whether a file is one of those that are read again because their own names were given.
func (p *part) covers(name string) bool {
	for ; name != "."; name = path.Dir(name) {
		if p.names[name] {
			return true
		}
	}
	return false
}

// look finds what is at a name now, emits the files to read, and remembers which others must be read again.
func (p *part) look(ctx context.Context, name string, emit func(context.Context, file) error) error {
	info, err := p.tree.lstat(name)
	if err != nil && !gone(err) {
		return fmt.Errorf("%w: %s: %w", scanners.ErrWhole, p.shown(name), plain(err))
	}
	exists := err == nil
	if exists && info.Mode()&fs.ModeSymlink != 0 {
		return p.whole(name, "it is a symbolic link")
	}
	for folder := path.Dir(name); folder != "."; folder = path.Dir(folder) {
		if p.known.scopes.Contains(p.shown(folder)+"/") && !p.names[folder] {
			return p.whole(folder, "it could not be read")
		}
	}
	at, entered, err := p.enter(path.Dir(name))
	if err != nil {
		return err
	}
	folder := exists && info.IsDir() || p.folder[name] || p.known.holds(p.shown(name)+"/")
	p.deep = p.deep || folder
	here := at.in(path.Base(name))
	wanted := exists && entered && !info.IsDir() && p.wantsFile(here)
	if !wanted || !info.Mode().IsRegular() || !p.known.scopes.Contains(p.shown(name)) { // more than its content may have changed
		if p.known.linked(name) {
			return p.whole(name, "a symbolic link leads there")
		}
		p.readAgain(p.known.naming(name, folder))
	}
	p.readAgain(p.known.reading(name, folder))
	switch {
	case !exists:
		return nil
	case info.IsDir():
		if entered && p.only == "" {
			return p.walk(ctx, here, emit)
		}
		return nil
	case !wanted:
		return nil
	case !info.Mode().IsRegular():
		return p.irregular(ctx, name)
	}
	p.config.Progress.Seen.Add(1)
	return emit(ctx, file{name: name, real: name})
}

// gone says whether an error of lstat means that nothing has the name.
func gone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

func (p *part) whole(name, why string) error {
	return fmt.Errorf("%w: %s: %s", scanners.ErrWhole, p.shown(name), why)
}

func (p *part) readAgain(files []file) {
	for _, f := range files {
		if !p.covers(f.real) {
			p.again[f.real] = f
		}
	}
}

func (p *part) wantsFile(at place) bool {
	if p.only != "" {
		return at.real == p.only
	}
	return (&walk{run: p.run}).wants(at)
}

// walk emits what is in a folder, unless the walk of the whole would not come there.
func (p *part) walk(ctx context.Context, at place, emit func(context.Context, file) error) error {
	w := &walk{run: p.run, emit: emit, visited: make(map[string]bool)}
	if !w.enters(at) {
		return nil
	}
	if err := w.folders(ctx, at); err != nil {
		return err
	}
	if len(w.links) > 0 {
		return p.whole(w.links[0].real, "it is a symbolic link")
	}
	return nil
}

// enter is a folder as the walk of the whole comes to it, if it does.
func (p *part) enter(folder string) (place, bool, error) {
	if known, ok := p.folders[folder]; ok {
		return known.place, known.entered, nil
	}
	at, entered := place{name: ".", real: "."}, true
	if folder != "." {
		above, ok, err := p.enter(path.Dir(folder))
		if err != nil {
			return place{}, false, err
		}
		at = above.in(path.Base(folder))
		info, err := p.tree.lstat(folder)
		switch {
		case gone(err):
			entered = false
		case err != nil:
			return place{}, false, p.whole(folder, plain(err).Error())
		case info.Mode()&fs.ModeSymlink != 0:
			return place{}, false, p.whole(folder, "it is a symbolic link")
		case len(at.parts) > p.config.MaxFolderDepth:
			return place{}, false, p.whole(folder, "it is too deep")
		default:
			entered = ok && info.IsDir() && (&walk{run: p.run}).enters(at)
		}
	}
	if entered {
		at = p.inForce(at, p.has(folder, ".git"), p.has(folder, ".gitignore"))
	}
	p.folders[folder] = entry{at, entered}
	return at, entered, nil
}

func (p *part) has(folder, name string) bool {
	_, err := p.tree.lstat(join(folder, name))
	return err == nil
}

// settle holds that no Location leads elsewhere than before, tells of what is gone, and remembers what was found.
func (p *part) settle(ctx context.Context) error {
	again := make(map[string]bool) // files that were read again, or are gone
	for real := range p.again {
		again[real] = true
	}
	for name := range p.names {
		again[name] = true
	}
	if p.deep {
		for real := range p.known.locations {
			if p.covers(real) {
				again[real] = true
			}
		}
		for real := range p.known.reads {
			if p.covers(real) {
				again[real] = true
			}
		}
	}
	for real := range again {
		if was, is := p.known.locations[real], p.found.locations[real]; !was.same(is) {
			return p.whole(real, "its Locations name other files than before")
		}
	}
	for real, is := range p.found.locations {
		if !p.known.locations[real].same(is) {
			return p.whole(real, "its Locations name other files than before")
		}
	}
	p.known.replace(again, p.found)
	for _, scope := range p.missing() {
		p.known.scopes.Delete(scope)
		if p.isAsked(scope) {
			continue
		}
		if err := p.sink.Report(ctx, scanners.Scope{Name: scope}); err != nil {
			return err
		}
	}
	for scope := range p.reported {
		p.known.scopes.Insert(scope)
	}
	return nil
}

// missing are the scopes that were there and are not reported any more.
func (p *part) missing() []string {
	var missing []string
	for _, f := range p.again {
		if scope := p.shown(f.name); p.known.scopes.Contains(scope) && !p.reported[scope] {
			missing = append(missing, scope)
		}
	}
	for name := range p.names {
		scope := p.shown(name)
		if p.known.scopes.Contains(scope) && !p.reported[scope] && !p.unreadableAbove(scope) {
			missing = append(missing, scope)
		}
		for inside := range p.known.in(scope + "/") {
			if !p.reported[inside] && !p.unreadableAbove(inside) {
				missing = append(missing, inside)
			}
		}
	}
	slices.Sort(missing) // folders that were named may lie in each other
	return slices.Compact(missing)
}

// unreadableAbove says whether a folder around the scope was reported, so that it stands for the scope.
func (p *part) unreadableAbove(scope string) bool {
	for i := range len(scope) - 1 {
		if scope[i] == '/' && p.reported[scope[:i+1]] {
			return true
		}
	}
	return false
}

// isAsked says whether whoever asked knows that the scope is gone when it is not reported.
func (p *part) isAsked(scope string) bool {
	return slices.ContainsFunc(p.asked, func(name string) bool {
		return name == scope || strings.HasSuffix(name, "/") && strings.HasPrefix(scope, name)
	})
}
