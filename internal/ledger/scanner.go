package ledger

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/scanners"
)

// scanner says which dependencies there are, by what a source has counted.
type scanner struct {
	ledger *Ledger
	source *source
}

var _ scanners.Watcher = (*scanner)(nil)

// watches is a reader that hears of changes itself.
type watches interface {
	Watch(ctx context.Context, changed func()) error
}

// Scan implements [scanners.Scanner]. Where the source has a reader, it reads what there is to read, and writes it before
// the state of the reader goes on.
func (c *scanner) Scan(ctx context.Context, previous []byte, sink scanners.Sink) ([]byte, error) {
	if err := c.ledger.Load(ctx); err != nil {
		return nil, err
	}
	var next []byte
	if c.source.config.Reader != nil {
		var err error
		if next, err = c.read(ctx, previous, sink); err != nil {
			return nil, err
		}
	}
	return next, c.report(ctx, nil, sink)
}

// ScanParts implements [scanners.PartScanner]: it reads nothing anew.
func (c *scanner) ScanParts(ctx context.Context, previous []byte, names []string, sink scanners.Sink) ([]byte, error) {
	if !c.ledger.loaded.Load() {
		return nil, scanners.ErrWhole
	}
	return previous, c.report(ctx, slices.Clip(names), sink)
}

func (c *scanner) read(ctx context.Context, previous []byte, sink scanners.Sink) ([]byte, error) {
	l, s := c.ledger, c.source
	l.mu.Lock()
	if len(s.summed) == 0 && len(s.sets) == 0 { // what was handed over is lost
		previous = nil
	}
	l.mu.Unlock()
	into := &reading{source: s, report: sink, stands: make(map[string]bool)}
	next, readErr := s.config.Reader.ReadTraffic(ctx, previous, into)
	l.mu.Lock()
	stands := maps.Clone(into.stands)
	if readErr != nil { // it may not have come to all of them
		maps.Copy(stands, s.stands)
	}
	if !maps.Equal(stands, s.stands) {
		s.stand(stands)
		s.standingDirty = true
	}
	l.mu.Unlock()
	if err := l.hold(ctx); err != nil {
		return nil, err
	}
	defer l.release()
	if err := l.flush(ctx); err != nil {
		return nil, err
	}
	if readErr != nil {
		return nil, readErr
	}
	if err := l.sumUpStale(ctx, true); err != nil {
		return nil, err
	}
	return next, nil
}

// report shows what has changed, and says what there is now.
func (c *scanner) report(ctx context.Context, names []string, sink scanners.Sink) error {
	l := c.ledger
	if err := l.hold(ctx); err != nil {
		return err
	}
	l.publish()
	l.release()
	l.mu.Lock()
	scopes := c.source.scopes(names)
	l.mu.Unlock()
	for _, scope := range scopes {
		if err := sink.Report(ctx, scope); err != nil {
			return err
		}
	}
	return nil
}

// unheard is how long rows may not be written, or spans not be listened for, before the source shows it.
const unheard = time.Minute

// Watch implements [scanners.Watcher]. It ends with why, while what is counted cannot be written or the listener does not
// listen.
func (c *scanner) Watch(ctx context.Context, changed func(names ...string)) error {
	l, s := c.ledger, c.source
	h := &hearing{signal: make(chan struct{}, 1), scopes: make(map[string]bool)}
	l.mu.Lock()
	s.heard[h] = true
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(s.heard, h)
	}()
	if err := l.trouble(s); err != nil {
		return err
	}
	changed()
	hear := make(chan struct{}, 1)
	lost := make(chan error, 1)
	if reader, ok := s.config.Reader.(watches); ok {
		watching, stop := context.WithCancel(ctx)
		done := make(chan struct{})
		go func() {
			defer close(done)
			lost <- reader.Watch(watching, func() {
				select {
				case hear <- struct{}{}:
				default: // there is one already
				}
			})
		}()
		defer func() { stop(); <-done }()
	}
	ticks := time.NewTicker(flushEvery)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-lost:
			if ctx.Err() != nil {
				return nil
			}
			return err
		case <-hear:
			changed()
		case <-h.signal:
			l.mu.Lock()
			names := slices.Sorted(maps.Keys(h.scopes))
			clear(h.scopes)
			l.mu.Unlock()
			if len(names) > 0 {
				changed(names...)
			}
		case <-ticks.C:
			if err := l.trouble(s); err != nil {
				return err
			}
		}
	}
}

// trouble is why a source does not hear of everything, or does not keep it.
func (l *Ledger) trouble(s *source) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.failing.err != nil && l.config.Now().Sub(l.failing.since) >= unheard:
		return fmt.Errorf("what is counted is only in memory since %s: %w", l.failing.since.UTC().Format(time.RFC3339), l.failing.err)
	case s.deaf != nil:
		return &scanners.DeafError{Err: s.deaf}
	}
	return nil
}

// listening is the sink of a listener.
type listening struct{ reading }

var (
	_ scanners.TrafficSink = (*reading)(nil)
	_ scanners.TrafficSink = (*listening)(nil)
)

// Report implements [scanners.TrafficSink]: nothing of what a listener hears is a scope.
func (*listening) Report(context.Context, scanners.Scope) error { return nil }

// Replace implements [scanners.TrafficSink].
func (r *listening) Replace(ctx context.Context, writer string, hour traffic.Hour, counts *traffic.Counts) error {
	return r.reading.Replace(ctx, writer, hour, counts)
}
