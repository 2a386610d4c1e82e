package ingest_test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/graph/graphtest"
	"github.com/orrery-catalog/orrery/graph/sqlitestore"
	"github.com/orrery-catalog/orrery/internal/ingest"
	"github.com/orrery-catalog/orrery/scanners/files"
)

// BenchmarkVisible is the time from the end of a write to one catalog file of a watched folder until the snapshot shows
// it: notification, its quiet time, reading the file, merging, committing to the embedded store, the next snapshot.
func BenchmarkVisible(b *testing.B) {
	for _, services := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprint(services), func(b *testing.B) {
			if testing.Short() && services > 1_000 {
				b.Skip("takes many files")
			}
			benchmarkVisible(b, graphtest.Company{Services: services, Edges: 10 * services, Seed: 1})
		})
	}
}

func benchmarkVisible(b *testing.B, company graphtest.Company) {
	dir := filepath.Join(b.TempDir(), "files")
	if err := company.WriteFiles(dir); err != nil {
		b.Fatal(err)
	}
	scanner, err := files.New(files.Config{Roots: []files.Root{{Path: dir}}})
	if err != nil {
		b.Fatal(err)
	}
	store, err := sqlitestore.Open(b.Context(), sqlitestore.Config{Path: filepath.Join(b.TempDir(), "orrery.db")})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	c, err := ingest.New(b.Context(), ingest.Config{
		Store: store, Sources: []ingest.Source{{ID: "files", Kind: "files", Scanner: scanner, Watch: true}},
	})
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(b.Context())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		_ = c.Run(ctx)
	}()
	defer func() {
		stop()
		<-stopped
	}()
	ref := company.ServiceRef(company.Services / 2)
	file := fileOf(b, dir, ref.Name())
	original, err := os.ReadFile(file)
	if err != nil {
		b.Fatal(err)
	}
	shows := func(title string) bool {
		snapshot := c.Snapshot()
		if snapshot == nil {
			return false
		}
		entity, err := snapshot.Entity(ref)
		return err == nil && entity.Title == title
	}
	wait := func(title string) {
		for changed := c.Changed(); !shows(title); changed = c.Changed() {
			if shows(title) { // it came between the two looks
				return
			}
			select {
			case <-changed:
			case <-time.After(5 * time.Minute):
				b.Fatal("the change was never shown")
			}
		}
	}
	write := func(title string) {
		text := bytes.Replace(original, titleOf(b, original), fmt.Append(nil, "title: ", title), 1)
		if err := os.WriteFile(file, text, 0o644); err != nil {
			b.Fatal(err)
		}
	}
	for i := 0; ; i++ { // until it is watched
		title := fmt.Sprint("warm ", i)
		write(title)
		wait(title)
		if sources := c.Snapshot().Sources(); len(sources) > 0 && sources[0].Watched {
			break
		}
	}
	var took []time.Duration
	for i := 0; b.Loop(); i++ {
		title := fmt.Sprint("changed ", i)
		write(title)
		start := time.Now()
		wait(title)
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms/p50")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "ms/p99")
	b.ReportMetric(float64(c.Snapshot().Len()), "entities")
	b.ReportMetric(highestMemory(b), "MiB/highest")
}

// fileOf finds the catalog file of a service.
func fileOf(b *testing.B, dir, service string) string {
	found := ""
	if err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && filepath.Base(filepath.Dir(path)) == service {
			found = path
			return fs.SkipAll
		}
		return err
	}); err != nil || found == "" {
		b.Fatalf("there is no file of %s: %v", service, err)
	}
	return found
}

func titleOf(b *testing.B, text []byte) []byte {
	from := bytes.Index(text, []byte("title: "))
	if from < 0 {
		b.Fatalf("no title in\n%s", text)
	}
	end := bytes.IndexByte(text[from:], '\n')
	return text[from : from+end]
}
