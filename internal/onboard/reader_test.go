package onboard_test

import (
	"context"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/internal/onboard"
	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/github"
	"github.com/orrery-catalog/orrery/scanners/github/connect"
	"github.com/orrery-catalog/orrery/scanners/github/githubtest"
)

// nothing takes what a scan says and does nothing with it.
type nothing struct{}

func (nothing) Report(context.Context, scanners.Scope) error { return nil }

// scanned is the reader of a source.
type scanned struct{ *github.Scanner }

func (s scanned) Repositories() (all []onboard.Repository) {
	for _, r := range s.Scanner.Repositories() {
		all = append(all, onboard.Repository{FullName: r.FullName, HasCatalog: r.HasCatalog, Archived: r.Archived, Fork: r.Fork})
	}
	return all
}

// TestRequests holds what a proposal through the reader and the connection of a source costs GitHub, and that it says what
// the files say.
func TestRequests(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	archive := githubtest.Files{}
	for name, file := range repositories(t)["go-service"] {
		if name != ".git/config" {
			archive[name] = string(file.Data)
		}
	}
	r := h.AddRepository("acme/checkout", archive, githubtest.Settings{})
	h.AddRepository("acme/described", githubtest.Files{"catalog-info.yaml": "apiVersion: backstage.io/v1alpha1\n"}, githubtest.Settings{})
	connection, err := connect.New(connect.Config{Token: h.token, Transport: h.GitHub, Source: "acme"})
	if err != nil {
		t.Fatal(err)
	}
	reader, err := github.New(github.Config{Connection: connection, Organizations: []string{"acme"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reader.Scan(t.Context(), nil, nothing{}); err != nil {
		t.Fatal(err)
	}
	p := h.proposer(t, func(c *onboard.ProposerConfig) { c.Reader, c.Clients = scanned{reader}, connection })
	h.ForgetCalls()
	s := snapshotOf(seen("otel:checkout", "otel:described"))
	if got := consider(t, p, s); !slices.Equal(got, []string{"acme/checkout"}) {
		t.Fatalf("opened %v", got)
	}
	counts := map[string]int{}
	for endpoint, tally := range h.Calls().ByEndpoint() {
		counts[endpoint] = tally.Total
	}
	const repo = "/repos/{owner}/{repo}"
	want := map[string]int{
		"GET /search/issues": 1,
		"GET " + repo:        1, "GET " + repo + "/pulls": 1, "GET " + repo + "/git/ref/{ref}": 2, "GET " + repo + "/git/commits/{commit_sha}": 1,
		"GET " + repo + "/git/trees/{tree_sha}": 1, "POST /graphql": 1, "POST " + repo + "/git/blobs": 1, "POST " + repo + "/git/trees": 1,
		"POST " + repo + "/git/commits": 1, "POST " + repo + "/git/refs": 1, "POST " + repo + "/pulls": 1,
	}
	if diff := cmp.Diff(want, counts); diff != "" {
		t.Errorf("requests: %s; %v", diff, slices.Sorted(maps.Keys(counts)))
	}
	direct, err := onboard.New(t.Context(), repositories(t)["go-service"], onboard.Options{
		Repository: "github.com/acme/checkout", Catalog: onboard.OfSnapshot(s), Runs: nil,
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(direct.YAML()), r.Files(r.Pulls()[0].Head())[onboard.FileName]); diff != "" {
		t.Error(diff)
	}
}
