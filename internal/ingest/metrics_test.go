package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/ingest"
)

func TestMetrics(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	w, store := &world{}, &spy{Store: openStore(t, storePath(t), false)}
	c, err := ingest.New(t.Context(), ingest.Config{
		Store: store, Metrics: registry, Now: func() time.Time { return now }, Sources: []ingest.Source{{ID: "w", Scanner: w}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if families, err := registry.Gather(); err != nil || len(families) == 0 {
		t.Errorf("before the first scan: %d families, %v", len(families), err)
	}
	w.says(read("f", refA+" >"+refB, refC), read("g", "component:default/d"))
	scan(t, c)
	w.says(read("g"))
	now = now.Add(time.Minute)
	scan(t, c)
	w.fails(errors.New("down"))
	now = now.Add(time.Minute)
	if _, err := c.Scan(t.Context()); err == nil {
		t.Fatal("no error")
	}
	w.says()
	store.before = func(graph.Change) error { return graph.ErrUnavailable }
	if _, err := c.Scan(t.Context()); err == nil {
		t.Fatal("no error")
	}
	now = now.Add(time.Minute)
	want := `
# HELP orrery_commit_failures_total Changes that the store did not take, conflicts with other writers included.
# TYPE orrery_commit_failures_total counter
orrery_commit_failures_total 2
# HELP orrery_documents_put_total Documents that were written because they are new or have changed, by source.
# TYPE orrery_documents_put_total counter
orrery_documents_put_total{source="w"} 6
# HELP orrery_documents_removed_total Documents that were removed because their source no longer has them.
# TYPE orrery_documents_removed_total counter
orrery_documents_removed_total{source="w"} 0
# HELP orrery_edges Relations in the newest snapshot.
# TYPE orrery_edges gauge
orrery_edges 1
# HELP orrery_entities Entities in the newest snapshot, placeholders included.
# TYPE orrery_entities gauge
orrery_entities 4
# HELP orrery_revision Revision of the newest snapshot.
# TYPE orrery_revision gauge
orrery_revision 3
# HELP orrery_scans_total Scans that have ended, by source and outcome: committed, failed (the last good data stands), cancelled.
# TYPE orrery_scans_total counter
orrery_scans_total{outcome="committed",source="w"} 2
orrery_scans_total{outcome="failed",source="w"} 2
# HELP orrery_snapshot_age_seconds Time since the revision of the newest snapshot was made. A catalog in which nothing happens grows old.
# TYPE orrery_snapshot_age_seconds gauge
orrery_snapshot_age_seconds 60
# HELP orrery_source_age_seconds Time since the last good scan of a source. There is none until it was scanned.
# TYPE orrery_source_age_seconds gauge
orrery_source_age_seconds{source="w"} 120
# HELP orrery_source_held_entities Entities of a source that it no longer has, and whose removal waits for approval.
# TYPE orrery_source_held_entities gauge
orrery_source_held_entities{source="w"} 3
# HELP orrery_source_stale_documents Documents of a source that could not be renewed, held ones included.
# TYPE orrery_source_stale_documents gauge
orrery_source_stale_documents{source="w"} 3
# HELP orrery_sources Sources by state: PENDING, OK, STALE (parts could not be renewed), HELD (removals wait for approval), FAILED.
# TYPE orrery_sources gauge
orrery_sources{state="FAILED"} 1
orrery_sources{state="HELD"} 0
orrery_sources{state="OK"} 0
orrery_sources{state="PENDING"} 0
orrery_sources{state="STALE"} 0
# HELP orrery_store_conflicts_total Changes that were computed anew because another process had changed the store.
# TYPE orrery_store_conflicts_total counter
orrery_store_conflicts_total 0
# HELP orrery_store_takeovers_total Times that this process became the one that scans, among those that share a store.
# TYPE orrery_store_takeovers_total counter
orrery_store_takeovers_total 0
# HELP orrery_store_up Whether the store answered when it was last asked: 1 or 0.
# TYPE orrery_store_up gauge
orrery_store_up 1
`
	answer := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	var got strings.Builder
	for line := range strings.Lines(answer.Body.String()) {
		if !strings.Contains(line, "_duration_seconds") && !strings.Contains(line, "orrery_store_confirmed") {
			got.WriteString(line)
		}
	}
	if diff := cmp.Diff(strings.TrimSpace(want), strings.TrimSpace(got.String())); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
	for _, line := range []string{
		"orrery_scan_duration_seconds_count{source=\"w\"} 4", "orrery_merge_duration_seconds_count 2",
		"orrery_commit_duration_seconds_count 5", "orrery_snapshot_build_duration_seconds_count 3",
	} {
		if !strings.Contains(answer.Body.String(), line+"\n") {
			t.Errorf("there is no %s in\n%s", line, answer.Body)
		}
	}
	if _, err := ingest.New(t.Context(), ingest.Config{Metrics: registry}); err == nil {
		t.Error("no error though the registry has these metrics already")
	}
}

// TestStoreMetrics holds that a replica tells whether it scans, whether the store is there, and how old its answers may be.
func TestStoreMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, registries := newDatabase(), []*prometheus.Registry{prometheus.NewPedanticRegistry(), prometheus.NewPedanticRegistry()}
		var doors []*door
		for i, registry := range registries {
			doors = append(doors, d.door())
			_, source := writer(read("f", refA))
			c, err := ingest.New(t.Context(), ingest.Config{
				Store: &projector{door: doors[i]}, Sources: []ingest.Source{source}, Holder: fmt.Sprint(i), Metrics: registry, WaitForStore: true,
			})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			var running sync.WaitGroup
			running.Go(func() { _ = c.Run(ctx) })
			defer running.Wait()
			defer cancel()
			pass(time.Second)
		}
		told := func(i int) map[string]float64 {
			families, err := registries[i].Gather()
			if err != nil {
				t.Fatal(err)
			}
			values := make(map[string]float64)
			for _, family := range families {
				if name, ok := strings.CutPrefix(family.GetName(), "orrery_store_"); ok {
					values[name] = family.GetMetric()[0].GetGauge().GetValue() + family.GetMetric()[0].GetCounter().GetValue()
				}
			}
			return values
		}
		pass(9 * time.Second)
		want := []map[string]float64{
			{"up": 1, "lease_held": 1, "takeovers_total": 1, "conflicts_total": 0, "projected_revision": 1},
			{"up": 1, "lease_held": 0, "takeovers_total": 0, "conflicts_total": 0},
		}
		young := func(got map[string]float64) {
			if age := got["confirmed_age_seconds"]; age < 0 || age > 4 {
				t.Errorf("confirmed %v seconds ago", age)
			}
		}
		for i := range want {
			got := told(i)
			young(got)
			delete(got, "confirmed_age_seconds")
			if diff := cmp.Diff(want[i], got); diff != "" {
				t.Errorf("replica %d (-want +got):\n%s", i, diff)
			}
		}
		doors[0].breaks(away)
		pass(time.Minute)
		got := told(0)
		if age := got["confirmed_age_seconds"]; got["up"] != 0 || got["lease_held"] != 0 || age < 60 || age > 64 {
			t.Errorf("cut off: %v", got)
		}
		if got := told(1); got["lease_held"] != 1 || got["takeovers_total"] != 1 {
			t.Errorf("the other one: %v", got)
		}
	})
}
