package ingest

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// storeGauges tell of the store and of the part of this process among those that share it. There are none without a store.
type storeGauges struct {
	catalog                          *Catalog
	up, confirmed, leased, projected *prometheus.Desc
}

func newStoreGauges(c *Catalog) *storeGauges {
	return &storeGauges{
		catalog: c,
		up:      prometheus.NewDesc("orrery_store_up", "Whether the store answered when it was last asked: 1 or 0.", nil, nil),
		confirmed: prometheus.NewDesc("orrery_store_confirmed_age_seconds",
			"Time since the newest snapshot was last known to be all that the store held. There is none until the store was read.", nil, nil),
		leased: prometheus.NewDesc("orrery_store_lease_held",
			"Whether this process is the one that scans, among those that share the store: 1 or 0.", nil, nil),
		projected: prometheus.NewDesc("orrery_store_projected_revision",
			"Revision of the graph that this process has last written for people. There is none while another process writes it.", nil, nil),
	}
}

// Describe implements prometheus.Collector.
func (g *storeGauges) Describe(descs chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{g.up, g.confirmed, g.leased, g.projected} {
		descs <- desc
	}
}

// Collect implements prometheus.Collector.
func (g *storeGauges) Collect(samples chan<- prometheus.Metric) {
	c := g.catalog
	if c.config.Store == nil {
		return
	}
	gauge := func(desc *prometheus.Desc, value float64) {
		samples <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value)
	}
	now := c.Freshness()
	gauge(g.up, oneIf(now.Err == nil))
	if !now.Confirmed.IsZero() {
		gauge(g.confirmed, time.Since(now.Confirmed).Seconds())
	}
	if !c.replicated() {
		return
	}
	sure := false
	t := c.leads()
	if t != nil {
		sure, _ = t.sure()
	}
	gauge(g.leased, oneIf(sure))
	if revision := c.metrics.projected.Load(); t != nil && revision > 0 {
		gauge(g.projected, float64(revision))
	}
}

func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
