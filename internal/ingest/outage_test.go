package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/ingest"
)

// TestOutage holds that while the store is away for an hour the last Snapshot stands and tells its age, that what was
// scanned meanwhile is committed when the store is back, and that the log says it once.
func TestOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDatabase()
		w, source := writer(read("f", refA))
		written := newDiary()
		holder := d.starts(t, "one", source, ingest.Source{ID: "d", Scanner: written, Schedule: every(t, "*/10 * * * *")})
		defer holder.stop()
		pass(time.Second)
		follower := d.starts(t, "other", source, ingest.Source{ID: "d", Scanner: newDiary(), Schedule: every(t, "*/10 * * * *")})
		defer follower.stop()
		pass(9*time.Minute + 58*time.Second)
		if now := follower.Freshness(); now.Err != nil || time.Since(now.Confirmed) > 4*time.Second {
			t.Errorf("before: %+v", now)
		}
		began := time.Now()
		w.says(read("f", refB))
		w.pause = 2 * time.Second
		scanned := make(chan error, 1)
		go func() {
			_, err := holder.ScanSource(t.Context(), "w")
			scanned <- err
		}()
		pass(time.Second)
		holder.door.breaks(away)
		follower.door.breaks(away)
		asked := make(chan error, 1)
		go func() {
			_, err := follower.ScanSource(t.Context(), "w")
			asked <- err
		}()
		pass(time.Hour)
		for _, r := range []*replica{holder, follower} {
			now := r.Freshness()
			if now.Err == nil || now.Confirmed.After(began.Add(time.Second)) || now.Since.Sub(began) > 5*time.Second {
				t.Errorf("after an hour: %+v", now)
			}
			if r.Ready(t.Context()) != nil {
				t.Error("the store being away is taken for a reason not to answer")
			}
			if diff := cmp.Diff([]string{refA}, shown(r.Snapshot())); diff != "" {
				t.Errorf("entities (-want +got):\n%s", diff)
			}
			if n := r.log.count("the store is away") + r.log.count("the store is back"); n != 1 || r.log.count("scan failed") > 0 {
				t.Errorf("the log:\n%s", r.log.lines.String())
			}
			if _, err := r.ApproveScan(t.Context(), "w", ""); !errors.Is(err, graph.ErrUnavailable) && !errors.Is(err, graph.ErrNothingHeld) {
				t.Errorf("an approval: %v", err)
			}
		}
		holder.door.breaks(nil)
		pass(12 * time.Second)
		follower.door.breaks(nil)
		if err := <-scanned; err != nil {
			t.Errorf("the scan that waited: %v", err)
		}
		if err := <-asked; err != nil {
			t.Errorf("the scan that was asked for by another replica: %v", err)
		}
		pass(10 * time.Second)
		for _, r := range []*replica{holder, follower} {
			if now := r.Freshness(); now.Err != nil || !now.Since.IsZero() || time.Since(now.Confirmed) > 4*time.Second {
				t.Errorf("afterwards: %+v", now)
			}
			if diff := cmp.Diff([]string{refB}, shown(r.Snapshot())); diff != "" {
				t.Errorf("entities (-want +got):\n%s", diff)
			}
			if n := r.log.count("the store is away") + r.log.count("the store is back"); n != 2 || r.log.count("the store is back") != 1 {
				t.Errorf("the log:\n%s", r.log.lines.String())
			}
		}
		if diff := cmp.Diff([]string{"00:00:00 all", "00:10:00 all", "01:10:00 all"}, slices.Compact(minutes(written.written()))); diff != "" {
			t.Errorf("the scheduled source (-want +got):\n%s", diff)
		}
	})
}

// minutes cuts the seconds off.
func minutes(scans []string) []string {
	for i, scan := range scans {
		scans[i] = scan[:len("00:00:")] + "00" + scan[len("00:00:00"):]
	}
	return scans
}

// TestAnswerGetsLost holds that a commit whose answer got lost is not made twice.
func TestAnswerGetsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDatabase()
		w, source := writer(read("f", refA))
		r := d.starts(t, "one", source)
		defer r.stop()
		pass(time.Second)
		w.says(read("f", refA+" Title", refB))
		lost := 0
		r.door.breaks(func(ctx context.Context, call string) error {
			if call == callApplied && lost < 3 {
				lost++
				return away(ctx, call)
			}
			return nil
		})
		if _, err := r.ScanSource(t.Context(), "w"); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{refA + " Title", refB}, shown(r.Snapshot())); diff != "" {
			t.Errorf("entities (-want +got):\n%s", diff)
		}
		births := 0
		for change, err := range r.History(t.Context(), graph.HistoryQuery{Refs: refs(refB)}) {
			if err != nil {
				t.Fatal(err)
			}
			if change.Field == "" {
				births++
			}
		}
		if births != 1 {
			t.Errorf("it was born %d times", births)
		}
		for i, commit := range d.commits[2:] {
			if len(commit.put) > 0 {
				t.Errorf("commit %d put %d documents again", i+3, len(commit.put))
			}
		}
	})
}

// TestStartWithoutStore holds that a Catalog that may wait begins without a Snapshot, tells why, and has one as soon as the
// store is there; one that may not does not begin.
func TestStartWithoutStore(t *testing.T) {
	for name, readOnly := range map[string]bool{"replica": false, "reader": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDatabase()
				_, source := writer(read("f", refA))
				first := d.starts(t, "first", source)
				pass(time.Second)
				first.stop()
				door := d.door()
				door.readOnly = readOnly
				door.breaks(away)
				if _, err := ingest.New(t.Context(), ingest.Config{Store: door}); !errors.Is(err, graph.ErrUnavailable) {
					t.Errorf("one that may not wait: %v", err)
				}
				log := &notes{}
				c, err := ingest.New(t.Context(), ingest.Config{
					Store: door, ReadOnly: readOnly, Sources: []ingest.Source{source}, WaitForStore: true, Log: zerolog.New(log),
				})
				if err != nil {
					t.Fatal(err)
				}
				if now := c.Freshness(); c.Snapshot() != nil || !now.Confirmed.IsZero() || !errors.Is(now.Err, graph.ErrUnavailable) {
					t.Errorf("%+v", now)
				}
				if err := c.Ready(t.Context()); !errors.Is(err, graph.ErrUnavailable) {
					t.Errorf("ready: %v", err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				var running sync.WaitGroup
				running.Go(func() { _ = c.Run(ctx) })
				pass(time.Hour)
				if c.Snapshot() != nil || log.count("\n") != 1 {
					t.Errorf("the log:\n%s", log.lines.String())
				}
				door.breaks(nil)
				pass(3 * time.Second)
				if diff := cmp.Diff([]string{refA}, shown(c.Snapshot())); diff != "" || c.Ready(t.Context()) != nil {
					t.Errorf("entities (-want +got):\n%s", diff)
				}
				pass(3 * time.Second)
				if log.count("the store is back") != 1 || c.Freshness().Err != nil {
					t.Errorf("%+v, the log:\n%s", c.Freshness(), log.lines.String())
				}
				cancel()
				running.Wait()
			})
		})
	}
}

// TestNewDatabase holds that a database that stands in the place of another is loaded anew.
func TestNewDatabase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, source := writer(read("f", refA))
		source.Schedule = every(t, "@every 24h")
		d := newDatabase()
		one := d.starts(t, "one", source)
		defer one.stop()
		pass(time.Second)
		two := d.starts(t, "two", source)
		defer two.stop()
		pass(time.Second)
		d.mu.Lock()
		was := d.commits
		d.mu.Unlock()
		for range 3 {
			if _, err := one.ScanSource(t.Context(), "w"); err != nil {
				t.Error(err)
			}
		}
		pass(time.Second)
		d.mu.Lock() // a backup was played back
		d.commits, d.newest = was, keptChange{}
		close(d.changed)
		d.changed = make(chan struct{})
		d.mu.Unlock()
		pass(5 * time.Second)
		for _, r := range []*replica{one, two} {
			if got := r.Snapshot().Revision(); got != graph.Revision(len(was)) {
				t.Errorf("revision %d, want %d", got, len(was))
			}
		}
		if result, err := two.ScanSource(t.Context(), "w"); err != nil || result.Revision != graph.Revision(len(was)+2) {
			t.Errorf("%+v, %v", result, err)
		}
	})
}

// TestScanCommand holds that a scan without Run has the lease for its time, or is told who has it.
func TestScanCommand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDatabase()
		w, source := writer(read("f", refA))
		command := func() *ingest.Catalog {
			c, err := ingest.New(t.Context(), ingest.Config{Store: d.door(), Sources: []ingest.Source{source}})
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		w.pause = time.Minute
		first, second := command(), command()
		var running sync.WaitGroup
		running.Go(func() {
			if _, err := first.Scan(t.Context()); err != nil {
				t.Error(err)
			}
		})
		pass(30 * time.Second)
		var held *graph.LeaseHeldError
		if _, err := second.Scan(t.Context()); !errors.As(err, &held) || held.Holder == "" {
			t.Errorf("the error is %v", err)
		}
		running.Wait()
		began := time.Now()
		w.pause = 0
		w.says(read("f", refB))
		if _, err := second.Scan(t.Context()); err != nil || time.Since(began) > time.Second {
			t.Errorf("%v after %s", err, time.Since(began))
		}
		r := d.starts(t, "server", source)
		defer r.stop()
		pass(time.Second)
		w.says(read("f", refC), read("g", refA))
		if result, err := first.ScanSource(t.Context(), "w"); err != nil || result.Scopes != 2 || result.Put != 2 {
			t.Errorf("%+v, %v", result, err)
		}
		if diff := cmp.Diff([]string{refA, refC}, shown(first.Snapshot())); diff != "" {
			t.Errorf("entities (-want +got):\n%s", diff)
		}
		r.stop()
		door := d.door()
		c, err := ingest.New(t.Context(), ingest.Config{Store: door, Sources: []ingest.Source{source}})
		if err != nil {
			t.Fatal(err)
		}
		w.during = func() { door.breaks(away) }
		if _, err := c.Scan(t.Context()); err == nil || !errors.Is(err, graph.ErrUnavailable) {
			t.Errorf("a command whose store goes away: %v", err)
		}
	})
}

// projector is a door whose database writes the merged graph for people.
type projector struct {
	*door
	mu    sync.Mutex
	takes time.Duration
	err   error
	steps []string
	busy  bool
}

func (p *projector) Project(ctx context.Context, lease string, fence graph.FencingToken, from, to *graph.Snapshot) error {
	p.mu.Lock()
	step, err, takes := "", p.err, p.takes
	if p.busy {
		step = "at the same time "
	}
	if p.busy = true; from != nil {
		step += fmt.Sprint(from.Revision())
	}
	p.steps = append(p.steps, fmt.Sprint(step, "-", to.Revision()))
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.busy = false
	}()
	p.database.mu.Lock()
	newest := p.leases[lease].token
	p.database.mu.Unlock()
	if fence != newest {
		return graph.ErrFenced
	}
	select {
	case <-time.After(takes):
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// TestProjection holds that the holder of the lease alone lets the graph for people be written, one step at a time, and that
// nobody waits for that.
func TestProjection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDatabase()
		w, source := writer(read("f", refA))
		source.Schedule = every(t, "@every 24h")
		var all []*projector
		var catalogs []*ingest.Catalog
		log := &notes{}
		for i := range 2 {
			p := &projector{door: d.door(), takes: 10 * time.Second}
			c, err := ingest.New(t.Context(), ingest.Config{
				Store: p, Holder: fmt.Sprint(i), Sources: []ingest.Source{source}, Log: zerolog.New(log),
			})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			var running sync.WaitGroup
			running.Go(func() { _ = c.Run(ctx) })
			defer running.Wait()
			defer cancel()
			all, catalogs = append(all, p), append(catalogs, c)
			pass(time.Second)
		}
		for i := range 5 {
			w.says(read("f", fmt.Sprint(refA, " ", i)))
			began := time.Now()
			if _, err := catalogs[0].ScanSource(t.Context(), "w"); err != nil || time.Since(began) > 0 {
				t.Errorf("%v after %s", err, time.Since(began))
			}
		}
		pass(time.Minute)
		all[0].mu.Lock()
		if diff := cmp.Diff([]string{"-1", "1-6"}, all[0].steps); diff != "" {
			t.Errorf("steps (-want +got):\n%s", diff)
		}
		all[0].steps, all[0].err = nil, errors.New("a constraint is in the way")
		all[0].mu.Unlock()
		if _, err := catalogs[0].ScanSource(t.Context(), "w"); err != nil {
			t.Error(err)
		}
		pass(10 * time.Minute)
		all[0].mu.Lock()
		if n := len(all[0].steps); n < 20 || n > 80 {
			t.Errorf("%d attempts in ten minutes: %v", n, all[0].steps)
		}
		all[0].err = nil
		all[0].mu.Unlock()
		pass(time.Minute)
		all[0].mu.Lock()
		if last := all[0].steps[len(all[0].steps)-1]; last != "6-7" || strings.Contains(fmt.Sprint(all[0].steps), "same time") {
			t.Errorf("steps: %v", all[0].steps)
		}
		all[0].mu.Unlock()
		if log.count("a constraint is in the way") != 1 || log.count("again") != 2 {
			t.Errorf("the log:\n%s", log.lines.String())
		}
		if len(all[1].steps) > 0 {
			t.Errorf("the other one: %v", all[1].steps)
		}
	})
}

// TestCommandProjects holds that a command which scans has the graph for people written before it gives the lease back, as
// no server may ever run; and that what it scanned stands where that fails.
func TestCommandProjects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDatabase()
		w, source := writer(read("f", refA))
		log := &notes{}
		p := &projector{door: d.door()}
		open := func() *ingest.Catalog {
			c, err := ingest.New(t.Context(), ingest.Config{Store: p, Holder: "command", Sources: []ingest.Source{source}, Log: zerolog.New(log)})
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		scan := func(c *ingest.Catalog, want ...string) {
			t.Helper()
			if _, err := c.Scan(t.Context()); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(want, p.steps); diff != "" {
				t.Errorf("steps (-want +got):\n%s", diff)
			}
			p.steps = nil
		}
		c := open()
		scan(c, "-1")
		w.says(read("f", refA, refB))
		scan(c, "1-2")
		c = open()
		w.says(read("f", refA, refC))
		if _, err := c.ScanSource(t.Context(), "w"); err != nil || len(p.steps) != 1 || !strings.HasSuffix(p.steps[0], "-3") {
			t.Errorf("%v; steps: %v", err, p.steps)
		}
		p.steps, p.err = nil, errors.New("a constraint is in the way")
		w.says(read("f", refA))
		scan(c, "3-4")
		if log.count("a constraint is in the way") != 1 {
			t.Errorf("the log:\n%s", log.lines.String())
		}
	})
}
