package connect_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/orrery-catalog/orrery/scanners/github/connect"
)

// FuzzAnswer sees that no answer makes a call panic, hang, or ask without end, and that what is known of budgets stays within
// reason.
func FuzzAnswer(f *testing.F) {
	f.Add(403, "60", "0", "1700000000", "5000", "core", `"tag"`, saysSecondary)
	f.Add(200, "", "4999", "99999999999999", "5000", "graphql", "", `{"data":{},"errors":[{"type":"RATE_LIMITED","message":"API rate limit"}]}`)
	f.Add(503, "Wed, 21 Oct 2026 07:28:00 GMT", "-1", "x", "0", "", "", "<html>")
	f.Add(304, "0", "", "", "", "", "", "")
	f.Fuzz(func(t *testing.T, status int, retryAfter, remaining, reset, limit, resource, etag, body string) {
		if status < 200 || status > 599 {
			t.Skip()
		}
		synctest.Test(t, func(t *testing.T) {
			f := &fake{reply: inTurn(answer{status, map[string]string{
				"Retry-After": retryAfter, "X-RateLimit-Remaining": remaining, "X-RateLimit-Reset": reset, "X-RateLimit-Limit": limit,
				"X-RateLimit-Resource": resource, "ETag": etag, "X-GitHub-SSO": body,
			}, body, nil})}
			c := dial(t, f, func(config *connect.Config) { config.Reserve = 0.1 })
			client, err := c.REST(t.Context(), "acme")
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				begun, sent := time.Now(), f.sent()
				_, _, _ = client.Repositories.Get(connect.Keep(t.Context(), nil), "acme", "shop")
				_ = c.GraphQL(t.Context(), "acme", "{viewer{login}}", nil, &struct{}{})
				if took := time.Since(begun); took > 20*time.Minute || f.sent()-sent > 2*5 {
					t.Errorf("%s, %d requests", took, f.sent()-sent)
				}
			}
			for _, budget := range c.Budgets() {
				if budget.Limit <= 0 || budget.Remaining < 0 || budget.Reset.After(time.Now().Add(3*time.Hour)) {
					t.Errorf("budget %+v", budget)
				}
			}
			c.Cache().Import(c.Cache().Export())
		})
	})
}
