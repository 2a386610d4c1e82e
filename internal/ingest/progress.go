package ingest

import (
	"context"
	"iter"
	"maps"
	"slices"
	"sync"

	"github.com/orrery-catalog/orrery/graph"
)

// progress tells listeners how far scans are. It keeps two things of each source, its newest step and its newest end, and
// each listener takes what it has not seen when it comes to it: nobody waits for a listener, and none takes memory.
type progress struct {
	mu    sync.Mutex
	count uint64 // of everything told
	steps map[string]told
	ends  map[string]told
	more  chan struct{} // closed when more is told
}

// told is one thing that was told, with its place in the order.
type told struct {
	number uint64
	graph.ScanProgress
}

func newProgress() *progress {
	return &progress{steps: make(map[string]told), ends: make(map[string]told), more: make(chan struct{})}
}

func (p *progress) tell(now graph.ScanProgress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count++
	if now.Done {
		p.ends[now.Source] = told{p.count, now}
		delete(p.steps, now.Source)
	} else {
		p.steps[now.Source] = told{p.count, now}
	}
	close(p.more)
	p.more = make(chan struct{})
}

// after is what was told after a number, in order, and a channel that is closed when there is more.
func (p *progress) after(number uint64) ([]told, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var news []told
	for _, kept := range []map[string]told{p.steps, p.ends} {
		for t := range maps.Values(kept) {
			if t.number > number {
				news = append(news, t)
			}
		}
	}
	slices.SortFunc(news, func(a, b told) int { return int(a.number) - int(b.number) })
	return news, p.more
}

// Progress yields how far scans are, from those under way on, until ctx ends. Whoever is slow misses steps, and never the
// end of a scan, but for those after which another scan of the same source has ended.
func (c *Catalog) Progress(ctx context.Context) iter.Seq[graph.ScanProgress] {
	return func(yield func(graph.ScanProgress) bool) {
		c.progress.mu.Lock()
		seen := c.progress.count
		running := slices.SortedFunc(maps.Values(c.progress.steps), func(a, b told) int { return int(a.number) - int(b.number) })
		c.progress.mu.Unlock()
		for _, t := range running {
			if !yield(t.ScanProgress) {
				return
			}
		}
		for {
			news, more := c.progress.after(seen)
			for _, t := range news {
				if ctx.Err() != nil || !yield(t.ScanProgress) {
					return
				}
				seen = t.number
			}
			if len(news) > 0 {
				continue
			}
			select {
			case <-more:
			case <-ctx.Done():
				return
			}
		}
	}
}
