package ingest

import (
	"bytes"
	"maps"
	"slices"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// state is what the store holds at one revision.
type state struct {
	revision graph.Revision
	time     time.Time // of the newest commit
	// documents counts the revisions that changed documents, so that one that did not needs no merge.
	documents uint64
	held      map[string]map[string][]entry // by source and scope; entries sorted by key
	status    map[string]status             // by source
	cursor    map[string][]byte             // what the scanner of a source returned, by source
}

func newState() *state {
	return &state{
		held: make(map[string]map[string][]entry), status: make(map[string]status), cursor: make(map[string][]byte),
	}
}

// entry is one held document.
type entry struct {
	key    string
	packed []byte // by graph.EncodeDocument; never written to
	claims bool   // it has some
	stale  bool
}

func newEntry(document *catalog.Document) (entry, error) {
	packed, err := graph.EncodeDocument(document)
	return entry{key: document.ID.Key, packed: packed, claims: len(document.Claims) > 0, stale: document.Stale}, err
}

func (e entry) document() (*catalog.Document, error) { return graph.DecodeDocument(e.packed) }

// put holds one more document, in place of the one with its ID.
func (s *state) put(id catalog.DocumentID, e entry) {
	entries := s.held[id.Source][id.Scope]
	i, found := findKey(entries, e.key)
	if found {
		entries[i] = e
	} else {
		entries = slices.Insert(entries, i, e)
	}
	s.set(id.Source, id.Scope, entries)
}

// remove forgets one document.
func (s *state) remove(id catalog.DocumentID) {
	entries := s.held[id.Source][id.Scope]
	if i, found := findKey(entries, id.Key); found {
		s.set(id.Source, id.Scope, slices.Delete(entries, i, i+1))
	}
}

// set replaces the documents of one scope.
func (s *state) set(source, scope string, entries []entry) {
	scopes := s.held[source]
	switch {
	case len(entries) > 0 && scopes == nil:
		s.held[source] = map[string][]entry{scope: entries}
	case len(entries) > 0:
		scopes[scope] = entries
	default:
		delete(scopes, scope)
		if len(scopes) == 0 {
			delete(s.held, source)
		}
	}
}

// setState takes one of our state documents; those of others are none of our business.
func (s *state) setState(document graph.State) {
	switch document.Name {
	case statusName:
		s.status[document.Source] = decodeStatus(document.Data)
		if document.Data == nil {
			delete(s.status, document.Source)
		}
	case cursorName:
		s.cursor[document.Source] = document.Data
		if document.Data == nil {
			delete(s.cursor, document.Source)
		}
	}
}

// newest is the end of the latest scan: each commit of a Catalog is the end of one.
func (s *state) newest() time.Time {
	var newest time.Time
	for _, status := range s.status {
		if status.LastScan.After(newest) {
			newest = status.LastScan
		}
	}
	return newest
}

// share puts the documents that are held already in place of new ones that are equal, so that a scan that finds nothing
// new keeps nothing twice. The entries may have any order.
func (c *Catalog) share(source, scope string, entries []entry) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	held := c.state.held[source][scope]
	for i, e := range entries {
		if at, found := findKey(held, e.key); found && bytes.Equal(held[at].packed, e.packed) {
			entries[i] = held[at]
		}
	}
}

// packed lists all documents, in no order.
func (s *state) packed() [][]byte {
	var all [][]byte
	for _, scopes := range s.held {
		for _, entries := range scopes {
			for _, e := range entries {
				all = append(all, e.packed)
			}
		}
	}
	return all
}

// sourceIDs are those that hold documents or have been scanned.
func (s *state) sourceIDs() []string {
	ids := make(map[string]bool)
	for id := range s.held {
		ids[id] = true
	}
	for id := range s.status {
		ids[id] = true
	}
	return slices.Sorted(maps.Keys(ids))
}

func findKey(entries []entry, key string) (int, bool) {
	return slices.BinarySearchFunc(entries, key, func(e entry, key string) int {
		switch {
		case e.key < key:
			return -1
		case e.key > key:
			return 1
		default:
			return 0
		}
	})
}
