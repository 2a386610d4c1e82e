package githubtest_test

import (
	"net/http"
	"testing"

	"github.com/google/go-github/v60/github"

	"github.com/orrery-catalog/orrery/scanners/github/githubtest"
)

func TestListingInPages(t *testing.T) {
	hub := githubtest.New(githubtest.Options{})
	hub.AddCompany("acme", 250)
	hub.Account("acme").AddMember(hub.AddUser("alice", githubtest.Profile{}), "member")
	client := github.NewClient(&http.Client{Transport: hub}).WithAuthToken(hub.Token("alice"))
	var names []string
	for page := 1; page != 0; {
		found, answer, err := client.Repositories.ListByOrg(t.Context(), "acme",
			&github.RepositoryListByOrgOptions{ListOptions: github.ListOptions{Page: page, PerPage: 100}})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range found {
			names = append(names, r.GetFullName())
		}
		page = answer.NextPage
	}
	if len(names) != 250 {
		t.Errorf("%d repositories are listed", len(names))
	}
	if got := hub.Calls().ByEndpoint()["GET /orgs/{org}/repos"]; got.Total != 3 || hub.Calls().Paid() != 3 {
		t.Errorf("the listing took %+v", got)
	}
	tree, _, err := client.Git.GetTree(t.Context(), "acme", "service-00000", "main", true)
	if err != nil || len(tree.Entries) != 4 {
		t.Errorf("the tree is %v: %v", tree, err)
	}
}
