package files_test

import (
	"cmp"
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/files"
	"github.com/orrery-catalog/orrery/scanners/scantest"
)

func TestContract(t *testing.T) {
	scantest.Run(t, scantest.Subject{
		New: func(t *testing.T) scanners.Scanner {
			dir := t.TempDir()
			for i := range 200 {
				name := "s" + string(rune('a'+i%26)) + strings.Repeat("x", i/26)
				write(t, dir, map[string]string{name + "/catalog-info.yaml": component(name)})
			}
			write(t, dir, map[string]string{
				"broken/catalog-info.yaml": component("good") + "---\n" + component("bad!name"),
				"all.yaml":                 location("all", "./extra.txt", "./missing.yaml"),
				"extra.txt":                component("extra"),
			})
			return newScanner(t, files.Config{Roots: []files.Root{{Path: dir, Display: "root"}}})
		},
		Broken: func(t *testing.T) scanners.Scanner {
			return newScanner(t, files.Config{Roots: []files.Root{{Path: filepath.Join(t.TempDir(), "nowhere")}}})
		},
		Living: func(t *testing.T) scantest.Living {
			world := &changing{T: t, dir: t.TempDir(), random: rand.New(rand.NewPCG(1, 3))}
			config := files.Config{Roots: []files.Root{{Path: world.dir, Display: "root"}}}
			return scantest.Living{
				Scanner: newScanner(t, config), Fresh: func() scanners.Scanner { return newScanner(t, config) },
				Change: func() []string {
					for world.changed = nil; world.changed == nil; {
						world.change()
					}
					return world.changed
				},
			}
		},
	})
}

// TestWhatIsRead tells which files of a folder are read. Every file holds one component, named like the file where the
// table does not say otherwise.
func TestWhatIsRead(t *testing.T) {
	tests := []struct {
		name   string
		files  map[string]string
		config files.Config
		want   []string
	}{
		{
			name:  "any name",
			files: map[string]string{"a.yaml": "", "b.yml": "", "c.json": "", "d.YAML": "", "e.txt": "", "f": "", ".hidden/g.yaml": ""},
			want:  []string{".hidden/g.yaml", "a.yaml", "b.yml", "c.json", "d.YAML"},
		},
		{
			name:  "content decides",
			files: map[string]string{"a.yaml": "", "deployment.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\n", "package.json": `{"name": "x"}`, "empty.yaml": "\n"},
			want:  []string{"a.yaml"},
		},
		{
			name: "junk",
			files: map[string]string{
				"a.yaml": "", ".git/b.yaml": "", "web/node_modules/x/c.yaml": "", "vendor/modules.txt": "x", "vendor/x/d.yaml": "",
				"shop/vendor/e.yaml": "", "node_modules.yaml": "",
			},
			want: []string{"a.yaml", "node_modules.yaml", "shop/vendor/e.yaml"},
		},
		{
			name: "gitignore",
			files: map[string]string{
				".gitignore": "# generated\nbuild/\n*.gen.yaml\n!keep.gen.yaml\n/top.yaml\r\n", "a.yaml": "", "build/b.yaml": "", "x/build/c.yaml": "",
				"d.gen.yaml": "", "keep.gen.yaml": "", "top.yaml": "", "x/top.yaml": "", "x/.gitignore": "e.yaml\n", "x/e.yaml": "", "e.yaml": "",
			},
			want: []string{"a.yaml", "e.yaml", "keep.gen.yaml", "x/top.yaml"},
		},
		{
			name: "a repository in a repository has its own rules",
			files: map[string]string{
				".gitignore": "*.local.yaml\nignored/\n", "a.local.yaml": "", "repo/.git/HEAD": "ref", "repo/a.local.yaml": "", "repo/.gitignore": "b.yaml",
				"repo/b.yaml": "", "b.yaml": "", "ignored/.git/HEAD": "ref", "ignored/c.yaml": "", "plain/a.local.yaml": "",
			},
			want: []string{"b.yaml", "repo/a.local.yaml"},
		},
		{
			name:   "include",
			files:  map[string]string{"catalog-info.yaml": "", "x/catalog-info.yaml": "", "x/other.yaml": "", "docs/deep/er/a.yaml": "", "docs/b.txt": ""},
			config: files.Config{Include: []string{"catalog-info.yaml", "docs/**"}},
			want:   []string{"catalog-info.yaml", "docs/deep/er/a.yaml", "x/catalog-info.yaml"},
		},
		{
			name:   "exclude",
			files:  map[string]string{"a.yaml": "", "test/b.yaml": "", "x/test/c.yaml": "", "x/d.yaml": "", "x/e.yml": ""},
			config: files.Config{Exclude: []string{"**/test/**", "*.yml"}},
			want:   []string{"a.yaml", "x/d.yaml"},
		},
		{
			name:   "exclude a folder by its name",
			files:  map[string]string{"a.yaml": "", "x/test/c.yaml": "", "test.yaml": ""},
			config: files.Config{Exclude: []string{"test"}},
			want:   []string{"a.yaml", "test.yaml"},
		},
		{
			name:   "exclude wins over include",
			files:  map[string]string{"a.yaml": "", "b.yaml": ""},
			config: files.Config{Include: []string{"*.yaml"}, Exclude: []string{"./b.yaml"}},
			want:   []string{"a.yaml"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, content := range test.files {
				if content == "" {
					test.files[name] = component(strings.Map(letters, filepath.Base(name)))
				}
			}
			write(t, dir, test.files)
			test.config.Roots = []files.Root{{Path: dir, Display: "."}}
			if diff := gocmp.Diff(test.want, scanned(t, test.config).names()); diff != "" {
				t.Errorf("files on disk (-want +got):\n%s", diff)
			}
			memory := fstest.MapFS{}
			for name, content := range test.files {
				memory[name] = &fstest.MapFile{Data: []byte(content)}
			}
			test.config.Roots = []files.Root{{FS: memory, Display: "demo/company"}}
			want := make([]string, len(test.want))
			for i, name := range test.want {
				want[i] = "demo/company/" + name
			}
			if diff := gocmp.Diff(want, scanned(t, test.config).names()); diff != "" {
				t.Errorf("files in memory (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRoots(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"a/x.yaml": component("x"), "a/b/y.yaml": component("y"), "c.txt": component("c")})
	t.Chdir(dir)
	tests := []struct {
		name  string
		roots []files.Root
		want  []string
	}{
		{"as written", []files.Root{{Path: "./a/"}}, []string{"a/b/y.yaml", "a/x.yaml"}},
		{"here", []files.Root{{Path: "."}}, []string{"a/b/y.yaml", "a/x.yaml"}},
		{"absolute", []files.Root{{Path: filepath.Join(dir, "a", "b")}}, []string{filepath.ToSlash(dir) + "/a/b/y.yaml"}},
		{"displayed", []files.Root{{Path: "a", Display: "shop"}}, []string{"shop/b/y.yaml", "shop/x.yaml"}},
		{"overlapping", []files.Root{{Path: "a/b"}, {Path: "a"}, {Path: "a"}}, []string{"a/b/y.yaml", "a/x.yaml"}},
		{"a file", []files.Root{{Path: "a/x.yaml"}}, []string{"a/x.yaml"}},
		{"a file of any name", []files.Root{{Path: "c.txt"}}, []string{"c.txt"}},
		{"a file, displayed", []files.Root{{Path: "c.txt", Display: "shop/c.txt"}}, []string{"shop/c.txt"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := gocmp.Diff(test.want, scanned(t, files.Config{Roots: test.roots}).names()); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMistakesOfConfiguration(t *testing.T) {
	for _, config := range []files.Config{
		{},
		{Roots: []files.Root{{}}},
		{Roots: []files.Root{{Path: "."}}, Include: []string{"[a"}},
		{Roots: []files.Root{{Path: "."}}, Exclude: []string{"{a"}},
	} {
		if _, err := files.New(config); err == nil {
			t.Errorf("%+v is accepted", config)
		}
	}
}

func TestProgress(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"a.yaml": component("a"), "b.yaml": "x: 1\n", "c.txt": ""})
	progress := new(files.Progress)
	scanned(t, files.Config{Roots: []files.Root{{Path: dir}}, Progress: progress})
	if seen, read := progress.Seen.Load(), progress.Read.Load(); seen != 3 || read != 2 {
		t.Errorf("%d files were seen and %d read, want 3 and 2", seen, read)
	}
}

// result is what a scan reported, by name.
type result []scanners.Scope

// names are those of the scopes that were read.
func (r result) names() []string {
	names := []string{}
	for _, scope := range r {
		if scope.State == scanners.Read || scope.State == scanners.Partly {
			names = append(names, scope.Name)
		}
	}
	return names
}

// refs are those of all claims, sorted.
func (r result) refs() []string {
	refs := []string{}
	for _, scope := range r {
		for _, document := range scope.Documents {
			for _, claim := range document.Claims {
				refs = append(refs, string(claim.Subject.Ref))
			}
		}
	}
	slices.Sort(refs)
	return refs
}

// problems are listed as "location:line field severity code".
func (r result) problems() []string {
	list := []string{}
	for _, scope := range r {
		for _, document := range scope.Documents {
			for _, problem := range document.Problems {
				line := problem.Location
				if problem.Field != "" {
					line += " " + problem.Field
				}
				list = append(list, line+" "+problem.Severity.String()+" "+problem.Code)
			}
		}
	}
	slices.Sort(list)
	return list
}

func newScanner(t *testing.T, config files.Config) *files.Scanner {
	t.Helper()
	scanner, err := files.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return scanner
}

func scanned(t *testing.T, config files.Config) result {
	t.Helper()
	found, err := scan(t.Context(), newScanner(t, config), nil)
	if err != nil {
		t.Fatalf("scan: %v", err)
	}
	return found
}

// scan scans and calls during, if any, with the name of each scope before it is taken.
func scan(ctx context.Context, scanner *files.Scanner, during func(string)) (result, error) {
	var mu sync.Mutex
	var found result
	_, err := scanner.Scan(ctx, nil, sink(func(scope scanners.Scope) {
		mu.Lock()
		defer mu.Unlock()
		if during != nil {
			during(scope.Name)
		}
		found = append(found, scope)
	}))
	slices.SortFunc(found, func(a, b scanners.Scope) int { return cmp.Compare(a.Name, b.Name) })
	return found, err
}

type sink func(scanners.Scope)

func (s sink) Report(_ context.Context, scope scanners.Scope) error {
	s(scope)
	return nil
}

func write(t *testing.T, dir string, contents map[string]string) {
	t.Helper()
	for name, content := range contents {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func component(name string) string {
	return "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: " + name +
		"\nspec:\n  type: service\n  lifecycle: production\n  owner: group:team\n"
}

func location(name string, targets ...string) string {
	text := "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata:\n  name: " + name + "\nspec:\n  targets:\n"
	for _, target := range targets {
		text += "    - '" + target + "'\n"
	}
	return text
}

func letters(r rune) rune {
	if 'a' <= r && r <= 'z' {
		return r
	}
	return '-'
}

func symlink(t *testing.T, target, name string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, name); err != nil {
		t.Skipf("this file system has no symbolic links: %v", err)
	}
}
