package connect_test

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/scanners/github/connect"
)

func TestGraphQL(t *testing.T) {
	type viewer struct {
		Viewer struct{ Login string }
		Other  *struct{ Login string }
	}
	fine := answer{status: 200, body: `{"data":{"viewer":{"login":"jane"}}}`}
	limit := func(kind, message string) answer {
		return answer{200, map[string]string{"made": "in the test's time"}, `{"errors":[{"type":"` + kind + `","message":"` + message + `"}]}`, nil}
	}
	for name, test := range map[string]struct {
		answers []answer
		login   string // that is decoded
		sent    int
		atLeast time.Duration
		ends    func(error) bool // nil = well
		less    bool
	}{
		"fine": {answers: []answer{fine}, login: "jane", sent: 1},
		"a part is missing": {
			answers: []answer{{status: 200, body: `{"data":{"viewer":{"login":"jane"},"other":null},"errors":[{"type":"NOT_FOUND","path":["other","nodes",3],"message":"Could not\n resolve"}]}`}},
			login:   "jane", sent: 1, ends: func(err error) bool {
				var query *connect.QueryErrors
				return errors.As(err, &query) && cmp.Equal(query.Errors, []connect.QueryError{
					{Type: "NOT_FOUND", Path: []string{"other", "nodes", "3"}, Message: "Could not resolve"},
				})
			},
		},
		"single sign-on": {
			answers: []answer{{status: 200, body: `{"data":{"other":null},"errors":[{"type":"FORBIDDEN","path":["other"],"extensions":{"saml_failure":true},"message":"x"}]}`}},
			sent:    1, ends: func(err error) bool {
				var query *connect.QueryErrors
				return errors.As(err, &query) && query.Errors[0].SAML
			},
		},
		"limit":                {answers: []answer{limit("RATE_LIMITED", "API rate limit exceeded for user ID 1."), fine}, login: "jane", sent: 2, atLeast: 19 * time.Second},
		"limit, newly spelt":   {answers: []answer{limit("RATE_LIMIT", "API rate limit already exceeded for user ID 1."), fine}, login: "jane", sent: 2, atLeast: 19 * time.Second},
		"limit without a type": {answers: []answer{limit("", "API rate limit exceeded"), fine}, login: "jane", sent: 2, atLeast: 19 * time.Second},
		"secondary, 200": {
			answers: []answer{{200, map[string]string{"Retry-After": "12"}, `{"errors":[{"message":"You have exceeded a secondary rate limit. Please wait"}]}`, nil}, fine},
			login:   "jane", sent: 2, atLeast: 12 * time.Second,
		},
		"secondary, 403": {answers: []answer{{403, map[string]string{"Retry-After": "12"}, saysSecondary, nil}, fine}, login: "jane", sent: 2, atLeast: 12 * time.Second},
		"secondary, long": {
			answers: []answer{{200, map[string]string{"Retry-After": "1200"}, `{"errors":[{"message":"You have exceeded a secondary rate limit. Please wait"}]}`, nil}, fine},
			sent:    1, ends: func(err error) bool { return budgetError(err) != nil },
		},
		"none, 404": {answers: []answer{{status: 404, body: `{"message":"Not Found"}`}}, sent: 1, ends: none},
		"none, 403": {answers: []answer{{status: 403, body: `{"message":"GraphQL is disabled"}`}}, sent: 1, ends: none},
		"not let in": {
			answers: []answer{{status: 401, body: `{"message":"Bad credentials"}`}}, sent: 1,
			ends: func(err error) bool { return authError(err) != nil },
		},
		"a fault": {answers: []answer{{status: 502, body: "<html>"}, fine}, login: "jane", sent: 2, atLeast: time.Second / 4},
		"too much, 502": {
			answers: []answer{{status: 502, body: `{"data":null,"errors":[{"message":"Something went wrong while executing your query."}]}`}},
			sent:    2, ends: failed, less: true,
		},
		"too much, 504": {answers: []answer{{status: 504, body: `{"message":"We couldn't respond to your request in time."}`}}, sent: 2, ends: failed, less: true},
		"too much, resources": {
			answers: []answer{{status: 200, body: `{"data":{"viewer":null},"errors":[{"type":"RESOURCE_LIMITS_EXCEEDED","path":["viewer"],"message":"Resource limits for this query exceeded."}]}`}},
			sent:    1, ends: failed, less: true,
		},
		"too much, by its message": {
			answers: []answer{{status: 200, body: `{"data":null,"errors":[{"message":"Something went wrong while executing your query. Please include AB"}]}`}},
			sent:    1, ends: failed, less: true,
		},
		"wrong": {
			answers: []answer{{status: 200, body: `{"errors":[{"message":"Field 'x' doesn't exist on type 'Query'","extensions":{"code":"undefinedField"}}]}`}}, sent: 1,
			ends: func(err error) bool { return err != nil && strings.Contains(err.Error(), "doesn't exist") },
		},
		"nothing":    {answers: []answer{{status: 200, body: `{}`}}, sent: 1, ends: failed},
		"no JSON":    {answers: []answer{{status: 200, body: `<html>`}}, sent: 1, ends: failed},
		"other data": {answers: []answer{{status: 200, body: `{"data":{"viewer":7}}`}}, sent: 1, ends: failed},
		"network":    {answers: []answer{{err: io.ErrUnexpectedEOF}, fine}, login: "jane", sent: 2, atLeast: time.Second / 4},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for i, a := range test.answers {
					if a.header["made"] != "" {
						test.answers[i].header = limits("graphql", 5000, 0, 20*time.Second)
					}
				}
				f := &fake{reply: inTurn(test.answers...)}
				c := dial(t, f)
				begun := time.Now()
				var into viewer
				err := c.GraphQL(t.Context(), "acme", "query($n:Int){viewer{login}}", map[string]any{"n": 1}, &into)
				if test.ends == nil && err != nil || test.ends != nil && (err == nil || !test.ends(err)) {
					t.Errorf("ended with %v", err)
				}
				if got := connect.AskForLess(err); got != test.less {
					t.Errorf("to be asked for less: %t, of %v", got, err)
				}
				if into.Viewer.Login != test.login || f.sent() != test.sent || time.Since(begun) < test.atLeast {
					t.Errorf("%q by %d requests after %s", into.Viewer.Login, f.sent(), time.Since(begun))
				}
				for _, r := range f.requests {
					var asked struct {
						Query     string
						Variables map[string]int
					}
					if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || asked.Variables["n"] != 1 || asked.Query == "" ||
						r.URL.String() != "https://api.github.com/graphql" || r.Method != "POST" {
						t.Errorf("asked %+v of %s, %v", asked, r.URL, err)
					}
				}
			})
		})
	}
}

func none(err error) bool { return errors.Is(err, connect.ErrNoGraphQL) }

func failed(err error) bool { return err != nil }

// TestNoAnswer sees that a server which never answers holds nobody for ever.
func TestNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		f.reply = nil
		c := dial(t, f, func(config *connect.Config) { config.Transport = silent{} })
		err := c.GraphQL(t.Context(), "acme", "{viewer{login}}", nil, &struct{}{})
		if err == nil || !connect.AskForLess(err) || !strings.Contains(err.Error(), "no answer from GitHub within 1m") {
			t.Errorf("GraphQL: %v", err)
		}
		begun := time.Now()
		if err := get(t, c); err == nil || time.Since(begun) > 6*time.Minute {
			t.Errorf("REST: %v after %s", err, time.Since(begun))
		}
	})
}
