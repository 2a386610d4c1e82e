package githubtest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/orrery-catalog/orrery/internal/testenv"
	"github.com/orrery-catalog/orrery/scanners/github/githubtest"
)

type object = map[string]any

// answer is what a query is answered.
type answer struct {
	Data   object
	Errors []struct {
		Type, Message string
		Path          []any
	}
	status int
	header http.Header
}

// ask asks as the owner of the token.
func ask(t *testing.T, hub *githubtest.GitHub, token, query string, variables object) answer {
	t.Helper()
	return askOf(t, hub, token, query, variables)
}

func askOf(t testing.TB, hub *githubtest.GitHub, token, query string, variables object) answer {
	t.Helper()
	body, err := json.Marshal(object{"query": query, "variables": variables})
	must(t, err)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://api.github.com/graphql", bytes.NewReader(body))
	must(t, err)
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := hub.RoundTrip(request)
	must(t, err)
	defer response.Body.Close()
	a := answer{status: response.StatusCode, header: response.Header}
	if response.StatusCode == http.StatusOK {
		must(t, json.NewDecoder(response.Body).Decode(&a))
	}
	return a
}

func (a answer) types() (types []string) {
	for _, e := range a.Errors {
		types = append(types, fmt.Sprint(e.Type, e.Path))
	}
	return types
}

// everything asks for every field that the fake knows.
const everything = `
query Everything($owner: String = "acme", $with: Boolean!) {
	rateLimit { limit used remaining resetAt cost nodeCount }
	viewer { ...U }
	user(login: "alice") { ...U }
	repositoryOwner(login: "acme") { __typename id login url resourcePath avatarUrl repositories(first: 1) { totalCount } }
	organization(login: $owner) {
		...O
		membersWithRole(first: 10) { totalCount edges { cursor role hasTwoFactorEnabled node { ...U } } pageInfo { ...P } }
		teams(first: 10) { totalCount nodes { ...T } pageInfo { ...P } }
		roots: teams(first: 10, rootTeamsOnly: true) { nodes { slug childTeams(first: 5) { totalCount nodes { ...T } } } }
		team(slug: "payments") { ...T }
		repositories(first: 5, orderBy: {field: PUSHED_AT, direction: DESC}, isFork: false) {
			totalCount totalDiskUsage edges { cursor node { ...R } } pageInfo { ...P }
		}
		repository(name: "checkout") { ...R }
	}
	repository(owner: $owner, name: "checkout") { ...R ...G ...More @include(if: $with) none: ref(qualifiedName: "refs/heads/none") { id } }
	empty: repository(owner: $owner, name: "empty") { ...R ...G }
}
fragment P on PageInfo { hasNextPage hasPreviousPage startCursor endCursor }
fragment U on User { id databaseId login name email bio company avatarUrl url resourcePath createdAt updatedAt }
fragment O on Organization { id databaseId login name email description avatarUrl url resourcePath createdAt updatedAt viewerIsAMember }
fragment T on Team {
	id databaseId name slug combinedSlug description privacy url avatarUrl createdAt updatedAt
	organization { login } parentTeam { slug }
	members(first: 5, membership: IMMEDIATE) { totalCount edges { role node { login } } }
	repositories(first: 5) { totalCount nodes { name } }
}
fragment R on Repository {
	id databaseId name nameWithOwner owner { login ... on Organization { description } } description url homepageUrl visibility
	isPrivate isArchived isDisabled isEmpty isFork isLocked isMirror isTemplate diskUsage createdAt updatedAt pushedAt archivedAt
	viewerCanAdminister parent { name }
	repositoryTopics(first: 5) { nodes { id url topic { id name } } }
}
fragment G on Repository {
	defaultBranchRef { id name prefix repository { name } target { __typename id oid abbreviatedOid commitUrl commitResourcePath ...C } }
	ref(qualifiedName: "refs/heads/main") { target { oid } }
	refs(refPrefix: "refs/heads/", first: 5) { totalCount nodes { name prefix target { oid } } }
	missing: object(expression: "HEAD:nothing") { oid }
	file: object(expression: "main:catalog-info.yaml") { __typename ... on Blob { id oid byteSize isBinary isTruncated text } }
}
fragment C on Commit {
	message messageHeadline committedDate authoredDate url author { name email date user { login } } committer { name }
	tree { id oid entries { ...E } }
	file(path: "run.sh") { ...E }
	history(first: 2) { totalCount nodes { oid } pageInfo { ...P } }
	parents(first: 1) { nodes { oid } }
}
fragment E on TreeEntry { name path type oid mode extension size isGenerated repository { name } object { __typename oid } }
fragment More on Repository { name }
`

// TestGraphQLAnswersAreGitHubs compares what is answered with GitHub's own schema.
func TestGraphQLAnswersAreGitHubs(t *testing.T) {
	schema, err := githubtest.LoadSchema(testenv.GitHub(t).GraphQL)
	must(t, err)
	hub, _ := world(t)
	a := ask(t, hub, hub.Token("alice"), everything, object{"with": true})
	if len(a.Errors) > 0 {
		t.Fatalf("%+v", a.Errors)
	}
	document, problems := gqlparser.LoadQueryWithRules(schema, everything, rules.NewDefaultRules())
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	c := conformer{schema: schema, document: document}
	c.selection(document.Operations[0].SelectionSet, a.Data, "")
	for _, wrong := range c.wrong {
		t.Error(wrong)
	}
}

// TestGraphQLRefusesWhatGitHubDoesNotKnow: by the schema, and without it by what the fake knows.
func TestGraphQLRefusesWhatGitHubDoesNotKnow(t *testing.T) {
	schema, err := githubtest.LoadSchema(testenv.GitHub(t).GraphQL)
	must(t, err)
	for _, options := range []githubtest.Options{{}, {Schema: schema}} {
		hub := githubtest.New(options)
		hub.AddCompany("acme", 1)
		hub.Account("acme").AddMember(hub.AddUser("alice", githubtest.Profile{}), "member")
		for _, query := range []string{
			`{ repository(owner: "acme", name: "service-00000") { colour } }`, `{ repository(owner: "acme", name: "x" }`, `{ nothing }`,
		} {
			if a := ask(t, hub, hub.Token("alice"), query, nil); a.Data != nil || len(a.Errors) == 0 {
				t.Errorf("%s: %+v", query, a)
			}
		}
	}
}

func TestGraphQLConnections(t *testing.T) {
	hub := githubtest.New(githubtest.Options{})
	acme, _ := hub.AddCompany("acme", 25)
	acme.AddMember(hub.AddUser("alice", githubtest.Profile{}), "member")
	token := hub.Token("alice")
	const query = `query($size: Int, $last: Int, $after: String, $before: String) { organization(login: "acme") {
		repositories(first: $size, last: $last, after: $after, before: $before) {
			nodes { name } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }`
	page := func(variables object) (names []string, info object) {
		t.Helper()
		a := ask(t, hub, token, query, variables)
		list := a.Data["organization"].(object)["repositories"].(object)
		for _, node := range list["nodes"].([]any) {
			names = append(names, node.(object)["name"].(string))
		}
		return names, list["pageInfo"].(object)
	}
	var all []string
	variables := object{"size": 10}
	for pages := 1; ; pages++ {
		names, info := page(variables)
		all = append(all, names...)
		if variables["after"] = info["endCursor"]; info["hasNextPage"] == false {
			if pages != 3 || len(all) != 25 || all[24] != githubtest.ServiceName(24) {
				t.Errorf("%d pages have %v", pages, all)
			}
			break
		}
	}
	if names, info := page(object{"last": 3}); names[0] != githubtest.ServiceName(22) || info["hasNextPage"] == true {
		t.Errorf("the last are %v, %v", names, info)
	}
	for want, arguments := range map[string]string{
		"MISSING_PAGINATION_BOUNDARIES": "", "EXCESSIVE_PAGINATION": "(first: 101)",
	} {
		a := ask(t, hub, token, `{ organization(login: "acme") { login repositories`+arguments+` { totalCount } } }`, nil)
		wanted := []string{want + "[organization repositories]"}
		if diff := cmp.Diff(wanted, a.types()); diff != "" || a.Data["organization"].(object)["login"] != "acme" {
			t.Errorf("%s: %+v", diff, a)
		}
	}
}

func TestGraphQLCosts(t *testing.T) {
	hub := githubtest.New(githubtest.Options{})
	hub.AddCompany("acme", 120)
	hub.Account("acme").AddMember(hub.AddUser("alice", githubtest.Profile{}), "member")
	token := hub.Token("alice")
	for query, want := range map[string]float64{
		batch(100): 1,
		`{ organization(login: "acme") { repositories(first: 100) { nodes { refs(first: 50, refPrefix: "refs/heads/") { nodes {
			target { ... on Commit { history(first: 10) { totalCount } } } } } } } } rateLimit { cost remaining } }`: 51, // 1 + 100 + 100*50
	} {
		hub.ForgetCalls()
		a := ask(t, hub, token, query, nil)
		if got := a.Data["rateLimit"].(object)["cost"]; got != want || hub.Calls()[0].Cost != int(want) {
			t.Errorf("it cost %v and not %v: %s", got, want, query)
		}
	}
	hub.Limits.Nodes = 10_000
	a := ask(t, hub, token, `{ organization(login: "acme") { repositories(first: 100) { nodes { refs(first: 100, refPrefix: "") { totalCount } } } } }`, nil)
	if diff := cmp.Diff([]string{"MAX_NODE_LIMIT_EXCEEDED[]"}, a.types()); diff != "" {
		t.Error(diff)
	}
	hub.SetUsed(token, "graphql", 5000)
	a = ask(t, hub, token, batch(1), nil)
	if diff := cmp.Diff([]string{"RATE_LIMITED[]"}, a.types()); diff != "" || a.header.Get("X-RateLimit-Remaining") != "0" {
		t.Errorf("%s %v", diff, a.header)
	}
}

// batch asks for so many repositories at once.
func batch(n int) string {
	var query strings.Builder
	query.WriteString("{")
	for i := range n {
		fmt.Fprintf(&query, " r%d: repository(owner: \"acme\", name: %q) { id }", i, githubtest.ServiceName(i))
	}
	query.WriteString(" rateLimit { cost } }")
	return query.String()
}

func TestGraphQLBatchesThatAreTooLarge(t *testing.T) {
	hub := githubtest.New(githubtest.Options{})
	hub.AddCompany("acme", 10)
	hub.Account("acme").AddMember(hub.AddUser("alice", githubtest.Profile{}), "member")
	token := hub.Token("alice")
	hub.Limits.Resources = 3
	a := ask(t, hub, token, batch(4), nil)
	want := []string{"RESOURCE_LIMITS_EXCEEDED[r3]", "RESOURCE_LIMITS_EXCEEDED[rateLimit]"}
	if diff := cmp.Diff(want, a.types()); diff != "" || a.Data["r2"] == nil || a.Data["r3"] != nil {
		t.Errorf("%s %+v", diff, a.Data)
	}
	hub.Limits.Resources, hub.Limits.Batch = 0, 3
	if a := ask(t, hub, token, batch(3), nil); a.status != http.StatusBadGateway {
		t.Errorf("a batch that is too large is answered by %d", a.status)
	}
	if a := ask(t, hub, token, batch(2), nil); a.Data["r1"] == nil {
		t.Errorf("a small one: %+v", a)
	}
	hub.NoGraphQL(http.StatusNotFound)
	if a := ask(t, hub, token, batch(2), nil); a.status != http.StatusNotFound {
		t.Errorf("without GraphQL it answers %d", a.status)
	}
}

// TestGraphQLFragmentsOfOneField: what two fragments ask of a field is answered together.
func TestGraphQLFragmentsOfOneField(t *testing.T) {
	hub := githubtest.New(githubtest.Options{})
	hub.AddRepository("acme/checkout", githubtest.Files{"a": "1"}, githubtest.Settings{})
	a := ask(t, hub, hub.Token("alice"), `{ repository(owner: "acme", name: "checkout") { ...A ...B } }
		fragment A on Repository { owner { login } object(expression: "HEAD:a") { ... on Blob { text } } }
		fragment B on Repository { owner { ... on User { email } ... on Organization { description } } object(expression: "HEAD:a") { ... on Tree { id } } }`, nil)
	want := object{"repository": object{"owner": object{"login": "acme", "description": nil}, "object": object{"text": "1"}}}
	if diff := cmp.Diff(want, a.Data); diff != "" {
		t.Error(diff)
	}
}
