package github_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/github"
	"github.com/orrery-catalog/orrery/scanners/github/githubtest"
)

// TestRename holds that a repository that is renamed, or goes to another owner, is there all the time.
func TestRename(t *testing.T) {
	const old, now = "github.com/acme/old/", "github.com/acme/new/"
	for name, test := range map[string]struct {
		change func(*hub)
		parts  []string // nil = a whole scan
		want   string   // scope that the entity is in then; "" = it is gone
	}{
		"renamed":                     {change: rename, want: now},
		"renamed, heard of both":      {change: rename, parts: []string{old, now}, want: now},
		"renamed, heard of the new":   {change: rename, parts: []string{now}, want: now},
		"renamed, heard of the old":   {change: rename, parts: []string{old}, want: now},
		"renamed, heard of a file":    {change: rename, parts: []string{old + "catalog-info.yaml"}, want: now},
		"old name taken by another":   {change: retake, parts: []string{old}, want: now},
		"old name taken, whole":       {change: retake, want: now},
		"transferred":                 {change: transfer("globex"), want: "github.com/globex/old/"},
		"transferred, heard of":       {change: transfer("globex"), parts: []string{old}, want: "github.com/globex/old/"},
		"transferred away":            {change: transfer("elsewhere")},
		"transferred away, heard of":  {change: transfer("elsewhere"), parts: []string{old}},
		"deleted":                     {change: func(h *hub) { h.Repository("acme/old").Delete() }},
		"deleted, heard of":           {change: func(h *hub) { h.Repository("acme/old").Delete() }, parts: []string{old}},
		"archived":                    {change: archive},
		"archived, heard of":          {change: archive, parts: []string{old}},
		"archived, heard of one file": {change: archive, parts: []string{old + "catalog-info.yaml"}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHub(t)
			h.AddOrganization("globex")
			h.AddOrganization("elsewhere")
			h.AddRepository("acme/old", githubtest.Files{
				"catalog-info.yaml": location("all", "./a.yaml"), "a.yaml": component("a"),
			}, githubtest.Settings{})
			h.AddRepository("acme/other", githubtest.Files{"catalog-info.yaml": component("other")}, githubtest.Settings{})
			h.pass(time.Hour)
			both := func(c *github.Config) { c.Organizations = []string{"acme", "globex"} }
			s, r := h.scanner(t, both), newReceiver()
			r.must(t, s)
			commit := r.held["github.com/acme/old/a.yaml"].Documents[0].Version.Commit
			test.change(h)
			h.pass(time.Hour)
			r.must(t, s, test.parts...)
			want := []string{"component:default/a", "component:default/other", "location:default/all"}
			if test.want == "" {
				want = want[1:2]
			}
			if got := slices.DeleteFunc(r.refs(), func(ref string) bool { return strings.HasSuffix(ref, "/thief") }); !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
			if test.want != "" {
				scope := r.held[test.want+"a.yaml"]
				if len(scope.Documents) != 1 || scope.Documents[0].Version.Commit != commit {
					t.Errorf("%sa.yaml holds %+v", test.want, scope)
				}
			}
			for name := range r.held {
				if strings.HasPrefix(name, old) && !strings.Contains(name, "catalog-info.yaml") {
					t.Errorf("%s is still there", name)
				}
			}
			r.must(t, s)
			same(t, h, r, both)
		})
	}
}

func rename(h *hub) { h.Repository("acme/old").Rename("new") }

func retake(h *hub) {
	rename(h)
	h.AddRepository("acme/old", githubtest.Files{"catalog-info.yaml": component("thief")}, githubtest.Settings{})
}

func archive(h *hub) {
	h.Repository("acme/old").Edit(func(s *githubtest.Settings) { s.Archived = true })
}

func transfer(to string) func(*hub) {
	return func(h *hub) { h.Repository("acme/old").Transfer(h.Account(to)) }
}

// TestElsewhere reads files that Locations in other repositories name.
func TestElsewhere(t *testing.T) {
	const web = "https://github.com/acme/"
	h := newHub(t)
	index := h.AddRepository("acme/index", githubtest.Files{
		"catalog-info.yaml": location("l", web+"lib/blob/main/x/a.yaml", web+"lib/tree/main/y/*.yaml", web+"lib/blob/main/catalog-info.yaml"),
	}, githubtest.Settings{})
	lib := h.AddRepository("acme/lib", githubtest.Files{
		"catalog-info.yaml": component("lib"), "x/a.yaml": component("a"), "y/b.yaml": component("b"), "y/c.yaml": component("c"), "z.yaml": component("z"),
	}, githubtest.Settings{})
	h.pass(time.Hour)
	s, r := h.scanner(t), newReceiver()
	names := func() string {
		var all []string
		for _, ref := range r.refs() {
			if name, is := strings.CutPrefix(ref, "component:default/"); is {
				all = append(all, name)
			}
		}
		return strings.Join(all, " ")
	}
	step := func(what, want string, parts ...string) {
		t.Helper()
		h.pass(time.Hour)
		r.must(t, s, parts...)
		if got := names(); got != want {
			t.Errorf("%s: the components are %q, want %q; %v", what, got, want, r.problems())
		}
	}
	step("first", "a b c lib")
	h.ForgetCalls()
	step("nothing changed", "a b c lib")
	if paid, _ := h.counts(); paid[graphQL] > 0 || paid[gitTree] > 0 {
		t.Errorf("nothing changed, and it was asked: %v", paid)
	}
	lib.Push(githubtest.Push{Files: githubtest.Files{"x/a.yaml": component("a2"), "y/d.yaml": component("d")}})
	step("what is named changes", "a2 b c d lib", "github.com/acme/lib/")
	index.Push(githubtest.Push{Files: githubtest.Files{"catalog-info.yaml": location("l", web+"lib/blob/main/z.yaml", web+"nothing/blob/main/a.yaml", "https://example.com/a.yaml")}})
	step("others are named", "lib z", "github.com/acme/index/")
	if got := r.problems(); got["github.com/acme/index/catalog-info.yaml"] != "refused-target" {
		t.Errorf("problems: %v", got)
	}
	same(t, h, r)
	index.Push(githubtest.Push{Files: githubtest.Files{"catalog-info.yaml": location("l", web+"lib/blob/main/x/a.yaml", web+"lib/blob/main/gone.yaml")}})
	step("others again, whole", "a2 lib")
	if got := r.problems(); got["github.com/acme/lib/gone.yaml"] != "missing-target" {
		t.Errorf("problems: %v", got)
	}
	lib.Rename("library")
	step("what is named is renamed", "a2 lib")
	step("and nothing more happens", "a2 lib")
	same(t, h, r)
	index.Push(githubtest.Push{Files: githubtest.Files{"catalog-info.yaml": location("l", web+"library/blob/HEAD/x/a.yaml")}})
	step("and named anew", "a2 lib")
	lib.Push(githubtest.Push{Files: githubtest.Files{"x/a.yaml": location("m", web+"index/blob/main/deep.yaml")}})
	index.Push(githubtest.Push{Files: githubtest.Files{"deep.yaml": component("deep")}})
	step("there and back", "deep lib")
	same(t, h, r)
	index.Push(githubtest.Push{Files: githubtest.Files{"catalog-info.yaml": location("l", web+"library/blob/main/x/a.yaml") + "---\nkind: {\n"}})
	step("a Location that is broken", "deep lib")
	index.Delete()
	step("who names it is gone", "lib")
	same(t, h, r)
}

// TestMissedByListing holds that a repository that a listing lacks is asked for before it is gone.
func TestMissedByListing(t *testing.T) {
	h := newHub(t)
	for i := range 101 {
		h.AddRepository(fmt.Sprintf("acme/r%03d", i), githubtest.Files{"catalog-info.yaml": component(fmt.Sprintf("c%03d", i))}, githubtest.Settings{})
	}
	h.pass(time.Hour)
	s, r := h.scanner(t), newReceiver()
	r.must(t, s)
	// After the first page was read, one of it goes, so that the first of the second moves to the first.
	first := make(chan struct{})
	h.Fail(githubtest.Fault{Endpoint: listing, Times: 2, Fail: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Query().Get("page") {
			case "1":
				defer close(first)
			case "2":
				<-first
				h.Repository("acme/r000").Delete()
			}
			next.ServeHTTP(w, r)
		})
	}})
	r.must(t, s)
	if h.Repository("acme/r000") != nil || !slices.Contains(r.refs(), "component:default/c100") {
		t.Errorf("%d entities are left, without the one that moved", len(r.refs()))
	}
	h.Mend()
	r.must(t, s)
	same(t, h, r)
}

// TestRandomChanges holds that whatever happens, parts and wholes leave what a fresh scan finds, and that no entity is lost
// on the way.
func TestRandomChanges(t *testing.T) {
	steps := 60
	if testing.Short() {
		steps = 20
	}
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // not for secrets
			h := newHub(t)
			config := func(c *github.Config) {
				if seed%3 == 1 {
					c.CatalogFiles = []string{"**/catalog-info.yaml"}
				}
				if seed%3 == 2 {
					h.NoGraphQL(404)
				}
			}
			w := &world{hub: h, random: random}
			for range 5 {
				w.change()
			}
			h.pass(time.Minute)
			s, r := h.scanner(t, config), newReceiver()
			r.must(t, s)
			for step := range steps {
				var parts []string
				for range 1 + random.IntN(3) {
					parts = append(parts, w.change()...)
				}
				h.pass(time.Duration(random.IntN(40)) * time.Second)
				if random.IntN(4) == 0 { // another process goes on
					s = h.scanner(t, config)
				}
				if random.IntN(3) == 0 {
					parts = nil
				}
				r.must(t, s, parts...)
				for name, scope := range r.reported {
					if scope.State == scanners.Unreadable {
						t.Fatalf("step %d: %s is unreadable: %s", step, name, scope.Error)
					}
				}
				if same(t, h, r, config); t.Failed() {
					t.Fatalf("after step %d, %q; %v", step, parts, w.log)
				}
			}
		})
	}
}

// world changes at random.
type world struct {
	*hub
	random *rand.Rand
	made   int
	log    []string
}

// change changes something, and names what a webhook would name.
func (w *world) change() []string {
	all := w.Repositories("acme")
	if len(all) < 3 || len(all) < 8 && w.random.IntN(8) == 0 {
		w.made++
		name := fmt.Sprintf("acme/r%d", w.made)
		w.AddRepository(name, githubtest.Files{"README.md": "x"}, githubtest.Settings{})
		w.log = append(w.log, "new "+name)
		return []string{"github.com/" + name + "/"}
	}
	repository := all[w.random.IntN(len(all))]
	scope := "github.com/" + repository.FullName() + "/"
	switch w.random.IntN(12) {
	case 0:
		w.made++
		repository.Rename(fmt.Sprintf("r%d", w.made))
		w.log = append(w.log, "rename "+scope+" "+repository.FullName())
		return []string{scope, "github.com/" + repository.FullName() + "/"}
	case 1:
		w.log = append(w.log, "delete "+scope)
		repository.Delete()
	case 2:
		repository.Edit(func(s *githubtest.Settings) { s.Archived = !s.Archived })
		w.log = append(w.log, "archive "+scope)
	default:
		push := githubtest.Push{Files: githubtest.Files{}}
		for range 1 + w.random.IntN(2) {
			name, content := w.file()
			if _, there := repository.Files("main")[name]; there && w.random.IntN(4) == 0 {
				push.Delete = append(push.Delete, name)
				continue
			}
			push.Files[name] = content
		}
		repository.Push(push)
		w.log = append(w.log, fmt.Sprintf("push %s %q %q", scope, push.Files, push.Delete))
	}
	return []string{scope}
}

// url is that of a file in a repository that is there, or was, or will be.
func (w *world) url() string {
	name := fmt.Sprintf("acme/r%d", 1+w.random.IntN(w.made+3))
	if all := w.Repositories("acme"); w.random.IntN(4) > 0 {
		name = all[w.random.IntN(len(all))].FullName()
	}
	return "https://github.com/" + name + "/blob/main/a/x.yaml"
}

// file is one at random.
func (w *world) file() (name, content string) {
	names := []string{"catalog-info.yaml", "catalog-info.yml", "a/catalog-info.yaml", "b/c/catalog-info.yaml", "owner.txt", ".github/CODEOWNERS", ".gitignore", "a/x.yaml"}
	w.made++
	switch name = names[w.random.IntN(len(names))]; name {
	case "owner.txt":
		return name, fmt.Sprintf("team-%d", w.made)
	case ".github/CODEOWNERS":
		return name, fmt.Sprintf("* @acme/team-%d\n", w.made)
	case ".gitignore":
		return name, []string{"/a\n", "b\n", "\n"}[w.random.IntN(3)]
	}
	switch w.random.IntN(6) {
	case 0:
		return name, location(fmt.Sprintf("l%d", w.made), "./a/x.yaml", "./a/*.yaml")
	case 1:
		return name, location(fmt.Sprintf("l%d", w.made), w.url())
	case 2:
		return name, strings.Replace(component(fmt.Sprintf("c%d", w.made)), "owner: payments", "owner: {$text: ./owner.txt}", 1)
	case 3:
		return name, "nothing: here"
	}
	return name, component(fmt.Sprintf("c%d", w.made))
}

// TestBranchRenamed holds that a default branch that gets another name while it is read is no empty repository.
func TestBranchRenamed(t *testing.T) {
	h := newHub(t)
	it := h.AddRepository("acme/it", githubtest.Files{"catalog-info.yaml": component("a")}, githubtest.Settings{})
	h.pass(time.Hour)
	s, r := h.scanner(t), newReceiver()
	r.must(t, s)
	it.Push(githubtest.Push{Files: githubtest.Files{"catalog-info.yaml": component("b")}})
	h.pass(time.Hour)
	h.Fail(githubtest.Fault{Endpoint: graphQL, Times: 1, Fail: githubtest.Hooked(func(*http.Request) {
		it.SetBranch("trunk", it.Head("main"))
		it.Edit(func(s *githubtest.Settings) { s.DefaultBranch = "trunk" })
		it.SetBranch("main", "")
	})})
	r.must(t, s)
	if got := r.refs(); !slices.Equal(got, []string{"component:default/b"}) {
		t.Errorf("got %q", got)
	}
	h.pass(time.Hour)
	r.must(t, s)
	same(t, h, r)
	it.SetBranch("trunk", "")
	h.pass(time.Hour)
	r.must(t, s)
	if got := r.refs(); len(got) != 0 {
		t.Errorf("a repository without a branch has %q", got)
	}
}
