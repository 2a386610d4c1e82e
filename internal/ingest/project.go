package ingest

import (
	"errors"

	"github.com/cenkalti/backoff/v5"

	"github.com/orrery-catalog/orrery/graph"
)

// project lets the store write the newest Snapshot for people, one at a time, while the term lasts; those that come
// meanwhile become one step. Nobody waits for it.
func (c *Catalog) project(t *term) {
	projector, ok := c.config.Store.(graph.Projector)
	if !ok {
		return
	}
	defer c.outage.ends(toProject)
	waits := backoff.NewExponentialBackOff()
	waits.MaxInterval = longestRetry
	var last *graph.Snapshot
	for t.ctx.Err() == nil {
		changed, newest := c.Changed(), c.Snapshot()
		if newest == nil || last != nil && newest.Revision() == last.Revision() {
			select {
			case <-changed:
			case <-t.ctx.Done():
			}
			continue
		}
		err := projector.Project(t.ctx, graph.LeaseScans, t.fence, last, newest)
		switch {
		case err == nil:
			last = newest
			c.metrics.projected.Store(uint64(newest.Revision()))
			c.outage.works(toProject)
			waits.Reset()
		case t.ctx.Err() != nil:
		case errors.Is(err, graph.ErrFenced):
			t.lose(err)
		default:
			c.outage.fails(toProject, err)
			pause(t.ctx, waits.NextBackOff())
		}
	}
}

// projectNow has what was done under a borrowed term written for people, as nobody else does until a process runs that
// scans. since is the Snapshot before it, or nil. What the store cannot take now it gets from the next that scans.
func (c *Catalog) projectNow(t *term, since *graph.Snapshot) {
	projector, ok := c.config.Store.(graph.Projector)
	newest := c.Snapshot()
	if !ok || newest == nil {
		return
	}
	if err := projector.Project(t.ctx, graph.LeaseScans, t.fence, since, newest); err != nil && t.ctx.Err() == nil {
		c.config.Log.Warn().Err(err).Msg("the graph for people was not written; who scans next writes it")
	}
}
