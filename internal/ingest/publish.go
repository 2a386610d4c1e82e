package ingest

import (
	"fmt"
	"iter"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// merged is the newest merge, kept because many commits change no document.
type merged struct {
	documents uint64 // the state.documents that it shows
	model     *catalog.Model
	lost      lost
}

// lost counts the documents that were not accepted, by source and code of the problem.
type lost map[string]map[string]int64

func (l lost) count(document *catalog.Document) {
	for i := range document.Problems {
		if document.Problems[i].Severity != catalog.Error {
			continue
		}
		codes := l[document.ID.Source]
		if codes == nil {
			codes = make(map[string]int64)
			l[document.ID.Source] = codes
		}
		codes[document.Problems[i].Code]++
	}
}

// merge merges documents as they come.
func (c *Catalog) merge(version uint64, documents iter.Seq2[*catalog.Document, error]) (merged, error) {
	result := merged{documents: version, lost: make(lost)}
	var failed error
	result.model = catalog.Merge(func(yield func(*catalog.Document) bool) {
		for document, err := range documents {
			if err != nil {
				failed = err
				return
			}
			result.lost.count(document)
			if !yield(document) {
				return
			}
		}
	}, c.config.Merge)
	return result, failed
}

// publish makes the Snapshot of the present state, unless it is there or nothing was ever committed. While one goroutine merges, those that commit
// meanwhile wait, and the first of them then publishes for all.
func (c *Catalog) publish() error {
	c.publishing.Lock()
	defer c.publishing.Unlock()

	c.mu.RLock()
	revision, version := c.state.revision, c.state.documents
	var packed [][]byte
	stands := c.merged.model != nil && c.merged.documents == version
	if !stands {
		packed = c.state.packed()
	}
	sources := c.describeAll()
	time := c.state.time
	c.mu.RUnlock()

	old := c.Snapshot()
	if revision == 0 || old != nil && old.Revision() == revision {
		return nil
	}
	if !stands {
		next, err := c.merge(version, unpack(packed))
		if err != nil {
			return fmt.Errorf("merge revision %d: %w", revision, err)
		}
		c.merged = next
	}
	for i := range sources {
		sources[i].Lost = c.merged.lost[sources[i].ID]
	}
	if stands && old != nil {
		c.show(old.Apply(nil, revision, time, sources))
	} else {
		c.show(graph.Build(graph.Input{Revision: revision, Time: time, Model: c.merged.model, Sources: sources}))
	}
	return nil
}

// show replaces the Snapshot and wakes those that wait for it.
func (c *Catalog) show(snapshot *graph.Snapshot) {
	c.snapshot.Store(snapshot)
	next := make(chan struct{})
	close(*c.changed.Swap(&next))
}

func unpack(packed [][]byte) iter.Seq2[*catalog.Document, error] {
	return func(yield func(*catalog.Document, error) bool) {
		for _, bytes := range packed {
			if !yield(graph.DecodeDocument(bytes)) {
				return
			}
		}
	}
}
