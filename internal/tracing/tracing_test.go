package tracing_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"go.opentelemetry.io/otel/attribute"
	"go.uber.org/goleak"
	"google.golang.org/grpc"

	"github.com/orrery-catalog/orrery/internal/tracing"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// spans are those that a receiver got: their parents' names, "" = none, by their own.
type spans struct {
	ptraceotlp.UnimplementedGRPCServer
	mu      sync.Mutex
	parents map[string]string
	failed  map[string]string
}

// Export takes spans by gRPC.
func (s *spans) Export(_ context.Context, request ptraceotlp.ExportRequest) (ptraceotlp.ExportResponse, error) {
	s.take(request)
	return ptraceotlp.NewExportResponse(), nil
}

func (s *spans) take(request ptraceotlp.ExportRequest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.parents, s.failed = map[string]string{}, map[string]string{}
	names, parents := map[string]string{"": ""}, map[string]string{}
	for _, of := range request.Traces().ResourceSpans().All() {
		for _, scope := range of.ScopeSpans().All() {
			for _, span := range scope.Spans().All() {
				names[span.SpanID().String()], parents[span.Name()] = span.Name(), span.ParentSpanID().String()
				if span.Status().Message() != "" {
					s.failed[span.Name()] = span.Status().Message()
				}
			}
		}
	}
	for name, parent := range parents {
		s.parents[name] = names[parent]
	}
}

// ServeHTTP takes spans by HTTP.
func (s *spans) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	var body bytes.Buffer
	request := ptraceotlp.NewExportRequest()
	if _, err := body.ReadFrom(r.Body); err == nil && r.URL.Path == "/v1/traces" && r.Header.Get("X-Team") == "a" &&
		request.UnmarshalProto(body.Bytes()) == nil {
		s.take(request)
	}
}

// work is what is traced: a request, under it a question, and a scan with a commit that fails.
func work(t *testing.T, p *tracing.Provider) {
	t.Helper()
	handler := p.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/graphql" {
			_, span := tracing.Begin(r.Context(), "question", attribute.Int("cost", 1))
			span.End(nil)
		}
	}))
	for _, path := range []string{"/graphql", "/metrics", "/v1/traces"} {
		handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, path, http.NoBody))
	}
	ctx, scan := tracing.Begin(p.Context(t.Context()), "scan")
	_, commit := tracing.Begin(ctx, "commit")
	commit.Set(attribute.Int("documents", 3))
	commit.End(errors.New("no room"))
	scan.End(context.Canceled)
}

func TestTracesAreSent(t *testing.T) {
	want := map[string]string{"POST /graphql": "", "question": "POST /graphql", "scan": "", "commit": "scan"}
	for _, protocol := range []string{tracing.HTTP, tracing.GRPC} {
		t.Run(protocol, func(t *testing.T) {
			received := &spans{}
			var server *httptest.Server
			if protocol == tracing.HTTP {
				server = httptest.NewServer(received)
			} else {
				receiver := grpc.NewServer()
				ptraceotlp.RegisterGRPCServer(receiver, received)
				server = httptest.NewUnstartedServer(receiver)
				server.Config.Protocols = new(http.Protocols)
				server.Config.Protocols.SetUnencryptedHTTP2(true)
				server.Start()
			}
			defer server.Close()
			provider, err := tracing.Start(t.Context(), tracing.Config{
				Endpoint: server.URL, Protocol: protocol, Ratio: 1, Headers: map[string]string{"x-team": "a"}, Log: zerolog.Nop(),
			})
			if err != nil {
				t.Fatal(err)
			}
			work(t, provider)
			if err := provider.Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, received.parents); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(map[string]string{"commit": "no room"}, received.failed); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNothingIsSentUnlessConfigured(t *testing.T) {
	provider, err := tracing.Start(t.Context(), tracing.Config{})
	if provider != nil || err != nil {
		t.Fatal(provider, err)
	}
	work(t, provider)
	if err := provider.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestWrongConfiguration(t *testing.T) {
	for _, config := range []tracing.Config{
		{Endpoint: "127.0.0.1:4318"}, {Endpoint: "ftp://x"}, {Endpoint: "http://x", Protocol: "carrier pigeon"},
	} {
		if _, err := tracing.Start(t.Context(), config); err == nil {
			t.Errorf("%+v is taken", config)
		}
	}
}

func TestReceiverThatIsNotThere(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	var log bytes.Buffer
	provider, err := tracing.Start(t.Context(), tracing.Config{Endpoint: server.URL, Ratio: 1, Log: zerolog.New(&log)})
	if err != nil {
		t.Fatal(err)
	}
	work(t, provider)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := provider.Stop(ctx); err != nil {
		t.Error(err)
	}
	if !bytes.Contains(log.Bytes(), []byte("own traces could not be sent")) {
		t.Errorf("the log says %q", log.String())
	}
}
