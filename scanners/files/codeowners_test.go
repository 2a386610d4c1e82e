package files_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog/codeowners"
	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/files"
)

// hints are who may own each entity, by Ref: names, and where they are written.
func (r result) hints() map[string]string {
	hints := map[string]string{}
	for _, scope := range r {
		for _, document := range scope.Documents {
			for _, claim := range document.Claims {
				var texts []string
				for _, hint := range claim.OwnerHints {
					texts = append(texts, fmt.Sprintf("%s %s:%d", hint.Name, hint.Location, hint.Line))
				}
				if len(texts) > 0 {
					hints[string(claim.Subject.Ref)] = strings.Join(texts, ", ")
				}
			}
		}
	}
	return hints
}

func TestOwnerHints(t *testing.T) {
	group := "apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata:\n  name: team\nspec:\n  type: team\n  children: []\n"
	for name, test := range map[string]struct {
		files      map[string]string
		repository files.Repository
		want       map[string]string
		problems   []string
	}{
		"the folder counts, not the file": {
			files: map[string]string{
				".github/CODEOWNERS":           "* @acme/all\n/services/a/ @acme/a @jane\ncatalog-info.yaml @acme/platform\n",
				"services/a/catalog-info.yaml": component("a"), "services/b/catalog-info.yaml": component("b"),
				"catalog-info.yaml": component("root") + "---\n" + group,
			},
			want: map[string]string{
				"component:default/a":    "@acme/a root/.github/CODEOWNERS:2, @jane root/.github/CODEOWNERS:2",
				"component:default/b":    "@acme/all root/.github/CODEOWNERS:1",
				"component:default/root": "@acme/all root/.github/CODEOWNERS:1",
			},
		},
		"the first place counts": {
			files: map[string]string{
				"CODEOWNERS": "* @acme/root\n", "docs/CODEOWNERS": "* @acme/docs\n", ".gitlab/CODEOWNERS": "* @acme/lab\n", "a.yaml": component("a"),
			},
			want: map[string]string{"component:default/a": "@acme/root root/CODEOWNERS:1"},
		},
		"repositories in a folder": {
			files: map[string]string{
				"CODEOWNERS":   "* @acme/outer\n",
				"x/.git/HEAD":  "x",
				"x/a.yaml":     component("a"),
				"y/CODEOWNERS": "/in/ @acme/in\n", "y/in/it/b.yaml": component("b"), "y/c.yaml": component("c"),
				"z/d.yaml": component("d"),
			},
			want: map[string]string{"component:default/b": "@acme/in root/y/CODEOWNERS:1", "component:default/d": "@acme/outer root/CODEOWNERS:1"},
		},
		"places of one host": {
			files:      map[string]string{".gitlab/CODEOWNERS": "* @acme/lab\n", "x/CODEOWNERS": "* @x\n", "a.yaml": component("a"), "x/b.yaml": component("b")},
			repository: files.Repository{Owners: []string{".github/CODEOWNERS", "CODEOWNERS"}}, want: map[string]string{},
		},
		"wrong lines": {
			files: map[string]string{"CODEOWNERS": "* @acme/all\n/a team\n", "a/a.yaml": component("a"), "b.yaml": component("b")},
			want: map[string]string{
				"component:default/a": "@acme/all root/CODEOWNERS:1", "component:default/b": "@acme/all root/CODEOWNERS:1",
			},
			problems: []string{"root/CODEOWNERS WARNING invalid-codeowners"},
		},
		"too large": {
			files:    map[string]string{"CODEOWNERS": strings.Repeat("* @acme/all\n", codeowners.MaxBytes/12+1), "a.yaml": component("a")},
			want:     map[string]string{},
			problems: []string{"root/CODEOWNERS WARNING invalid-codeowners"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir, embedded := t.TempDir(), fstest.MapFS{}
			write(t, dir, test.files)
			for name, content := range test.files {
				embedded[name] = &fstest.MapFile{Data: []byte(content)}
			}
			for _, root := range []files.Root{{Path: dir, Display: "root"}, {FS: embedded, Display: "root"}} {
				found := scanned(t, files.Config{Roots: []files.Root{root}, Repository: test.repository})
				if diff := gocmp.Diff(test.want, found.hints()); diff != "" {
					t.Error(diff)
				}
				if diff := gocmp.Diff(append([]string{}, test.problems...), found.problems()); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

// TestOwnerHintsOfMany sees that hints stay right where there are more files of owners than are kept at a time.
func TestOwnerHintsOfMany(t *testing.T) {
	tree, want := fstest.MapFS{}, map[string]string{}
	for i := range 300 {
		repository := fmt.Sprintf("r%d", i)
		tree[repository+"/CODEOWNERS"] = &fstest.MapFile{Data: fmt.Appendf(nil, "* @acme/t%d\n", i)}
		for j := range 5 {
			tree[fmt.Sprintf("%s/s%d/c.yaml", repository, j)] = &fstest.MapFile{Data: []byte(component(fmt.Sprintf("c%d-%d", i, j)))}
			want[fmt.Sprintf("component:default/c%d-%d", i, j)] = fmt.Sprintf("@acme/t%d %s/CODEOWNERS:1", i, repository)
		}
	}
	found := scanned(t, files.Config{Roots: []files.Root{{FS: tree}}})
	if diff := gocmp.Diff(want, found.hints()); diff != "" {
		t.Error(diff)
	}
}

func TestUnreadableOwners(t *testing.T) {
	tree := withErrors(fstest.MapFS{
		"CODEOWNERS": &fstest.MapFile{Data: []byte("* @a\n")}, "a.yaml": &fstest.MapFile{Data: []byte(component("a"))},
	}, map[string]error{"CODEOWNERS": errors.New("the disk is broken")})
	found := scanned(t, files.Config{Roots: []files.Root{{FS: tree, Display: "root"}}})
	if got := found.refs(); len(got) != 1 {
		t.Errorf("what was read: %v", got)
	}
	if diff := gocmp.Diff([]string{"root/CODEOWNERS WARNING unreadable-file"}, found.problems()); diff != "" {
		t.Error(diff)
	}
}

// TestOwnersAreToldAgain sees that what is wrong with the file is told also where no file had to be read again.
func TestOwnersAreToldAgain(t *testing.T) {
	tree := fstest.MapFS{
		"CODEOWNERS": &fstest.MapFile{Data: []byte("* nobody\n")}, "a.yaml": &fstest.MapFile{Data: []byte(component("a"))},
	}
	found := scanned(t, files.Config{Roots: []files.Root{{FS: tree, Display: "root"}}, Repository: files.Repository{
		Names: []string{"a.yaml"}, Owners: []string{"CODEOWNERS"}, Before: func(string, string) files.Said { return files.SaidSame },
	}})
	var states []scanners.ScopeState
	for _, scope := range found {
		states = append(states, scope.State)
	}
	if diff := gocmp.Diff([]scanners.ScopeState{scanners.Read, scanners.Unchanged}, states); diff != "" || len(found.problems()) != 1 {
		t.Error(diff, found.problems())
	}
}

// TestWatchOwners sees that a changed CODEOWNERS file changes hints soon.
func TestWatchOwners(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"r/svc/catalog-info.yaml": component("svc"), "r/.git/HEAD": "x", "other.yaml": component("other"),
	})
	f := follow(t, newScanner(t, files.Config{Roots: []files.Root{{Path: dir, Display: "root"}}}))
	defer f.stop()
	hinted := func(want string) func() bool {
		return func() bool {
			scope, ok := f.held["root/r/svc/catalog-info.yaml"]
			if !ok || len(scope.Documents) == 0 {
				return false
			}
			hints := scope.Documents[0].Claims[0].OwnerHints
			return want == "" && len(hints) == 0 || len(hints) == 1 && hints[0].Name == want
		}
	}
	write(t, dir, map[string]string{"r/CODEOWNERS": "* @acme/one\n"})
	f.wait("a file of owners", hinted("@acme/one"))
	write(t, dir, map[string]string{"r/CODEOWNERS": "* @acme/two\n"})
	f.wait("other owners", hinted("@acme/two"))
	write(t, dir, map[string]string{"r/.github/CODEOWNERS": "/svc/ @acme/three\n"})
	f.wait("a file in a place that goes before", hinted("@acme/three"))
	remove(t, dir+"/r/.github")
	f.wait("that is gone", hinted("@acme/two"))
	remove(t, dir+"/r/CODEOWNERS")
	f.wait("nobody", hinted(""))
}

// TestOwnersOfWhatStatesNone sees that who does not state an owner is told whom the file names.
func TestOwnersOfWhatStatesNone(t *testing.T) {
	found := scanned(t, files.Config{Roots: []files.Root{{Display: "root", FS: fstest.MapFS{
		"CODEOWNERS": &fstest.MapFile{Data: []byte("* @acme/shop @jane\n")},
		"a.yaml": &fstest.MapFile{Data: []byte(
			"apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: a}\nspec: {type: service, lifecycle: production}\n")},
	}}}})
	var fixes []string
	for _, scope := range found {
		for _, document := range scope.Documents {
			for _, problem := range document.Problems {
				fixes = append(fixes, problem.Field+": "+problem.Fix)
			}
		}
	}
	if diff := gocmp.Diff([]string{"spec.owner: add it, for example owner: group:my-team; CODEOWNERS names @acme/shop, @jane"}, fixes); diff != "" {
		t.Error(diff)
	}
}
