// Package tracing sends traces of Orrery's own work to an OpenTelemetry receiver, which may be Orrery itself. Nothing is sent
// unless it is started; then whoever is given a context under Provider.Context records spans by Begin.
package tracing

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// How traces are sent.
const (
	HTTP = "http" // OTLP/HTTP in protobuf
	GRPC = "grpc" // OTLP/gRPC
)

// Config says where traces go.
type Config struct {
	Endpoint string            // URL of an OTLP receiver, such as http://127.0.0.1:4318; "" = nowhere
	Protocol string            // HTTP or GRPC; "" = HTTP
	Ratio    float64           // of the traces that begin here, from 0 to 1
	Headers  map[string]string // sent with each request, such as Authorization
	Version  string            // of the program
	Log      zerolog.Logger
}

// Provider records spans and sends them. A nil Provider does nothing.
type Provider struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
}

// tracesPath is where OTLP/HTTP takes traces, below the endpoint.
const tracesPath = "/v1/traces"

// name is that of the service, and of what records its spans.
const name = "orrery"

// Start makes a Provider; nil where nothing is to be sent. It does not wait for the receiver: what cannot be sent is logged,
// and lost.
func Start(ctx context.Context, config Config) (*Provider, error) {
	if config.Endpoint == "" {
		return nil, nil //nolint:nilnil // a nil Provider is one that does nothing
	}
	at, err := url.Parse(config.Endpoint)
	if err != nil || at.Host == "" || at.Scheme != "http" && at.Scheme != "https" {
		return nil, fmt.Errorf("the endpoint of own traces must be a URL such as http://127.0.0.1:4318, not %q", config.Endpoint)
	}
	var exporter sdk.SpanExporter
	switch config.Protocol {
	case HTTP, "":
		if !strings.HasSuffix(at.Path, tracesPath) {
			at = at.JoinPath(tracesPath)
		}
		exporter, err = otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(at.String()), otlptracehttp.WithHeaders(config.Headers))
	case GRPC:
		exporter, err = otlptracegrpc.New(ctx, otlptracegrpc.WithEndpointURL(config.Endpoint), otlptracegrpc.WithHeaders(config.Headers))
	default:
		err = fmt.Errorf("the protocol must be %s or %s, not %q", HTTP, GRPC, config.Protocol)
	}
	if err != nil {
		return nil, fmt.Errorf("preparing to send own traces: %w", err)
	}
	provider := sdk.NewTracerProvider(
		sdk.WithBatcher(&logging{SpanExporter: exporter, log: config.Log}),
		sdk.WithSampler(sdk.ParentBased(sdk.TraceIDRatioBased(config.Ratio))),
		sdk.WithResource(resource.NewSchemaless(attribute.String("service.name", name), attribute.String("service.version", config.Version))),
	)
	return &Provider{provider, provider.Tracer(name)}, nil
}

// Stop sends what is not sent yet. It ends with ctx.
func (p *Provider) Stop(ctx context.Context) error {
	if p == nil {
		return nil
	}
	if err := p.provider.Shutdown(ctx); err != nil {
		return fmt.Errorf("sending the last of own traces: %w", err)
	}
	return nil
}

type contextKey struct{}

// Context has all that begins under it record its spans.
func (p *Provider) Context(ctx context.Context) context.Context {
	if p == nil {
		return ctx
	}
	return context.WithValue(ctx, contextKey{}, p.tracer)
}

// Middleware records a span for each request that is answered at once: not for streams, the questions of machines for health
// and metrics, and traces that are sent here, whose reception would have to be sent again.
func (p *Provider) Middleware(next http.Handler) http.Handler {
	if p == nil {
		return next
	}
	below := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The request may have come without Context above.
		next.ServeHTTP(w, r.WithContext(p.Context(r.Context())))
	})
	return otelhttp.NewMiddleware(name,
		otelhttp.WithTracerProvider(p.provider), otelhttp.WithMeterProvider(metricnoop.NewMeterProvider()),
		otelhttp.WithPropagators(propagation.TraceContext{}), otelhttp.WithFilter(traced),
		otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string { return r.Method + " " + route(r) }),
	)(below)
}

func traced(r *http.Request) bool {
	switch r.URL.Path {
	case "/livez", "/readyz", "/metrics", tracesPath:
		return false
	}
	return r.Header.Get("Upgrade") == "" && !strings.Contains(r.Header.Get("Accept"), "text/event-stream")
}

// route is one of a few names.
func route(r *http.Request) string {
	switch {
	case r.URL.Path == "/graphql", strings.HasPrefix(r.URL.Path, "/v1/"):
		return r.URL.Path
	}
	return "/"
}

// Span is one that has begun.
type Span struct{ span trace.Span }

// Begin begins a span below that of ctx, if somebody records it; what is done under the returned context is below it.
func Begin(ctx context.Context, name string, attributes ...attribute.KeyValue) (context.Context, Span) {
	tracer, ok := ctx.Value(contextKey{}).(trace.Tracer)
	if !ok {
		return ctx, Span{}
	}
	ctx, span := tracer.Start(ctx, name, trace.WithAttributes(attributes...))
	return ctx, Span{span}
}

// Set adds attributes.
func (s Span) Set(attributes ...attribute.KeyValue) {
	if s.span != nil {
		s.span.SetAttributes(attributes...)
	}
}

// End ends it; err says why it failed. What its context ended has not failed.
func (s Span) End(err error) {
	if s.span == nil {
		return
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		s.span.SetStatus(codes.Error, err.Error())
	}
	s.span.End()
}

// logging tells of spans that could not be sent, at most once a minute.
type logging struct {
	sdk.SpanExporter
	log  zerolog.Logger
	told atomic.Int64 // when, in seconds since 1970
}

// ExportSpans sends spans.
func (l *logging) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	err := l.SpanExporter.ExportSpans(ctx, spans)
	if err == nil {
		return nil
	}
	const quiet = int64(time.Minute / time.Second)
	now, told := time.Now().Unix(), l.told.Load()
	if now-told >= quiet && l.told.CompareAndSwap(told, now) {
		l.log.Warn().Err(err).Int("spans", len(spans)).Msg("own traces could not be sent and are lost")
	}
	return nil // the SDK would write it to the standard error output
}
