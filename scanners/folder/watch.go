package folder

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

// Watch hears of changes in the folders of roots. It is for one Run.
type Watch struct {
	roots    []Root
	options  *Options
	matters  func(root int, name string) bool
	notify   notifier
	events   <-chan fsnotify.Event
	errors   <-chan error
	folders  map[string][]watched // by absolute path
	watching []watchedRoot
	pending  map[string]bool // names to tell
	whole    bool            // anything may have changed
	first    time.Time       // when the first of them came; zero = nothing to tell

	mu     sync.Mutex
	extra  []watched     // files whose folders are to be watched besides; guarded by mu
	wanted chan struct{} // has one when there are some
}

// watchedRoot is a root as it was when watching began.
type watchedRoot struct {
	dir        string // absolute, without links
	base, only string // as opened
	stat       fs.FileInfo
}

// watched is a folder or file of a root.
type watched struct {
	root int
	name string // in the tree, without links
}

// NewWatch makes a watch of roots. matters says whether what happens to a file can matter, though a walk of its root would
// not find it by its name: it is called while Run runs, by its goroutine.
func NewWatch(roots []Root, options *Options, matters func(root int, name string) bool) (*Watch, error) {
	notify, err := fsnotify.NewBufferedWatcher(eventBuffer)
	if err != nil {
		return nil, fmt.Errorf("watch files: %w", explained(err))
	}
	return newWatch(roots, options, matters, notify, notify.Events, notify.Errors), nil
}

func newWatch(
	roots []Root, options *Options, matters func(int, string) bool, notify notifier, events <-chan fsnotify.Event, errs <-chan error,
) *Watch {
	quiet := *options
	quiet.Progress = new(Progress) // what only looks is no progress
	return &Watch{
		roots: roots, options: &quiet, matters: matters, notify: notify, events: events, errors: errs,
		folders: make(map[string][]watched), pending: make(map[string]bool), wanted: make(chan struct{}, 1),
	}
}

// Run tells the names, as [Shown] makes them, of what may have changed: of folders, with all that is in them, with a "/"
// behind; no name = all may have. It does so once without a name as soon as it hears of everything. It calls changed from
// one goroutine until ctx ends, or it can no longer hear of everything: on file systems that other machines write to, where
// the system watches too few folders, when events come faster than they are looked at, or when a root goes away.
func (w *Watch) Run(ctx context.Context, changed func(names ...string)) error {
	return errors.Join(w.run(ctx, changed), w.notify.Close())
}

func (w *Watch) run(ctx context.Context, changed func(names ...string)) error {
	for i := range w.roots {
		err := w.addRoot(ctx, i)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // it was told to end
		}
		if err != nil {
			return err
		}
	}
	changed()
	return w.loop(ctx, changed)
}

func (w *Watch) loop(ctx context.Context, changed func(names ...string)) error {
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
func (w *Watch) tell(changed func(names ...string)) {
	if w.whole {
		changed()
	} else if len(w.pending) > 0 {
		changed(slices.Sorted(maps.Keys(w.pending))...)
	}
	clear(w.pending)
	w.whole, w.first = false, time.Time{}
}

// mark remembers that a name in a root may have changed; with folder also all that is in it.
func (w *Watch) mark(root int, name string, folder bool) {
	shown := Shown(w.watching[root].base, name)
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
func (w *Watch) addRoot(ctx context.Context, i int) error {
	if w.roots[i].FS != nil {
		return errors.New("files that are part of the program cannot be watched")
	}
	opened, err := w.roots[i].Open()
	if err != nil {
		return err
	}
	defer func() { _ = opened.Close() }() // it was only read
	dir, ok := opened.Tree.(*disk)
	if !ok || len(dir.bases) == 0 {
		return fmt.Errorf("folder %s cannot be watched", opened.Shown("."))
	}
	w.watching = append(w.watching, watchedRoot{dir: dir.bases[len(dir.bases)-1], base: opened.Base, only: opened.Only, stat: dir.stat})
	if opened.Only != "" {
		return w.add(watched{i, "."})
	}
	return w.walk(opened, i).All(ctx)
}

// walk adds each folder that it enters, before it is listed.
func (w *Watch) walk(opened *Opened, root int) *Walk {
	return &Walk{
		In: opened, Options: w.options,
		Emit:    func(context.Context, File) error { return nil },
		Refused: func(context.Context, Refusal) error { return nil }, // the scan tells
		Entered: func(real string) error { return w.add(watched{root, real}) },
	}
}

// add watches a folder. One that is gone or closed to this process is none: the scan sees that too.
func (w *Watch) add(f watched) error {
	dir := filepath.Join(w.watching[f.root].dir, filepath.FromSlash(f.name))
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
func (w *Watch) drop(dir string, all bool) {
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
func (w *Watch) event(ctx context.Context, e fsnotify.Event) error {
	if e.Name == "" {
		return nil
	}
	at := filepath.Clean(e.Name)
	lost := e.Has(fsnotify.Remove) || e.Has(fsnotify.Rename)
	_, isFolder := w.folders[at]
	for _, root := range w.watching {
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
		name := Join(f.name, filepath.Base(at))
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
func (w *Watch) enter(ctx context.Context, root int, name string) error {
	opened, err := w.roots[root].Open()
	if err != nil {
		return err
	}
	defer func() { _ = opened.Close() }() // it was only read
	if opened.Only != "" {
		return nil
	}
	walk := w.walk(opened, root)
	above, entered, err := walk.At(path.Dir(name))
	if err != nil || !entered { // a link on the way: the whole scan that follows knows
		return nil
	}
	if here := above.In(path.Base(name)); walk.Enters(here) {
		if err := walk.Folders(ctx, here); err != nil && ctx.Err() == nil {
			if errors.Is(err, ErrVanished) {
				return nil // there will be an event
			}
			return err
		}
	}
	return nil
}

// concerns says whether a file can matter to a scan.
func (w *Watch) concerns(root int, name string) bool {
	only := w.watching[root].only
	return Decides(name) != name || only == "" && w.options.wants(Place{Name: name}) || only == name || w.matters(root, name)
}

// check holds that the roots are still the same folders: what was unmounted, or mounted over, says nothing any more.
func (w *Watch) check() error {
	for _, root := range w.watching {
		now, err := os.Stat(root.dir)
		switch {
		case err != nil:
			return fmt.Errorf("folder %s went away: %w", root.dir, Plain(err))
		case !os.SameFile(now, root.stat):
			return fmt.Errorf("folder %s was replaced by another", root.dir)
		}
	}
	return nil
}

// Also makes the watch hear of files by their names in the tree of a root, in folders that the walk may not enter. It may be
// called from any goroutine, before and while the watch runs.
func (w *Watch) Also(root int, names iter.Seq[string]) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for name := range names {
		w.extra = append(w.extra, watched{root, name})
	}
	if len(w.extra) > 0 {
		select {
		case w.wanted <- struct{}{}:
		default:
		}
	}
}

// addExtra watches the folders of files that were named. What was written in one before it was watched counts as a change.
func (w *Watch) addExtra() error {
	w.mu.Lock()
	extra := w.extra
	w.extra = nil
	w.mu.Unlock()
	byFolder := make(map[string][]watched)
	for _, f := range extra {
		dir := filepath.Join(w.watching[f.root].dir, filepath.FromSlash(path.Dir(f.name)))
		byFolder[dir] = append(byFolder[dir], f)
	}
	for dir, files := range byFolder {
		if len(w.folders[dir]) > 0 {
			continue
		}
		for _, f := range files {
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
	return Plain(err)
}

var errLimit = errors.New("a limit was reached")
