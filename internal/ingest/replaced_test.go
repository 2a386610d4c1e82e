package ingest_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/internal/ingest"
	"github.com/orrery-catalog/orrery/scanners"
)

// playBack puts a backup in the place of what is in the database; nil = nothing.
func (d *database) playBack(backup []keptChange) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.commits, d.newest = backup, keptChange{}
	if backup == nil {
		d.leases = make(map[string]granted)
	}
	close(d.changed)
	d.changed = make(chan struct{})
}

func (d *database) backup() []keptChange {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.commits[:len(d.commits):len(d.commits)]
}

func requireShown(t *testing.T, r *replica, want ...string) {
	t.Helper()
	if diff := cmp.Diff(append([]string{}, want...), shown(r.Snapshot())); diff != "" {
		t.Errorf("entities (-want +got):\n%s", diff)
	}
}

// TestWipedDatabase holds that replicas of a database that was emptied under them show what is scanned into it from then
// on, and nothing else.
func TestWipedDatabase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDatabase()
		w, source := writer(read("f", refA), read("g", refB))
		var replicas []*replica
		for _, name := range []string{"one", "two"} {
			replicas = append(replicas, d.starts(t, name, source))
			defer replicas[len(replicas)-1].stop()
			pass(time.Minute)
		}
		w.says(read("f", refA))
		d.playBack(nil)
		pass(30 * time.Second)
		for _, r := range replicas {
			requireShown(t, r, refA)
			if r.Snapshot().Revision() != d.head() || d.head() == 0 {
				t.Errorf("the snapshot is of revision %d, the database at %d", r.Snapshot().Revision(), d.head())
			}
		}
	})
}

// TestBackupWithAsManyRevisions holds that a replica which was away while a backup was played back, and written to until it
// had as many revisions as before, notices.
func TestBackupWithAsManyRevisions(t *testing.T) {
	for name, breaks := range map[string]bool{"a stream that broke": true, "a stream that did not": false} {
		t.Run(name, func(t *testing.T) {
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
				backup := d.backup()
				w.says(read("f", refA), read("g", refB))
				if _, err := one.ScanSource(t.Context(), "w"); err != nil {
					t.Fatal(err)
				}
				pass(5 * time.Second)
				requireShown(t, two, refA, refB)
				if breaks {
					two.door.breaks(away)
					pass(time.Second)
				}
				w.says(read("f", refA), read("h", refC))
				other := newDatabase() // what the backup becomes until it stands there
				other.playBack(backup)
				writing := other.starts(t, "three", source)
				if _, err := writing.ScanSource(t.Context(), "w"); err != nil {
					t.Fatal(err)
				}
				writing.stop()
				if other.head() < d.head() {
					t.Fatalf("%d revisions, not %d", other.head(), d.head())
				}
				d.mu.Lock()
				d.commits, d.newest = other.backup()[:d.head()], keptChange{}
				d.mu.Unlock()
				two.door.breaks(nil)
				pass(10 * time.Second)
				requireShown(t, one, refA, refC)
				requireShown(t, two, refA, refC)
			})
		})
	}
}

// incremental is a scanner that reports what changed since its last scan.
type incremental struct{ during atomic.Pointer[func()] } // called once before a scan ends

func (s *incremental) Scan(ctx context.Context, previous []byte, sink scanners.Sink) ([]byte, error) {
	scopes, next := []scope{read("f", refA), read("g", refB)}, "both"
	switch string(previous) {
	case "":
		scopes, next = scopes[:1], "one"
	case "both":
		scopes = []scope{unchanged("f"), unchanged("g")}
	}
	w := &world{scopes: scopes}
	if _, err := w.Scan(ctx, previous, sink); err != nil {
		return nil, err
	}
	if during := s.during.Swap(nil); during != nil {
		(*during)()
	}
	return []byte(next), nil
}

// TestBackupDuringScan holds that a scan which rests on what was scanned before does not pass for one of an older copy of
// the database that was played back meanwhile.
func TestBackupDuringScan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDatabase()
		scanner := &incremental{}
		one := d.starts(t, "one", ingest.Source{ID: "w", Scanner: scanner, Schedule: every(t, "@every 1h")})
		defer one.stop()
		pass(time.Second)
		backup := d.backup()
		pass(time.Hour)
		requireShown(t, one, refA, refB)
		during := func() {
			one.door.breaks(away)
			go func() {
				pass(time.Minute)
				d.playBack(backup)
				one.door.breaks(nil)
			}()
		}
		scanner.during.Store(&during)
		pass(3 * time.Hour)
		requireShown(t, one, refA, refB)
	})
}

// TestStreamThatHangs holds that what is shown does not count as fresh while what others commit does not come, although the
// store answers.
func TestStreamThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDatabase()
		w, source := writer(read("f", refA))
		source.Schedule = every(t, "@every 24h")
		one := d.starts(t, "one", source)
		defer one.stop()
		pass(time.Second)
		two := d.starts(t, "two", source)
		defer two.stop()
		pass(10 * time.Second)
		mended := make(chan struct{})
		two.door.breaks(func(ctx context.Context, call string) error {
			if call == callFollow {
				select {
				case <-mended:
				case <-ctx.Done():
				}
			}
			return nil
		})
		pass(time.Second)
		w.says(read("f", refB))
		changed := time.Now()
		if _, err := one.ScanSource(t.Context(), "w"); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		if now := two.Freshness(); now.Confirmed.After(changed) || now.Err == nil {
			t.Errorf("a minute after the change of %s: %+v", changed, now)
		}
		close(mended)
		pass(10 * time.Second)
		if now := two.Freshness(); now.Err != nil || time.Since(now.Confirmed) > 5*time.Second {
			t.Errorf("afterwards: %+v", now)
		}
		requireShown(t, two, refB)
	})
}
