package files_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/scanners/files"
)

func TestLocations(t *testing.T) {
	tests := []struct {
		name     string
		files    map[string]string
		config   files.Config
		want     []string
		problems []string
	}{
		{
			name:  "names and endings of any kind",
			files: map[string]string{"all.yaml": location("all", "./a.txt", "b", "sub/c.tmpl"), "a.txt": component("a"), "b": component("b"), "sub/c.tmpl": component("c"), "d.txt": component("d")},
			want:  []string{"a.txt", "all.yaml", "b", "sub/c.tmpl"},
		},
		{
			name:  "one target",
			files: map[string]string{"all.yaml": strings.Replace(location("all"), "  targets:\n", "  target: ./a.txt\n", 1), "a.txt": component("a")},
			want:  []string{"a.txt", "all.yaml"},
		},
		{
			name: "globs",
			files: map[string]string{
				"all.yaml": location("all", "./*/a.txt", "./deep/**/b.txt", "{one,two}/c-?.txt"),
				"x/a.txt":  component("xa"), "x/y/a.txt": component("xya"), "deep/b.txt": component("b"), "deep/1/2/b.txt": component("bb"),
				"deep/node_modules/b.txt": component("junk"), "one/c-1.txt": component("ca"), "two/c-2.txt": component("cb"), "two/c-22.txt": component("cc"),
			},
			want: []string{"all.yaml", "deep/1/2/b.txt", "deep/b.txt", "one/c-1.txt", "two/c-2.txt", "x/a.txt"},
		},
		{
			name:  "what the walk reads is not read twice",
			files: map[string]string{"all.yaml": location("all", "./*.yaml", "./a.yaml", "./all.yaml"), "a.yaml": component("a")},
			want:  []string{"a.yaml", "all.yaml"},
		},
		{
			name:  "cycles end",
			files: map[string]string{"a.yaml": location("a", "./b.txt"), "b.txt": location("b", "./c.txt", "./a.yaml"), "c.txt": location("c", "./b.txt", "./c.txt", "./*.txt")},
			want:  []string{"a.yaml", "b.txt", "c.txt"},
		},
		{
			name:     "missing",
			files:    map[string]string{"all.yaml": location("all", "./a.txt", "./x/*.txt", "./b.txt"), "b.txt": component("b")},
			want:     []string{"all.yaml", "b.txt"},
			problems: []string{"all.yaml spec.targets[0] WARNING missing-target", "all.yaml spec.targets[1] WARNING missing-target"},
		},
		{
			name:  "missing and optional",
			files: map[string]string{"all.yaml": location("all", "./a.txt", "./x/*.txt") + "  presence: optional\n"},
			want:  []string{"all.yaml"},
		},
		{
			name: "out of the root",
			files: map[string]string{
				"all.yaml": location("all", "../secret.yaml", "/etc/passwd", "./sub/../../secret.yaml", "../*.yaml"), "sub/a.yaml": component("a"), "../secret.yaml": component("secret"),
			},
			want:     []string{"all.yaml", "sub/a.yaml"},
			problems: []string{"all.yaml spec.targets[0] WARNING refused-target", "all.yaml spec.targets[1] WARNING refused-target", "all.yaml spec.targets[2] WARNING refused-target", "all.yaml spec.targets[3] WARNING refused-target"},
		},
		{
			name:  "remote ones and other types are for others",
			files: map[string]string{"a.yaml": location("a", "https://example.com/catalog-info.yaml", "http://example.com/x.yaml"), "b.yaml": strings.Replace(location("b", "./c.txt"), "spec:\n", "spec:\n  type: github-discovery\n", 1), "c.txt": component("c")},
			want:  []string{"a.yaml", "b.yaml"}, problems: []string{"b.yaml spec.type WARNING location-type"},
		},
		{
			name:     "a folder and what is in .git",
			files:    map[string]string{"all.yaml": location("all", "./sub", "./.git/config", "."), "sub/a.yaml": component("a"), ".git/config": component("b")},
			want:     []string{"all.yaml", "sub/a.yaml"},
			problems: []string{"all.yaml spec.targets[0] WARNING refused-target", "all.yaml spec.targets[1] WARNING refused-target", "all.yaml spec.targets[2] WARNING refused-target"},
		},
		{
			name:     "globs that cannot be",
			files:    map[string]string{"all.yaml": location("all", "./[a", "./{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}", "./"+strings.Repeat("*", 2000))},
			want:     []string{"all.yaml"},
			problems: []string{"all.yaml spec.targets[0] WARNING refused-target", "all.yaml spec.targets[1] WARNING refused-target", "all.yaml spec.targets[2] WARNING refused-target"},
		},
		{
			name:   "include does not narrow what a Location names, exclude does",
			files:  map[string]string{"catalog-info.yaml": location("all", "./a.yaml", "./b.yaml"), "a.yaml": component("a"), "b.yaml": component("b"), "c.yaml": component("c")},
			config: files.Config{Include: []string{"catalog-info.yaml"}, Exclude: []string{"b.yaml"}},
			want:   []string{"a.yaml", "catalog-info.yaml"},
		},
		{
			name:  "an ignored file that is named",
			files: map[string]string{"all.yaml": location("all", "./a.yaml"), "a.yaml": component("a"), ".gitignore": "a.yaml"},
			want:  []string{"a.yaml", "all.yaml"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "root")
			write(t, dir, test.files)
			test.config.Roots = []files.Root{{Path: dir, Display: "."}}
			found := scanned(t, test.config)
			if diff := gocmp.Diff(test.want, found.names()); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
			if test.problems == nil {
				test.problems = []string{}
			}
			if diff := gocmp.Diff(test.problems, found.problems()); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// FuzzTarget holds that no target makes a scan fail, or leads to a file outside, or in .git.
func FuzzTarget(f *testing.F) {
	for _, target := range []string{"./a.txt", "../secret", "**/*", "/etc/passwd", "sub/../../x", "{a,b}.txt", "[", ".git/config", "a.txt/../..", "C:\\x", "\x00", "./sub/./b.txt", ""} {
		f.Add(target)
	}
	f.Fuzz(func(t *testing.T, target string) {
		quoted, err := json.Marshal(target)
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(t.TempDir(), "root")
		write(t, dir, map[string]string{
			"in/all.yaml": strings.Replace(location("all"), "  targets:\n", "  target: "+string(quoted)+"\n", 1), "in/a.txt": component("a"),
			"sub/b.txt": component("b"), ".git/config": component("git"), "../secret": component("secret"),
		})
		for _, ref := range scanned(t, files.Config{Roots: []files.Root{{Path: dir, Display: "."}}}).refs() {
			switch ref {
			case "location:default/all", "component:default/a", "component:default/b":
			default:
				t.Errorf("the target %q led to %s", target, ref)
			}
		}
	})
}

// TestChainOfLocations holds that a chain of Locations ends somewhere, and says so.
func TestChainOfLocations(t *testing.T) {
	dir := t.TempDir()
	contents := map[string]string{"0.yaml": location("l0", "./1.txt")}
	for i := 1; i < 50; i++ {
		contents[fmt.Sprintf("%d.txt", i)] = location(fmt.Sprintf("l%d", i), fmt.Sprintf("./%d.txt", i+1))
	}
	write(t, dir, contents)
	found := scanned(t, files.Config{Roots: []files.Root{{Path: dir, Display: "."}}})
	if len(found) != 33 {
		t.Errorf("%d files were read, want 33", len(found))
	}
	if diff := gocmp.Diff([]string{"32.txt spec.targets[0] WARNING refused-target"}, found.problems()); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

// TestPlaceholders holds that a placeholder reads files of its own repository and nothing else.
func TestPlaceholders(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "root")
	write(t, dir, map[string]string{
		"repo/.git/config": "token", "repo/api/spec.json": `{"openapi": "3.1.0"}`, "other/spec.json": `{}`, "../secret.json": `{}`,
		"large.json":         `{"x": "` + strings.Repeat("x", 2000) + `"}`,
		"repo/api/good.yaml": describedBy("good", "./spec.json"),
		"repo/up.yaml":       describedBy("up", "api/../api/spec.json"),
		"repo/sibling.yaml":  describedBy("sibling", "../other/spec.json"),
		"repo/git.yaml":      describedBy("git", "./.git/config"),
		"repo/link.yaml":     describedBy("link", "./link.json"),
		"plain/good.yaml":    describedBy("plain", "../other/spec.json"),
		"plain/out.yaml":     describedBy("out", "../../secret.json"),
		"plain/abs.yaml":     describedBy("abs", "/etc/passwd"),
		"plain/missing.yaml": describedBy("missing", "./nowhere.json"),
		"plain/large.yaml":   describedBy("large", "../large.json"),
	})
	symlink(t, "../other/spec.json", filepath.Join(dir, "repo", "link.json"))
	found := scanned(t, files.Config{Roots: []files.Root{{Path: dir, Display: "."}}, MaxFileBytes: 1000})
	want := []string{}
	for _, name := range []string{"plain/abs", "plain/large", "plain/missing", "plain/out", "repo/git", "repo/link", "repo/sibling"} {
		want = append(want, name+".yaml metadata.description WARNING unresolved-placeholder")
	}
	if diff := gocmp.Diff(want, found.problems()); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	for _, scope := range found {
		for _, document := range scope.Documents {
			description := document.Claims[0].Descriptor.Description
			if filled := description == `{"openapi": "3.1.0"}` || description == "{}"; filled != (len(document.Problems) == 0) {
				t.Errorf("%s is described as %q", scope.Name, description)
			}
			if strings.Contains(description, "token") || strings.Contains(description, "root:") {
				t.Errorf("%s holds what is outside: %q", scope.Name, description)
			}
		}
	}
}

// describedBy is a component whose description is in another file.
func describedBy(name, file string) string {
	return strings.Replace(component(name), "spec:", "  description:\n    $text: "+file+"\nspec:", 1)
}

// TestGlobsShareListings holds that many globs cost no more readings of a folder than one.
func TestGlobsShareListings(t *testing.T) {
	contents := fstest.MapFS{}
	var targets []string
	for i := range 100 {
		contents[fmt.Sprintf("a/folder%d/x.txt", i)] = &fstest.MapFile{Data: []byte("a: b")}
		targets = append(targets, fmt.Sprintf("./a/**/x*%d.none", i))
	}
	contents["all.yaml"] = &fstest.MapFile{Data: []byte(location("all", targets...))}
	tree := &counted{FS: contents, listed: map[string]int{}}
	if got := len(scanned(t, files.Config{Roots: []files.Root{{FS: tree, Display: "."}}}).problems()); got != 100 {
		t.Errorf("%d problems, want one for each target", got)
	}
	for folder, times := range tree.listed {
		if times > 2 { // by the walk and by the first glob
			t.Errorf("%s was listed %d times", folder, times)
		}
	}
}

type counted struct {
	fs.FS
	mu     sync.Mutex
	listed map[string]int
}

func (c *counted) ReadDir(name string) ([]fs.DirEntry, error) {
	c.mu.Lock()
	c.listed[name]++
	c.mu.Unlock()
	return fs.ReadDir(c.FS, name)
}

// TestGlobsAreBounded holds that targets whose globs ask for too much together are refused, the first ones not.
func TestGlobsAreBounded(t *testing.T) {
	dir := t.TempDir()
	contents := map[string]string{}
	for i := range 1000 {
		contents[fmt.Sprintf("x%d.txt", i)] = "a: b"
	}
	var targets []string
	for i := range 500 {
		targets = append(targets, fmt.Sprintf("./%sx%d*.none", strings.Repeat("**/", 320), i))
	}
	contents["all.yaml"] = location("all", targets...)
	write(t, dir, contents)
	codes := map[string]int{}
	for _, problem := range scanned(t, files.Config{Roots: []files.Root{{Path: dir, Display: "."}}}).problems() {
		codes[problem[strings.LastIndexByte(problem, ' ')+1:]]++
	}
	if codes["missing-target"] < 100 || codes["refused-target"] < 100 {
		t.Errorf("problems: %v", codes)
	}
}
