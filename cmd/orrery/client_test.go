package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// fake answers list questions: each page has one entity, named after the page and the revision it was answered on.
type fake struct {
	pages    int
	revision func(request int64) int64
	requests atomic.Int64
	token    atomic.Value
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.token.Store(r.Header.Get("Authorization"))
	var body struct {
		Variables struct{ EntitiesAfter *string }
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	page := 1
	if after := body.Variables.EntitiesAfter; after != nil {
		_, _ = fmt.Sscan(*after, &page)
		page++
	}
	revision := f.revision(f.requests.Add(1))
	fmt.Fprintf(w, `{"data":{"entities":{"nodes":[{"ref":"component:default/p%dr%d"}],"pageInfo":{"hasNextPage":%t,"endCursor":"%d"}}},
		"extensions":{"revision":%d}}`, page, revision, page < f.pages, page, revision)
}

func ask(t *testing.T, handler http.Handler, env map[string]string) outcome {
	t.Helper()
	server := httptest.NewServer(handler)
	defer server.Close()
	return orreryWith(t, env, "list", "--server", server.URL)
}

func TestAnswersAreOfOneRevision(t *testing.T) {
	t.Parallel()
	// The catalog changes after the second page, once.
	f := &fake{pages: 3, revision: func(request int64) int64 { return 1 + min(1, request/3) }}
	got := ask(t, f, map[string]string{"ORRERY_TOKEN": "abc"})
	if got.status != 0 || strings.Contains(got.stdout, "r1") || !strings.Contains(got.stdout, "p3r2") {
		t.Errorf("%+v", got)
	}
	if f.requests.Load() != 6 || f.token.Load() != "Bearer abc" {
		t.Errorf("%d requests, the last one with %v", f.requests.Load(), f.token.Load())
	}
	f = &fake{pages: 3, revision: func(request int64) int64 { return request }}
	got = ask(t, f, nil)
	if got.status != statusFailed || !strings.Contains(got.stderr, "keeps changing") || f.requests.Load() > 20 {
		t.Errorf("a catalog that never rests, after %d requests: %+v", f.requests.Load(), got)
	}
}

func TestServersThatAnswerOddly(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		header string
		want   int
		stderr string
	}{
		"not a server of ours":   {200, "<html>", "", 3, "is no Orrery server (200 OK)"},
		"JSON of somebody else":  {200, "{}", "", 3, "is no Orrery server"},
		"no revision":            {200, `{"data":{"entities":{"nodes":[]}}}`, "", 3, "is no Orrery server"},
		"nothing there":          {404, "not found", "", 3, "404 Not Found"},
		"a token is wanted":      {401, "", "", 3, "set ORRERY_TOKEN"},
		"starting":               {503, "", "", 3, "not ready yet"},
		"starting, in GraphQL":   {503, `{"errors":[{"message":"the catalog is still being read: try again in a moment","extensions":{"code":"UNAVAILABLE"}}]}`, "", 3, "orrery: the catalog is still being read"},
		"another type":           {200, `{"data":{"entities":7},"extensions":{"revision":1}}`, "", 3, "does not understand"},
		"sent elsewhere":         {307, "", "http://elsewhere.example/graphql", 3, "sends on to elsewhere.example"},
		"ambiguous":              {200, `{"errors":[{"message":"x fits several entities","extensions":{"code":"BAD_INPUT","candidates":["a:b/c","d:e/f"]}}]}`, "", 2, "x fits several entities: name one of a:b/c, d:e/f"},
		"not found":              {200, `{"errors":[{"message":"x is not in the catalog","extensions":{"code":"NOT_FOUND","candidates":["a:b/c"]}}]}`, "", 3, "x is not in the catalog: did you mean a:b/c?"},
		"too complex":            {200, `{"errors":[{"message":"too much","extensions":{"code":"TOO_COMPLEX"}}]}`, "", 3, "too much"},
		"escape sequences":       {200, `{"errors":[{"message":"a\u001b[31mb\nc","extensions":{"code":"INTERNAL"}}]}`, "", 3, "orrery: a\uFFFD[31mb; c\n"},
		"the same page again":    {200, `{"data":{"entities":{"nodes":[],"pageInfo":{"hasNextPage":true,"endCursor":"x"}}},"extensions":{"revision":1}}`, "", 3, "repeats a page"},
		"a page without its end": {200, `{"data":{"entities":{"nodes":[],"pageInfo":{"hasNextPage":true,"endCursor":null}}},"extensions":{"revision":1}}`, "", 3, "a page has no end"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := ask(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if c.header != "" {
					w.Header().Set("Location", c.header)
				}
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.body))
			}), nil)
			if got.status != c.want || !strings.Contains(got.stderr, c.stderr) || got.stdout != "" {
				t.Errorf("%+v, want status %d and %q", got, c.want, c.stderr)
			}
		})
	}
}

func TestInProcess(t *testing.T) {
	t.Parallel()
	c := local(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != "127.0.0.1:7007" || r.Method != http.MethodGet || r.RequestURI != "/a?b=c" {
			t.Errorf("%s %s on %s", r.Method, r.RequestURI, r.Host)
		}
		w.WriteHeader(http.StatusTeapot)
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write([]byte("x"))
	}))
	response, err := c.do(t.Context(), http.MethodGet, "a", map[string][]string{"b": {"c"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusTeapot || response.ContentLength != 1 {
		t.Errorf("%+v", response)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.do(ctx, http.MethodGet, "a", nil, nil); err == nil {
		t.Error("a question whose asker has gone is answered")
	}
}

// TestOldAnswers holds that a person is told, once and on stderr, that the server has lost its store, and that the answer
// counts all the same.
func TestOldAnswers(t *testing.T) {
	t.Parallel()
	for store, want := range map[string]string{
		``:              "",
		`,"store":null`: "",
		`,"store":{"confirmed":"2026-01-31T12:00:00.5+01:00","ageSeconds":190.5,"reason":"gone"}`: "the server has not reached its store for 3m: this is the state of revision 57 (2026-01-31T11:00:00Z)",
		`,"store":{"confirmed":null,"ageSeconds":null,"reason":"gone"}`:                           "the server has not reached its store since it was started: this is the state of revision 57",
		`,"store":{"confirmed":"nonsense","more":1}`:                                              "the server has not reached its store since it was started: this is the state of revision 57",
	} {
		handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var body struct {
				Variables struct{ EntitiesAfter *string }
			}
			if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
			}
			more := body.Variables.EntitiesAfter == nil // there are two pages
			fmt.Fprintf(w, `{"data":{"entities":{"nodes":[{"ref":"component:default/a"}],"pageInfo":{"hasNextPage":%t,"endCursor":"c"}}},
				"extensions":{"revision":57%s}}`, more, store)
		})
		got := ask(t, handler, nil)
		if want != "" {
			want = "orrery: " + want + "\n"
		}
		if got.status != 0 || got.stderr != want || !strings.Contains(got.stdout, "component:default/a") {
			t.Errorf("%s: %+v, want %q", store, got, want)
		}
	}
}

func TestOldExport(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Orrery-Revision", "57")
		w.Header().Set("Date", "Sat, 31 Jan 2026 14:00:00 GMT")
		w.Header().Set("Orrery-Store-Confirmed", "2026-01-31T12:00:00Z")
		_, _ = fmt.Fprintln(w, "{}")
	}))
	defer server.Close()
	got := orrery(t, "export", "--server", server.URL)
	const want = "orrery: the server has not reached its store for 2h: this is the state of revision 57 (2026-01-31T12:00:00Z)\n"
	if got.status != 0 || got.stderr != want || got.stdout != "{}\n" {
		t.Errorf("%+v", got)
	}
}
