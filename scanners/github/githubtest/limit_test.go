package githubtest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-github/v60/github"

	"github.com/orrery-catalog/orrery/scanners/github/githubtest"
)

func TestPrimaryLimit(t *testing.T) {
	hub, token, at := company(1)
	hub.Limits.Core = 2
	ctx, asked := t.Context(), client(hub, token)
	for range 2 {
		_, _, err := asked.Organizations.Get(ctx, "acme")
		must(t, err)
	}
	limit := (*github.RateLimitError)(nil)
	if _, _, err := asked.Repositories.Get(ctx, "acme", "service-00000"); !errors.As(err, &limit) {
		t.Fatalf("the third request: %v", err)
	}
	if want := at.at.Add(time.Hour); !limit.Rate.Reset.Equal(github.Timestamp{Time: want}) {
		t.Errorf("it is reset at %v", limit.Rate.Reset)
	}
	rates, _, err := client(hub, token).RateLimit.Get(ctx) // free of charge
	if err != nil || rates.Core.Remaining != 0 || rates.GraphQL.Remaining != 5000 {
		t.Errorf("%v %v", rates, err)
	}
	at.at = at.at.Add(time.Hour)
	_, _, err = client(hub, token).Organizations.Get(ctx, "acme")
	must(t, err)
}

func TestSecondaryLimit(t *testing.T) {
	hub, token, at := company(1)
	hub.Limits.PointsAt = 3
	ctx := t.Context()
	for range 3 {
		_, _, err := client(hub, token).Organizations.Get(ctx, "acme")
		must(t, err)
	}
	at.at = at.at.Add(20 * time.Second)
	limit := (*github.AbuseRateLimitError)(nil)
	if _, _, err := client(hub, token).Organizations.Get(ctx, "acme"); !errors.As(err, &limit) || *limit.RetryAfter != 40*time.Second {
		t.Fatalf("the fourth request: %v", err)
	}
	at.at = at.at.Add(40 * time.Second)
	_, _, err := client(hub, token).Organizations.Get(ctx, "acme")
	must(t, err)
}

func TestFaults(t *testing.T) {
	hub, token, _ := company(1)
	address := hub.Start(t)
	for name, asked := range map[string]func() *github.Client{
		"in process": func() *github.Client { return client(hub, token) },
		"over HTTP": func() *github.Client {
			c, err := github.NewClient(nil).WithAuthToken(token).WithEnterpriseURLs(address, address)
			must(t, err)
			return c
		},
	} {
		t.Run(name, func(t *testing.T) {
			fault := func(f githubtest.Failure) error {
				hub.Fail(githubtest.Fault{Endpoint: "GET /orgs/{org}", Fail: f})
				_, _, err := asked().Organizations.Get(t.Context(), "acme")
				if err == nil {
					t.Error("nothing went wrong")
				}
				hub.Mend()
				return err
			}
			status := func(err error) int {
				if refused := (*github.ErrorResponse)(nil); errors.As(err, &refused) {
					return refused.Response.StatusCode
				}
				return 0
			}
			if err := fault(githubtest.Status(502)); status(err) != 502 {
				t.Errorf("a status: %v", err)
			}
			if err := fault(githubtest.Refused(401, "Bad credentials")); status(err) != 401 {
				t.Errorf("a refusal: %v", err)
			}
			if err := fault(githubtest.Cut()); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("a body that is cut: %v", err)
			}
			if err := fault(githubtest.BrokenJSON()); err.Error() != "unexpected EOF" {
				t.Errorf("broken JSON: %v", err)
			}
			if err := fault(githubtest.Dropped()); !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("a connection that ends: %v", err)
			}
			limit := (*github.AbuseRateLimitError)(nil)
			if err := fault(githubtest.SecondaryLimit(403, 7*time.Second)); !errors.As(err, &limit) || *limit.RetryAfter != 7*time.Second {
				t.Errorf("a secondary limit: %v", err)
			}
			if err := fault(githubtest.SecondaryLimit(403, -1)); !errors.As(err, &limit) || limit.RetryAfter != nil {
				t.Errorf("a secondary limit without a time: %v", err)
			}
			primary := (*github.RateLimitError)(nil)
			if err := fault(githubtest.PrimaryLimit(time.Now().Add(time.Minute))); !errors.As(err, &primary) {
				t.Errorf("a primary limit: %v", err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer cancel()
			hub.Fail(githubtest.Fault{Fail: githubtest.Slow(time.Hour)})
			if _, _, err := asked().Organizations.Get(ctx, "acme"); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a slow answer: %v", err)
			}
			hub.Mend()
			_, _, err := asked().Organizations.Get(t.Context(), "acme")
			must(t, err)
		})
	}
}

func TestFaultsByScript(t *testing.T) {
	hub, token, _ := company(1)
	hub.Fail(githubtest.Fault{
		Endpoint: "GET /repos/{owner}/{repo}", After: 1, Times: 2, Fail: githubtest.Status(500),
		Fits: func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/service-00000") },
	})
	var statuses []int
	for _, path := range []string{"repos/acme/service-00000", "orgs/acme", "repos/acme/nothing"} {
		for range 4 {
			answer, _ := get(t, hub, token, "/"+path)
			statuses = append(statuses, answer.StatusCode)
		}
	}
	if diff := cmp.Diff([]int{200, 500, 500, 200, 200, 200, 200, 200, 404, 404, 404, 404}, statuses); diff != "" {
		t.Error(diff)
	}
}
