package files_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/files"
)

// patience is how long something may take that is to happen soon.
const patience = 20 * time.Second

// follower scans what a watch tells, as whoever keeps a catalog does.
type follower struct {
	t       *testing.T
	scanner *files.Scanner
	held    holder
	mu      sync.Mutex
	names   map[string]bool
	whole   bool
	calls   int
	told    chan struct{}
	ended   chan error
	stop    func() // ends the watch and gives the reason that it ended for
}

func follow(t *testing.T, scanner *files.Scanner) *follower {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	f := &follower{t: t, scanner: scanner, held: make(holder), names: make(map[string]bool), told: make(chan struct{}, 1), ended: make(chan error, 1)}
	go func() { f.ended <- scanner.Watch(ctx, f.changed) }()
	f.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-f.ended; err != nil {
			t.Errorf("the watch ended by %v", err)
		}
	})
	t.Cleanup(cancel)
	f.wait("the beginning", func() bool { return true })
	return f
}

func (f *follower) changed(names ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	f.whole = f.whole || len(names) == 0
	for _, name := range names {
		f.names[name] = true
	}
	select {
	case f.told <- struct{}{}:
	default:
	}
}

// wait scans what is told until the condition holds.
func (f *follower) wait(what string, until func() bool) {
	f.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case <-f.told:
		case err := <-f.ended:
			f.t.Fatalf("%s: the watch ended: %v", what, err)
		case <-deadline:
			f.t.Fatalf("%s: it was not told; there are %v", what, f.held.Names())
		}
		f.scan()
		if until() {
			return
		}
	}
}

func (f *follower) scan() {
	f.t.Helper()
	f.mu.Lock()
	everything, names := f.whole, make([]string, 0, len(f.names))
	for name := range f.names {
		names = append(names, name)
	}
	f.whole = false
	clear(f.names)
	f.mu.Unlock()
	if !everything {
		err := f.held.Parts(f.t.Context(), f.scanner, names...)
		if err == nil {
			return
		}
		if !errors.Is(err, scanners.ErrWhole) {
			f.t.Fatalf("%v: %v", names, err)
		}
	}
	whole(f.t, f.held, f.scanner)
}

// says waits until these files are held.
func (f *follower) says(what string, names ...string) {
	f.t.Helper()
	f.wait(what, func() bool { return slices.Equal(f.held.Names(), names) })
}

func TestWatch(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	write(t, dir, map[string]string{"a/one.yaml": component("one"), "notes.txt": "x"})
	f := follow(t, newScanner(t, files.Config{Roots: []files.Root{{Path: dir, Display: "root"}}, Exclude: []string{"secret"}}))
	defer f.stop()
	if got := f.held.Names(); len(got) != 1 {
		t.Fatalf("%v", got)
	}

	write(t, dir, map[string]string{"a/two.yaml": component("two")})
	f.says("a new file", "root/a/one.yaml", "root/a/two.yaml")

	write(t, dir, map[string]string{"a/two.yaml.swp": component("three")})
	must(os.Rename(at("a/two.yaml.swp"), at("a/two.yaml")))
	f.wait("an editor that replaces a file", func() bool {
		return f.held["root/a/two.yaml"].Documents[0].Claims[0].Subject.Ref == "component:default/three"
	})

	write(t, dir, map[string]string{"new/deep/er/four.yaml": component("four")})
	f.says("a file in new folders", "root/a/one.yaml", "root/a/two.yaml", "root/new/deep/er/four.yaml")
	write(t, dir, map[string]string{"new/deep/er/five.yaml": component("five")})
	f.says("one more in them", "root/a/one.yaml", "root/a/two.yaml", "root/new/deep/er/five.yaml", "root/new/deep/er/four.yaml")

	must(os.Rename(at("new/deep"), at("moved")))
	f.says("a folder that moved", "root/a/one.yaml", "root/a/two.yaml", "root/moved/er/five.yaml", "root/moved/er/four.yaml")
	must(os.Remove(at("moved/er/four.yaml")))
	f.says("a change in it", "root/a/one.yaml", "root/a/two.yaml", "root/moved/er/five.yaml")

	must(os.RemoveAll(at("moved")))
	f.says("a folder that went", "root/a/one.yaml", "root/a/two.yaml")
	write(t, dir, map[string]string{"moved/er/six.yaml": component("six")})
	f.says("a folder that came back", "root/a/one.yaml", "root/a/two.yaml", "root/moved/er/six.yaml")
	write(t, dir, map[string]string{"moved/er/seven.yaml": component("seven")})
	f.says("a change in it", "root/a/one.yaml", "root/a/two.yaml", "root/moved/er/seven.yaml", "root/moved/er/six.yaml")

	write(t, dir, map[string]string{"moved/.gitignore": "er/\n"})
	f.says("a folder that is ignored", "root/a/one.yaml", "root/a/two.yaml")
	must(os.Remove(at("moved/.gitignore")))
	f.says("and no longer", "root/a/one.yaml", "root/a/two.yaml", "root/moved/er/seven.yaml", "root/moved/er/six.yaml")
	write(t, dir, map[string]string{"moved/er/six.yaml": "nothing: here\n"})
	f.says("and watched again", "root/a/one.yaml", "root/a/two.yaml", "root/moved/er/seven.yaml")

	must(os.RemoveAll(at("moved")))
	outside := t.TempDir()
	write(t, outside, map[string]string{"x/eight.yaml": component("eight")})
	must(os.Rename(filepath.Join(outside, "x"), at("x")))
	f.says("a folder from elsewhere", "root/a/one.yaml", "root/a/two.yaml", "root/x/eight.yaml")

	symlink(t, "x/eight.yaml", at("a/link.yaml"))
	symlink(t, "x", at("a/one"))
	must(os.Remove(at("a/one.yaml")))
	f.says("links", "root/a/two.yaml", "root/x/eight.yaml")
}

// TestWatchNeededFiles holds that a file outside of what the walk enters is watched when another one needs it.
func TestWatchNeededFiles(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		".gitignore":       "build/\n",
		"api.yaml":         strings.Replace(component("api"), "  name: ", "  description: {$text: ./build/text.md}\n  name: ", 1),
		"all.yaml":         location("all", "./build/deep/extra.txt"),
		"build/other.yaml": component("ignored"),
	})
	f := follow(t, newScanner(t, files.Config{Roots: []files.Root{{Path: dir, Display: "root"}}}))
	defer f.stop()
	description := func() string {
		return f.held["root/api.yaml"].Documents[0].Claims[0].Descriptor.Description
	}
	write(t, dir, map[string]string{"build/text.md": "first"})
	f.wait("what a placeholder reads", func() bool { return description() == "first" })
	write(t, dir, map[string]string{"build/text.md": "second"})
	f.wait("what it reads now", func() bool { return description() == "second" })
}

func TestWatchSingleFile(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"one.txt": component("one")})
	f := follow(t, newScanner(t, files.Config{Roots: []files.Root{{Path: filepath.Join(dir, "one.txt"), Display: "one.txt"}}}))
	defer f.stop()
	write(t, dir, map[string]string{"other.yaml": component("other"), "one.txt": component("two")})
	f.wait("the file", func() bool { return f.held["one.txt"].Documents[0].Claims[0].Subject.Ref == "component:default/two" })
	if names := f.held.Names(); len(names) != 1 {
		t.Errorf("%v", names)
	}
}

// TestWatchManyChanges holds that ten thousand changes are told in a few calls, and end in the truth.
func TestWatchManyChanges(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"a/one.yaml": component("one")})
	f := follow(t, newScanner(t, files.Config{Roots: []files.Root{{Path: dir, Display: "root"}}}))
	defer f.stop()
	f.mu.Lock()
	before := f.calls
	f.mu.Unlock()
	started := time.Now()
	for i := range 10_000 {
		name := filepath.Join(dir, "a", fmt.Sprint("f", i%500, ".yaml"))
		if err := os.WriteFile(name, []byte(component(fmt.Sprint("c", i))), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	took := time.Since(started)
	f.wait("the last change", func() bool {
		scope, ok := f.held["root/a/f499.yaml"]
		return ok && len(scope.Documents) == 1 && len(f.held) == 501 && scope.Documents[0].Claims[0].Subject.Ref == "component:default/c9999"
	})
	f.mu.Lock()
	calls := f.calls - before
	f.mu.Unlock()
	if most := 2 + int(took/time.Second)*2; calls > most {
		t.Errorf("10,000 changes in %v were told %d times, want at most %d", took, calls, most)
	}
}

// TestWatchEnds holds what a watch says that cannot hear of everything.
func TestWatchEnds(t *testing.T) {
	for name, test := range map[string]struct {
		during func(t *testing.T, dir string)
		want   string
	}{
		"the folder is removed":  {func(t *testing.T, dir string) { remove(t, dir) }, "went away"},
		"the folder is renamed":  {func(t *testing.T, dir string) { rename(t, dir, dir+"x") }, "went away"},
		"the folder is replaced": {func(t *testing.T, dir string) { rename(t, dir, dir+"x"); rename(t, other(t), dir) }, "went away"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "root")
			write(t, dir, map[string]string{"a/one.yaml": component("one")})
			scanner := newScanner(t, files.Config{Roots: []files.Root{{Path: dir}}})
			ended := make(chan error, 1)
			begun := sync.OnceFunc(func() { test.during(t, dir) })
			go func() { ended <- scanner.Watch(t.Context(), func(...string) { begun() }) }()
			select {
			case err := <-ended:
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("%v", err)
				}
			case <-time.After(patience):
				t.Error("the watch goes on")
			}
		})
	}
	for name, root := range map[string]files.Root{
		"no folder":   {Path: filepath.Join(t.TempDir(), "nowhere")},
		"no real one": {FS: fstest.MapFS{}, Display: "x"},
	} {
		if err := newScanner(t, files.Config{Roots: []files.Root{root}}).Watch(t.Context(), func(...string) { t.Error("told") }); err == nil {
			t.Errorf("%s: it can be watched", name)
		}
	}
}

func remove(t *testing.T, dir string) {
	if err := os.RemoveAll(dir); err != nil {
		t.Error(err)
	}
}

func rename(t *testing.T, from, to string) {
	if err := os.Rename(from, to); err != nil {
		t.Error(err)
	}
}

func other(t *testing.T) string {
	dir := filepath.Join(t.TempDir(), "other")
	write(t, dir, map[string]string{"b/two.yaml": component("two")})
	return dir
}

// TestWatchSymlinkedRoot holds that a root may be a link.
func TestWatchSymlinkedRoot(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"real/one.yaml": component("one")})
	symlink(t, "real", filepath.Join(dir, "link"))
	f := follow(t, newScanner(t, files.Config{Roots: []files.Root{{Path: filepath.Join(dir, "link"), Display: "root"}}}))
	defer f.stop()
	write(t, dir, map[string]string{"real/two.yaml": component("two")})
	f.says("a file behind a link", "root/one.yaml", "root/two.yaml")
	if diff := gocmp.Diff([]string{"root/one.yaml", "root/two.yaml"}, f.held.Names()); diff != "" {
		t.Error(diff)
	}
}
