package ledger

import (
	"github.com/prometheus/client_golang/prometheus"
)

// metrics are those of a Ledger.
type metrics struct {
	flushed, sums  prometheus.Histogram
	failures, rows prometheus.Counter
}

func newMetrics(registerer prometheus.Registerer, l *Ledger) *metrics {
	m := &metrics{
		flushed: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "orrery_traffic_write_seconds", Help: "How long it took to write what was counted of traffic.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 8),
		}),
		sums: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "orrery_traffic_sum_seconds", Help: "How long it took to add up all that is kept of traffic.",
			Buckets: prometheus.ExponentialBuckets(0.01, 4, 8),
		}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "orrery_traffic_write_failures_total",
			Help: "How often what was counted of traffic could not be written; it is kept in memory meanwhile.",
		}),
		rows: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "orrery_traffic_rows_written_total", Help: "Rows of traffic that were written.",
		}),
	}
	if registerer == nil {
		return m
	}
	for _, collector := range []prometheus.Collector{m.flushed, m.sums, m.failures, m.rows, held{l}} {
		if err := registerer.Register(collector); err != nil {
			l.config.Log.Error().Err(err).Msg("a metric of traffic is not shown")
		}
	}
	return m
}

// held tells how much is held of each source.
type held struct{ ledger *Ledger }

var (
	flowsDesc = prometheus.NewDesc("orrery_traffic_flows", "Flows of traffic that are kept.", []string{"source"}, nil)
	lostDesc  = prometheus.NewDesc("orrery_traffic_lost",
		"Spans, messages and requests that could not be used, in the hours that are kept.", []string{"source", "reason"}, nil)
	ageDesc = prometheus.NewDesc("orrery_traffic_newest_timestamp_seconds",
		"When the newest traffic was seen.", []string{"source"}, nil)
)

// Describe implements [prometheus.Collector].
func (h held) Describe(to chan<- *prometheus.Desc) {
	to <- flowsDesc
	to <- lostDesc
	to <- ageDesc
}

// Collect implements [prometheus.Collector].
func (h held) Collect(to chan<- prometheus.Metric) {
	type numbers struct {
		id     string
		flows  int
		newest float64
		lost   map[string]uint64
	}
	var all []numbers
	h.ledger.mu.Lock()
	for id, s := range h.ledger.sources {
		all = append(all, numbers{id, len(s.flows), float64(s.newest), s.lostNow})
	}
	h.ledger.mu.Unlock()
	for _, n := range all {
		to <- prometheus.MustNewConstMetric(flowsDesc, prometheus.GaugeValue, float64(n.flows), n.id)
		to <- prometheus.MustNewConstMetric(ageDesc, prometheus.GaugeValue, n.newest, n.id)
		for reason, lost := range n.lost {
			to <- prometheus.MustNewConstMetric(lostDesc, prometheus.GaugeValue, float64(lost), n.id, reason)
		}
	}
}
