package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/ingest"
	"github.com/orrery-catalog/orrery/internal/schedule"
	"github.com/orrery-catalog/orrery/scanners"
)

// diary is a scanner that writes down when it was asked for what. It can be watched.
type diary struct {
	mu     sync.Mutex
	now    func() time.Time
	scans  []string
	err    error // of each scan
	takes  time.Duration
	refuse error // of Watch; nil = it watches
	change func(names ...string)
	lost   chan error
}

func newDiary() *diary { return &diary{now: time.Now, lost: make(chan error)} }

func (d *diary) note(what string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.scans = append(d.scans, d.now().UTC().Format("15:04:05")+" "+what)
}

func (d *diary) pause(ctx context.Context) {
	d.mu.Lock()
	takes := d.takes
	d.mu.Unlock()
	select {
	case <-time.After(takes):
	case <-ctx.Done():
	}
}

func (d *diary) Scan(ctx context.Context, _ []byte, sink scanners.Sink) ([]byte, error) {
	d.note("all")
	d.pause(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil {
		return nil, d.err
	}
	return nil, sink.Report(ctx, scanners.Scope{Name: "f"})
}

func (d *diary) ScanParts(ctx context.Context, _ []byte, names []string, _ scanners.Sink) ([]byte, error) {
	what := strings.Join(names, ",")
	if len(names) > 5 {
		what = fmt.Sprint(len(names), " parts")
	}
	d.note(what)
	d.pause(ctx)
	if names[0] == "whole" {
		return nil, scanners.ErrWhole
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return nil, d.err
}

func (d *diary) Watch(ctx context.Context, changed func(names ...string)) error {
	d.mu.Lock()
	refuse := d.refuse
	d.change = changed
	d.mu.Unlock()
	if refuse != nil {
		return refuse
	}
	changed()
	select {
	case <-ctx.Done():
		return nil
	case err := <-d.lost:
		return err
	}
}

func (d *diary) set(change func(*diary)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(d)
}

// written are the scans since it was last called.
func (d *diary) written() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	scans := d.scans
	d.scans = nil
	return append([]string{}, scans...)
}

func every(t *testing.T, spec string) *schedule.Schedule {
	t.Helper()
	s, err := schedule.Parse(spec, time.UTC, "d", 0)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// running runs a catalog of the source in a bubble of time that begins at midnight UTC. The test ends it by stop.
type running struct {
	*ingest.Catalog
	stop func()
	log  *strings.Builder // read it after stop
}

func runs(t *testing.T, config ingest.Config) running {
	t.Helper()
	var log strings.Builder
	config.Log = zerolog.New(zerolog.SyncWriter(&log)) // sources log at the same time
	c, err := ingest.New(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return running{c, stop, &log}
}

func (r running) state(t *testing.T) graph.Source {
	t.Helper()
	if r.Snapshot() == nil || len(r.Snapshot().Sources()) != 1 {
		t.Fatal("there is no source to see")
	}
	return r.Snapshot().Sources()[0]
}

// pass lets time go by, and everything happen that is due.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func expect(t *testing.T, what string, d *diary, want ...string) {
	t.Helper()
	if diff := cmp.Diff(append([]string{}, want...), d.written()); diff != "" {
		t.Errorf("%s: scans (-want +got):\n%s", what, diff)
	}
}

func TestScheduleRepeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary()
		c := runs(t, ingest.Config{Sources: []ingest.Source{{ID: "d", Scanner: d, Schedule: every(t, "*/15 * * * *")}}})
		defer c.stop()
		pass(20 * time.Minute)
		expect(t, "a source that was never scanned", d, "00:00:00 all", "00:15:00 all")
		source := c.state(t)
		if want := time.Date(2000, 1, 1, 0, 30, 0, 0, time.UTC); source.Schedule != "*/15 * * * *" || !source.NextScan.Equal(want) {
			t.Errorf("%q, next %v", source.Schedule, source.NextScan)
		}
		d.set(func(d *diary) { d.err = errors.New("down") })
		pass(30 * time.Minute)
		expect(t, "a failing source", d, "00:30:00 all", "00:45:00 all")
		if source := c.state(t); source.State != graph.SourceFailed || source.Error != "down" {
			t.Errorf("%+v", source)
		}
	})
}

func TestWithoutScheduleOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary()
		c := runs(t, ingest.Config{Sources: []ingest.Source{{ID: "d", Scanner: d}}})
		defer c.stop()
		pass(48 * time.Hour)
		expect(t, "a source without a schedule", d, "00:00:00 all")
		if source := c.state(t); !source.NextScan.IsZero() || source.Schedule != "" {
			t.Errorf("%+v", source)
		}
	})
}

// TestCatchUp holds that after downtime one scan makes up for those that were missed, and that one that was not missed is
// not made again.
func TestCatchUp(t *testing.T) {
	for name, test := range map[string]struct {
		spec string
		down time.Duration
		want []string // within the 70 minutes after the start
	}{
		"shorter than the schedule": {"0 * * * *", 20 * time.Minute, []string{"01:00:00 all"}},
		"one missed":                {"0 * * * *", 90 * time.Minute, []string{"01:30:00 all", "02:00:00 all"}},
		"many missed":               {"0 * * * *", 10*time.Hour + 30*time.Minute, []string{"10:30:00 all", "11:00:00 all"}},
		"an interval":               {"@every 1h", 20 * time.Minute, []string{"01:00:00 all"}},
		"an interval missed":        {"@every 1h", 5*time.Hour + 10*time.Minute, []string{"05:10:00 all", "06:10:00 all"}},
	} {
		t.Run(name, func(t *testing.T) {
			path := storePath(t)
			store := openStore(t, path, false)
			synctest.Test(t, func(t *testing.T) {
				d := newDiary()
				config := ingest.Config{Store: forwarded{store}, Sources: []ingest.Source{{ID: "d", Scanner: d, Schedule: every(t, test.spec)}}}
				c := runs(t, config)
				synctest.Wait()
				c.stop()
				expect(t, "before", d, "00:00:00 all")
				pass(test.down)
				c = runs(t, config)
				defer c.stop()
				pass(70*time.Minute - time.Second)
				expect(t, "after", d, test.want...)
			})
		})
	}
}

// forwarded keeps the methods of a store that was opened outside of a bubble from its contexts.
type forwarded struct{ graph.Store }

// TestNoOverlap holds that what is due during a scan is skipped, and that there is never more than one scan.
func TestNoOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary()
		d.takes = 25 * time.Minute
		c := runs(t, ingest.Config{Sources: []ingest.Source{{ID: "d", Scanner: d, Schedule: every(t, "*/10 * * * *")}}})
		defer c.stop()
		pass(time.Hour)
		expect(t, "scans longer than the schedule", d, "00:00:00 all", "00:30:00 all", "01:00:00 all")
	})
}

// TestAskedScanInBetween holds that what is due during a scan that somebody asked for follows it once.
func TestAskedScanInBetween(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary()
		c := runs(t, ingest.Config{Sources: []ingest.Source{{ID: "d", Scanner: d, Schedule: every(t, "0 * * * *")}}})
		defer c.stop()
		pass(50 * time.Minute)
		d.set(func(d *diary) { d.takes = 30 * time.Minute })
		if _, err := c.Scan(t.Context()); err != nil {
			t.Error(err)
		}
		pass(time.Hour)
		expect(t, "a scan that was asked for", d, "00:00:00 all", "00:50:00 all", "01:20:00 all", "02:00:00 all")
	})
}

// TestClockJumps holds that a clock that is set makes no burst and no silence.
func TestClockJumps(t *testing.T) {
	for name, test := range map[string]struct {
		spec string
		jump time.Duration
		want []string // in the 61 minutes after the jump, which comes at 00:20 and is seen within a minute
	}{
		"forwards":                  {"0 * * * *", 10 * time.Hour, []string{"10:21:00 all", "11:00:00 all"}},
		"forwards, interval":        {"@every 1h", 10 * time.Hour, []string{"10:21:00 all", "11:21:00 all"}},
		"backwards":                 {"0 * * * *", -24 * time.Hour, []string{"01:00:00 all"}},
		"backwards, interval":       {"@every 1h", -24 * time.Hour, []string{"01:21:00 all"}},
		"backwards, a little":       {"0 * * * *", -10 * time.Minute, []string{"01:00:00 all"}},
		"forwards, but not to it":   {"0 * * * *", 30 * time.Minute, []string{"01:00:00 all"}},
		"forwards, to the very day": {"20 10 * * *", 10 * time.Hour, []string{"10:21:00 all"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var set atomic.Int64
				now := func() time.Time { return time.Now().Add(time.Duration(set.Load())) }
				d := newDiary()
				d.now = now
				c := runs(t, ingest.Config{Now: now, Sources: []ingest.Source{{ID: "d", Scanner: d, Schedule: every(t, test.spec)}}})
				defer c.stop()
				pass(20 * time.Minute)
				expect(t, "before", d, "00:00:00 all")
				set.Store(int64(test.jump))
				pass(61 * time.Minute)
				expect(t, "after", d, test.want...)
			})
		})
	}
}

// TestManySourcesAtOnce holds that not all sources that are due at the same time are scanned at the same time.
func TestManySourcesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary()
		d.takes = time.Minute
		var sources []ingest.Source
		for i := range 10 {
			sources = append(sources, ingest.Source{ID: fmt.Sprint("s", i), Scanner: d})
		}
		c := runs(t, ingest.Config{Sources: sources})
		defer c.stop()
		pass(10 * time.Minute)
		at := map[string]int{}
		for _, scan := range d.written() {
			at[scan]++
		}
		if diff := cmp.Diff(map[string]int{"00:00:00 all": 4, "00:01:00 all": 4, "00:02:00 all": 2}, at); diff != "" {
			t.Error(diff)
		}
	})
}
