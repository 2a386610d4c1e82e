package ingest

import (
	"context"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// publish makes the Snapshot of the present state, which differs from the newest one by the change (nil = in no document).
// Only the holder of committing may call it.
func (c *Catalog) publish(change *catalog.ModelChange) {
	old := c.Snapshot()
	if old == nil {
		old = graph.Build(graph.Input{})
	}
	c.show(c.follow(old, change))
}

// follow is the Snapshot of the present state that comes after another one.
func (c *Catalog) follow(old *graph.Snapshot, change *catalog.ModelChange) *graph.Snapshot {
	defer c.metrics.buildTime()()
	return old.Apply(change, c.state.revision, c.state.time, nil)
}

// show replaces the Snapshot by one of the present state, with what is known of the sources, and wakes those that wait
// for it.
func (c *Catalog) show(snapshot *graph.Snapshot) {
	c.publishing.Lock()
	defer c.publishing.Unlock()
	c.mu.RLock()
	sources := c.describeAll()
	c.mu.RUnlock()
	snapshot = snapshot.Apply(nil, snapshot.Revision(), snapshot.Time(), sources)
	if c.config.Traffic != nil {
		snapshot = snapshot.WithTraffic(c.config.Traffic.Numbers())
	}
	c.snapshot.Store(snapshot)
	c.wake()
}

// numbersPause is the least time between two Snapshots that differ in numbers of traffic alone.
const numbersPause = 2 * time.Second

// followTraffic shows newer numbers of traffic beside the newest state, until ctx ends.
func (c *Catalog) followTraffic(ctx context.Context) {
	for {
		changed := c.config.Traffic.Changed()
		c.showTraffic()
		select {
		case <-changed:
			pause(ctx, numbersPause)
		case <-ctx.Done():
			return
		}
	}
}

func (c *Catalog) showTraffic() {
	c.publishing.Lock()
	defer c.publishing.Unlock()
	old, now := c.Snapshot(), c.config.Traffic.Numbers()
	if old == nil || old.Traffic() != nil && old.Traffic().Version() == now.Version() {
		return
	}
	c.snapshot.Store(old.WithTraffic(now))
	c.wake()
}

// wake tells those that wait that there is a newer Snapshot.
func (c *Catalog) wake() {
	next := make(chan struct{})
	close(*c.changed.Swap(&next))
}
