package testenv

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// violations is the header in which Prism tells what a description does not allow.
const violations = "Sl-Violations"

// Judge sends requests of any host to a GitHub of tests, and fails the test where GitHub's description of REST does not allow
// a request or its answer. What that does not tell of, GraphQL and raw content, goes to the GitHub unjudged.
func (g GitHubDescriptions) Judge(t testing.TB, behind http.Handler) http.RoundTripper {
	t.Helper()
	server := httptest.NewServer(behind)
	t.Cleanup(server.Close)
	plain, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	checked, err := url.Parse(g.serve(t, "proxy", g.OpenAPI, server.URL))
	if err != nil {
		t.Fatal(err)
	}
	return &judge{t, plain, checked}
}

type judge struct {
	t              testing.TB
	plain, checked *url.URL
}

// namesWithSlashes are paths that end in the name of a ref or of a file.
var namesWithSlashes = regexp.MustCompile(`^(.*/git/(?:ref|refs|matching-refs)/|.*/contents/)(.+)$`)

// RoundTrip implements [http.RoundTripper].
func (j *judge) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	to := j.checked
	if r.URL.Path == "/graphql" || strings.Contains(r.Header.Get("Accept"), "raw") {
		to = j.plain
	} else if parts := namesWithSlashes.FindStringSubmatch(r.URL.Path); parts != nil { // Prism takes a name for one segment
		r.URL.RawPath = parts[1] + url.PathEscape(parts[2])
	}
	r.URL.Scheme, r.URL.Host, r.Host = to.Scheme, to.Host, to.Host
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	// Its list of installations wants an account to be a user and an enterprise at once, unlike its single installation; and it
	// does not tell of each refusal.
	refused := answer.StatusCode >= http.StatusBadRequest && strings.Contains(answer.Header.Get(violations), "Unable to match the returned status code")
	if wrong := answer.Header.Get(violations); wrong != "" && !refused && r.URL.Path != "/app/installations" {
		j.t.Errorf("%s %s: %d: %s", r.Method, r.URL.Path, answer.StatusCode, wrong)
	}
	return answer, nil
}
