package pullcheck_test

import (
	"net/http"
	"testing"

	"github.com/orrery-catalog/orrery/internal/testenv"
	"github.com/orrery-catalog/orrery/scanners/github/githubtest"
)

// TestChecksAskWhatGitHubDescribes holds that what is asked and sent is as GitHub's description of its API has it.
func TestChecksAskWhatGitHubDescribes(t *testing.T) {
	if testing.Short() {
		t.Skip("reading the description takes some seconds")
	}
	descriptions := testenv.GitHub(t)
	way := func(g http.Handler) http.RoundTripper { return descriptions.Judge(t, g) }
	o := newOrganisation(t, map[string]string{"checks": "write", "pull_requests": "read", "contents": "read"}, way)
	o.checkout.Push(githubtest.Push{Branch: "typo", Files: githubtest.Files{"catalog-info.yaml": component("checkout", "group:paymnets", "pricing")}})
	o.checkout.OpenPull(githubtest.Pull{Title: "Typo", Head: "typo"})
	o.delivers(t, o.completed(1))
	if got := o.checkout.CheckRuns()[0]; len(got.Annotations) != 1 {
		t.Errorf("%+v", got)
	}
	o.checkout.RequestCheck(o.checkout.CheckRuns()[0].ID)
	o.delivers(t, o.completed(2))

	o = newOrganisation(t, map[string]string{"checks": "", "statuses": "write", "pull_requests": "read", "contents": "read"}, way)
	o.checkout.Push(githubtest.Push{Branch: "gone", Delete: []string{"cart/catalog-info.yaml"}})
	pull := o.checkout.OpenPull(githubtest.Pull{Title: "Gone", Head: "gone"})
	o.delivers(t, func() bool { return len(o.checkout.Statuses(pull.Head())) == 2 })
}
