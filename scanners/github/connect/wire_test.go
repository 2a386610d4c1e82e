package connect_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-github/v60/github"
	"github.com/rs/zerolog"

	"github.com/orrery-catalog/orrery/scanners/github/connect"
)

// silent never answers.
type silent struct{}

// RoundTrip implements [http.RoundTripper].
func (silent) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestAddresses(t *testing.T) {
	for _, test := range []struct{ web, api, host, url, rest, graphql string }{
		{"", "", "github.com", "https://github.com", "https://api.github.com/", "https://api.github.com/graphql"},
		{"https://github.com/", "", "github.com", "https://github.com", "https://api.github.com/", "https://api.github.com/graphql"},
		{"https://Acme.ghe.com", "", "acme.ghe.com", "https://Acme.ghe.com", "https://api.acme.ghe.com/", "https://api.acme.ghe.com/graphql"},
		{"https://git.acme.com:443", "", "git.acme.com", "https://git.acme.com:443", "https://git.acme.com:443/api/v3/", "https://git.acme.com:443/api/graphql"},
		{"http://git:8080", "", "git:8080", "http://git:8080", "http://git:8080/api/v3/", "http://git:8080/api/graphql"},
		{"", "http://127.0.0.1:99/x", "github.com", "https://github.com", "http://127.0.0.1:99/x/", "http://127.0.0.1:99/x/graphql"},
		{"https://git.acme.com", "https://git.acme.com/api/v3/", "git.acme.com", "https://git.acme.com", "https://git.acme.com/api/v3/", "https://git.acme.com/api/graphql"},
	} {
		f := &fake{reply: inTurn(answer{status: 200, body: `{"data":{}}`})}
		c := dial(t, f, func(config *connect.Config) { config.WebURL, config.APIURL = test.web, test.api })
		client, err := c.REST(t.Context(), "acme")
		if err != nil {
			t.Fatal(err)
		}
		if err := c.GraphQL(t.Context(), "acme", "{a}", nil, &struct{}{}); err != nil {
			t.Fatal(err)
		}
		got := [4]string{c.Host(), c.WebURL(), client.BaseURL.String(), f.requests[0].URL.String()}
		if want := [4]string{test.host, test.url, test.rest, test.graphql}; got != want {
			t.Errorf("%q %q: %q, want %q", test.web, test.api, got, want)
		}
	}
}

func TestConfigIsChecked(t *testing.T) {
	for name, config := range map[string]connect.Config{
		"nobody":       {},
		"two":          {Token: "x", App: &connect.App{ID: 1}},
		"no key":       {App: &connect.App{ID: 1, PrivateKey: []byte("secret, but no key")}},
		"reserve":      {Token: "x", Reserve: 1},
		"web":          {Token: "x", WebURL: "github.com"},
		"api":          {Token: "x", APIURL: "ftp://github.com"},
		"a password":   {Token: "x", WebURL: "https://a:secret@github.com"},
		"of two lines": {Token: "a\nsecret"},
	} {
		if _, err := connect.New(config); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := connect.New(connect.Config{Token: " abc\n"}); err != nil {
		t.Errorf("a token with its line break: %v", err)
	}
}

// TestRedirects sees that a renamed repository is found, and that no other host learns anything.
func TestRedirects(t *testing.T) {
	stranger := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("another host was asked for %s with %v", r.URL, r.Header)
	}))
	defer stranger.Close()
	mux := http.NewServeMux()
	mux.HandleFunc("/repos/acme/old", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/repositories/7", http.StatusMovedPermanently)
	})
	mux.HandleFunc("/repositories/7", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+token {
			t.Error("the redirected request has no credentials")
		}
		_, _ = io.WriteString(w, `{"id":7,"full_name":"acme/new"}`)
	})
	mux.HandleFunc("/repos/acme/strange", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, stranger.URL+"/x?token=temporary", http.StatusFound)
	})
	mux.HandleFunc("/repos/acme/round", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/repos/acme/round", http.StatusFound)
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	c := dial(t, nil, func(config *connect.Config) { config.Transport, config.APIURL = nil, server.URL })
	client, err := c.REST(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	found, _, err := client.Repositories.Get(t.Context(), "acme", "old")
	if err != nil || found.GetFullName() != "acme/new" {
		t.Errorf("renamed: %v, %v", found, err)
	}
	for _, name := range []string{"strange", "round"} {
		if _, _, err := client.Repositories.Get(t.Context(), "acme", name); err == nil || strings.Contains(err.Error(), "temporary") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestStrangers sees that nobody but the API is asked, whatever address somebody hands to a client.
func TestStrangers(t *testing.T) {
	f := &fake{reply: func(*http.Request) answer { return answer{status: http.StatusOK, body: "{}"} }}
	client, err := dial(t, f).REST(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{"https://api.github.com.example.com/x", "http://api.github.com/x", "https://api.github.com:8443/x", "//github.com/x"} {
		request, err := client.NewRequest(http.MethodPost, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Do(t.Context(), request, nil); err == nil || f.sent() > 0 {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// TestBodies sees that a body that breaks off is asked for again, and that one without end is not read.
func TestBodies(t *testing.T) {
	tries := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tries++
		switch {
		case r.URL.Path == "/repos/acme/endless":
			chunk := bytes.Repeat([]byte("x"), 1<<20)
			for range 40 {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		case tries == 1:
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"id":`)
		default:
			_, _ = io.WriteString(w, `{"id":1}`)
		}
	}))
	defer server.Close()
	c := dial(t, nil, func(config *connect.Config) { config.Transport, config.APIURL = nil, server.URL })
	if err := get(t, c); err != nil || tries != 2 {
		t.Errorf("broken off: %d tries, %v", tries, err)
	}
	client, err := c.REST(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	tries = 0
	if _, _, err := client.Repositories.Get(t.Context(), "acme", "endless"); err == nil || !strings.Contains(err.Error(), "larger than") || tries != 1 {
		t.Errorf("endless: %d tries, %v", tries, err)
	}
}

// TestSecretsStay sees that no credential is in an error, in the log, or in what hangs on an error.
func TestSecretsStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		c, p, f := dialApp(t, 0, 0)
		_ = c
		private, encoded := key(t)
		p.public = &private.PublicKey
		asked := 0
		f.reply = func(r *http.Request) answer {
			if asked++; r.URL.Path == "/repos/acme/shop" {
				return []answer{
					{status: 401, body: `{"message":"Bad credentials"}`},
					{status: 502},
					{status: 403, body: saysForbidden},
					{429, map[string]string{"Retry-After": "5"}, saysSecondary, nil},
					{err: fmt.Errorf("connection reset")},
				}[asked%5]
			}
			return p.reply(r)
		}
		c = dial(t, f, func(config *connect.Config) {
			config.Token, config.App = "", &connect.App{ID: 42, PrivateKey: encoded}
			config.Log = zerolog.New(&log).Level(zerolog.TraceLevel)
		})
		for range 30 {
			client, err := c.REST(t.Context(), "acme")
			if err == nil {
				_, _, err = client.Repositories.Get(t.Context(), "acme", "shop")
			}
			if err == nil {
				continue
			}
			texts := fmt.Sprintf("%v %+v %#v", err, err, err)
			var answered *github.ErrorResponse
			if errors.As(err, &answered) {
				texts += fmt.Sprintf("%v %v", answered.Response.Request.Header, answered.Response.Header)
			}
			if strings.Contains(texts, "ghs_secret") || strings.Contains(texts, "Bearer") || strings.Contains(texts, "eyJ") {
				t.Errorf("an error tells a secret: %s", texts)
			}
			<-time.After(time.Second)
		}
		if text := log.String(); text == "" || strings.Contains(text, "ghs_secret") || strings.Contains(text, "PRIVATE") || strings.Contains(text, "eyJ") {
			t.Errorf("the log tells a secret, or nothing: %s", text)
		}
	})
}

func TestMissing(t *testing.T) {
	for name, test := range map[string]struct {
		answer answer
		want   string
	}{
		"fine-grained": {answer{403, map[string]string{"X-Accepted-GitHub-Permissions": "members=read"}, saysForbidden, nil}, "members=read"},
		"classic": {answer{
			404,
			map[string]string{"X-OAuth-Scopes": "repo, gist", "X-Accepted-OAuth-Scopes": "admin:org, read:org"},
			"{}", nil,
		}, "admin:org or read:org"},
		"has it":       {answer{404, map[string]string{"X-OAuth-Scopes": "repo, read:org", "X-Accepted-OAuth-Scopes": "read:org"}, "{}", nil}, ""},
		"says nothing": {answer{status: 403, body: saysForbidden}, ""},
		"a fault":      {answer{500, map[string]string{"X-Accepted-GitHub-Permissions": "members=read"}, "", nil}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if got := connect.Missing(get(t, dial(t, &fake{reply: inTurn(test.answer)}))); got != test.want {
					t.Errorf("%q, want %q", got, test.want)
				}
			})
		})
	}
	if got := connect.Missing(nil); got != "" {
		t.Errorf("nothing wrong: %q", got)
	}
}
