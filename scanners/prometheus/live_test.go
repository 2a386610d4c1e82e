package prometheus_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	client "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/internal/testenv"
	"github.com/orrery-catalog/orrery/scanners/prometheus"
	"github.com/orrery-catalog/orrery/scanners/scantest"
)

// TestLive has a real Prometheus scrape counters and histograms, classic and native ones, as they grow, and reads it.
func TestLive(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts a Prometheus")
	}
	registry := client.NewRegistry()
	counter := func(name string, labels ...string) *client.CounterVec {
		vec := client.NewCounterVec(client.CounterOpts{Name: name}, labels)
		registry.MustRegister(vec)
		return vec
	}
	total := counter("traces_service_graph_request_total", "client", "server", "connection_type")
	failed := counter("traces_service_graph_request_failed_total", "client", "server", "connection_type")
	seconds := client.NewHistogramVec(client.HistogramOpts{
		Name: "traces_service_graph_request_client_seconds", Buckets: client.ExponentialBuckets(0.1, 2, 8),
	}, []string{"client", "server", "connection_type"})
	native := client.NewHistogramVec(client.HistogramOpts{
		Name: "traces_service_graph_request_server_seconds", NativeHistogramBucketFactor: 1.1,
	}, []string{"client", "server", "connection_type"})
	mesh := counter("istio_requests_total", "reporter", "source_workload", "source_workload_namespace",
		"destination_workload", "destination_workload_namespace", "destination_service", "response_code")
	registry.MustRegister(seconds, native)

	total.WithLabelValues("web", "pay", "").Add(1000) // before anybody looked
	exporter := httptest.NewServer(promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	t.Cleanup(exporter.Close)
	address := testenv.Prometheus(t, testenv.PrometheusConf{
		Targets: []string{strings.TrimPrefix(exporter.URL, "http://")}, Flags: []string{"--enable-feature=native-histograms"},
	})
	reader, err := prometheus.New(prometheus.Config{URL: address, Cluster: "eu"})
	if err != nil {
		t.Fatal(err)
	}
	// read reads until what is wanted is there: each scrape takes a second.
	held := new(scantest.Counted)
	read := func(what string, writer string, want func(*traffic.Counts) bool) {
		t.Helper()
		scantest.Until(t, what+" is read", func() bool {
			if _, err := reader.ReadTraffic(t.Context(), nil, held); err != nil {
				t.Fatal(err)
			}
			return want(held.Sum(writer))
		})
	}
	flow := func(counts *traffic.Counts, from, to catalog.Alias) traffic.Flow {
		if f := counts.Flows[traffic.FlowKey{From: from, To: to, Way: traffic.Call}]; f != nil {
			return *f
		}
		return traffic.Flow{}
	}
	// That the metric is there says that it was scraped once.
	read("that there are metrics", "", func(*traffic.Counts) bool { return len(held.Problems()) == 0 })

	total.WithLabelValues("web", "pay", "").Add(7)
	total.WithLabelValues("pay", "ledger", "").Add(3) // seen for the first time with what it counted
	failed.WithLabelValues("web", "pay", "").Add(2)
	for range 5 {
		seconds.WithLabelValues("web", "pay", "").Observe(0.3)
		native.WithLabelValues("pay", "ledger", "").Observe(1)
	}
	mesh.WithLabelValues("source", "web", "shop", "pay", "shop", "pay.shop.svc.cluster.local", "503").Add(4)
	mesh.WithLabelValues("destination", "web", "shop", "pay", "shop", "pay.shop.svc.cluster.local", "200").Add(3)

	read("a service graph", prometheus.ServiceGraph, func(counts *traffic.Counts) bool {
		web, pay := flow(counts, "otel:web", "otel:pay"), flow(counts, "otel:pay", "otel:ledger")
		return web.Requests == 7 && web.Errors == 2 && pay.Requests == 3
	})
	read("a mesh", prometheus.Istio, func(counts *traffic.Counts) bool {
		f := flow(counts, "k8s:eu/shop/deployment/web", "k8s:eu/shop/deployment/pay")
		return f.Requests == 4 && f.Errors == 4
	})
	// A native histogram tells of what lies between two scrapes.
	for range 3 {
		native.WithLabelValues("pay", "ledger", "").Observe(1)
	}
	read("how long calls took", prometheus.ServiceGraph, func(counts *traffic.Counts) bool {
		web, pay := flow(counts, "otel:web", "otel:pay"), flow(counts, "otel:pay", "otel:ledger")
		classic, ok := web.Latency.Quantile(0.5)
		median, okNative := pay.Latency.Quantile(0.5)
		return ok && okNative && classic > 0.2 && classic <= 0.41 && median > 0.85 && median < 1.15
	})
}
