package github_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/github"
	"github.com/orrery-catalog/orrery/scanners/github/connect"
	"github.com/orrery-catalog/orrery/scanners/github/githubtest"
)

const teamsOfAcme = "teams/github.com/acme"

func withTeams(c *github.Config) { c.Teams = true }

// belongs is what the scope says: who is a member of what, by Ref.
func (r *receiver) belongs(scope string) map[string][]string {
	found := map[string][]string{}
	for _, document := range r.held[scope].Documents {
		groups := []string{}
		for _, claim := range document.Claims {
			for _, edge := range claim.Edges {
				groups = append(groups, string(edge.Target.Ref))
			}
		}
		slices.Sort(groups)
		found[string(document.Claims[0].Subject.Ref)] = groups
	}
	return found
}

// described is a descriptor of the scope.
func (r *receiver) described(t *testing.T, scope, ref string) (*catalog.Document, *catalog.Descriptor) {
	t.Helper()
	for _, document := range r.held[scope].Documents {
		if string(document.Claims[0].Subject.Ref) == ref {
			return document, document.Claims[0].Descriptor
		}
	}
	t.Fatalf("%s does not describe %s", scope, ref)
	return nil, nil
}

// company is an organisation with teams: two below engineering, one of them secret to others.
func company(t *testing.T) (*hub, *githubtest.Account) {
	t.Helper()
	h := newHub(t)
	acme := h.member("acme")
	jane := h.AddUser("Jane", githubtest.Profile{Name: "Jane Doe", Email: "jane@acme.com"})
	joe := h.AddUser("joe", githubtest.Profile{})
	lone := h.AddUser("lone", githubtest.Profile{Name: "Lone Some"})
	engineering := acme.AddTeam("engineering", nil, githubtest.TeamSettings{Name: "Engineering", Description: "All who build"})
	payments := acme.AddTeam("payments", engineering, githubtest.TeamSettings{Name: "Payments & Co"})
	secret := acme.AddTeam("layoffs", nil, githubtest.TeamSettings{Secret: true})
	engineering.Add("maintainer", jane)
	payments.Add("member", joe, jane)
	secret.Add("member", joe)
	acme.AddMember(lone, "member")
	h.pass(time.Hour)
	return h, acme
}

func TestTeams(t *testing.T) {
	for name, prepare := range map[string]func(*hub){
		"GraphQL": func(*hub) {}, "REST": func(h *hub) { h.NoGraphQL(404) },
	} {
		t.Run(name, func(t *testing.T) {
			h, _ := company(t)
			prepare(h)
			r := newReceiver()
			r.must(t, h.scanner(t, withTeams))
			janes := []string{"group:default/engineering", "group:default/payments"}
			if name == "REST" {
				janes = janes[1:] // a member of a team below is listed as one of the team, too
			}
			want := map[string][]string{
				"group:default/engineering": {}, "group:default/payments": {"group:default/engineering"},
				"user:default/jane": janes, "user:default/joe": {"group:default/payments"}, "user:default/lone": {}, "user:default/orrery": {},
			}
			if diff := gocmp.Diff(want, r.belongs(teamsOfAcme)); diff != "" {
				t.Error(diff)
			}
			document, group := r.described(t, teamsOfAcme, "group:default/payments")
			if document.Priority != catalog.DefaultPriorityDiscoveredTeams || document.Location != "https://github.com/orgs/acme/teams/payments" ||
				document.Version != nil || group.Kind != "Group" || group.Type != "team" || group.Profile.DisplayName != "Payments & Co" ||
				group.Annotations["github.com/team-slug"] != "acme/payments" {
				t.Errorf("payments: %+v %+v", document, group)
			}
			document, user := r.described(t, teamsOfAcme, "user:default/jane")
			if document.Location != "https://github.com/Jane" || user.Name != "Jane" || user.Annotations["github.com/user-login"] != "Jane" ||
				user.Profile.Picture == "" || name == "GraphQL" && (user.Profile.DisplayName != "Jane Doe" || user.Profile.Email != "jane@acme.com") {
				t.Errorf("jane: %+v %+v %+v", document, user, user.Profile)
			}
		})
	}
}

// TestTeamsAreFollowed sees that one team that changed is known by a part of a scan.
func TestTeamsAreFollowed(t *testing.T) {
	h, acme := company(t)
	h.AddRepository("acme/checkout", githubtest.Files{"catalog-info.yaml": component("checkout")}, githubtest.Settings{})
	r, s := newReceiver(), h.scanner(t, withTeams)
	r.must(t, s)
	acme.Team("payments").Remove(h.Account("joe"))
	acme.Team("payments").Rename("money")
	r.must(t, s, "github.com/acme/checkout/") // teams are not asked for
	if got := r.belongs(teamsOfAcme)["user:default/joe"]; len(got) != 1 {
		t.Errorf("joe is in %v before anybody looked", got)
	}
	r.must(t, s, "teams/github.com/ACME")
	got := r.belongs(teamsOfAcme)
	if len(got["user:default/joe"]) != 0 || got["group:default/payments"] != nil || got["group:default/money"] == nil {
		t.Errorf("after the change: %v", got)
	}
	if !slices.Contains(r.refs(), "component:default/checkout") {
		t.Error("reading teams lost a repository")
	}
	r.must(t, h.scanner(t, func(c *github.Config) { c.Teams = false }))
	if len(r.held[teamsOfAcme].Documents) != 0 {
		t.Error("teams are kept though they are not to be read any more")
	}
}

// TestManyTeams sees that pages of teams, and of members of one team, are all read, by few requests.
func TestManyTeams(t *testing.T) {
	h := newHub(t)
	acme := h.member("acme")
	want := map[string][]string{"user:default/orrery": {}}
	for i := range 230 {
		acme.AddTeam(fmt.Sprintf("t%03d", i), nil, githubtest.TeamSettings{})
		want[fmt.Sprintf("group:default/t%03d", i)] = []string{}
	}
	for i := range 450 {
		login := fmt.Sprintf("u%03d", i)
		user := h.AddUser(login, githubtest.Profile{Name: login})
		acme.AddMember(user, "member")
		acme.Team("t007").Add("member", user)
		of := fmt.Sprintf("t%03d", i%230)
		acme.Team(of).Add("member", user)
		groups := []string{"group:default/t007", "group:default/" + of}
		slices.Sort(groups)
		want["user:default/"+login] = slices.Compact(groups)
	}
	h.pass(time.Hour)
	r, s := newReceiver(), h.scanner(t, withTeams)
	r.must(t, s)
	if diff := gocmp.Diff(want, r.belongs(teamsOfAcme)); diff != "" {
		t.Error(diff)
	}
	h.ForgetCalls()
	before := r.held[teamsOfAcme]
	r.must(t, s)
	if diff := gocmp.Diff(before, r.held[teamsOfAcme]); diff != "" {
		t.Errorf("a second scan says something else: %s", diff)
	}
	paid, _ := h.counts()
	if asked := paid["POST /graphql"]; asked != 5+5+4 { // members, teams, and the rest of one team's members
		t.Errorf("%d questions for 230 teams and 451 members: %v", asked, paid)
	}

	// Where GitHub cannot answer so much at once, less is asked.
	h.Fail(githubtest.Fault{Endpoint: "POST /graphql", Times: 9, Fail: githubtest.Status(502)})
	r.must(t, h.scanner(t, withTeams))
	if diff := gocmp.Diff(want, r.belongs(teamsOfAcme)); diff != "" {
		t.Error(diff)
	}

	// By REST alone, what did not change costs nothing.
	h.Mend()
	h.NoGraphQL(403)
	rest := h.scanner(t, withTeams)
	r.must(t, rest)
	h.pass(time.Hour)
	h.ForgetCalls()
	r.must(t, rest)
	if diff := gocmp.Diff(want, r.belongs(teamsOfAcme)); diff != "" {
		t.Errorf("by REST: %s", diff)
	}
	paid, _ = h.counts()
	for endpoint, n := range paid {
		if strings.Contains(endpoint, "teams") || strings.Contains(endpoint, "members") {
			t.Errorf("%s was paid for %d times", endpoint, n)
		}
	}
}

// TestTeamsAreRefused sees that a missing permission is told, and that the catalog goes on.
func TestTeamsAreRefused(t *testing.T) {
	h := newHub(t)
	acme := h.AddOrganization("acme")
	h.AddRepository("acme/checkout", githubtest.Files{"catalog-info.yaml": component("checkout")}, githubtest.Settings{})
	acme.AddTeam("payments", nil, githubtest.TeamSettings{}).Add("member", h.AddUser("jane", githubtest.Profile{}))
	h.pass(time.Hour)
	app, err := h.AddApp("orrery")
	if err != nil {
		t.Fatal(err)
	}
	installed := app.Install(acme)
	asApp := func(c *github.Config) {
		c.Teams, c.Organizations = true, nil
		c.Connection = h.connect(t, func(c *connect.Config) {
			c.Token, c.App = "", &connect.App{ID: app.ID(), PrivateKey: app.PrivateKey()}
		})
	}
	r := newReceiver()
	r.must(t, h.scanner(t, asApp))
	if got := slices.Sorted(maps.Keys(r.belongs(teamsOfAcme))); !slices.Equal(got, []string{"group:default/payments", "user:default/jane"}) {
		t.Fatalf("as an App: %v", got)
	}
	refused := func(s *github.Scanner, says string) {
		t.Helper()
		r.must(t, s)
		scope := r.reported[teamsOfAcme]
		if scope.State != scanners.Unreadable || !strings.Contains(scope.Error, says) {
			t.Errorf("said %d %q, want %q", scope.State, scope.Error, says)
		}
		if len(r.belongs(teamsOfAcme)) != 2 || !slices.Contains(r.refs(), "component:default/checkout") {
			t.Errorf("what is held: %v, %v", r.belongs(teamsOfAcme), r.refs())
		}
	}
	installed.Permit("members", "")
	refused(h.scanner(t, asApp), "members=read")
	h.NoGraphQL(404)
	refused(h.scanner(t, asApp), "members=read")
	h.NoGraphQL(0)
	refused(h.scanner(t, withTeams), "acme cannot be read: ") // a token of nobody there
	installed.Permit("members", "read")
	h.Fail(githubtest.Fault{Endpoint: "POST /graphql", Fits: func(*http.Request) bool { return true }, Fail: githubtest.Status(500)})
	refused(h.scanner(t, asApp), "read again later")
	h.Mend()
	r.must(t, h.scanner(t, asApp))
	if scope := r.reported[teamsOfAcme]; scope.State != scanners.Read {
		t.Errorf("when all is well again: %+v", scope)
	}
}

// TestTeamsOfSeveral sees that teams of several organisations are told apart.
func TestTeamsOfSeveral(t *testing.T) {
	h := newHub(t)
	for _, name := range []string{"acme", "Beta"} {
		h.member(name).AddTeam("core", nil, githubtest.TeamSettings{})
		h.AddRepository(name+"/x", githubtest.Files{}, githubtest.Settings{})
	}
	h.pass(time.Hour)
	r := newReceiver()
	both := func(c *github.Config) { c.Teams, c.Organizations = true, []string{"acme", "Beta"} }
	s := h.scanner(t, both)
	r.must(t, s)
	if _, d := r.described(t, "teams/github.com/Beta", "group:beta/core"); d.Annotations["github.com/team-slug"] != "Beta/core" {
		t.Errorf("of Beta: %+v", d)
	}
	r.described(t, teamsOfAcme, "group:acme/core")
	r.must(t, s, "teams/github.com/Beta")
	r.described(t, "teams/github.com/Beta", "group:beta/core")
	r.must(t, h.scanner(t, both, func(c *github.Config) { c.Namespace = "org" }))
	r.described(t, teamsOfAcme, "group:org/core")
}

// TestOwnersOfRepositories sees that a push of CODEOWNERS changes whom it suggests, without any other change, and that what is
// wrong with it is told as long as it is.
func TestOwnersOfRepositories(t *testing.T) {
	h := newHub(t)
	h.member("acme")
	shop := h.AddRepository("acme/shop", githubtest.Files{
		"catalog-info.yaml": component("shop"), "docs/CODEOWNERS": "* @acme/one\ncatalog-info.yaml @acme/platform\n",
	}, githubtest.Settings{})
	h.AddRepository("acme/other", githubtest.Files{"catalog-info.yaml": component("other")}, githubtest.Settings{})
	h.pass(time.Hour)
	r, s := newReceiver(), h.scanner(t)
	hint := func() string {
		var names []string
		for _, hint := range r.held["github.com/acme/shop/catalog-info.yaml"].Documents[0].Claims[0].OwnerHints {
			names = append(names, hint.Name+" "+hint.Location)
			path := strings.TrimPrefix(hint.Location, "github.com/acme/shop/")
			if at := hint.Version; at == nil || shop.Files(at.Commit)[path] == "" || at.Path != path || at.Web != "https://github.com/acme/shop/blob/" {
				t.Errorf("it was read from %+v", at)
			}
		}
		return strings.Join(names, ", ")
	}
	r.must(t, s)
	if got := hint(); got != "@acme/one github.com/acme/shop/docs/CODEOWNERS" {
		t.Errorf("hint %q", got)
	}
	shop.Push(githubtest.Push{Files: githubtest.Files{".github/CODEOWNERS": "* @acme/two\n/x broken\n"}})
	h.pass(time.Minute)
	if !s.Wants("acme/shop", "main", ".github/CODEOWNERS") {
		t.Error("a push of CODEOWNERS is not wanted")
	}
	r.must(t, s, "github.com/acme/shop/")
	wrong := "github.com/acme/shop/.github/CODEOWNERS"
	if got := hint(); got != "@acme/two "+wrong || len(r.held[wrong].Documents) != 1 {
		t.Errorf("hint %q, problems %+v", got, r.held[wrong])
	}
	shop.Push(githubtest.Push{Files: githubtest.Files{"README.md": "new"}})
	h.pass(time.Minute)
	r.must(t, s)
	if got := hint(); got != "@acme/two "+wrong || len(r.held[wrong].Documents) != 1 {
		t.Errorf("after another push: hint %q, problems %+v", got, r.held[wrong])
	}
	shop.Push(githubtest.Push{Files: githubtest.Files{".github/CODEOWNERS": "* @acme/two\n"}})
	h.pass(time.Minute)
	r.must(t, s)
	if got := hint(); got != "@acme/two "+wrong || len(r.held[wrong].Documents) != 0 {
		t.Errorf("mended: hint %q, problems %+v", got, r.held[wrong])
	}
	shop.Push(githubtest.Push{Delete: []string{".github/CODEOWNERS", "docs/CODEOWNERS"}})
	h.pass(time.Minute)
	r.must(t, s, "github.com/acme/shop/catalog-info.yaml")
	if got := hint(); got != "" {
		t.Errorf("without the file: hint %q", got)
	}
}
