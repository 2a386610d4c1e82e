package ingest

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/tidwall/btree"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// state is what the store holds at one revision.
type state struct {
	revision graph.Revision
	time     time.Time // of the newest commit
	dated    bool      // the store tells the same time of the revision, or an earlier one
	sources  map[string]*holding
}

func newState() *state { return &state{sources: make(map[string]*holding)} }

// holding is what the store holds of one source, with counts that are kept while documents come and go.
type holding struct {
	scopes btree.Map[string, []entry] // by name; entries sorted by key
	places *btree.BTreeG[place]       // of all documents with claims
	// documents have claims; stale of them are stale, held ones included. entities are their distinct subjects.
	documents, stale, entities int
	lost                       map[string]int64 // errors, by code
	held                       map[heldID]heldAs
	removal                    *graph.HeldRemoval // sums up held, without Since, Of and Reason; nil = to be made, or nothing

	status    status
	scanned   bool    // there is a status
	cursor    chunks  // what the scanner returned; may be empty
	requested request // of the newest one for a scan; zero = there never was one
	delivered delivered
}

// place says how many documents of one scope have one subject.
type place struct {
	subject, scope string
	count          int
}

// heldID names a held document within its source.
type heldID struct{ scope, key string }

// heldAs says whom a held document is about.
type heldAs struct {
	subject string
	ref     catalog.Ref // "" = the subject is an alias
}

func newHolding() *holding {
	return &holding{
		places: btree.NewBTreeGOptions(func(a, b place) bool {
			return cmp.Or(cmp.Compare(a.subject, b.subject), cmp.Compare(a.scope, b.scope)) < 0
		}, btree.Options{NoLocks: true}),
		lost: make(map[string]int64), held: make(map[heldID]heldAs),
	}
}

// of is what is held of a source, maybe nothing. It is not to be written to.
func (s *state) of(source string) *holding {
	if h := s.sources[source]; h != nil {
		return h
	}
	return newHolding()
}

// scope is what is held of a scope. h may be nil.
func (h *holding) scope(name string) []entry {
	if h == nil {
		return nil
	}
	entries, _ := h.scopes.Get(name)
	return entries
}

// put holds one more document, in place of the one with its ID.
func (s *state) put(id catalog.DocumentID, e entry) {
	h := s.sources[id.Source]
	if h == nil {
		h = newHolding()
		s.sources[id.Source] = h
	}
	entries := h.scope(id.Scope)
	i, found := findKey(entries, e.key)
	if found {
		h.count(id.Scope, entries[i], -1)
		entries[i] = e
	} else {
		entries = slices.Insert(entries, i, e)
	}
	h.count(id.Scope, e, 1)
	h.scopes.Set(id.Scope, entries)
}

// replace replaces the documents of one scope.
func (s *state) replace(source, scope string, entries []entry) {
	h := s.sources[source]
	if h == nil {
		h = newHolding()
		s.sources[source] = h
	}
	before := h.scope(scope)
	for _, e := range before {
		h.count(scope, e, -1)
	}
	for _, e := range entries {
		h.count(scope, e, 1)
	}
	if len(entries) > 0 {
		h.scopes.Set(scope, entries)
	} else {
		h.scopes.Delete(scope)
	}
	s.tidy(source)
}

// tidy forgets a source of which nothing is left.
func (s *state) tidy(source string) {
	if h := s.sources[source]; h != nil && h.scopes.Len() == 0 && !h.scanned && len(h.cursor) == 0 && h.requested.none() && h.delivered == nil {
		delete(s.sources, source)
	}
}

// count adds a document to the counts, or takes it off by -1.
func (h *holding) count(scope string, e entry, by int) {
	for code, n := range e.lost {
		h.lost[code] += int64(by) * n
		if h.lost[code] == 0 {
			delete(h.lost, code)
		}
	}
	if e.subject == "" {
		return
	}
	h.documents += by
	if e.stale() {
		h.stale += by
	}
	if e.held() {
		h.removal = nil
		if id := (heldID{scope, e.key}); by > 0 {
			as := heldAs{subject: e.subject}
			if e.marks.why != nil {
				as.ref = e.marks.why.Ref
			}
			h.held[id] = as
		} else {
			delete(h.held, id)
		}
	}
	at, _ := h.places.Get(place{subject: e.subject, scope: scope})
	if at.count == 0 {
		at.subject, at.scope = e.subject, scope
		if by > 0 && !h.has(e.subject) {
			h.entities++
		}
	}
	if at.count += by; at.count > 0 {
		h.places.Set(at)
		return
	}
	h.places.Delete(at)
	if !h.has(e.subject) {
		h.entities--
	}
}

// has says whether a document with the subject is held.
func (h *holding) has(subject string) bool {
	for range h.about(subject) {
		return true
	}
	return false
}

// about yields where documents with the subject are.
func (h *holding) about(subject string) iter.Seq[place] {
	return func(yield func(place) bool) {
		h.places.Ascend(place{subject: subject}, func(at place) bool {
			return at.subject == subject && yield(at)
		})
	}
}

// setState takes one of our state documents; those of others are none of our business.
func (s *state) setState(document graph.State) {
	if document.Source == "" {
		if document.Name == newestName {
			s.time = decodeTime(document.Data)
		}
		return
	}
	h := s.sources[document.Source]
	if h == nil {
		h = newHolding()
		s.sources[document.Source] = h
	}
	switch document.Name {
	case statusName:
		h.status, h.scanned = decodeStatus(document.Data), document.Data != nil
	case requestedName:
		h.requested = decodeRequest(document.Data)
	case deliveredName:
		h.delivered = decodeDelivered(document.Data)
	default:
		if i, ok := chunkIndex(document.Name); ok {
			h.cursor = h.cursor.with(i, document.Data)
		}
	}
	s.tidy(document.Source)
}

// share puts what is held already in place of new documents that say the same, so that a scan that finds nothing new
// keeps nothing twice. The entries may have any order.
func (c *Catalog) share(source, scope string, entries []entry) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	held := c.state.sources[source].scope(scope)
	for i, e := range entries {
		if at, found := findKey(held, e.key); found {
			entries[i] = e.like(held[at])
		}
	}
}

// sourceIDs are those that hold documents or have been scanned.
func (s *state) sourceIDs() []string { return slices.Sorted(maps.Keys(s.sources)) }

func findKey(entries []entry, key string) (int, bool) {
	return slices.BinarySearchFunc(entries, key, func(e entry, key string) int { return cmp.Compare(e.key, key) })
}
