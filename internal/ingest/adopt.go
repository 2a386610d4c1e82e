package ingest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// adoptLocked makes commits of others, in order, a part of the state and publishes them together. Those that are known
// already, as they are of this process or were caught up with, are left out. It costs what the commits touch. An error
// changes nothing. The caller holds committing.
func (c *Catalog) adoptLocked(commits []graph.Commit) error {
	known := 0
	for known < len(commits) && commits[known].Revision <= c.state.revision {
		known++
	}
	if commits = commits[known:]; len(commits) == 0 {
		return nil
	}
	if next := c.state.revision + 1; commits[0].Revision != next {
		return fmt.Errorf("the store told revision %d where %d was next", commits[0].Revision, next)
	}
	news := make(map[catalog.DocumentID]*catalog.Document) // nil = removed
	var states []graph.State
	for _, commit := range commits {
		for _, id := range commit.Remove {
			news[id] = nil
		}
		for _, document := range commit.Put {
			news[document.ID] = document
		}
		states = append(states, commit.States...)
	}
	ids := slices.SortedFunc(maps.Keys(news), compareIDs)
	entries := make([]amendment, len(ids))
	var remove []catalog.DocumentID
	var put []*catalog.Document
	for i, id := range ids {
		document := news[id]
		if document == nil {
			remove, entries[i].gone = append(remove, id), true
			entries[i].key = id.Key
			continue
		}
		var err error
		if entries[i].entry, err = newEntry(document); err != nil {
			return err
		}
		put = append(put, document)
	}
	change := c.merge(remove, put)
	last := commits[len(commits)-1]
	c.mu.Lock()
	touched := make(map[string]bool)
	for from := 0; from < len(ids); {
		to := from + 1
		for to < len(ids) && ids[to].Source == ids[from].Source && ids[to].Scope == ids[from].Scope {
			to++
		}
		touched[ids[from].Source] = true
		c.state.amend(ids[from].Source, ids[from].Scope, entries[from:to])
		from = to
	}
	for _, state := range states {
		touched[state.Source] = true
		c.state.setState(state)
	}
	c.state.revision, c.state.time, c.state.dated = last.Revision, last.Time, true
	for source := range touched {
		if h := c.state.sources[source]; h != nil {
			h.summarize()
		}
	}
	c.mu.Unlock()
	c.publish(change)
	c.called(states)
	return nil
}

func compareIDs(a, b catalog.DocumentID) int {
	return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Scope, b.Scope), cmp.Compare(a.Key, b.Key))
}

// amendment puts an entry in the place of the one with its key, or takes that away.
type amendment struct {
	entry
	gone bool
}

// amend changes some of the documents of a scope. The news are sorted by key. Nobody has hold of the entries but the state.
func (s *state) amend(source, scope string, news []amendment) {
	h := s.sources[source]
	if h == nil {
		h = newHolding()
		s.sources[source] = h
	}
	entries := h.scope(scope)
	var others []amendment // that are not just put in the place of what is there
	for _, now := range news {
		at, found := findKey(entries, now.key)
		if found {
			h.count(scope, entries[at], -1)
		}
		if !now.gone {
			h.count(scope, now.entry, 1)
		}
		switch {
		case found && !now.gone:
			entries[at] = now.entry
		case found || !now.gone:
			others = append(others, now)
		}
	}
	if len(others) > 0 {
		entries = merged(entries, others)
	}
	if len(entries) > 0 {
		h.scopes.Set(scope, entries)
	} else {
		h.scopes.Delete(scope)
	}
	s.tidy(source)
}

// merged is a scope with what comes and without what goes.
func merged(before []entry, news []amendment) []entry {
	after := make([]entry, 0, len(before)+len(news))
	for _, now := range news {
		at, _ := findKey(before, now.key)
		after, before = append(after, before[:at]...), before[at:]
		if now.gone {
			before = before[1:]
		} else {
			after = append(after, now.entry)
		}
	}
	return append(after, before...)
}
