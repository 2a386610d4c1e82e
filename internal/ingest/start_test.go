package ingest_test

import (
	"bufio"
	"fmt"
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

// BenchmarkStart is the way from a stored catalog to answers, up to one of about 100,000 entities and 1,000,000 edges:
// open the file, load, merge, build. The highest resident memory is that of the whole process so far, filling the store
// included.
func BenchmarkStart(b *testing.B) {
	for _, services := range []int{465, 4_650, 46_500} {
		if services > 465 && testing.Short() {
			continue
		}
		b.Run(fmt.Sprintf("services=%d", services), func(b *testing.B) {
			benchmarkStart(b, graphtest.Company{Services: services, Edges: services * 1640 / 93, Seed: 1})
		})
	}
}

func benchmarkStart(b *testing.B, company graphtest.Company) {
	path := filepath.Join(b.TempDir(), "orrery.db")
	open := func() *sqlitestore.Store {
		store, err := sqlitestore.Open(b.Context(), sqlitestore.Config{Path: path})
		if err != nil {
			b.Fatal(err)
		}
		return store
	}
	store := open()
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
