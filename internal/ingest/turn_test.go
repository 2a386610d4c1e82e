package ingest_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/ingest"
	"github.com/orrery-catalog/orrery/scanners"
)

// endless is a scanner that does not end until it is released; heeds says whether the end of its ctx releases it too.
type endless struct {
	release  chan struct{}
	heeds    bool
	running  int   // at the same time
	reported error // what it got for a report at its end
}

func (e *endless) Scan(ctx context.Context, _ []byte, sink scanners.Sink) ([]byte, error) {
	e.running++
	defer func() { e.running-- }()
	told := ctx.Done()
	if !e.heeds {
		told = nil
	}
	select {
	case <-e.release:
	case <-told:
		return nil, ctx.Err()
	}
	e.reported = sink.Report(context.WithoutCancel(ctx), scanners.Scope{Name: "f"})
	return nil, e.reported
}

func TestDeadline(t *testing.T) {
	for _, heeds := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			scanner := &endless{release: make(chan struct{}), heeds: heeds}
			c := newCatalog(t, openStore(t, storePath(t), false), ingest.Source{ID: "w", Scanner: scanner, Timeout: time.Minute})
			began := time.Now()
			_, err := c.Scan(t.Context())
			if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "longer than 1m0s") {
				t.Errorf("the error is %v", err)
			}
			want := time.Minute
			if !heeds {
				want += 10 * time.Second
			}
			if took := time.Since(began); took != want {
				t.Errorf("it took %s, want %s", took, want)
			}
			source := c.Snapshot().Sources()[0]
			if source.State != graph.SourceFailed || strings.Contains(source.Error, "not scanned again until it has") == heeds {
				t.Errorf("the source is %+v", source)
			}
			if heeds {
				return
			}
			for range 3 {
				began = time.Now()
				if _, err := c.Scan(t.Context()); err == nil || !strings.Contains(err.Error(), "has not ended") || time.Since(began) > 0 {
					t.Errorf("the error of another scan after %s is %v", time.Since(began), err)
				}
			}
			synctest.Wait()
			if scanner.running != 1 {
				t.Errorf("%d scans are running", scanner.running)
			}
			close(scanner.release)
			synctest.Wait()
			if scanner.reported == nil {
				t.Error("what came too late was taken")
			}
			if _, err := c.Scan(t.Context()); err != nil {
				t.Errorf("when it has ended at last: %v", err)
			}
			if source := c.Snapshot().Sources()[0]; source.State != graph.SourceOK {
				t.Errorf("the source is %+v", source)
			}
		})
	}
}

// TestWaitingForTheTurn holds that who waits for a scan that is left behind does not wait for ever, and that one that
// waits for a good one gets its turn.
func TestWaitingForTheTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		scanner := &endless{release: make(chan struct{})}
		c := newCatalog(t, nil, ingest.Source{ID: "w", Scanner: scanner, Timeout: time.Minute})
		errs := make(chan error, 3)
		for range 3 {
			go func() {
				_, err := c.ScanSource(t.Context(), "w")
				errs <- err
			}()
		}
		for range 3 {
			if err := <-errs; err == nil || !strings.Contains(err.Error(), "has not ended") {
				t.Errorf("the error is %v", err)
			}
		}
		close(scanner.release)
		synctest.Wait()
		w := &world{pause: time.Second}
		w.says(read("f", refA))
		c = newCatalog(t, nil, ingest.Source{ID: "w", Scanner: w})
		for range 3 {
			go func() {
				_, err := c.ScanSource(t.Context(), "w")
				errs <- err
			}()
		}
		for range 3 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
		defer cancel()
		if _, err := c.ScanSource(ctx, "w"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the error of one that is called off is %v", err)
		}
	})
}

// TestClockIsSet holds that the catalog's own time goes forward where the clock is set back a little, follows the clock where
// that was far ahead, and that nothing else suffers.
func TestClockIsSet(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	w, store := &world{}, &spy{Store: openStore(t, storePath(t), false)}
	config := ingest.Config{Store: store, Sources: []ingest.Source{{ID: "w", Scanner: w}}, Now: func() time.Time { return now }}
	var c *ingest.Catalog
	last := time.Time{}
	for i, jump := range []time.Duration{0, time.Minute, -time.Hour, 0, 20 * 365 * 24 * time.Hour, -40 * 365 * 24 * time.Hour, -100 * 365 * 24 * time.Hour, time.Minute} {
		now = now.Add(jump)
		if i%2 == 0 { // from the store
			var err error
			if c, err = ingest.New(t.Context(), config); err != nil {
				t.Fatal(err)
			}
		}
		w.says(read("f", refA+" "+now.String()))
		scan(t, c)
		far := jump < -2*time.Hour
		if at := c.Snapshot().Time(); far != at.Before(last) || far && !at.Equal(now) {
			t.Errorf("after a jump of %s to %s the revision is of %s, the one before of %s", jump, now, at, last)
		}
		last = c.Snapshot().Time()
		if source := c.Snapshot().Sources()[0]; !source.LastScan.Equal(now) || source.Duration != 0 {
			t.Errorf("after a jump of %s the scan ended at %s after %s, want %s", jump, source.LastScan, source.Duration, now)
		}
	}
}

// TestFight holds that two sources which describe the same entities differently, for hours, do so without end and without
// growth: the higher priority wins, equal ones by the place, and both are told.
func TestFight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two := &world{}, &world{}
		store := &spy{Store: openStore(t, storePath(t), false)}
		c, err := ingest.New(t.Context(), ingest.Config{Store: store, Sources: []ingest.Source{
			{ID: "one", Scanner: one}, {ID: "two", Scanner: two},
		}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		every := func(id string, w *world, pause time.Duration) {
			for i := 0; ctx.Err() == nil; i++ {
				title := "" // it is sometimes silent about it
				if i%3 > 0 {
					title = " " + strings.ToUpper(id) + strings.Repeat("!", i%5)
				}
				w.says(read(id+"/f", refA+title), read(id+"/g", refB+" "+id))
				if i%7 == 6 {
					w.says(read(id+"/g", refB+" "+id))
				}
				if _, err := c.Scan(t.Context(), id); err != nil {
					t.Error(err)
				}
				<-time.After(pause)
			}
		}
		go every("one", one, time.Minute)
		go every("two", two, 37*time.Second)
		var before []string
		for range 6 {
			pass(30 * time.Minute)
			synctest.Wait()
			s := c.Snapshot()
			b, err := s.Entity(refB)
			if err != nil || b.Title != "one" || s.Len() > 2 {
				t.Errorf("%v, %d entities: %v", b, s.Len(), err)
			}
			if before == nil {
				before = problems(s)
			}
			conflicts := 0
			for problem := range s.Problems(refB) {
				if strings.Contains(problem.Message, "two/g") || problem.Location == "two/g" {
					conflicts++
				}
			}
			if conflicts == 0 {
				t.Error("nobody is told that two places describe b")
			}
			if len(problems(s)) > 2*len(before)+4 {
				t.Errorf("problems grow: %v", problems(s))
			}
		}
		cancel()
		synctest.Wait()
		for i, change := range store.taken() {
			if len(change.Put)+len(change.Remove) > 4 {
				t.Errorf("change %d puts %d and removes %d documents", i, len(change.Put), len(change.Remove))
			}
		}
		pass(time.Minute)
	})
}

// TestParts holds that a scan of parts changes nothing but them, brakes over the whole source, and writes nothing where
// there is nothing new.
func TestParts(t *testing.T) {
	w, store := &world{}, &spy{Store: openStore(t, storePath(t), false)}
	c := newCatalog(t, store, ingest.Source{ID: "w", Scanner: w})
	all := services(0, 100)
	for i := range all {
		all[i].name = []string{"x/", "x/y/", "z/"}[i%3] + all[i].name
	}
	w.says(append(all, unreadable("broken"))...)
	scan(t, c)
	want := func(what string, len int, state graph.SourceState, text string) {
		t.Helper()
		source := c.Snapshot().Sources()[0]
		if c.Snapshot().Len() != len || source.State != state || source.Error != text {
			t.Errorf("%s: %d entities, the source is %s: %s", what, c.Snapshot().Len(), source.State, source.Error)
		}
	}
	const broken = "1 could not be read, of them broken: it is broken"
	want("at first", 100, graph.SourceStale, broken)
	parts := func(names ...string) ingest.SourceResult {
		t.Helper()
		result := c.ScanParts(t.Context(), "w", names...)
		if result.Err != nil {
			t.Fatal(result.Err)
		}
		return result
	}
	before := c.Snapshot()
	if result := parts("x/y/", "z/f002", "nowhere", "nowhere/"); result.Put+result.Removed != 0 || result.Revision != before.Revision() || c.Snapshot() != before {
		t.Errorf("nothing is new, and yet: %+v", result)
	}
	w.says() // all is gone
	if result := parts("x/y/f001", "z/f002"); result.Removed != 2 || result.Put != 0 {
		t.Errorf("two are gone: %+v", result)
	}
	want("after two went", 98, graph.SourceStale, broken)
	parts("z/") // 32 more
	want("after a folder went", 98, graph.SourceHeld, broken)
	parts("x/y/") // 32 more
	if held := c.Snapshot().Sources()[0].Held; held == nil || held.Entities != 64 || held.Of != 98 {
		t.Errorf("held is %+v", held)
	}
	w.says(append(all[:80], read("broken"))...)
	parts("z/", "x/y/f004", "broken")
	held := c.Snapshot().Sources()[0].Held
	if held == nil || held.Entities != 38 { // 7 of z/, 31 of x/y/
		t.Errorf("held is %+v", held)
	}
	want("after some came back", 99, graph.SourceHeld, "38 of 98 entities are no longer there, and stand until their removal is approved")
	parts("x/y/")
	want("after most came back", 87, graph.SourceOK, "")
	if result := scan(t, c).Sources[0]; result.Put != 0 || result.Removed != 7 || c.Snapshot().Len() != 80 {
		t.Errorf("the whole scan: %+v, %d entities", result, c.Snapshot().Len())
	}
}

// TestFollowingMany holds that a reader that is behind catches up, and that it then shows what the writer does.
func TestFollowingMany(t *testing.T) {
	path := storePath(t)
	w := &world{}
	w.says(services(0, 50)...)
	writer := newCatalog(t, openStore(t, path, false), ingest.Source{ID: "w", Kind: "files", Scanner: w})
	scan(t, writer)
	reader, err := ingest.New(t.Context(), ingest.Config{Store: openStore(t, path, true), ReadOnly: true, Sources: []ingest.Source{{ID: "w", Kind: "files"}}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 150 {
		w.says(services(i%50, 50+i)...)
		scan(t, writer)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- reader.Run(ctx) }()
	revisions := 0
	for {
		changed := reader.Changed()
		if reader.Snapshot().Revision() == writer.Snapshot().Revision() {
			break
		}
		<-changed
		revisions++
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(contentOf(writer.Snapshot()), contentOf(reader.Snapshot())); diff != "" {
		t.Errorf("(-writer +reader):\n%.2000s", diff)
	}
	if diff := cmp.Diff(writer.Snapshot().Sources(), reader.Snapshot().Sources()); diff != "" {
		t.Errorf("sources (-writer +reader):\n%s", diff)
	}
	t.Logf("150 commits were shown in %d revisions", revisions)
}
