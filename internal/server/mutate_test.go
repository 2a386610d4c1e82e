package server_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/server"
)

func post(query string) string { return fmt.Sprintf(`{"query":%q}`, query) }

const scanRepos = `mutation{scanSource(id:"repos"){revision scopes unreadable put removed durationSeconds source{id documents}}}`

func (l *living) handler() http.Handler {
	return server.New(server.Config{Snapshots: l, Past: l, Live: l})
}

// The answer waits for the snapshot that shows what was committed.
func TestScanSource(t *testing.T) {
	l := newLiving()
	l.scan = func(_ context.Context, id string) (graph.ScanResult, error) {
		if id != "repos" {
			return graph.ScanResult{}, fmt.Errorf("%w: %q", graph.ErrUnknownSource, id)
		}
		go l.commit("component:default/web")
		return graph.ScanResult{
			Source: id, Revision: 2, Put: 3, Removed: 4, Scopes: 5, Unreadable: 6, Duration: 1500 * time.Millisecond,
		}, nil
	}
	w := do(l.handler(), request(t, "POST", "/graphql", post(scanRepos), "Content-Type", plain))
	want := `{"data":{"scanSource":{"revision":2,"scopes":5,"unreadable":6,"put":3,"removed":4,"durationSeconds":1.5,` +
		`"source":{"id":"repos","documents":2}}},"extensions":{"revision":2}}`
	if got := strings.TrimSpace(w.Body.String()); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// The first scan may be asked for when there is nothing yet.
func TestFirstScan(t *testing.T) {
	l := newLiving()
	l.current.Store(nil)
	l.scan = func(context.Context, string) (graph.ScanResult, error) {
		l.current.Store(withSources(1))
		return graph.ScanResult{Source: "repos", Revision: 1}, nil
	}
	w := do(l.handler(), request(t, "POST", "/graphql", post(scanRepos), "Content-Type", plain))
	if !strings.Contains(w.Body.String(), `"scanSource":{"revision":1`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestErrorsOfMutations(t *testing.T) {
	failing := func(err error) func(context.Context, string) (graph.ScanResult, error) {
		return func(context.Context, string) (graph.ScanResult, error) { return graph.ScanResult{}, err }
	}
	approve := func(digest string) string {
		return fmt.Sprintf(`mutation{approveScan(id:"repos",digest:%q){revision}}`, digest)
	}
	tests := map[string]struct {
		query      string
		err        error
		code, says string
		status     int
	}{
		"unknown source":  {scanRepos, fmt.Errorf("%w: \"repos\" (there are a, b)", graph.ErrUnknownSource), "NOT_FOUND", "there are a, b", 200},
		"failed scan":     {scanRepos, errors.New("open /srv:\n permission denied"), "SCAN_FAILED", "the last good data of repos stands: open /srv: permission denied", 200},
		"store away":      {scanRepos, fmt.Errorf("commit: %w", graph.ErrUnavailable), "UNAVAILABLE", "try again", 200},
		"read only":       {scanRepos, graph.ErrReadOnly, "READ_ONLY", "only shows", 200},
		"stopped":         {scanRepos, context.Canceled, "UNAVAILABLE", "", 200},
		"no id":           {`mutation{scanSource(id:""){revision}}`, nil, "BAD_INPUT", "id is empty", 200},
		"nothing held":    {approve("none"), nil, "BAD_INPUT", "no removal waits", 200},
		"held has moved":  {approve("old"), nil, "CONFLICT", "look at it again", 200},
		"no digest":       {approve(""), nil, "BAD_INPUT", "digest is empty", 200},
		"failed approval": {approve("good"), errors.New("disk full"), "SCAN_FAILED", "disk full", 200},
		"many at once":    {`mutation{` + strings.Repeat(`scanSource(id:"a"){revision} `, 3) + strings.Repeat(`b:scanSource(id:"a"){revision} `, 3) + `}`, nil, "TOO_COMPLEX", "at most", 200},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			l := newLiving()
			l.scan = failing(test.err)
			w := do(l.handler(), request(t, "POST", "/graphql", post(test.query), "Content-Type", plain))
			if w.Code != test.status || !strings.Contains(w.Body.String(), `"code":"`+test.code+`"`) || !strings.Contains(w.Body.String(), test.says) {
				t.Errorf("%d %s, want %d, %s and %q", w.Code, w.Body, test.status, test.code, test.says)
			}
		})
	}
	held := &holder{}
	held.current.Store(withSources(1))
	w := do(server.New(server.Config{Snapshots: held}), request(t, "POST", "/graphql", post(scanRepos), "Content-Type", plain))
	if !strings.Contains(w.Body.String(), "READ_ONLY") {
		t.Errorf("where nothing changes: %s", w.Body)
	}
}

// What a page of another site can make a browser send changes nothing.
func TestOnlyOwnPagesMutate(t *testing.T) {
	foreign := []string{"Origin", "https://evil.example"}
	tests := map[string]struct {
		method, target, body string
		header               []string
	}{
		"GET":                      {"GET", get(scanRepos), "", nil},
		"GET for events":           {"GET", get(scanRepos), "", []string{"Accept", "text/event-stream"}},
		"GET with a body":          {"GET", "/graphql", post(scanRepos), []string{"Content-Type", plain}},
		"query in the address":     {"POST", get(scanRepos), "", []string{"Content-Type", plain}},
		"a form":                   {"POST", "/graphql", "query=" + scanRepos, []string{"Content-Type", "application/x-www-form-urlencoded"}},
		"a form of JSON":           {"POST", "/graphql", post(scanRepos), []string{"Content-Type", "text/plain"}},
		"a form with files":        {"POST", "/graphql", post(scanRepos), []string{"Content-Type", "multipart/form-data; boundary=x"}},
		"without type":             {"POST", "/graphql", post(scanRepos), nil},
		"JSON from another site":   {"POST", "/graphql", post(scanRepos), append(foreign, "Content-Type", plain)},
		"events from another site": {"POST", "/graphql", post(scanRepos), append(foreign, "Content-Type", plain, "Accept", "text/event-stream")},
		"preflight":                {"OPTIONS", "/graphql", "", append(foreign, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type")},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			l := newLiving()
			l.scan = func(context.Context, string) (graph.ScanResult, error) {
				t.Error("it was scanned")
				return graph.ScanResult{}, nil
			}
			w := do(l.handler(), request(t, test.method, test.target, test.body, test.header...))
			if w.Code < 400 || w.Header().Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%d %v", w.Code, w.Header())
			}
		})
	}
}

// A client that goes away stops nothing that it has begun.
func TestMutationOutlivesItsClient(t *testing.T) {
	l := newLiving()
	begun, goOn, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	l.scan = func(ctx context.Context, _ string) (graph.ScanResult, error) {
		close(begun)
		<-goOn
		ended <- ctx.Err()
		return graph.ScanResult{Revision: 1}, nil
	}
	s := run(t, l, server.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, "POST", "http://"+s.address+"/graphql", strings.NewReader(post(scanRepos)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", plain)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		if response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r); err == nil {
			_ = response.Body.Close()
			t.Error("there is an answer")
		}
	}()
	<-begun
	cancel()
	<-gone
	close(goOn)
	if err := <-ended; err != nil {
		t.Errorf("the scan was ended: %v", err)
	}
}

func TestScansAtOneTime(t *testing.T) {
	l := newLiving()
	begun, goOn := make(chan struct{}), make(chan struct{})
	l.scan = func(context.Context, string) (graph.ScanResult, error) {
		begun <- struct{}{}
		<-goOn
		return graph.ScanResult{Revision: 1}, nil
	}
	h := l.handler()
	answers := make(chan *httptest.ResponseRecorder)
	ask := func() *httptest.ResponseRecorder {
		return do(h, request(t, "POST", "/graphql", post(scanRepos), "Content-Type", plain))
	}
	for range 16 {
		go func() { answers <- ask() }()
		<-begun
	}
	if w := ask(); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("one too many: %d %s", w.Code, w.Body)
	}
	if w := do(h, request(t, "GET", get(`{entity(ref:"web"){ref}}`), "")); w.Code != http.StatusOK {
		t.Errorf("a lookup meanwhile: %d", w.Code)
	}
	close(goOn)
	for range 16 {
		if w := <-answers; w.Code != http.StatusOK {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
}
