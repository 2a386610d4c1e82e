package pullcheck_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/internal/ingest"
	"github.com/orrery-catalog/orrery/internal/pullcheck"
	reader "github.com/orrery-catalog/orrery/scanners/github"
	"github.com/orrery-catalog/orrery/scanners/github/connect"
	"github.com/orrery-catalog/orrery/scanners/github/githubtest"
	"github.com/orrery-catalog/orrery/scanners/github/webhook"
)

// organisation is a GitHub with an App in it, a catalog of it, and a Checker behind its webhooks.
type organisation struct {
	*githubtest.GitHub
	hook     *githubtest.Hook
	checkout *githubtest.Repository
}

// newOrganisation is reached by a way, without one over HTTP.
func newOrganisation(t *testing.T, permissions map[string]string, way ...func(http.Handler) http.RoundTripper) *organisation {
	t.Helper()
	g := githubtest.New(githubtest.Options{})
	repositories := make(map[string]githubtest.Files)
	for name, text := range company() {
		owner, rest, _ := strings.Cut(name, "/")
		repository, file, _ := strings.Cut(rest, "/")
		full := owner + "/" + repository
		if repositories[full] == nil {
			repositories[full] = githubtest.Files{"README.md": "hello"}
		}
		repositories[full][file] = text
	}
	for name, files := range repositories {
		g.AddRepository(name, files, githubtest.Settings{})
	}
	g.AddRepository("acme/mono", githubtest.Files{
		"catalog-info.yaml": "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: {name: mono}\nspec: {targets: [./more/a.yaml]}\n",
		"more/a.yaml":       component("a", "group:shop"),
	}, githubtest.Settings{})
	g.AddRepository("acme/excluded", githubtest.Files{"catalog-info.yaml": component("excluded", "group:shop")}, githubtest.Settings{})
	app, err := g.AddApp("orrery")
	if err != nil {
		t.Fatal(err)
	}
	installation := app.Install(g.Account("acme"))
	for name, access := range permissions {
		installation.Permit(name, access)
	}
	config := connect.Config{APIURL: g.Start(t), App: &connect.App{ID: app.ID(), PrivateKey: app.PrivateKey()}, Source: "acme"}
	for _, to := range way {
		config.APIURL, config.Transport = "https://api.github.com", to(g)
	}
	connection, err := connect.New(config)
	if err != nil {
		t.Fatal(err)
	}
	scanner, err := reader.New(reader.Config{
		Connection: connection, Organizations: []string{"acme"}, CatalogFiles: []string{"**/catalog-info.yaml"}, Exclude: []string{"excluded"},
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := ingest.New(t.Context(), ingest.Config{Sources: []ingest.Source{{ID: "acme", Kind: "github", Scanner: scanner}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	checker := pullcheck.New(pullcheck.Config{Catalog: c, Source: "acme", Reader: scanner, Connection: connection})
	t.Cleanup(runs(t, checker))
	handler, err := webhook.New(webhook.Config{Targets: []webhook.Target{{
		Source: "acme", Secret: "secret", Host: "github.com", Wants: scanner.Wants,
		Changed:     func(context.Context, string, []string) error { return nil },
		PullRequest: checker.Handle,
	}}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return &organisation{GitHub: g, hook: app.AddHook(server.URL, "secret"), checkout: g.Repository("acme/checkout")}
}

// delivers sends what happened, and waits until something is there.
func (o *organisation) delivers(t *testing.T, there func() bool) {
	t.Helper()
	statuses, err := o.hook.Deliver(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, status := range statuses {
		if status >= 300 {
			t.Fatalf("a delivery was answered %d", status)
		}
	}
	for deadline := time.Now().Add(30 * time.Second); !there(); {
		if time.Now().After(deadline) {
			t.Fatalf("it does not come; check runs: %+v", o.checkout.CheckRuns())
		}
		<-time.After(5 * time.Millisecond)
	}
}

// completed says whether there are so many check runs and all are completed.
func (o *organisation) completed(n int) func() bool {
	return func() bool {
		all := o.checkout.CheckRuns()
		for _, one := range all {
			if one.Status != "completed" {
				return false
			}
		}
		return len(all) == n
	}
}

// TestOrganisation goes the whole way, from signed webhooks to check runs, with everything real but GitHub.
func TestOrganisation(t *testing.T) {
	o := newOrganisation(t, map[string]string{"checks": "write", "pull_requests": "read", "contents": "read"})
	o.checkout.Push(githubtest.Push{Branch: "refunds", Files: githubtest.Files{
		"refunds/catalog-info.yaml": component("refunds", "group:payments", "pricing"), "main.go": "package main",
	}})
	pull := o.checkout.OpenPull(githubtest.Pull{Title: "Refunds", Head: "refunds"})
	o.ForgetCalls()
	o.delivers(t, o.completed(1))
	if first := o.checkout.CheckRuns()[0]; first.Conclusion != "success" || first.HeadSHA != pull.Head() || first.Title != "Entities: 1 added" {
		t.Errorf("%+v", first)
	}
	// The pull request, its files, known check runs, a new one, whether it is behind, the result, and what the reader asks.
	if asked := o.Calls(); len(asked) > 6+3 {
		t.Errorf("%d requests: %v", len(asked), asked.ByEndpoint())
	}

	o.checkout.Push(githubtest.Push{Branch: "refunds", Delete: []string{"cart/catalog-info.yaml"}})
	o.delivers(t, o.completed(2))
	second := o.checkout.CheckRuns()[1]
	if second.Conclusion != "failure" || second.HeadSHA != pull.Head() || !strings.Contains(second.Summary, "component:default/storefront") {
		t.Errorf("%+v", second)
	}
	o.checkout.RequestCheck(second.ID)
	requests := second.Requests
	o.delivers(t, func() bool { return o.completed(2)() && o.checkout.CheckRuns()[1].Requests > requests+1 })

	// From a fork, whose checks name no pull request.
	mallory := o.AddUser("mallory", githubtest.Profile{})
	fork := o.checkout.Fork(mallory)
	fork.Push(githubtest.Push{Branch: "typo", Files: githubtest.Files{"catalog-info.yaml": component("checkout", "group:paymnets", "pricing")}})
	foreign := o.checkout.OpenPull(githubtest.Pull{Title: "Typo", From: fork, Head: "typo"})
	o.delivers(t, o.completed(3))
	third := o.checkout.CheckRuns()[2]
	if third.Conclusion != "neutral" || third.Title != "Checked when somebody asks for it" || strings.Contains(third.Summary, "payments") {
		t.Errorf("what anybody can open and read was checked by itself: %+v", third)
	}
	o.checkout.RequestCheck(third.ID)
	o.delivers(t, func() bool { return o.completed(3)() && o.checkout.CheckRuns()[2].Title == "1 warning" })
	third = o.checkout.CheckRuns()[2]
	if third.Conclusion != "neutral" || third.HeadSHA != foreign.Head() || len(third.Annotations) != 1 || third.Annotations[0].Path != "catalog-info.yaml" {
		t.Errorf("%+v", third)
	}
	o.checkout.RequestCheck(third.ID) // it has annotations, which stay: there is a new one
	o.delivers(t, o.completed(4))
}

// TestLocations holds that files count that only a Location names, before the change or by it.
func TestLocations(t *testing.T) {
	o := newOrganisation(t, map[string]string{"checks": "write", "pull_requests": "read", "contents": "read"})
	mono := o.Repository("acme/mono")
	o.checkout = mono
	mono.Push(githubtest.Push{Branch: "owner", Files: githubtest.Files{"more/a.yaml": component("a", "group:prices")}})
	mono.OpenPull(githubtest.Pull{Title: "Owner", Head: "owner"})
	o.delivers(t, o.completed(1))
	if got := mono.CheckRuns()[0]; got.Title != "Entities: 1 changed" || got.Conclusion != "success" {
		t.Errorf("%+v", got)
	}
	mono.Push(githubtest.Push{Branch: "more", Files: githubtest.Files{
		"catalog-info.yaml": strings.Replace(mono.Files("main")["catalog-info.yaml"], "a.yaml", "a.yaml, ./more/b.yaml", 1),
		"more/b.yaml":       component("b", "group:shop"), "more/c.yaml": component("c", "group:shop"),
	}})
	mono.OpenPull(githubtest.Pull{Title: "More", Head: "more"})
	o.delivers(t, o.completed(2))
	if got := mono.CheckRuns()[1]; got.Conclusion != "success" || !strings.Contains(got.Summary, "**Added** `component:default/b`") ||
		strings.Contains(got.Summary, "component:default/c`") {
		t.Errorf("%+v", got)
	}
	excluded := o.Repository("acme/excluded")
	excluded.Push(githubtest.Push{Branch: "more", Files: githubtest.Files{"catalog-info.yaml": component("really", "group:shop")}})
	excluded.OpenPull(githubtest.Pull{Title: "More", Head: "more"})
	mono.Push(githubtest.Push{Branch: "docs", Files: githubtest.Files{"docs.md": "more", "CODEOWNERS": "* @acme/shop"}})
	mono.OpenPull(githubtest.Pull{Title: "Docs", Head: "docs"})
	mono.Push(githubtest.Push{Branch: "after", Files: githubtest.Files{"more/a.yaml": component("a", "group:payments")}})
	mono.OpenPull(githubtest.Pull{Title: "After", Head: "after"})
	o.delivers(t, o.completed(3)) // none of what changes no catalog file
	if n := len(excluded.CheckRuns()); n > 0 {
		t.Errorf("%d check runs where the source reads nothing", n)
	}
}

// TestOrganisationWithoutPermission holds that without the permission to write check runs there are commit statuses.
func TestOrganisationWithoutPermission(t *testing.T) {
	o := newOrganisation(t, map[string]string{"checks": "", "statuses": "write", "pull_requests": "read", "contents": "read"})
	o.checkout.Push(githubtest.Push{Branch: "gone", Delete: []string{"cart/catalog-info.yaml"}})
	pull := o.checkout.OpenPull(githubtest.Pull{Title: "Gone", Head: "gone"})
	o.delivers(t, func() bool {
		all := o.checkout.Statuses(pull.Head())
		return len(all) == 2 && all[0].State == "pending" && all[1].State == "failure" && all[1].Context == "orrery/acme"
	})
}
