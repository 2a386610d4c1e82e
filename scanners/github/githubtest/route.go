package githubtest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
)

// endpoints are all that REST answers, by method and path. "..." takes slashes too.
func endpoints() map[string]answerer {
	return map[string]answerer{
		"GET /meta":                                                       func(*call) *reply { return ok(object{"verifiable_password_authentication": false}) },
		"GET /rate_limit":                                                 (*call).rateLimit,
		"GET /search/issues":                                              (*call).searchIssues,
		"GET /user":                                                       (*call).getViewer,
		"GET /users/{username}":                                           (*call).getAccount,
		"GET /orgs/{org}":                                                 (*call).getOrganization,
		"GET /orgs/{org}/repos":                                           (*call).listOrganizationRepositories,
		"GET /users/{username}/repos":                                     (*call).listUserRepositories,
		"GET /user/repos":                                                 (*call).listViewerRepositories,
		"GET /repos/{owner}/{repo}":                                       (*call).getRepository,
		"GET /repos/{owner}/{repo}/branches":                              (*call).listBranches,
		"GET /repos/{owner}/{repo}/branches/{branch...}":                  (*call).getBranch,
		"GET /repos/{owner}/{repo}/commits":                               (*call).listCommits,
		"GET /repos/{owner}/{repo}/commits/{ref...}":                      (*call).getCommit,
		"GET /repos/{owner}/{repo}/compare/{basehead...}":                 (*call).compareCommits,
		"GET /repos/{owner}/{repo}/git/ref/{ref...}":                      (*call).getRef,
		"GET /repos/{owner}/{repo}/git/matching-refs/{ref...}":            (*call).matchingRefs,
		"GET /repos/{owner}/{repo}/git/commits/{commit_sha}":              (*call).getGitCommit,
		"GET /repos/{owner}/{repo}/git/trees/{tree_sha...}":               (*call).getTree,
		"GET /repos/{owner}/{repo}/git/blobs/{file_sha}":                  (*call).getBlob,
		"GET /repos/{owner}/{repo}/pulls":                                 (*call).listPulls,
		"POST /repos/{owner}/{repo}/pulls":                                (*call).createPull,
		"GET /repos/{owner}/{repo}/pulls/{pull_number}":                   (*call).getPull,
		"PATCH /repos/{owner}/{repo}/pulls/{pull_number}":                 (*call).updatePull,
		"GET /repos/{owner}/{repo}/pulls/{pull_number}/files":             (*call).listPullFiles,
		"GET /repos/{owner}/{repo}/pulls/{pull_number}/commits":           (*call).listPullCommits,
		"GET /repos/{owner}/{repo}/commits/{commit_sha}/pulls":            (*call).listPullsWithCommit,
		"GET /repos/{owner}/{repo}/issues/{issue_number}/comments":        (*call).listComments,
		"POST /repos/{owner}/{repo}/issues/{issue_number}/comments":       (*call).createComment,
		"POST /repos/{owner}/{repo}/git/refs":                             (*call).createRef,
		"PATCH /repos/{owner}/{repo}/git/refs/{ref...}":                   (*call).updateRef,
		"DELETE /repos/{owner}/{repo}/git/refs/{ref...}":                  (*call).deleteRef,
		"POST /repos/{owner}/{repo}/git/blobs":                            (*call).createBlob,
		"POST /repos/{owner}/{repo}/git/trees":                            (*call).createTree,
		"POST /repos/{owner}/{repo}/git/commits":                          (*call).createCommit,
		"PUT /repos/{owner}/{repo}/contents/{path...}":                    (*call).putContents,
		"DELETE /repos/{owner}/{repo}/contents/{path...}":                 (*call).deleteContents,
		"POST /repos/{owner}/{repo}/check-runs":                           (*call).createCheck,
		"GET /repos/{owner}/{repo}/check-runs/{check_run_id}":             (*call).getCheck,
		"PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}":           (*call).updateCheck,
		"GET /repos/{owner}/{repo}/check-runs/{check_run_id}/annotations": (*call).listAnnotations,
		"GET /repos/{owner}/{repo}/commits/{ref}/check-runs":              (*call).listChecks,
		"POST /repos/{owner}/{repo}/statuses/{sha}":                       (*call).createStatus,
		"GET /repos/{owner}/{repo}/commits/{ref}/statuses":                (*call).listStatuses,
		"GET /app":               (*call).getApp,
		"GET /app/installations": (*call).listInstallations,
		"GET /app/installations/{installation_id}":                (*call).getInstallation,
		"POST /app/installations/{installation_id}/access_tokens": (*call).createToken,
		"GET /orgs/{org}/installation":                            (*call).getInstallationOf,
		"GET /users/{username}/installation":                      (*call).getInstallationOf,
		"GET /repos/{owner}/{repo}/installation":                  (*call).getInstallationOf,
		"GET /installation/repositories":                          (*call).listInstallationRepositories,
		"GET /orgs/{org}/teams":                                   (*call).listTeams,
		"GET /orgs/{org}/teams/{team_slug}":                       (*call).getTeam,
		"GET /orgs/{org}/teams/{team_slug}/members":               (*call).listTeamMembers,
		"GET /orgs/{org}/teams/{team_slug}/teams":                 (*call).listChildTeams,
		"GET /orgs/{org}/members":                                 (*call).listMembers,
		"GET /repos/{owner}/{repo}/contents":                      (*call).getContents,
		"GET /repos/{owner}/{repo}/contents/{path...}":            (*call).getContents,
	}
}

// routes leads requests to endpoints.
func (g *GitHub) routes() http.Handler {
	roots := make(map[string]http.Handler) // by what stands before the paths of REST
	for _, prefix := range []string{"", "/api/v3"} {
		mux := http.NewServeMux()
		for pattern, answer := range endpoints() {
			name := endpointName(pattern)
			mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
				g.serve(name, address(r)+prefix, answer).ServeHTTP(w, r)
			})
		}
		mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
			g.serve("", address(r)+prefix, func(*call) *reply { return notFound() }).ServeHTTP(w, r)
		})
		roots[prefix] = mux
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/graphql" || r.URL.Path == "/api/graphql" {
			g.serve("POST /graphql", address(r), (*call).graphQL).ServeHTTP(w, r)
			return
		}
		prefix := ""
		if strings.HasPrefix(r.URL.Path, "/api/v3/") {
			prefix = "/api/v3"
		}
		// By id: what redirects lead to.
		http.StripPrefix(prefix, g.byID(roots[prefix])).ServeHTTP(w, r)
	})
}

// byID answers for /repositories/{id}… and /organizations/{id}… what the same with the name would.
func (g *GitHub) byID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		parts := strings.SplitN(r.URL.EscapedPath(), "/", 4)
		if len(parts) > 2 {
			id, err := strconv.ParseInt(parts[2], 10, 64)
			name := ""
			g.mu.Lock()
			if repository := g.repositories[id]; err == nil && parts[1] == "repositories" && repository != nil {
				name = "/repos/" + repository.fullName()
			} else if account := g.accountByID(id); err == nil && parts[1] == "organizations" && account != nil {
				name = "/orgs/" + account.login
			}
			g.mu.Unlock()
			if name != "" {
				r = r.Clone(r.Context())
				r.URL.RawPath = strings.Join(append([]string{name}, parts[3:]...), "/")
				r.URL.Path = name + strings.TrimPrefix(r.URL.Path, "/"+parts[1]+"/"+parts[2])
			}
		}
		next.ServeHTTP(w, r)
	})
}

// address is where the client reached us.
func address(r *http.Request) string {
	if r.URL.Scheme != "" { // by RoundTrip
		return r.URL.Scheme + "://" + r.Host
	}
	return "http://" + r.Host
}

// RoundTrip answers without a network, whatever the host: also in a bubble of testing/synctest.
func (g *GitHub) RoundTrip(r *http.Request) (*http.Response, error) {
	asked := r.Clone(r.Context())
	if asked.Body == nil {
		asked.Body = http.NoBody
	}
	defer func() { _ = asked.Body.Close() }()
	if asked.Host == "" {
		asked.Host = r.URL.Host
	}
	recorder := httptest.NewRecorder()
	done := make(chan any, 1)
	go func() {
		defer func() { done <- recover() }()
		g.ServeHTTP(recorder, asked)
	}()
	select {
	case ended := <-done:
		if ended == http.ErrAbortHandler { //nolint:errorlint // what is recovered is the value itself
			return nil, io.ErrUnexpectedEOF
		} else if ended != nil {
			panic(ended)
		}
	case <-r.Context().Done():
		<-done
		return nil, context.Cause(r.Context())
	}
	response := recorder.Result()
	response.Request = r
	if length := recorder.Header().Get("Content-Length"); length != "" && length != strconv.Itoa(recorder.Body.Len()) {
		response.Body = io.NopCloser(io.MultiReader(bytes.NewReader(recorder.Body.Bytes()), cutOff{}))
	}
	return response, nil
}

// cutOff is where a connection ended too early.
type cutOff struct{}

func (cutOff) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// Endpoints are all that REST answers, as in [Call].
func Endpoints() (names []string) {
	for pattern := range endpoints() {
		names = append(names, endpointName(pattern))
	}
	slices.Sort(names)
	return names
}

func endpointName(pattern string) string { return strings.ReplaceAll(pattern, "...}", "}") }
