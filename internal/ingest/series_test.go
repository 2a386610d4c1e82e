package ingest_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/graphtest"
	"github.com/orrery-catalog/orrery/internal/ingest"
	"github.com/orrery-catalog/orrery/internal/testenv"
)

// TestVersionSeries plays every stored version of real catalog files into folders that one Catalog with a store scans.
// After each step the graph is that of a scan from scratch, the history of each revision tells exactly the differences,
// and in the end every revision can be looked at again. Where a version has lost documents to errors, their last good ones
// stand: then the scratch scans the last good version first.
func TestVersionSeries(t *testing.T) {
	series, err := filepath.Glob(filepath.Join(testenv.Corpora(t), "catalog-history-series", "*"))
	if err != nil || len(series) < 6 {
		t.Fatalf("%d series, %v", len(series), err)
	}
	var played, broken, told int
	for _, folder := range series {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			versions, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
			if err != nil || len(versions) == 0 {
				t.Fatalf("%d versions, %v", len(versions), err)
			}
			slices.Sort(versions)
			dir := t.TempDir()
			c := newCatalog(t, openStore(t, storePath(t), false), filesSource(t, "repos", dir))
			var kept []*graph.Snapshot
			check := func() {
				t.Helper()
				var before *graph.Snapshot
				if len(kept) > 0 {
					before = kept[len(kept)-1]
				}
				records := recordsBetween(t, c, before, c.Snapshot())
				if err := graphtest.CheckRecorded(orEmpty(before), c.Snapshot(), records); err != nil {
					t.Fatal(err)
				}
				kept, told = append(kept, c.Snapshot()), told+len(records)
			}
			good := ""
			for _, version := range versions {
				play(t, version, dir)
				scan(t, c)
				check()
				if approve(t, c, "repos") {
					check()
				}
				played++
				scratch := newCatalog(t, openStore(t, storePath(t), false), filesSource(t, "repos", dir))
				if c.Snapshot().Sources()[0].Stale == 0 {
					good = version
				} else {
					broken++
					play(t, good, dir)
					scan(t, scratch)
					play(t, version, dir)
				}
				scan(t, scratch)
				approve(t, scratch, "repos")
				if graph.Digest(c.Snapshot()) != graph.Digest(scratch.Snapshot()) {
					t.Fatalf("%s: the graph is not that of a scan from scratch:\n%s", filepath.Base(version),
						cmp.Diff(contentOf(scratch.Snapshot()), contentOf(c.Snapshot())))
				}
			}
			for _, snapshot := range kept {
				past, err := c.At(t.Context(), graph.AsOf{Time: snapshot.Time()})
				if err != nil || past.Revision() != snapshot.Revision() {
					t.Fatalf("revision %d cannot be looked at again: %v", snapshot.Revision(), err)
				}
				if diff := cmp.Diff(contentOf(snapshot), contentOf(past)); diff != "" {
					t.Fatalf("revision %d is shown otherwise than it was (-want +got):\n%s", snapshot.Revision(), diff)
				}
			}
		})
	}
	t.Logf("%d versions, %d of them with errors; %d recorded changes", played, broken, told)
	if played < 100 || broken > played/4 {
		t.Errorf("%d versions were played, %d of them with errors", played, broken)
	}
}

func play(t *testing.T, version, dir string) {
	t.Helper()
	data, err := os.ReadFile(version)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "catalog-info.yaml"), data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// approve lets go what the safety brake holds, if it holds anything.
func approve(t *testing.T, c *ingest.Catalog, source string) (held bool) {
	t.Helper()
	for _, s := range c.Snapshot().Sources() {
		if s.ID == source && s.Held != nil {
			if _, err := c.ApproveScan(t.Context(), source, s.Held.Digest); err != nil {
				t.Fatal(err)
			}
			held = true
		}
	}
	return held
}

// recordsBetween is the history between two snapshots, of which the first may be nil, in the order of what it tells.
func recordsBetween(t *testing.T, c *ingest.Catalog, was, is *graph.Snapshot) []graph.FieldChange {
	t.Helper()
	query := graph.HistoryQuery{Through: is.Revision()}
	if was != nil {
		if query.After = was.Revision(); was.Revision() == is.Revision() {
			return nil
		}
	}
	var records []graph.FieldChange
	for recorded, err := range c.History(t.Context(), query) {
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, recorded.FieldChange)
	}
	return records
}

func orEmpty(s *graph.Snapshot) *graph.Snapshot {
	if s == nil {
		return graph.Build(graph.Input{})
	}
	return s
}
