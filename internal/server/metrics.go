package server

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/build"
)

type metrics struct {
	registry   *prometheus.Registry
	requests   *prometheus.CounterVec   // by route and code
	durations  *prometheus.HistogramVec // by route
	operations prometheus.Histogram
	costs      prometheus.Histogram
	failures   *prometheus.CounterVec // by code of the error
}

func newMetrics(snapshot func() *graph.Snapshot) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "orrery_http_requests_total", Help: "Requests by route and status code.",
		}, []string{"route", "code"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "orrery_http_request_duration_seconds", Help: "Time from the request to the end of the answer.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 4, 9),
		}, []string{"route"}),
		operations: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "orrery_graphql_operation_duration_seconds", Help: "Time to answer a GraphQL operation.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 4, 10),
		}),
		costs: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "orrery_graphql_operation_cost", Help: "Cost of the GraphQL operations that were answered.",
			Buckets: prometheus.ExponentialBuckets(10, 4, 9),
		}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "orrery_graphql_errors_total", Help: "Errors in GraphQL answers by their code.",
		}, []string{"code"}),
	}
	info := build.Current()
	m.registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		m.requests, m.durations, m.operations, m.costs, m.failures,
		snapshotGauge(snapshot, "orrery_snapshot_revision", "Revision of the snapshot that questions are answered on.",
			func(s *graph.Snapshot) float64 { return float64(s.Revision()) }),
		snapshotGauge(snapshot, "orrery_snapshot_age_seconds", "Time since the revision of the snapshot was made.",
			func(s *graph.Snapshot) float64 { return time.Since(s.Time()).Seconds() }),
		snapshotGauge(snapshot, "orrery_snapshot_entities", "Entities in the snapshot, placeholders included.",
			func(s *graph.Snapshot) float64 { return float64(s.Len()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "orrery_build_info", Help: "Always 1; the labels tell the build.",
			ConstLabels: prometheus.Labels{
				"version": info.Version, "commit": info.Commit, "dirty": strconv.FormatBool(info.Dirty), "go": info.Go,
			},
		}, func() float64 { return 1 }),
	)
	return m
}

// snapshotGauge has no sample as long as there is no snapshot.
func snapshotGauge(snapshot func() *graph.Snapshot, name, help string, value func(*graph.Snapshot) float64) prometheus.Collector {
	return &gauge{snapshot, prometheus.NewDesc(name, help, nil, nil), value}
}

type gauge struct {
	snapshot func() *graph.Snapshot
	desc     *prometheus.Desc
	value    func(*graph.Snapshot) float64
}

func (g *gauge) Describe(descs chan<- *prometheus.Desc) { descs <- g.desc }

func (g *gauge) Collect(samples chan<- prometheus.Metric) {
	if snapshot := g.snapshot(); snapshot != nil {
		samples <- prometheus.MustNewConstMetric(g.desc, prometheus.GaugeValue, g.value(snapshot))
	}
}
