package ingest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/orrery-catalog/orrery/scanners"
)

// grace is how long a scanner may go on after it was told to stop.
const grace = 10 * time.Second

// errLeftBehind says that a source cannot be scanned because a scan of it does not end.
var errLeftBehind = errors.New("an earlier scan was told to stop and has not ended yet: the source is not scanned again until it has")

// turns let one scan of a source run at a time.
type turns struct {
	mu   sync.Mutex
	busy map[string]*turn
}

type turn struct {
	left    bool          // it is over its time, and nobody waits for it any more
	changed chan struct{} // closed when it ends or is left behind
}

// take begins the turn of a source, when the one under way has ended. The error is that of ctx or errLeftBehind.
func (t *turns) take(ctx context.Context, source string) error {
	for {
		t.mu.Lock()
		now := t.busy[source]
		if now == nil {
			t.busy[source] = &turn{changed: make(chan struct{})}
			t.mu.Unlock()
			return nil
		}
		left, changed := now.left, now.changed
		t.mu.Unlock()
		if left {
			return errLeftBehind
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// leave turns away those that wait for the turn and those that come, until it is ended.
func (t *turns) leave(source string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.busy[source]
	now.left = true
	close(now.changed)
}

// end ends the turn of a source.
func (t *turns) end(source string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now := t.busy[source]; !now.left {
		close(now.changed)
	}
	delete(t.busy, source)
}

// reading is what a scanner did.
type reading struct {
	scan   *scan
	cursor []byte // to be given to the next one
	err    error
	asked  uint64 // the newest request when it began, if it was of everything
	left   bool   // the scanner is still at it: its turn ends when it does

	answers news              // what was heard that it has read
	budgets []scanners.Budget // as they are afterwards
	resume  time.Time         // when it is to be gone on with; zero = there is nothing left to do
}

// read lets the scanner of a source read it, in time. A scanner that does not heed the end of its time is left behind:
// what it still reports is refused.
func (c *Catalog) read(ctx context.Context, source Source, parts []string, cursor []byte) reading {
	timeout := source.Timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("the scan took longer than %s: %w", timeout, context.DeadlineExceeded))
	defer cancel()
	whole, partly := c.newScan(source, nil), c.newScan(source, parts)
	ended := make(chan reading, 1)
	go func() {
		if scanner, ok := source.Scanner.(scanners.PartScanner); ok && len(parts) > 0 {
			next, err := scanner.ScanParts(ctx, cursor, parts, partly)
			partly.close()
			if !errors.Is(err, scanners.ErrWhole) {
				ended <- reading{scan: partly, cursor: next, err: err}
				return
			}
		}
		next, err := source.Scanner.Scan(ctx, cursor, whole)
		ended <- reading{scan: whole, cursor: next, err: err}
	}()
	var result reading
	select {
	case result = <-ended:
	case <-ctx.Done():
		late := time.NewTimer(grace)
		defer late.Stop()
		select {
		case result = <-ended:
		case <-late.C:
			partly.close()
			whole.close()
			c.turns.leave(source.ID)
			go func() {
				<-ended
				c.turns.end(source.ID)
			}()
			return reading{scan: whole, err: fmt.Errorf("%w; %w", context.Cause(ctx), errLeftBehind), left: true}
		}
	}
	result.scan.close()
	if ctx.Err() != nil {
		result.err = context.Cause(ctx)
	}
	return result
}
