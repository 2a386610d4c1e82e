package github_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/scanners/github"
	"github.com/orrery-catalog/orrery/scanners/github/connect"
	"github.com/orrery-catalog/orrery/scanners/github/githubtest"
)

// told answers with what a fuzzer makes up.
type told struct{ graphQL, tree, blob []byte }

// RoundTrip implements [http.RoundTripper].
func (a told) RoundTrip(r *http.Request) (*http.Response, error) {
	status, body := http.StatusOK, []byte(`[{"id":1,"full_name":"acme/it","default_branch":"main","pushed_at":"2020-01-01T00:00:00Z"}]`)
	switch {
	case strings.Contains(r.URL.Path, "graphql"):
		body = a.graphQL
	case strings.Contains(r.URL.Path, "/git/trees/"):
		body = a.tree
	case strings.Contains(r.URL.Path, "/git/blobs/"):
		body = a.blob
	case strings.Contains(r.URL.RawQuery, "page=2"), strings.Contains(r.URL.Path, "/branches/"):
		status, body = http.StatusNotFound, []byte(`{"message":"Not Found"}`)
	}
	header := http.Header{"Content-Type": {"application/json"}}
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Header: header, Body: io.NopCloser(bytes.NewReader(body)), Request: r,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: int64(len(body)),
	}, nil
}

// FuzzAnswers holds that whatever GitHub answers, a scan ends, and without a panic.
func FuzzAnswers(f *testing.F) {
	file := `{"mode":33188,"oid":"` + githubtest.BlobID("a: b\n") + `","object":{"oid":"` + githubtest.BlobID("a: b\n") + `","byteSize":5,"text":"a: b\n"}}`
	link := `{"mode":40960,"oid":"` + githubtest.BlobID("x/y") + `","object":{"oid":"` + githubtest.BlobID("x/y") + `","byteSize":3,"text":"x/y"}}`
	head := func(fields string) []byte {
		return []byte(`{"data":{"r0":{"h":{"o":{"oid":"` + hash + `","tree":{"oid":"` + hash + `"}` + fields + `}}}}}`)
	}
	tree := []byte(`{"tree":[{"path":"x/y","mode":"100644","type":"blob","sha":"` + githubtest.BlobID(location("l", "./x/*.yaml")) + `"},{"path":"x","mode":"040000","type":"tree","sha":"` + hash + `"}]}`)
	f.Add(head(`,"f0":`+file), tree, []byte(location("l", "./x/*.yaml")))
	f.Add(head(`,"f0":`+link), tree, []byte(location("l", "./x/*.yaml")))
	f.Add([]byte(`{"data":{"r0":null},"errors":[{"type":"NOT_FOUND","path":["r0"],"message":"no"}]}`), []byte(`{"truncated":true}`), []byte{})
	f.Add([]byte(`{"data":{"r0":{"h":{"o":[]}}}}`), []byte(`{"tree":[{"path":"../x"},{"path":""},{"path":"a//b"}]}`), []byte("x"))
	f.Add([]byte(`{"errors":[{"message":"no"}]}`), []byte(`null`), []byte("x"))
	f.Fuzz(func(t *testing.T, graphQL, tree, blob []byte) {
		if limited := strings.ToLower(string(graphQL)); strings.Contains(limited, "limit") || strings.Contains(limited, "abuse") ||
			strings.Contains(limited, "timeout") || strings.Contains(limited, "something went wrong") || strings.Contains(limited, "in time") {
			t.Skip("it is waited for")
		}
		connection, err := connect.New(connect.Config{Token: "t", Transport: told{graphQL, tree, blob}})
		if err != nil {
			t.Fatal(err)
		}
		s, err := github.New(github.Config{
			Connection: connection, Organizations: []string{"acme"}, CatalogFiles: []string{"catalog-info.yaml", "x/**/*.yaml"}, Now: time.Now,
		})
		if err != nil {
			t.Fatal(err)
		}
		r := newReceiver()
		if err := r.scan(t.Context(), s); err != nil {
			return
		}
		if err := r.scan(t.Context(), s); err != nil {
			t.Errorf("the first scan went well, and the second did not: %v", err)
		}
	})
}

// FuzzState holds that a state that somebody damaged does no harm.
func FuzzState(f *testing.F) {
	h := newHub(f)
	h.Limits.Core, h.Limits.GraphQL = 1<<30, 1<<30
	h.AddRepository("acme/it", githubtest.Files{
		"catalog-info.yaml": location("l", "./a.yaml", "https://github.com/acme/other/blob/main/b.yaml"), "a.yaml": component("a"),
	}, githubtest.Settings{})
	h.AddRepository("acme/other", githubtest.Files{"b.yaml": component("b")}, githubtest.Settings{})
	h.pass(time.Hour)
	r := newReceiver()
	if err := r.scan(f.Context(), h.scanner(f)); err != nil {
		f.Fatal(err)
	}
	f.Add(r.state)
	f.Fuzz(func(t *testing.T, state []byte) {
		for _, parts := range [][]string{nil, {"github.com/acme/it/"}} {
			r := newReceiver()
			r.state = state
			s := h.scanner(t)
			_ = r.scan(t.Context(), s, parts...) // it may well fail
			r.state = nil
			r.must(t, s)
			if got := len(r.refs()); got != 3 {
				t.Errorf("%d entities after a new start: %v", got, r.refs())
			}
		}
	})
}
