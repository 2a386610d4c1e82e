package webhook_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/github/webhook"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "it is known to two"

// source remembers what it is told, as a catalog does: a delivery once.
type source struct {
	mu     sync.Mutex
	names  [][]string
	pulls  []webhook.PullRequest
	before map[string]bool
	err    error
}

func newSource() *source { return &source{before: make(map[string]bool)} }

func (s *source) changed(_ context.Context, delivery string, names []string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	if s.before[delivery] {
		return fmt.Errorf("source s: %w", scanners.ErrHeardBefore)
	}
	s.before[delivery] = true
	s.names = append(s.names, names)
	return nil
}

func (s *source) pull(_ context.Context, event webhook.PullRequest) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pulls = append(s.pulls, event)
	return s.err
}

// heard are the names since it was last called.
func (s *source) heard() [][]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	names := s.names
	s.names = nil
	return names
}

// target reads catalog files of acme's default branches.
func (s *source) target() webhook.Target {
	return webhook.Target{
		Source: "s", Secret: secret, Host: "github.com",
		Owners: func(owner string) bool { return strings.EqualFold(owner, "acme") || owner == "new-acme" },
		Wants: func(_, branch, path string) bool {
			return branch == "main" && (path == "" || strings.HasSuffix(path, "catalog-info.yaml"))
		},
		Changed: s.changed, PullRequest: s.pull,
	}
}

func handler(t testing.TB, config webhook.Config) http.Handler {
	t.Helper()
	h, err := webhook.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func sign(key string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// delivery is a signed one, as GitHub sends it.
func delivery(id, event, payload string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/webhooks/github", strings.NewReader(payload))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-GitHub-Event", event)
	r.Header.Set("X-GitHub-Delivery", id)
	r.Header.Set("X-Hub-Signature-256", sign(secret, []byte(payload)))
	return r
}

func send(h http.Handler, r *http.Request) int {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}

const pushed = `{"ref":"refs/heads/main","before":"1","after":"2","repository":{"full_name":"acme/checkout","default_branch":"main","html_url":"https://github.com/acme/checkout"},` +
	`"commits":[{"id":"2","added":[],"removed":[],"modified":["a/catalog-info.yaml","a/main.go"]}]}`

// TestRefused holds what is refused, by which status, that no source hears of it, and that the log has neither the body nor
// a secret.
func TestRefused(t *testing.T) {
	const private = "nobody may see this"
	payload := strings.Replace(pushed, `"before":"1"`, `"before":"`+private+`"`, 1)
	form := url.Values{"payload": {payload}}.Encode()
	for name, test := range map[string]struct {
		change func(*http.Request)
		status int
		metric string
	}{
		"as it is":          {func(*http.Request) {}, 202, "accepted"},
		"with a parameter":  {func(r *http.Request) { r.Header.Set("Content-Type", "application/json; charset=utf-8") }, 202, "accepted"},
		"by GET":            {func(r *http.Request) { r.Method = http.MethodGet }, 405, "malformed"},
		"as text":           {func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, 415, "malformed"},
		"as nothing":        {func(r *http.Request) { r.Header.Del("Content-Type") }, 415, "malformed"},
		"without an event":  {func(r *http.Request) { r.Header.Del("X-GitHub-Event") }, 400, "malformed"},
		"without an id":     {func(r *http.Request) { r.Header.Del("X-GitHub-Delivery") }, 400, "malformed"},
		"with a long id":    {func(r *http.Request) { r.Header.Set("X-GitHub-Delivery", strings.Repeat("1", 101)) }, 400, "malformed"},
		"not signed":        {func(r *http.Request) { r.Header.Del("X-Hub-Signature-256") }, 401, "forged"},
		"signed by SHA-1":   {func(r *http.Request) { r.Header.Set("X-Hub-Signature-256", "sha1="+strings.Repeat("0", 40)) }, 401, "forged"},
		"signed by another": {func(r *http.Request) { r.Header.Set("X-Hub-Signature-256", sign("other", []byte(payload))) }, 401, "forged"},
		"signed by nothing": {func(r *http.Request) { r.Header.Set("X-Hub-Signature-256", sign("", []byte(payload))) }, 401, "forged"},
		"signed half":       {func(r *http.Request) { r.Header.Set("X-Hub-Signature-256", sign(secret, []byte(payload))[:40]) }, 401, "forged"},
		"another body": {func(r *http.Request) {
			r.Body = io.NopCloser(strings.NewReader(strings.Replace(payload, "acme", "evil", 1)))
		}, 401, "forged"},
		"too large, as it says": {func(r *http.Request) { r.ContentLength = 1001 }, 413, "oversized"},
		"too large, as it shows": {func(r *http.Request) {
			r.ContentLength, r.Body = -1, io.NopCloser(strings.NewReader(strings.Repeat("x", 1001)))
		}, 413, "oversized"},
		"no JSON": {func(r *http.Request) {
			r.Body = io.NopCloser(strings.NewReader("{"))
			r.Header.Set("X-Hub-Signature-256", sign(secret, []byte("{")))
		}, 400, "malformed"},
		"broken off": {func(r *http.Request) { r.Body = io.NopCloser(&torn{}) }, 400, "malformed"},
		"as a form": {func(r *http.Request) {
			r.Body = io.NopCloser(strings.NewReader(form))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("X-Hub-Signature-256", sign(secret, []byte(form)))
		}, 202, "accepted"},
		"as a form whose field is signed": {func(r *http.Request) {
			r.Body = io.NopCloser(strings.NewReader(form))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}, 401, "forged"},
		"as a form without the field": {func(r *http.Request) {
			r.Body = io.NopCloser(strings.NewReader("a=b"))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("X-Hub-Signature-256", sign(secret, []byte("a=b")))
		}, 400, "malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			s, registry := newSource(), prometheus.NewRegistry()
			var log bytes.Buffer
			h := handler(t, webhook.Config{
				Targets:  []webhook.Target{s.target(), {Source: "open", Host: "github.com", Changed: s.changed}},
				MaxBytes: 1000, Log: zerolog.New(&log), Metrics: registry,
			})
			r := delivery("7", "push", payload)
			test.change(r)
			event := r.Header.Get("X-GitHub-Event")
			if event == "" {
				event = "other"
			}
			if status := send(h, r); status != test.status {
				t.Errorf("status %d, not %d", status, test.status)
			}
			if got, want := counted(t, registry), []string{event + " " + test.metric + " 1"}; !cmp.Equal(want, got) {
				t.Errorf("counted %v, not %v", got, want)
			}
			if heard := s.heard(); (len(heard) > 0) != (test.status == 202) {
				t.Errorf("the source heard %v", heard)
			}
			if text := log.String(); strings.Contains(text, private) || strings.Contains(text, secret) || !strings.Contains(text, test.metric) {
				t.Errorf("the log: %s", text)
			}
		})
	}
}

// counted lists the deliveries by event and outcome.
func counted(t *testing.T, registry *prometheus.Registry) []string {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			line := ""
			for _, label := range metric.GetLabel() {
				line += label.GetValue() + " "
			}
			list = append(list, line+fmt.Sprint(metric.GetCounter().GetValue()))
		}
	}
	return list
}

// torn is a body that breaks off.
type torn struct{}

func (*torn) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestReplays(t *testing.T) {
	s := newSource()
	h := handler(t, webhook.Config{Targets: []webhook.Target{s.target()}})
	for i, test := range []struct {
		id, event, payload string
		status             int
	}{
		{"1", "push", pushed, 202},
		{"1", "push", pushed, 409},
		{"2", "push", pushed, 202},
		{"3", "ping", "{}", 202},
		{"3", "ping", "{}", 409},
		{"4", "push", "[]", 400},
		{"4", "push", pushed, 202}, // what was not taken may come again
	} {
		if status := send(h, delivery(test.id, test.event, test.payload)); status != test.status {
			t.Errorf("%d: status %d, not %d", i, status, test.status)
		}
	}
	again := handler(t, webhook.Config{Targets: []webhook.Target{s.target()}}) // after a restart the source knows
	if status := send(again, delivery("1", "push", pushed)); status != 409 {
		t.Errorf("after a restart: status %d", status)
	}
	s.err = errors.New("not now")
	if status := send(h, delivery("5", "push", pushed)); status != 503 {
		t.Errorf("of a source that fails: status %d", status)
	}
	s.err = nil
	if status := send(h, delivery("5", "push", pushed)); status != 202 {
		t.Errorf("delivered again: status %d", status)
	}
}

// TestReplayOfOne holds that a delivery which one of its sources could not take goes to that one when it comes again.
func TestReplayOfOne(t *testing.T) {
	one, two := newSource(), newSource()
	two.err = errors.New("not now")
	h := handler(t, webhook.Config{Targets: []webhook.Target{one.target(), two.target()}})
	if status := send(h, delivery("1", "push", pushed)); status != 503 {
		t.Errorf("status %d", status)
	}
	two.err = nil
	if status := send(h, delivery("1", "push", pushed)); status != 202 {
		t.Errorf("status %d", status)
	}
	for i, s := range []*source{one, two} {
		if n := len(s.heard()); n != 1 {
			t.Errorf("source %d heard it %d times", i, n)
		}
	}
}

// TestSeveralSources holds that each source hears what it has to, and none what was signed for another.
func TestSeveralSources(t *testing.T) {
	here, other, enterprise, twin := newSource(), newSource(), newSource(), newSource()
	targets := []webhook.Target{here.target(), other.target(), enterprise.target(), twin.target()}
	targets[1].Secret = "that of another"
	targets[2].Host = "github.acme.example"
	h := handler(t, webhook.Config{Targets: targets})
	if status := send(h, delivery("1", "push", pushed)); status != 202 {
		t.Errorf("status %d", status)
	}
	want := [][]string{{"github.com/acme/checkout/a/catalog-info.yaml"}}
	for name, test := range map[string]struct {
		source *source
		want   [][]string
	}{"here": {here, want}, "another secret": {other, nil}, "another host": {enterprise, nil}, "of the same": {twin, want}} {
		if diff := cmp.Diff(test.want, test.source.heard()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestRefusalsInTheLog holds that those who send what is refused do not fill the log.
func TestRefusalsInTheLog(t *testing.T) {
	var log bytes.Buffer
	s := newSource()
	h := handler(t, webhook.Config{Targets: []webhook.Target{s.target()}, Log: zerolog.New(&log)})
	for range 1000 {
		r := delivery("1", "push", pushed)
		r.Header.Set("X-Hub-Signature-256", sign("another", nil))
		send(h, r)
	}
	if n := strings.Count(log.String(), "\n"); n == 0 || n > 130 { // a minute may end in between
		t.Errorf("%d lines", n)
	}
	send(h, delivery("1", "push", pushed))
	if !strings.Contains(log.String(), `"outcome":"accepted"`) {
		t.Error("what is accepted is not in the log")
	}
}
