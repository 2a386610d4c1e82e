package otlp

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// The transports, in metrics.
const (
	transportGRPC = "grpc"
	transportHTTP = "http"
)

// metrics are what a Receiver tells of itself. Each has its meaning in its help text.
type metrics struct {
	requests *prometheus.CounterVec // by transport and answer
	bytes    *prometheus.CounterVec // by transport
	outcomes *prometheus.CounterVec // spans by outcome
}

func newMetrics(registerer prometheus.Registerer, r *Receiver) (*metrics, error) {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "orrery_otlp_requests_total",
			Help: "Requests to take traces, by transport (grpc, http) and answer (ok, malformed, too_large, full, slow, stopped, " +
				"unauthenticated, unknown, aborted: the sender went away).",
		}, []string{"transport", "answer"}),
		bytes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "orrery_otlp_received_bytes_total", Help: "Bytes of requests as they were sent, by transport.",
		}, []string{"transport"}),
		outcomes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "orrery_otlp_spans_total",
			Help: "Spans of well-formed requests, by outcome: accepted, rejected (no valid ids), refused (no memory; to be sent again).",
		}, []string{"outcome"}),
	}
	if registerer == nil {
		return m, nil
	}
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value)
	}
	for _, collector := range []prometheus.Collector{
		m.requests, m.bytes, m.outcomes,
		gauge("orrery_otlp_request_memory_bytes", "Memory of requests that are being read.", func() float64 {
			return float64(r.memory.used.Load())
		}),
		gauge("orrery_otlp_pending_traces", "Traces that may not be complete yet.", func() float64 {
			return float64(r.pairer.Stats().OpenTraces)
		}),
		gauge("orrery_otlp_pending_spans", "Spans of traces that may not be complete yet.", func() float64 {
			return float64(r.pairer.Stats().OpenSpans)
		}),
		gauge("orrery_otlp_memory_bytes", "Memory of spans and of what was counted of them.", func() float64 {
			return float64(r.pairer.Stats().Bytes)
		}),
		gauge("orrery_otlp_memory_limit_bytes", "The most that orrery_otlp_memory_bytes may be.", func() float64 {
			return float64(r.pairer.Stats().MaxBytes)
		}),
	} {
		if err := registerer.Register(collector); err != nil {
			return nil, fmt.Errorf("registering metrics of received traces: %w", err)
		}
	}
	return m, nil
}

func (m *metrics) answered(transport, answer string) {
	m.requests.WithLabelValues(transport, answer).Inc()
}

func (m *metrics) receivedBytes(transport string, n int64) {
	m.bytes.WithLabelValues(transport).Add(float64(n))
}

func (m *metrics) spans(done taken, refused int) {
	m.outcomes.WithLabelValues("accepted").Add(float64(done.spans - done.rejected - refused))
	m.outcomes.WithLabelValues("rejected").Add(float64(done.rejected))
	m.outcomes.WithLabelValues("refused").Add(float64(refused))
}
