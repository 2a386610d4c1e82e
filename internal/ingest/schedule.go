package ingest

import (
	"context"
	"sync"
	"time"
)

const (
	// longestNap is how long the clock is not looked at: it may be set, and a sleeping machine's timers stand still.
	longestNap = time.Minute
	// rescanPause is the time between two scans of a source without a schedule that cannot be watched, or whose last scan
	// failed although it is watched or something was heard of it.
	rescanPause = time.Minute
)

// keeper scans one source whenever it is time to, one scan after the other:
//
//   - At the start, unless the last good scan is newer than the last time that was due.
//   - When the time comes. However many times went by during a scan, a sleep or a jump of the clock, one scan makes up for
//     them. A clock that was set back brings the next time forward.
//   - When something changes, if the source is watched or somebody else tells of it (Catalog.Heard). Changes during a scan
//     are gathered for the next one; after one that failed they wait for the next whole one.
//   - When its scanner wants to go on with what it did not come to.
//
// A scan that somebody asks for has its turn in between; what is due meanwhile follows it. One that another process asks
// for is made at once, or after the one under way.
type keeper struct {
	catalog *Catalog
	source  Source
	slots   chan struct{}
	term    *term // under which it scans; nil = the store has no other writers
	heard   heard
	next    time.Time // of the next scan; zero = not by itself
	failed  bool      // the last scan of the whole did
	ended   time.Time // the last scan of the whole
	held    bool      // something waited for approval after the last scan
}

func newKeeper(c *Catalog, source Source, slots chan struct{}, t *term) *keeper {
	return &keeper{catalog: c, source: source, slots: slots, term: t, heard: heard{signal: make(chan struct{}, 1)}}
}

// now has no monotonic part, which would not see that the clock was set or that the machine slept.
func (k *keeper) now() time.Time { return k.catalog.config.Now().Round(0) }

func (k *keeper) run(ctx context.Context) {
	var watching sync.WaitGroup
	defer k.forget()
	defer watching.Wait()
	whole := k.begin()
	if k.source.Watch {
		watching.Go(func() { k.watch(ctx) })
	}
	nap := time.NewTimer(0)
	defer nap.Stop()
	for {
		k.tell()
		select {
		case <-ctx.Done():
			return
		case <-nap.C:
		case <-k.heard.signal:
		case <-k.catalog.calls[k.source.ID]:
		}
		anything, parts := k.heard.take()
		heard := k.catalog.news(k.source.ID)
		now := k.now()
		awaited := k.catalog.requested(k.source.ID, now)
		k.plan(now)
		whole = whole || anything || awaited || !k.next.IsZero() && !k.next.After(now)
		if !whole && !k.failed {
			parts = heard.with(parts)
			if whole = heard.whole; !whole && len(parts) > 0 {
				whole = !k.scanNow(ctx, parts, heard, false)
				now = k.now()
				k.plan(now)
			}
		}
		if whole && ctx.Err() == nil {
			k.failed = !k.scanNow(ctx, nil, news{}, awaited)
			now = k.now()
			k.ended = now
			k.next, whole = k.due(now), false
		}
		if ctx.Err() != nil {
			return
		}
		nap.Reset(k.nap(now))
	}
}

// begin plans the first scan. It returns whether that is now.
func (k *keeper) begin() bool {
	if k.source.Watch {
		return false // watching begins with a scan, and so does not being able to
	}
	k.catalog.mu.RLock()
	was := k.catalog.state.of(k.source.ID).status
	k.catalog.mu.RUnlock()
	if k.source.Schedule == nil || was.LastGood.IsZero() {
		return true
	}
	last := was.LastGood
	if !was.LastWhole.IsZero() && was.LastWhole.Before(last) {
		last = was.LastWhole // the last good one was of parts
	}
	k.next = k.source.Schedule.Next(last)
	if !was.Resume.IsZero() && was.Resume.Before(k.next) {
		k.next = was.Resume
	}
	return false
}

// plan brings the next scan forward: the clock was set back, or it became due or no longer is because of the watch, of what
// was heard, or of the scanner.
func (k *keeper) plan(now time.Time) {
	if due := k.due(now); k.next.IsZero() || due.Before(k.next) {
		k.next = due
	}
}

// due is when the source is to be scanned again; zero = not by itself.
func (k *keeper) due(now time.Time) time.Time {
	var due time.Time
	sooner := func(at time.Time) {
		if due.IsZero() || at.Before(due) {
			due = at
		}
	}
	if k.source.Schedule != nil {
		sooner(k.source.Schedule.Next(now))
	}
	ended := k.ended
	if now.Before(ended) {
		ended = now // the clock was set back
	}
	switch resume := k.resume(); {
	case !resume.IsZero() && k.failed:
		sooner(later(resume, ended.Add(rescanPause)))
	case !resume.IsZero():
		sooner(later(resume, ended.Add(resumePause)))
	case k.failed && (k.source.Watch || !k.catalog.news(k.source.ID).none()):
		sooner(ended.Add(rescanPause))
	}
	if k.source.Watch && k.source.Schedule == nil && k.heard.reason() != "" {
		sooner(now.Add(rescanPause))
	}
	return due
}

// resume is when the scanner wants to go on; zero = it has read everything.
func (k *keeper) resume() time.Time {
	k.catalog.mu.RLock()
	defer k.catalog.mu.RUnlock()
	return k.catalog.state.of(k.source.ID).status.Resume
}

// nap is how long there is nothing to do, as far as is known now.
func (k *keeper) nap(now time.Time) time.Duration {
	if k.next.IsZero() {
		return longestNap
	}
	return min(max(k.next.Sub(now), 0), longestNap)
}

// tell shows when the source is scanned next.
func (k *keeper) tell() {
	now := runtime{nextScan: k.next, watchError: k.heard.reason(), deaf: k.heard.isDeaf()}
	now.watched = k.source.Watch && k.heard.watching()
	if k.source.Schedule != nil {
		now.schedule = k.source.Schedule.String()
	}
	k.catalog.setRuntime(k.source.ID, now)
}

// forget shows that the source is scanned by another process from now on, or by none.
func (k *keeper) forget() {
	if k.term != nil {
		k.catalog.setRuntime(k.source.ID, elsewhere(k.source))
	}
}

// elsewhere is what a process knows of a source that another one scans.
func elsewhere(source Source) runtime {
	if source.Schedule == nil {
		return runtime{}
	}
	return runtime{schedule: source.Schedule.String()}
}
