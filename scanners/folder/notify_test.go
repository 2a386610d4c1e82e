package folder

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/google/go-cmp/cmp"
)

// fakeNotifier is a system that tells what a test wants.
type fakeNotifier struct {
	mu     sync.Mutex
	limit  int   // folders that can be added
	err    error // of one more
	events chan fsnotify.Event
	errors chan error
}

func newFakeNotifier(limit int, err error) *fakeNotifier {
	return &fakeNotifier{limit: limit, err: err, events: make(chan fsnotify.Event), errors: make(chan error)}
}

func (f *fakeNotifier) Add(string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.limit--; f.limit < 0 {
		return f.err
	}
	return nil
}

func (f *fakeNotifier) Remove(string) error { return nil }
func (f *fakeNotifier) Close() error        { return nil }

func watchedFolder(t *testing.T) (*watchOf, string) {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		if err := os.Mkdir(filepath.Join(dir, fmt.Sprint("d", i)), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return &watchOf{root: Root{Path: dir, Display: "root"}}, dir
}

// watchOf makes watches of one root.
type watchOf struct{ root Root }

func (w *watchOf) by(notify *fakeNotifier) *Watch {
	options := &Options{MaxDepth: 64}
	return newWatch([]Root{w.root}, options, func(int, string) bool { return false }, notify, notify.events, notify.errors)
}

// TestLimits holds what is said where the system does not watch, or not enough.
func TestLimits(t *testing.T) {
	for want, err := range map[string]error{
		"raise fs.inotify.max_user_watches":   syscall.ENOSPC,
		"raise fs.inotify.max_user_instances": syscall.EMFILE,
		"this system does not tell":           syscall.ENOSYS,
		"input/output error":                  &os.PathError{Op: "x", Path: "y", Err: syscall.EIO},
	} {
		roots, _ := watchedFolder(t)
		notify := newFakeNotifier(3, err)
		got := roots.by(notify).run(t.Context(), func(...string) { t.Error("told") })
		if got == nil || !strings.Contains(got.Error(), want) || strings.Contains(got.Error(), "\n") {
			t.Errorf("%v, want %s", got, want)
		}
	}
	roots, _ := watchedFolder(t)
	notify := newFakeNotifier(1, os.ErrPermission)
	ctx, cancel := context.WithCancel(t.Context())
	if err := roots.by(notify).run(ctx, func(...string) { cancel() }); err != nil {
		t.Errorf("folders that are closed to the process: %v", err)
	}
}

func TestOverflow(t *testing.T) {
	roots, _ := watchedFolder(t)
	notify := newFakeNotifier(10, nil)
	go func() { notify.errors <- fsnotify.ErrEventOverflow }()
	err := roots.by(notify).run(t.Context(), func(...string) {})
	if err == nil || !strings.Contains(err.Error(), "faster than they could be looked at") {
		t.Errorf("%v", err)
	}
}

// TestGathering holds when changes are told: once it is quiet, but not too late, and not too many at once.
func TestGathering(t *testing.T) {
	for name, test := range map[string]struct {
		events int
		pause  time.Duration // between two
		names  int           // different ones
		want   []string      // when and how many; "all" = everything may have changed
	}{
		"one":                      {1, 0, 1, []string{"100ms 1"}},
		"a few":                    {10, 10 * time.Millisecond, 10, []string{"190ms 10"}},
		"the same again and again": {10, 10 * time.Millisecond, 1, []string{"190ms 1"}},
		"ten thousand in a second": {10_000, 100 * time.Microsecond, 10_000, []string{"1s all"}},
		"ten thousand of a few":    {10_000, 100 * time.Microsecond, 50, []string{"1s 50"}},
		"without an end":           {25, 90 * time.Millisecond, 25, []string{"1s 12", "2.08s 12", "2.26s 1"}},
	} {
		t.Run(name, func(t *testing.T) {
			roots, dir := watchedFolder(t)
			synctest.Test(t, func(t *testing.T) {
				notify := newFakeNotifier(10, nil)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				began := time.Now()
				var told []string
				done := make(chan error, 1)
				go func() {
					done <- roots.by(notify).run(ctx, func(names ...string) {
						at := time.Since(began).String()
						if len(names) == 0 {
							told = append(told, at+" all")
							return
						}
						told = append(told, fmt.Sprint(at, " ", len(names)))
					})
				}()
				synctest.Wait()
				if diff := cmp.Diff([]string{"0s all"}, told); diff != "" {
					t.Fatal(diff)
				}
				told = nil
				for i := range test.events {
					name := filepath.Join(dir, "d1", fmt.Sprint("f", i%test.names, ".yaml"))
					notify.events <- fsnotify.Event{Name: name, Op: fsnotify.Write}
					if i < test.events-1 {
						<-time.After(test.pause)
					}
				}
				<-time.After(2 * time.Second)
				synctest.Wait()
				cancel()
				if err := <-done; err != nil {
					t.Error(err)
				}
				if diff := cmp.Diff(test.want, told); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

// TestUnconcerned holds that files that no scan reads are told to nobody.
func TestUnconcerned(t *testing.T) {
	roots, dir := watchedFolder(t)
	synctest.Test(t, func(t *testing.T) {
		notify := newFakeNotifier(10, nil)
		ctx, cancel := context.WithCancel(t.Context())
		calls := 0
		done := make(chan error, 1)
		go func() {
			done <- roots.by(notify).run(ctx, func(names ...string) {
				if calls++; calls > 1 {
					t.Errorf("told of %q", names)
				}
			})
		}()
		for _, name := range []string{"main.go", "d1/x.yaml~", "d1/.x.yaml.swp", "d2/modules.txt"} {
			for _, op := range []fsnotify.Op{fsnotify.Create, fsnotify.Write, fsnotify.Chmod, fsnotify.Remove, fsnotify.Rename} {
				notify.events <- fsnotify.Event{Name: filepath.Join(dir, name), Op: op}
			}
		}
		notify.events <- fsnotify.Event{}
		<-time.After(4 * time.Second)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if calls != 1 {
			t.Errorf("%d calls", calls)
		}
	})
}

// TestMountedOver holds that a root that is another folder than before is noticed without an event.
func TestMountedOver(t *testing.T) {
	roots, dir := watchedFolder(t)
	synctest.Test(t, func(t *testing.T) {
		notify := newFakeNotifier(10, nil)
		done := make(chan error, 1)
		go func() {
			done <- roots.by(notify).run(t.Context(), func(...string) {})
		}()
		<-time.After(time.Minute + time.Second) // between two looks at the root, so that none sees the moment without any
		if err := errors.Join(os.Rename(dir, dir+"-was"), os.Mkdir(dir, 0o755)); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err == nil || !strings.Contains(err.Error(), "was replaced by another") {
			t.Errorf("%v", err)
		}
	})
}
