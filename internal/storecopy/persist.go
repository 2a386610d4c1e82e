package storecopy

import (
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/orrery-catalog/orrery/graph"
)

// patience is how long a store may be unavailable, without a revision being copied meanwhile, before a copy ends.
const patience = 2 * time.Minute

// persist copies and compares, and goes on where a store was away for a while. It gives the newest revision of the source,
// too.
func (c *copier) persist(ctx context.Context, newest graph.Revision) (Summary, graph.Revision, error) {
	waits := backoff.NewExponentialBackOff()
	waits.InitialInterval, waits.MaxInterval = 100*time.Millisecond, 10*time.Second
	at, since := c.at, time.Now()
	for again := false; ; again = true {
		var summary Summary
		var err error
		if again { // the last commit may have taken place all the same: see where the copy is
			err = c.compareStart(ctx, newest)
		}
		if err == nil {
			newest, err = c.carry(ctx, newest)
		}
		if err == nil {
			err = c.carryTraffic(ctx)
		}
		if err == nil {
			summary, err = c.compareEnd(ctx)
		}
		if !errors.Is(err, graph.ErrUnavailable) || ctx.Err() != nil {
			return summary, newest, err
		}
		if c.at != at {
			at, since = c.at, time.Now()
			waits.Reset()
		}
		if time.Since(since) > patience {
			return summary, newest, err
		}
		select {
		case <-time.After(waits.NextBackOff()):
		case <-ctx.Done():
			return summary, newest, context.Cause(ctx)
		}
	}
}
