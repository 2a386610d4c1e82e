package ingest_test

import (
	"bufio"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/graphtest"
	"github.com/orrery-catalog/orrery/graph/sqlitestore"
	"github.com/orrery-catalog/orrery/internal/ingest"
)

// BenchmarkStart is the way from a stored catalog of about 100,000 entities and 1,000,000 edges to answers: open the
// file, load, merge, build. The highest resident memory is that of the whole process, filling the store included.
func BenchmarkStart(b *testing.B) {
	if testing.Short() {
		b.Skip("takes a large store")
	}
	path := filepath.Join(b.TempDir(), "orrery.db")
	open := func() *sqlitestore.Store {
		store, err := sqlitestore.Open(b.Context(), sqlitestore.Config{Path: path})
		if err != nil {
			b.Fatal(err)
		}
		return store
	}
	store := open()
	company := graphtest.Company{Services: 46_500, Edges: 820_000, Seed: 1}
	change := graph.Change{Time: time.Unix(1_700_000_000, 0), Put: slices.Collect(company.Documents())}
	if _, err := store.Apply(b.Context(), change); err != nil {
		b.Fatal(err)
	}
	if err := store.Close(); err != nil {
		b.Fatal(err)
	}
	change.Put = nil
	for b.Loop() {
		store := open()
		c, err := ingest.New(b.Context(), ingest.Config{Store: store})
		if err != nil {
			b.Fatal(err)
		}
		edges := 0
		for range c.Snapshot().Edges() {
			edges++
		}
		b.ReportMetric(float64(c.Snapshot().Len()), "entities")
		b.ReportMetric(float64(edges), "edges")
		if err := store.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(highestMemory(b), "MiB/highest")
}

// highestMemory is the most that the process ever had resident, in MiB; 0 where the system does not tell.
func highestMemory(b *testing.B) float64 {
	status, err := os.Open("/proc/self/status")
	if err != nil {
		return 0
	}
	defer status.Close()
	for lines := bufio.NewScanner(status); lines.Scan(); {
		if fields := strings.Fields(lines.Text()); len(fields) > 1 && fields[0] == "VmHWM:" {
			kilobytes, err := strconv.ParseFloat(fields[1], 64)
			if err != nil {
				b.Fatal(err)
			}
			return kilobytes / 1024
		}
	}
	return 0
}
