package ingest

import (
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// MaxRemembered is how many records of history are kept in memory where there is no store.
const MaxRemembered = 10_000

// memory is a history without a store.
type memory struct {
	mu        sync.Mutex
	revisions []remembered   // guarded by mu; in order, and never written to
	records   int            // guarded by mu; in all revisions
	forgotten graph.Revision // guarded by mu; revisions after it have all their records
}

// remembered is what one revision changed.
type remembered struct {
	revision graph.Revision
	time     time.Time
	changes  []graph.FieldChange
}

// add remembers what a revision changed, and forgets the oldest ones where there is too much. Of a revision that is too
// much by itself, the first records are kept.
func (m *memory) add(revision graph.Revision, time time.Time, changes []graph.FieldChange) {
	if len(changes) == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(changes) > MaxRemembered {
		changes, m.forgotten = slices.Clone(changes[:MaxRemembered]), revision
	}
	m.revisions = append(m.revisions, remembered{revision, time, changes})
	m.records += len(changes)
	for m.records > MaxRemembered {
		oldest := m.revisions[0]
		m.revisions, m.records = slices.Clone(m.revisions[1:]), m.records-len(oldest.changes)
		m.forgotten = max(m.forgotten, oldest.revision)
	}
}

// history answers as a store does.
func (m *memory) history(query graph.HistoryQuery) iter.Seq2[graph.Recorded, error] {
	return func(yield func(graph.Recorded, error) bool) {
		m.mu.Lock()
		revisions, forgotten := m.revisions, m.forgotten
		m.mu.Unlock()
		if query.After > 0 && query.After < forgotten {
			yield(graph.Recorded{}, fmt.Errorf("%w: what changed is remembered after revision %d, and what did after %d was asked for",
				graph.ErrCompacted, forgotten, query.After))
			return
		}
		wanted := make(map[catalog.Ref]bool, len(query.Refs))
		for _, ref := range query.Refs {
			wanted[ref] = true
		}
		n := 0
		for _, r := range slices.Backward(revisions) {
			from := 0
			switch {
			case r.revision <= query.After, query.Through > 0 && r.revision > query.Through,
				r.time.Before(query.Since), !query.Until.IsZero() && !r.time.Before(query.Until):
				continue
			case r.revision == query.Through:
				from = min(max(query.From, 0), len(r.changes))
			}
			for i, change := range r.changes[from:] {
				if len(wanted) > 0 && !wanted[change.Ref] {
					continue
				}
				if query.Limit > 0 && n == query.Limit {
					return
				}
				n++
				if !yield(graph.Recorded{FieldChange: change, Revision: r.revision, Time: r.time, Position: from + i}, nil) {
					return
				}
			}
		}
	}
}
