package github_test

import (
	"fmt"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/github"
	"github.com/orrery-catalog/orrery/scanners/github/githubtest"
	"github.com/orrery-catalog/orrery/scanners/scantest"
)

func TestSuite(t *testing.T) {
	stays := func(t *testing.T) *hub {
		h := newHub(t)
		h.AddRepository("acme/checkout", githubtest.Files{"catalog-info.yaml": component("checkout")}, githubtest.Settings{})
		h.AddRepository("acme/shop", githubtest.Files{
			"catalog-info.yaml":            location("all", "./services/*/catalog-info.yaml"),
			"services/a/catalog-info.yaml": component("a"), "services/b/catalog-info.yaml": component("b") + "---\nkind: Component\n",
		}, githubtest.Settings{})
		h.AddRepository("acme/link", githubtest.Files{"README.md": "here"}, githubtest.Settings{}).Push(githubtest.Push{
			Files: githubtest.Files{"catalog-info.yaml": "nowhere.yaml"}, Modes: map[string]string{"catalog-info.yaml": "120000"},
		})
		h.pass(time.Hour)
		return h
	}
	var kept *hub
	scantest.Run(t, scantest.Subject{
		New: func(t *testing.T) scanners.Scanner {
			if kept == nil {
				kept = stays(t)
			}
			return kept.scanner(t)
		},
		Broken: func(t *testing.T) scanners.Scanner {
			return newHub(t).scanner(t)
		},
		Living: func(t *testing.T) scantest.Living {
			h := newHub(t)
			h.AddRepository("acme/checkout", githubtest.Files{"catalog-info.yaml": component("checkout")}, githubtest.Settings{})
			monorepo := h.AddRepository("acme/shop", githubtest.Files{
				"catalog-info.yaml": location("all", "./services/*/catalog-info.yaml"),
			}, githubtest.Settings{})
			h.pass(time.Hour)
			n := 0
			return scantest.Living{
				Scanner: h.scanner(t),
				Fresh:   func() scanners.Scanner { return h.scanner(t) },
				Change: func() []string {
					defer h.pass(time.Minute)
					n++
					name := fmt.Sprintf("services/s%d/catalog-info.yaml", n%4)
					switch n % 5 {
					case 4:
						monorepo.Push(githubtest.Push{Delete: []string{fmt.Sprintf("services/s%d/catalog-info.yaml", (n-1)%4)}})
					case 3:
						old := fmt.Sprintf("acme/new-%d", n-5)
						if was := h.Repository(old); was != nil {
							was.Rename(fmt.Sprintf("new-%d", n))
							return []string{"github.com/" + old + "/", fmt.Sprintf("github.com/acme/new-%d/", n)}
						}
						h.AddRepository(fmt.Sprintf("acme/new-%d", n), githubtest.Files{"catalog-info.yml": component(fmt.Sprintf("new-%d", n))}, githubtest.Settings{})
						return []string{fmt.Sprintf("github.com/acme/new-%d/", n)}
					default:
						monorepo.Push(githubtest.Push{Files: githubtest.Files{name: component(fmt.Sprintf("s%d", n))}})
					}
					return []string{"github.com/acme/shop/"}
				},
			}
		},
	})
}

// counts is how often each endpoint was asked since the last time, without those that answered that nothing changed.
func (h *hub) counts() (paid, free map[string]int) {
	paid, free = map[string]int{}, map[string]int{}
	for endpoint, tally := range h.Calls().ByEndpoint() {
		if n := tally.Total - tally.NotModified; n > 0 {
			paid[endpoint] = n
		}
		if tally.NotModified > 0 {
			free[endpoint] = tally.NotModified
		}
	}
	h.ForgetCalls()
	return paid, free
}

const (
	listing    = "GET /orgs/{org}/repos"
	repository = "GET /repos/{owner}/{repo}"
	graphQL    = "POST /graphql"
	gitTree    = "GET /repos/{owner}/{repo}/git/trees/{tree_sha}"
	gitBlob    = "GET /repos/{owner}/{repo}/git/blobs/{file_sha}"
)

func asked(t *testing.T, h *hub, what string, paid, free map[string]int) {
	t.Helper()
	gotPaid, gotFree := h.counts()
	if diff := gocmp.Diff(paid, gotPaid); diff != "" {
		t.Errorf("%s: requests by endpoint (-want +got):\n%s", what, diff)
	}
	if diff := gocmp.Diff(free, gotFree); diff != "" {
		t.Errorf("%s: requests that cost nothing (-want +got):\n%s", what, diff)
	}
}

func TestCostOfACompany(t *testing.T) {
	n := 5000
	if testing.Short() {
		n = 500
	}
	h := newHub(t)
	h.member("acme")
	_, made := h.AddCompany("acme", n)
	h.pass(time.Hour)
	s, r := h.scanner(t), newReceiver()

	start := time.Now()
	r.must(t, s)
	first := time.Since(start)
	calls := len(h.Calls())
	if got, want := len(r.refs()), n-n/10; got != want {
		t.Errorf("%d entities, want %d", got, want)
	}
	paid, _ := h.counts()
	if paid[listing] != n/100+1 || paid[graphQL] < n/50 || paid[graphQL] > n/50+3 || len(paid) != 2 { // a query may be sent half full
		t.Errorf("first scan: requests by endpoint: %v", paid)
	}

	start = time.Now()
	r.must(t, s)
	second := time.Since(start)
	asked(t, h, "second scan", map[string]int{}, map[string]int{listing: n/100 + 1})

	// Another process goes on where this one ended.
	s = h.scanner(t)
	r.must(t, s)
	asked(t, h, "after a restart", map[string]int{}, map[string]int{listing: n/100 + 1})

	before := r.state
	made[7].Push(githubtest.Push{Files: githubtest.Files{"catalog-info.yaml": component("renewed")}})
	start = time.Now()
	r.must(t, s, "github.com/acme/"+githubtest.ServiceName(7)+"/")
	pushed := time.Since(start)
	if _, found := r.held["github.com/acme/"+githubtest.ServiceName(7)+"/catalog-info.yaml"]; !found || len(r.reported) != 1 {
		t.Errorf("after a push %d scopes were reported", len(r.reported))
	}
	asked(t, h, "one push", map[string]int{repository: 1, graphQL: 1}, map[string]int{})
	t.Logf("%d repositories: first scan %d requests in %v, the next %v, a push %v; state %d bytes, %d a repository; %d bytes of it changed by a push",
		n, calls, first, second, pushed, len(r.state), len(r.state)/n, differ(before, r.state))
	if len(r.state)/n > 160 {
		t.Errorf("the state has %d bytes a repository", len(r.state)/n)
	}
}

// differ counts the bytes that differ, in place.
func differ(a, b []byte) int {
	n := max(len(a), len(b)) - min(len(a), len(b))
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			n++
		}
	}
	return n
}

var _ = github.Config{}
