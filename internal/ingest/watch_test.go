package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/ingest"
	"github.com/orrery-catalog/orrery/scanners"
)

func TestWatchScansWhatChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary()
		c := runs(t, ingest.Config{Sources: []ingest.Source{{ID: "d", Scanner: d, Watch: true}}})
		defer c.stop()
		pass(time.Second)
		expect(t, "the start", d, "00:00:00 all")
		if source := c.state(t); !source.Watched || source.WatchError != "" || !source.NextScan.IsZero() {
			t.Errorf("%+v", source)
		}
		d.change("b", "a/")
		pass(0)
		expect(t, "two changes", d, "00:00:01 a/,b")
		d.change("whole")
		pass(0)
		expect(t, "a part that does not stand alone", d, "00:00:01 whole", "00:00:01 all")
		pass(24 * time.Hour)
		expect(t, "nothing changes", d)
	})
}

// TestWatchGathers holds that what changes during a scan makes one more, with a bounded number of parts.
func TestWatchGathers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary()
		d.takes = 10 * time.Second
		c := runs(t, ingest.Config{Sources: []ingest.Source{{ID: "d", Scanner: d, Watch: true}}})
		defer c.stop()
		pass(time.Second)
		for i := range 1000 {
			d.change(fmt.Sprint("f", i), "same")
		}
		pass(time.Minute)
		expect(t, "a thousand", d, "00:00:00 all", "00:00:10 1001 parts")
		d.change("first")
		pass(time.Second)
		for i := range 10_000 {
			d.change(fmt.Sprint("f", i))
		}
		pass(time.Minute)
		expect(t, "ten thousand", d, "00:01:01 first", "00:01:11 all")
	})
}

func TestWatchFallsBack(t *testing.T) {
	for name, test := range map[string]struct {
		spec string
		want []string // in the first three minutes
	}{
		"without a schedule": {"", []string{"00:00:00 all", "00:01:00 all", "00:02:00 all", "00:03:00 all"}},
		"by its schedule":    {"*/2 * * * *", []string{"00:00:00 all", "00:02:00 all"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDiary()
				d.refuse = errors.New("no inotify here")
				source := ingest.Source{ID: "d", Scanner: d, Watch: true}
				if test.spec != "" {
					source.Schedule = every(t, test.spec)
				}
				c := runs(t, ingest.Config{Sources: []ingest.Source{source}})
				defer c.stop()
				pass(3*time.Minute + time.Second)
				expect(t, "never watched", d, test.want...)
				if source := c.state(t); source.Watched || source.WatchError != "no inotify here" || source.NextScan.IsZero() {
					t.Errorf("%+v", source)
				}
				d.set(func(d *diary) { d.refuse = nil })
				pass(10 * time.Minute)
				if source := c.state(t); !source.Watched || source.WatchError != "" {
					t.Errorf("%+v", source)
				}
				d.written()
				d.change("a")
				pass(0)
				expect(t, "watched again", d, "00:13:01 a")
				c.stop()
				if n := strings.Count(c.log.String(), "cannot be seen as they happen"); n != 1 {
					t.Errorf("the loss was told %d times", n)
				}
				if n := strings.Count(c.log.String(), "watched again"); n != 1 {
					t.Errorf("the end of the loss was told %d times", n)
				}
			})
		})
	}
}

// TestWatchLostOnce holds that a loss makes a scan, since nobody knows what was missed, and so does its end.
func TestWatchLostOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary()
		c := runs(t, ingest.Config{Sources: []ingest.Source{{ID: "d", Scanner: d, Watch: true}}})
		defer c.stop()
		pass(10 * time.Second)
		d.written()
		d.lost <- errors.New("queue overflow")
		pass(500 * time.Millisecond)
		expect(t, "lost", d, "00:00:10 all")
		if source := c.state(t); source.Watched || source.WatchError != "queue overflow" {
			t.Errorf("%+v", source)
		}
		pass(time.Second)
		expect(t, "watched again", d, "00:00:11 all")
		if source := c.state(t); !source.Watched || source.WatchError != "" || !source.NextScan.IsZero() {
			t.Errorf("%+v", source)
		}
	})
}

// TestDeafSourceHasFailed holds that a source which does not hear what is sent to it shows that, until it hears again, though
// its scans are good.
func TestDeafSourceHasFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary()
		c := runs(t, ingest.Config{Sources: []ingest.Source{{ID: "d", Scanner: d, Watch: true}}})
		defer c.stop()
		pass(10 * time.Second)
		d.written()
		d.lost <- &scanners.DeafError{Err: errors.New("listen tcp 127.0.0.1:4317: address already in use")}
		pass(500 * time.Millisecond)
		expect(t, "deaf", d, "00:00:10 all")
		if source := c.state(t); source.State != graph.SourceFailed || source.Error != "listen tcp 127.0.0.1:4317: address already in use" {
			t.Errorf("%+v", source)
		}
		pass(time.Second)
		expect(t, "hears again", d, "00:00:11 all")
		if source := c.state(t); source.State != graph.SourceOK || source.Error != "" || !source.Watched {
			t.Errorf("%+v", source)
		}
	})
}

// TestWatchedAndFailing holds that a watched source that cannot be read is tried again, but not at every change.
func TestWatchedAndFailing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary()
		c := runs(t, ingest.Config{Sources: []ingest.Source{{ID: "d", Scanner: d, Watch: true}}})
		defer c.stop()
		pass(time.Second)
		d.written()
		d.set(func(d *diary) { d.err = errors.New("down") })
		for range 100 {
			d.change("a")
			pass(100 * time.Millisecond)
		}
		expect(t, "failing", d, "00:00:01 a", "00:00:01 all")
		d.set(func(d *diary) { d.err = nil })
		pass(time.Minute)
		expect(t, "mended", d, "00:01:01 all")
		d.change("a")
		pass(0)
		expect(t, "as before", d, "00:01:11 a")
	})
}

// heardWorld is a world that tells of changes like a diary.
type heardWorld struct {
	world
	diary
}

func (h *heardWorld) Scan(ctx context.Context, previous []byte, sink scanners.Sink) ([]byte, error) {
	return h.world.Scan(ctx, previous, sink)
}

func (h *heardWorld) ScanParts(ctx context.Context, previous []byte, names []string, sink scanners.Sink) ([]byte, error) {
	return h.world.ScanParts(ctx, previous, names, sink)
}

// TestHeldIsLoggedOnce holds that removals which wait are not told again with every event.
func TestHeldIsLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &heardWorld{}
		h.now, h.lost = time.Now, make(chan error)
		h.says(read("a", "component:default/a"), read("b", "component:default/b"))
		c := runs(t, ingest.Config{Sources: []ingest.Source{{ID: "w", Scanner: h, Watch: true}}})
		defer c.stop()
		pass(time.Second)
		h.says()
		for range 5 {
			h.change("a", "b")
			pass(time.Second)
		}
		if source := c.state(t); source.State != graph.SourceHeld {
			t.Fatalf("%+v", source)
		}
		c.stop()
		if times := strings.Count(c.log.String(), "removals wait"); times != 1 {
			t.Errorf("told %d times:\n%s", times, c.log)
		}
	})
}
