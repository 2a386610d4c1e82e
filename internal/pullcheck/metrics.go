package pullcheck

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// The outcomes of a check that are no conclusions.
const (
	outcomeNothing    = "nothing" // there was nothing to check
	outcomeSuperseded = "superseded"
	outcomeDropped    = "dropped" // too many waited
	outcomeFailed     = "failed"  // nothing could be told to GitHub
)

// metrics are those of a Checker.
type metrics struct {
	checks  *prometheus.CounterVec
	seconds prometheus.Histogram
}

func newMetrics(config Config, q *queue) *metrics {
	labels := prometheus.Labels{"source": config.Source}
	m := &metrics{
		checks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "orrery_pull_checks_total", Help: "Checks of pull requests, by conclusion or by why there is none.", ConstLabels: labels,
		}, []string{"outcome"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "orrery_pull_check_seconds", Help: "How long a check of a pull request took, once it began.", ConstLabels: labels,
			Buckets: prometheus.ExponentialBuckets(0.1, 3, 8),
		}),
	}
	if config.Metrics == nil {
		return m
	}
	waiting := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "orrery_pull_checks_waiting", Help: "Pull requests that wait to be checked.", ConstLabels: labels,
	}, func() float64 { return float64(q.length()) })
	for _, collector := range []prometheus.Collector{m.checks, m.seconds, waiting} {
		if err := config.Metrics.Register(collector); err != nil {
			config.Log.Error().Err(err).Msg("a metric of checks of pull requests is not shown")
		}
	}
	return m
}

func (m *metrics) done(outcome string) { m.checks.WithLabelValues(outcome).Inc() }

func (m *metrics) took(d time.Duration) { m.seconds.Observe(d.Seconds()) }
