package files

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/orrery-catalog/orrery/scanners"
)

const (
	// quiet is how long nothing must happen before changes are told, and impatient how long they wait at most.
	quiet     = 100 * time.Millisecond
	impatient = time.Second
	// maxNames is how many names are told at once. What is more is told as a change of everything.
	maxNames = 1000
	// checkPause is the time between two looks at whether the roots are still where they were.
	checkPause = 5 * time.Second
	// eventBuffer is how many events wait while folders are added, besides those in the kernel.
	eventBuffer = 1 << 15
)

// notifier is what tells of events in folders; *fsnotify.Watcher is one.
type notifier interface {
	Add(folder string) error
	Remove(folder string) error
	Close() error
}

// watch hears of changes in the folders of all roots.
type watch struct {
	scanner *Scanner
	notify  notifier
	events  <-chan fsnotify.Event
	errors  <-chan error
	roots   []watchedRoot
	folders map[string][]watched // by absolute path
	pending map[string]bool      // names to tell
	whole   bool                 // anything may have changed
	first   time.Time            // when the first of them came; zero = nothing to tell

	mu     sync.Mutex
	extra  map[string][]watched // folders to watch besides, by absolute path; guarded by mu
	wanted chan struct{}        // has one when there are some
}

// watchedRoot is a root as it was when watching began.
type watchedRoot struct {
	dir        string // absolute, without links
	base, only string // as in a run
	stat       fs.FileInfo
}

// watched is a folder of a root.
type watched struct {
	root int
	name string // in the tree, without links
}

// Watch implements scanners.Watcher. It cannot hear of everything on file systems that other machines write to, where the
// system watches too few folders, when events come faster than they are looked at, or when a root goes away.
func (s *Scanner) Watch(ctx context.Context, changed func(names ...string)) error {
	notify, err := fsnotify.NewBufferedWatcher(eventBuffer)
	if err != nil {
		return fmt.Errorf("watch files: %w", explained(err))
	}
	w := newWatch(s, notify, notify.Events, notify.Errors)
	return errors.Join(w.run(ctx, changed), notify.Close())
}

func newWatch(s *Scanner, notify notifier, events <-chan fsnotify.Event, errs <-chan error) *watch {
	return &watch{
		scanner: s, notify: notify, events: events, errors: errs, folders: make(map[string][]watched),
		pending: make(map[string]bool), extra: make(map[string][]watched), wanted: make(chan struct{}, 1),
	}
}

func (w *watch) run(ctx context.Context, changed func(names ...string)) error {
	for i := range w.scanner.config.Roots {
		err := w.addRoot(ctx, i)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
	}
	w.scanner.setWatch(w)
	defer w.scanner.setWatch(nil)
	changed()
	return w.loop(ctx, changed)
}

// setWatch makes a watch hear of what scans find.
func (s *Scanner) setWatch(w *watch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watch = w
	if w != nil && s.known != nil {
		for i := range s.known.roots {
			w.learned(i, s.known.roots[i].relations)
		}
	}
}

func (w *watch) loop(ctx context.Context, changed func(names ...string)) error {
	flush := time.NewTimer(0)
	flush.Stop()
	check := time.NewTicker(checkPause)
	defer check.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case event, ok := <-w.events:
			if !ok {
				return errors.New("watching ended")
			}
			if err := w.event(ctx, event); err != nil {
				return err
			}
		case err, ok := <-w.errors:
			if !ok {
				return errors.New("watching ended")
			}
			return fmt.Errorf("watch files: %w", explained(err))
		case <-w.wanted:
			if err := w.addExtra(); err != nil {
				return err
			}
		case <-check.C:
			if err := w.check(); err != nil {
				return err
			}
			continue
		case <-flush.C:
			w.tell(changed)
			continue
		}
		if w.whole || len(w.pending) > 0 {
			now := time.Now()
			if w.first.IsZero() {
				w.first = now
			}
			flush.Reset(max(0, min(quiet, impatient-now.Sub(w.first))))
		}
	}
}

// tell tells what may have changed since the last time.
func (w *watch) tell(changed func(names ...string)) {
	if w.whole {
		changed()
	} else if len(w.pending) > 0 {
		changed(slices.Sorted(maps.Keys(w.pending))...)
	}
	clear(w.pending)
	w.whole, w.first = false, time.Time{}
}

// mark remembers that a name in a root may have changed; with folder also all that is in it.
func (w *watch) mark(root int, name string, folder bool) {
	shown := shown(w.roots[root].base, name)
	if name == "." {
		w.whole = true
	}
	if folder {
		shown += "/"
	}
	if w.whole = w.whole || len(w.pending) >= maxNames; w.whole {
		clear(w.pending)
		return
	}
	w.pending[shown] = true
}

// addRoot watches a root as the walk comes through it.
func (w *watch) addRoot(ctx context.Context, i int) error {
	root := w.scanner.config.Roots[i]
	if root.FS != nil {
		return errors.New("files that are part of the program cannot be watched")
	}
	r, err := w.open(i)
	if err != nil {
		return err
	}
	defer func() { _ = r.tree.close() }() // it was only read
	dir, ok := r.tree.(*folder)
	if !ok || len(dir.bases) == 0 {
		return fmt.Errorf("folder %s cannot be watched", r.shown("."))
	}
	w.roots = append(w.roots, watchedRoot{dir: dir.bases[len(dir.bases)-1], base: r.base, only: r.only, stat: dir.stat})
	if r.only != "" {
		return w.add(watched{i, "."})
	}
	return w.walker(r, i).all(ctx)
}

// open opens a root for a walk that only looks.
func (w *watch) open(i int) (*run, error) {
	config := w.scanner.config
	config.Progress = new(Progress)
	return newRun(&config, config.Roots[i], make(map[string]bool), deaf{})
}

// walker is a walk that adds each folder that it enters, before it is listed.
func (w *watch) walker(r *run, root int) *walk {
	return &walk{
		run: r, visited: make(map[string]bool),
		emit:    func(context.Context, file) error { return nil },
		entered: func(real string) error { return w.add(watched{root, real}) },
	}
}

// deaf is a sink that nobody reads from.
type deaf struct{}

func (deaf) Report(context.Context, scanners.Scope) error { return nil }

// add watches a folder. One that is gone or closed to this process is none: the scan sees that too.
func (w *watch) add(f watched) error {
	dir := filepath.Join(w.roots[f.root].dir, filepath.FromSlash(f.name))
	if slices.Contains(w.folders[dir], f) {
		return nil
	}
	if kind := foreign(dir); kind != "" {
		return fmt.Errorf("folder %s is on a file system (%s) that does not tell what other machines change", dir, kind)
	}
	err := w.notify.Add(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.ENOTDIR):
		return nil
	case err != nil:
		return fmt.Errorf("watch folder %s: %w", dir, explained(err))
	}
	w.folders[dir] = append(w.folders[dir], f)
	return nil
}

// drop forgets a folder that went away; with all also those that were in it and went with it.
func (w *watch) drop(dir string, all bool) {
	gone := []string{dir}
	for path := range w.folders {
		if all && strings.HasPrefix(path, dir+string(filepath.Separator)) {
			gone = append(gone, path)
		}
	}
	for _, path := range gone {
		_ = w.notify.Remove(path) // mostly the system has done so already
		delete(w.folders, path)
	}
}

// event looks at one event.
func (w *watch) event(ctx context.Context, e fsnotify.Event) error {
	if e.Name == "" {
		return nil
	}
	at := filepath.Clean(e.Name)
	lost := e.Has(fsnotify.Remove) || e.Has(fsnotify.Rename)
	_, isFolder := w.folders[at]
	for _, root := range w.roots {
		if lost && at == root.dir {
			return fmt.Errorf("folder %s went away", root.dir)
		}
	}
	if isFolder && lost {
		for _, f := range w.folders[at] {
			w.mark(f.root, f.name, true)
		}
		w.drop(at, e.Has(fsnotify.Rename)) // what is removed was empty
	}
	for _, f := range w.folders[filepath.Dir(at)] {
		if at == filepath.Dir(at) {
			break
		}
		name := join(f.name, filepath.Base(at))
		if e.Has(fsnotify.Create) || e.Has(fsnotify.Chmod) {
			if info, err := os.Lstat(at); err == nil && info.IsDir() {
				w.mark(f.root, name, true)
				if err := w.enter(ctx, f.root, name); err != nil {
					return err
				}
				continue
			} else if err == nil && info.Mode()&fs.ModeSymlink != 0 {
				w.mark(f.root, name, false)
				continue
			}
		}
		if w.concerns(f.root, name) {
			w.mark(f.root, name, false)
		}
	}
	return nil
}

// enter watches a folder that came, and those in it, unless the walk does not come there.
func (w *watch) enter(ctx context.Context, root int, name string) error {
	r, err := w.open(root)
	if err != nil {
		return err
	}
	defer func() { _ = r.tree.close() }() // it was only read
	if r.only != "" {
		return nil
	}
	p := &part{run: r, known: &knownRoot{}, names: make(map[string]bool), folders: make(map[string]entry)}
	above, entered, err := p.enter(path.Dir(name))
	if err != nil || !entered { // a link on the way: the whole scan that follows knows
		return nil
	}
	walker := w.walker(r, root)
	if here := above.in(path.Base(name)); walker.enters(here) {
		if err := walker.folders(ctx, here); err != nil && ctx.Err() == nil {
			if errors.Is(err, errVanished) {
				return nil // there will be an event
			}
			return err
		}
	}
	return nil
}

// concerns says whether a file can matter to a scan.
func (w *watch) concerns(root int, name string) bool {
	switch path.Base(name) {
	case ".git", ".gitignore":
		return true
	case "modules.txt", "autoload.php":
		if path.Base(path.Dir(name)) == "vendor" {
			return true
		}
	}
	config := &w.scanner.config
	if w.roots[root].only == "" && (&walk{run: &run{config: config}}).wants(place{name: name}) || w.roots[root].only == name {
		return true
	}
	w.scanner.mu.Lock()
	defer w.scanner.mu.Unlock()
	if w.scanner.known == nil {
		return true // a scan is under way, and nobody knows yet
	}
	k := &w.scanner.known.roots[root]
	return k.scopes.Contains(shown(k.base, name)) || len(k.readers[name]) > 0 || len(k.naming(name, false)) > 0 || k.linked(name)
}

// check holds that the roots are still the same folders: what was unmounted, or mounted over, says nothing any more.
func (w *watch) check() error {
	for _, root := range w.roots {
		now, err := os.Stat(root.dir)
		switch {
		case err != nil:
			return fmt.Errorf("folder %s went away: %w", root.dir, plain(err))
		case !os.SameFile(now, root.stat):
			return fmt.Errorf("folder %s was replaced by another", root.dir)
		}
	}
	return nil
}

// learned hears of what a scan found: files that other files need may lie in folders that the walk does not enter.
func (w *watch) learned(root int, found *relations) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for name := range found.needed() {
		dir := filepath.Join(w.roots[root].dir, filepath.FromSlash(path.Dir(name)))
		w.extra[dir] = append(w.extra[dir], watched{root, name})
	}
	if len(w.extra) > 0 {
		select {
		case w.wanted <- struct{}{}:
		default:
		}
	}
}

// addExtra watches the folders of files that others need. What was written in one before it was watched counts as a change.
func (w *watch) addExtra() error {
	w.mu.Lock()
	extra := w.extra
	w.extra = make(map[string][]watched)
	w.mu.Unlock()
	for dir, names := range extra {
		if len(w.folders[dir]) > 0 {
			continue
		}
		for _, f := range names {
			if err := w.add(watched{f.root, path.Dir(f.name)}); err != nil {
				return err
			}
			if len(w.folders[dir]) > 0 {
				w.mark(f.root, f.name, false)
			}
		}
	}
	return nil
}

// needed yields the names, in the tree, of files that say something through others.
func (r *relations) needed() iter.Seq[string] {
	return func(yield func(string) bool) {
		for name := range r.readers {
			if !yield(name) {
				return
			}
		}
		for _, l := range r.locations {
			for _, p := range l.patterns {
				if !p.glob && !yield(p.name) {
					return
				}
			}
		}
		for _, leads := range r.links {
			for _, lead := range leads {
				if !yield(lead) {
					return
				}
			}
		}
	}
}

// explained says what to do about errors of the system's limits.
func explained(err error) error {
	switch {
	case errors.Is(err, fsnotify.ErrEventOverflow):
		return errors.New("files changed faster than they could be looked at")
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("%w: the system watches no more folders (raise fs.inotify.max_user_watches)", errLimit)
	case errors.Is(err, syscall.EMFILE):
		return fmt.Errorf("%w: the system has no watch left (raise fs.inotify.max_user_instances)", errLimit)
	case errors.Is(err, syscall.ENOSYS):
		return errors.New("this system does not tell of changes")
	}
	return plain(err)
}

var errLimit = errors.New("a limit was reached")
