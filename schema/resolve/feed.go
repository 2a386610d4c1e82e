package resolve

import (
	"context"
	"errors"
	"slices"
	"sort"
	"sync"

	"github.com/orrery-catalog/orrery/graph"
)

// errBehind says that a subscriber asked for what the feed no longer has.
var errBehind = errors.New("behind what the feed keeps")

// Bounds of what a feed keeps for subscribers that are not at the newest revision yet.
const (
	feedRevisions = 256
	feedChanges   = 20_000
	feedBytes     = 16 << 20
)

// feed reads the history once for all subscribers that are up to date: a goroutine reads what each new revision changed,
// and every subscriber takes it at its own pace. Nobody waits for a subscriber; one that falls too far behind finds that
// what it wants is gone.
type feed struct {
	snapshots Snapshots
	past      Past // nil = what a revision changed is not known
	live      Live

	stop context.CancelFunc
	done chan struct{} // closed when the goroutine has ended

	mu             sync.Mutex
	subscribers    int // guarded by feeds.mu
	from, head     graph.Revision
	recent         []*revisionChanges // what changed behind from, up to head
	changes, bytes int                // in recent
	err            error              // why it ended
	moved          chan struct{}      // closed when head or err changes
}

// feeds starts a feed for the first subscriber and ends it with the last.
type feeds struct {
	mu      sync.Mutex
	current *feed // nil = nobody subscribes
}

// join gives the feed, which begins behind the snapshot where it was not there before. The caller must leave it.
func (f *feeds) join(r *root, at *graph.Snapshot) *feed {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.current == nil || f.current.failure() != nil {
		ctx, stop := context.WithCancel(context.Background()) // it outlives the subscription that began it
		f.current = &feed{
			snapshots: r.snapshots, past: r.past, live: r.live, stop: stop, done: make(chan struct{}),
			from: at.Revision(), head: at.Revision(), moved: make(chan struct{}),
		}
		go f.current.run(ctx)
	}
	f.current.subscribers++
	return f.current
}

// leave ends the feed after the last subscriber, and waits for the end.
func (f *feeds) leave(left *feed) {
	f.mu.Lock()
	left.subscribers--
	last := left.subscribers == 0
	if last && f.current == left {
		f.current = nil
	}
	f.mu.Unlock()
	if last {
		left.stop()
		<-left.done
	}
}

func (f *feed) run(ctx context.Context) {
	defer close(f.done)
	for {
		changed := f.live.Changed()
		if newest := f.snapshots.Snapshot(); newest != nil && newest.Revision() > f.head {
			if err := f.read(ctx, newest); err != nil {
				f.advance(f.head, nil, err)
				return
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// read adds what changed up to a snapshot.
func (f *feed) read(ctx context.Context, newest *graph.Snapshot) error {
	if f.past == nil {
		untold := &revisionChanges{revision: newest.Revision(), time: newest.Time(), truncated: true}
		f.advance(newest.Revision(), []*revisionChanges{untold}, nil)
		return nil
	}
	for f.head < newest.Revision() { // only this goroutine changes head
		var read []*revisionChanges
		var through graph.Revision
		err := patiently(ctx, func() (err error) {
			read, through, err = changesBetween(ctx, f.past, f.head, min(f.head+historyWindow, newest.Revision()), nil)
			return err
		})
		if err != nil {
			return err
		}
		f.advance(through, read, nil)
	}
	return nil
}

func (f *feed) advance(head graph.Revision, read []*revisionChanges, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.head, f.err = head, err
	for _, r := range read {
		f.recent = append(f.recent, r)
		f.changes += len(r.changes)
		f.bytes += r.bytes
	}
	drop := 0
	for ; drop < len(f.recent)-1 &&
		(len(f.recent)-drop > feedRevisions || f.changes > feedChanges || f.bytes > feedBytes); drop++ {
		f.from = f.recent[drop].revision
		f.changes -= len(f.recent[drop].changes)
		f.bytes -= f.recent[drop].bytes
	}
	f.recent = slices.Delete(f.recent, 0, drop)
	close(f.moved)
	f.moved = make(chan struct{})
}

func (f *feed) failure() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// begin is the revision behind which the feed has everything.
func (f *feed) begin() graph.Revision {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.from
}

// next waits for the first revision behind the given one that changed something. Errors: errBehind, that of ctx, or why
// the feed has ended.
func (f *feed) next(ctx context.Context, after graph.Revision) (*revisionChanges, error) {
	for {
		f.mu.Lock()
		found, err, moved := f.after(after), f.err, f.moved
		behind := after < f.from
		if found == nil {
			after = max(after, f.head) // nothing is between
		}
		f.mu.Unlock()
		switch {
		case behind:
			return nil, errBehind
		case found != nil:
			return found, nil
		case err != nil:
			return nil, err
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// after finds a revision; the caller holds mu.
func (f *feed) after(revision graph.Revision) *revisionChanges {
	i := sort.Search(len(f.recent), func(i int) bool { return f.recent[i].revision > revision })
	if i == len(f.recent) {
		return nil
	}
	return f.recent[i]
}
