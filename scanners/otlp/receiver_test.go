package otlp_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.uber.org/goleak"

	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/scanners/otlp"
	"github.com/orrery-catalog/orrery/scanners/otlp/pairing"
	"github.com/orrery-catalog/orrery/scanners/scantest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sink keeps what it is given.
type sink struct {
	scantest.Counted
	more chan struct{} // something came
}

func (s *sink) Add(hour traffic.Hour, counts *traffic.Counts) {
	s.Counted.Add(hour, counts)
	select {
	case s.more <- struct{}{}:
	default:
	}
}

// running is a receiver that listens on loopback.
type running struct {
	*otlp.Receiver
	grpc, http string // addresses
	into       *sink
	stop       func() *traffic.Counts // stops it, and gives all that it counted
}

func listen(t testing.TB, config otlp.Config) *running {
	t.Helper()
	if config.GRPC == "" {
		config.GRPC = "127.0.0.1:0"
	}
	if config.HTTP == "" {
		config.HTTP = "127.0.0.1:0"
	}
	receiver, err := otlp.New(config)
	if err != nil {
		t.Fatal(err)
	}
	r := &running{Receiver: receiver, into: &sink{more: make(chan struct{}, 1)}}
	ready := make(chan struct{})
	receiver.OnListening(func(grpc, http net.Addr) {
		r.grpc, r.http = grpc.String(), http.String()
		close(ready)
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- receiver.Listen(ctx, r.into) }()
	select {
	case <-ready:
	case err := <-ended:
		t.Fatal("it does not listen: ", err)
	}
	r.stop = sync.OnceValue(func() *traffic.Counts {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Error("it did not stop well: ", err)
			}
		case <-time.After(20 * time.Second):
			t.Error("it does not stop")
		}
		return r.into.Sum("")
	})
	t.Cleanup(func() { r.stop() })
	return r
}

// serve answers a request without a network. Headers come in pairs.
func serve(handler http.Handler, body []byte, headers ...string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(http.MethodPost, "/v1/traces", bytes.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response := httptest.NewRecorder()
	handler.ServeHTTP(response, request)
	return response
}

// manyTraces are traces of one span each, by the number of their request.
func manyTraces(request, n int) ptrace.Traces {
	traces := ptrace.NewTraces()
	of := traces.ResourceSpans().AppendEmpty()
	of.Resource().Attributes().PutStr("service.name", "shop")
	spans := of.ScopeSpans().AppendEmpty().Spans()
	for i := range n {
		span := spans.AppendEmpty()
		id := pcommon.TraceID{1}
		binary.BigEndian.PutUint32(id[4:], uint32(request))
		binary.BigEndian.PutUint32(id[8:], uint32(i))
		span.SetTraceID(id)
		span.SetSpanID(pcommon.SpanID{1})
		span.SetKind(ptrace.SpanKindServer)
	}
	return traces
}

// TestSettledTracesAreHandedOverSoon lets a clock run on: no span is counted before its trace has settled, each soon after.
func TestSettledTracesAreHandedOverSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const settle = 10 * time.Second
		receiver, err := otlp.New(otlp.Config{Pairing: pairing.Config{Settle: settle}})
		if err != nil {
			t.Fatal(err)
		}
		into := &sink{more: make(chan struct{}, 1)}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- receiver.Listen(ctx, into) }()
		synctest.Wait()
		serve(receiver.Handler(), inProtobuf(t, call(1)), "Content-Type", typeProtobuf)
		<-time.After(settle - time.Second)
		if got := calls(into.Sum("")); got != 0 {
			t.Errorf("%v calls before the trace has settled", got)
		}
		<-time.After(5 * time.Second)
		if got := calls(into.Sum("")); got != 1 {
			t.Errorf("%v calls after it has", got)
		}
		// What has not settled is counted at the end.
		serve(receiver.Handler(), inProtobuf(t, call(2)), "Content-Type", typeProtobuf)
		serve(receiver.Handler(), []byte("bad"), "Content-Type", typeProtobuf)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		counts := into.Sum("")
		if got := calls(counts); got != 2 || counts.Lost[traffic.LostRejectedRequest] != 1 {
			t.Errorf("%v calls at the end, lost %v", got, counts.Lost)
		}
		if response := serve(receiver.Handler(), nil, "Content-Type", typeProtobuf); response.Code != http.StatusServiceUnavailable {
			t.Errorf("%d after the end", response.Code)
		}
	})
}

func TestAddressThatIsTaken(t *testing.T) {
	first := listen(t, otlp.Config{})
	for _, config := range []otlp.Config{{GRPC: first.grpc}, {GRPC: "127.0.0.1:0", HTTP: first.http}, {HTTP: "nowhere"}} {
		receiver, err := otlp.New(config)
		if err != nil {
			t.Fatal(err)
		}
		if err := receiver.Listen(t.Context(), first.into); err == nil {
			t.Errorf("%+v: it listens", config)
		}
	}
}

func TestMetrics(t *testing.T) {
	registry := prometheus.NewRegistry()
	r := listen(t, otlp.Config{Metrics: registry})
	post(t, "http://"+r.http+"/v1/traces", bytes.NewReader(inProtobuf(t, call(1))), "Content-Type", typeProtobuf)
	post(t, "http://"+r.http+"/v1/traces", strings.NewReader("bad"), "Content-Type", typeProtobuf)
	if _, err := export(t, dial(t, r.grpc), inProtobuf(t, call(2))); err != nil {
		t.Fatal(err)
	}
	shown := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(shown, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
	for _, want := range []string{
		`orrery_otlp_requests_total{answer="malformed",transport="http"} 1`,
		`orrery_otlp_requests_total{answer="ok",transport="grpc"} 1`,
		`orrery_otlp_requests_total{answer="ok",transport="http"} 1`,
		`orrery_otlp_spans_total{outcome="accepted"} 6`,
		`orrery_otlp_spans_total{outcome="rejected"} 0`,
		`orrery_otlp_pending_traces 2`,
		`orrery_otlp_pending_spans 6`,
		`orrery_otlp_request_memory_bytes 0`,
	} {
		if !strings.Contains(shown.Body.String(), want+"\n") {
			t.Errorf("there is no %s in\n%s", want, shown.Body)
		}
	}
	if _, err := otlp.New(otlp.Config{Metrics: registry}); err == nil {
		t.Error("two receivers have the same metrics")
	}
}
