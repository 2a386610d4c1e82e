package otlptest_test

import (
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/orrery-catalog/orrery/scanners/otlp/otlptest"
)

func TestRequests(t *testing.T) {
	requests, err := otlptest.Requests(1, 2, 60, time.Unix(1_700_000_000, 0))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[[16]byte]bool{}
	for number, request := range requests {
		if size := len(request.Bytes) / request.Spans; size < 400 || size > 450 {
			t.Errorf("%d bytes a span", size)
		}
		request.Fresh(uint64(number))
		var unmarshaler ptrace.ProtoUnmarshaler
		traces, err := unmarshaler.UnmarshalTraces(request.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		if got := traces.SpanCount(); got != request.Spans || got != otlptest.TracesPerRequest*otlptest.SpansPerTrace {
			t.Errorf("%d spans, and %d are told", got, request.Spans)
		}
		for _, resource := range traces.ResourceSpans().All() {
			for _, span := range resource.ScopeSpans().At(0).Spans().All() {
				seen[span.TraceID()] = true
			}
		}
	}
	if want := len(requests) * otlptest.TracesPerRequest; len(seen) != want {
		t.Errorf("%d traces, not %d", len(seen), want)
	}
}
