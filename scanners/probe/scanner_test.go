package probe_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/probe"
	"github.com/orrery-catalog/orrery/scanners/scantest"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

const checkout = catalog.Ref("workload:shop/prod.deployment.checkout")

// listen serves health endpoints of every sort.
func listen(t testing.TB) (host string, port int32) {
	t.Helper()
	mux := http.NewServeMux()
	answer := func(path, contentType, body string, status int) {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = nil
			if contentType != "" {
				w.Header().Set("Content-Type", contentType)
			}
			w.WriteHeader(status)
			_, _ = fmt.Fprint(w, body) // the client sees whether it came
		})
	}
	answer("/readyz", "text/plain; charset=utf-8", "ok", http.StatusOK)
	answer("/json", "application/json", `{"status":"UP"}`, http.StatusOK)
	answer("/empty", "", "", http.StatusNoContent)
	answer("/down", "application/json", `{"status":"DOWN"}`, http.StatusServiceUnavailable)
	answer("/page", "text/html", "<html>", http.StatusOK)
	answer("/lies", "application/json", "fine", http.StatusOK)
	answer("/untyped", "", "ok", http.StatusOK)
	answer("/large", "text/plain", strings.Repeat("x", 1<<17), http.StatusOK)
	mux.HandleFunc("/slow", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/breaks", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://169.254.169.254/latest/meta-data/", http.StatusFound)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return split(t, server.Listener.Addr().String())
}

func split(t testing.TB, address string) (host string, port int32) {
	t.Helper()
	host, digits, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.ParseInt(digits, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return host, int32(n)
}

// said gathers the results of a scan.
type said struct {
	results map[catalog.Ref][]catalog.ProbeResult
	scopes  []string
}

func (s *said) Report(_ context.Context, scope scanners.Scope) error {
	s.scopes = append(s.scopes, scope.Name)
	for _, document := range scope.Documents {
		for _, claim := range document.Claims {
			s.results[claim.Subject.Ref] = append(s.results[claim.Subject.Ref], claim.Facts.Probed...)
		}
	}
	return nil
}

func scan(t *testing.T, scanner *probe.Scanner) *said {
	t.Helper()
	s := &said{results: make(map[catalog.Ref][]catalog.ProbeResult)}
	if _, err := scanner.Scan(t.Context(), nil, s); err != nil {
		t.Fatal(err)
	}
	return s
}

func scanner(t testing.TB, networks []netip.Prefix, targets ...probe.Target) *probe.Scanner {
	t.Helper()
	s, err := probe.New(probe.Config{Networks: networks, Targets: func() ([]probe.Target, error) { return targets, nil }})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	host, port := listen(t)
	get := func(path string) probe.Target {
		return probe.Target{Handler: catalog.ProbeHTTP, Host: host, Port: port, Path: path, Scheme: "HTTP", Timeout: 2 * time.Second}
	}
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody, free := split(t, closed.Addr().String())
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	states := health.NewServer()
	states.SetServingStatus("cart", grpc_health_v1.HealthCheckResponse_NOT_SERVING)
	grpc_health_v1.RegisterHealthServer(server, states)
	without := grpc.NewServer()
	rpc, bare := serve(t, server), serve(t, without)
	call := func(at net.Addr, service string) probe.Target {
		host, port := split(t, at.String())
		return probe.Target{Handler: catalog.ProbeGRPC, Host: host, Port: port, Service: service, Timeout: 5 * time.Second}
	}
	slow, tls, named := get("/slow"), get("/readyz"), get("/readyz")
	slow.Timeout, tls.Scheme, named.Host = 50*time.Millisecond, "HTTPS", "no-such-host.invalid"
	for name, c := range map[string]struct {
		target   probe.Target
		healthy  bool
		status   int32
		failures []string
	}{
		"text":           {get("/readyz"), true, 200, nil},
		"no slash":       {get("readyz"), true, 200, nil},
		"JSON":           {get("/json"), true, 200, nil},
		"nothing":        {get("/empty"), true, 204, nil},
		"down":           {get("/down"), false, 503, []string{"answers with status 503"}},
		"not there":      {get("/other"), false, 404, []string{"answers with status 404"}},
		"a page":         {get("/page"), true, 200, []string{"answers with a page (text/html): is it a health endpoint?"}},
		"no JSON":        {get("/lies"), true, 200, []string{"says that it answers with JSON, and is no JSON object"}},
		"no type":        {get("/untyped"), true, 200, []string{"the answer has no content type"}},
		"large":          {get("/large"), true, 200, []string{"the answer is larger than 65536 bytes"}},
		"redirect":       {get("/moved"), true, 302, []string{"answers with a redirect, which was not followed"}},
		"slow":           {slow, false, 0, []string{"no answer in time"}},
		"breaks off":     {get("/breaks"), false, 0, []string{"closes the connection without an answer"}},
		"no TLS":         {tls, false, 0, []string{"does not speak TLS"}},
		"no such name":   {named, false, 0, []string{"its name does not resolve"}},
		"nobody listens": {probe.Target{Handler: catalog.ProbeHTTP, Host: nobody, Port: free, Path: "/"}, false, 0, []string{"refuses the connection"}},
		"TCP":            {probe.Target{Handler: catalog.ProbeTCP, Host: host, Port: port}, true, 0, nil},
		"TCP to nobody":  {probe.Target{Handler: catalog.ProbeTCP, Host: nobody, Port: free}, false, 0, []string{"refuses the connection"}},
		"gRPC":           {call(rpc, ""), true, 0, nil},
		"gRPC down":      {call(rpc, "cart"), false, 0, []string{"says that it is NOT_SERVING"}},
		"gRPC unknown":   {call(rpc, "other"), false, 0, []string{`the gRPC health protocol does not know the service "other"`}},
		"gRPC without":   {call(bare, ""), false, 0, []string{"it does not serve the gRPC health protocol"}},
		"exec":           {probe.Target{Handler: catalog.ProbeExec, Host: host, Port: port}, false, 0, []string{"a probe by EXEC cannot be called from outside"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.target.Workload, c.target.Container, c.target.Purpose = checkout, "server", "READINESS"
			got := scan(t, scanner(t, loopback, c.target)).results[checkout]
			if len(got) != 1 {
				t.Fatalf("got %d results", len(got))
			}
			if got[0].Healthy != c.healthy || got[0].Status != c.status || !slices.Equal(got[0].Failures, c.failures) {
				t.Errorf("got %+v, want %+v", got[0], c)
			}
			if (got[0].LatencyUnder > 0) != c.healthy {
				t.Errorf("the latency of %+v", got[0])
			}
		})
	}
}

func serve(t *testing.T, server *grpc.Server) net.Addr {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(listener) }() // ends with Stop
	t.Cleanup(server.Stop)
	return listener.Addr()
}

// TestForbiddenAddresses holds that nothing is sent to the machine itself, its links and the services that clouds have there,
// by whatever name or notation.
func TestForbiddenAddresses(t *testing.T) {
	t.Parallel()
	host, port := listen(t)
	everywhere := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
	for _, c := range []struct {
		host     string
		networks []netip.Prefix
	}{
		{host, nil},
		{"localhost", nil},
		{"::ffff:127.0.0.1", nil},
		{host, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}},
		{"169.254.169.254", everywhere},
		{"::ffff:169.254.169.254", everywhere},
		{"fe80::1", everywhere},
		{"fd00:ec2::254", everywhere},
		{"100.100.100.200", everywhere},
		{"0.0.0.0", everywhere},
		{host, everywhere},
		{"64:ff9b::169.254.169.254", everywhere},
		{"64:ff9b::127.0.0.1", nil},
		{"64:ff9b:1::a9fe:a9fe", everywhere},
		{"::169.254.169.254", everywhere},
		{"::ffff:0:a9fe:a9fe", everywhere},
		{"2002:a9fe:a9fe::1", everywhere},
		{"224.0.0.1", everywhere},
	} {
		for _, handler := range []catalog.ProbeHandler{catalog.ProbeHTTP, catalog.ProbeTCP, catalog.ProbeGRPC} {
			target := probe.Target{Workload: checkout, Handler: handler, Host: c.host, Port: port, Path: "/readyz", Timeout: 5 * time.Second}
			got := scan(t, scanner(t, c.networks, target)).results[checkout][0]
			if got.Healthy || !slices.Equal(got.Failures, []string{"its address may not be called"}) {
				t.Errorf("%s %s: %+v", handler, c.host, got)
			}
		}
	}
}

// TestConfirmation holds that one other answer changes nothing, and the second does.
func TestConfirmation(t *testing.T) {
	t.Parallel()
	var status atomic.Int32
	status.Store(200)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(int(status.Load())) }))
	t.Cleanup(server.Close)
	host, port := split(t, server.Listener.Addr().String())
	s := scanner(t, loopback, probe.Target{Workload: checkout, Handler: catalog.ProbeHTTP, Host: host, Port: port, Path: "/"})
	for i, step := range []struct {
		answers int32
		healthy bool
	}{{200, true}, {503, true}, {200, true}, {503, true}, {503, false}, {503, false}, {200, false}, {500, false}, {200, false}, {200, true}} {
		status.Store(step.answers)
		if got := scan(t, s).results[checkout][0].Healthy; got != step.healthy {
			t.Errorf("step %d: healthy is %t", i, got)
		}
	}
}

// TestManyTargets holds that no more than so many are called at a time, that each workload is one scope, and that the whole
// ends with its context.
func TestManyTargets(t *testing.T) {
	t.Parallel()
	var now, most atomic.Int32
	hang := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		most.Store(max(most.Load(), now.Add(1)))
		defer now.Add(-1)
		if r.URL.Path == "/hang" {
			select {
			case <-hang:
			case <-r.Context().Done():
			}
		}
	}))
	t.Cleanup(server.Close)
	host, port := split(t, server.Listener.Addr().String())
	var targets []probe.Target
	for i := range 200 {
		targets = append(targets, probe.Target{
			Workload: catalog.Ref(fmt.Sprintf("workload:shop/prod.deployment.w%d", i/2)), Container: "server", Purpose: []string{"LIVENESS", "READINESS"}[i%2],
			Handler: catalog.ProbeHTTP, Host: host, Port: port, Path: "/ok", Timeout: 30 * time.Second,
		})
	}
	got := scan(t, scanner(t, loopback, targets...))
	if len(got.scopes) != 100 || len(got.results) != 100 || most.Load() > 16 {
		t.Errorf("%d scopes about %d workloads, %d at a time", len(got.scopes), len(got.results), most.Load())
	}
	for i := range targets {
		targets[i].Path = "/hang"
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := scanner(t, loopback, targets...).Scan(ctx, nil, &said{results: make(map[catalog.Ref][]catalog.ProbeResult)})
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 5*time.Second {
		t.Errorf("%v after %s", err, time.Since(began))
	}
	close(hang)
}

func TestContract(t *testing.T) {
	host, port := listen(t)
	make := func(t *testing.T) scanners.Scanner {
		var targets []probe.Target
		for _, name := range []string{"a", "b"} {
			// A latency that is the same each time: there is none.
			targets = append(targets, probe.Target{
				Workload: catalog.Ref("workload:shop/prod.deployment." + name), Container: "server", Purpose: "READINESS",
				Handler: catalog.ProbeHTTP, Host: host, Port: port, Path: "/down",
			})
		}
		return scanner(t, loopback, targets...)
	}
	scantest.Run(t, scantest.Subject{
		New: make,
		Broken: func(t *testing.T) scanners.Scanner {
			s, err := probe.New(probe.Config{Targets: func() ([]probe.Target, error) { return nil, errors.New("there is no catalog yet") }})
			if err != nil {
				t.Fatal(err)
			}
			return s
		},
	})
}

func TestEndpoint(t *testing.T) {
	t.Parallel()
	host, port := listen(t)
	targets := []probe.Target{
		{Workload: checkout, Purpose: "A", Handler: catalog.ProbeHTTP, Host: host, Port: port, Path: "/readyz"},
		{Workload: checkout, Purpose: "B", Handler: catalog.ProbeHTTP, Host: host, Port: port, Path: "readyz", Scheme: "HTTPS"},
		{Workload: checkout, Purpose: "C", Handler: catalog.ProbeGRPC, Host: host, Port: port, Service: "cart"},
		{Workload: checkout, Purpose: "D", Handler: catalog.ProbeTCP, Host: "::1", Port: 1},
	}
	var got []string
	for _, result := range scan(t, scanner(t, loopback, targets...)).results[checkout] {
		got = append(got, result.Endpoint)
	}
	at := net.JoinHostPort(host, strconv.Itoa(int(port)))
	want := []string{"http://" + at + "/readyz", "https://" + at + "/readyz", "grpc://" + at + "/cart", "tcp://[::1]:1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
