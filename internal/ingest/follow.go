package ingest

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// followPause is the time between two attempts to follow a store that cannot be reached.
const followPause = 2 * time.Second

// maxWaiting is how many commits wait at most while others are merged.
const maxWaiting = 64

// followStore applies what others commit. Commits that come while one is merged are merged together.
func (c *Catalog) followStore(ctx context.Context) {
	if c.config.Store == nil {
		<-ctx.Done()
		return
	}
	for ctx.Err() == nil {
		err := c.followOnce(ctx)
		if errors.Is(err, graph.ErrCompacted) {
			if err = c.reload(ctx); err == nil {
				continue
			}
		}
		if ctx.Err() != nil {
			return
		}
		c.config.Log.Warn().Err(err).Msg("the store cannot be followed; trying again")
		pause(ctx, followPause)
	}
}

func (c *Catalog) reload(ctx context.Context) error {
	c.committing <- struct{}{}
	defer func() { <-c.committing }()
	return c.load(ctx)
}

// followOnce applies commits until the stream ends.
func (c *Catalog) followOnce(ctx context.Context) error {
	c.mu.RLock()
	after := c.state.revision
	c.mu.RUnlock()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	waiting := make(chan graph.Commit, maxWaiting)
	ended := make(chan error, 1)
	go func() {
		defer close(waiting)
		for commit, err := range c.config.Store.Follow(ctx, after) {
			if err != nil {
				ended <- err
				return
			}
			select {
			case waiting <- commit:
			case <-ctx.Done():
				ended <- context.Cause(ctx)
				return
			}
		}
		ended <- nil
	}()
	var failed error
	for commit := range waiting {
		if failed != nil {
			continue // the stream is being stopped
		}
		news := newFollowed(commit)
		for more := true; more; {
			select {
			case commit, open := <-waiting:
				if more = open; open {
					news.add(commit)
				}
			default:
				more = false
			}
		}
		if failed = c.adopt(news); failed != nil {
			stop()
		}
	}
	return errors.Join(failed, <-ended)
}

// followed are commits that are taken together.
type followed struct {
	put    map[catalog.DocumentID]*catalog.Document // nil = removed
	states []graph.State
	last   graph.Commit
}

func newFollowed(commit graph.Commit) *followed {
	f := &followed{put: make(map[catalog.DocumentID]*catalog.Document)}
	f.add(commit)
	return f
}

func (f *followed) add(commit graph.Commit) {
	for _, id := range commit.Remove {
		f.put[id] = nil
	}
	for _, document := range commit.Put {
		f.put[document.ID] = document
	}
	f.states, f.last = append(f.states, commit.States...), commit
}

// adopt makes commits of somebody else a part of the state and publishes them. An error changes nothing.
func (c *Catalog) adopt(news *followed) error {
	c.committing <- struct{}{}
	defer func() { <-c.committing }()
	ids := slices.SortedFunc(maps.Keys(news.put), compareIDs)
	var remove []catalog.DocumentID
	var put []*catalog.Document
	var entries []entry
	for _, id := range ids {
		document := news.put[id]
		if document == nil {
			remove = append(remove, id)
			continue
		}
		e, err := newEntry(document)
		if err != nil {
			return err
		}
		put, entries = append(put, document), append(entries, e)
	}
	change := c.merge(remove, put)
	c.mu.Lock()
	for i, document := range put {
		c.state.put(document.ID, entries[i])
	}
	for _, id := range remove {
		c.state.remove(id)
	}
	for _, state := range news.states {
		c.state.setState(state)
	}
	c.state.revision, c.state.time = news.last.Revision, news.last.Time
	for _, h := range c.state.sources {
		h.summarize()
	}
	c.mu.Unlock()
	c.publish(change)
	return nil
}

func compareIDs(a, b catalog.DocumentID) int {
	return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Scope, b.Scope), cmp.Compare(a.Key, b.Key))
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
