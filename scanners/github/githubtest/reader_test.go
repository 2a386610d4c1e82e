package githubtest_test

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/internal/testenv"
	"github.com/orrery-catalog/orrery/scanners"
	scanner "github.com/orrery-catalog/orrery/scanners/github"
	"github.com/orrery-catalog/orrery/scanners/github/connect"
	"github.com/orrery-catalog/orrery/scanners/github/githubtest"
)

// sink keeps what is reported.
type sink struct {
	mu     sync.Mutex
	scopes []scanners.Scope
}

func (s *sink) Report(_ context.Context, scope scanners.Scope) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scopes = append(s.scopes, scope)
	return nil
}

// names are the scopes, with what went wrong.
func (s *sink) names() (names []string) {
	for _, scope := range s.scopes {
		name := scope.Name
		if scope.State != scanners.Read {
			name += fmt.Sprint(" ", scope.State, " ", scope.Error)
		}
		names = append(names, name)
	}
	slices.SortFunc(names, cmp.Compare)
	return names
}

func scan(t *testing.T, transport http.RoundTripper, connection connect.Config, config scanner.Config) []string {
	t.Helper()
	connection.Transport = transport
	made, err := connect.New(connection)
	must(t, err)
	config.Connection = made
	s, err := scanner.New(config)
	must(t, err)
	reported := &sink{}
	_, err = s.Scan(t.Context(), nil, reported)
	must(t, err)
	return reported.names()
}

// TestReaderAsksWhatGitHubDescribes lets the scanner read in each of its ways while what it asks and is answered is compared
// with GitHub's descriptions: REST by a server in between, GraphQL by the schema.
func TestReaderAsksWhatGitHubDescribes(t *testing.T) {
	if testing.Short() {
		t.Skip("reading the description takes some ten seconds")
	}
	descriptions := testenv.GitHub(t)
	schema, err := githubtest.LoadSchema(descriptions.GraphQL)
	must(t, err)
	hub := githubtest.New(githubtest.Options{Schema: schema})
	acme := hub.AddOrganization("acme")
	alice := hub.AddUser("alice", githubtest.Profile{Name: "Alice"})
	acme.AddMember(alice, "admin")
	acme.AddTeam("payments", acme.AddTeam("all", nil, githubtest.TeamSettings{}), githubtest.TeamSettings{}).Add("maintainer", alice)
	hub.AddRepository("acme/checkout", githubtest.Files{
		"catalog-info.yaml": githubtest.ServiceFile(1, -1), "services/a/catalog-info.yaml": githubtest.ServiceFile(2, 1),
		".github/CODEOWNERS": "* @acme/payments\n",
	}, githubtest.Settings{Visibility: "private"})
	hub.AddRepository("acme/empty", nil, githubtest.Settings{})
	hub.AddRepository("alice/dotfiles", githubtest.Files{"catalog-info.yaml": githubtest.ServiceFile(3, -1)}, githubtest.Settings{})
	app, err := hub.AddApp("orrery")
	must(t, err)
	app.Install(acme)
	way := descriptions.Judge(t, hub)

	byToken := connect.Config{Token: hub.Token("alice")}
	byApp := connect.Config{App: &connect.App{ID: app.ID(), PrivateKey: app.PrivateKey()}}
	const root, deep = "github.com/acme/checkout/catalog-info.yaml", "github.com/acme/checkout/services/a/catalog-info.yaml"
	globs := []string{"**/catalog-info.yaml"}
	for name, c := range map[string]struct {
		connection connect.Config
		config     scanner.Config
		noGraphQL  int
		want       []string
	}{
		"a token":   {byToken, scanner.Config{Organizations: []string{"acme"}}, 0, []string{root}},
		"a user":    {byToken, scanner.Config{Users: []string{"alice"}}, 0, []string{"github.com/alice/dotfiles/catalog-info.yaml"}},
		"an app":    {byApp, scanner.Config{}, 0, []string{root}},
		"globs":     {byApp, scanner.Config{Organizations: []string{"acme"}, CatalogFiles: globs}, 0, []string{root, deep}},
		"teams":     {byToken, scanner.Config{Organizations: []string{"acme"}, Teams: true}, 0, []string{root, "teams/github.com/acme"}},
		"REST":      {byToken, scanner.Config{Organizations: []string{"acme"}, CatalogFiles: globs}, 404, []string{root, deep}},
		"app, REST": {byApp, scanner.Config{Organizations: []string{"acme"}, Teams: true}, 403, []string{root, "teams/github.com/acme"}},
	} {
		t.Run(name, func(t *testing.T) {
			hub.NoGraphQL(c.noGraphQL)
			hub.ForgetCalls()
			if diff := gocmp.Diff(c.want, scan(t, way, c.connection, c.config)); diff != "" {
				t.Error(diff)
			}
			for _, call := range hub.Calls() {
				if call.Endpoint == "" || call.Status >= 400 && call.Status != c.noGraphQL && !strings.Contains(call.URL, "/empty/") {
					t.Errorf("it asked %+v", call)
				}
			}
		})
	}
}

// TestReaderReadsGitHubsExamples lets the scanner read the examples of GitHub's description of REST.
func TestReaderReadsGitHubsExamples(t *testing.T) {
	if testing.Short() {
		t.Skip("reading the description takes some ten seconds")
	}
	mock, err := url.Parse(testenv.GitHub(t).Mock(t))
	must(t, err)
	way := &examples{mock: mock, asked: map[string]int{}}
	got := scan(t, way, connect.Config{Token: "ghp_token"}, scanner.Config{Organizations: []string{"acme"}, CatalogFiles: []string{"file.rb"}})
	if len(got) != 1 || !strings.HasPrefix(got[0], "github.com/octocat/Hello-World/ ") {
		t.Errorf("it reports %v", got) // the repository of the examples, whose file is not to be had
	}
	want := map[string]int{
		"/orgs/acme/repos": 200, "/repos/octocat/Hello-World/branches/master": 200,
		"/repos/octocat/Hello-World/git/trees/b4eecafa9be2f2006ce1b709d6857b07069b4608": 200,
	}
	if diff := gocmp.Diff(want, way.asked); diff != "" {
		t.Error(diff)
	}
}

// examples asks the server of examples, which knows neither GraphQL nor GitHub's own media types.
type examples struct {
	mock *url.URL

	mu    sync.Mutex
	asked map[string]int // the status by path
}

func (e *examples) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.URL.Path == "/graphql" || strings.Contains(request.Header.Get("Accept"), "raw") {
		return &http.Response{StatusCode: http.StatusNotFound, Body: http.NoBody, Header: http.Header{}, Request: request}, nil
	}
	request = request.Clone(request.Context())
	request.URL.Scheme, request.URL.Host, request.Host = e.mock.Scheme, e.mock.Host, e.mock.Host
	request.Header.Set("Accept", "application/json")
	answer, err := http.DefaultTransport.RoundTrip(request)
	if err == nil {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.asked[request.URL.Path] = answer.StatusCode
	}
	return answer, err
}
