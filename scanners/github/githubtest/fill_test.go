package githubtest_test

import (
	"context"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/internal/testenv"
	"github.com/orrery-catalog/orrery/scanners/github/githubtest"
)

func TestFolders(t *testing.T) {
	folder := filepath.Join(testenv.Corpora(t), "catalogs")
	hub := githubtest.New(githubtest.Options{})
	made, err := hub.AddFolders(folder, "")
	must(t, err)
	if len(made) < 10 {
		t.Fatalf("%d repositories are made", len(made))
	}
	files, err := githubtest.FilesOf(filepath.Join(folder, "1-Platform+one-platform"))
	must(t, err)
	if diff := cmp.Diff(files, hub.Repository("1-Platform/one-platform").Files("")); diff != "" || len(files) == 0 {
		t.Error(diff)
	}
	ours, err := hub.AddFolders(folder, "acme")
	must(t, err)
	if len(ours) != len(made) || len(hub.Repositories("acme")) != len(made) {
		t.Errorf("%d of %d repositories are in one organisation", len(hub.Repositories("acme")), len(made))
	}
	if diff := cmp.Diff(files, hub.Repository("acme/1-Platform.one-platform").Files("")); diff != "" {
		t.Error(diff)
	}
}

func TestServe(t *testing.T) {
	hub, token, _ := company(1)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	ctx, end := context.WithCancel(t.Context())
	served := make(chan error)
	go func() { served <- hub.Serve(ctx, listener) }()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+listener.Addr().String()+"/api/v3/orgs/acme", http.NoBody)
	must(t, err)
	request.Header.Set("Authorization", "token "+token)
	answer, err := http.DefaultClient.Do(request)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("%v: %v", answer, err)
	}
	end()
	must(t, <-served)
}

// BenchmarkListing lists an organisation of 5,000 repositories: what the fake itself takes of the time of such tests.
func BenchmarkListing(b *testing.B) {
	hub := githubtest.New(githubtest.Options{Open: true})
	hub.AddCompany("acme", 5000)
	for b.Loop() {
		for page := range 50 {
			request, err := http.NewRequestWithContext(b.Context(), http.MethodGet,
				"https://api.github.com/orgs/acme/repos?sort=created&direction=asc&per_page=100&page="+strconv.Itoa(page+1), http.NoBody)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := hub.RoundTrip(request); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkBatches asks for 5,000 repositories in 50 queries.
func BenchmarkBatches(b *testing.B) {
	hub := githubtest.New(githubtest.Options{Open: true})
	hub.AddCompany("acme", 5000)
	for b.Loop() {
		for range 50 {
			if a := askOf(b, hub, "", batch(100), nil); a.Data["r0"] == nil {
				b.Fatal(a.Errors)
			}
		}
	}
}
