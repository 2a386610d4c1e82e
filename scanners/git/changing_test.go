package git_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"path"
	"path/filepath"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/files"
	"github.com/orrery-catalog/orrery/scanners/git"
	"github.com/orrery-catalog/orrery/scanners/scantest"
)

func undating(sink scanners.Sink) scanners.Sink {
	return sinkFunc(func(ctx context.Context, scope scanners.Scope) error {
		for _, document := range scope.Documents {
			document.Version = nil
		}
		return sink.Report(ctx, scope)
	})
}

// changing is some repositories in which things happen.
type changing struct {
	*testing.T
	random       *rand.Rand
	repositories []string
	files        map[string]tree // by repository, of its newest commit
	branch       map[string]string
	number       int
}

func (c *changing) pick(names ...string) string { return names[c.random.IntN(len(names))] }

func (c *changing) set(dir string, files tree) {
	c.files[dir] = files
	commit(c, dir, files, c.at(dir))
}

func (c *changing) at(dir string) string {
	if branch := c.branch[dir]; branch != "" {
		return branch
	}
	return "main"
}

// change makes one random commit, or does something else to a repository, and returns its scope, or that of a file of it.
func (c *changing) change() []string {
	dir := c.repositories[c.random.IntN(len(c.repositories))]
	files := maps.Clone(c.files[dir])
	if files == nil {
		files = make(tree)
	}
	switch c.random.IntN(12) {
	case 0: // history is rewritten
		files[c.name()] = c.content()
		c.files[dir] = files
		commitFrom(c, dir, files, "refs/heads/"+c.at(dir), false)
	case 1: // the default branch is another
		c.number++
		if c.branch == nil {
			c.branch = make(map[string]string)
		}
		c.branch[dir] = fmt.Sprint("branch-", c.number)
		files[c.name()] = c.content()
		c.set(dir, files)
		command(c, dir, "", "symbolic-ref", "HEAD", "refs/heads/"+c.branch[dir])
	case 2: // objects are packed anew
		command(c, dir, "", "gc", "--quiet", "--prune=now")
	case 3:
		clear(files)
		files["only.yaml"] = c.content()
		c.set(dir, files)
	default:
		for range 1 + c.random.IntN(3) {
			name := c.name()
			if _, there := files[name]; there && c.random.IntN(3) == 0 {
				delete(files, name)
				continue
			}
			for other := range files { // a file cannot be a folder
				if strings.HasPrefix(other, name+"/") || strings.HasPrefix(name, other+"/") {
					delete(files, other)
				}
			}
			files[name] = c.content()
		}
		c.set(dir, files)
	}
	return []string{dir + c.pick("/", "/catalog-info.yaml", "")}
}

func (c *changing) name() string {
	folder := c.pick(".", "a", "b", "a/sub", "vendor", "node_modules", "a/é ß", "b/%41")
	return path.Join(folder, c.pick("catalog-info.yaml", "one.yaml", "two.json", "notes.txt", ".gitignore", "modules.txt", "link", "all.yaml"))
}

func (c *changing) content() string {
	c.number++
	name := fmt.Sprint("n", c.number)
	switch c.random.IntN(12) {
	case 0:
		return location(name, "./notes.txt", c.pick("./*/one.yaml", "./**/notes.txt", "./link/notes.txt", "../one.yaml"))
	case 1, 2:
		return strings.Replace(component(name), "  name: ", "  description: {$text: "+c.pick("./notes.txt", "../notes.txt", "./link", "./a/link/notes.txt")+"}\n  name: ", 1)
	case 3:
		return component(name) + "---\n" + component("bad!name")
	case 4:
		return "-> " + c.pick("a", "../b", "notes.txt", "nowhere", "/etc", "link", "../../..")
	case 5:
		return c.pick("a/\n", "*.json\n", "one.yaml\n")
	case 6:
		return "submodule " + strings.Repeat("1", 40)
	default:
		return component(name)
	}
}

// TestHistories holds that scans along random histories, each with the state of the last, leave what the scanner of files
// finds in a checkout, and that each file says at the commit it names what it says.
func TestHistories(t *testing.T) {
	histories := uint64(4)
	if testing.Short() {
		histories = 1
	}
	for seed := range histories {
		folder, remotes := t.TempDir(), t.TempDir()
		world := &changing{T: t, random: rand.New(rand.NewPCG(seed, 9)), files: make(map[string]tree)}
		config := git.Config{Folders: []string{folder}}
		for i := range 2 {
			remote := bare(t, filepath.Join(remotes, fmt.Sprint("r", i)))
			config.Repositories = append(config.Repositories, "file://"+remote)
			world.repositories = append(world.repositories, remote, bare(t, filepath.Join(folder, fmt.Sprint("m", i))))
		}
		for _, dir := range world.repositories {
			world.set(dir, tree{"catalog-info.yaml": component("first")})
		}
		s := newSource(t, config)
		s.scan(t)
		out := make(map[string]scantest.Held)
		for step := range 12 {
			var names []string
			for range 1 + world.random.IntN(3) {
				names = append(names, world.change()...)
			}
			if step%3 == 0 {
				s.scan(t)
			} else {
				s.parts(t, names...)
			}
			want := make(scantest.Held)
			for _, dir := range world.repositories {
				head := dir + command(t, dir, "", "rev-parse", "HEAD")
				if out[head] == nil {
					out[head] = checkedOut(t, dir)
				}
				maps.Copy(want, out[head])
			}
			got := make(scantest.Held)
			versions := s.versions()
			for name, scope := range s.held {
				got[name] = scope
				for _, document := range scope.Documents {
					document.Version = nil
				}
			}
			if diff := gocmp.Diff(want, got); diff != "" {
				t.Fatalf("seed %d, step %d (-files +git):\n%s", seed, step, diff)
			}
			for name, version := range versions {
				if version == nil || !strings.HasPrefix(name, version.Repository+"/") && version.Repository == "" {
					t.Fatalf("seed %d, step %d: %s has the version %+v", seed, step, name, version)
				}
				for _, document := range s.held[name].Documents {
					document.Version = version
				}
			}
		}
	}
}

// checkedOut is what the scanner of files says of the checkout of a repository.
func checkedOut(t testing.TB, dir string) scantest.Held {
	t.Helper()
	at := filepath.Join(t.TempDir(), "tree")
	command(t, "", "", "-c", "advice.detachedHead=false", "clone", "--quiet", "--no-hardlinks", dir, at)
	scanner, err := files.New(files.Config{Roots: []files.Root{{Path: at, Display: dir}}})
	if err != nil {
		t.Fatal(err)
	}
	held := make(scantest.Held)
	if err := held.Whole(t.Context(), scanner); err != nil {
		t.Fatal(err)
	}
	return held
}
