package connect_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-github/v60/github"

	"github.com/orrery-catalog/orrery/scanners/github/connect"
)

// tagged answers each path with its content and ETag, and 304 where the asker has it.
func tagged(content map[string]string) func(*http.Request) answer {
	return func(r *http.Request) answer {
		body, ok := content[r.URL.Path]
		if !ok {
			return answer{status: 404, body: "{}"}
		}
		etag := fmt.Sprintf(`W/"%x"`, body)
		if r.Header.Get("If-None-Match") == etag {
			return answer{status: 304, header: map[string]string{"ETag": etag}}
		}
		return answer{200, map[string]string{"ETag": etag, "Link": `<https://api.github.com/x?page=2>; rel="next"`}, body, nil}
	}
}

// ask gives the body of a path, and whether it came out of the cache.
func ask(t *testing.T, c *connect.Connection, ctx context.Context, path string) (string, bool, *github.Response) {
	t.Helper()
	client, err := c.REST(ctx, "acme")
	if err != nil {
		t.Fatal(err)
	}
	request, err := client.NewRequest(http.MethodGet, path, nil)
	if err != nil {
		t.Fatal(err)
	}
	var body bytes.Buffer
	answered, err := client.Do(ctx, request, &body)
	if err != nil {
		return err.Error(), false, nil
	}
	return body.String(), answered.Header.Get(connect.FromCache) == "1", answered
}

func TestCache(t *testing.T) {
	content := map[string]string{"/a": "one long body", "/b": "another long body"}
	f := &fake{reply: tagged(content)}
	c := dial(t, f)
	reduced := 0
	keep := connect.Keep(t.Context(), func(body []byte) ([]byte, error) {
		reduced++
		return bytes.ReplaceAll(body, []byte(" long body"), nil), nil
	})
	expect := func(c *connect.Connection, ctx context.Context, path, want string, cached bool) {
		t.Helper()
		if got, from, answered := ask(t, c, ctx, path); got != want || from != cached || answered.NextPage != 2 {
			t.Errorf("%s: %q (cached: %t), want %q (cached: %t), next page %d", path, got, from, want, cached, answered.NextPage)
		}
	}
	expect(c, keep, "a", "one", false)
	expect(c, keep, "a", "one", true)
	expect(c, keep, "b", "another", false)
	expect(c, t.Context(), "a", "one long body", false) // who does not keep gets the whole
	if reduced != 2 {
		t.Errorf("reduced %d times", reduced)
	}

	exported := c.Cache().Export()
	again := dial(t, f)
	again.Cache().Import(exported)
	if !bytes.Equal(again.Cache().Export(), exported) {
		t.Error("what was imported is not what was exported")
	}
	expect(again, keep, "b", "another", true)
	expect(again, keep, "a", "one", true)
	if !bytes.Equal(again.Cache().Export(), exported) {
		t.Error("asking changed what is exported")
	}
	content["/a"] = "third long body"
	expect(again, keep, "a", "third", false)
	expect(again, keep, "a", "third", true)

	for _, broken := range [][]byte{nil, {}, []byte("x"), exported[:len(exported)/2], {0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}} {
		again.Cache().Import(broken)
		expect(again, keep, "a", "third", false)
	}
}

// TestCacheKeepsLinks sees that a page that did not change may have got a next one.
func TestCacheKeepsLinks(t *testing.T) {
	f := &fake{reply: inTurn(
		answer{200, map[string]string{"ETag": `"x"`}, `[]`, nil},
		answer{status: 304},
		answer{status: 304, header: map[string]string{"Link": `<https://api.github.com/x?page=9>; rel="next"`}},
	)}
	c := dial(t, f)
	for i, want := range []int{0, 0, 9} {
		if _, _, answered := ask(t, c, connect.Keep(t.Context(), nil), "x"); answered.NextPage != want {
			t.Errorf("answer %d: next page %d, want %d", i, answered.NextPage, want)
		}
	}
}

func TestCacheErrors(t *testing.T) {
	f := &fake{reply: inTurn(answer{200, map[string]string{"ETag": `"x"`}, `[]`, nil}, answer{status: 200, body: `[]`}, answer{status: 404, body: "{}"})}
	c := dial(t, f)
	wrong := connect.Keep(t.Context(), func([]byte) ([]byte, error) { return nil, errors.New("no list") })
	if got, _, _ := ask(t, c, wrong, "x"); !strings.Contains(got, "cannot be read: no list") {
		t.Errorf("got %s", got)
	}
	keep := connect.Keep(t.Context(), nil)
	for range 2 { // without an ETag nothing is kept
		if _, cached, _ := ask(t, c, keep, "x"); cached || f.requests[f.sent()-1].Header.Get("If-None-Match") != "" {
			t.Error("kept")
		}
	}
}

// TestCacheIsBounded sees that what was asked for last is kept, and no more than so much.
func TestCacheIsBounded(t *testing.T) {
	body := strings.Repeat("x", 1<<19)
	f := &fake{reply: func(r *http.Request) answer {
		if r.Header.Get("If-None-Match") != "" {
			return answer{status: 304}
		}
		return answer{200, map[string]string{"ETag": `"e"`}, body, nil}
	}}
	c := dial(t, f)
	keep := connect.Keep(t.Context(), nil)
	for i := range 100 {
		ask(t, c, keep, fmt.Sprint(i))
		ask(t, c, keep, "often")
	}
	if size := len(c.Cache().Export()); size > 17<<20 || size < 12<<20 {
		t.Errorf("%d bytes are kept", size)
	}
	for path, want := range map[string]bool{"often": true, "99": true, "3": false} {
		if _, cached, _ := ask(t, c, keep, path); cached != want {
			t.Errorf("%s is kept: %t", path, cached)
		}
	}
	body = strings.Repeat("x", 2<<20)
	ask(t, c, keep, "large")
	if _, cached, _ := ask(t, c, keep, "large"); cached {
		t.Error("an answer of 2 MiB is kept")
	}
}

func FuzzCacheImport(f *testing.F) {
	f.Add([]byte("\x81\x84\x61a\x61b\x60\x40"))
	f.Fuzz(func(t *testing.T, exported []byte) {
		var cache connect.Cache
		cache.Import(exported)
		first := cache.Export()
		cache.Import(first)
		if !bytes.Equal(first, cache.Export()) {
			t.Errorf("%q became %q", first, cache.Export())
		}
	})
}
