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

	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/folder"
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
		name, all := strings.CutSuffix(name, "/")
		if !folder.Below(name, k.base) {
			continue
		}
		if k.base != "" {
			name = strings.TrimPrefix(strings.TrimPrefix(name, k.base), "/")
		}
		if name = path.Clean(name); filepath.IsLocal(filepath.FromSlash(name)) {
			list[name] = list[name] || all
		}
	}
	return list
}

// part is the part of a root that is read again.
type part struct {
	*run
	known   *knownRoot
	asked   []string        // the names of the scopes, as they were asked for
	names   map[string]bool // in the tree: files, and folders with all that is in them
	again   map[string]file // other files that must be read again, by name without links
	folders map[string]bool // those of the names that were named as folders
	deep    bool            // one of the names is or was that of a folder
	places  *folder.Walk    // that only tells how the walk of the whole comes to folders
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
		folders: make(map[string]bool), places: r.walk(nil),
	}
	r.part = p
	for name, all := range names {
		name := known.decides(r.tree, folder.Decides(name))
		p.names[name], p.folders[name] = true, p.folders[name] || all
	}
	return r.found, errors.Join(p.scan(ctx), r.tree.Close())
}

func (p *part) scan(ctx context.Context) error {
	if p.names["."] || p.tree.Only != p.known.only {
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
	info, err := p.tree.Lstat(name)
	if err != nil && !folder.Gone(err) {
		return fmt.Errorf("%w: %s: %w", scanners.ErrWhole, p.shown(name), folder.Plain(err))
	}
	exists := err == nil
	if exists && info.Mode()&fs.ModeSymlink != 0 {
		return p.whole(name, "it is a symbolic link")
	}
	for above := path.Dir(name); above != "."; above = path.Dir(above) {
		if p.known.scopes.Contains(p.shown(above)+"/") && !p.names[above] {
			return p.whole(above, "it could not be read")
		}
	}
	at, entered, err := p.places.At(path.Dir(name))
	if err != nil {
		return fmt.Errorf("%w: %w", scanners.ErrWhole, err)
	}
	all := exists && info.IsDir() || p.folders[name] || p.known.holds(p.shown(name)+"/")
	p.deep = p.deep || all
	here := at.In(path.Base(name))
	wanted := exists && entered && !info.IsDir() && p.wantsFile(here)
	if !wanted || !info.Mode().IsRegular() || !p.known.scopes.Contains(p.shown(name)) { // more than its content may have changed
		if p.known.linked(name) {
			return p.whole(name, "a symbolic link leads there")
		}
		p.readAgain(p.known.naming(name, all))
	}
	p.readAgain(p.known.reading(name, all))
	switch {
	case !exists:
		return nil
	case info.IsDir():
		if entered && p.tree.Only == "" {
			return p.into(ctx, here, emit)
		}
		return nil
	case !wanted:
		return nil
	case !info.Mode().IsRegular():
		return p.refused(ctx, folder.Irregular(name))
	}
	p.config.Progress.Seen.Add(1)
	return emit(ctx, file{name: name, real: name})
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

func (p *part) wantsFile(at folder.Place) bool {
	if p.tree.Only != "" {
		return at.Real == p.tree.Only
	}
	return p.places.Wants(at)
}

// into emits what is in a folder, unless the walk of the whole would not come there.
func (p *part) into(ctx context.Context, at folder.Place, emit func(context.Context, file) error) error {
	w := p.walk(emit)
	if !w.Enters(at) {
		return nil
	}
	if err := w.Folders(ctx, at); err != nil {
		return err
	}
	if len(w.Links) > 0 {
		return p.whole(w.Links[0].Real, "it is a symbolic link")
	}
	return nil
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
