package githubtest_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-github/v60/github"

	"github.com/orrery-catalog/orrery/scanners/github/githubtest"
)

// TestTeams compares what REST and GraphQL say of the same teams, as seen by an owner and by a member.
func TestTeams(t *testing.T) {
	hub := githubtest.New(githubtest.Options{})
	acme := hub.AddOrganization("acme")
	alice, bob, carol := hub.AddUser("alice", githubtest.Profile{}), hub.AddUser("bob", githubtest.Profile{}), hub.AddUser("carol", githubtest.Profile{})
	acme.AddMember(alice, "admin")
	all := acme.AddTeam("all", nil, githubtest.TeamSettings{})
	payments := acme.AddTeam("payments", all, githubtest.TeamSettings{Name: "Payments"})
	secret := acme.AddTeam("secret", payments, githubtest.TeamSettings{Secret: true})
	all.Add("member", bob)
	payments.Add("maintainer", carol)
	secret.Add("member", alice)

	const query = `{ organization(login: "acme") { teams(first: 10) { nodes { slug parentTeam { slug }
		direct: members(first: 10, membership: IMMEDIATE) { edges { role node { login } } } all: members(first: 10) { totalCount } } } } }`
	type row struct {
		Slug, Parent, Direct string
		All                  int
	}
	ofGraphQL := func(token string) (rows []row) {
		a := ask(t, hub, token, query, nil)
		for _, node := range a.Data["organization"].(object)["teams"].(object)["nodes"].([]any) {
			team := node.(object)
			r := row{Slug: team["slug"].(string), All: int(team["all"].(object)["totalCount"].(float64))}
			if parent, has := team["parentTeam"].(object); has {
				r.Parent = parent["slug"].(string)
			}
			for _, edge := range team["direct"].(object)["edges"].([]any) {
				r.Direct += edge.(object)["role"].(string) + " " + edge.(object)["node"].(object)["login"].(string)
			}
			rows = append(rows, r)
		}
		return rows
	}
	want := []row{{"all", "", "MEMBER bob", 3}, {"payments", "all", "MAINTAINER carol", 2}, {"secret", "payments", "MEMBER alice", 1}}
	if diff := cmp.Diff(want, ofGraphQL(hub.Token("alice"))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want[:2], ofGraphQL(hub.Token("bob"))); diff != "" {
		t.Errorf("as a member: %s", diff)
	}

	asked, ctx := client(hub, hub.Token("alice")), t.Context()
	teams, _, err := asked.Teams.ListTeams(ctx, "acme", nil)
	must(t, err)
	var rows []row
	for _, team := range teams {
		r := row{Slug: team.GetSlug(), Parent: team.GetParent().GetSlug()}
		members, _, err := asked.Teams.ListTeamMembersBySlug(ctx, "acme", team.GetSlug(), nil)
		must(t, err)
		r.All = len(members)
		maintainers, _, err := asked.Teams.ListTeamMembersBySlug(ctx, "acme", team.GetSlug(), &github.TeamListTeamMembersOptions{Role: "maintainer"})
		must(t, err)
		for _, m := range maintainers {
			r.Direct += m.GetLogin()
		}
		rows = append(rows, r)
	}
	// REST does not tell whose member one is: of the team, or of one below it.
	want = []row{{"all", "", "carol", 3}, {"payments", "all", "carol", 2}, {"secret", "payments", "", 1}}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Error(diff)
	}
	payments.Delete() // and what is below it
	if got := ofGraphQL(hub.Token("alice")); len(got) != 1 || got[0].All != 1 {
		t.Errorf("%+v", got)
	}
}
