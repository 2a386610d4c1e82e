package github_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/github"
	"github.com/orrery-catalog/orrery/scanners/github/connect"
	"github.com/orrery-catalog/orrery/scanners/github/githubtest"
)

// TestForgotten holds that what a source said and whoever received it forgot, with the state, is said again: also after
// a part was heard of before the next whole scan.
func TestForgotten(t *testing.T) {
	h := newHub(t)
	for _, name := range []string{"a", "b"} {
		h.AddRepository("acme/"+name, githubtest.Files{"catalog-info.yaml": component(name)}, githubtest.Settings{})
	}
	h.pass(time.Hour)
	s := h.scanner(t)
	newReceiver().must(t, s)
	r := newReceiver() // of whom nothing was received
	r.must(t, s, "github.com/acme/a/")
	r.must(t, s)
	same(t, h, r)
}

// TestConfigured holds that each change of the configuration shows at the next scan, though nothing changed on GitHub.
func TestConfigured(t *testing.T) {
	for name, change := range map[string]func(*connect.Config, *github.Config){
		"topics": func(_ *connect.Config, c *github.Config) { c.Topics = []string{"shop"} },
		"web address": func(c *connect.Config, _ *github.Config) {
			c.WebURL, c.APIURL = "https://code.example.com", "https://api.github.com"
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHub(t)
			h.AddRepository("acme/a", githubtest.Files{"catalog-info.yaml": component("a")}, githubtest.Settings{Topics: []string{"shop"}})
			h.AddRepository("acme/b", githubtest.Files{"catalog-info.yaml": component("b")}, githubtest.Settings{Topics: []string{"shop"}})
			h.pass(time.Hour)
			r := newReceiver()
			r.must(t, h.scanner(t))
			changed := func() *github.Scanner {
				connection := h.connect(t, func(c *connect.Config) { change(c, new(github.Config)) })
				return h.scanner(t, func(c *github.Config) { c.Connection = connection; change(new(connect.Config), c) })
			}
			r.must(t, changed())
			want := newReceiver()
			want.must(t, changed())
			if got, want := r.Scopes(), want.Scopes(); !slices.Equal(got, want) {
				t.Errorf("held after the change: %q, from the beginning: %q", got, want)
			}
		})
	}
}

// TestBrokenOwner holds that an owner who cannot be listed keeps what it said, also where the state was lost and the
// configuration spells the owner otherwise than GitHub.
func TestBrokenOwner(t *testing.T) {
	h := newHub(t)
	h.AddOrganization("globex")
	h.AddRepository("acme/a", githubtest.Files{"catalog-info.yaml": component("a")}, githubtest.Settings{})
	h.AddRepository("globex/b", githubtest.Files{"catalog-info.yaml": component("b")}, githubtest.Settings{})
	h.pass(time.Hour)
	for _, lost := range []bool{false, true} {
		both := func(c *github.Config) { c.Organizations = []string{"ACME", "globex"} }
		r := newReceiver()
		r.must(t, h.scanner(t, both))
		if lost {
			r.state = nil
		}
		h.Fail(githubtest.Fault{
			Endpoint: "GET /orgs/{org}/repos", Fail: githubtest.Refused(403, "Resource not accessible"),
			Fits: func(r *http.Request) bool { return strings.Contains(r.URL.Path, "/ACME/") },
		})
		r.must(t, h.scanner(t, both))
		if got := r.refs(); len(got) != 2 {
			t.Errorf("state lost: %v: %q are held", lost, got)
		}
		h.Mend()
	}
}

// TestStrangersTarget holds that a Location that leads to an owner where the App is not installed is refused, and that what
// else is in its repository is read.
func TestStrangersTarget(t *testing.T) {
	h := newHub(t)
	app, err := h.AddApp("orrery")
	if err != nil {
		t.Fatal(err)
	}
	h.AddOrganization("stranger")
	h.AddRepository("stranger/x", githubtest.Files{"catalog-info.yaml": component("x")}, githubtest.Settings{})
	h.AddRepository("acme/a", githubtest.Files{
		"catalog-info.yaml": location("all", "./a.yaml", "https://github.com/stranger/x/blob/main/catalog-info.yaml", "https://github.com/nobody/x/blob/main/catalog-info.yaml"),
		"a.yaml":            component("a"),
	}, githubtest.Settings{})
	app.Install(h.Account("acme"))
	h.pass(30 * time.Minute)
	s := h.scanner(t, func(c *github.Config) {
		c.Organizations = nil
		c.Connection = h.connect(t, func(c *connect.Config) {
			c.Token, c.App = "", &connect.App{ID: app.ID(), PrivateKey: app.PrivateKey()}
		})
	})
	r := newReceiver()
	r.must(t, s)
	if got := strings.Join(r.refs(), " "); got != "component:default/a location:default/all" {
		t.Errorf("%s; %v", got, r.unread())
	}
	for name, scope := range r.held {
		if scope.State == scanners.Unreadable {
			t.Errorf("%s: %s", name, scope.Error)
		}
	}
}

// TestReadAtUnknown holds that what a commit takes away is told also by who has not scanned, as after a restart, or who has
// scanned last before somebody else did.
func TestReadAtUnknown(t *testing.T) {
	h := newHub(t)
	it := h.AddRepository("acme/it", githubtest.Files{"catalog-info.yaml": component("a"), "go.yaml": "x: y", "README.md": "it"}, githubtest.Settings{})
	commit := it.Push(githubtest.Push{Branch: "away", Delete: []string{"catalog-info.yaml", "README.md"}})
	for _, rest := range []bool{false, true} {
		if rest {
			h.NoGraphQL(404)
		}
		scopes, err := h.scanner(t).ReadAt(t.Context(), "acme/it", commit, []string{"catalog-info.yaml", "go.yaml", "README.md"})
		want := []scanners.Scope{{Name: "github.com/acme/it/catalog-info.yaml", State: scanners.Gone}}
		if diff := gocmp.Diff(want, scopes); diff != "" || err != nil {
			t.Errorf("REST %v: %v (-want +got):\n%s", rest, err, diff)
		}
	}
}

// TestShortPages holds that a page with fewer repositories than fit is not taken for the last one.
func TestShortPages(t *testing.T) {
	h := newHub(t)
	for i := range 205 {
		name := fmt.Sprintf("r%d", i)
		h.AddRepository("acme/"+name, githubtest.Files{"catalog-info.yaml": component(name)}, githubtest.Settings{})
	}
	h.Fail(githubtest.Fault{Endpoint: "GET /orgs/{org}/repos", Fail: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			whole := httptest.NewRecorder()
			next.ServeHTTP(whole, r)
			var page []json.RawMessage
			maps.Copy(w.Header(), whole.Header())
			if whole.Code == http.StatusOK && json.Unmarshal(whole.Body.Bytes(), &page) == nil && len(page) > 0 {
				w.Header().Del("Content-Length")
				_ = json.NewEncoder(w).Encode(page[1:])
				return
			}
			w.WriteHeader(whole.Code)
			_, _ = w.Write(whole.Body.Bytes())
		})
	}})
	h.pass(time.Hour)
	s, r := h.scanner(t), newReceiver()
	for range 2 {
		r.must(t, s)
		if got := len(r.refs()); got != 202 {
			t.Errorf("%d of the 202 repositories on three pages were read", got)
		}
	}
}

// TestHeardOfTooMuch holds that a push of files that nobody reads costs nothing, also where who heard of it did not know that.
func TestHeardOfTooMuch(t *testing.T) {
	h := newHub(t)
	h.AddRepository("acme/a", githubtest.Files{"catalog-info.yaml": component("a")}, githubtest.Settings{})
	h.pass(time.Hour)
	s, r := h.scanner(t), newReceiver()
	r.must(t, s)
	for part, costs := range map[string]bool{
		"main.go": false, "docs/catalog-info.yaml": false, "catalog-info.yaml": true, "catalog-info.yml": true, "CODEOWNERS": true, "": true, "docs/": true,
	} {
		h.ForgetCalls()
		r.must(t, s, "github.com/acme/a/"+part)
		if got := len(h.Calls()) > 0; got != costs {
			t.Errorf("%q: asked %v, want %v", part, h.Calls(), costs)
		}
	}
	same(t, h, r)
}

// TestSameSecond holds that a push is found that the listing does not tell from one before it.
func TestSameSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t)
		it := h.AddRepository("acme/it", githubtest.Files{"catalog-info.yaml": component("a")}, githubtest.Settings{})
		s, r := h.scanner(t), newReceiver()
		r.must(t, s)
		it.Push(githubtest.Push{Files: githubtest.Files{"catalog-info.yaml": component("b")}})
		h.pass(time.Minute)
		r.must(t, s)
		if got := r.refs(); !slices.Equal(got, []string{"component:default/b"}) {
			t.Errorf("got %q", got)
		}
		h.ForgetCalls()
		h.pass(time.Minute)
		r.must(t, s)
		if paid, _ := h.counts(); len(paid) > 0 {
			t.Errorf("nothing changed, and it cost %v", paid)
		}
	})
}
