package ingest

import (
	"context"
	"errors"
	"time"

	"github.com/orrery-catalog/orrery/graph"
)

// followPause is the time between two attempts to follow a store that cannot be reached.
const followPause = 2 * time.Second

// followStore applies what others commit. Commits that come while one is merged are merged together.
func (c *Catalog) followStore(ctx context.Context) {
	if c.config.Store == nil {
		<-ctx.Done()
		return
	}
	ctx, stop := context.WithCancel(ctx)
	wake, stopped := make(chan struct{}, 1), make(chan struct{})
	go func() {
		defer close(stopped)
		for range wake {
			if err := c.publish(); err != nil {
				c.config.Log.Error().Err(err).Msg("the new revision cannot be shown; the last one stays")
			}
		}
	}()
	defer func() {
		stop()
		close(wake)
		<-stopped
	}()
	for ctx.Err() == nil {
		err := c.followOnce(ctx, wake)
		if errors.Is(err, graph.ErrCompacted) {
			if err = c.load(ctx); err == nil {
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

// followOnce applies commits until the stream ends.
func (c *Catalog) followOnce(ctx context.Context, wake chan<- struct{}) error {
	c.mu.RLock()
	after := c.state.revision
	c.mu.RUnlock()
	for commit, err := range c.config.Store.Follow(ctx, after) {
		if err != nil {
			return err
		}
		if err := c.adopt(commit); err != nil {
			return err
		}
		select {
		case wake <- struct{}{}:
		default: // the publisher has not taken the last one yet and will see this one too
		}
	}
	return nil
}

// adopt makes a commit of somebody else a part of the state. An error changes nothing.
func (c *Catalog) adopt(commit graph.Commit) error {
	entries := make([]entry, len(commit.Put))
	for i, document := range commit.Put {
		var err error
		if entries[i], err = newEntry(document); err != nil {
			return err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, document := range commit.Put {
		c.state.put(document.ID, entries[i])
	}
	for _, id := range commit.Remove {
		c.state.remove(id)
	}
	for _, state := range commit.States {
		c.state.setState(state)
	}
	if len(commit.Put)+len(commit.Remove) > 0 {
		c.state.documents++
	}
	c.state.revision, c.state.time = commit.Revision, commit.Time
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
