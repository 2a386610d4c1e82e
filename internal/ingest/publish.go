package ingest

import (
	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// publish makes the Snapshot of the present state, which differs from the newest one by the change (nil = in no document).
// Only the holder of committing may call it.
func (c *Catalog) publish(change *catalog.ModelChange) {
	finish := c.metrics.buildTime()
	var next *graph.Snapshot
	if old := c.Snapshot(); old != nil {
		next = old.Apply(change, c.state.revision, c.state.time, nil)
	} else {
		next = graph.Build(graph.Input{Revision: c.state.revision, Time: c.state.time, Model: c.merger.Model()})
	}
	finish()
	c.show(next)
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
