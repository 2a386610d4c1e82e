package server_test

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/server"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// holder gives the snapshot that it holds.
type holder struct {
	current atomic.Pointer[graph.Snapshot]
}

func (h *holder) Snapshot() *graph.Snapshot { return h.current.Load() }

func snapshot(revision graph.Revision, names ...string) *graph.Snapshot {
	model := &catalog.Model{}
	for _, name := range names {
		model.Entities = append(model.Entities, &catalog.Entity{Descriptor: catalog.Descriptor{
			Ref: catalog.NewRef("component", "", name), Kind: "Component", Namespace: "default", Name: name,
			Description: strings.Repeat("a long text about "+name+" ", 50),
		}})
	}
	slices.SortFunc(model.Entities, func(a, b *catalog.Entity) int { return cmp.Compare(a.Ref, b.Ref) })
	return graph.Build(graph.Input{Revision: revision, Model: model})
}

func handler(config server.Config) http.Handler {
	if config.Snapshots == nil {
		held := &holder{}
		held.current.Store(snapshot(7, "web", "mail"))
		config.Snapshots = held
	}
	return server.New(config)
}

func request(t *testing.T, method, target, body string, header ...string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	r.Host = "localhost:7007"
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return r
}

func do(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

const (
	plain   = "application/json"
	special = "application/graphql-response+json"
)

func get(query string) string { return "/graphql?query=" + url.QueryEscape(query) }

// The requirements of the GraphQL-over-HTTP draft, and our own for what it leaves open.
func TestGraphQLOverHTTP(t *testing.T) {
	const good = `{"query":"{entity(ref:\"web\"){ref}}"}`
	const answer = `{"data":{"entity":{"ref":"component:default/web"}},"extensions":{"revision":7}}`
	deep := strings.Repeat("[", 100_000)
	tests := map[string]struct {
		method, target, body, contentType, accept string
		status                                    int
		media, says                               string
	}{
		"POST":                       {"POST", "/graphql", good, plain, special, 200, special, answer},
		"POST, older media type":     {"POST", "/graphql", good, plain, plain, 200, plain, answer},
		"no Accept":                  {"POST", "/graphql", good, plain, "", 200, plain, answer},
		"any Accept":                 {"POST", "/graphql", good, plain, "*/*", 200, plain, answer},
		"Accept by weight":           {"POST", "/graphql", good, plain, plain + ";q=0.5, " + special, 200, special, answer},
		"Accept refuses one":         {"POST", "/graphql", good, plain, plain + ";q=0, " + special + ";q=0.1", 200, special, answer},
		"charset":                    {"POST", "/graphql", good, plain + "; charset=UTF-8", plain, 200, plain, answer},
		"GET":                        {"GET", get(`{entity(ref:"web"){ref}}`), "", "", special, 200, special, answer},
		"GET with variables":         {"GET", get(`query q($r:String!){entity(ref:$r){ref}} query p{sources{totalCount}}`) + "&operationName=q&variables=" + url.QueryEscape(`{"r":"web"}`), "", "", plain, 200, plain, answer},
		"nulls":                      {"POST", "/graphql", `{"query":"{entity(ref:\"web\"){ref}}","variables":null,"operationName":null,"extensions":null}`, plain, plain, 200, plain, answer},
		"unknown parameter":          {"POST", "/graphql", `{"query":"{entity(ref:\"web\"){ref}}","more":1}`, plain, plain, 200, plain, answer},
		"answer with an error":       {"POST", "/graphql", `{"query":"{entity(ref:\"webb\"){ref}}"}`, plain, special, 200, special, `"candidates":["component:default/web"],"code":"NOT_FOUND"`},
		"unknown field":              {"POST", "/graphql", `{"query":"{nonsense}"}`, plain, special, 400, special, "BAD_INPUT"},
		"unknown field, older type":  {"POST", "/graphql", `{"query":"{nonsense}"}`, plain, plain, 200, plain, "BAD_INPUT"},
		"no document":                {"POST", "/graphql", `{"query":"{"}`, plain, special, 400, special, "BAD_INPUT"},
		"unknown operation":          {"POST", "/graphql", `{"query":"query a{sources{totalCount}}","operationName":"b"}`, plain, special, 400, special, "BAD_INPUT"},
		"missing variable":           {"POST", "/graphql", `{"query":"query($r:String!){entity(ref:$r){ref}}"}`, plain, special, 400, special, "BAD_INPUT"},
		"variable of another type":   {"POST", "/graphql", `{"query":"query($r:String!){entity(ref:$r){ref}}","variables":{"r":[1]}}`, plain, special, 400, special, "BAD_INPUT"},
		"too complex":                {"POST", "/graphql", `{"query":"{entities(first:1000){nodes{parts(first:1000){nodes{ref}}}}}"}`, plain, special, 400, special, "TOO_COMPLEX"},
		"no JSON":                    {"POST", "/graphql", `{`, plain, plain, 400, plain, "not a JSON object"},
		"two JSON values":            {"POST", "/graphql", good + good, plain, plain, 400, plain, "not a JSON object"},
		"a batch":                    {"POST", "/graphql", `[` + good + `]`, plain, plain, 400, plain, "not a JSON object"},
		"deep JSON":                  {"POST", "/graphql", deep, plain, plain, 400, plain, "not a JSON object"},
		"no query":                   {"POST", "/graphql", `{}`, plain, plain, 400, plain, "there is no query"},
		"query is no text":           {"POST", "/graphql", `{"query":{"a":1}}`, plain, plain, 400, plain, "query must not be"},
		"variables are a list":       {"POST", "/graphql", `{"query":"{a}","variables":[1]}`, plain, plain, 400, plain, "variables must not be"},
		"extensions are a text":      {"POST", "/graphql", `{"query":"{a}","extensions":"x"}`, plain, plain, 400, plain, "extensions must not be"},
		"operation name is a number": {"POST", "/graphql", `{"query":"{a}","operationName":1}`, plain, plain, 400, plain, "operationName must not be"},
		"GET without query":          {"GET", "/graphql", "", "", plain, 400, plain, "there is no query"},
		"GET, bad variables":         {"GET", get(`{sources{totalCount}}`) + "&variables=[]", "", "", plain, 400, plain, "variables is not a JSON object"},
		"GET, no UTF-8":              {"GET", "/graphql?query=%ff", "", "", plain, 400, plain, "not UTF-8"},
		"GET of a mutation":          {"GET", get(`mutation{scan}`), "", "", special, 400, special, "BAD_INPUT"},
		"a form":                     {"POST", "/graphql", "query=%7Bsources%7BtotalCount%7D%7D", "application/x-www-form-urlencoded", "", 415, plain, "Content-Type"},
		"a text":                     {"POST", "/graphql", good, "text/plain", "", 415, plain, "Content-Type"},
		"a body without type":        {"POST", "/graphql", good, "", "", 415, plain, "Content-Type"},
		"another charset":            {"POST", "/graphql", good, plain + "; charset=utf-16", "", 415, plain, "Content-Type"},
		"DELETE":                     {"DELETE", "/graphql", "", "", "", 405, plain, "use GET or POST"},
		"another Accept":             {"POST", "/graphql", good, plain, "text/csv", 406, plain, special},
		"a large body":               {"POST", "/graphql", `{"query":"` + strings.Repeat(" ", 300<<10) + `"}`, plain, plain, 413, plain, "256 KiB"},
		"a browser":                  {"GET", "/graphql", "", "", "text/html,*/*;q=0.8", 303, "text/html", "/graphiql"},
	}
	h := handler(server.Config{})
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := request(t, test.method, test.target, test.body)
			if test.contentType != "" {
				r.Header.Set("Content-Type", test.contentType)
			}
			if test.accept != "" {
				r.Header.Set("Accept", test.accept)
			}
			w := do(h, r)
			if w.Code != test.status {
				t.Errorf("status %d, want %d", w.Code, test.status)
			}
			if got := w.Header().Get("Content-Type"); got != test.media+"; charset=utf-8" {
				t.Errorf("Content-Type %q, want %q", got, test.media)
			}
			if !strings.Contains(w.Body.String(), test.says) {
				t.Errorf("got %s, want %s", w.Body, test.says)
			}
			if test.media != "text/html" && !json.Valid(w.Body.Bytes()) {
				t.Errorf("not JSON: %s", w.Body)
			}
			if got := w.Header().Get("Allow"); (got != "") != (test.status == 405) {
				t.Errorf("Allow %q", got)
			}
		})
	}
}

func TestHostAndOrigin(t *testing.T) {
	tests := map[string]struct {
		host   string
		origin []string
		config server.Config
		status int
	}{
		"localhost":                 {host: "localhost:7007", status: 200},
		"localhost without port":    {host: "localhost", status: 200},
		"in upper case":             {host: "LocalHost:7007", status: 200},
		"with a final dot":          {host: "localhost.:7007", status: 200},
		"127.0.0.1":                 {host: "127.0.0.1:7007", status: 200},
		"127.1.2.3":                 {host: "127.1.2.3", status: 200},
		"IPv6":                      {host: "[::1]:7007", status: 200},
		"IPv6 without port":         {host: "[::1]", status: 200},
		"IPv4 in IPv6":              {host: "[::ffff:127.0.0.1]:7007", status: 200},
		"a rebound name":            {host: "evil.example:7007", status: 403},
		"a name like ours":          {host: "localhost.evil.example", status: 403},
		"no host":                   {host: "", status: 403},
		"another address":           {host: "192.168.1.7:7007", status: 403},
		"any address":               {host: "192.168.1.7:7007", config: server.Config{AnyAddress: true}, status: 200},
		"a name in spite of that":   {host: "evil.example:7007", config: server.Config{AnyAddress: true}, status: 403},
		"a configured name":         {host: "Orrery.shop.example", config: server.Config{Hosts: []string{"orrery.shop.example"}}, status: 200},
		"a configured address":      {host: "10.0.0.3:80", config: server.Config{Hosts: []string{"10.0.0.3"}}, status: 200},
		"own origin":                {host: "localhost:7007", origin: []string{"http://localhost:7007"}, status: 200},
		"own origin by TLS":         {host: "localhost:7007", origin: []string{"https://localhost:7007"}, status: 200},
		"another site":              {host: "localhost:7007", origin: []string{"https://evil.example"}, status: 403},
		"another port":              {host: "localhost:7007", origin: []string{"http://localhost:8080"}, status: 403},
		"another name of ourselves": {host: "localhost:7007", origin: []string{"http://127.0.0.1:7007"}, status: 403},
		"no origin of its own":      {host: "localhost:7007", origin: []string{"null"}, status: 403},
		"an empty origin":           {host: "localhost:7007", origin: []string{""}, status: 403},
		"two origins":               {host: "localhost:7007", origin: []string{"http://localhost:7007", "https://evil.example"}, status: 403},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			h := handler(test.config)
			for _, path := range []string{get(`{sources{totalCount}}`), "/livez", "/metrics"} {
				r := request(t, "GET", path, "")
				r.Host = test.host
				r.Header["Origin"] = test.origin
				if w := do(h, r); w.Code != test.status {
					t.Errorf("%s: status %d, want %d", path, w.Code, test.status)
				}
			}
		})
	}
}

func TestReadiness(t *testing.T) {
	held := &holder{}
	h := handler(server.Config{Snapshots: held})
	expect := func(path string, status int, says string) {
		t.Helper()
		if w := do(h, request(t, "GET", path, "")); w.Code != status || !strings.Contains(w.Body.String(), says) {
			t.Errorf("%s: %d %s, want %d %s", path, w.Code, w.Body, status, says)
		}
	}
	expect("/livez", 200, "ok")
	expect("/readyz", 503, "still being read")
	expect(get(`{sources{totalCount}}`), 503, "UNAVAILABLE")
	held.current.Store(snapshot(1, "web"))
	expect("/readyz", 200, "ok")
	expect(get(`{sources{totalCount}}`), 200, "data")
	held.current.Store(graph.Build(graph.Input{Revision: 5, Time: time.Unix(90, 0), Sources: []graph.Source{
		{ID: "a", State: graph.SourceOK, LastGood: time.Unix(200, 0)},
		{ID: "b", State: graph.SourceFailed, LastGood: time.Unix(100, 0)},
		{ID: "c", State: graph.SourcePending},
		{ID: "d", State: graph.SourceOK, LastGood: time.Unix(1, 0), Unconfigured: true},
	}}))
	expect("/readyz", 200, `{"status":"ok","revision":5,"time":"1970-01-01T00:01:30Z","oldestGoodScan":"1970-01-01T00:01:40Z","ageSeconds":`)
	expect("/readyz", 200, `"sources":{"FAILED":1,"OK":2,"PENDING":1},"store":null}`)
	expect("/livez", 200, "ok")
}

// A server whose store is away answers from what it has, and says how old that may be. It is not ready before it has
// anything.
func TestStoreAway(t *testing.T) {
	held := &holder{}
	var now graph.Freshness
	h := handler(server.Config{Snapshots: held, Freshness: func() graph.Freshness { return now }})
	expect := func(path string, status int, says ...string) http.Header {
		t.Helper()
		w := do(h, request(t, "GET", path, ""))
		for _, text := range says {
			if w.Code != status || !strings.Contains(w.Body.String(), text) {
				t.Errorf("%s: %d %s, want %d %s", path, w.Code, w.Body, status, text)
			}
		}
		return w.Header()
	}
	query := get(`{sources{totalCount}}`)
	expect("/readyz", 503, `"reason":"the catalog is still being read"`, `"store":{"reachable":true,"confirmed":null,"ageSeconds":null,"error":null}`)
	now = graph.Freshness{Since: time.Now(), Err: fmt.Errorf("%w: no\nroute", graph.ErrUnavailable)}
	const reason = "waiting for the store: the store is unavailable: no route"
	expect("/readyz", 503, `"reason":"`+reason+`"`, `"store":{"reachable":false,"confirmed":null,"ageSeconds":null,"error":"the store is unavailable: no route"}`)
	expect(query, 503, "UNAVAILABLE", reason)
	expect("/v1/export", 503, reason)
	expect("/livez", 200, "ok")

	held.current.Store(snapshot(1, "web"))
	if got := expect("/v1/export?digest", 200, "\n").Get("Orrery-Store-Confirmed"); got != "never" {
		t.Errorf("an export was confirmed %q", got)
	}
	now.Confirmed = time.Date(2026, 1, 2, 3, 4, 5, 6000, time.FixedZone("", 3600))
	expect("/readyz", 200, `"status":"ok"`, `"store":{"reachable":false,"confirmed":"2026-01-02T02:04:05.000006Z","ageSeconds":`)
	expect(query, 200, `"data":`, `"extensions":{"revision":1,"store":{"confirmed":"2026-01-02T02:04:05.000006Z","ageSeconds":`)
	if got := expect("/v1/export?digest", 200, "\n").Get("Orrery-Store-Confirmed"); got != "2026-01-02T02:04:05Z" {
		t.Errorf("an export was confirmed %q", got)
	}

	now = graph.Freshness{Confirmed: time.Now()}
	expect("/readyz", 200, `"status":"ok"`, `"store":{"reachable":true,`, `"error":null}`)
	expect(query, 200, `"extensions":{"revision":1}}`)
	if got := expect("/v1/export?digest", 200, "\n"); got.Get("Orrery-Store-Confirmed") != "" {
		t.Errorf("a new export has %v", got)
	}
}

func TestMetrics(t *testing.T) {
	held := &holder{}
	h := handler(server.Config{Snapshots: held})
	held.current.Store(snapshot(42, "web"))
	do(h, request(t, "GET", get(`{entity(ref:"nobody"){ref}}`), ""))
	do(h, request(t, "GET", "/some/unknown/path", ""))
	after := do(h, request(t, "GET", "/metrics", "")).Body.String()
	for _, want := range []string{
		"orrery_build_info{",
		`orrery_http_requests_total{code="200",route="/graphql"} 1`, `orrery_graphql_errors_total{code="NOT_FOUND"} 1`,
		`orrery_graphql_operation_duration_seconds_count{type="query"} 1`, `orrery_graphql_operation_cost_count{type="query"} 1`,
		`orrery_graphql_operations_total{outcome="error",type="query"} 1`,
		`orrery_http_requests_total{code="404",route="none"} 1`, "go_goroutines",
	} {
		if !strings.Contains(after, want) {
			t.Errorf("no %s in\n%s", want, after)
		}
	}
}

// The names and types are as Prometheus wants them, and docs/operations.md tells every one.
func TestMetricsAreWellNamed(t *testing.T) {
	l := newLiving()
	registry := prometheus.NewRegistry()
	s := run(t, l, server.Config{Metrics: registry})
	e := s.subscribe(t, allChanges)
	l.commit("component:default/web")
	e.expect("next", "")
	c := s.open(t)
	c.subscribe("a", `{nonsense}`)
	c.expect("BAD_INPUT")
	_ = c.conn.CloseNow()
	s.stop()
	e.expect("complete", "")
	gathered, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(gathered).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	for _, family := range gathered {
		if name := family.GetName(); strings.HasPrefix(name, "orrery_") {
			if told++; !strings.Contains(string(page), "`"+name+"`") {
				t.Errorf("%s is not in docs/operations.md", name)
			}
		}
	}
	if told < 9 {
		t.Errorf("only %d metrics are there", told)
	}
}

func TestHeaders(t *testing.T) {
	ui := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'self'")
	})
	h := handler(server.Config{UI: ui})
	for path, policy := range map[string]string{"/livez": "default-src 'none'", "/": "default-src 'self'", "/graphiql": "default-src 'self'"} {
		header := do(h, request(t, "GET", path, "")).Header()
		if !strings.HasPrefix(header.Get("Content-Security-Policy"), policy) || header.Get("X-Content-Type-Options") != "nosniff" ||
			header.Get("X-Frame-Options") != "DENY" || header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %v", path, header)
		}
	}
}

func TestCompression(t *testing.T) {
	names := []string{}
	for i := range 50 {
		names = append(names, "n"+strings.Repeat("i", i))
	}
	held := &holder{}
	held.current.Store(snapshot(1, names...))
	h := handler(server.Config{Snapshots: held})
	query := get(`{entities(first:50){nodes{ref description}}}`)
	whole := do(h, request(t, "GET", query, "")).Body.Bytes()
	w := do(h, request(t, "GET", query, "", "Accept-Encoding", "gzip"))
	if w.Header().Get("Content-Encoding") != "gzip" || w.Body.Len() > len(whole)/4 {
		t.Fatalf("%v, %d of %d bytes", w.Header(), w.Body.Len(), len(whole))
	}
	reader, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(reader); err != nil || !bytes.Equal(got, whole) {
		t.Errorf("%v: the compressed answer differs", err)
	}
}

func TestExport(t *testing.T) {
	held := &holder{}
	h := handler(server.Config{Snapshots: held})
	if w := do(h, request(t, "GET", "/v1/export", "")); w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("without a snapshot: %d", w.Code)
	}
	s := snapshot(9, "web", "mail")
	held.current.Store(s)
	var document, lines bytes.Buffer
	if err := errors.Join(graph.WriteExport(&document, s), graph.WriteExportLines(&lines, s)); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		status      int
		media, body string
	}{
		"/v1/export":                         {200, "application/json", document.String()},
		"/v1/export?format=json":             {200, "application/json", document.String()},
		"/v1/export?format=jsonl":            {200, "application/x-ndjson", lines.String()},
		"/v1/export?digest":                  {200, "text/plain; charset=utf-8", graph.Digest(s) + "\n"},
		"/v1/export?digest=true&format=json": {200, "text/plain; charset=utf-8", graph.Digest(s) + "\n"},
		"/v1/export?digest=false":            {200, "application/json", document.String()},
		"/v1/export?digest=maybe":            {400, "text/plain; charset=utf-8", "digest is \"maybe\"; it must be true or false\n"},
		"/v1/export?format=xml":              {400, "text/plain; charset=utf-8", "format is \"xml\"; it must be json or jsonl\n"},
	}
	for target, test := range tests {
		w := do(h, request(t, "GET", target, ""))
		if w.Code != test.status || w.Header().Get("Content-Type") != test.media || w.Body.String() != test.body {
			t.Errorf("%s: %d %v\n%s", target, w.Code, w.Header(), w.Body)
		}
		if test.status == 200 && w.Header().Get("Orrery-Revision") != "9" {
			t.Errorf("%s: %v", target, w.Header())
		}
	}
	if w := do(h, request(t, "POST", "/v1/export", "")); w.Code != 405 {
		t.Errorf("POST: %d", w.Code)
	}
}

// A client that goes away, or an answer that cannot be finished, breaks the connection and nothing else.
func TestBrokenExport(t *testing.T) {
	h := handler(server.Config{})
	defer func() {
		got, _ := recover().(error)
		if !errors.Is(got, http.ErrAbortHandler) {
			t.Errorf("got %v, want the connection broken", got)
		}
	}()
	h.ServeHTTP(fullDisk{httptest.NewRecorder()}, request(t, "GET", "/v1/export", ""))
	t.Error("it was answered")
}

type fullDisk struct{ *httptest.ResponseRecorder }

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("gone") }

func TestPanicIsAnswered(t *testing.T) {
	var log bytes.Buffer
	ui := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("a secret") })
	h := handler(server.Config{UI: ui, Log: zerolog.New(&log)})
	w := do(h, request(t, "GET", "/", ""))
	if w.Code != 500 || strings.Contains(w.Body.String(), "secret") || !strings.Contains(log.String(), "a secret") {
		t.Errorf("%d %s\n%s", w.Code, w.Body, log.String())
	}
	h = handler(server.Config{Snapshots: panicking{}, Log: zerolog.New(&log)})
	w = do(h, request(t, "GET", get(`{sources{totalCount}}`), ""))
	if w.Code != 500 || !strings.Contains(w.Body.String(), "INTERNAL") || strings.Contains(w.Body.String(), "secret") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

type panicking struct{}

func (panicking) Snapshot() *graph.Snapshot { panic("a secret") }

func TestAccessLog(t *testing.T) {
	var log bytes.Buffer
	h := handler(server.Config{Log: zerolog.New(&log)})
	do(h, request(t, "GET", get(`{entity(ref:"web"){ref}}`), ""))
	if got := log.String(); !strings.Contains(got, `"path":"/graphql"`) || !strings.Contains(got, `"status":200`) || strings.Contains(got, "entity") {
		t.Errorf("got %s", got)
	}
}

func TestRunDrains(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	slow := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-leave
		_, _ = io.WriteString(w, "whole")
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- server.Run(ctx, listener, slow, zerolog.Nop()) }()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answered := make(chan string, 1)
	go func() {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+listener.Addr().String(), nil)
		response, err := client.Do(r)
		if err != nil {
			answered <- err.Error()
			return
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(response.Body)
		answered <- string(body)
	}()
	<-entered
	stop()
	select {
	case err := <-stopped:
		t.Fatalf("stopped with an answer under way: %v", err)
	default:
	}
	close(leave)
	if got := <-answered; got != "whole" {
		t.Errorf("got %q", got)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if _, err := net.Dial("tcp", listener.Addr().String()); err == nil {
		t.Error("it still listens")
	}
}

func TestRunTellsWhyItCannotServe(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	if err := server.Run(t.Context(), listener, http.NotFoundHandler(), zerolog.Nop()); err == nil {
		t.Error("no error on a closed listener")
	}
}
