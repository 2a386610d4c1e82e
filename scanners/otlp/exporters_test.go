package otlp_test

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/internal/testenv"
	"github.com/orrery-catalog/orrery/scanners/otlp"
	"github.com/orrery-catalog/orrery/scanners/otlp/pairing"
)

// requestsOfShop makes requests to shop, each of which calls pay, by the OpenTelemetry SDK; one in four calls fails.
func requestsOfShop(t *testing.T, exporter func() (sdk.SpanExporter, error), requests int) {
	t.Helper()
	tracer := func(service string) (trace.Tracer, *sdk.TracerProvider) {
		to, err := exporter()
		if err != nil {
			t.Fatal(err)
		}
		provider := sdk.NewTracerProvider(sdk.WithBatcher(to),
			sdk.WithResource(resource.NewSchemaless(attribute.String("service.name", service))))
		return provider.Tracer("test"), provider
	}
	shop, shops := tracer("shop")
	pay, pays := tracer("pay")
	for i := range requests {
		ctx, request := shop.Start(t.Context(), "GET /", trace.WithSpanKind(trace.SpanKindServer))
		ctx, called := shop.Start(ctx, "POST", trace.WithSpanKind(trace.SpanKindClient),
			trace.WithAttributes(attribute.String("server.address", "pay.svc"), attribute.Int("server.port", 80)))
		_, served := pay.Start(ctx, "POST /pay", trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(attribute.String("http.route", "/pay")))
		if i%4 == 0 {
			served.SetStatus(codes.Error, "no money")
		}
		for _, span := range []trace.Span{served, called, request} {
			span.End()
		}
	}
	for _, provider := range []*sdk.TracerProvider{shops, pays} {
		if err := provider.Shutdown(t.Context()); err != nil {
			t.Error("the exporter could not send: ", err)
		}
	}
}

// wantCalls checks that shop called pay so many times, one in four without success.
func wantCalls(t *testing.T, counts *traffic.Counts, want float64) {
	t.Helper()
	if got := calls(counts); got != want {
		t.Errorf("%v calls, not %v; lost %v", got, want, counts.Lost)
	}
	for key, flow := range counts.Flows {
		if key.From == "otel:shop" && flow.Errors != want/4 {
			t.Errorf("%v failed, not %v", flow.Errors, want/4)
		}
	}
}

func TestSDKExporters(t *testing.T) {
	for name, exporter := range map[string]func(ctx context.Context, r *running) (sdk.SpanExporter, error){
		"gRPC": func(ctx context.Context, r *running) (sdk.SpanExporter, error) {
			return otlptracegrpc.New(ctx, otlptracegrpc.WithEndpoint(r.grpc), otlptracegrpc.WithInsecure(),
				otlptracegrpc.WithHeaders(map[string]string{"authorization": "Bearer secret"}))
		},
		"gRPC, gzip": func(ctx context.Context, r *running) (sdk.SpanExporter, error) {
			return otlptracegrpc.New(ctx, otlptracegrpc.WithEndpoint(r.grpc), otlptracegrpc.WithInsecure(), otlptracegrpc.WithCompressor("gzip"),
				otlptracegrpc.WithHeaders(map[string]string{"authorization": "Bearer secret"}))
		},
		"HTTP": func(ctx context.Context, r *running) (sdk.SpanExporter, error) {
			return otlptracehttp.New(ctx, otlptracehttp.WithEndpoint(r.http), otlptracehttp.WithInsecure(),
				otlptracehttp.WithHeaders(map[string]string{"Authorization": "Bearer secret"}))
		},
		"HTTP, gzip": func(ctx context.Context, r *running) (sdk.SpanExporter, error) {
			return otlptracehttp.New(ctx, otlptracehttp.WithEndpoint(r.http), otlptracehttp.WithInsecure(),
				otlptracehttp.WithCompression(otlptracehttp.GzipCompression), otlptracehttp.WithHeaders(map[string]string{"Authorization": "Bearer secret"}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := listen(t, otlp.Config{Token: "secret"})
			requestsOfShop(t, func() (sdk.SpanExporter, error) { return exporter(t.Context(), r) }, 400)
			wantCalls(t, r.stop(), 400)
		})
	}
}

func TestTelemetrygen(t *testing.T) {
	r := listen(t, otlp.Config{})
	for _, args := range [][]string{
		{"--otlp-endpoint", r.grpc},
		{"--otlp-endpoint", r.http, "--otlp-http"},
	} {
		testenv.Telemetrygen(t, append([]string{"traces", "--otlp-insecure", "--traces", "50", "--rate", "0", "--service", "generated", "--workers", "2"}, args...)...)
	}
	counts := r.stop()
	entries := 0.0
	for key, service := range counts.Services {
		if key.Alias == "otel:generated" {
			entries += service.Entries
		}
	}
	if entries != 200 { // of each worker 50 traces, twice
		t.Errorf("%v entries, not 200; services %v, lost %v", entries, counts.Services, counts.Lost)
	}
}

func TestCollector(t *testing.T) {
	for name, exporter := range map[string]func(r *running) (kind, config string){
		"gRPC": func(r *running) (string, string) {
			return "otlp", fmt.Sprintf(`{endpoint: %q, tls: {insecure: true}, compression: none}`, r.grpc)
		},
		"gRPC, gzip": func(r *running) (string, string) {
			return "otlp", fmt.Sprintf(`{endpoint: %q, tls: {insecure: true}}`, r.grpc)
		},
		"gRPC, zstd": func(r *running) (string, string) {
			return "otlp", fmt.Sprintf(`{endpoint: %q, tls: {insecure: true}, compression: zstd}`, r.grpc)
		},
		"HTTP": func(r *running) (string, string) {
			return "otlphttp", fmt.Sprintf(`{endpoint: "http://%s", compression: none}`, r.http)
		},
		"HTTP, zstd": func(r *running) (string, string) {
			return "otlphttp", fmt.Sprintf(`{endpoint: "http://%s", compression: zstd}`, r.http)
		},
		"HTTP, JSON": func(r *running) (string, string) {
			return "otlphttp", fmt.Sprintf(`{endpoint: "http://%s", encoding: json}`, r.http)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := listen(t, otlp.Config{})
			kind, config := exporter(r)
			file := filepath.Join(t.TempDir(), "traces.json")
			collector := testenv.StartCollector(t, map[string]string{kind: config, "file": fmt.Sprintf("{path: %q}", file)})
			requestsOfShop(t, func() (sdk.SpanExporter, error) {
				return otlptracegrpc.New(t.Context(), otlptracegrpc.WithEndpoint(collector.GRPC), otlptracegrpc.WithInsecure())
			}, 400)
			collector.Stop(t)
			wantCalls(t, r.stop(), 400)
		})
	}
}

// TestCollectorSendsAgain has a collector wait for a receiver that is not there yet.
func TestCollectorSendsAgain(t *testing.T) {
	first := listen(t, otlp.Config{})
	address := first.grpc
	first.stop()
	collector := testenv.StartCollector(t, map[string]string{"otlp": fmt.Sprintf(
		`{endpoint: %q, tls: {insecure: true}, retry_on_failure: {initial_interval: 100ms, max_interval: 200ms}}`, address)})
	requestsOfShop(t, func() (sdk.SpanExporter, error) {
		return otlptracehttp.New(t.Context(), otlptracehttp.WithEndpointURL((&url.URL{Scheme: "http", Host: collector.HTTP, Path: "/v1/traces"}).String()))
	}, 40)
	second := listen(t, otlp.Config{GRPC: address, Pairing: pairing.Config{Settle: 500 * time.Millisecond}})
	deadline := time.After(time.Minute)
	for {
		came := calls(second.into.Sum(""))
		if came == 40 {
			break
		}
		select {
		case <-second.into.more:
		case <-deadline:
			t.Fatalf("%v calls came: %s", came, collector.Log())
		}
	}
}
