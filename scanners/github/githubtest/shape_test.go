package githubtest_test

import (
	"context"
	"encoding/base64"
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-github/v60/github"

	"github.com/orrery-catalog/orrery/internal/testenv"
	"github.com/orrery-catalog/orrery/scanners/github/githubtest"
)

// TestAnswersAreGitHubs asks every endpoint of the fake by way of a server that tells which requests and answers GitHub's own
// description of its API does not allow.
func TestAnswersAreGitHubs(t *testing.T) {
	if testing.Short() {
		t.Skip("reading the description takes some ten seconds")
	}
	descriptions := testenv.GitHub(t)
	hub, app := world(t)
	judged := &http.Client{Transport: descriptions.Judge(t, hub)}
	as := func(token string) *github.Client { return github.NewClient(judged).WithAuthToken(token) }
	hub.ForgetCalls()
	ctx := t.Context()
	asApp := as(jwtOf(t, app))
	found, _, err := asApp.Apps.FindOrganizationInstallation(ctx, "acme")
	must(t, err)
	token, _, err := asApp.Apps.CreateInstallationToken(ctx, found.GetID(), nil)
	must(t, err)
	installed, alice := as(token.GetToken()), as(hub.Token("alice"))

	for _, client := range []*github.Client{installed, alice} {
		askAccounts(ctx, t, client)
		askContent(ctx, t, client)
	}
	_, _, err = alice.Users.Get(ctx, "")
	must(t, err)
	_, _, err = alice.Repositories.ListByAuthenticatedUser(ctx, nil)
	must(t, err)
	_, _, err = installed.Apps.ListRepos(ctx, nil)
	must(t, err)
	askApp(ctx, t, asApp)
	change(ctx, t, alice)
	judge(ctx, t, installed)

	asked := hub.Calls().ByEndpoint()
	for _, endpoint := range githubtest.Endpoints() {
		if asked[endpoint].Total == 0 && endpoint != "GET /repos/{owner}/{repo}/contents" { // the description has no word of it
			t.Errorf("%s was not asked", endpoint)
		}
	}
}

// world is a GitHub with some of everything, and an app that is installed in it.
func world(t *testing.T) (*githubtest.GitHub, *githubtest.App) {
	t.Helper()
	hub := githubtest.New(githubtest.Options{})
	app, err := hub.AddApp("orrery")
	must(t, err)
	acme := hub.AddOrganization("acme")
	alice := hub.AddUser("alice", githubtest.Profile{Name: "Alice", Email: "alice@example.com"})
	acme.AddMember(alice, "admin")
	all := acme.AddTeam("all", nil, githubtest.TeamSettings{})
	acme.AddTeam("payments", all, githubtest.TeamSettings{Name: "Payments", Description: "Money", Secret: true}).Add("maintainer", alice)
	r := hub.AddRepository("acme/checkout", githubtest.Files{
		"catalog-info.yaml": githubtest.ServiceFile(1, -1), "docs/index.md": "# Docs\n", "run.sh": "#!/bin/sh\n", "link": "run.sh",
	}, githubtest.Settings{Visibility: "private", Topics: []string{"go"}, Description: "The checkout"})
	r.Push(githubtest.Push{
		Files:  githubtest.Files{"run.sh": "#!/bin/bash\n", "link": "run.sh", "vendor/lib": "7fd1a60b01f91b314f59955a4e4d4e80d8edf11d"},
		Modes:  map[string]string{"run.sh": "100755", "link": "120000", "vendor/lib": "160000"},
		Delete: []string{"docs/index.md"}, Message: "Run\n\nwith bash",
	})
	hub.AddRepository("acme/empty", nil, githubtest.Settings{})
	hub.AddUser("bob", githubtest.Profile{})
	hub.AddRepository("bob/dotfiles", githubtest.Files{".profile": "x"}, githubtest.Settings{}).Fork(alice)
	app.Install(acme)
	app.Install(alice)
	return hub, app
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func askAccounts(ctx context.Context, t *testing.T, client *github.Client) {
	t.Helper()
	_, _, err := client.Organizations.Get(ctx, "acme")
	must(t, err)
	_, _, err = client.Users.Get(ctx, "alice")
	must(t, err)
	_, _, err = client.Repositories.ListByOrg(ctx, "acme", &github.RepositoryListByOrgOptions{Sort: "created", Direction: "asc"})
	must(t, err)
	_, _, err = client.Repositories.ListByUser(ctx, "bob", nil)
	must(t, err)
	_, _, err = client.Repositories.Get(ctx, "acme", "checkout")
	must(t, err)
	_, _, err = client.Repositories.Get(ctx, "alice", "dotfiles") // a fork
	must(t, err)
	_, _, err = client.Teams.ListTeams(ctx, "acme", nil)
	must(t, err)
	_, _, err = client.Teams.GetTeamBySlug(ctx, "acme", "payments")
	must(t, err)
	_, _, err = client.Teams.ListTeamMembersBySlug(ctx, "acme", "payments", nil)
	must(t, err)
	_, _, err = client.Teams.ListChildTeamsByParentSlug(ctx, "acme", "all", nil)
	must(t, err)
	_, _, err = client.Organizations.ListMembers(ctx, "acme", nil)
	must(t, err)
	_, _, err = client.RateLimit.Get(ctx)
	must(t, err)
	_, _, err = client.Meta.Get(ctx)
	must(t, err)
}

func askContent(ctx context.Context, t *testing.T, client *github.Client) {
	t.Helper()
	_, _, err := client.Repositories.ListBranches(ctx, "acme", "checkout", nil)
	must(t, err)
	branch, _, err := client.Repositories.GetBranch(ctx, "acme", "checkout", "main", 0)
	must(t, err)
	head := branch.GetCommit()
	commits, _, err := client.Repositories.ListCommits(ctx, "acme", "checkout", &github.CommitsListOptions{Path: "run.sh"})
	if err != nil || len(commits) != 2 {
		t.Fatalf("%d commits: %v", len(commits), err)
	}
	_, _, err = client.Repositories.GetCommit(ctx, "acme", "checkout", "main", nil)
	must(t, err)
	_, _, err = client.Repositories.CompareCommits(ctx, "acme", "checkout", commits[1].GetSHA(), "main", nil)
	must(t, err)
	_, _, err = client.Git.GetRef(ctx, "acme", "checkout", "heads/main")
	must(t, err)
	_, _, err = client.Git.ListMatchingRefs(ctx, "acme", "checkout", &github.ReferenceListOptions{Ref: "heads/"})
	must(t, err)
	_, _, err = client.Git.GetCommit(ctx, "acme", "checkout", head.GetSHA())
	must(t, err)
	tree, _, err := client.Git.GetTree(ctx, "acme", "checkout", "main", true)
	must(t, err)
	for _, entry := range tree.Entries {
		if entry.GetType() == "blob" {
			_, _, err = client.Git.GetBlob(ctx, "acme", "checkout", entry.GetSHA())
			must(t, err)
		}
		_, _, _, err = client.Repositories.GetContents(ctx, "acme", "checkout", entry.GetPath(), nil)
		must(t, err)
	}
}

func askApp(ctx context.Context, t *testing.T, client *github.Client) {
	t.Helper()
	_, _, err := client.Apps.Get(ctx, "")
	must(t, err)
	all, _, err := client.Apps.ListInstallations(ctx, nil)
	must(t, err)
	_, _, err = client.Apps.GetInstallation(ctx, all[0].GetID())
	must(t, err)
	_, _, err = client.Apps.FindUserInstallation(ctx, "alice")
	must(t, err)
	_, _, err = client.Apps.FindRepositoryInstallation(ctx, "acme", "checkout")
	must(t, err)
}

// change makes a branch with changes in every way, and a pull request of it.
func change(ctx context.Context, t *testing.T, client *github.Client) {
	t.Helper()
	base, _, err := client.Git.GetRef(ctx, "acme", "checkout", "heads/main")
	must(t, err)
	_, _, err = client.Git.CreateRef(ctx, "acme", "checkout", &github.Reference{
		Ref: github.String("refs/heads/feature/a"), Object: &github.GitObject{SHA: base.Object.SHA},
	})
	must(t, err)
	blob, _, err := client.Git.CreateBlob(ctx, "acme", "checkout", &github.Blob{
		Content: github.String(base64.StdEncoding.EncodeToString([]byte("new\n"))), Encoding: github.String("base64"),
	})
	must(t, err)
	tree, _, err := client.Git.CreateTree(ctx, "acme", "checkout", base.Object.GetSHA(), []*github.TreeEntry{
		{Path: github.String("new.txt"), Mode: github.String("100644"), Type: github.String("blob"), SHA: blob.SHA},
		{Path: github.String("run.sh"), Mode: github.String("100755"), Type: github.String("blob")}, // removed
	})
	must(t, err)
	commit, _, err := client.Git.CreateCommit(ctx, "acme", "checkout", &github.Commit{
		Message: github.String("New"), Tree: tree, Parents: []*github.Commit{{SHA: base.Object.SHA}},
	}, nil)
	must(t, err)
	_, _, err = client.Git.UpdateRef(ctx, "acme", "checkout", &github.Reference{
		Ref: github.String("refs/heads/feature/a"), Object: &github.GitObject{SHA: commit.SHA},
	}, false)
	must(t, err)
	made, _, err := client.Repositories.CreateFile(ctx, "acme", "checkout", "docs/a.md", &github.RepositoryContentFileOptions{
		Message: github.String("Docs"), Content: []byte("a"), Branch: github.String("feature/a"),
	})
	must(t, err)
	_, _, err = client.Repositories.DeleteFile(ctx, "acme", "checkout", "docs/a.md", &github.RepositoryContentFileOptions{
		Message: github.String("No docs"), SHA: made.Content.SHA, Branch: github.String("feature/a"),
	})
	must(t, err)

	pull, _, err := client.PullRequests.Create(ctx, "acme", "checkout", &github.NewPullRequest{
		Title: github.String("Add"), Head: github.String("feature/a"), Base: github.String("main"), Body: github.String("…"),
	})
	must(t, err)
	n := pull.GetNumber()
	_, _, err = client.PullRequests.Get(ctx, "acme", "checkout", n)
	must(t, err)
	_, _, err = client.PullRequests.List(ctx, "acme", "checkout", &github.PullRequestListOptions{Head: "acme:feature/a"})
	must(t, err)
	files, _, err := client.PullRequests.ListFiles(ctx, "acme", "checkout", n, nil)
	must(t, err)
	var names []string
	for _, file := range files {
		names = append(names, file.GetStatus()+" "+file.GetFilename())
	}
	if !slices.Equal(names, []string{"added new.txt", "removed run.sh"}) {
		t.Errorf("its files are %v", names)
	}
	_, _, err = client.PullRequests.ListCommits(ctx, "acme", "checkout", n, nil)
	must(t, err)
	_, _, err = client.PullRequests.ListPullRequestsWithCommit(ctx, "acme", "checkout", pull.GetHead().GetSHA(), nil)
	must(t, err)
	_, _, err = client.Issues.CreateComment(ctx, "acme", "checkout", n, &github.IssueComment{Body: github.String("hm")})
	must(t, err)
	_, _, err = client.Issues.ListComments(ctx, "acme", "checkout", n, nil)
	must(t, err)
	found, _, err := client.Search.Issues(ctx, "is:pr is:open org:acme head:feature created:>=2020-01-01T00:00:00Z add", nil)
	if err != nil || found.GetTotal() != 1 || found.Issues[0].GetNumber() != n {
		t.Errorf("the search finds %v: %v", found, err)
	}
	_, _, err = client.PullRequests.Edit(ctx, "acme", "checkout", n, &github.PullRequest{State: github.String("closed")})
	must(t, err)
	_, err = client.Git.DeleteRef(ctx, "acme", "checkout", "heads/feature/a")
	must(t, err)
}

// judge writes a check run and a status.
func judge(ctx context.Context, t *testing.T, client *github.Client) {
	t.Helper()
	head, _, err := client.Git.GetRef(ctx, "acme", "checkout", "heads/main")
	must(t, err)
	sha := head.Object.GetSHA()
	run, _, err := client.Checks.CreateCheckRun(ctx, "acme", "checkout", github.CreateCheckRunOptions{
		Name: "catalog", HeadSHA: sha, Status: github.String("in_progress"), DetailsURL: github.String("https://example.com/"),
	})
	must(t, err)
	_, _, err = client.Checks.UpdateCheckRun(ctx, "acme", "checkout", run.GetID(), github.UpdateCheckRunOptions{
		Name: "catalog", Conclusion: github.String("failure"), Output: &github.CheckRunOutput{
			Title: github.String("One problem"), Summary: github.String("There is one"), Annotations: []*github.CheckRunAnnotation{{
				Path: github.String("catalog-info.yaml"), StartLine: github.Int(1), EndLine: github.Int(1),
				AnnotationLevel: github.String("failure"), Message: github.String("no"),
			}},
		},
	})
	must(t, err)
	_, _, err = client.Checks.GetCheckRun(ctx, "acme", "checkout", run.GetID())
	must(t, err)
	_, _, err = client.Checks.ListCheckRunAnnotations(ctx, "acme", "checkout", run.GetID(), nil)
	must(t, err)
	_, _, err = client.Checks.ListCheckRunsForRef(ctx, "acme", "checkout", "main", nil)
	must(t, err)
	_, _, err = client.Repositories.CreateStatus(ctx, "acme", "checkout", sha, &github.RepoStatus{
		State: github.String("success"), Context: github.String("catalog"),
	})
	must(t, err)
	_, _, err = client.Repositories.ListStatuses(ctx, "acme", "checkout", "main", nil)
	must(t, err)
}
