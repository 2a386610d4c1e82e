package connect_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/orrery-catalog/orrery/scanners/github/connect"
)

// answer is what the fake says to one request.
type answer struct {
	status int
	header map[string]string
	body   string
	err    error
}

// fake is a GitHub in memory, so that time can be that of a test.
type fake struct {
	reply func(r *http.Request) answer

	mu       sync.Mutex
	requests []*http.Request
	now, top int // under way, and the most there ever were
}

// RoundTrip implements [http.RoundTripper].
func (f *fake) RoundTrip(r *http.Request) (*http.Response, error) {
	f.mu.Lock()
	f.requests = append(f.requests, r)
	f.now++
	f.top = max(f.top, f.now)
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		f.now--
		f.mu.Unlock()
	}()
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	a := f.reply(r)
	if a.err != nil {
		return nil, a.err
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	header := http.Header{}
	for name, value := range a.header {
		header.Set(name, value)
	}
	return &http.Response{
		StatusCode: a.status, Status: http.StatusText(a.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: header,
		Body: io.NopCloser(strings.NewReader(a.body)), ContentLength: int64(len(a.body)), Request: r,
	}, nil
}

func (f *fake) sent() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.requests)
}

// inTurn answers each request with the next, and all after the last with that.
func inTurn(answers ...answer) func(*http.Request) answer {
	var mu sync.Mutex
	next := 0
	return func(*http.Request) answer {
		mu.Lock()
		defer mu.Unlock()
		a := answers[min(next, len(answers)-1)]
		next++
		return a
	}
}

// limits are the headers of a limit that ends after a time.
func limits(resource string, limit, remaining int, ends time.Duration) map[string]string {
	return map[string]string{
		"X-RateLimit-Limit": strconv.Itoa(limit), "X-RateLimit-Remaining": strconv.Itoa(remaining),
		"X-RateLimit-Used": strconv.Itoa(limit - remaining), "X-RateLimit-Resource": resource,
		"X-RateLimit-Reset": strconv.FormatInt(time.Now().Add(ends).Unix(), 10),
	}
}

func with(headers map[string]string, name, value string) map[string]string {
	headers[name] = value
	return headers
}

const token = "ghp_0123456789abcdefghijklmnopqrstuvwxyz"

// dial connects to a fake with a token.
func dial(t *testing.T, f *fake, change ...func(*connect.Config)) *connect.Connection {
	t.Helper()
	config := connect.Config{Token: token, Transport: f, Source: "acme", Metrics: prometheus.NewRegistry()}
	for _, one := range change {
		one(&config)
	}
	c, err := connect.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// get asks for a repository, and says how it ended in a word.
func get(t *testing.T, c *connect.Connection) error {
	t.Helper()
	client, err := c.REST(t.Context(), "acme")
	if err != nil {
		return err
	}
	_, _, err = client.Repositories.Get(t.Context(), "acme", "shop")
	return err
}

func budgetError(err error) *connect.BudgetError {
	var budget *connect.BudgetError
	if errors.As(err, &budget) {
		return budget
	}
	return nil
}

func authError(err error) *connect.AuthError {
	var auth *connect.AuthError
	if errors.As(err, &auth) {
		return auth
	}
	return nil
}

func contextFor(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithTimeout(t.Context(), d)
}
