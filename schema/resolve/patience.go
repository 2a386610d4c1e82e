package resolve

import (
	"context"
	"errors"
	"time"

	"github.com/orrery-catalog/orrery/graph"
)

// storePause is the time between two attempts to read what a subscription is to tell from a store that is away.
const storePause = time.Second

// patiently reads again for as long as the store is away: a subscription goes on when it is back, as if it had not been.
func patiently(ctx context.Context, read func() error) error {
	for {
		err := read()
		if !errors.Is(err, graph.ErrUnavailable) {
			return err
		}
		if err := nap(ctx, storePause); err != nil {
			return err
		}
	}
}

// nap waits; its error is that of ctx.
func nap(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
