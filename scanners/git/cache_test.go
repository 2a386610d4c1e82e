package git_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/flock"
	gocmp "github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/scanners/git"
)

// caches are the repositories in a cache folder.
func caches(t *testing.T, folder string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(folder, "*.git"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestCacheServesAgain holds that what was fetched is not fetched again when the state is lost.
func TestCacheServesAgain(t *testing.T) {
	dir := bare(t, filepath.Join(t.TempDir(), "one.git"))
	commit(t, dir, tree{"a.yaml": component("a")})
	calls := counting(t)
	config := git.Config{Repositories: []string{"file://" + dir}, Cache: t.TempDir()}
	newSource(t, config).scan(t)
	calls()
	s := newSource(t, config)
	s.scan(t)
	if asked := strings.Join(calls(), "\n"); strings.Contains(asked, "fetch") || len(s.held) != 1 {
		t.Errorf("%s", asked)
	}
}

// TestBrokenCache holds that a cache which is broken, in whatever way a killed process or a bad disk leaves it, is made anew.
func TestBrokenCache(t *testing.T) {
	dir := bare(t, filepath.Join(t.TempDir(), "one.git"))
	each := func(cache, pattern string, do func(name string) error) error {
		names, err := filepath.Glob(filepath.Join(cache, pattern))
		if err == nil && len(names) == 0 {
			err = errors.New("nothing is called " + pattern)
		}
		for _, name := range names {
			err = errors.Join(err, os.Chmod(name, 0o644), do(name))
		}
		return err
	}
	write := func(name string, data string) func(string) error {
		return func(cache string) error { return os.WriteFile(filepath.Join(cache, name), []byte(data), 0o644) }
	}
	for name, breaks := range map[string]func(cache string) error{
		"gone":       os.RemoveAll,
		"a file":     func(cache string) error { return errors.Join(os.RemoveAll(cache), os.WriteFile(cache, nil, 0o644)) },
		"no objects": func(cache string) error { return os.RemoveAll(filepath.Join(cache, "objects")) },
		"no packs":   func(cache string) error { return each(cache, "objects/pack/*", os.Remove) },
		"no indexes": func(cache string) error { return each(cache, "objects/pack/*.idx", os.Remove) },
		"cut packs": func(cache string) error {
			return each(cache, "objects/pack/*.pack", func(name string) error { return os.Truncate(name, 33) })
		},
		"cut indexes": func(cache string) error {
			return each(cache, "objects/pack/*.idx", func(name string) error { return os.Truncate(name, 100) })
		},
		"bad packs": func(cache string) error {
			return each(cache, "objects/pack/*.pack", func(name string) error {
				data, err := os.ReadFile(name)
				for i := 12; i < len(data)-20; i++ {
					data[i] ^= 0xff
				}
				return errors.Join(err, os.WriteFile(name, data, 0o644))
			})
		},
		"one pack": func(cache string) error {
			return each(cache, "objects/pack/*.pack", func(name string) error { return os.Remove(name) })
		},
		"no mode":      func(cache string) error { return os.Remove(filepath.Join(cache, "orrery")) },
		"another mode": write("orrery", "anything"),
		"no head":      func(cache string) error { return os.Remove(filepath.Join(cache, "HEAD")) },
		"no ref":       func(cache string) error { return os.RemoveAll(filepath.Join(cache, "refs")) },
		"bad ref":      write("refs/orrery/head", strings.Repeat("1", 40)+"\n"),
		"bad config":   write("config", "[core"),
		"bad shallow":  write("shallow", "nothing\n"),
		"locks": func(cache string) error {
			return errors.Join(write("shallow.lock", "")(cache), write("HEAD.lock", "")(cache), write("refs/orrery/head.lock", "")(cache), write("config.lock", "")(cache))
		},
		"leftovers": write("objects/pack/tmp_pack_abcdef", strings.Repeat("x", 1000)),
	} {
		for _, pushed := range []bool{false, true} {
			if pushed && testing.Short() {
				continue
			}
			t.Run(fmt.Sprint(name, "/", pushed), func(t *testing.T) {
				commitFrom(t, dir, tree{"a.yaml": component("a"), "b/b.yaml": component("b")}, "refs/heads/main", false)
				config := git.Config{Repositories: []string{"file://" + dir}, Cache: t.TempDir()}
				newSource(t, config).scan(t)
				cache := caches(t, config.Cache)
				if len(cache) != 1 {
					t.Fatal(cache)
				}
				if err := breaks(cache[0]); err != nil {
					t.Fatal(err)
				}
				want := []string{"component:default/a", "component:default/b"}
				if pushed {
					commit(t, dir, tree{"a.yaml": component("a"), "c.yaml": component("c")})
					want = []string{"component:default/a", "component:default/c"}
				}
				s := newSource(t, config)
				s.scan(t)
				if diff := gocmp.Diff(want, s.refs()); diff != "" {
					t.Errorf("%s\n%q", diff, s.reports())
				}
				if _, err := os.Stat(filepath.Join(cache[0], "objects/pack/tmp_pack_abcdef")); err == nil {
					t.Error("what a killed process left is there still")
				}
			})
		}
	}
}

// TestCacheThatCannotBe holds that a cache which cannot be written is told.
func TestCacheThatCannotBe(t *testing.T) {
	dir := bare(t, filepath.Join(t.TempDir(), "one.git"))
	commit(t, dir, tree{"a.yaml": component("a")})
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	err := newSource(t, git.Config{Repositories: []string{"file://" + dir}, Cache: filepath.Join(file, "cache")}).try(t.Context())
	if err == nil || !strings.Contains(err.Error(), "the cache of git repositories cannot be written") {
		t.Error(err)
	}
}

// TestCacheStaysSmall holds that many changes do not make a cache grow, and that what is kept is enough.
func TestCacheStaysSmall(t *testing.T) {
	for _, partial := range []string{"true", "false"} {
		dir := bare(t, filepath.Join(t.TempDir(), "one.git"))
		command(t, dir, "", "config", "uploadpack.allowFilter", partial)
		config := git.Config{Repositories: []string{"file://" + dir}, Cache: t.TempDir()}
		s := newSource(t, config)
		var largest int64
		var most int
		for i := range 16 {
			commit(t, dir, tree{
				"a.yaml": component(fmt.Sprint("a", i)), "b.yaml": component("b"), "c/d/e.yaml": component("e"), "bulk.json": fmt.Sprintf(`{"%x": 1}`, bulk(i)), "main.go": string(bulk(-i)),
			})
			s.scan(t)
			if diff := gocmp.Diff([]string{fmt.Sprint("component:default/a", i), "component:default/b", "component:default/e"}, s.refs()); diff != "" {
				t.Fatalf("after %d commits: %s", i+1, diff)
			}
			size, packs := sizeOf(t, caches(t, config.Cache)[0])
			largest, most = max(largest, size), max(most, packs)
		}
		if largest > 2<<20 || most > 16 {
			t.Errorf("partial %s: %d bytes in %d packs", partial, largest, most)
		}
		if problems := command(t, caches(t, config.Cache)[0], "", "fsck", "--connectivity-only", "--no-dangling"); problems != "" {
			t.Error(problems)
		}
	}
}

// bulk is 20,000 bytes that cannot be made smaller.
func bulk(seed int) []byte {
	data := make([]byte, 20_000)
	x := uint64(seed)*0x9e3779b97f4a7c15 + 1
	for i := range data {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		data[i] = byte(x)
	}
	return data
}

func sizeOf(t *testing.T, dir string) (bytes int64, packs int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		bytes += info.Size()
		if strings.HasSuffix(path, ".pack") {
			packs++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return bytes, packs
}

// TestTooLarge holds that a repository which is larger than allowed is not kept.
func TestTooLarge(t *testing.T) {
	dir, good := bare(t, filepath.Join(t.TempDir(), "large.git")), bare(t, filepath.Join(t.TempDir(), "good.git"))
	commit(t, dir, tree{"a.yaml": component("a"), "data.json": string(bulk(1)) + string(bulk(2)) + string(bulk(3)) + string(bulk(4)) + string(bulk(5))})
	commit(t, good, tree{"a.yaml": component("good")})
	config := git.Config{Repositories: []string{"file://" + dir, "file://" + good}, Cache: t.TempDir(), MaxRepositoryBytes: 50_000}
	s := newSource(t, config)
	s.scan(t)
	want := []string{"read " + good + "/a.yaml", "unreadable " + dir + "/ this repository cannot be read: git fetch: it is larger than a repository may be here"}
	if got := s.reports(); len(got) != 2 || !strings.Contains(strings.Join(got, "\n"), want[0]) || !strings.Contains(strings.Join(got, "\n"), "unreadable "+dir+"/ ") || !strings.Contains(strings.Join(got, "\n"), "larger than a repository may be") {
		t.Errorf("%q, want %q", got, want)
	}
	if len(caches(t, config.Cache)) != 1 {
		t.Error("what was fetched of it is kept")
	}
	// Nothing of it is needed where other files are read.
	config.CatalogFiles = []string{"a.yaml"}
	s = newSource(t, config)
	s.scan(t)
	if diff := gocmp.Diff([]string{"component:default/a", "component:default/good"}, s.refs()); diff != "" {
		t.Error(diff)
	}
}

// TestForgottenCaches holds that a cache which nobody asked for in a month goes, and that one that is asked for stays, although
// its repository does not change.
func TestForgottenCaches(t *testing.T) {
	dir, other := bare(t, filepath.Join(t.TempDir(), "one.git")), bare(t, filepath.Join(t.TempDir(), "other.git"))
	commit(t, dir, tree{"a.yaml": component("a")})
	commit(t, other, tree{"a.yaml": component("b")})
	folder := t.TempDir()
	s := newSource(t, git.Config{Repositories: []string{"file://" + dir}, Cache: folder})
	s.scan(t)
	newSource(t, git.Config{Repositories: []string{"file://" + other}, Cache: folder}).scan(t)
	locks, err := filepath.Glob(filepath.Join(folder, "*.lock"))
	if err != nil || len(locks) != 2 || len(caches(t, folder)) != 2 {
		t.Fatal(locks, err)
	}
	long := time.Now().Add(-40 * 24 * time.Hour)
	for _, lock := range locks {
		if err := os.Chtimes(lock, long, long); err != nil {
			t.Fatal(err)
		}
	}
	s.scan(t)
	if left := caches(t, folder); len(left) != 1 || !strings.Contains(left[0], "-one.git-") {
		t.Error(left)
	}
}

// TestSharedCache holds that several scanners may work in one cache at once, while their repositories change.
func TestSharedCache(t *testing.T) {
	cache := t.TempDir()
	var dirs, urls []string
	for i := range 3 {
		dir := bare(t, filepath.Join(t.TempDir(), fmt.Sprint("r", i)))
		commit(t, dir, tree{"a.yaml": component("first")})
		dirs, urls = append(dirs, dir), append(urls, "file://"+dir)
	}
	var group sync.WaitGroup
	sources := make([]*source, 4)
	for i := range sources {
		sources[i] = newSource(t, git.Config{Repositories: urls, Cache: cache})
		group.Go(func() {
			for range 6 {
				if err := sources[i].try(t.Context()); err != nil {
					t.Error(err)
				}
				for _, scope := range sources[i].last {
					if scope.Error != "" {
						t.Error(scope.Error)
					}
				}
			}
		})
	}
	for i := range 8 {
		for _, dir := range dirs {
			commit(t, dir, tree{"a.yaml": component(fmt.Sprint("n", i)), fmt.Sprint(i, ".yaml"): component(fmt.Sprint("m", i))})
		}
	}
	group.Wait()
	for _, s := range sources {
		s.scan(t)
		want := []string{}
		for _, name := range []string{"m7", "m7", "m7", "n7", "n7", "n7"} {
			want = append(want, "component:default/"+name)
		}
		if diff := gocmp.Diff(want, s.refs()); diff != "" {
			t.Error(diff)
		}
	}
}

// TestEnvironment holds that the environment of the program cannot lead git elsewhere.
func TestEnvironment(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "ran")
	dir, folder := bare(t, filepath.Join(t.TempDir(), "one.git")), t.TempDir()
	commit(t, dir, tree{"a.yaml": component("a")})
	commit(t, bare(t, filepath.Join(folder, "m")), tree{"a.yaml": component("m")})
	for name, value := range map[string]string{
		"GIT_DIR": "/nowhere", "GIT_OBJECT_DIRECTORY": "/nowhere", "GIT_INDEX_FILE": "/nowhere", "GIT_WORK_TREE": "/nowhere", "GIT_NAMESPACE": "x",
		"GIT_CONFIG_PARAMETERS": "'core.fsmonitor'='touch " + mark + "'", "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "remote.orrery.uploadpack",
		"GIT_CONFIG_VALUE_0": "touch " + mark + "; git-upload-pack", "GIT_TRACE": mark, "GIT_ALLOW_PROTOCOL": "ext", "GIT_EXTERNAL_DIFF": "touch " + mark,
		"GIT_TEMPLATE_DIR": "/nowhere", "GIT_DEFAULT_HASH": "sha256", "GIT_SHALLOW_FILE": "/nowhere", "GIT_CEILING_DIRECTORIES": "/", "GIT_ASKPASS": "touch",
	} {
		t.Setenv(name, value)
	}
	s := newSource(t, git.Config{Repositories: []string{"file://" + dir}, Folders: []string{folder}})
	s.scan(t)
	if diff := gocmp.Diff([]string{"component:default/a", "component:default/m"}, s.refs()); diff != "" {
		t.Error(diff)
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("what the environment names was run")
	}
}

// TestCacheInUse holds that a cache in which another process works is waited for, but not for ever.
func TestCacheInUse(t *testing.T) {
	dir := bare(t, filepath.Join(t.TempDir(), "one.git"))
	commit(t, dir, tree{"a.yaml": component("a")})
	config := git.Config{Repositories: []string{"file://" + dir}, Cache: t.TempDir(), Timeout: 2 * time.Second}
	newSource(t, git.Config{Repositories: config.Repositories, Cache: config.Cache}).scan(t)
	locks, err := filepath.Glob(filepath.Join(config.Cache, "*.lock"))
	if err != nil || len(locks) != 1 {
		t.Fatal(locks, err)
	}
	lock := flock.New(locks[0])
	if held, err := lock.TryLock(); err != nil || !held {
		t.Fatal(held, err)
	}
	if err := newSource(t, config).try(t.Context()); err == nil || !strings.Contains(err.Error(), "another process works in its cache") {
		t.Error(err)
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	newSource(t, git.Config{Repositories: config.Repositories, Cache: config.Cache}).scan(t)
}

// TestRelativePaths holds that folders may be named from where the program is.
func TestRelativePaths(t *testing.T) {
	t.Chdir(t.TempDir())
	dir := bare(t, filepath.Join("mirrors", "group", "one.git"))
	commit(t, dir, tree{"a.yaml": component("a")})
	other := bare(t, filepath.Join(t.TempDir(), "other.git"))
	commit(t, other, tree{"a.yaml": component("b")})
	for _, folder := range []string{"mirrors", "./mirrors/", "mirrors/group/one.git"} {
		s := newSource(t, git.Config{Repositories: []string{"file://" + other}, Folders: []string{folder}, Cache: "cache"})
		s.scan(t)
		if diff := gocmp.Diff([]string{"read " + other + "/a.yaml", "read mirrors/group/one.git/a.yaml"}, s.reports()); diff != "" {
			t.Error(diff)
		}
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	s := newSource(t, git.Config{Folders: []string{"."}, ExcludeFiles: []string{"b.yaml"}})
	if err := s.try(t.Context()); err != nil || len(s.last) == 0 || !strings.HasPrefix(s.last[0].Name, here+"/") {
		t.Errorf("%q %v", s.reports(), err)
	}
}

// TestNoGit holds what is said where there is no git, or one that is too old.
func TestNoGit(t *testing.T) {
	folder := t.TempDir()
	commit(t, bare(t, filepath.Join(folder, "m")), tree{"a.yaml": component("m")})
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip(err)
	}
	for version, want := range map[string]string{"": "which cannot be run", "2.20.1": "install 2.36 or newer", "words": "tells nothing"} {
		dir := t.TempDir()
		if version != "" {
			script := "#!" + shell + "\necho git version " + version + "\n"
			if err := os.WriteFile(filepath.Join(dir, "git"), []byte(script), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		t.Setenv("PATH", dir)
		err := newSource(t, git.Config{Folders: []string{folder}}).try(t.Context())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", version, err)
		}
	}
}
