package health_test

import (
	"testing"

	"github.com/orrery-catalog/orrery/catalog"
)

func TestNoSpread(t *testing.T) {
	running := func(n, zones, nodes int32, keys ...string) *catalog.Facts {
		return edited(replicas(n), func(f *catalog.Facts) {
			if nodes > 0 {
				f.Workload.Ready = &n
			}
			f.Workload.Zones, f.Workload.Nodes = zones, nodes
			for _, key := range keys {
				f.Workload.Spread = append(f.Workload.Spread, catalog.Spread{TopologyKey: key})
			}
		})
	}
	const zone, node = "topology.kubernetes.io/zone", "kubernetes.io/hostname"
	judge(t, "no-spread", map[string]judgement{
		"a single one":            {facts: replicas(1), tier: 1, want: "NOT_APPLICABLE"},
		"tier 3":                  {facts: replicas(2), tier: 3, want: "NOT_APPLICABLE"},
		"unknown":                 {facts: unknownReplicas(), want: "UNKNOWN"},
		"daemon set":              {facts: ofKind(unknownReplicas(), "daemonset"), want: "NOT_APPLICABLE"},
		"nothing asks":            {facts: running(2, 0, 0), want: "FAIL WARNING"},
		"asks for zones":          {facts: running(2, 0, 0, zone), tier: 1, want: "PASS"},
		"asks by an old label":    {facts: running(2, 0, 0, "failure-domain.beta.kubernetes.io/zone"), tier: 1, want: "PASS"},
		"asks for nodes":          {facts: running(2, 0, 0, node), want: "PASS"},
		"asks for nodes, tier 1":  {facts: running(2, 0, 0, node), tier: 1, want: "FAIL WARNING"},
		"asks for racks":          {facts: running(2, 0, 0, "rack"), want: "FAIL WARNING"},
		"in two zones":            {facts: running(2, 2, 2), tier: 1, want: "PASS", says: "2 zones"},
		"in one zone":             {facts: running(2, 1, 2), tier: 1, want: "FAIL WARNING", says: "one zone"},
		"in one zone, though":     {facts: running(2, 1, 2, zone), tier: 1, want: "FAIL WARNING"},
		"on one node":             {facts: running(2, 0, 1, zone), tier: 1, want: "FAIL WARNING", says: "one node"},
		"on nodes, zones unknown": {facts: running(2, 0, 2), want: "PASS"},
		"one is not ready": {
			facts: edited(running(2, 1, 1, zone), func(f *catalog.Facts) { *f.Workload.Ready = 1 }), tier: 1, want: "PASS",
		},
	})
}
