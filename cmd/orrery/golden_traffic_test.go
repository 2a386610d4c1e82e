package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/internal/demo"
)

// TestGoldenTraffic holds what people and scripts see of traffic: of the catalog files and recorded traces of the demo
// company.
func TestGoldenTraffic(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, files := range map[string]fs.FS{
		"files": demo.Files(), "traces": demo.RecordedTraces(time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)),
	} {
		if err := os.CopyFS(filepath.Join(dir, name), files); err != nil {
			t.Fatal(err)
		}
	}
	config := write(t, "graph: {path: orrery.db}\nsources:\n  - {id: repos, kind: files, paths: [files]}\n"+
		"  - {id: traces, kind: otlp, paths: [traces]}\n", dir, "orrery.yaml")
	if got := orrery(t, "scan", "--config", config); got.status != statusDone {
		t.Fatalf("scan ends with %d: %s", got.status, got.stderr)
	}
	for name, command := range map[string]string{
		"drift.txt":              "drift",
		"drift.json":             "drift checkout-service --format json",
		"drift-patch.txt":        "drift --patch",
		"drift-of-team.txt":      "drift --owner storefront --confidence MEDIUM",
		"drift-none.txt":         "drift product-service",
		"drift-none.json":        "drift product-service --format json",
		"traffic-show.txt":       "show checkout-service",
		"traffic-show.json":      "show checkout-service --format json",
		"traffic-deps.txt":       "deps checkout-service --depth 1",
		"traffic-deps.json":      "deps checkout-service --depth 1 --format json",
		"traffic-blast.txt":      "blast-radius loyalty-db",
		"traffic-behaves.txt":    "blast-radius loyalty-db --behaves",
		"traffic-behaves.json":   "blast-radius loyalty-db --behaves --format json",
		"traffic-discovered.txt": "show gift-cards",
	} {
		t.Run(name, func(t *testing.T) {
			golden(t, name, strings.ReplaceAll(must(t, append(strings.Fields(command), "--config", config)...), dir, "DIR"))
		})
	}
	got := orrery(t, "drift", "--fail", "--config", config)
	if got.status != statusNo || got.stderr != "" {
		t.Errorf("drift --fail ends with %d: %s", got.status, got.stderr)
	}
	if got := orrery(t, "drift", "product-service", "--fail", "--config", config); got.status != statusDone {
		t.Errorf("drift --fail without a finding ends with %d: %s", got.status, got.stderr)
	}
}
