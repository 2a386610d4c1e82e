package github_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orrery-catalog/orrery/scanners/github"
	"github.com/orrery-catalog/orrery/scanners/github/connect"
	"github.com/orrery-catalog/orrery/scanners/github/githubtest"
)

// TestClosedRepositories holds that what cannot be read is not taken for empty.
func TestClosedRepositories(t *testing.T) {
	for name, close := range map[string]func(*hub, *githubtest.Repository){
		"disabled": func(_ *hub, r *githubtest.Repository) {
			r.Edit(func(s *githubtest.Settings) { s.Disabled = true })
		},
		"taken down": func(_ *hub, r *githubtest.Repository) {
			r.Edit(func(s *githubtest.Settings) { s.Blocked = "dmca" })
		},
		"hidden content": func(h *hub, _ *githubtest.Repository) {
			h.Fail(githubtest.Fault{Fits: concerns("it"), Fail: githubtest.Refused(404, "Not Found")})
		},
		"refused content": func(h *hub, _ *githubtest.Repository) {
			h.Fail(githubtest.Fault{Fits: concerns("it"), Fail: githubtest.Refused(403, "Resource not accessible by personal access token")})
		},
	} {
		for _, rest := range []bool{false, true} {
			if name == "disabled" && !rest {
				continue // GraphQL answers
			}
			t.Run(fmt.Sprintf("%s/REST=%v", name, rest), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					h := newHub(t)
					it := h.AddRepository("acme/it", githubtest.Files{"catalog-info.yaml": component("a")}, githubtest.Settings{})
					if rest {
						h.NoGraphQL(404)
					}
					h.pass(time.Hour)
					s, r := h.scanner(t), newReceiver()
					r.must(t, s)
					it.Push(githubtest.Push{Files: githubtest.Files{"catalog-info.yaml": component("b")}})
					h.pass(time.Hour)
					close(h, it)
					for _, parts := range [][]string{nil, {"github.com/acme/it/"}} {
						r.must(t, s, parts...)
						if got := r.refs(); !slices.Equal(got, []string{"component:default/a"}) || r.unread()["github.com/acme/it/"] == "" {
							t.Errorf("%q are held; not read: %v", got, r.unread())
						}
					}
					h.Mend()
					it.Edit(func(s *githubtest.Settings) { s.Disabled, s.Blocked = false, "" })
					r.must(t, s)
					same(t, h, r)
				})
			})
		}
	}
}

// concerns fits requests about what lies in a repository.
func concerns(name string) func(*http.Request) bool {
	return func(r *http.Request) bool {
		if r.Method == http.MethodGet {
			return strings.Contains(r.URL.Path, "/"+name+"/")
		}
		body, err := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		return err == nil && strings.Contains(string(body), `name:\"`+name+`\"`)
	}
}

// TestTooMuchForGraphQL holds that a repository that GraphQL does not get through is read by REST, and others are not.
func TestTooMuchForGraphQL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t)
		for i := range 60 {
			name := fmt.Sprintf("r%d", i)
			h.AddRepository("acme/"+name, githubtest.Files{"catalog-info.yaml": component(name)}, githubtest.Settings{})
		}
		heavy := concerns("r7")
		h.Fail(githubtest.Fault{Fits: func(r *http.Request) bool { return r.Method == http.MethodPost && heavy(r) }, Fail: githubtest.Status(502)})
		h.pass(time.Hour)
		s, r := h.scanner(t), newReceiver()
		r.must(t, s)
		if got := len(r.refs()); got != 60 {
			t.Errorf("%d entities; not read: %v", got, r.unread())
		}
		if paid, _ := h.counts(); paid[gitTree] != 1 || paid[gitBlob] != 1 {
			t.Errorf("asked: %v", paid)
		}
	})
}

// TestHopelessByREST holds that limits are not used up where nothing can be read.
func TestHopelessByREST(t *testing.T) {
	h := newHub(t)
	h.AddCompany("acme", 300)
	h.member("acme")
	h.Fail(githubtest.Fault{Endpoint: graphQL, Fail: githubtest.Refused(403, "Resource protected by organization SAML enforcement")})
	h.Fail(githubtest.Fault{Endpoint: "GET /repos/{owner}/{repo}/branches/{branch}", Fail: githubtest.Refused(403, "Resource protected by organization SAML enforcement")})
	h.pass(time.Hour)
	s, r := h.scanner(t), newReceiver()
	r.must(t, s)
	if got := len(r.unread()); got != 300 {
		t.Errorf("%d of 300 repositories are unreadable", got)
	}
	if got := len(h.Calls()); got > 150 {
		t.Errorf("%d requests for nothing", got)
	}
}

func TestUsers(t *testing.T) {
	h := newHub(t)
	h.AddUser("ann", githubtest.Profile{})
	for _, owner := range []string{"ann", "orrery"} {
		files := githubtest.Files{"catalog-info.yaml": component(owner + "-public")}
		h.AddRepository(owner+"/public", files, githubtest.Settings{})
		files = githubtest.Files{"catalog-info.yaml": component(owner + "-private")}
		h.AddRepository(owner+"/private", files, githubtest.Settings{Visibility: "private"})
	}
	h.pass(time.Hour)
	s, r := h.scanner(t, func(c *github.Config) { c.Organizations, c.Users = nil, []string{"ann", "orrery"} }), newReceiver()
	r.must(t, s)
	want := []string{"component:default/ann-public", "component:default/orrery-private", "component:default/orrery-public"}
	if got := r.refs(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	h.ForgetCalls()
	r.must(t, s)
	if paid, _ := h.counts(); len(paid) > 0 {
		t.Errorf("nothing changed, and it cost %v", paid)
	}
}

// TestGrants holds that what an installation is granted is read, and no more.
func TestGrants(t *testing.T) {
	h := newHub(t)
	app, err := h.AddApp("orrery")
	if err != nil {
		t.Fatal(err)
	}
	h.AddUser("ann", githubtest.Profile{})
	var made []*githubtest.Repository
	for _, name := range []string{"a", "b", "c"} {
		made = append(made, h.AddRepository("ann/"+name, githubtest.Files{"catalog-info.yaml": component(name)}, githubtest.Settings{}))
	}
	installation := app.Install(h.Account("ann"), made[:2]...)
	h.pass(30 * time.Minute)
	connection := h.connect(t, func(c *connect.Config) {
		c.Token, c.App = "", &connect.App{ID: app.ID(), PrivateKey: app.PrivateKey()}
	})
	s, r := h.scanner(t, func(c *github.Config) { c.Connection, c.Organizations, c.Users = connection, nil, []string{"ann"} }), newReceiver()
	step := func(want string) {
		t.Helper()
		r.must(t, s)
		if got := strings.ReplaceAll(strings.Join(r.refs(), " "), "component:default/", ""); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	step("a b")
	installation.Select(made[1:]...)
	step("b c")
	installation.Suspend(true)
	if err := r.scan(t.Context(), s); err == nil {
		t.Error("a suspended App reads")
	}
	installation.Suspend(false)
	step("b c")
}
