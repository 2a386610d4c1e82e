package backstage_test

import (
	"compress/gzip"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orrery-catalog/orrery/scanners/backstage"
)

// many are components a0, a1 ...
func many(n int) []object {
	list := make([]object, n)
	for i := range list {
		list[i] = component(fmt.Sprintf("a%05d", i))
	}
	return list
}

// What passes by itself is waited for: nothing is lost, and the backend gets the break that it asks for.
func TestPassingFailures(t *testing.T) {
	status := func(code int, retryAfter string) func(w http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			if retryAfter != "" {
				w.Header().Set("Retry-After", retryAfter)
			}
			failed(w, code, "busy")
		}
	}
	for name, c := range map[string]struct {
		fail        func(w http.ResponseWriter)
		times       int
		least, most time.Duration
	}{
		"429 with seconds":      {status(429, "90"), 2, 180 * time.Second, 210 * time.Second},
		"503 with a date":       {status(503, "Sat, 01 Jan 2000 00:02:00 GMT"), 1, 119 * time.Second, 140 * time.Second},
		"503 with a past date":  {status(503, "Fri, 01 Jan 1999 00:02:00 GMT"), 1, 0, 2 * time.Second},
		"429 with nonsense":     {status(429, "soon"), 1, 100 * time.Millisecond, 2 * time.Second},
		"500, 502 and so on":    {status(502, ""), 5, time.Second, time.Minute},
		"truncated JSON":        {func(w http.ResponseWriter) { _, _ = io.WriteString(w, `{"items":[{"kind":"Comp`) }, 1, 0, 2 * time.Second},
		"nothing":               {func(w http.ResponseWriter) {}, 1, 0, 2 * time.Second},
		"a closed connection":   {nil, 2, 0, 5 * time.Second},
		"500 by something else": {func(w http.ResponseWriter) { http.Error(w, "<html>oops", http.StatusInternalServerError) }, 1, 0, 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake(many(5)...)
				bad := 0
				f.before = func(n int, w http.ResponseWriter, _ *http.Request) bool {
					if n <= 3 || bad == c.times { // the third page
						return false
					}
					bad++
					c.fail(w)
					return true
				}
				var transport http.RoundTripper = f
				if c.fail == nil {
					transport = cutting{f, &bad, c.times}
				}
				started := time.Now()
				if got := scan(t, f.scanner(t, backstage.Config{PageSize: 2, Transport: transport})); len(got) != 5 {
					t.Errorf("%d scopes, want 5", len(got))
				}
				if bad != c.times {
					t.Errorf("%d failures, want %d", bad, c.times)
				}
				if took := time.Since(started); took < c.least || took > c.most {
					t.Errorf("it took %v, want %v to %v", took, c.least, c.most)
				}
			})
		})
	}
}

// cutting is a network that closes the first connections.
type cutting struct {
	*fake
	bad   *int
	times int
}

func (c cutting) RoundTrip(r *http.Request) (*http.Response, error) {
	if *c.bad < c.times {
		*c.bad++
		return nil, errors.New("connection reset by peer")
	}
	return c.fake.RoundTrip(r)
}

// What does not pass is told, with what to do; nobody gets a part of a catalog, and no secret.
func TestLastingFailures(t *testing.T) {
	const token = "s3cr3t"
	always := func(write func(w http.ResponseWriter)) func(f *fake) {
		return func(f *fake) {
			f.before = func(_ int, w http.ResponseWriter, _ *http.Request) bool { write(w); return true }
		}
	}
	text := func(contentType, body string) func(f *fake) {
		return always(func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", contentType)
			_, _ = io.WriteString(w, body)
		})
	}
	status := func(code int, retryAfter string) func(f *fake) {
		return always(func(w http.ResponseWriter) {
			if retryAfter != "" {
				w.Header().Set("Retry-After", retryAfter)
			}
			failed(w, code, "because\nof you")
		})
	}
	page := func(body string) func(f *fake) {
		return func(f *fake) {
			f.before = func(_ int, w http.ResponseWriter, r *http.Request) bool {
				if !strings.Contains(r.URL.Path, "by-query") {
					return false
				}
				_, _ = io.WriteString(w, body)
				return true
			}
		}
	}
	for name, c := range map[string]struct {
		prepare func(f *fake)
		config  backstage.Config
		want    string
	}{
		"no token":           {func(f *fake) { f.token = "t" }, backstage.Config{}, "wants a token (401): Missing credentials: configure a static token"},
		"wrong token":        {func(f *fake) { f.token = "t" }, backstage.Config{Token: token}, "does not accept the token (401): Missing credentials: compare it"},
		"forbidden":          {status(403, ""), backstage.Config{Token: token}, "may not read the catalog of http://backstage.test/api/catalog (403): because of you: allow it"},
		"no such route":      {status(404, ""), backstage.Config{}, "there is no catalog of Backstage at http://backstage.test/api/catalog (404)"},
		"bad filter":         {status(400, ""), backstage.Config{}, "answers 400 Bad Request: because of you"},
		"always busy":        {status(503, ""), backstage.Config{}, "answers 503 Service Unavailable: because of you"},
		"a long break":       {status(429, "86400"), backstage.Config{}, "answers 429 Too Many Requests: because of you: it asks for a break of 24h0m0s; scan again then"},
		"endless seconds":    {status(429, "99999999999999999999"), backstage.Config{}, "answers 429 Too Many Requests"},
		"a web page":         {text("text/html; charset=utf-8", "<!doctype html>"), backstage.Config{}, "answers a web page instead of the catalog"},
		"a page unmarked":    {text("application/json", "\n <html>"), backstage.Config{}, "answers a web page instead of the catalog"},
		"no JSON":            {text("application/json", "hello"), backstage.Config{}, "does not answer as the catalog of Backstage does"},
		"other JSON":         {page(`{"message":"ok"}`), backstage.Config{}, "does not answer as the catalog of Backstage does"},
		"null":               {page(`{"items":null}`), backstage.Config{}, "does not answer as the catalog of Backstage does"},
		"a list":             {page(`[]`), backstage.Config{}, "does not answer as the catalog of Backstage does"},
		"items of others":    {page(`{"items":[{"id":7}]}`), backstage.Config{}, "does not answer as the catalog of Backstage does"},
		"items beyond count": {page(`{"items":[` + strings.Repeat("{},", 20_000) + `{}]}`), backstage.Config{}, "one answer has more than 10000 entities"},
		"items are a map":    {page(`{"items":{}}`), backstage.Config{}, "a list of entities is missing"},
		"items of nothing":   {page(`{"items":[null]}`), backstage.Config{}, "does not answer as the catalog of Backstage does"},
		"items of texts":     {page(`{"items":["a"]}`), backstage.Config{}, "does not answer as the catalog of Backstage does"},
		"too deep":           {page(`{"items":[{"spec":` + strings.Repeat("[", 20000)), backstage.Config{}, "does not answer as the catalog of Backstage does"},
		"a repeated page":    {page(`{"items":[{"kind":"Component","metadata":{"name":"a"}}],"pageInfo":{"nextCursor":"x"}}`), backstage.Config{}, "repeats its pages"},
		"an empty page":      {page(`{"items":[],"pageInfo":{"nextCursor":"x"}}`), backstage.Config{}, "repeats its pages"},
		"too many":           {func(*fake) {}, backstage.Config{MaxEntities: 4, PageSize: 2}, "has more than 4 entities: narrow the import by filter"},
		"too large":          {func(*fake) {}, backstage.Config{MaxPageBytes: 300}, "the answer is too large: it has more than 300 bytes"},
		"old and repeated":   {func(f *fake) { f.noQuery = true; f.before = firstPage }, backstage.Config{PageSize: 2}, "repeats its pages"},
		"cut off halfway":    {func(f *fake) { f.before = cutAfter(4) }, backstage.Config{PageSize: 2}, "ended in its middle"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake(many(5)...)
				c.prepare(f)
				_, err := f.scanner(t, c.config).Scan(t.Context(), nil, newCollector())
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Fatalf("the error is %v, want %q", err, c.want)
				}
				if strings.Contains(err.Error(), token) || strings.ContainsAny(err.Error(), "\r\n") {
					t.Errorf("the error has several lines, or shows the token: %v", err)
				}
				if n := len(f.asked()); n > 20 {
					t.Errorf("%d requests were made", n)
				}
			})
		})
	}
}

// firstPage is what stands before a backend and answers every page with the first.
func firstPage(_ int, _ http.ResponseWriter, r *http.Request) bool {
	query := r.URL.Query()
	query.Set("offset", "0")
	r.URL.RawQuery = query.Encode()
	return false
}

func cutAfter(n int) func(int, http.ResponseWriter, *http.Request) bool {
	return func(i int, w http.ResponseWriter, _ *http.Request) bool {
		if i > n {
			_, _ = io.WriteString(w, `{"items":[`)
		}
		return i > n
	}
}

// Pages that are too large or too slow are asked for again in smaller pieces.
func TestPagesShrink(t *testing.T) {
	t.Run("large", func(t *testing.T) {
		f := newFake(many(64)...)
		if got := scan(t, f.scanner(t, backstage.Config{MaxPageBytes: 5000})); len(got) != 64 {
			t.Errorf("%d scopes, want 64", len(got))
		}
	})
	t.Run("large from an old backend", func(t *testing.T) {
		f := newFake(many(64)...)
		f.noQuery = true
		if got := scan(t, f.scanner(t, backstage.Config{MaxPageBytes: 1200})); len(got) != 64 {
			t.Errorf("%d scopes, want 64", len(got))
		}
	})
	t.Run("slow", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := newFake(many(300)...)
			f.before = func(_ int, _ http.ResponseWriter, r *http.Request) bool {
				n := 0
				_, _ = fmt.Sscan(r.URL.Query().Get("limit"), &n)
				wait(r.Context(), time.Duration(n)*time.Second)
				return false
			}
			if got := scan(t, f.scanner(t, backstage.Config{})); len(got) != 300 {
				t.Errorf("%d scopes, want 300", len(got))
			}
		})
	})
	t.Run("too slow", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := newFake(many(300)...)
			f.before = func(_ int, _ http.ResponseWriter, r *http.Request) bool {
				if strings.Contains(r.URL.Path, "by-query") {
					wait(r.Context(), time.Hour)
				}
				return false
			}
			started := time.Now()
			_, err := f.scanner(t, backstage.Config{}).Scan(t.Context(), nil, newCollector())
			if err == nil || !strings.Contains(err.Error(), "the answer took too long: over 2m0s") {
				t.Errorf("the error is %v", err)
			}
			if took := time.Since(started); took > 15*time.Minute {
				t.Errorf("it took %v", took)
			}
		})
	})
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// A scan that is told to stop does so while it waits for the backend's break, too.
func TestStopsWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(many(2)...)
		f.before = func(_ int, w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Retry-After", "200")
			failed(w, http.StatusTooManyRequests, "")
			return true
		}
		why := errors.New("enough")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, why)
		defer cancel()
		started := time.Now()
		if _, err := f.scanner(t, backstage.Config{}).Scan(ctx, nil, newCollector()); !errors.Is(err, why) {
			t.Errorf("the error is %v, want %v", err, why)
		}
		if took := time.Since(started); took != time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// Over a real network: compressed answers, a body that breaks off, and certificates.
func TestNetwork(t *testing.T) {
	f := newFake(many(9)...)
	f.token = "t0ken"
	broken, onward := false, ""
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if onward != "" {
			http.Redirect(w, r, onward+r.URL.Path, http.StatusFound)
			return
		}
		if strings.Contains(r.URL.Path, "by-query") && !broken {
			broken = true
			w.Header().Set("Content-Length", "1000000")
			_, _ = io.WriteString(w, `{"items":[`)
			return
		}
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			t.Errorf("no compression is asked for")
		}
		w.Header().Set("Content-Encoding", "gzip")
		compressed := gzip.NewWriter(w)
		f.ServeHTTP(gzipped{w, compressed}, r)
		_ = compressed.Close()
	})
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it would tell of the handshake that fails on purpose
	server.StartTLS()
	defer server.Close()

	untrusting, err := backstage.New(backstage.Config{URL: server.URL, Token: "t0ken"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := untrusting.Scan(t.Context(), nil, newCollector()); err == nil || !strings.Contains(err.Error(), "caFile") {
		t.Errorf("without its certificate: %v", err)
	}
	ca := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(ca, block, 0o600); err != nil {
		t.Fatal(err)
	}
	trusting, err := backstage.New(backstage.Config{URL: server.URL, Token: "t0ken", CAFile: ca, PageSize: 4})
	if err != nil {
		t.Fatal(err)
	}
	if got := scan(t, trusting); len(got) != 9 {
		t.Errorf("%d scopes, want 9", len(got))
	}

	open := httptest.NewServer(f)
	defer open.Close()
	onward = open.URL
	if _, err := trusting.Scan(t.Context(), nil, newCollector()); err == nil || !strings.Contains(err.Error(), "not encrypted") {
		t.Errorf("sent on to %s: %v", onward, err)
	}
}

type gzipped struct {
	http.ResponseWriter
	body io.Writer
}

func (g gzipped) Write(p []byte) (int, error) { return g.body.Write(p) }

// A token goes to the backend alone, wherever that sends the reader.
func TestTokenStaysWithTheBackend(t *testing.T) {
	var stolen string
	login := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		stolen = r.Header.Get("Authorization")
		w.Header().Set("Content-Type", "text/html")
	}))
	defer login.Close()
	elsewhere := strings.Replace(login.URL, "127.0.0.1", "localhost", 1)
	server := httptest.NewServer(http.RedirectHandler(elsewhere, http.StatusFound))
	defer server.Close()
	scanner, err := backstage.New(backstage.Config{URL: server.URL, Token: "s3cr3t"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = scanner.Scan(t.Context(), nil, newCollector())
	if err == nil || !strings.Contains(err.Error(), "web page") || stolen != "" {
		t.Errorf("the error is %v; the other host was told %q", err, stolen)
	}
}
