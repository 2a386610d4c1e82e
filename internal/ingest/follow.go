package ingest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/orrery-catalog/orrery/graph"
)

const (
	// followPause is the time between two attempts to follow a store that cannot be reached.
	followPause = 2 * time.Second
	// loadPause is the least time between two loads of a store that cannot be followed.
	loadPause = 30 * time.Second
	// catchUpTime is how long is waited at most for the commit that a conflict was with.
	catchUpTime = 10 * time.Second
	// catchUpLull ends catching up: nothing more came for so long. If there is more all the same, there is one more conflict.
	catchUpLull = 20 * time.Millisecond
)

// maxWaiting is how many commits wait at most while others are merged, and maxTogether how many documents are merged
// together at most, but for those of one commit.
const (
	maxWaiting  = 64
	maxTogether = 20_000
)

// followStore applies what others commit. Commits that come while one is merged are merged together.
func (c *Catalog) followStore(ctx context.Context) {
	var loaded time.Time
	for ctx.Err() == nil {
		err := c.followOnce(ctx)
		// What was loaded just now and cannot be followed is no better when it is loaded again at once.
		if errors.Is(err, graph.ErrCompacted) && time.Since(loaded) > loadPause {
			loaded = time.Now()
			if err = c.reload(ctx); err == nil {
				continue
			}
		}
		if ctx.Err() != nil {
			return
		}
		c.cannotRead(err)
		pause(ctx, someOf(followPause))
	}
}

// reload loads the store anew.
func (c *Catalog) reload(ctx context.Context) error {
	if err := c.lockCommits(ctx); err != nil {
		return err
	}
	defer c.unlockCommits()
	return c.load(ctx)
}

// awaitStore loads the store as soon as that is possible, where New could not.
func (c *Catalog) awaitStore(ctx context.Context) {
	for ctx.Err() == nil {
		err := c.lockCommits(ctx)
		if err == nil {
			err = c.ensureLoaded(ctx)
			c.unlockCommits()
		}
		if err == nil || ctx.Err() != nil {
			return
		}
		c.cannotRead(err)
		pause(ctx, someOf(followPause))
	}
}

// stream is a following of the store under way.
type stream struct {
	commits chan graph.Commit // closed at the end
	err     error             // why it ended; to be read when commits is closed
}

// openStream begins to follow the store, until ctx ends, and counts what comes; nil = nobody counts.
func (c *Catalog) openStream(ctx context.Context, after graph.Revision, count *atomic.Int64) *stream {
	s := &stream{commits: make(chan graph.Commit, maxWaiting)}
	go func() {
		defer close(s.commits)
		for commit, err := range c.config.Store.Follow(ctx, after) {
			if err != nil {
				s.err = err
				return
			}
			if count != nil {
				count.Add(1)
			}
			select {
			case s.commits <- commit:
			case <-ctx.Done():
				return
			}
		}
	}()
	return s
}

// together is the commit and those that have come by now, and whether more may come.
func (s *stream) together(first graph.Commit) (commits []graph.Commit, open bool) {
	commits = []graph.Commit{first}
	for size := len(first.Put) + len(first.Remove); size < maxTogether; {
		select {
		case commit, open := <-s.commits:
			if !open {
				return commits, false
			}
			commits = append(commits, commit)
			size += len(commit.Put) + len(commit.Remove)
		default:
			return commits, true
		}
	}
	return commits, true
}

// followOnce applies commits until the stream ends.
func (c *Catalog) followOnce(ctx context.Context) error {
	c.mu.RLock()
	after := c.state.revision
	c.mu.RUnlock()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if replaced, err := c.replaced(ctx); err != nil || replaced {
		return cmp.Or(err, fmt.Errorf("%w: another database stands in its place", graph.ErrCompacted))
	}
	c.freshness.follows(time.Now())
	defer c.freshness.stops()
	s := c.openStream(ctx, after, &c.freshness.received)
	for commit := range s.commits {
		commits, _ := s.together(commit)
		if err := c.adopt(ctx, commits); err != nil {
			stop()
			for range s.commits { // until the stream has ended
			}
			return err
		}
		c.freshness.received.Add(-int64(len(commits)))
	}
	return s.err
}

// adopt makes commits of others a part of the state. An error changes nothing.
func (c *Catalog) adopt(ctx context.Context, commits []graph.Commit) error {
	if err := c.lockCommits(ctx); err != nil {
		return err
	}
	defer c.unlockCommits()
	return c.adoptLocked(commits)
}

// catchUp adopts what others have committed, after a conflict with it. The caller holds committing.
func (c *Catalog) catchUp(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, catchUpTime)
	s := c.openStream(ctx, c.state.revision, nil)
	defer func() {
		stop()
		for range s.commits { // until the stream has ended
		}
	}()
	commit, open := <-s.commits
	for open {
		var commits []graph.Commit
		if commits, open = s.together(commit); !open {
			break
		}
		if err := c.adoptLocked(commits); err != nil {
			return err
		}
		lull := time.NewTimer(catchUpLull)
		select {
		case commit, open = <-s.commits:
			lull.Stop()
		case <-lull.C:
			return nil
		}
	}
	switch {
	case errors.Is(s.err, graph.ErrCompacted):
		return c.load(ctx)
	case s.err != nil:
		return fmt.Errorf("catch up with the store: %w", s.err)
	}
	return fmt.Errorf("%w, and what others committed did not come within %s", graph.ErrConflict, catchUpTime)
}

// refresh adopts what the store holds by now.
func (c *Catalog) refresh(ctx context.Context) error {
	newest, err := c.revisionAt(ctx, graph.AsOf{})
	if err != nil {
		return err
	}
	if err := c.lockCommits(ctx); err != nil {
		return err
	}
	defer c.unlockCommits()
	for c.state.revision < newest {
		if err := c.catchUp(ctx); err != nil {
			return err
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
