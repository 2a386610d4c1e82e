package ingest_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/ingest"
	"github.com/orrery-catalog/orrery/scanners"
)

// limited is a diary of a place that lets itself be asked only so often.
type limited struct {
	*diary
	resume  time.Time
	budgets []scanners.Budget
}

func newLimited() *limited { return &limited{diary: newDiary()} }

func (l *limited) Budgets() []scanners.Budget {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.budgets)
}

func (l *limited) ResumeAt() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.resume
}

// resumes sets when the scanner wants to go on after each scan from now on.
func (l *limited) resumes(at time.Time) { l.set(func(*diary) { l.resume = at }) }

// midnight is when time begins in a bubble.
var midnight = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// within says whether a scan was made at most ten seconds after a time, by how a diary notes it.
func within(t *testing.T, scan string, at time.Duration, what string) {
	t.Helper()
	made, err := time.Parse("15:04:05", scan[:8])
	if err != nil {
		t.Fatal(err)
	}
	late := made.Sub(time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)) - at
	if late < 0 || late > 11*time.Second || scan[9:] != what {
		t.Errorf("%q, wanted %s at %s or a little later", scan, what, at)
	}
}

// one is the only scan since the last look.
func (l *limited) one(t *testing.T) string {
	t.Helper()
	scans := l.written()
	if len(scans) != 1 {
		t.Fatalf("scans: %q", scans)
	}
	return scans[0]
}

// TestResumes holds that a scan that did not come to everything is gone on with when the scanner wants it, that the source
// shows that, and that the schedule is kept where it is earlier.
func TestResumes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimited()
		l.resumes(midnight.Add(20 * time.Minute))
		c := runs(t, ingest.Config{Sources: []ingest.Source{{ID: "d", Scanner: l, Schedule: every(t, "0 * * * *")}}})
		defer c.stop()
		pass(time.Second)
		expect(t, "the start", l.diary, "00:00:00 all")
		if late := c.state(t).NextScan.Sub(midnight.Add(20 * time.Minute)); late < 0 || late > 5*time.Second {
			t.Errorf("the next scan is %s late", late)
		}
		pass(19 * time.Minute)
		expect(t, "before it is time", l.diary)
		l.resumes(midnight.Add(90 * time.Minute))
		pass(2 * time.Minute)
		within(t, l.one(t), 20*time.Minute, "all")
		pass(45 * time.Minute)
		expect(t, "the schedule", l.diary, "01:00:00 all")
		l.resumes(time.Time{})
		pass(50 * time.Minute)
		within(t, l.one(t), 90*time.Minute, "all")
		pass(time.Hour)
		expect(t, "all is read", l.diary, "02:00:00 all")
	})
}

// TestResumesWithoutPause holds that a scanner that always wants to go on at once does not keep the process busy.
func TestResumesWithoutPause(t *testing.T) {
	for name, err := range map[string]error{"good": nil, "failing": errors.New("down")} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLimited()
				l.err = err
				l.resumes(midnight.Add(-time.Hour))
				c := runs(t, ingest.Config{Sources: []ingest.Source{{ID: "d", Scanner: l}}})
				defer c.stop()
				pass(time.Hour)
				if n := len(l.written()); n < 30 || n > 720 {
					t.Errorf("%d scans in an hour", n)
				}
			})
		})
	}
}

// TestResumesAfterParts holds that a scan of parts neither ends what one of the whole left nor is forgotten itself.
func TestResumesAfterParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimited()
		l.resumes(midnight.Add(30 * time.Minute))
		c := runs(t, ingest.Config{Sources: []ingest.Source{{ID: "d", Scanner: l}}})
		defer c.stop()
		pass(time.Second)
		l.written()
		l.resumes(time.Time{})
		heard(t, c.Catalog, "1", "a")
		pass(time.Second)
		expect(t, "a part", l.diary, "00:00:01 a")
		pass(31 * time.Minute)
		within(t, l.one(t), 30*time.Minute, "all")
		pass(10 * time.Minute)
		l.resumes(midnight.Add(50 * time.Minute))
		heard(t, c.Catalog, "", "b")
		pass(time.Second)
		if late := c.state(t).NextScan.Sub(midnight.Add(50 * time.Minute)); late < 0 || late > 5*time.Second {
			t.Errorf("the next scan is %s late", late)
		}
		l.written()
		l.resumes(time.Time{})
		pass(time.Hour)
		within(t, l.one(t), 50*time.Minute, "all")
	})
}

// TestResumesElsewhere holds that the next process goes on when the last one wanted to.
func TestResumesElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDatabase()
		var all []*limited
		var replicas []*replica
		for i := range 2 {
			all = append(all, newLimited())
			all[i].resumes(midnight.Add(time.Hour))
			replicas = append(replicas, d.starts(t, fmt.Sprint(i), ingest.Source{ID: "d", Scanner: all[i], Schedule: every(t, "@every 24h")}))
			defer replicas[i].stop()
			pass(time.Second)
		}
		all[1].resumes(time.Time{})
		pass(10 * time.Minute)
		replicas[0].kill()
		pass(49 * time.Minute)
		expect(t, "before it is time", all[1].diary)
		pass(2 * time.Minute)
		within(t, all[1].one(t), time.Hour, "all")
		pass(10 * time.Hour)
		expect(t, "afterwards", all[1].diary)
	})
}

// TestHeardWithoutBudget holds that a source which says when it may be asked again is not asked earlier for what was heard.
func TestHeardWithoutBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimited()
		c := runs(t, ingest.Config{Sources: []ingest.Source{{ID: "d", Scanner: l}}})
		defer c.stop()
		pass(time.Second)
		l.written()
		l.resumes(midnight.Add(30 * time.Minute))
		l.set(func(d *diary) { d.err = errors.New("the budget is spent") })
		heard(t, c.Catalog, "1", "a")
		pass(20 * time.Minute)
		heard(t, c.Catalog, "2", "b")
		pass(time.Minute)
		expect(t, "without budget", l.diary, "00:00:01 a", "00:00:01 all")
		l.resumes(time.Time{})
		l.set(func(d *diary) { d.err = nil })
		pass(time.Hour)
		within(t, l.one(t), 30*time.Minute, "all")
		heardBefore(t, c.Catalog, "2")
	})
}

// TestBudgets holds that what a place lets itself be asked shows beside its source, sorted, also after a scan that failed,
// after a restart and by processes that do not scan.
func TestBudgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDatabase()
		l := newLimited()
		reset := midnight.Add(time.Hour)
		l.budgets = []scanners.Budget{{Name: "graphql", Limit: 5000, Remaining: 4990, Reset: reset, Used: 10}, {Name: "core", Limit: 5000, Remaining: 1}}
		source := ingest.Source{ID: "d", Scanner: l, Schedule: every(t, "@every 24h")}
		var replicas []*replica
		for i := range 2 {
			replicas = append(replicas, d.starts(t, fmt.Sprint(i), source))
			defer replicas[i].stop()
			pass(time.Second)
		}
		shows := func(what string, want ...graph.Budget) {
			t.Helper()
			for i, r := range replicas {
				if diff := cmp.Diff(want, r.Snapshot().Sources()[0].Budgets); diff != "" {
					t.Errorf("%s: replica %d shows (-want +got):\n%s", what, i, diff)
				}
			}
		}
		core := graph.Budget{Name: "core", Limit: 5000, Remaining: 1}
		shows("a scan", core, graph.Budget{Name: "graphql", Limit: 5000, Remaining: 4990, Reset: reset, Used: 10})
		l.set(func(d *diary) { l.budgets, d.err = l.budgets[1:], errors.New("no more") })
		if _, err := replicas[1].ScanSource(t.Context(), "d"); err == nil {
			t.Error("a scan that fails has no error")
		}
		pass(time.Second)
		shows("one that failed", core)
		replicas[1].stop()
		replicas[1] = d.starts(t, "2", source)
		defer replicas[1].stop()
		pass(time.Second)
		shows("after a restart", core)
	})
}

var _ interface {
	scanners.Budgeted
	scanners.Resumer
} = (*limited)(nil)
