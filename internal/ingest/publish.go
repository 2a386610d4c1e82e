package ingest

import (
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
	c.snapshot.Store(snapshot.Apply(nil, snapshot.Revision(), snapshot.Time(), sources))
	c.wake()
}

// wake tells those that wait that there is a newer Snapshot.
func (c *Catalog) wake() {
	next := make(chan struct{})
	close(*c.changed.Swap(&next))
}
