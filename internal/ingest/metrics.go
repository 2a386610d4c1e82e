package ingest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/orrery-catalog/orrery/graph"
)

// metrics are what a Catalog tells of itself. Each has its meaning in its help text.
type metrics struct {
	scans          *prometheus.CounterVec   // by source and outcome
	scanDuration   *prometheus.HistogramVec // by source
	put, removed   *prometheus.CounterVec   // by source
	merge, commit  prometheus.Histogram
	build          prometheus.Histogram
	commitFailures prometheus.Counter
	conflicts      prometheus.Counter
	takeovers      prometheus.Counter
	projected      atomic.Uint64 // revision that the store has written for people; 0 = none by this process
}

// The outcomes of a scan.
const (
	outcomeCommitted = "committed"
	outcomeFailed    = "failed"
	outcomeCancelled = "cancelled" // it was stopped, and left no trace
)

// newMetrics registers the metrics; nil = nobody looks at them.
func newMetrics(registerer prometheus.Registerer, c *Catalog) (*metrics, error) {
	bySource := []string{"source"}
	short := prometheus.ExponentialBuckets(0.0005, 4, 9) // to half a minute
	m := &metrics{
		scans: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "orrery_scans_total",
			Help: "Scans that have ended, by source and outcome: committed, failed (the last good data stands), cancelled.",
		}, []string{"source", "outcome"}),
		scanDuration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "orrery_scan_duration_seconds", Help: "Time that a scanner took to read its source or the changed parts of it.",
			Buckets: prometheus.ExponentialBuckets(0.005, 4, 10), // to 20 minutes
		}, bySource),
		put: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "orrery_documents_put_total", Help: "Documents that were written because they are new or have changed, by source.",
		}, bySource),
		removed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "orrery_documents_removed_total", Help: "Documents that were removed because their source no longer has them.",
		}, bySource),
		merge: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "orrery_merge_duration_seconds", Help: "Time to merge a change of documents into the catalog.", Buckets: short,
		}),
		commit: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "orrery_commit_duration_seconds", Help: "Time in which the store took a change or refused it.", Buckets: short,
		}),
		commitFailures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "orrery_commit_failures_total", Help: "Changes that the store did not take, conflicts with other writers included.",
		}),
		conflicts: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "orrery_store_conflicts_total", Help: "Changes that were computed anew because another process had changed the store.",
		}),
		takeovers: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "orrery_store_takeovers_total", Help: "Times that this process became the one that scans, among those that share a store.",
		}),
		build: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "orrery_snapshot_build_duration_seconds", Help: "Time to make the snapshot of a new revision.", Buckets: short,
		}),
	}
	if registerer == nil {
		return m, nil
	}
	var failed []error
	for _, collector := range []prometheus.Collector{
		m.scans, m.scanDuration, m.put, m.removed, m.merge, m.commit, m.commitFailures, m.conflicts, m.takeovers, m.build, newGauges(c), newStoreGauges(c),
	} {
		failed = append(failed, registerer.Register(collector))
	}
	return m, errors.Join(failed...)
}

// stopwatch begins to measure; the function that it returns ends it.
func stopwatch(h prometheus.Histogram) func() {
	began := time.Now()
	return func() { h.Observe(time.Since(began).Seconds()) }
}

func (m *metrics) mergeTime() func()  { return stopwatch(m.merge) }
func (m *metrics) commitTime() func() { return stopwatch(m.commit) }
func (m *metrics) buildTime() func()  { return stopwatch(m.build) }

func (m *metrics) scanned(result SourceResult) {
	outcome := outcomeCommitted
	switch {
	case errors.Is(result.Err, context.Canceled), errors.Is(result.Err, errLeaseLost):
		outcome = outcomeCancelled
	case result.Err != nil:
		outcome = outcomeFailed
	}
	m.scans.WithLabelValues(result.ID, outcome).Inc()
	m.scanDuration.WithLabelValues(result.ID).Observe(result.Duration.Seconds())
	m.changed(result.ID, difference{put: result.Put, removed: result.Removed})
}

func (m *metrics) changed(source string, done difference) {
	m.put.WithLabelValues(source).Add(float64(done.put))
	m.removed.WithLabelValues(source).Add(float64(done.removed))
}

// gauges are read off the newest Snapshot when somebody asks.
type gauges struct {
	catalog                                                     *Catalog
	revision, age, entities, edges, sources, held, stale, since *prometheus.Desc

	mu      sync.Mutex
	counted graph.Revision // of which edgeCount is
	count   int
}

func newGauges(c *Catalog) *gauges {
	bySource := []string{"source"}
	return &gauges{
		catalog:  c,
		revision: prometheus.NewDesc("orrery_revision", "Revision of the newest snapshot.", nil, nil),
		age: prometheus.NewDesc("orrery_snapshot_age_seconds",
			"Time since the revision of the newest snapshot was made. A catalog in which nothing happens grows old.", nil, nil),
		entities: prometheus.NewDesc("orrery_entities", "Entities in the newest snapshot, placeholders included.", nil, nil),
		edges:    prometheus.NewDesc("orrery_edges", "Relations in the newest snapshot.", nil, nil),
		sources: prometheus.NewDesc("orrery_sources",
			"Sources by state: PENDING, OK, STALE (parts could not be renewed), HELD (removals wait for approval), FAILED.", []string{"state"}, nil),
		held: prometheus.NewDesc("orrery_source_held_entities",
			"Entities of a source that it no longer has, and whose removal waits for approval.", bySource, nil),
		stale: prometheus.NewDesc("orrery_source_stale_documents",
			"Documents of a source that could not be renewed, held ones included.", bySource, nil),
		since: prometheus.NewDesc("orrery_source_age_seconds",
			"Time since the last good scan of a source. There is none until it was scanned.", bySource, nil),
	}
}

// edgeCount goes through all edges, once a revision.
func (g *gauges) edgeCount(s *graph.Snapshot) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.counted != s.Revision() {
		g.counted, g.count = s.Revision(), 0
		for range s.Edges() {
			g.count++
		}
	}
	return g.count
}

// Describe implements prometheus.Collector.
func (g *gauges) Describe(descs chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{g.revision, g.age, g.entities, g.edges, g.sources, g.held, g.stale, g.since} {
		descs <- desc
	}
}

// Collect implements prometheus.Collector.
func (g *gauges) Collect(samples chan<- prometheus.Metric) {
	snapshot := g.catalog.Snapshot()
	if snapshot == nil {
		return
	}
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		samples <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	gauge(g.revision, float64(snapshot.Revision()))
	gauge(g.age, max(0, g.catalog.config.Now().Sub(snapshot.Time()).Seconds()))
	gauge(g.entities, float64(snapshot.Len()))
	gauge(g.edges, float64(g.edgeCount(snapshot)))
	states := map[graph.SourceState]int{
		graph.SourcePending: 0, graph.SourceOK: 0, graph.SourceStale: 0, graph.SourceHeld: 0, graph.SourceFailed: 0,
	}
	now := g.catalog.config.Now()
	for _, source := range snapshot.Sources() {
		states[source.State]++
		held := 0
		if source.Held != nil {
			held = source.Held.Entities
		}
		gauge(g.held, float64(held), source.ID)
		gauge(g.stale, float64(source.Stale), source.ID)
		if !source.LastGood.IsZero() {
			gauge(g.since, max(0, now.Sub(source.LastGood).Seconds()), source.ID)
		}
	}
	for state, count := range states {
		gauge(g.sources, float64(count), string(state))
	}
}
