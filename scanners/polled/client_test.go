package polled_test

import (
	"compress/gzip"
	"context"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orrery-catalog/orrery/scanners/polled"
)

// carry answers in this process.
type carry func(w http.ResponseWriter, r *http.Request)

func (c carry) RoundTrip(r *http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	c(recorder, r)
	response := recorder.Result()
	response.Request = r
	return response, nil
}

func client(t *testing.T, address polled.Address) *polled.Client {
	t.Helper()
	address.Program = "Jaeger"
	if address.URL == "" {
		address.URL = "http://jaeger:16686/base/"
	}
	c, err := polled.NewClient(address)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		address polled.Address
		want    string
	}{
		"none":       {polled.Address{}, "the url of Jaeger is missing"},
		"no address": {polled.Address{URL: "jaeger:16686"}, "the url is not one of Jaeger"},
		"a password": {polled.Address{URL: "http://a:b@jaeger"}, "the url holds a user name or password"},
		"a question": {polled.Address{URL: "http://jaeger/?a=b"}, "the url has something behind ? or #"},
		"Bearer":     {polled.Address{URL: "http://jaeger", Token: "Bearer x"}, "the token holds white space"},
		"two":        {polled.Address{URL: "http://jaeger", Token: "x", Username: "u"}, "both a token and a username"},
		"no file":    {polled.Address{URL: "http://jaeger", CAFile: "/nowhere.pem"}, "read the certificates to trust"},
	} {
		c.address.Program = "Jaeger"
		if _, err := polled.NewClient(c.address); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		} else if strings.Contains(err.Error(), "a:b") {
			t.Errorf("%s: tells the password: %v", name, err)
		}
	}
}

func TestWhoAsks(t *testing.T) {
	t.Parallel()
	for want, address := range map[string]polled.Address{
		"":                   {},
		"Bearer abc":         {Token: "abc"},
		"Basic dXNlcjpwYXNz": {Username: "user", Password: "pass"},
	} {
		var got *http.Request
		address.Transport = carry(func(w http.ResponseWriter, r *http.Request) {
			got = r
			_, _ = w.Write([]byte("[]"))
		})
		var into []int
		if err := client(t, address).JSON(t.Context(), "api/x", url.Values{"a": {"b c"}}, &into); err != nil {
			t.Fatal(err)
		}
		if got.Header.Get("Authorization") != want || got.URL.String() != "http://jaeger:16686/base/api/x?a=b+c" {
			t.Errorf("asks %s with %q, want %q", got.URL, got.Header.Get("Authorization"), want)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		code  int
		body  string
		token string
		want  string
		asked int
	}{
		"no token":      {401, "", "", "wants to know who asks (401): give a token", 1},
		"a wrong token": {401, `{"message":"expired"}`, "x", "does not accept the token or password (401): expired", 1},
		"forbidden":     {403, "no\n  way", "x", "does not let this token or user ask (403): no way: allow it to read", 1},
		"another place": {404, "<html>", "", "404 Not Found: is that the address of Jaeger?", 1},
		"a login":       {302, "", "", "302 Found: it sends the reader on, perhaps to a login page", 1},
		"bad request":   {400, `{"errors":[{"code":400,"msg":"unable to parse endTs"}]}`, "", "400 Bad Request: unable to parse endTs", 1},
		"broken":        {500, "out of luck", "", "500 Internal Server Error: out of luck", 4},
		"busy":          {503, "", "", "503 Service Unavailable", 4},
		"too many":      {429, "", "", "429 Too Many Requests", 4},
		"a web page":    {200, "<html>log in</html>", "", "does not answer as Jaeger does", 1},
		"cut off":       {200, `[{"parent":`, "", "ended in its middle", 4},
		"another type":  {200, `{"parent":1}`, "", "does not answer as Jaeger does", 1},
		"too much":      {200, `[` + strings.Repeat(" ", 2000) + `]`, "", "the answer is too large: it has more than 1000 bytes", 1},
		"just enough":   {200, `[` + strings.Repeat(" ", 998) + `]`, "", "", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				asked := 0
				reader := client(t, polled.Address{Token: c.token, MaxBytes: 1000, Transport: carry(func(w http.ResponseWriter, _ *http.Request) {
					asked++
					w.WriteHeader(c.code)
					_, _ = w.Write([]byte(c.body))
				})})
				var into []polled.Link
				err := reader.JSON(t.Context(), "api", nil, &into)
				if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
					t.Errorf("%v, want %q", err, c.want)
				}
				if asked != c.asked {
					t.Errorf("asked %d times, want %d", asked, c.asked)
				}
			})
		})
	}
}

// TestPauses: who asks for a short break gets it, who asks for a long one is left alone.
func TestPauses(t *testing.T) {
	t.Parallel()
	for header, asked := range map[string]int{"20": 2, "3600": 1, "nonsense": 2} {
		synctest.Test(t, func(t *testing.T) {
			start, times := time.Now(), 0
			reader := client(t, polled.Address{Transport: carry(func(w http.ResponseWriter, _ *http.Request) {
				if times++; times > 1 {
					_, _ = w.Write([]byte("[]"))
					return
				}
				w.Header().Set("Retry-After", header)
				w.WriteHeader(http.StatusTooManyRequests)
			})})
			var into []polled.Link
			err := reader.JSON(t.Context(), "api", nil, &into)
			if times != asked || (asked == 2) != (err == nil) {
				t.Errorf("after %q it is asked %d times: %v", header, times, err)
			}
			if waited := time.Since(start); header == "20" && (waited < 20*time.Second || waited > 25*time.Second) {
				t.Errorf("waited %v", waited)
			}
		})
	}
}

// TestSlow: an answer that takes too long is given up, and so is the reading when its context ends.
func TestSlow(t *testing.T) {
	t.Parallel()
	slow := func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	synctest.Test(t, func(t *testing.T) {
		err := client(t, polled.Address{Timeout: time.Minute, Transport: waits(slow)}).JSON(t.Context(), "api", nil, new([]int))
		if err == nil || !strings.Contains(err.Error(), "took too long: over 1m0s") {
			t.Errorf("got %v", err)
		}
		ended := errors.New("ended")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(ended) })
		if err := client(t, polled.Address{Transport: waits(slow)}).JSON(ctx, "api", nil, new([]int)); !errors.Is(err, ended) {
			t.Errorf("got %v, want why it ended", err)
		}
	})
}

type waits func(w http.ResponseWriter, r *http.Request)

func (s waits) RoundTrip(r *http.Request) (*http.Response, error) {
	s(nil, r)
	return nil, r.Context().Err()
}

// TestServers asks over real connections: certificates, redirects, and answers that blow up when unpacked.
func TestServers(t *testing.T) {
	t.Parallel()
	var elsewhere atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	t.Cleanup(other.Close)
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, other.URL, http.StatusFound)
		case "/bomb":
			w.Header().Set("Content-Encoding", "gzip")
			packed := gzip.NewWriter(w)
			_, _ = packed.Write([]byte("[" + strings.Repeat(" ", 10<<20) + "]"))
			_ = packed.Close()
		default:
			_, _ = w.Write([]byte("[]"))
		}
	}))
	t.Cleanup(server.Close)
	caFile := filepath.Join(t.TempDir(), "ca.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(caFile, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	ask := func(address polled.Address, path string) error {
		address.URL, address.MaxBytes, address.Token = server.URL, 1<<20, "secret"
		return client(t, address).JSON(t.Context(), path, nil, new([]int))
	}
	trusting := polled.Address{CAFile: caFile}
	if err := ask(trusting, "fine"); err != nil {
		t.Error(err)
	}
	if err := ask(polled.Address{}, "fine"); err == nil || !strings.Contains(err.Error(), "name the certificate of its authority in caFile") {
		t.Errorf("got %v", err)
	}
	if err := ask(trusting, "moved"); err == nil || elsewhere.Load() > 0 {
		t.Errorf("the redirect was followed %d times: %v", elsewhere.Load(), err)
	}
	if err := ask(trusting, "bomb"); !errors.Is(err, polled.ErrTooLarge) {
		t.Errorf("got %v", err)
	}
}

func TestMessage(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"error":"a  b","status":"error"}`:        "a b",
		`{"message":"m"}`:                          "m",
		`{"errors":[{"msg":"x"},{"message":"y"}]}`: "x y",
		`{"error":{"deep":1}}`:                     "",
		"plain\ntext":                              "plain text",
		"<html><body>502</body></html>":            "",
		"":                                         "",
		strings.Repeat("long ", 100):               strings.Repeat("long ", 60) + "…",
		"\xff\xfe":                                 "�",
	} {
		if got := polled.Message([]byte(body)); got != want {
			t.Errorf("%q says %q, want %q", body, got, want)
		}
	}
}
