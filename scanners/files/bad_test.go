package files_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/files"
)

func TestBadRoots(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"good/a.yaml": component("a")})
	for name, root := range map[string]files.Root{
		"missing":           {Path: filepath.Join(dir, "nowhere")},
		"missing file":      {Path: filepath.Join(dir, "good", "nowhere.yaml")},
		"unreadable":        {FS: withErrors(fstest.MapFS{}, map[string]error{".": fs.ErrPermission}), Display: "nowhere"},
		"cannot be listed":  {FS: unlisted{fstest.MapFS{}}, Display: "nowhere"},
		"behind a good one": {Path: filepath.Join(dir, "nowhere")},
	} {
		t.Run(name, func(t *testing.T) {
			roots := []files.Root{root}
			if name == "behind a good one" {
				roots = []files.Root{{Path: filepath.Join(dir, "good")}, root}
			}
			_, err := scan(t.Context(), newScanner(t, files.Config{Roots: roots}), nil)
			if err == nil || !strings.Contains(err.Error(), "nowhere") {
				t.Errorf("the error is %v, want one that names the folder", err)
			}
		})
	}
}

// TestBadContent holds that no content makes a scan fail or keeps the neighbours from being read.
func TestBadContent(t *testing.T) {
	bomb := ""
	for i := range 9 {
		bomb += "a" + string(rune('1'+i)) + ": &a" + string(rune('1'+i)) + " ["
		if i == 0 {
			bomb += "x"
		} else {
			bomb += strings.Repeat("*a"+string(rune('0'+i))+",", 9)
		}
		bomb += "]\n"
	}
	contents := map[string]string{
		"bomb":    component("a") + "  bomb:\n    " + strings.ReplaceAll(bomb, "\n", "\n    "),
		"nul":     component("a") + "\x00",
		"utf8":    component("a") + "# \xff\xfe\n",
		"deep":    component("a") + "  deep: " + strings.Repeat("[", 100_000) + "\n",
		"flow":    component("a") + "  deep: " + strings.Repeat("{a: ", 50_000) + "\n",
		"indent":  component("a") + indented(5_000),
		"cut":     component("a")[:60] + "\n  'unfinished",
		"binary":  "apiVersion: backstage.io/v1alpha1\n\x01\x02\x03\x80",
		"markers": strings.Repeat("---\n", 100_000) + component("a"),
		"keys":    component("a") + "kind: Component\nkind: API\n",
		"sixteen": "\xff\xfea\x00p\x00i\x00 backstage.io/v1alpha1",
	}
	for name, content := range contents {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, map[string]string{"catalog-info.yaml": content, "good.yaml": component("good")})
			found := scanned(t, files.Config{Roots: []files.Root{{Path: dir, Display: "."}}})
			if refs := found.refs(); len(refs) == 0 || refs[len(refs)-1] != "component:default/good" {
				t.Errorf("the neighbour was not read: %v", refs)
			}
			if len(found.refs()) == 1 && len(found.problems()) == 0 {
				t.Error("the file is neither accepted nor a problem")
			}
		})
	}
}

func indented(depth int) string {
	var b strings.Builder
	for i := range depth {
		b.WriteString(strings.Repeat(" ", i+2))
		b.WriteString("a:\n")
	}
	return b.String()
}

func TestLargeFiles(t *testing.T) {
	dir := t.TempDir()
	large := "\n# " + strings.Repeat("x", 6<<20)
	write(t, dir, map[string]string{
		"a.yaml": component("a"), "catalog-info.yaml": "#" + large + strings.Repeat("x", 44<<20), "entity.yaml": component("b") + large, "lock.yaml": "lock: 1" + large, "package-lock.json": `{"x": "` + large + `"}`,
	})
	found := scanned(t, files.Config{Roots: []files.Root{{Path: dir, Display: "."}}})
	if diff := gocmp.Diff([]string{"a.yaml"}, found.names()); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if diff := gocmp.Diff([]string{"catalog-info.yaml ERROR too-large", "entity.yaml WARNING too-large"}, found.problems()); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestLimits(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"a.yaml": component("a"), "1/b.yaml": component("b"), "1/2/c.yaml": component("c"), "1/2/3/d.yaml": component("d")})
	found := scanned(t, files.Config{Roots: []files.Root{{Path: dir, Display: "."}}, MaxFolderDepth: 2})
	if diff := gocmp.Diff([]string{"1/2/c.yaml", "1/b.yaml", "a.yaml"}, found.names()); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if diff := gocmp.Diff([]string{"1/2/3 WARNING unreadable-folder"}, found.problems()); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if deep := found[0]; deep.Name != "1/2/3/" || deep.State != scanners.Unreadable {
		t.Errorf("the deep folder is scope %+v", deep)
	}
	_, err := scan(t.Context(), newScanner(t, files.Config{Roots: []files.Root{{Path: dir}}, MaxFiles: 3}), nil)
	if err == nil || !strings.Contains(err.Error(), "more than 3 files") {
		t.Errorf("the error is %v, want one about too many files", err)
	}
}

// TestUnreadable holds that what is there and cannot be read is told, and never looks as if it were gone.
func TestUnreadable(t *testing.T) {
	memory := fstest.MapFS{
		"a.yaml": {Data: []byte(component("a"))}, "b.yaml": {Data: []byte(component("b"))}, "catalog-info.yaml": {Data: []byte(component("c"))},
		"closed/d.yaml": {Data: []byte(component("d"))}, "x/gone.yaml": {Data: []byte(component("e"))},
	}
	fsys := withErrors(memory, map[string]error{"b.yaml": fs.ErrPermission, "catalog-info.yaml": errors.New("input/output error"), "closed": fs.ErrPermission, "x/gone.yaml": fs.ErrNotExist})
	found := scanned(t, files.Config{Roots: []files.Root{{FS: fsys, Display: "demo"}}})
	if diff := gocmp.Diff([]string{"demo/a.yaml"}, found.names()); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	want := []string{"demo/b.yaml WARNING unreadable-file", "demo/catalog-info.yaml ERROR unreadable-file", "demo/closed WARNING unreadable-folder"}
	if diff := gocmp.Diff(want, found.problems()); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	for _, scope := range found[1:] {
		if scope.State != scanners.Unreadable {
			t.Errorf("%s has the state %d", scope.Name, scope.State)
		}
	}
	if last := found[len(found)-1].Name; last != "demo/closed/" {
		t.Errorf("the closed folder is scope %q", last)
	}
}

// TestVanishingFolder holds that a folder that goes away during the scan is an error, and a file that does is not.
func TestVanishingFolder(t *testing.T) {
	for name, test := range map[string]struct {
		remove string
		fails  bool
	}{
		"the root":                 {".", true},
		"a folder":                 {"z", true},
		"a file":                   {"z/b.yaml", false},
		"the root, and comes back": {"replace", true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "root")
			contents := map[string]string{"a.yaml": component("a")}
			for i := range 26 {
				contents["z/"+string(rune('b'+i%25))+".yaml"] = component("b")
			}
			write(t, dir, contents)
			var once bool
			_, err := scan(t.Context(), newScanner(t, files.Config{Roots: []files.Root{{Path: dir, Display: "root"}}}), func(string) {
				if once {
					return
				}
				once = true
				target := filepath.Join(dir, test.remove)
				if test.remove == "replace" {
					target = dir
				}
				if err := os.RemoveAll(target); err != nil {
					t.Error(err)
				}
				if test.remove == "replace" {
					write(t, dir, contents)
				}
			})
			if (err != nil) != test.fails {
				t.Errorf("the error is %v", err)
			}
			if err != nil && !strings.Contains(err.Error(), "vanished") {
				t.Errorf("the error does not say what happened: %v", err)
			}
		})
	}
}

func TestCancelledInALargeTree(t *testing.T) {
	memory := fstest.MapFS{}
	for i := range 2000 {
		name := fmt.Sprintf("s%d", i)
		memory[name+"/a.yaml"] = &fstest.MapFile{Data: []byte(component(name))}
	}
	ctx, cancel := context.WithCancel(t.Context())
	found, err := scan(ctx, newScanner(t, files.Config{Roots: []files.Root{{FS: memory}}}), func(string) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	if len(found) > 100 {
		t.Errorf("%d files were reported after the scan was told to stop", len(found))
	}
}

// failing is a file system where some names cannot be opened.
type failing struct {
	fstest.MapFS
	errors map[string]error
}

func withErrors(fsys fstest.MapFS, errors map[string]error) fs.FS { return failing{fsys, errors} }

func (f failing) Open(name string) (fs.File, error) {
	if err, ok := f.errors[name]; ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return f.MapFS.Open(name)
}

func (f failing) ReadDir(name string) ([]fs.DirEntry, error) {
	if err, ok := f.errors[name]; ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return f.MapFS.ReadDir(name)
}

func (f failing) Stat(name string) (fs.FileInfo, error) {
	if err, ok := f.errors[name]; ok && name == "." {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: err}
	}
	return f.MapFS.Stat(name)
}

// unlisted is a file system that has a root and cannot list it.
type unlisted struct{ fstest.MapFS }

func (unlisted) ReadDir(name string) ([]fs.DirEntry, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
}
