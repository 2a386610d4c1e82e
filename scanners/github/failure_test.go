package github_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/github"
	"github.com/orrery-catalog/orrery/scanners/github/connect"
	"github.com/orrery-catalog/orrery/scanners/github/githubtest"
	"github.com/orrery-catalog/orrery/scanners/scantest"
)

// same holds that what was received in many scans is what a fresh scanner finds, at whatever commit it read a file first.
func same(t *testing.T, h *hub, r *receiver, change ...func(*github.Config)) {
	t.Helper()
	want := make(scantest.Held)
	if err := want.Whole(t.Context(), h.scanner(t, change...)); err != nil {
		t.Fatal(err)
	}
	for _, held := range []map[string]scanners.Scope{want, r.held} {
		for _, scope := range held {
			for _, document := range scope.Documents {
				versions := []**catalog.Version{&document.Version}
				for i := range document.Claims {
					for j := range document.Claims[i].OwnerHints {
						versions = append(versions, &document.Claims[i].OwnerHints[j].Version)
					}
				}
				for _, version := range versions {
					if *version != nil {
						somewhen := **version
						somewhen.Commit = ""
						*version = &somewhen
					}
				}
			}
		}
	}
	for name, scope := range want {
		if scope.State == scanners.Unreadable { // what was said of it before stands
			delete(want, name)
		}
	}
	for name := range r.held {
		if _, readable := want[name]; readable && r.stale[name] {
			t.Errorf("%s is stale, and can be read", name)
		}
	}
	if diff := gocmp.Diff(map[string]scanners.Scope(want), r.held); diff != "" {
		t.Errorf("(-fresh +received):\n%s", diff)
	}
}

// answered is a server that says the same to all.
func answered(body string) func(http.Handler) http.Handler {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
			_, _ = io.WriteString(w, body)
		})
	}
}

func TestFailures(t *testing.T) {
	const n = 200
	for name, test := range map[string]struct {
		fault  githubtest.Fault
		change func(*hub) // instead of the fault
		mend   func(*hub)
		err    string // of the scan; "" = it goes on
		reason string // of what was not read; "" = all was
		resume bool   // it says when to go on
	}{
		"secondary limit, short": {fault: githubtest.Fault{Endpoint: graphQL, After: 1, Times: 2, Fail: githubtest.SecondaryLimit(403, 20*time.Second)}},
		"secondary limit, long": {
			fault: githubtest.Fault{Endpoint: graphQL, After: 1, Times: 1, Fail: githubtest.SecondaryLimit(429, 10*time.Minute)}, reason: "read again after", resume: true,
		},
		"primary limit": {change: func(h *hub) { h.SetUsed(h.token, "graphql", 4998) }, reason: "read again after", resume: true},
		"primary limit while listing": {
			change: func(h *hub) { h.SetUsed(h.token, "core", 5000) }, err: "rate limit", resume: true,
		},
		"storm":          {fault: githubtest.Fault{Endpoint: graphQL, After: 1, Fail: githubtest.Status(502)}, reason: "read again later", resume: true},
		"storm of 503":   {fault: githubtest.Fault{Endpoint: graphQL, After: 1, Fail: githubtest.Status(503)}, reason: "read again later", resume: true},
		"a few 502":      {fault: githubtest.Fault{Endpoint: graphQL, After: 1, Times: 3, Fail: githubtest.Status(502)}},
		"cut answers":    {fault: githubtest.Fault{Endpoint: graphQL, After: 1, Times: 2, Fail: githubtest.Cut()}},
		"broken listing": {fault: githubtest.Fault{Endpoint: listing, After: 1, Fail: githubtest.Status(502)}, err: "502", resume: true},
		"hidden organisation": {
			fault: githubtest.Fault{Endpoint: listing, Fail: githubtest.Refused(404, "Not Found")}, err: "list the repositories of acme",
		},
		"an object for a listing": {fault: githubtest.Fault{Endpoint: listing, Fail: answered("{}")}, err: "no list of repositories", resume: true},
		"nothing for a listing":   {fault: githubtest.Fault{Endpoint: listing, Fail: answered("null")}, err: "no list of repositories", resume: true},
		"revoked token": {
			fault: githubtest.Fault{Endpoint: graphQL, After: 1, Fail: githubtest.Refused(401, "Bad credentials")}, err: "credentials",
		},
		"no longer a member": {
			change: func(h *hub) {
				h.Fail(githubtest.Fault{Endpoint: graphQL, After: 1, Times: 1, Fail: githubtest.Hooked(func(*http.Request) {
					h.Account("acme").RemoveMember(h.Account("orrery"))
				})})
			},
			mend:   func(h *hub) { h.Account("acme").AddMember(h.Account("orrery"), "admin") },
			reason: "does not find it",
		},
		"small answers":   {change: func(h *hub) { h.Limits.Resources = 7 }, mend: func(h *hub) { h.Limits.Resources = 0 }},
		"small questions": {change: func(h *hub) { h.Limits.Batch = 9 }, mend: func(h *hub) { h.Limits.Batch = 0 }},
		"GraphQL goes away": {
			change: func(h *hub) {
				h.Fail(githubtest.Fault{Endpoint: graphQL, After: 1, Fail: githubtest.Refused(404, "Not Found")})
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHub(t)
				h.member("acme")
				_, made := h.AddCompany("acme", n)
				h.pass(time.Hour)
				s, r := h.scanner(t), newReceiver()
				r.must(t, s)
				before := r.refs()
				for i, repository := range made {
					push := githubtest.Push{Files: githubtest.Files{"main.go": "package main // new\n"}}
					if i%2 == 0 {
						push.Files["catalog-info.yaml"] = githubtest.ServiceFile(i, i-1) + "# new\n"
					}
					repository.Push(push)
				}
				<-time.After(2 * time.Hour)
				if test.fault.Fail != nil {
					h.Fail(test.fault)
				}
				if test.change != nil {
					test.change(h)
				}
				err := r.scan(t.Context(), s)
				if (err != nil) != (test.err != "") || err != nil && !strings.Contains(err.Error(), test.err) {
					t.Fatalf("the error is %v, want one of %q", err, test.err)
				}
				if lost := len(before) - len(r.refs()); lost > 0 {
					t.Errorf("%d entities were lost", lost)
				}
				unread := r.unread()
				if err == nil && (len(unread) > 0) != (test.reason != "") {
					t.Errorf("%d repositories were not read: %v", len(unread), unread)
				}
				for scope, reason := range unread {
					if !strings.Contains(reason, test.reason) {
						t.Fatalf("%s was not read, for %q, want one of %q", scope, reason, test.reason)
					}
				}
				if got := !s.ResumeAt().IsZero(); got != test.resume {
					t.Errorf("it is gone on with at %v", s.ResumeAt())
				}
				read := len(r.reported) - len(unread)
				if err == nil && test.reason != "" && read < 50 {
					t.Errorf("only %d repositories were read before it failed", read)
				}
				h.Mend()
				if test.mend != nil {
					test.mend(h)
				}
				<-time.After(2 * time.Hour)
				h.ForgetCalls()
				r.must(t, s)
				if unread := r.unread(); len(unread) > 0 {
					t.Errorf("after it was mended, %d repositories are not read: %v", len(unread), unread)
				}
				if got := len(h.Calls().Of(graphQL)); err == nil && got > (len(unread)+49)/50+1 {
					t.Errorf("%d queries for %d repositories that were left", got, len(unread))
				}
				if !s.ResumeAt().IsZero() {
					t.Errorf("it is to be gone on with at %v, though there is nothing left", s.ResumeAt())
				}
				<-time.After(2 * time.Hour)
				same(t, h, r)
			})
		})
	}
}

// TestOwnersFailApart holds that an organisation that cannot be listed keeps what it said, and no other.
func TestOwnersFailApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t)
		for _, name := range []string{"Acme/a", "globex/b"} {
			h.AddRepository(name, githubtest.Files{"catalog-info.yaml": component(name[len(name)-1:])}, githubtest.Settings{})
		}
		h.pass(time.Hour)
		both := func(c *github.Config) { c.Organizations = []string{"acme", "globex"} }
		s, r := h.scanner(t, both), newReceiver()
		r.must(t, s)
		h.Repository("globex/b").Push(githubtest.Push{Files: githubtest.Files{"catalog-info.yaml": component("b2")}})
		h.Repository("acme/a").Push(githubtest.Push{Files: githubtest.Files{"catalog-info.yaml": component("a2")}})
		h.Fail(githubtest.Fault{Fits: func(r *http.Request) bool { return strings.Contains(r.URL.Path, "acme") }, Fail: githubtest.Refused(404, "Not Found")})
		h.pass(time.Hour)
		r.must(t, s)
		if diff := gocmp.Diff([]string{"component:default/a", "component:default/b2"}, r.refs()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if unread := r.unread(); len(unread) != 1 || !strings.Contains(unread["github.com/Acme/"], "list the repositories of acme") {
			t.Errorf("not read: %v", unread)
		}
		h.Mend()
		r.must(t, s)
		same(t, h, r, both)
		h.Fail(githubtest.Fault{Fits: func(r *http.Request) bool { return strings.Contains(r.URL.Path, "acme") }, Fail: githubtest.Refused(404, "Not Found")})
		r.must(t, s)
		h.Mend()
		r.must(t, s) // nothing changed, and it says so itself
		same(t, h, r, both)
	})
}

// TestInstallations reads all that an App is installed in.
func TestInstallations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t)
		app, err := h.AddApp("orrery")
		if err != nil {
			t.Fatal(err)
		}
		for i, name := range []string{"acme", "globex"} {
			h.AddOrganization(name)
			for j := range 3 {
				h.AddRepository(fmt.Sprintf("%s/r%d", name, j), githubtest.Files{
					"catalog-info.yaml": component(fmt.Sprintf("c%d-%d", i, j)),
				}, githubtest.Settings{Visibility: "private"})
			}
			app.Install(h.Account(name))
		}
		h.pass(time.Hour)
		connection := h.connect(t, func(c *connect.Config) {
			c.Token, c.App = "", &connect.App{ID: app.ID(), PrivateKey: app.PrivateKey()}
		})
		s, r := h.scanner(t, func(c *github.Config) { c.Connection, c.Organizations = connection, nil }), newReceiver()
		r.must(t, s)
		if got := len(r.refs()); got != 6 {
			t.Errorf("%d entities: %v", got, r.refs())
		}
		h.pass(10 * time.Minute)
		h.ForgetCalls()
		r.must(t, s)
		paid, _ := h.counts()
		if paid[graphQL] != 0 {
			t.Errorf("repositories that did not change were read: %v", paid)
		}
	})
}

// TestConfiguredAndLimited holds that a repository that a changed configuration concerns is read by it, however late.
func TestConfiguredAndLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t)
		for i := range 120 {
			name := fmt.Sprintf("r%d", i)
			h.AddRepository("acme/"+name, githubtest.Files{
				"catalog-info.yaml": location("l"+name, "./a.yaml"), "a.yaml": component("a" + name), "b/catalog-info.yaml": component("b" + name),
			}, githubtest.Settings{})
		}
		h.pass(time.Hour)
		r := newReceiver()
		r.must(t, h.scanner(t))
		everywhere := func(c *github.Config) { c.CatalogFiles = []string{"**/catalog-info.yaml"} }
		h.Fail(githubtest.Fault{Endpoint: graphQL, After: 3, Times: 9, Fail: githubtest.SecondaryLimit(429, 10*time.Minute)})
		s := h.scanner(t, everywhere)
		r.must(t, s)
		if unread := len(r.unread()); unread == 0 {
			t.Errorf("%d repositories were not read", unread)
		}
		h.Mend()
		<-time.After(time.Hour)
		r.must(t, s)
		same(t, h, r, everywhere)
	})
}
