package manifests

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/folder"
)

// ScanParts reads the files again that are named as "files/<location>", with "/" behind all those in a folder, and reports
// what follows from their objects, wherever it is. Where that cannot be told from what the last scans left in memory, the
// error wraps scanners.ErrWhole: at the first, where a symbolic link is concerned, and while something is missing.
func (s *Scanner) ScanParts(ctx context.Context, _ []byte, names []string, sink scanners.Sink) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	k, scan := s.take()
	if k == nil || !k.apart() {
		return nil, fmt.Errorf("%w: nothing, or not enough, is known of it", scanners.ErrWhole)
	}
	p := &part{scanner: s, known: k, names: names, touched: make(map[string]bool)}
	for i := range k.roots {
		err := p.root(ctx, i)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err != nil {
			return nil, err
		}
	}
	if k.opened > s.config.MaxFiles {
		return nil, fmt.Errorf("%w: it may have more than %d files", scanners.ErrWhole, s.config.MaxFiles)
	}
	if !k.apart() {
		return nil, fmt.Errorf("%w: something is missing now", scanners.ErrWhole)
	}
	if err := p.report(ctx, sink); err != nil {
		return nil, err
	}
	state, err := k.world.history.encode()
	if err != nil {
		return nil, err
	}
	s.learn(k, scan)
	return state, nil
}

// part is what is read again.
type part struct {
	scanner *Scanner
	known   *known
	names   []string
	touched map[string]bool // files of which something else may have to be told
}

// root reads again what was named in one root.
func (p *part) root(ctx context.Context, i int) error {
	names := make(map[string]bool) // in the tree; true = with all that is in it
	for _, scope := range p.names {
		location, ok := strings.CutPrefix(scope, fileScopes)
		location, all := strings.CutSuffix(location, "/")
		if name, inside := (&folder.Opened{Base: p.known.roots[i].base}).Name(location); ok && inside {
			name = folder.Decides(name)
			names[name] = names[name] || all
		}
	}
	if len(names) == 0 {
		return nil
	}
	opened := make(map[string]bool)
	r, err := p.scanner.open(p.scanner.config.Roots[i], p.known.world.history, opened)
	if err != nil {
		return err
	}
	err = r.read(ctx, func(ctx context.Context, emit func(context.Context, folder.File) error) error {
		if r.root.Only != p.known.roots[i].only || names["."] {
			return fmt.Errorf("%w: the folder itself has changed", scanners.ErrWhole)
		}
		at := r.walk(nil)
		for name := range names {
			if err := p.look(ctx, r, &p.known.roots[i], at, name, emit); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	p.known.opened += len(opened)
	p.settle(r, names)
	return nil
}

// look finds what is at a name now, and emits the files to read.
func (p *part) look(
	ctx context.Context, r *run, root *knownRoot, at *folder.Walk, name string, emit func(context.Context, folder.File) error,
) error {
	whole := func(why error) error { return fmt.Errorf("%w: %s: %w", scanners.ErrWhole, r.root.Shown(name), why) }
	info, err := r.root.Lstat(name)
	switch {
	case root.linked(name):
		return whole(folder.ErrUnclear)
	case folder.Gone(err):
		return nil
	case err != nil:
		return whole(folder.Plain(err))
	case info.Mode()&fs.ModeSymlink != 0:
		return whole(folder.ErrUnclear)
	}
	above, entered, err := at.At(path.Dir(name))
	if err != nil {
		return whole(err)
	}
	here := above.In(path.Base(name))
	walk := r.walk(emit)
	switch {
	case r.root.Only != "":
		if r.root.Only == name {
			return emit(ctx, folder.File{Name: name, Real: name})
		}
	case !entered:
	case !info.IsDir():
		return walk.Consider(ctx, here, info.Mode())
	case walk.Enters(here):
		if err := walk.Folders(ctx, here); err != nil {
			return err
		}
		if len(walk.Links) > 0 {
			return whole(folder.ErrUnclear)
		}
	}
	return nil
}

// settle takes in what was read, and that what was not is gone.
func (p *part) settle(r *run, names map[string]bool) {
	w := p.known.world
	var gone []string
	for location := range w.files {
		name, inside := r.root.Name(location)
		if _, there := r.files[location]; there || !inside {
			continue
		}
		for above := name; ; above = path.Dir(above) {
			if _, named := names[above]; named {
				gone = append(gone, location)
			}
			if above == path.Dir(above) {
				break
			}
		}
	}
	for _, location := range gone {
		p.touch(w.put(location, parsed{}))
		w.remember(history{}, location)
	}
	for location, file := range r.files {
		p.touch(w.put(location, file))
	}
	for location := range r.files {
		w.remember(r.before, location)
	}
}

func (p *part) touch(locations []string) {
	for _, location := range locations {
		p.touched[location] = true
	}
}

// report tells what has changed, and what was asked for.
func (p *part) report(ctx context.Context, sink scanners.Sink) error {
	w := p.known.world
	changed := make(map[string]bool)
	for _, scope := range w.deriver.Derive() {
		changed[scope] = true
		w.toldOf(scope)
	}
	for _, scope := range w.deriver.Scopes() {
		changed[scope] = changed[scope] || p.asked(scope)
	}
	for _, scope := range slices.Sorted(maps.Keys(changed)) {
		if changed[scope] {
			if err := w.reportScope(ctx, sink, scope); err != nil {
				return err
			}
		}
	}
	for location := range w.files {
		if p.asked(fileScopes + location) {
			p.touched[location] = true
		}
	}
	for _, location := range slices.Sorted(maps.Keys(p.touched)) {
		scope, told := w.fileScope(location)
		if !told {
			scope = scanners.Scope{Name: fileScopes + location} // there is nothing to tell of it any more
			if p.asked(scope.Name) {
				continue
			}
		}
		if err := tell(ctx, sink, scope); err != nil {
			return err
		}
	}
	return nil
}

// asked says whether a scope was named.
func (p *part) asked(scope string) bool {
	return slices.ContainsFunc(p.names, func(name string) bool { return stands(name, scope) })
}
