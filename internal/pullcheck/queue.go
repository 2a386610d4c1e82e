package pullcheck

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// maxWaiting is how many pull requests wait at most.
const maxWaiting = 1000

// errSuperseded ends a check of which a newer one is queued.
var errSuperseded = errors.New("a newer check takes its place")

// key tells pull requests apart.
type key struct {
	repository string // owner/name in lower case
	number     int
	head       string // where the number is unknown
}

// job is a check to be made.
type job struct {
	key               key
	owner, repository string
	head              string    // as the event knew it; "" = unknown
	asked             bool      // somebody asked for it: it is reported whatever changes
	attempts          int       // that have failed
	waits             int       // of them, for something that was to come by itself
	due               time.Time // not before; zero = now
	told              bool      // the last attempt failed, and has told so
}

// queue holds at most one check for each pull request that waits, and one that runs.
type queue struct {
	now func() time.Time

	mu      sync.Mutex
	waiting []*job // in the order in which they came
	running map[key]context.CancelCauseFunc
	changed chan struct{} // closed when there may be something to take
}

func newQueue(now func() time.Time) *queue {
	return &queue{now: now, running: make(map[key]context.CancelCauseFunc), changed: make(chan struct{})}
}

// put queues a check, in place of one of the same pull request that waits, and ends one that runs. Where too many wait, the
// one that has waited longest is dropped and returned.
func (q *queue) put(j *job) (dropped *job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if end := q.running[j.key]; end != nil {
		end(errSuperseded)
	}
	for _, w := range q.waiting {
		j.asked = j.asked || w.key == j.key && w.asked
	}
	q.waiting = slices.DeleteFunc(q.waiting, func(w *job) bool { return w.key == j.key })
	if len(q.waiting) >= maxWaiting {
		dropped = q.waiting[0]
		q.waiting = slices.Delete(q.waiting, 0, 1)
	}
	q.waiting = append(q.waiting, j)
	q.wake()
	return dropped
}

// again queues a check that failed, unless there is a newer one or no room.
func (q *queue) again(j *job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) < maxWaiting && !slices.ContainsFunc(q.waiting, func(w *job) bool { return w.key == j.key }) {
		q.waiting = append(q.waiting, j)
		q.wake()
	}
}

// length is how many wait.
func (q *queue) length() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}

// take waits for a check that is due. Its context ends when a newer check takes its place, with errSuperseded as the cause.
// done must be called when it is over. nil = ctx has ended.
func (q *queue) take(ctx context.Context) (j *job, jobCtx context.Context, done func()) {
	for {
		q.mu.Lock()
		changed := q.changed
		i, next := q.due()
		if i >= 0 && ctx.Err() == nil {
			j = q.waiting[i]
			q.waiting = slices.Delete(q.waiting, i, i+1)
			jobCtx, end := context.WithCancelCause(ctx)
			q.running[j.key] = end
			q.mu.Unlock()
			return j, jobCtx, func() {
				q.mu.Lock()
				defer q.mu.Unlock()
				end(nil)
				delete(q.running, j.key)
				q.wake()
			}
		}
		q.mu.Unlock()
		var later <-chan time.Time
		if !next.IsZero() {
			timer := time.NewTimer(next.Sub(q.now()))
			defer timer.Stop()
			later = timer.C
		}
		select {
		case <-changed:
		case <-later:
		case <-ctx.Done():
			return nil, nil, nil
		}
	}
}

// due is the place of the first check that can begin, or -1 and when the next one can by itself; zero = none.
func (q *queue) due() (place int, next time.Time) {
	now := q.now()
	for i, j := range q.waiting {
		switch {
		case q.running[j.key] != nil: // its end wakes
		case !j.due.After(now):
			return i, time.Time{}
		case next.IsZero() || j.due.Before(next):
			next = j.due
		}
	}
	return -1, next
}

// wake lets those that take look again. The caller holds mu.
func (q *queue) wake() {
	close(q.changed)
	q.changed = make(chan struct{})
}
