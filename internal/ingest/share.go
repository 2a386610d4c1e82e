package ingest

import (
	"context"
	"sync"

	"github.com/orrery-catalog/orrery/graph"
)

// shares lets those that wait for a scan of the same source share the next one.
type shares struct {
	mu   sync.Mutex
	next map[string]*shared // by source; scans that have not begun. Guarded by mu
}

// shared is a scan that several callers wait for.
type shared struct {
	callers int // guarded by shares.mu
	cancel  context.CancelCauseFunc
	done    chan struct{} // closed at the end; the rest is to be read then
	result  graph.ScanResult
	err     error
}

// join waits for a scan that has not begun yet, together with those that wait for it already. Who comes first makes it, by
// scan, which tells when it has begun. It is called off when nobody waits for it any more, and the last one who did sees
// its end; the error is then that of the caller's ctx.
func (s *shares) join(
	ctx context.Context, source string, scan func(ctx context.Context, begun func()) (graph.ScanResult, error),
) (graph.ScanResult, error) {
	s.mu.Lock()
	now := s.next[source]
	if now == nil {
		now = &shared{done: make(chan struct{})}
		s.next[source] = now
		scanning, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
		now.cancel = cancel
		go func() {
			defer close(now.done)
			defer cancel(nil)
			begun := func() {
				s.mu.Lock()
				defer s.mu.Unlock()
				s.closeLocked(source, now)
			}
			now.result, now.err = scan(scanning, begun)
			begun() // it may have failed before
		}()
	}
	now.callers++
	s.mu.Unlock()
	select {
	case <-now.done:
		return now.result, now.err
	case <-ctx.Done():
	}
	s.mu.Lock()
	now.callers--
	last := now.callers == 0
	if last {
		s.closeLocked(source, now)
		now.cancel(context.Cause(ctx))
	}
	s.mu.Unlock()
	if last {
		<-now.done
	}
	return graph.ScanResult{}, context.Cause(ctx)
}

// closeLocked lets nobody join any more. The caller holds mu.
func (s *shares) closeLocked(source string, now *shared) {
	if s.next[source] == now {
		delete(s.next, source)
	}
}
