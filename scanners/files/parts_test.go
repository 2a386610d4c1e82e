package files_test

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog/codeowners"
	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/files"
	"github.com/orrery-catalog/orrery/scanners/scantest"
)

// holder keeps what was reported last of each scope, as whoever receives reports does.
type holder = scantest.Held

func whole(t *testing.T, held holder, scanner scanners.Scanner) {
	t.Helper()
	if err := held.Whole(t.Context(), scanner); err != nil {
		t.Fatalf("scan: %v", err)
	}
}

// TestPartsEqualWhole holds that after any changes, scans of what changed leave what a whole scan finds.
func TestPartsEqualWhole(t *testing.T) {
	sequences := uint64(60)
	if testing.Short() {
		sequences = 10
	}
	var parts, wholes int
	for seed := range sequences {
		dir := t.TempDir()
		world := &changing{T: t, dir: dir, random: rand.New(rand.NewPCG(seed, 4))}
		for range 12 {
			world.change()
		}
		roots := []files.Root{{Path: dir, Display: "root"}}
		config := files.Config{Roots: roots, Exclude: []string{"**/secret/**", "excluded.yaml"}}
		if seed%3 == 0 {
			config.Include = []string{"*.yaml"}
		}
		scanner, held := newScanner(t, config), make(holder)
		whole(t, held, scanner)
		var log []string
		for step := range 25 {
			world.changed = nil
			for range 1 + world.random.IntN(3) {
				log = append(log, world.change())
			}
			err := held.Parts(t.Context(), scanner, world.changed...)
			switch {
			case errors.Is(err, scanners.ErrWhole):
				whole(t, held, scanner)
				wholes++
				log = append(log, "whole: "+err.Error())
			case err != nil:
				t.Fatalf("seed %d, step %d: %v", seed, step, err)
			default:
				parts++
			}
			want := make(holder)
			whole(t, want, newScanner(t, config))
			if diff := gocmp.Diff(want, held); diff != "" {
				t.Fatalf("seed %d, step %d, named %q (-whole +parts):\n%s\nafter\n%s", seed, step, world.changed, diff, strings.Join(log, "\n"))
			}
		}
	}
	t.Logf("%d scans of parts, %d that needed the whole", parts, wholes)
	if parts < wholes/2 {
		t.Errorf("only %d of %d scans were of parts: little was tested", parts, parts+wholes)
	}
}

// changing is a folder in which things happen.
type changing struct {
	*testing.T
	dir     string
	random  *rand.Rand
	changed []string // names of scopes and folders that may say something else
	number  int
}

func (c *changing) name(names ...string) string { return names[c.random.IntN(len(names))] }

func (c *changing) folder() string {
	return c.name(".", "a", "b", "a/sub", "a/vendor", "b/vendor/x", "build", "secret", "a/build", "node_modules", "a/deep/er")
}

func (c *changing) file() string {
	return path.Join(c.folder(), c.name("one.yaml", "two.yml", "three.json", "notes.txt", "extra.txt", "excluded.yaml", "desc.md"))
}

// content is that of some file: of a component, of one that reads others, of a Location, or of something else.
func (c *changing) content() string {
	c.number++
	name := fmt.Sprint("n", c.number)
	switch c.random.IntN(12) {
	case 0, 1, 2, 3, 4:
		return component(name)
	case 5, 6:
		target := c.name("./desc.md", "../notes.txt", "./build/desc.md", "../secret/notes.txt", "./nowhere", "../link/desc.md")
		return strings.Replace(component(name), "  name: ", "  description: {$text: "+target+"}\n  name: ", 1)
	case 7:
		targets := []string{"./extra.txt", "./a/one.yaml", "./b/extra.txt", "./missing.txt", "../extra.txt", "./*/extra.txt", "./**/notes.txt", "./link/extra.txt"}
		return location(name, c.name(targets...), c.name(targets...))
	case 8:
		return component(name) + "---\n" + component("bad!name")
	case 9:
		return "kind: [broken"
	default:
		return "nothing: here\n"
	}
}

// change makes one random change and returns what it was.
func (c *changing) change() string {
	at := func(name string) string { return filepath.Join(c.dir, filepath.FromSlash(name)) }
	put := func(name, content string) {
		c.made(path.Dir(name))
		if info, err := os.Lstat(at(name)); err == nil && !info.Mode().IsRegular() {
			if err := os.RemoveAll(at(name)); err != nil {
				c.Fatal(err)
			}
			c.say(name + "/")
		}
		if err := os.WriteFile(at(name), []byte(content), 0o644); err != nil {
			c.Fatal(err)
		}
		c.say(name)
	}
	switch c.random.IntN(16) {
	case 14:
		name := path.Join(c.folder(), c.name(codeowners.Places()...))
		content := c.name("* @all\n", "/a/ @a\n/sub @sub\n", "* @all\nno owner\n", "", "one.yaml @x\n")
		put(name, content)
		return "write " + name + ": " + content
	case 15:
		name := path.Join(c.folder(), c.name(".github", ".github/CODEOWNERS", "CODEOWNERS", "docs", ".gitlab/CODEOWNERS"))
		info, err := os.Lstat(at(name))
		if err != nil || os.RemoveAll(at(name)) != nil {
			return "nothing"
		}
		if info.IsDir() {
			name += "/"
		}
		c.say(name)
		return "remove " + name
	case 0, 1, 2, 3, 4, 5:
		name := c.file()
		content := c.content()
		put(name, content)
		return "write " + name + ": " + strings.Join(strings.Fields(content), " ")
	case 6, 7:
		name := c.file()
		if err := os.Remove(at(name)); err != nil {
			return "nothing"
		}
		c.say(name)
		return "remove " + name
	case 8:
		name := c.folder()
		if name == "." || os.RemoveAll(at(name)) != nil {
			return "nothing"
		}
		c.say(name + "/")
		return "remove folder " + name
	case 9:
		from, to := c.folder(), c.folder()
		if from == "." || to == "." || strings.HasPrefix(to, from) || strings.HasPrefix(from, to) {
			return "nothing"
		}
		c.made(path.Dir(to))
		if os.RemoveAll(at(to)) != nil || os.Rename(at(from), at(to)) != nil {
			c.say(to + "/")
			return "remove folder " + to
		}
		c.say(from+"/", to+"/")
		return "move " + from + " to " + to
	case 10:
		name := path.Join(c.folder(), ".gitignore")
		content := c.name("build/\n", "one.yaml\n", "/sub\n", "*.txt\n", "", "!one.yaml\n")
		put(name, content)
		return "ignore in " + name + ": " + content
	case 11:
		name := path.Join(c.folder(), c.name(".git/HEAD", "modules.txt"))
		put(name, "x")
		if path.Base(path.Dir(name)) == ".git" {
			c.say(path.Dir(name))
		}
		return "mark " + name
	case 12:
		name := path.Join(c.folder(), c.name(".git", "modules.txt", ".gitignore"))
		if os.RemoveAll(at(name)) != nil {
			return "nothing"
		}
		c.say(name)
		return "remove " + name
	default:
		if c.random.IntN(3) > 0 {
			return "nothing"
		}
		name := c.name("link", "a/one.yaml", "b/two.yml", "a/link")
		if err := os.RemoveAll(at(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			c.Fatal(err)
		}
		c.made(path.Dir(name))
		target := c.name("build", "../b", "notes.txt", "nowhere", "extra.txt")
		if err := os.Symlink(target, at(name)); err != nil {
			c.Skip(err)
		}
		c.say(name, name+"/")
		return "link " + name + " to " + target
	}
}

// made makes a folder, in place of the files that are in the way.
func (c *changing) made(folder string) {
	path := c.dir
	said := ""
	for part := range strings.SplitSeq(folder, "/") {
		path, said = filepath.Join(path, part), strings.TrimPrefix(said+"/"+part, "/")
		info, err := os.Lstat(path)
		if err == nil && info.IsDir() {
			continue
		}
		if err == nil {
			if err := os.Remove(path); err != nil {
				c.Fatal(err)
			}
		}
		if err := os.Mkdir(path, 0o755); err != nil {
			c.Fatal(err)
		}
		c.say(said, said+"/")
	}
}

func (c *changing) say(names ...string) {
	for _, name := range names {
		c.changed = append(c.changed, "root/"+strings.TrimPrefix(name, "./"))
	}
}

func TestPartsAlone(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"a/one.yaml": component("one"), "a/two.yaml": component("two"), "b/three.yaml": component("three"),
		"all.yaml": location("all", "./extra.txt"), "extra.txt": component("extra"),
		"api.yaml": strings.Replace(component("api"), "  name: ", "  description: {$text: ./build/text.md}\n  name: ", 1), "build/text.md": "first",
	})
	scanner := newScanner(t, files.Config{Roots: []files.Root{{Path: dir, Display: "root"}}})
	if err := make(holder).Parts(t.Context(), scanner, "root/a/one.yaml"); !errors.Is(err, scanners.ErrWhole) {
		t.Errorf("parts before the whole: %v", err)
	}
	held := make(holder)
	whole(t, held, scanner)
	reads := func(names ...string) []string {
		t.Helper()
		got := make(holder)
		if err := got.Parts(t.Context(), scanner, names...); err != nil {
			t.Errorf("%v: %v", names, err)
		}
		return append([]string{}, got.Names()...)
	}
	for _, test := range []struct {
		name  string
		asked []string
		want  []string
	}{
		{"a file", []string{"root/a/one.yaml"}, []string{"root/a/one.yaml"}},
		{"a folder", []string{"root/a/"}, []string{"root/a/one.yaml", "root/a/two.yaml"}},
		{"what a placeholder reads", []string{"root/build/text.md"}, []string{"root/api.yaml"}},
		{"what a Location names", []string{"root/extra.txt"}, []string{"root/all.yaml", "root/extra.txt"}},
		{"a Location", []string{"root/all.yaml"}, []string{"root/all.yaml"}},
		{"what is not there", []string{"root/x.yaml", "root/x/"}, []string{}},
		{"what is outside", []string{"root/../x.yaml", "elsewhere/x.yaml", "/etc/"}, []string{}},
	} {
		if diff := gocmp.Diff(test.want, reads(test.asked...)); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
	}
	for _, name := range []string{"root/", "root/.gitignore"} {
		if err := make(holder).Parts(t.Context(), scanner, name); !errors.Is(err, scanners.ErrWhole) {
			t.Errorf("%s: %v", name, err)
		}
		whole(t, held, scanner)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := held.Parts(t.Context(), scanner, "root/a/one.yaml"); err == nil || errors.Is(err, scanners.ErrWhole) {
		t.Errorf("a root that is gone: %v", err)
	}
}

// TestPartsOfRootsThatOverlap holds that parts are not read alone where it depends on the order of all what is read.
func TestPartsOfRootsThatOverlap(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"x/a.yaml": component("a")})
	scanner := newScanner(t, files.Config{Roots: []files.Root{{Path: dir, Display: "."}, {Path: filepath.Join(dir, "x"), Display: "x"}}})
	whole(t, make(holder), scanner)
	if err := make(holder).Parts(t.Context(), scanner, "x/a.yaml"); !errors.Is(err, scanners.ErrWhole) {
		t.Error(err)
	}
}

func TestPartsOfSeveralRoots(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"x/a.yaml": component("a"), "y/b.yaml": component("b"), "z/single.txt": component("c")})
	scanner := newScanner(t, files.Config{Roots: []files.Root{
		{Path: filepath.Join(dir, "x")}, {Path: filepath.Join(dir, "y"), Display: "why"}, {Path: filepath.Join(dir, "z", "single.txt")},
	}})
	held := make(holder)
	whole(t, held, scanner)
	write(t, dir, map[string]string{"x/a.yaml": component("aa"), "y/c.yaml": component("bb"), "z/single.txt": component("cc"), "z/other.yaml": component("d")})
	if err := held.Parts(t.Context(), scanner, dir+"/x/a.yaml", "why/c.yaml", dir+"/z/single.txt", dir+"/z/other.yaml"); err != nil {
		t.Fatal(err)
	}
	want := make(holder)
	whole(t, want, newScanner(t, files.Config{Roots: []files.Root{
		{Path: filepath.Join(dir, "x")}, {Path: filepath.Join(dir, "y"), Display: "why"}, {Path: filepath.Join(dir, "z", "single.txt")},
	}}))
	if diff := gocmp.Diff(want, held); diff != "" || len(held) != 4 {
		t.Errorf("%v %s", held.Names(), diff)
	}
}

// BenchmarkPart is one changed file of 100,000.
func BenchmarkPart(b *testing.B) {
	dir := b.TempDir()
	const folders = 1000
	for i := range folders {
		for j := range 100 {
			name := filepath.Join(dir, fmt.Sprint("f", i), fmt.Sprint("s", j))
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
				b.Fatal(err)
			}
			if err := os.WriteFile(name+".yaml", []byte(component(fmt.Sprint("c", i, "-", j))), 0o644); err != nil {
				b.Fatal(err)
			}
		}
	}
	scanner, err := files.New(files.Config{Roots: []files.Root{{Path: dir, Display: "root"}}})
	if err != nil {
		b.Fatal(err)
	}
	deaf := sink(func(scanners.Scope) {})
	if _, err := scanner.Scan(b.Context(), nil, deaf); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := scanner.ScanParts(b.Context(), nil, []string{"root/f7/s7.yaml"}, deaf); err != nil {
			b.Fatal(err)
		}
	}
}
