package connect_test

import (
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-github/v60/github"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/orrery-catalog/orrery/scanners/github/connect"
)

const (
	saysSecondary = `{"message":"You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",` +
		`"documentation_url":"https://docs.github.com/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits"}`
	saysPrimary = `{"message":"API rate limit exceeded for user ID 1.",` +
		`"documentation_url":"https://docs.github.com/rest/overview/rate-limits-for-the-rest-api"}`
	saysForbidden = `{"message":"Resource not accessible by integration","documentation_url":"https://docs.github.com/rest"}`
	saysAbuse     = `{"message":"You have triggered an abuse detection mechanism. Please wait a few minutes before you try again.",` +
		`"documentation_url":"https://developer.github.com/v3/#abuse-rate-limits"}`
)

// TestAnswers goes through what GitHub answers: how a call ends, how often it was sent, and how long it took.
func TestAnswers(t *testing.T) {
	fine := answer{status: 200, body: `{"id":1}`}
	plain := func(status int) func(error) bool {
		return func(err error) bool {
			var plain *github.ErrorResponse
			return errors.As(err, &plain) && plain.Response.StatusCode == status
		}
	}
	good := func(err error) bool { return err == nil }
	spent := func(resource string) func(error) bool {
		return func(err error) bool { return budgetError(err) != nil && budgetError(err).Resource == resource }
	}
	outside := func(status int) func(error) bool {
		return func(err error) bool { return authError(err) != nil && authError(err).Status == status }
	}
	for name, test := range map[string]struct {
		answers       func() []answer // made in the test's time
		ends          func(error) bool
		sent          int
		atLeast, most time.Duration
	}{
		"fine": {func() []answer { return []answer{fine} }, good, 1, 0, 0},
		"secondary, with a time": {func() []answer {
			return []answer{{403, with(limits("core", 5000, 4000, time.Hour), "Retry-After", "30"), saysSecondary, nil}, fine}
		}, good, 2, 30 * time.Second, 31 * time.Second},
		"secondary as 429": {func() []answer {
			return []answer{{429, with(limits("core", 5000, 4000, time.Hour), "Retry-After", "2"), saysSecondary, nil}, fine}
		}, good, 2, 2 * time.Second, 3 * time.Second},
		"429 that says nothing": {func() []answer { return []answer{{status: 429}, fine} }, good, 2, time.Minute, 61 * time.Second},
		"a time of zero": {func() []answer {
			return []answer{{429, map[string]string{"Retry-After": "0"}, "", nil}, fine}
		}, good, 2, time.Second, 2 * time.Second},
		"a time as a date": {func() []answer {
			return []answer{{429, map[string]string{"Retry-After": time.Now().Add(20 * time.Second).UTC().Format(http.TimeFormat)}, "", nil}, fine}
		}, good, 2, 19 * time.Second, 21 * time.Second},
		"a time that is none": {func() []answer {
			return []answer{{403, map[string]string{"Retry-After": "soon"}, saysSecondary, nil}, fine}
		}, good, 2, time.Minute, 61 * time.Second},
		"secondary, long": {func() []answer {
			return []answer{{403, map[string]string{"Retry-After": "600"}, saysSecondary, nil}, fine}
		}, spent("secondary"), 1, 0, 0},
		"secondary, absurdly long": {func() []answer {
			return []answer{{403, map[string]string{"Retry-After": "99999999999"}, saysSecondary, nil}, fine}
		}, spent("secondary"), 1, 0, 0},
		"secondary without a time, the reset is that of another limit": {func() []answer {
			return []answer{{403, limits("core", 5000, 4000, 50*time.Minute), saysSecondary, nil}, fine}
		}, good, 2, time.Minute, 61 * time.Second},
		"secondary with nothing remaining": {func() []answer {
			return []answer{{403, with(limits("core", 5000, 0, 50*time.Second), "Retry-After", "5"), saysSecondary, nil}, fine}
		}, good, 2, 50 * time.Second, 51 * time.Second},
		"secondary again and again": {
			func() []answer { return []answer{{status: 403, body: saysSecondary}} },
			spent("secondary"), 2, time.Minute, 61 * time.Second,
		},
		"short refusals without end": {func() []answer {
			return []answer{{429, map[string]string{"Retry-After": "1"}, saysSecondary, nil}}
		}, spent("secondary"), 4, 3 * time.Second, 5 * time.Second},
		"abuse, as older servers say": {func() []answer { return []answer{{status: 403, body: saysAbuse}, fine} }, good, 2, time.Minute, 61 * time.Second},
		"primary": {func() []answer {
			return []answer{{403, limits("core", 5000, 0, 20*time.Minute), saysPrimary, nil}, fine}
		}, spent("core"), 1, 0, 0},
		"primary as 429": {func() []answer {
			return []answer{{429, limits("core", 5000, 0, 20*time.Minute), saysPrimary, nil}, fine}
		}, spent("core"), 1, 0, 0},
		"primary, about to end": {func() []answer {
			return []answer{{403, limits("core", 5000, 0, 40*time.Second), saysPrimary, nil}, fine}
		}, good, 2, 39 * time.Second, 42 * time.Second},
		"primary that ended by our clock": {func() []answer {
			return []answer{{403, limits("core", 5000, 0, -40*time.Second), saysPrimary, nil}, fine}
		}, good, 2, time.Minute, 61 * time.Second},
		"primary that ends in a hundred years": {func() []answer {
			return []answer{{403, limits("core", 5000, 0, 876000*time.Hour), saysPrimary, nil}, fine}
		}, func(err error) bool {
			return budgetError(err) != nil && budgetError(err).Reset.Before(time.Now().Add(3*time.Hour))
		}, 1, 0, 0},
		"primary without headers": {func() []answer { return []answer{{status: 403, body: saysPrimary}, fine} }, good, 2, time.Minute, 61 * time.Second},
		"a permission": {func() []answer {
			return []answer{{403, limits("core", 5000, 4000, time.Hour), saysForbidden, nil}}
		}, plain(403), 1, 0, 0},
		"a permission, by the last request of a period": {func() []answer {
			return []answer{{403, limits("core", 5000, 0, time.Hour), saysForbidden, nil}}
		}, plain(403), 1, 0, 0},
		"a page of a proxy": {func() []answer { return []answer{{status: 403, body: "<html>rate limit"}} }, plain(403), 1, 0, 0},
		"not found":         {func() []answer { return []answer{{status: 404, body: `{"message":"Not Found"}`}} }, plain(404), 1, 0, 0},
		"blocked":           {func() []answer { return []answer{{status: 451, body: `{"message":"Repository access blocked"}`}} }, plain(451), 1, 0, 0},
		"an expired token": {func() []answer {
			return []answer{{status: 401, body: `{"message":"Bad credentials","documentation_url":"https://docs.github.com/rest"}`}}
		}, outside(401), 1, 0, 0},
		"single sign-on": {func() []answer {
			return []answer{{
				403,
				map[string]string{"X-GitHub-SSO": "required; url=https://github.com/orgs/acme/sso?authorization_request=AB"},
				`{"message":"Resource protected by organization SAML enforcement. You must grant your Personal Access token access to this organization."}`, nil,
			}}
		}, outside(403), 1, 0, 0},
		"a list of addresses": {func() []answer {
			return []answer{{status: 403, body: "{\"message\":\"Although you appear to have the correct authorization credentials, the `acme` organization has an IP allow list enabled, and your IP address is not permitted to access this resource.\"}"}}
		}, outside(403), 1, 0, 0},
		"faults that pass": {func() []answer {
			return []answer{{status: 502}, {status: 503}, {status: 500}, {status: 504}, fine}
		}, good, 5, 3 * time.Second, 12 * time.Second},
		"faults that stay": {func() []answer { return []answer{{status: 502, body: "<html>"}} }, plain(502), 5, 3 * time.Second, 12 * time.Second},
		"maintenance, with a time": {func() []answer {
			return []answer{{503, map[string]string{"Retry-After": "25"}, "", nil}, fine}
		}, good, 2, 25 * time.Second, 25 * time.Second},
		"maintenance for long": {func() []answer {
			return []answer{{503, map[string]string{"Retry-After": "3600"}, "", nil}}
		}, plain(503), 1, 0, 0},
		"the network": {
			func() []answer {
				return []answer{{err: io.ErrUnexpectedEOF}, {err: errors.New("connection reset")}, fine}
			},
			good, 3, time.Second / 2, 3 * time.Second,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fake{reply: inTurn(test.answers()...)}
				c := dial(t, f)
				begun := time.Now()
				err := get(t, c)
				if took := time.Since(begun); !test.ends(err) || took < test.atLeast || took > test.most {
					t.Errorf("after %s: %v; want %s to %s", took, err, test.atLeast, test.most)
				}
				if f.sent() != test.sent {
					t.Errorf("%d requests, want %d", f.sent(), test.sent)
				}
			})
		})
	}
}

// TestNotRepeated sees that what changes something is sent once, but for what a limit refused, which was not done.
func TestNotRepeated(t *testing.T) {
	for name, test := range map[string]struct {
		first answer
		sent  int
	}{
		"a fault":     {answer{status: 502}, 1},
		"the network": {answer{err: io.ErrUnexpectedEOF}, 1},
		"a limit":     {answer{429, map[string]string{"Retry-After": "3"}, saysSecondary, nil}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fake{reply: inTurn(test.first, answer{status: 201, body: `{"id":7}`})}
				client, err := dial(t, f).REST(t.Context(), "acme")
				if err != nil {
					t.Fatal(err)
				}
				_, _, err = client.Checks.CreateCheckRun(t.Context(), "acme", "shop", github.CreateCheckRunOptions{Name: "orrery", HeadSHA: "abc"})
				if f.sent() != test.sent || (err == nil) != (test.sent > 1) {
					t.Errorf("%d requests, want %d; %v", f.sent(), test.sent, err)
				}
				for _, r := range f.requests {
					if body, _ := io.ReadAll(r.Body); len(body) == 0 {
						t.Error("a request was sent without its body")
					}
				}
			})
		})
	}
}

// TestEndsWithContext sees that nobody waits for a limit or for another try longer than the context lives.
func TestEndsWithContext(t *testing.T) {
	for name, a := range map[string]answer{
		"limit": {429, map[string]string{"Retry-After": "59"}, saysSecondary, nil}, "fault": {503, map[string]string{"Retry-After": "59"}, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := dial(t, &fake{reply: inTurn(a)})
				ctx, cancel := contextFor(t, 10*time.Second)
				defer cancel()
				client, err := c.REST(ctx, "acme")
				if err != nil {
					t.Fatal(err)
				}
				begun := time.Now()
				if _, _, err := client.Repositories.Get(ctx, "acme", "shop"); err == nil || ctx.Err() == nil {
					t.Errorf("ended with %v", err)
				}
				if took := time.Since(begun); took != 10*time.Second {
					t.Errorf("took %s", took)
				}
			})
		})
	}
}

func TestMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := prometheus.NewRegistry()
		f := &fake{reply: inTurn(answer{status: 502}, answer{429, map[string]string{"Retry-After": "7"}, saysSecondary, nil},
			answer{200, limits("core", 5000, 4321, time.Hour), `{}`, nil}, answer{status: 404, body: `{}`})}
		c := dial(t, f, func(config *connect.Config) { config.Metrics = registry })
		if err := get(t, c); err != nil {
			t.Fatal(err)
		}
		client, err := c.REST(t.Context(), "acme")
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{
			"orgs/acme/teams/payments/members", "repos/repos/contents/contents/a/files/b/users/c.yaml", "repos/acme/shop/git/trees/abc?recursive=1",
			"repos/acme/shop/git/ref/heads/a/b", "repositories/12/branches/x/y", "unheard/of/thing/users", "users/users/installation", "",
		} {
			request, err := client.NewRequest(http.MethodGet, path, nil)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = client.Do(t.Context(), request, nil)
		}
		gathered, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]bool{}
		for _, family := range gathered {
			for _, metric := range family.GetMetric() {
				key := family.GetName()
				for _, label := range metric.GetLabel() {
					key += " " + label.GetValue()
				}
				found[key] = true
			}
		}
		for _, want := range []string{
			"orrery_github_requests_total /repos/*/* GET acme 502", "orrery_github_requests_total /repos/*/* GET acme 429",
			"orrery_github_requests_total /repos/*/* GET acme 200", "orrery_github_requests_total /orgs/*/teams/*/members GET acme 404",
			"orrery_github_requests_total /repos/*/*/contents/* GET acme 404", "orrery_github_requests_total /repos/*/*/git/trees/* GET acme 404",
			"orrery_github_requests_total /repos/*/*/git/ref/* GET acme 404", "orrery_github_requests_total /repositories/*/branches/* GET acme 404",
			"orrery_github_requests_total /*/*/*/users GET acme 404", "orrery_github_requests_total /users/*/installation GET acme 404",
			"orrery_github_retries_total 502 acme", "orrery_github_limit_wait_seconds_total secondary acme",
			"orrery_github_budget_limit token core acme", "orrery_github_budget_remaining token core acme",
		} {
			if !found[want] {
				t.Errorf("no metric %q in %v", want, found)
			}
		}
	})
}
