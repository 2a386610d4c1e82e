package githubtest_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-github/v60/github"

	"github.com/orrery-catalog/orrery/scanners/github/githubtest"
)

// clock is a time that tests move on.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

// company is an organisation of n private repositories, and the token of a member.
func company(n int) (hub *githubtest.GitHub, token string, at *clock) {
	at = &clock{time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	hub = githubtest.New(githubtest.Options{Now: at.now})
	acme, _ := hub.AddCompany("acme", n)
	acme.AddMember(hub.AddUser("alice", githubtest.Profile{}), "admin")
	return hub, hub.Token("alice"), at
}

func client(hub *githubtest.GitHub, token string) *github.Client {
	c := github.NewClient(&http.Client{Transport: hub})
	if token != "" {
		c = c.WithAuthToken(token)
	}
	return c
}

// get asks for a path, with pairs of headers.
func get(t *testing.T, hub *githubtest.GitHub, token, path string, headers ...string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://api.github.com"+path, http.NoBody)
	must(t, err)
	if token != "" {
		request.Header.Set("Authorization", "token "+token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := hub.RoundTrip(request)
	must(t, err)
	body, err := io.ReadAll(response.Body)
	must(t, err)
	return response, string(body)
}

func TestPages(t *testing.T) {
	hub, token, _ := company(250)
	var names []string
	for page := 1; page != 0; {
		found, answer, err := client(hub, token).Repositories.ListByOrg(t.Context(), "acme", &github.RepositoryListByOrgOptions{
			Sort: "created", Direction: "asc", ListOptions: github.ListOptions{Page: page, PerPage: 100},
		})
		must(t, err)
		for _, r := range found {
			names = append(names, r.GetName())
		}
		page = answer.NextPage
	}
	for i, name := range names {
		if name != githubtest.ServiceName(i) {
			t.Fatalf("number %d is %s", i, name)
		}
	}
	if len(names) != 250 {
		t.Errorf("%d repositories are listed", len(names))
	}
	if diff := cmp.Diff(map[string]githubtest.Tally{"GET /orgs/{org}/repos": {Total: 3}}, hub.Calls().ByEndpoint()); diff != "" {
		t.Error(diff)
	}
	answer, _ := get(t, hub, token, "/orgs/acme/repos?per_page=100&page=2&type=all")
	want := `<https://api.github.com/orgs/acme/repos?page=1&per_page=100&type=all>; rel="prev", ` +
		`<https://api.github.com/orgs/acme/repos?page=3&per_page=100&type=all>; rel="next", ` +
		`<https://api.github.com/orgs/acme/repos?page=3&per_page=100&type=all>; rel="last", ` +
		`<https://api.github.com/orgs/acme/repos?page=1&per_page=100&type=all>; rel="first"`
	if diff := cmp.Diff(want, answer.Header.Get("Link")); diff != "" {
		t.Error(diff)
	}
}

// TestNotModified: what is unchanged costs nothing, for as long as the token is the same.
func TestNotModified(t *testing.T) {
	hub, token, _ := company(3)
	const path = "/orgs/acme/repos"
	first, _ := get(t, hub, token, path)
	tag := first.Header.Get("ETag")
	again, body := get(t, hub, token, path, "If-None-Match", tag)
	if again.StatusCode != http.StatusNotModified || body != "" || again.Header.Get("X-RateLimit-Used") != "1" {
		t.Errorf("the same again: %d %q %v", again.StatusCode, body, again.Header)
	}
	if other, _ := get(t, hub, hub.Token("alice"), path, "If-None-Match", tag); other.StatusCode != http.StatusOK {
		t.Errorf("with another token: %d", other.StatusCode)
	}
	hub.Repository("acme/service-00001").Push(githubtest.Push{Files: githubtest.Files{"new": "1"}})
	hub.Repository("acme/service-00001").Edit(func(s *githubtest.Settings) { s.Topics = []string{"go"} })
	if changed, _ := get(t, hub, token, path, "If-None-Match", tag); changed.StatusCode != http.StatusOK {
		t.Errorf("what changed: %d", changed.StatusCode)
	}
	if hub.Calls().Paid() != 3 || hub.Calls().ByEndpoint()["GET /orgs/{org}/repos"] != (githubtest.Tally{Total: 4, NotModified: 1}) {
		t.Errorf("%+v", hub.Calls())
	}
}

func TestRenamesAndTransfers(t *testing.T) {
	hub, token, _ := company(2)
	r := hub.Repository("acme/service-00000")
	r.Rename("checkout")
	answer, _ := get(t, hub, token, "/repos/acme/service-00000/git/trees/main?recursive=1")
	want := "https://api.github.com/repositories/" + strconv.FormatInt(r.ID(), 10) + "/git/trees/main?recursive=1"
	if answer.StatusCode != http.StatusMovedPermanently || answer.Header.Get("Location") != want {
		t.Errorf("%d %s", answer.StatusCode, answer.Header.Get("Location"))
	}
	tree, _, err := client(hub, token).Git.GetTree(t.Context(), "ACME", "Service-00000", "main", true)
	if err != nil || len(tree.Entries) != 4 {
		t.Errorf("its tree by its old name: %v, %v", tree, err)
	}
	found, _, err := client(hub, token).Repositories.Get(t.Context(), "acme", "service-00000")
	if err != nil || found.GetFullName() != "acme/checkout" || found.GetID() != r.ID() {
		t.Errorf("by its old name: %v, %v", found, err)
	}
	other := hub.AddOrganization("other")
	other.AddMember(hub.Account("alice"), "member")
	r.Transfer(other)
	for _, old := range []string{"service-00000", "checkout"} {
		if found, _, err := client(hub, token).Repositories.Get(t.Context(), "acme", old); err != nil || found.GetFullName() != "other/checkout" {
			t.Errorf("%s: %v, %v", old, found, err)
		}
	}
	// A new one of the old name ends the redirect.
	fresh := hub.AddRepository("acme/checkout", nil, githubtest.Settings{})
	if found, _, err := client(hub, token).Repositories.Get(t.Context(), "acme", "checkout"); err != nil || found.GetID() != fresh.ID() {
		t.Errorf("%v, %v", found, err)
	}
	other.Rename("others")
	if found, _, err := client(hub, token).Repositories.Get(t.Context(), "other", "checkout"); err != nil || found.GetFullName() != "others/checkout" {
		t.Errorf("by the old name of its owner: %v, %v", found, err)
	}
	if answer, _ := get(t, hub, token, "/orgs/other/repos"); answer.StatusCode != http.StatusNotFound { // an account does not redirect
		t.Errorf("the old name of an owner: %d", answer.StatusCode)
	}
	r.Delete()
	if answer, _ := get(t, hub, token, "/repos/others/checkout"); answer.StatusCode != http.StatusNotFound {
		t.Errorf("deleted: %d", answer.StatusCode)
	}
	if answer, _ := get(t, hub, token, "/repos/acme/service-00000"); answer.StatusCode != http.StatusNotFound {
		t.Errorf("deleted, by an old name: %d", answer.StatusCode)
	}
}

func TestWhoSeesWhat(t *testing.T) {
	hub, token, _ := company(2)
	acme := hub.Account("acme")
	stranger := hub.Token("mallory")
	status := func(token, path string) int {
		answer, _ := get(t, hub, token, path)
		return answer.StatusCode
	}
	for _, c := range []struct {
		what, token, path string
		want              int
	}{
		{"a member", token, "/repos/acme/service-00000", 200},
		{"a stranger", stranger, "/repos/acme/service-00000", 404},
		{"nobody", "", "/repos/acme/service-00000", 404},
		{"a wrong token", "ghp_wrong", "/repos/acme/service-00000", 401},
		{"a stranger's list", stranger, "/orgs/acme/repos", 200},
		{"teams for a stranger", stranger, "/orgs/acme/teams", 404},
		{"what there is not", token, "/nothing", 404},
	} {
		if got := status(c.token, c.path); got != c.want {
			t.Errorf("%s: %d, not %d", c.what, got, c.want)
		}
	}
	if _, body := get(t, hub, stranger, "/orgs/acme/repos"); body != "[]" {
		t.Errorf("a stranger's list holds %s", body)
	}
	hub.Repository("acme/service-00001").Edit(func(s *githubtest.Settings) { s.Visibility = "public" })
	if got := status("", "/repos/acme/service-00001/contents/go.mod"); got != 200 {
		t.Errorf("a public repository: %d", got)
	}
	acme.RequireSSO(true)
	if answer, _ := get(t, hub, token, "/orgs/acme/repos"); answer.StatusCode != 403 || answer.Header.Get("X-GitHub-SSO") == "" {
		t.Errorf("without single sign-on: %d %v", answer.StatusCode, answer.Header)
	}
	if got := status(hub.Token("alice", "acme"), "/orgs/acme/repos"); got != 200 {
		t.Errorf("with single sign-on: %d", got)
	}
	acme.RequireSSO(false)
	for reason, want := range map[string]int{"dmca": 451, "tos": 403} {
		hub.Repository("acme/service-00001").Edit(func(s *githubtest.Settings) { s.Blocked = reason })
		if answer, body := get(t, hub, token, "/repos/acme/service-00001/git/trees/main"); answer.StatusCode != want || !strings.Contains(body, reason) {
			t.Errorf("blocked by %s: %d %s", reason, answer.StatusCode, body)
		}
	}
	acme.RemoveMember(hub.Account("alice"))
	if got := status(token, "/repos/acme/service-00000"); got != 404 {
		t.Errorf("who left: %d", got)
	}
	hub.Revoke(token)
	if got := status(token, "/repos/acme/service-00000"); got != 401 {
		t.Errorf("a token that was revoked: %d", got)
	}
}

// TestOwnRepositories: by their owner's name only public ones are listed, and all of a user's own for the user.
func TestOwnRepositories(t *testing.T) {
	hub, token, _ := company(1)
	alice := hub.Account("alice")
	hub.AddUser("bob", githubtest.Profile{})
	hub.AddRepository("alice/open", nil, githubtest.Settings{})
	hub.AddRepository("alice/hidden", nil, githubtest.Settings{Visibility: "private"})
	hub.AddRepository("bob/shared", nil, githubtest.Settings{Visibility: "private"}).AddCollaborator(alice, "pull")
	hub.AddRepository("bob/hidden", nil, githubtest.Settings{Visibility: "private"})
	for path, want := range map[string][]string{
		"/users/alice/repos": {"alice/open"}, "/users/bob/repos": nil, "/user/repos?affiliation=owner": {"alice/hidden", "alice/open"},
		"/user/repos": {"acme/service-00000", "alice/hidden", "alice/open", "bob/shared"}, "/user/repos?affiliation=collaborator": {"bob/shared"},
	} {
		_, body := get(t, hub, token, path)
		var list []struct {
			FullName string `json:"full_name"`
		}
		must(t, json.Unmarshal([]byte(body), &list))
		var names []string
		for _, r := range list {
			names = append(names, r.FullName)
		}
		if diff := cmp.Diff(want, names); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
}

func TestTreesAndContents(t *testing.T) {
	hub, token, _ := company(0)
	files := githubtest.Files{"big": strings.Repeat("x", 1<<20+1), "small": strings.Repeat("y", 100)}
	for i := range 50 {
		files["folder/"+githubtest.ServiceName(i)] = "z"
	}
	r := hub.AddRepository("acme/huge", files, githubtest.Settings{})
	hub.Limits.TreeItems = 10
	ctx, asked := t.Context(), client(hub, token)
	tree, _, err := asked.Git.GetTree(ctx, "acme", "huge", r.Tree(""), true)
	if err != nil || !tree.GetTruncated() || len(tree.Entries) != 10 {
		t.Errorf("the whole tree: %v, %v", tree, err)
	}
	tree, _, err = asked.Git.GetTree(ctx, "acme", "huge", "main", false)
	if err != nil || tree.GetTruncated() || len(tree.Entries) != 3 {
		t.Errorf("its root: %v, %v", tree, err)
	}
	file, _, _, err := asked.Repositories.GetContents(ctx, "acme", "huge", "small", nil)
	must(t, err)
	if text, err := file.GetContent(); err != nil || text != files["small"] {
		t.Errorf("%q: %v", text, err)
	}
	file, _, _, err = asked.Repositories.GetContents(ctx, "acme", "huge", "big", nil)
	if err != nil || file.GetEncoding() != "none" || file.GetSize() != 1<<20+1 {
		t.Errorf("a large file: %v", err)
	}
	raw, _, err := asked.Git.GetBlobRaw(ctx, "acme", "huge", file.GetSHA())
	if err != nil || string(raw) != files["big"] {
		t.Errorf("its blob has %d bytes: %v", len(raw), err)
	}
	hub.AddRepository("acme/empty", nil, githubtest.Settings{})
	for path, want := range map[string]int{"git/trees/main": 409, "contents/a": 404, "branches": 200, "commits": 409} {
		if answer, body := get(t, hub, token, "/repos/acme/empty/"+path); answer.StatusCode != want {
			t.Errorf("%s of an empty repository: %d %s", path, answer.StatusCode, body)
		}
	}
}

// TestBothBases: github.com and an Enterprise server answer the same at other paths.
func TestBothBases(t *testing.T) {
	hub, token, _ := company(1)
	address := hub.Start(t)
	for _, base := range []string{"", "/api/v3"} {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, address+base+"/repos/acme/service-00000", http.NoBody)
		request.RequestURI = ""
		request.Header.Set("Authorization", "Bearer "+token)
		answer, err := http.DefaultClient.Do(request)
		must(t, err)
		var r struct{ URL string }
		must(t, errors.Join(json.NewDecoder(answer.Body).Decode(&r), answer.Body.Close()))
		if want := address + base + "/repos/acme/service-00000"; r.URL != want {
			t.Errorf("it is at %s, not %s", r.URL, want)
		}
	}
	want := map[string]githubtest.Tally{"GET /repos/{owner}/{repo}": {Total: 2}}
	if diff := cmp.Diff(want, hub.Calls().ByEndpoint()); diff != "" {
		t.Error(diff)
	}
}
