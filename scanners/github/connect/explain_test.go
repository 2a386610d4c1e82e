package connect_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-github/v60/github"

	"github.com/orrery-catalog/orrery/scanners/github/connect"
)

// TestExplain holds that an error of a call says what is wrong and what to do, without the address that was asked.
func TestExplain(t *testing.T) {
	asked, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://api.github.com/orgs/acme/repos?per_page=100&page=24", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer := func(status int, said string, header ...string) error {
		h := http.Header{}
		for i := 0; i < len(header); i += 2 {
			h.Set(header[i], header[i+1])
		}
		return &github.ErrorResponse{Response: &http.Response{Request: asked, StatusCode: status, Header: h}, Message: said}
	}
	lost := func(why error) error { return &url.Error{Op: "Get", URL: asked.URL.String(), Err: why} }
	op := func(name string, why error) error { return lost(&net.OpError{Op: name, Net: "tcp", Err: why}) }
	invalid := answer(422, "Validation Failed")
	var refused *github.ErrorResponse
	if !errors.As(invalid, &refused) {
		t.Fatalf("%v is no refusal", invalid)
	}
	refused.Errors = []github.Error{{Field: "title", Code: "missing_field"}, {Message: "too\nlong"}}
	for _, c := range []struct {
		err  error
		want string
	}{
		{answer(502, ""), "GitHub fails now (502 Bad Gateway), which usually passes by itself"},
		{answer(503, "busy"), "GitHub fails now (503 Service Unavailable: busy), which usually passes by itself"},
		{answer(404, "Not Found"), "GitHub answers 404 Not Found"},
		{invalid, "GitHub answers 422 Unprocessable Entity: Validation Failed; title missing_field; too long"},
		{
			answer(403, "Resource not accessible by integration", "X-Accepted-GitHub-Permissions", "members=read"),
			"GitHub refuses it (403 Forbidden: Resource not accessible by integration): give it the permission members=read",
		},
		{answer(403, "no"), "GitHub refuses it (403 Forbidden: no)"},
		{
			fmt.Errorf("a token for acme: %w", lost(fmt.Errorf("try again: %w", answer(500, "")))),
			"a token for acme: try again: GitHub fails now (500 Internal Server Error), which usually passes by itself",
		},
		{lost(&connect.AuthError{Status: 401, Reason: "configure a valid token"}), "configure a valid token"},
		{
			lost(fmt.Errorf("sign in: %w", op("dial", syscall.ECONNREFUSED))),
			"sign in: api.github.com cannot be reached (connection refused): check the address and the network",
		},
		{
			op("dial", &net.DNSError{Err: "no such host", Name: "api.github.com", Server: "10.0.0.1:53"}),
			"the name api.github.com is not known (no such host): check the address, and that this machine can look up names",
		},
		{op("proxyconnect", errors.New("no route")), "the proxy cannot be reached (proxyconnect tcp: no route): check HTTPS_PROXY and HTTP_PROXY"},
		{lost(io.EOF), "the connection to api.github.com broke (EOF)"},
		{op("read", syscall.ECONNRESET), "the connection to api.github.com broke (connection reset by peer)"},
		{op("read", syscall.ETIMEDOUT), "api.github.com did not answer in time"},
		{lost(context.Canceled), "context canceled"},
		{lost(errors.New("GitHub's answer is too large")), "GitHub's answer is too large"},
		{
			errors.Join(fmt.Errorf("acme: %w", answer(502, "")), fmt.Errorf("beta: %w", lost(io.EOF))),
			"acme: GitHub fails now (502 Bad Gateway), which usually passes by itself\nbeta: the connection to api.github.com broke (EOF)",
		},
		{errors.New("another"), "another"},
	} {
		got := connect.Explain(fmt.Errorf("list the repositories of acme: %w", c.err))
		if got.Error() != "list the repositories of acme: "+c.want {
			t.Errorf("%v\ngot  %v\nwant … %s", c.err, got, c.want)
		}
		if !errors.Is(got, c.err) {
			t.Errorf("%v is another error when it is explained", c.err)
		}
		if again := connect.Explain(fmt.Errorf("source acme: %w", got)); again.Error() != "source acme: "+got.Error() {
			t.Errorf("explained twice: %v", again)
		}
	}
	if err := connect.Explain(nil); err != nil {
		t.Errorf("no error is explained as %v", err)
	}
}

// TestExplainTLS holds the words of TLS against those of real connections.
func TestExplainTLS(t *testing.T) {
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	own := httptest.NewUnstartedServer(http.NotFoundHandler())
	own.Config.ErrorLog = nil
	own.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	own.StartTLS()
	defer own.Close()
	for address, want := range map[string]string{
		"https://" + strings.TrimPrefix(plain.URL, "http://"): "answers without TLS",
		own.URL: "where it is of an authority of your own, name that in caFile",
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(request)
		if err == nil {
			_ = answer.Body.Close()
			t.Fatalf("%s is accepted", address)
		}
		if got := connect.Explain(err).Error(); !strings.Contains(got, want) || strings.Contains(got, "Get ") {
			t.Errorf("%v\nis explained as %s", err, got)
		}
	}
}
