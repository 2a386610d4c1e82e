package ingest

import (
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/orrery-catalog/orrery/catalog"
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
	numbers := newSweep(projector)
	defer numbers.stop()
	var last *graph.Snapshot
	for t.ctx.Err() == nil {
		changed, newest := c.Changed(), c.Snapshot()
		if newest == nil || last != nil && newest.Revision() == last.Revision() {
			due := numbers.due()
			if newest == nil || last == nil {
				due = nil // there is nothing yet whose numbers could be written
			}
			select {
			case <-changed:
			case <-due:
				if err := numbers.step(t, last.WithTraffic(newest.Traffic())); errors.Is(err, graph.ErrFenced) {
					t.lose(err)
				}
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

// The numbers of traffic in the written graph are brought up to date for so many relations at a time, so that the database
// is hardly busy with them, however many there are: 100,000 take under ten minutes.
const (
	sweepPace      = 10 * time.Second
	sweepRelations = 2000
)

// sweep goes through all relations with traffic, again and again as long as numbers change.
type sweep struct {
	projector graph.TrafficProjector // nil = the store writes no numbers
	ticker    *time.Ticker
	after     catalog.Ref // the last that is up to date; "" = a sweep begins
	version   uint64      // of the numbers as the last sweep began
	began     bool
}

func newSweep(projector graph.Projector) *sweep {
	s := &sweep{}
	if counting, ok := projector.(graph.TrafficProjector); ok {
		s.projector, s.ticker = counting, time.NewTicker(sweepPace)
	}
	return s
}

func (s *sweep) stop() {
	if s.ticker != nil {
		s.ticker.Stop()
	}
}

// due is when the next step may be made; never where no numbers are written.
func (s *sweep) due() <-chan time.Time {
	if s.ticker == nil {
		return nil
	}
	return s.ticker.C
}

// step brings some relations up to date. What fails is tried again with the next.
func (s *sweep) step(t *term, shown *graph.Snapshot) (err error) {
	numbers := shown.Traffic()
	if numbers == nil || s.after == "" && s.began && s.version == numbers.Version() {
		return nil
	}
	if s.after == "" {
		s.began, s.version = true, numbers.Version()
	}
	s.after, err = s.projector.ProjectTraffic(t.ctx, graph.LeaseScans, t.fence, shown, s.after, sweepRelations)
	return err
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
