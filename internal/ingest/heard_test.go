package ingest_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/ingest"
)

func heard(t *testing.T, c *ingest.Catalog, delivery string, names ...string) {
	t.Helper()
	if err := c.Heard(t.Context(), "d", delivery, names...); err != nil {
		t.Errorf("delivery %q: %v", delivery, err)
	}
}

func heardBefore(t *testing.T, c *ingest.Catalog, delivery string) {
	t.Helper()
	if err := c.Heard(t.Context(), "d", delivery, "again"); !errors.Is(err, ingest.ErrHeardBefore) {
		t.Errorf("delivery %q, again: %v", delivery, err)
	}
}

// TestHeardScansWhatChanged holds that what is heard of is scanned at once and alone, though the source is not watched.
func TestHeardScansWhatChanged(t *testing.T) {
	for name, spec := range map[string]string{"without a schedule": "", "by a schedule": "@every 24h"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDiary()
				source := ingest.Source{ID: "d", Scanner: d}
				if spec != "" {
					source.Schedule = every(t, spec)
				}
				c := runs(t, ingest.Config{Sources: []ingest.Source{source}})
				defer c.stop()
				pass(time.Second)
				expect(t, "the start", d, "00:00:00 all")
				heard(t, c.Catalog, "1", "b", "a/")
				pass(0)
				expect(t, "two parts", d, "00:00:01 a/,b")
				heard(t, c.Catalog, "2", "whole")
				pass(0)
				expect(t, "a part that does not stand alone", d, "00:00:01 whole", "00:00:01 all")
				heard(t, c.Catalog, "3")
				pass(0)
				expect(t, "everything", d, "00:00:01 all")
				heard(t, c.Catalog, "", "c")
				pass(time.Hour)
				heard(t, c.Catalog, "", "c")
				pass(time.Hour)
				expect(t, "without an id", d, "00:00:01 c", "01:00:01 c")
				if source := c.state(t); source.Watched || source.State != graph.SourceOK {
					t.Errorf("%+v", source)
				}
			})
		})
	}
}

// TestHeardGathers holds that what is heard during a scan makes one more, with a bounded number of parts.
func TestHeardGathers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary()
		d.takes = 10 * time.Second
		c := runs(t, ingest.Config{Sources: []ingest.Source{{ID: "d", Scanner: d}}})
		defer c.stop()
		pass(time.Second)
		for i := range 1000 {
			heard(t, c.Catalog, fmt.Sprint("first ", i), fmt.Sprint("f", i), "same")
		}
		pass(30 * time.Second)
		expect(t, "a thousand", d, "00:00:00 all", "00:00:10 1001 parts")
		for name, names := range map[string][]string{
			"too many":            many(3000),
			"too long":            {strings.Repeat("x", 1<<17), "y"},
			"what JSON cannot do": {"a\xff"},
		} {
			d.set(func(d *diary) { d.takes = 0 })
			heard(t, c.Catalog, name, names...)
			pass(0)
			if scans := d.written(); len(scans) != 1 || !strings.HasSuffix(scans[0], " all") {
				t.Errorf("%s: %q", name, scans)
			}
		}
		pass(time.Hour)
		expect(t, "and no more", d)
	})
}

func many(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprint("f", i)
	}
	return names
}

// TestHeardBefore holds that a delivery is taken once: while it waits, while it is scanned, afterwards and after a restart,
// until a thousand others have come.
func TestHeardBefore(t *testing.T) {
	store := openStore(t, storePath(t), false)
	synctest.Test(t, func(t *testing.T) {
		d := newDiary()
		config := ingest.Config{Store: forwarded{store}, Sources: []ingest.Source{
			{ID: "d", Scanner: d, Schedule: every(t, "@every 24h")}, {ID: "e", Scanner: newDiary()},
		}}
		c := runs(t, config)
		pass(time.Second)
		d.set(func(d *diary) { d.takes = 10 * time.Second })
		heard(t, c.Catalog, "1", "a")
		heardBefore(t, c.Catalog, "1")
		pass(time.Second)
		heardBefore(t, c.Catalog, "1")
		heard(t, c.Catalog, "2", "b")
		pass(time.Minute)
		heardBefore(t, c.Catalog, "1")
		heardBefore(t, c.Catalog, "2")
		if err := c.Heard(t.Context(), "e", "1", "a"); err != nil {
			t.Errorf("of another source: %v", err)
		}
		expect(t, "scans", d, "00:00:00 all", "00:00:01 a", "00:00:11 b")
		pass(time.Minute)
		c.stop()
		c = runs(t, config)
		defer c.stop()
		pass(time.Second)
		heardBefore(t, c.Catalog, "1")
		heardBefore(t, c.Catalog, "2")
		for i := range 999 {
			heard(t, c.Catalog, fmt.Sprint("more ", i), "c")
		}
		pass(time.Minute)
		heardBefore(t, c.Catalog, "2")
		heard(t, c.Catalog, "1", "d")
		pass(time.Minute)
	})
}

func TestHeardOfNothing(t *testing.T) {
	d := newDiary()
	c := newCatalog(t, nil, ingest.Source{ID: "d", Scanner: d})
	if err := c.Heard(t.Context(), "e", "1", "a"); !errors.Is(err, graph.ErrUnknownSource) {
		t.Errorf("of an unknown source: %v", err)
	}
	read, err := ingest.New(t.Context(), ingest.Config{Sources: []ingest.Source{{ID: "d"}}, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := read.Heard(t.Context(), "d", "1", "a"); !errors.Is(err, graph.ErrReadOnly) {
		t.Errorf("in a catalog that only reads: %v", err)
	}
}

// TestHeardAndFailing holds that what could not be scanned is tried again until it is, but not at every word.
func TestHeardAndFailing(t *testing.T) {
	for name, spec := range map[string]string{"without a schedule": "", "by a schedule": "@every 24h"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDiary()
				source := ingest.Source{ID: "d", Scanner: d}
				if spec != "" {
					source.Schedule = every(t, spec)
				}
				c := runs(t, ingest.Config{Sources: []ingest.Source{source}})
				defer c.stop()
				pass(time.Second)
				d.written()
				d.set(func(d *diary) { d.err = errors.New("down") })
				for i := range 100 {
					heard(t, c.Catalog, fmt.Sprint(i), "a")
					pass(100 * time.Millisecond)
				}
				expect(t, "failing", d, "00:00:01 a", "00:00:01 all")
				if want, got := time.Date(2000, 1, 1, 0, 1, 1, 0, time.UTC), c.state(t).NextScan; !got.Equal(want) {
					t.Errorf("the next scan is at %s", got)
				}
				pass(time.Minute)
				expect(t, "failing still", d, "00:01:01 all")
				d.set(func(d *diary) { d.err = nil })
				pass(time.Minute)
				expect(t, "mended", d, "00:02:01 all")
				heardBefore(t, c.Catalog, "7")
				heard(t, c.Catalog, "100", "a")
				pass(time.Hour)
				expect(t, "as before", d, "00:02:11 a")
			})
		})
	}
}

// TestHeardAfterAFailure holds that the first word after a scan that failed makes one at once.
func TestHeardAfterAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary()
		d.err = errors.New("down")
		c := runs(t, ingest.Config{Sources: []ingest.Source{{ID: "d", Scanner: d, Schedule: every(t, "@every 24h")}}})
		defer c.stop()
		pass(time.Hour)
		expect(t, "the start", d, "00:00:00 all")
		d.set(func(d *diary) { d.err = nil })
		heard(t, c.Catalog, "1", "a")
		pass(0)
		expect(t, "heard", d, "01:00:00 all")
	})
}

// TestHeardAtTheEnd holds that what was heard and not scanned when the process was told to end is scanned by the next one as
// soon as it runs, and that a delivery is known there.
func TestHeardAtTheEnd(t *testing.T) {
	store := openStore(t, storePath(t), false)
	synctest.Test(t, func(t *testing.T) {
		d := newDiary()
		config := ingest.Config{Store: forwarded{store}, Sources: []ingest.Source{{ID: "d", Scanner: d, Schedule: every(t, "@every 24h")}}}
		c := runs(t, config)
		pass(time.Second)
		d.set(func(d *diary) { d.takes = time.Minute })
		heard(t, c.Catalog, "1", "a")
		pass(time.Second)
		heard(t, c.Catalog, "2", "b")
		c.stop()
		expect(t, "before", d, "00:00:00 all", "00:00:01 a")
		c = runs(t, config)
		defer c.stop()
		heardBefore(t, c.Catalog, "1")
		heardBefore(t, c.Catalog, "2")
		pass(2 * time.Minute)
		expect(t, "after", d, "00:00:02 a,b")
		heardBefore(t, c.Catalog, "2")
	})
}

// TestWhatSaysNothingNewIsNoRevision holds that news without an id that change nothing are not committed, and that those with
// one are, with the delivery.
func TestWhatSaysNothingNewIsNoRevision(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{}
		w.says(read("f", refA))
		c := runs(t, ingest.Config{Sources: []ingest.Source{{ID: "d", Scanner: w}}})
		defer c.stop()
		pass(time.Second)
		var revisions []graph.Revision
		for _, delivery := range []string{"", "1", ""} {
			heard(t, c.Catalog, delivery, "f")
			pass(time.Second)
			revisions = append(revisions, c.Snapshot().Revision())
		}
		if diff := cmp.Diff([]graph.Revision{1, 2, 2}, revisions); diff != "" {
			t.Errorf("revisions (-want +got):\n%s", diff)
		}
	})
}

// TestPartsDoNotPutOffTheWhole holds that the scan of the whole which is due after a restart is that after the last one, and
// not after one of parts.
func TestPartsDoNotPutOffTheWhole(t *testing.T) {
	store := openStore(t, storePath(t), false)
	synctest.Test(t, func(t *testing.T) {
		d := newDiary()
		config := ingest.Config{Store: forwarded{store}, Sources: []ingest.Source{{ID: "d", Scanner: d, Schedule: every(t, "@every 1h")}}}
		c := runs(t, config)
		pass(50 * time.Minute)
		heard(t, c.Catalog, "1", "a")
		pass(time.Minute)
		c.stop()
		c = runs(t, config)
		defer c.stop()
		pass(30 * time.Minute)
		expect(t, "scans", d, "00:00:00 all", "00:50:00 a", "01:00:00 all")
	})
}
