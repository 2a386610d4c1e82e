package github_test

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/github"
	"github.com/orrery-catalog/orrery/scanners/github/githubtest"
)

const hash = "0123456789abcdef0123456789abcdef01234567"

// problems lists the codes of all problems, by scope.
func (r *receiver) problems() map[string]string {
	codes := map[string]string{}
	for name, scope := range r.reported {
		for _, document := range scope.Documents {
			for _, problem := range document.Problems {
				codes[name] = strings.TrimSpace(codes[name] + " " + problem.Code)
			}
		}
	}
	return codes
}

// TestRepositories reads what repositories may look like.
func TestRepositories(t *testing.T) {
	huge := strings.Repeat("# nothing\n", 600_000)
	latin := "metadata: {name: caf\xe9}\n"
	for name, test := range map[string]struct {
		files    githubtest.Files
		modes    map[string]string
		settings githubtest.Settings
		read     []string // catalogFiles
		exclude  []string
		limits   func(*githubtest.Limits)
		want     []string // names of components
		problems map[string]string
		unread   []string // scopes
		trees    int      // that are listed
	}{
		"none":       {files: githubtest.Files{"README.md": "x"}},
		"yml":        {files: githubtest.Files{"catalog-info.yml": component("a")}, want: []string{"a"}},
		"both":       {files: githubtest.Files{"catalog-info.yml": component("a"), "catalog-info.yaml": component("b")}, want: []string{"a", "b"}},
		"not at top": {files: githubtest.Files{"x/catalog-info.yaml": component("a")}},
		"configured": {
			files: githubtest.Files{"ops/service": component("a"), "catalog-info.yaml": component("b")}, read: []string{"/ops/service"}, want: []string{"a"},
		},
		"globs": {
			files: githubtest.Files{
				"services/a/catalog-info.yaml": component("a"), "services/a/b/catalog-info.yaml": component("b"), "top.yaml": component("top"),
				"deep/top.yaml": component("deep"), "services/old/catalog-info.yaml": component("old"),
			},
			read: []string{"services/*/catalog-info.yaml", "t*.yaml"}, exclude: []string{"services/old/**"}, want: []string{"a", "top"}, trees: 1,
		},
		"ignored": {
			files: githubtest.Files{"a/catalog-info.yaml": component("a"), "b/catalog-info.yaml": component("b"), ".gitignore": "/b\n"},
			read:  []string{"**/catalog-info.yaml"}, want: []string{"a"}, trees: 1,
		},
		"targets": {
			files: githubtest.Files{
				"catalog-info.yaml": location("l", "./a.yaml", "./x/b.yaml"), "a.yaml": component("a"), "x/b.yaml": component("b"), "c.yaml": component("c"),
			},
			want: []string{"a", "b"},
		},
		"target by glob": {
			files: githubtest.Files{"catalog-info.yaml": location("l", "./x/*.yaml"), "x/a.yaml": component("a"), "x/y/b.yaml": component("b")},
			want:  []string{"a"}, trees: 1,
		},
		"missing target": {
			files: githubtest.Files{"catalog-info.yaml": location("l", "./gone.yaml")}, trees: 1,
			problems: map[string]string{"catalog-info.yaml": "missing-target"},
		},
		"target outside": {
			files: githubtest.Files{"catalog-info.yaml": location("l", "../other/catalog-info.yaml")}, trees: 0,
			problems: map[string]string{"catalog-info.yaml": "refused-target"},
		},
		"placeholder": {
			files: githubtest.Files{"catalog-info.yaml": strings.Replace(component("a"), "owner: payments", "owner: {$text: ./OWNER}", 1), "OWNER": "payments"},
			want:  []string{"a"},
		},
		"link": {
			files: githubtest.Files{"catalog-info.yaml": "ops/a.yaml", "ops/a.yaml": component("a")}, modes: map[string]string{"catalog-info.yaml": "120000"},
			want: []string{"a"}, trees: 1,
		},
		"links in a circle": {
			files: githubtest.Files{"catalog-info.yaml": "b", "b": "catalog-info.yaml"}, modes: map[string]string{"catalog-info.yaml": "120000", "b": "120000"},
			unread: []string{"catalog-info.yaml"}, problems: map[string]string{"catalog-info.yaml": "refused-link"}, trees: 1,
		},
		"link outside": {
			files: githubtest.Files{"catalog-info.yaml": "/etc/passwd"}, modes: map[string]string{"catalog-info.yaml": "120000"},
			unread: []string{"catalog-info.yaml"}, problems: map[string]string{"catalog-info.yaml": "refused-link"},
		},
		"linked folder": {
			files: githubtest.Files{"x": "y", "y/catalog-info.yaml": component("a")}, modes: map[string]string{"x": "120000"},
			read: []string{"x/catalog-info.yaml", "**/catalog-info.yaml"}, want: []string{"a"}, trees: 1,
		},
		"submodule": {
			files: githubtest.Files{"lib": hash, "catalog-info.yaml": location("l", "./lib/catalog-info.yaml")}, modes: map[string]string{"lib": "160000"},
			problems: map[string]string{"catalog-info.yaml": "missing-target"}, trees: 1,
		},
		"folder of that name": {files: githubtest.Files{"catalog-info.yaml/a.yaml": component("a")}},
		"strange names": {
			files: githubtest.Files{
				"a\"b\\c\n/catalog-info.yaml": component("a"), "ü {}*/catalog-info.yaml": component("b"), "${{x}}/catalog-info.yaml": component("c"),
			},
			read: []string{"**/catalog-info.yaml"}, want: []string{"a", "b", "c"}, trees: 1,
		},
		"huge": {
			files: githubtest.Files{"catalog-info.yaml": component("a") + huge}, unread: []string{"catalog-info.yaml"},
			problems: map[string]string{"catalog-info.yaml": "too-large"},
		},
		"large": {files: githubtest.Files{"catalog-info.yaml": component("a") + huge[:1_000_000]}, want: []string{"a"}},
		"binary": {
			files: githubtest.Files{"catalog-info.yaml": "\x00\x01\x02"}, unread: []string{"catalog-info.yaml"},
			problems: map[string]string{"catalog-info.yaml": "nul-byte"},
		},
		"latin":  {files: githubtest.Files{"catalog-info.yaml": component("a") + "---\n" + latin}, want: []string{"a"}},
		"a note": {files: githubtest.Files{"catalog-info.yaml": "note: to be written"}},
		"truncated": {
			files: githubtest.Files{
				"services/a/catalog-info.yaml": component("a"), "services/b/x.txt": "", "other/1": "", "other/2": "", "other/3": "", "other/x/4": "",
			},
			limits: func(l *githubtest.Limits) { l.TreeItems = 5 }, read: []string{"services/*/catalog-info.yaml"}, want: []string{"a"}, trees: 3,
		},
		"other branch": {
			files: githubtest.Files{"catalog-info.yaml": component("a")}, settings: githubtest.Settings{DefaultBranch: "release/1"}, want: []string{"a"},
		},
		"archived": {files: githubtest.Files{"catalog-info.yaml": component("a")}, settings: githubtest.Settings{Archived: true}},
	} {
		for _, rest := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/REST=%v", name, rest), func(t *testing.T) {
				h := newHub(t)
				h.AddRepository("acme/a-neighbour", githubtest.Files{"catalog-info.yaml": component("neighbour")}, githubtest.Settings{})
				repository := h.AddRepository("acme/it", nil, test.settings)
				repository.Push(githubtest.Push{Files: test.files, Modes: test.modes})
				if rest {
					h.NoGraphQL(404)
				}
				if test.limits != nil {
					test.limits(&h.Limits)
				}
				h.pass(time.Hour)
				s := h.scanner(t, func(c *github.Config) {
					if c.CatalogFiles = test.read; test.read != nil {
						c.CatalogFiles = append([]string{"catalog-info.yaml"}, test.read...)
					}
					c.ExcludeFiles = test.exclude
				})
				if name == "configured" { // only there the usual file is none
					s = h.scanner(t, func(c *github.Config) { c.CatalogFiles = test.read })
				}
				r := newReceiver()
				r.must(t, s)
				want := []string{}
				for _, name := range test.want {
					want = append(want, "component:default/"+name)
				}
				if name != "configured" {
					want = append(want, "component:default/neighbour")
				}
				slices.Sort(want)
				got := []string{}
				for _, ref := range r.refs() {
					if strings.HasPrefix(ref, "component:") {
						got = append(got, ref)
					}
				}
				if diff := gocmp.Diff(want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				problems := map[string]string{}
				for scope, codes := range test.problems {
					problems["github.com/acme/it/"+scope] = codes
				}
				if diff := gocmp.Diff(problems, r.problems()); diff != "" {
					t.Errorf("problems (-want +got):\n%s", diff)
				}
				if len(r.unread()) != len(test.unread) {
					t.Errorf("not read: %v, want %q", r.unread(), test.unread)
				}
				if len(test.read) > 0 && name != "configured" {
					test.trees++ // of the neighbour
				}
				if paid, _ := h.counts(); !rest && paid[gitTree] != test.trees {
					t.Errorf("%d trees were listed, want %d: %v", paid[gitTree], test.trees, paid)
				}
				// Nothing changed, and so nothing is said, but of what is unreadable.
				first := r.reported
				r.must(t, s)
				for name, scope := range first {
					again, told := r.reported[name]
					if was := scope.State == scanners.Unreadable; was != (told && again.State == scanners.Unreadable) || was && again.Error != scope.Error {
						t.Errorf("the second scan says of %s the state %d, %s", name, again.State, again.Error)
					}
				}
				for name, scope := range r.reported {
					if scope.State != scanners.Unchanged && scope.State != scanners.Unreadable {
						t.Errorf("the second scan says of %s the state %d", name, scope.State)
					}
				}
			})
		}
	}
}

// TestFiles holds that what a repository holds is a proper file system.
func TestFiles(t *testing.T) {
	h := newHub(t)
	repository := h.AddRepository("acme/it", githubtest.Files{"README.md": "hello", "a/b/c.txt": "c", "a/d": "d"}, githubtest.Settings{})
	first := repository.Head("main")
	repository.Push(githubtest.Push{Files: githubtest.Files{"link": "a/d", "new": "n"}, Modes: map[string]string{"link": "120000"}})
	s := h.scanner(t)
	for commit, names := range map[string][]string{"": {"README.md", "a/b/c.txt", "a/d", "link", "new"}, first: {"README.md", "a/b/c.txt", "a/d"}} {
		files, err := s.Files(t.Context(), "acme/it", commit)
		if err != nil {
			t.Fatal(err)
		}
		if err := fstest.TestFS(files, names...); err != nil {
			t.Error(err)
		}
	}
	files, err := s.Files(t.Context(), "acme/it", "")
	if err != nil {
		t.Fatal(err)
	}
	if content, err := fs.ReadFile(files, "link"); err != nil || string(content) != "d" {
		t.Errorf("the link leads to %q, %v", content, err)
	}
	if _, err := s.Files(t.Context(), "acme/nothing", ""); err == nil {
		t.Error("there is a repository that does not exist")
	}
}

func TestReadAt(t *testing.T) {
	h := newHub(t)
	repository := h.AddRepository("acme/it", githubtest.Files{
		"catalog-info.yaml": location("l", "./a.yaml", "./b.yaml", "./c.yaml"), "a.yaml": component("a"), "b.yaml": component("b"), "c.yaml": component("c"),
	}, githubtest.Settings{})
	h.pass(time.Hour)
	s, r := h.scanner(t), newReceiver()
	r.must(t, s)
	commit := repository.Push(githubtest.Push{
		Branch: "feature", Files: githubtest.Files{"a.yaml": component("a2"), "other.yaml": component("other")}, Delete: []string{"b.yaml"},
	})
	scopes, err := s.ReadAt(t.Context(), "acme/it", commit, []string{"a.yaml", "b.yaml", "other.yaml", "README.md"})
	if err != nil {
		t.Fatal(err)
	}
	got := []string{}
	for _, scope := range scopes {
		got = append(got, fmt.Sprintf("%s %d", scope.Name, scope.State))
		for _, document := range scope.Documents {
			got = append(got, string(document.Claims[0].Subject.Ref)+" "+document.Version.Commit)
		}
	}
	want := []string{
		fmt.Sprintf("github.com/acme/it/a.yaml %d", scanners.Read), "component:default/a2 " + commit,
		fmt.Sprintf("github.com/acme/it/b.yaml %d", scanners.Gone),
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	all, err := s.ReadAt(t.Context(), "acme/it", commit, nil)
	if err != nil || len(all) != 4 {
		t.Errorf("%d scopes, %v", len(all), err)
	}
	if _, err := s.ReadAt(t.Context(), "acme/it", hash, nil); err == nil {
		t.Error("a commit that is not there was read")
	}
}
