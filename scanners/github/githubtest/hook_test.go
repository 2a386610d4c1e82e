package githubtest_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-github/v60/github"

	"github.com/orrery-catalog/orrery/internal/testenv"
	"github.com/orrery-catalog/orrery/scanners/github/githubtest"
)

// receiver takes webhooks as go-github understands them.
type receiver struct {
	secret string
	events []any
	status int
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	payload, err := github.ValidatePayload(request, []byte(r.secret))
	if err == nil {
		var event any
		if event, err = github.ParseWebHook(github.WebHookType(request), payload); err == nil {
			r.events = append(r.events, event)
		}
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.WriteHeader(r.status)
}

// said is an event in short.
func said(event any) string {
	switch e := event.(type) {
	case *github.PingEvent:
		return "ping"
	case *github.PushEvent:
		text := "push " + e.GetRepo().GetFullName() + " " + e.GetRef()
		for _, c := range e.Commits {
			for _, path := range c.Added {
				text += " +" + path
			}
			for _, path := range c.Modified {
				text += " ~" + path
			}
			for _, path := range c.Removed {
				text += " -" + path
			}
		}
		return text
	case *github.RepositoryEvent:
		return "repository " + e.GetAction() + " " + e.GetRepo().GetFullName() + " " + e.GetChanges().GetRepo().GetName().GetFrom() +
			e.GetChanges().GetOwner().GetOwnerInfo().GetOrg().GetLogin()
	case *github.InstallationEvent:
		return "installation " + e.GetAction() + " " + e.GetInstallation().GetAccount().GetLogin()
	case *github.InstallationRepositoriesEvent:
		text := "installation_repositories " + e.GetAction()
		for _, r := range e.RepositoriesAdded {
			text += " +" + r.GetFullName()
		}
		for _, r := range e.RepositoriesRemoved {
			text += " -" + r.GetFullName()
		}
		return text
	case *github.TeamEvent:
		return "team " + e.GetAction() + " " + e.GetTeam().GetSlug()
	case *github.MembershipEvent:
		return "membership " + e.GetAction() + " " + e.GetTeam().GetSlug() + " " + e.GetMember().GetLogin()
	case *github.OrganizationEvent:
		return "organization " + e.GetAction() + " " + e.GetMembership().GetUser().GetLogin()
	case *github.PullRequestEvent:
		return "pull_request " + e.GetAction() + " " + e.GetPullRequest().GetHead().GetRef() + " " + e.GetPullRequest().GetBase().GetRef()
	case *github.CheckRunEvent:
		return "check_run " + e.GetAction() + " " + e.GetCheckRun().GetName()
	}
	return "?"
}

// happenings makes something of everything happen, which the app's hook waits to tell of.
func happenings(t *testing.T, url, secret string) *githubtest.Hook {
	t.Helper()
	hub := githubtest.New(githubtest.Options{})
	app, err := hub.AddApp("orrery")
	must(t, err)
	hook := app.AddHook(url, secret)
	acme, other, bob := hub.AddOrganization("acme"), hub.AddOrganization("other"), hub.AddUser("bob", githubtest.Profile{})
	hub.AddRepository("acme/unheard", githubtest.Files{"a": "1"}, githubtest.Settings{}) // the app is not there yet
	hook.Ping()
	i := app.Install(acme)
	r := hub.AddRepository("acme/checkout", githubtest.Files{"a": "1"}, githubtest.Settings{Visibility: "private"})
	r.Push(githubtest.Push{Files: githubtest.Files{"a": "2", "b/c": "3"}})
	r.Push(githubtest.Push{Branch: "feature", Files: githubtest.Files{"d": "4"}, Delete: []string{"a"}})
	p := r.OpenPull(githubtest.Pull{Title: "Add", Head: "feature"})
	r.Push(githubtest.Push{Branch: "feature", Files: githubtest.Files{"d": "5"}})
	p.Merge()
	r.Edit(func(s *githubtest.Settings) { s.Archived, s.Visibility, s.Topics = true, "public", []string{"go"} })
	r.Rename("shop")
	team := acme.AddTeam("payments", nil, githubtest.TeamSettings{})
	acme.AddMember(bob, "member")
	team.Add("member", bob)
	team.Remove(bob)
	team.Edit(func(s *githubtest.TeamSettings) { s.Description = "Money" })
	team.Grant(r, "push")
	team.Delete()
	r.Edit(func(s *githubtest.Settings) { s.Archived, s.Visibility = false, "private" })
	run, _, err := client(hub, i.Token()).Checks.CreateCheckRun(t.Context(), "acme", "shop", github.CreateCheckRunOptions{
		Name: "catalog", HeadSHA: r.Head(""),
	})
	must(t, err)
	r.RequestCheck(run.GetID())
	i.Permit("issues", "read")
	i.Select(hub.Repository("acme/unheard"))
	i.Select()
	r.Transfer(other)
	app.Install(other)
	r.Delete()
	acme.RemoveMember(bob)
	acme.Rename("acme2")
	i.Suspend(true)
	r2 := hub.Repository("acme2/unheard")
	r2.Push(githubtest.Push{Files: githubtest.Files{"a": "2"}}) // not told where it is suspended
	i.Suspend(false)
	i.Uninstall()
	return hook
}

func TestWebhooks(t *testing.T) {
	to := &receiver{secret: "s3cret", status: http.StatusAccepted}
	server := httptest.NewServer(to)
	t.Cleanup(server.Close)
	hook := happenings(t, server.URL, to.secret)
	statuses, err := hook.Deliver(t.Context())
	must(t, err)
	for _, status := range statuses {
		if status != http.StatusAccepted {
			t.Errorf("a delivery was answered by %d", status)
		}
	}
	var got []string
	for _, event := range to.events {
		got = append(got, said(event))
	}
	want := []string{
		"ping", "installation created acme", "repository created acme/checkout ", "push acme/checkout refs/heads/main +a",
		"push acme/checkout refs/heads/main +b/c ~a", "push acme/checkout refs/heads/feature +d -a",
		"pull_request opened feature main", "push acme/checkout refs/heads/feature ~d", "pull_request synchronize feature main",
		"push acme/checkout refs/heads/main +d -a ~d +d -a", // two commits and that of the merge
		"pull_request closed feature main",
		"repository edited acme/checkout ", "repository archived acme/checkout ", "repository publicized acme/checkout ",
		"repository renamed acme/shop checkout", "team created payments", "organization member_added bob",
		"membership added payments bob", "membership removed payments bob", "team edited payments",
		"team added_to_repository payments", "team deleted payments", "repository unarchived acme/shop ",
		"repository privatized acme/shop ", "check_run rerequested catalog", "installation new_permissions_accepted acme",
		"installation_repositories removed -acme/shop", "installation_repositories added +acme/shop",
		"installation created other", "repository deleted other/shop ", "organization member_removed bob",
		"organization renamed ", "installation suspend acme2", "installation unsuspend acme2", "installation deleted acme2",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if waiting := hook.Waiting(); len(waiting) != 0 {
		t.Errorf("%d still wait", len(waiting))
	}
}

func TestDeliveriesAreSignedAndCanComeAgain(t *testing.T) {
	hub := githubtest.New(githubtest.Options{})
	var seen []http.Header
	var bodies []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		seen, bodies = append(seen, r.Header), append(bodies, string(body))
	}))
	t.Cleanup(server.Close)
	hook := hub.AddHook(server.URL, "s3cret")
	hub.AddRepository("acme/checkout", githubtest.Files{"a": "1"}, githubtest.Settings{})
	deliveries := hook.Waiting()
	if _, err := hook.Deliver(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := hook.Send(t.Context(), deliveries[1]); err != nil {
		t.Fatal(err)
	}
	if len(seen) != 3 || seen[1].Get("X-GitHub-Delivery") != seen[2].Get("X-GitHub-Delivery") || bodies[1] != bodies[2] ||
		seen[0].Get("X-GitHub-Delivery") == seen[1].Get("X-GitHub-Delivery") {
		t.Errorf("%v", seen)
	}
	for i, header := range seen {
		if header.Get("X-Hub-Signature-256") != githubtest.Sign("s3cret", []byte(bodies[i])) || header.Get("X-GitHub-Event") == "" {
			t.Errorf("%v", header)
		}
	}
	hub.Repository("acme/checkout").Delete()
	if hook.Lose(); len(hook.Waiting()) != 0 {
		t.Error("what is lost still waits")
	}
}

// TestWebhooksAreGitHubs sends webhooks to a server that takes those alone which GitHub's description allows.
func TestWebhooksAreGitHubs(t *testing.T) {
	if testing.Short() {
		t.Skip("reading the description takes some seconds")
	}
	mock := testenv.GitHub(t).Mock(t)
	hook := happenings(t, "http://127.0.0.1/", "s3cret")
	for _, d := range hook.Waiting() {
		request, err := hook.Request(t.Context(), d)
		must(t, err)
		var payload struct{ Action string }
		must(t, json.Unmarshal(d.Payload, &payload))
		name := strings.TrimSuffix(strings.ReplaceAll(d.Event+"-"+payload.Action, "_", "-"), "-")
		request.URL, err = url.Parse(mock + "/webhooks/" + name)
		must(t, err)
		answer, err := http.DefaultClient.Do(request)
		must(t, err)
		body, err := io.ReadAll(answer.Body)
		must(t, errors.Join(err, answer.Body.Close()))
		if answer.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s", name, answer.StatusCode, body)
		}
	}
}
