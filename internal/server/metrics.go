package server

import (
	"context"
	"strconv"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/build"
	"github.com/orrery-catalog/orrery/schema/resolve"
)

// metrics are the server's own; internal/ingest has those of scans and of the snapshot. docs/operations.md lists them all.
type metrics struct {
	registry  *prometheus.Registry
	requests  *prometheus.CounterVec   // by route and code
	durations *prometheus.HistogramVec // by route

	operations *prometheus.CounterVec   // by type and outcome
	latencies  *prometheus.HistogramVec // by type
	costs      *prometheus.HistogramVec // by type
	flight     prometheus.Gauge
	failures   *prometheus.CounterVec // by code of the error

	subscriptions *prometheus.GaugeVec   // by transport
	ends          *prometheus.CounterVec // by transport and reason
	events        *prometheus.CounterVec // by transport
	refusals      prometheus.Counter

	past prometheus.Histogram
}

// Labels of metrics.
const (
	transportEvents = "sse"
	transportSocket = "websocket"

	outcomeOK      = "ok"
	outcomeError   = "error"   // an answer with errors
	outcomeRefused = "refused" // not valid, or too complex
	kindUnknown    = "unknown" // of an operation that was refused
)

func newMetrics(config Config) *metrics {
	m := &metrics{
		registry: config.Metrics,
		requests: counters("orrery_http_requests_total", "Requests by route and status code.", "route", "code"),
		durations: histograms("orrery_http_request_duration_seconds",
			"Time from the request to the end of the answer, but for streams.",
			prometheus.ExponentialBuckets(0.0005, 4, 9), "route"),
		operations: counters("orrery_graphql_operations_total",
			"GraphQL operations that have ended, by type and outcome.", "type", "outcome"),
		latencies: histograms("orrery_graphql_operation_duration_seconds",
			"Time to compute the answer to a query or a mutation.", prometheus.ExponentialBuckets(0.0001, 4, 10), "type"),
		costs: histograms("orrery_graphql_operation_cost",
			"Cost of the queries and mutations that were answered.", prometheus.ExponentialBuckets(10, 4, 9), "type"),
		flight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "orrery_graphql_cost_in_flight", Help: "Cost of the queries that are being answered.",
		}),
		failures: counters("orrery_graphql_errors_total", "Errors in GraphQL answers by their code.", "code"),
		subscriptions: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "orrery_graphql_subscriptions", Help: "Open subscriptions by transport.",
		}, []string{"transport"}),
		ends: counters("orrery_graphql_subscriptions_ended_total",
			"Subscriptions that have ended, by transport and reason.", "transport", "reason"),
		events: counters("orrery_graphql_subscription_events_total", "Events that were sent to subscribers, by transport.",
			"transport"),
		refusals: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "orrery_streams_refused_total", Help: "Event streams and WebSockets refused because too many were open.",
		}),
	}
	m.past = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "orrery_past_snapshot_duration_seconds", Help: "Time to have the catalog as of a past moment, made anew or kept.",
		Buckets: prometheus.ExponentialBuckets(0.0005, 4, 9),
	})
	if m.registry == nil {
		m.registry = prometheus.NewRegistry()
	}
	info := build.Current()
	m.registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		m.requests, m.durations, m.operations, m.latencies, m.costs, m.flight, m.failures,
		m.subscriptions, m.ends, m.events, m.refusals, m.past,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "orrery_build_info", Help: "Always 1; the labels tell the build.",
			ConstLabels: prometheus.Labels{
				"version": info.Version, "commit": info.Commit, "dirty": strconv.FormatBool(info.Dirty), "go": info.Go,
			},
		}, func() float64 { return 1 }),
	)
	return m
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

// histograms have buckets for every Prometheus, and finer ones for those that take native histograms.
func histograms(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: name, Help: help, Buckets: buckets,
		NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 100,
		NativeHistogramMinResetDuration: time.Hour,
	}, labels)
}

// measuredPast measures how long it takes to have a past snapshot.
type measuredPast struct {
	resolve.Past
	took prometheus.Histogram
}

func (p measuredPast) At(ctx context.Context, at graph.AsOf) (*graph.Snapshot, error) {
	start := time.Now()
	defer func() { p.took.Observe(time.Since(start).Seconds()) }()
	return p.Past.At(ctx, at)
}

// answered counts an operation that has ended.
func (m *metrics) answered(operation *graphql.OperationContext, failed bool) {
	outcome := outcomeOK
	if failed {
		outcome = outcomeError
	}
	m.operations.WithLabelValues(string(operation.Operation.Operation), outcome).Inc()
}

func (m *metrics) took(operation *graphql.OperationContext, d time.Duration) {
	kind := string(operation.Operation.Operation)
	m.latencies.WithLabelValues(kind).Observe(d.Seconds())
	m.costs.WithLabelValues(kind).Observe(float64(resolve.Cost(operation)))
}

// count counts the errors of an answer.
func (m *metrics) count(response *graphql.Response) {
	for _, err := range response.Errors {
		code, _ := err.Extensions["code"].(string)
		m.failures.WithLabelValues(code).Inc()
	}
}
