package resolve

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/schema/gen"
)

// errSlowClient says that a subscriber reads more slowly than the catalog changes.
var errSlowClient = errors.New("the changes came faster than they were read: subscribe again with the last revision seen as after")

// parallelHistoryReads is how many subscriptions read the history at the same time.
const parallelHistoryReads = 4

// follower is one subscription to changes.
type follower struct {
	*root
	refs []catalog.Ref  // nil = all
	at   graph.Revision // the last one that was told or passed over
}

// refsToFollow finds what a person typed. A whole ref need not be in the catalog: it may have been, or come back.
func refsToFollow(ctx context.Context, of []string) ([]catalog.Ref, error) {
	if of == nil {
		return nil, nil
	}
	if len(of) == 0 {
		return nil, badInput("of is empty; leave it out to follow all changes")
	}
	if err := atMost("of", of); err != nil {
		return nil, err
	}
	refs := make([]catalog.Ref, len(of))
	for i, typed := range of {
		entity, err := typedEntity(ctx, "an element of of", typed)
		if err == nil {
			refs[i] = entity.Ref
			continue
		}
		whole, parseErr := catalog.ParseRef(typed, "", "")
		if parseErr != nil || !errors.Is(err, graph.ErrNotFound) {
			return nil, err
		}
		refs[i] = whole
	}
	slices.Sort(refs)
	return slices.Compact(refs), nil
}

// resumeAt checks a revision that a client has seen last.
func resumeAt(after int, newest *graph.Snapshot, past Past) (graph.Revision, error) {
	switch {
	case after < 0:
		return 0, badInput("after is %d; it must be the number of a revision", after)
	case past == nil && graph.Revision(after) < newest.Revision():
		return 0, fmt.Errorf("%w: this server only knows the present", graph.ErrCompacted)
	}
	return graph.Revision(after), nil
}

// Another server of the same store may have told a revision that is not here yet: at most replicaLag behind it, unless the
// store is away.
const (
	replicaLag  = 2 * time.Second
	arrivalPoll = 200 * time.Millisecond
)

// arrived waits for a revision that a client has seen. Where the store turns out not to have it, another catalog stands
// there now.
func (r *root) arrived(ctx context.Context, revision graph.Revision) (*graph.Snapshot, error) {
	deadline := time.Now().Add(replicaLag)
	for {
		fresh := r.freshness == nil || r.freshness().Confirmed.After(deadline)
		newest := r.snapshots.Snapshot() // not older than what was confirmed
		switch {
		case newest.Revision() >= revision:
			return newest, nil
		case fresh:
			return nil, fmt.Errorf("%w: revision %d is newer than the newest one, %d; another catalog stands here now",
				graph.ErrCompacted, revision, newest.Revision())
		}
		if err := nap(ctx, arrivalPoll); err != nil {
			return nil, err
		}
	}
}

// run tells first what changed before the feed begins, from the history and as fast as it is read, and then what the feed
// has.
func (f *follower) run(ctx context.Context, begin *graph.Snapshot, send func(*gen.RevisionChanges, int) bool) error {
	if f.live == nil {
		_, err := f.catchUp(ctx, begin.Revision(), send)
		return err
	}
	feed := f.feeds.join(f.root, begin) //nolint:contextcheck // it may outlive this subscription
	defer f.feeds.leave(feed)
	for through := feed.begin(); f.at < through; through = feed.begin() {
		if goOn, err := f.catchUp(ctx, through, send); !goOn {
			return err
		}
	}
	for {
		next, err := feed.next(ctx, f.at)
		switch {
		case errors.Is(err, errBehind):
			return errSlowClient
		case err != nil:
			return err
		}
		chosen, err := f.choose(ctx, next)
		if err != nil {
			return err
		}
		if chosen != nil && !send(chosen.shown(), len(chosen.changes)) {
			return nil
		}
		f.at = next.revision
	}
}

// catchUp tells what is in the history, a few revisions at a time.
func (f *follower) catchUp(ctx context.Context, through graph.Revision, send func(*gen.RevisionChanges, int) bool) (bool, error) {
	if f.past == nil {
		f.at = through
	}
	for f.at < through {
		read, to, err := f.readHistory(ctx, f.at, min(f.at+historyWindow, through))
		if err != nil {
			return false, err
		}
		for _, r := range read {
			if !send(r.shown(), len(r.changes)) {
				return false, nil
			}
		}
		f.at = to
	}
	return true, nil
}

// readHistory lets few read at a time.
func (f *follower) readHistory(ctx context.Context, after, through graph.Revision) (read []*revisionChanges, to graph.Revision, err error) {
	err = patiently(ctx, func() error {
		if err := f.historyReads.Acquire(ctx, 1); err != nil {
			return err
		}
		defer f.historyReads.Release(1)
		var err error
		read, to, err = changesBetween(ctx, f.past, after, through, f.refs)
		return err
	})
	return read, to, err
}

// choose leaves what was asked for of a revision; nil is nothing.
func (f *follower) choose(ctx context.Context, all *revisionChanges) (*revisionChanges, error) {
	if f.refs == nil {
		return all, nil
	}
	if all.truncated { // what was asked for may be among the rest
		if f.past == nil {
			return all, nil
		}
		read, _, err := f.readHistory(ctx, all.revision-1, all.revision)
		if err != nil || len(read) == 0 {
			return nil, err
		}
		return read[0], nil
	}
	chosen := &revisionChanges{revision: all.revision, time: all.time}
	for _, recorded := range all.changes {
		if _, found := slices.BinarySearch(f.refs, recorded.Ref); found {
			chosen.add(recorded)
		}
	}
	if len(chosen.changes) == 0 {
		return nil, nil
	}
	return chosen, nil
}
