package otlp_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.uber.org/goleak"

	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/scanners/otlp"
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

func listen(t *testing.T, config otlp.Config) *running {
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
