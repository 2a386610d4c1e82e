package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/ingest"
)

// replica is a process among several that share a database.
type replica struct {
	*ingest.Catalog
	door *door
	log  *notes
	// stop ends it in good order, kill as if its machine lost its power: the database hears no more of it.
	stop, kill func()
}

// notes is a log that may be read while it is written.
type notes struct {
	mu    sync.Mutex
	lines strings.Builder
}

func (n *notes) Write(line []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.lines.Write(line)
}

func (n *notes) count(what string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return strings.Count(n.lines.String(), what)
}

// starts starts a replica that runs until it is stopped.
func (d *database) starts(t *testing.T, name string, sources ...ingest.Source) *replica {
	t.Helper()
	return d.door().starts(t, name, sources...)
}

func (d *door) starts(t *testing.T, name string, sources ...ingest.Source) *replica {
	t.Helper()
	r := &replica{door: d, log: &notes{}}
	var err error
	r.Catalog, err = ingest.New(t.Context(), ingest.Config{
		Store: r.store(), Sources: sources, Holder: name, WaitForStore: true, Log: zerolog.New(r.log),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	r.kill = func() {
		r.door.breaks(away)
		r.stop()
	}
	return r
}

func (r *replica) store() graph.Store { return r.door }

// writer is a source that says one thing; each replica has its own, so that who scans can be told.
func writer(says ...scope) (*world, ingest.Source) {
	w := &world{}
	w.says(says...)
	return w, ingest.Source{ID: "w", Kind: "files", Scanner: w}
}

// TestTakeover holds that one replica scans at a time, that another follows one that was killed within 15 seconds and one
// that was stopped in good order at once, and that it goes on where the last one was.
func TestTakeover(t *testing.T) {
	for name, test := range map[string]struct {
		end    func(*replica)
		within time.Duration
	}{
		"killed":  {func(r *replica) { r.kill() }, 15 * time.Second},
		"stopped": {func(r *replica) { r.stop() }, 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDatabase()
				diaries, watched := []*diary{newDiary(), newDiary()}, []*diary{newDiary(), newDiary()}
				var replicas []*replica
				for i, diary := range diaries {
					replicas = append(replicas, d.starts(t, fmt.Sprint("replica ", i),
						ingest.Source{ID: "d", Scanner: diary, Schedule: every(t, "0 * * * *")},
						ingest.Source{ID: "watched", Scanner: watched[i], Watch: true}))
					defer replicas[i].stop()
					pass(time.Second)
				}
				pass(90 * time.Minute)
				expect(t, "the first one", diaries[0], "00:00:00 all", "01:00:00 all")
				expect(t, "the first one, watched", watched[0], "00:00:00 all")
				expect(t, "the second one", diaries[1])
				expect(t, "the second one, watched", watched[1])
				test.end(replicas[0])
				pass(test.within)
				watched[1].mu.Lock()
				if n := len(watched[1].scans); n != 1 {
					t.Errorf("%d scans of what is watched at the takeover", n)
				}
				watched[1].mu.Unlock()
				pass(time.Hour)
				expect(t, "the second one after the takeover", diaries[1], "02:00:00 all")
				if replicas[1].log.count("this replica scans from now on") != 1 {
					t.Errorf("the log: %s", replicas[1].log.lines.String())
				}
				want, got := fmt.Sprint(graph.Digest(replicas[1].Snapshot())), fmt.Sprint(graph.Digest(replicas[0].Snapshot()))
				if want != got {
					t.Errorf("the digests are %s and %s", want, got)
				}
			})
		})
	}
}

// TestLeaseLostInMidScan holds that a scan whose replica was cut off until another one had the lease commits nothing, also
// where the connection comes back, and that the other one's scan stands.
func TestLeaseLostInMidScan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDatabase()
		first, firstSource := writer(read("f", refA))
		first.pause = time.Minute
		second, secondSource := writer(read("f", refB))
		one := d.starts(t, "one", firstSource)
		defer one.stop()
		pass(10 * time.Second)
		two := d.starts(t, "two", secondSource)
		defer two.stop()
		pass(10 * time.Second)
		one.door.breaks(away)
		pass(20 * time.Second)
		if diff := cmp.Diff([]string{refB}, shown(two.Snapshot())); diff != "" {
			t.Errorf("the second one has (-want +got):\n%s", diff)
		}
		one.door.breaks(nil)
		pass(10 * time.Second)
		if diff := cmp.Diff([]string{refB}, shown(one.Snapshot())); diff != "" {
			t.Errorf("the first one has (-want +got):\n%s", diff)
		}
		if one.log.count("this replica scans no more") != 1 || one.log.count("scan failed") != 0 {
			t.Errorf("its log: %s", one.log.lines.String())
		}
		pass(5 * time.Minute)
		if diff := cmp.Diff([]string{refB}, shown(two.Snapshot())); diff != "" {
			t.Errorf("in the end (-want +got):\n%s", diff)
		}
		if len(d.commits) != 1 {
			t.Errorf("%d commits", len(d.commits))
		}
		second.says(read("f", refC))
		if _, err := one.ScanSource(t.Context(), "w"); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff([]string{refC}, shown(one.Snapshot())); diff != "" {
			t.Errorf("a scan that the first one asks for (-want +got):\n%s", diff)
		}
	})
}

// TestPausedHolder holds that a change of a holder that was paused in the middle of its commit is refused when it arrives.
func TestPausedHolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDatabase()
		_, firstSource := writer(read("f", refA))
		_, secondSource := writer(read("f", refB))
		door, awake := d.door(), make(chan struct{})
		door.breaks(func(_ context.Context, call string) error {
			if call == callApply {
				<-awake
			}
			return nil
		})
		one := door.starts(t, "one", firstSource)
		defer one.stop()
		pass(time.Second)
		door.breaks(func(_ context.Context, _ string) error { // everything else stands still too
			<-awake
			return nil
		})
		two := d.starts(t, "two", secondSource)
		defer two.stop()
		pass(time.Minute)
		close(awake)
		pass(10 * time.Second)
		for _, r := range []*replica{one, two} {
			if diff := cmp.Diff([]string{refB}, shown(r.Snapshot())); diff != "" {
				t.Errorf("entities (-want +got):\n%s", diff)
			}
		}
		if len(d.commits) != 1 || one.log.count("this replica scans no more") != 1 {
			t.Errorf("%d commits, the log: %s", len(d.commits), one.log.lines.String())
		}
	})
}

// TestScanElsewhere holds that a replica that does not scan gets the same answer as the one that does.
func TestScanElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDatabase()
		w, source := writer(read("f", refA, refB), read("g", refC))
		one := d.starts(t, "one", source)
		defer one.stop()
		pass(time.Second)
		two := d.starts(t, "two", source)
		defer two.stop()
		pass(time.Second)
		for name, says := range map[string][]scope{
			"more":                               {read("f", refA, refB), read("g", refC, "component:default/d"), unreadable("h")},
			"changed":                            {read("f", refA+" A", refB), read("g", refC)},
			"all but one is gone, which is held": {read("f", refA)},
		} {
			var results []graph.ScanResult
			for _, r := range []*replica{two, one} {
				w.says(read("f", refA, refB), read("g", refC))
				if _, err := one.ScanSource(t.Context(), "w"); err != nil {
					t.Fatal(err)
				}
				pass(time.Second)
				for _, source := range r.Snapshot().Sources() {
					if source.Held != nil {
						t.Fatalf("%s: %+v", name, source.Held)
					}
				}
				w.says(says...)
				result, err := r.ScanSource(t.Context(), "w")
				if err != nil {
					t.Fatal(err)
				}
				if result.Revision != r.Snapshot().Revision() {
					t.Errorf("%s: revision %d, the snapshot has %d", name, result.Revision, r.Snapshot().Revision())
				}
				result.Revision = 0
				if result.Held != nil {
					result.Held.Since = time.Time{}
				}
				results = append(results, result)
			}
			if diff := cmp.Diff(results[1], results[0]); diff != "" {
				t.Errorf("%s: (-here +elsewhere):\n%s", name, diff)
			}
		}
		w.fails(errors.New("no such folder"))
		if _, err := two.ScanSource(t.Context(), "w"); err == nil || !strings.Contains(err.Error(), "no such folder") {
			t.Errorf("of a scan that fails: %v", err)
		}
		if _, err := two.ScanSource(t.Context(), "v"); !errors.Is(err, graph.ErrUnknownSource) {
			t.Errorf("of an unknown source: %v", err)
		}
	})
}

// TestScanElsewhereTakesLong holds that a request does not grow too old while the source is busy, and that one for a source
// whose scan does not end is answered.
func TestScanElsewhereTakesLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, written := newDatabase(), newDiary()
		written.takes = 40 * time.Minute
		stuck := &endless{release: make(chan struct{})}
		sources := []ingest.Source{
			{ID: "d", Scanner: written, Schedule: every(t, "@every 24h")},
			{ID: "stuck", Scanner: stuck, Timeout: time.Minute, Schedule: every(t, "@every 24h")},
		}
		one := d.starts(t, "one", sources...)
		defer one.stop()
		pass(time.Second)
		two := d.starts(t, "two", sources...)
		defer two.stop()
		pass(5 * time.Minute)
		began := time.Now()
		if _, err := two.ScanSource(t.Context(), "stuck"); err == nil || !strings.Contains(err.Error(), "has not ended") || time.Since(began) > time.Minute {
			t.Errorf("%v after %s", err, time.Since(began))
		}
		if result, err := two.ScanSource(t.Context(), "d"); err != nil || result.Scopes != 1 {
			t.Errorf("%+v, %v", result, err)
		}
		if took := time.Since(began); took < 60*time.Minute || took > 80*time.Minute {
			t.Errorf("it took %s", took)
		}
		pass(time.Hour)
		expect(t, "in the end", written, "00:00:00 all", "00:40:00 all")
		close(stuck.release)
	})
}

// TestRequestSurvivesTheHolder holds that the next holder answers what the last one was asked for.
func TestRequestSurvivesTheHolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDatabase()
		w, source := writer(read("f", refA))
		source.Schedule = every(t, "@every 24h")
		one := d.starts(t, "one", source)
		defer one.stop()
		pass(time.Second)
		two := d.starts(t, "two", source)
		defer two.stop()
		pass(time.Second)
		w.says(read("f", refB))
		one.kill()
		result, err := two.ScanSource(t.Context(), "w")
		if err != nil || result.Put != 1 {
			t.Errorf("%+v, %v", result, err)
		}
	})
}

// TestWaitingScansAreShared holds that callers who wait for the same source share the next scan, one that begins after they
// came, in one process and in several.
func TestWaitingScansAreShared(t *testing.T) {
	for name, replicas := range map[string]int{"one": 1, "several": 3} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, written := newDatabase(), newDiary()
				source := ingest.Source{ID: "d", Scanner: written, Schedule: every(t, "@every 24h")}
				var all []*replica
				for i := range replicas {
					all = append(all, d.starts(t, fmt.Sprint(i), source))
					defer all[i].stop()
					pass(time.Second)
				}
				pass(30 * time.Second)
				expect(t, "before", written, "00:00:00 all")
				written.set(func(d *diary) { d.takes = time.Minute })
				var waiting sync.WaitGroup
				ask := func() {
					for i := range 30 {
						waiting.Go(func() {
							began := time.Now()
							if _, err := all[i%len(all)].ScanSource(t.Context(), "d"); err != nil {
								t.Error(err)
							}
							if took := time.Since(began); took < time.Minute || took > 5*time.Minute {
								t.Errorf("it took %s", took)
							}
						})
					}
				}
				ask()
				pass(10 * time.Second)
				ask()
				waiting.Wait()
				if n := len(written.written()); n > 4 { // one under way, the next one, and what a second question elsewhere makes
					t.Errorf("%d scans for 60 callers", n)
				}
				pass(10 * time.Minute)
				if n := len(written.written()); n > 1 {
					t.Errorf("%d scans for nobody", n)
				}
			})
		})
	}
}

// TestCallersLeave holds that a scan goes on while anybody waits for it, and no longer.
func TestCallersLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		scanner := &endless{release: make(chan struct{}), heeds: true}
		c := newCatalog(t, nil, ingest.Source{ID: "w", Scanner: scanner})
		first, leaveFirst := context.WithCancel(t.Context())
		second, leaveSecond := context.WithCancel(t.Context())
		errs := make(chan error, 2)
		for _, ctx := range []context.Context{first, second} {
			go func() {
				_, err := c.ScanSource(ctx, "w")
				errs <- err
			}()
		}
		synctest.Wait()
		leaveFirst()
		if err := <-errs; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		synctest.Wait()
		if scanner.running != 1 {
			t.Errorf("%d scans are running", scanner.running)
		}
		leaveSecond()
		if err := <-errs; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		synctest.Wait()
		if scanner.running != 0 {
			t.Errorf("%d scans are running", scanner.running)
		}
	})
}

// TestConflicts holds that what many replicas commit at once all gets through, without any of them loading the store anew.
func TestConflicts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDatabase()
		const many = 8
		var sources []ingest.Source
		var worlds []*world
		for i := range many {
			w := &world{}
			w.says(read("f", refA+fmt.Sprint(i), refB+fmt.Sprint(i)))
			worlds = append(worlds, w)
			sources = append(sources, ingest.Source{ID: fmt.Sprint("s", i), Scanner: w})
		}
		var replicas []*replica
		for i := range many {
			replicas = append(replicas, d.starts(t, fmt.Sprint(i), sources...))
			defer replicas[i].stop()
			pass(time.Second)
		}
		for _, w := range worlds {
			w.says()
		}
		for _, source := range sources {
			if result, err := replicas[0].ScanSource(t.Context(), source.ID); err != nil || result.Held == nil {
				t.Fatalf("%+v, %v", result, err)
			}
		}
		pass(time.Second)
		loads := 0
		for _, r := range replicas {
			loads -= r.door.called(callLoaded)
			r.door.breaks(func(context.Context, string) error { // so that all have computed before any commits
				pause := time.NewTimer(time.Millisecond)
				<-pause.C
				return nil
			})
		}
		var all sync.WaitGroup
		for i, r := range replicas {
			all.Go(func() {
				held := r.Snapshot().Sources()[i].Held
				if _, err := r.ApproveScan(t.Context(), sources[i].ID, held.Digest); err != nil {
					t.Errorf("approval %d: %v", i, err)
				}
			})
			all.Go(func() {
				if _, err := r.ScanSource(t.Context(), sources[(i+1)%many].ID); err != nil {
					t.Errorf("scan %d: %v", i, err)
				}
			})
		}
		all.Wait()
		pass(time.Second)
		for _, r := range replicas {
			loads += r.door.called(callLoaded)
			if diff := cmp.Diff([]string{}, shown(r.Snapshot())); diff != "" {
				t.Errorf("entities (-want +got):\n%s", diff)
			}
		}
		if loads > 0 {
			t.Errorf("the store was loaded anew: %d calls", loads)
		}
	})
}

// merged is what merging all that a database held at a revision gives.
func (d *database) merged(t *testing.T, at graph.Revision) *graph.Snapshot {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	put, _, _, err := d.content(at).lists()
	if err != nil {
		t.Fatal(err)
	}
	return graph.Build(graph.Input{Model: catalog.Merge(func(yield func(*catalog.Document) bool) {
		for _, document := range put {
			if !yield(document) {
				return
			}
		}
	}, catalog.MergeOptions{})})
}

func refs(list ...string) []catalog.Ref {
	converted := make([]catalog.Ref, len(list))
	for i, ref := range list {
		converted[i] = catalog.Ref(ref)
	}
	return converted
}
