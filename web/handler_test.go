package web

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

const script = "export const answer = 42;"

func testHandler(t *testing.T) http.Handler {
	t.Helper()
	var compressed bytes.Buffer
	writer := gzip.NewWriter(&compressed)
	if _, err := io.WriteString(writer, script); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return newHandler(fstest.MapFS{
		".keep":                 {},
		"index.html":            {Data: []byte("<title>Orrery</title>")},
		"graphiql.html":         {Data: []byte("<title>GraphiQL</title>")},
		"favicon.svg":           {Data: []byte("<svg/>")},
		"assets/index-ab.js.gz": {Data: compressed.Bytes()},
	})
}

func get(h http.Handler, method, target string, header map[string]string) *http.Response {
	request := httptest.NewRequest(method, target, nil)
	for key, value := range header {
		request.Header.Set(key, value)
	}
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, request)
	return recorder.Result()
}

func body(t *testing.T, response *http.Response) string {
	t.Helper()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestPages(t *testing.T) {
	h := testHandler(t)
	for _, test := range []struct {
		target string
		status int
		title  string
	}{
		{"/", 200, "Orrery"},
		{"/entities?kind=API", 200, "Orrery"},
		{"/entity/component/default/payments", 200, "Orrery"},
		{"/entity/component/default/a%2Fb.html", 200, "Orrery"},
		{"/entity/component/default/v1.2", 200, "Orrery"},
		{"/search?q=x", 200, "Orrery"},
		{"/changes?since=7d", 200, "Orrery"},
		{"/sources", 200, "Orrery"},
		{"/blast-radius?of=x", 200, "Orrery"},
		{"/problems", 200, "Orrery"},
		{"/health", 200, "Orrery"},
		{"/drift?of=component:default/payments", 200, "Orrery"},
		{"/cycles", 200, "Orrery"},
		{"/graphiql", 200, "GraphiQL"},
		{"/index.html", 404, "Orrery"},
		{"/nowhere", 404, "Orrery"},
		{"/nowhere/../../etc/passwd", 404, "Orrery"},
	} {
		response := get(h, http.MethodGet, test.target, nil)
		if got := body(t, response); response.StatusCode != test.status || !strings.Contains(got, test.title) {
			t.Errorf("%s: status %d and %q, want %d and %s", test.target, response.StatusCode, got, test.status, test.title)
		}
		if got := response.Header.Get("Content-Type"); got != "text/html; charset=utf-8" {
			t.Errorf("%s: type %s", test.target, got)
		}
		if got := response.Header.Get("Cache-Control"); got != "no-cache" {
			t.Errorf("%s: a page must be asked for each time, not %q", test.target, got)
		}
		security := response.Header.Get("Content-Security-Policy")
		if !strings.Contains(security, "script-src 'self';") || strings.Contains(security, "unsafe-eval") {
			t.Errorf("%s: policy %q", test.target, security)
		}
	}
}

func TestAssets(t *testing.T) {
	h := testHandler(t)
	zipped := get(h, http.MethodGet, "/assets/index-ab.js", map[string]string{"Accept-Encoding": "br, gzip"})
	if got := zipped.Header.Get("Content-Encoding"); got != "gzip" {
		t.Errorf("encoding %q", got)
	}
	reader, err := gzip.NewReader(zipped.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(reader); err != nil || string(got) != script {
		t.Errorf("%q, %v", got, err)
	}
	plain := get(h, http.MethodGet, "/assets/index-ab.js", map[string]string{"Accept-Encoding": "gzip;q=0"})
	if got := body(t, plain); got != script || plain.Header.Get("Content-Encoding") != "" {
		t.Errorf("%q, encoding %q", got, plain.Header.Get("Content-Encoding"))
	}
	if plain.Header.Get("ETag") == zipped.Header.Get("ETag") {
		t.Error("two representations share an ETag")
	}
	for _, response := range []*http.Response{plain, zipped} {
		if got := response.Header.Get("Cache-Control"); !strings.Contains(got, "immutable") {
			t.Errorf("caching %q", got)
		}
		if got := response.Header.Get("Content-Type"); got != "text/javascript; charset=utf-8" {
			t.Errorf("type %q", got)
		}
		if got := response.Header.Get("Vary"); got != "Accept-Encoding" {
			t.Errorf("vary %q", got)
		}
	}
	for _, target := range []string{"/assets/gone-cd.js", "/assets/index-ab.js.gz"} {
		missing := get(h, http.MethodGet, target, nil)
		if missing.StatusCode != http.StatusNotFound || strings.Contains(body(t, missing), "<title>") {
			t.Errorf("%s: status %d with a page", target, missing.StatusCode)
		}
		if got := missing.Header.Get("Cache-Control"); strings.Contains(got, "immutable") {
			t.Errorf("%s: a missing file must not be kept: %q", target, got)
		}
	}
}

func TestUnchangedIsNotSentAgain(t *testing.T) {
	h := testHandler(t)
	for _, target := range []string{"/", "/favicon.svg"} {
		first := get(h, http.MethodGet, target, nil)
		again := get(h, http.MethodGet, target, map[string]string{"If-None-Match": first.Header.Get("ETag")})
		if again.StatusCode != http.StatusNotModified || body(t, again) != "" {
			t.Errorf("%s: status %d", target, again.StatusCode)
		}
	}
}

func TestOnlyReading(t *testing.T) {
	h := testHandler(t)
	if got := get(h, http.MethodPost, "/", nil); got.StatusCode != http.StatusMethodNotAllowed || got.Header.Get("Allow") == "" {
		t.Errorf("POST: status %d", got.StatusCode)
	}
	for _, target := range []string{"/", "/nowhere", "/assets/index-ab.js"} {
		if got := body(t, get(h, http.MethodHead, target, nil)); got != "" {
			t.Errorf("HEAD %s: body %q", target, got)
		}
	}
}

func TestWithoutABundleThePageSaysHowToBuildIt(t *testing.T) {
	h := newHandler(fstest.MapFS{".keep": {}})
	for _, target := range []string{"/", "/graphiql", "/problems"} {
		response := get(h, http.MethodGet, target, nil)
		if got := body(t, response); response.StatusCode != http.StatusServiceUnavailable || !strings.Contains(got, "make build") {
			t.Errorf("%s: status %d and %q", target, response.StatusCode, got)
		}
	}
}
