package githubtest_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-github/v60/github"

	"github.com/orrery-catalog/orrery/scanners/github/githubtest"
)

func TestPullsFromForks(t *testing.T) {
	hub, token, _ := company(0)
	r := hub.AddRepository("acme/checkout", githubtest.Files{"a": "1\n", "moved": "m\n", "same": "s\n"}, githubtest.Settings{})
	fork := r.Fork(hub.AddUser("bob", githubtest.Profile{}))
	head := fork.Push(githubtest.Push{Branch: "fix", Files: githubtest.Files{"a": "2\n", "to": "m\n"}, Delete: []string{"moved"}})
	r.Push(githubtest.Push{Files: githubtest.Files{"since": "then"}}) // the base goes on
	p := r.OpenPull(githubtest.Pull{Title: "Fix", From: fork, Head: "fix"})

	ctx, asked := t.Context(), client(hub, token)
	found, _, err := asked.PullRequests.Get(ctx, "acme", "checkout", p.Number())
	if err != nil || found.GetHead().GetSHA() != head || found.GetHead().GetRepo().GetFullName() != "bob/checkout" ||
		found.GetHead().GetLabel() != "bob:fix" || found.GetBase().GetSHA() != r.Head("") || !found.GetMergeable() {
		t.Errorf("%v: %v", found, err)
	}
	files, _, err := asked.PullRequests.ListFiles(ctx, "acme", "checkout", p.Number(), nil)
	must(t, err)
	var changes []string
	for _, f := range files {
		changes = append(changes, f.GetStatus()+" "+f.GetPreviousFilename()+" "+f.GetFilename())
	}
	if diff := cmp.Diff([]string{"modified  a", "renamed moved to"}, changes); diff != "" {
		t.Error(diff)
	}
	// What the fork brings can be read in the base.
	tree, _, err := asked.Git.GetTree(ctx, "acme", "checkout", head, true)
	if err != nil || len(tree.Entries) != 3 {
		t.Errorf("the tree of the head: %v, %v", tree, err)
	}
	ref, _, err := asked.Git.GetRef(ctx, "acme", "checkout", "pull/1/head")
	if err != nil || ref.Object.GetSHA() != head {
		t.Errorf("the ref of the head: %v, %v", ref, err)
	}
	head = fork.Push(githubtest.Push{Branch: "fix", Files: githubtest.Files{"a": "3\n"}})
	if p.Head() != head {
		t.Error("it does not follow its branch")
	}
	p.Merge()
	want := githubtest.Files{"a": "3\n", "to": "m\n", "same": "s\n", "since": "then"}
	if diff := cmp.Diff(want, r.Files("")); diff != "" || p.Open() {
		t.Error(diff)
	}
}

func TestChangesThatAreRefused(t *testing.T) {
	hub, token, _ := company(1)
	r := hub.Repository("acme/service-00000")
	first := r.Head("")
	second := r.Push(githubtest.Push{Files: githubtest.Files{"a": "1"}})
	ctx := t.Context()
	reader := hub.AddUser("bob", githubtest.Profile{})
	hub.Account("acme").AddMember(reader, "member")
	ref := func(sha string) *github.Reference {
		return &github.Reference{Ref: github.String("refs/heads/main"), Object: &github.GitObject{SHA: &sha}}
	}
	status := func(a *github.Response, err error) int {
		if err == nil || a == nil {
			t.Errorf("it was done: %v", err)
			return 0
		}
		return a.StatusCode
	}
	asked := client(hub, token)
	_, a, err := asked.Git.CreateRef(ctx, "acme", "service-00000", ref(first))
	if got := status(a, err); got != 422 {
		t.Errorf("a branch that exists: %d", got)
	}
	_, a, err = asked.Git.UpdateRef(ctx, "acme", "service-00000", ref(first), false)
	if got := status(a, err); got != 422 {
		t.Errorf("backwards: %d", got)
	}
	if _, _, err = asked.Git.UpdateRef(ctx, "acme", "service-00000", ref(first), true); err != nil || r.Head("") != first {
		t.Errorf("backwards by force: %v", err)
	}
	_, a, err = client(hub, hub.Token("bob")).Git.UpdateRef(ctx, "acme", "service-00000", ref(second), false)
	if got := status(a, err); got != 403 {
		t.Errorf("by who may only read: %d", got)
	}
	_, a, err = asked.Repositories.CreateFile(ctx, "acme", "service-00000", "go.mod", &github.RepositoryContentFileOptions{
		Message: github.String("x"), Content: []byte("y"), SHA: github.String(githubtest.BlobID("other")),
	})
	if got := status(a, err); got != 409 {
		t.Errorf("a file that has changed: %d", got)
	}
	pull := &github.NewPullRequest{Title: github.String("x"), Head: github.String("main"), Base: github.String("main")}
	_, a, err = asked.PullRequests.Create(ctx, "acme", "service-00000", pull)
	if got := status(a, err); got != 422 {
		t.Errorf("a pull request without a commit: %d", got)
	}
	r.SetBranch("feature", second)
	pull.Head = github.String("feature")
	if _, _, err := asked.PullRequests.Create(ctx, "acme", "service-00000", pull); err != nil {
		t.Error(err)
	}
	_, a, err = asked.PullRequests.Create(ctx, "acme", "service-00000", pull)
	if got := status(a, err); got != 422 {
		t.Errorf("the same pull request again: %d", got)
	}
	r.Edit(func(s *githubtest.Settings) { s.Archived = true })
	_, a, err = asked.Git.UpdateRef(ctx, "acme", "service-00000", ref(second), false)
	if got := status(a, err); got != 403 {
		t.Errorf("of an archived repository: %d", got)
	}
	_, a, err = asked.Checks.CreateCheckRun(ctx, "acme", "service-00000", github.CreateCheckRunOptions{Name: "c", HeadSHA: first})
	if got := status(a, err); got != 403 {
		t.Errorf("a check run by a user: %d", got)
	}
}

func TestCheckRuns(t *testing.T) {
	hub, _, _ := company(1)
	app, err := hub.AddApp("orrery")
	must(t, err)
	r := hub.Repository("acme/service-00000")
	asked, ctx := client(hub, app.Install(hub.Account("acme")).Token()), t.Context()
	run, _, err := asked.Checks.CreateCheckRun(ctx, "acme", "service-00000", github.CreateCheckRunOptions{
		Name: "catalog", HeadSHA: r.Head(""), Status: github.String("in_progress"), ExternalID: github.String("1"),
	})
	must(t, err)
	annotations := func(n int) (list []*github.CheckRunAnnotation) {
		for i := range n {
			list = append(list, &github.CheckRunAnnotation{
				Path: github.String("a"), StartLine: github.Int(i + 1), EndLine: github.Int(i + 1),
				AnnotationLevel: github.String("warning"), Message: github.String("hm"),
			})
		}
		return list
	}
	output := func(n int) *github.CheckRunOutput {
		return &github.CheckRunOutput{Title: github.String("T"), Summary: github.String("S"), Annotations: annotations(n)}
	}
	update := func(o github.UpdateCheckRunOptions) (int, error) {
		o.Name = "catalog"
		_, a, err := asked.Checks.UpdateCheckRun(ctx, "acme", "service-00000", run.GetID(), o)
		return a.StatusCode, err
	}
	if status, err := update(github.UpdateCheckRunOptions{Output: output(51)}); status != 422 {
		t.Errorf("51 annotations at once: %d %v", status, err)
	}
	if _, err := update(github.UpdateCheckRunOptions{Output: output(50)}); err != nil {
		t.Error(err)
	}
	if status, err := update(github.UpdateCheckRunOptions{Status: github.String("completed")}); status != 422 {
		t.Errorf("completed without a conclusion: %d %v", status, err)
	}
	if _, err := update(github.UpdateCheckRunOptions{Conclusion: github.String("neutral"), Output: output(7)}); err != nil {
		t.Error(err)
	}
	got := r.CheckRuns()
	if len(got) != 1 || len(got[0].Annotations) != 57 || got[0].Status != "completed" || got[0].Conclusion != "neutral" || got[0].Requests != 3 {
		t.Errorf("%+v", got)
	}
	hook := app.AddHook("http://127.0.0.1/", "")
	r.RequestCheck(run.GetID())
	event, err := github.ParseWebHook(hook.Waiting()[0].Event, hook.Waiting()[0].Payload)
	if again, is := event.(*github.CheckRunEvent); err != nil || !is || again.GetCheckRun().GetExternalID() != "1" || again.GetInstallation().GetID() == 0 {
		t.Errorf("%+v %v", event, err)
	}
}
