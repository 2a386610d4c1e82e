package ingest

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// The limits over which removals wait for a person: more than heldShare percent of the entities of a source and more
// than heldCount of them, or all of a source that had more than one.
const (
	heldShare = 20
	heldCount = 20
)

// lossWindow is the time in which what the scans of a watched source remove counts together: who hears of changes as they
// happen sees a folder that is deleted slowly as many small removals.
const lossWindow = 10 * time.Minute

// tooMuch says whether so many of the entities of a source may not go without a person's word.
func tooMuch(gone, of int) bool {
	return gone == of && of > 1 || gone > heldCount && gone*100 > of*heldShare
}

// heldReason says which limit holds a removal from a source that has so many entities now.
func heldReason(gone, of, now int) string {
	if gone == of {
		return fmt.Sprintf("all %d entities of the source would go", of)
	}
	if !tooMuch(gone, of) {
		return fmt.Sprintf("%d of %d entities would go after %d that went just before: together more than %d %% and more than %d, or all",
			gone, of, max(of-now, 0), heldShare, heldCount)
	}
	return fmt.Sprintf("%d of %d entities would go: more than %d %% and more than %d", gone, of, heldShare, heldCount)
}

// brake holds what is missing, if that is too much to go. An entity goes with the last document about it: one that was
// moved is not missing, nor is one that was taken away and of which the source says so. The rule is applied anew to all that
// is missing, also since earlier scans.
func (w *settling) brake() error {
	for subject := range w.taken {
		delete(w.missing, subject)
	}
	if len(w.missing) == 0 || w.source.Ages {
		return nil
	}
	for _, after := range w.scopes {
		for _, e := range after {
			delete(w.missing, e.subject)
		}
	}
	for subject, documents := range w.missing {
		had := 0
		for at := range w.held.about(subject) {
			had += at.count
		}
		if had > len(documents) { // there is one in a scope that does not change
			delete(w.missing, subject)
		}
	}
	of := w.held.entities
	if since := w.held.status.HeldOf; len(w.held.held) > 0 && since > 0 {
		// What came since the first was missed does not make the loss smaller: a source that now shows other things altogether
		// would lose the first ones with its second scan.
		of = max(since, len(w.missing))
	}
	if !tooMuch(len(w.missing), of) { // by itself; but maybe with what went just before
		of = max(of, w.counted)
		if before := of - w.held.entities; before <= 0 || !tooMuch(before+len(w.missing), of) {
			return nil
		}
	}
	w.heldOf = of
	back := make(map[string][]entry) // by scope
	for _, documents := range w.missing {
		for _, m := range documents {
			stays, err := m.entry.asHeld(w.source.ID, w.seen)
			if err != nil {
				return err
			}
			back[m.scope] = append(back[m.scope], stays)
		}
	}
	for scope, stay := range back {
		after := slices.SortedFunc(slices.Values(slices.Concat(w.scopes[scope], stay)), compareKeys)
		if equal(w.held.scope(scope), after) {
			delete(w.scopes, scope)
		} else {
			w.scopes[scope] = after
		}
	}
	return nil
}

// counts is how many entities a source had before what went shortly before now; 0 = nothing that counts did.
func (s *status) counts(now time.Time) int {
	if since := now.Sub(s.CountedSince); since < 0 || since >= lossWindow {
		return 0
	}
	return s.Counted
}

// count remembers how many entities there were before a scan of a watched source that removes some.
func (s *status) count(was status, entities int, removes bool, now time.Time) {
	s.Counted, s.CountedSince = was.counts(now), was.CountedSince
	if s.Counted == 0 {
		s.CountedSince = time.Time{}
		if !removes {
			return
		}
		s.CountedSince = now.UTC()
	}
	s.Counted = max(s.Counted, entities)
}

// departed counts the entities that go because the source says that they were taken away.
func (w *settling) departed() int {
	stays := make(map[string]bool)
	for _, entries := range w.scopes {
		for _, e := range entries {
			stays[e.subject] = true
		}
	}
	n := 0
	for subject := range w.taken {
		for at := range w.held.about(subject) {
			_, changes := w.scopes[at.scope]
			stays[subject] = stays[subject] || !changes
		}
		if !stays[subject] {
			n++
		}
	}
	return n
}

// awaits is what waits for a person; nil = nothing. summarize was called since the last change.
func (h *holding) awaits() *graph.HeldRemoval {
	if h == nil || h.removal == nil {
		return nil
	}
	removal := *h.removal
	removal.Since, removal.Of = h.status.HeldSince, h.status.HeldOf
	removal.Reason = heldReason(removal.Entities, removal.Of, h.entities)
	if h.status.Retired {
		removal.Reason = "the source is no longer configured, and " + removal.Reason
	}
	return &removal
}

// summarize works out what is held, if that has changed.
func (h *holding) summarize() {
	if len(h.held) == 0 || h.removal != nil {
		return
	}
	ids := slices.SortedFunc(maps.Keys(h.held), func(a, b heldID) int {
		return cmp.Or(cmp.Compare(a.scope, b.scope), cmp.Compare(a.key, b.key))
	})
	hash := sha256.New()
	subjects := make(map[string]catalog.Ref)
	for _, id := range ids {
		_, _ = fmt.Fprintf(hash, "%q %q\n", id.scope, id.key) // a hash takes everything
		subjects[h.held[id].subject] = h.held[id].ref
	}
	removal := &graph.HeldRemoval{Digest: hex.EncodeToString(hash.Sum(nil)[:16]), Entities: len(subjects)}
	for _, subject := range slices.Sorted(maps.Keys(subjects)) {
		if ref := subjects[subject]; ref != "" && len(removal.Refs) < graph.MaxHeldRefs {
			removal.Refs = append(removal.Refs, ref)
		}
	}
	h.removal = removal
}
