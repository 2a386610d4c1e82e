package graph

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/orrery-catalog/orrery/catalog"
)

// Digest is one hash, in hexadecimal, that is equal for equal graphs on whichever engine they are kept.
//
// In it are: every entity with all that its descriptor says, its facts, its aliases and how they were matched, and the
// place it was read from; every relation with its strength, role, group, environment and details; and the kind, place, environment and
// staleness of each piece of evidence. Not in it are: the revision and its time, the ids and states of sources, problems,
// when and how often something was seen (so that all numbers of traffic change nothing), at which commit a place was read
// (so that a push which changes nothing of a graph leaves it equal), and the needs by way of topics, as they follow from the
// rest.
func Digest(s *Snapshot) string {
	hash := sha256.New()
	w := bufio.NewWriterSize(hash, 1<<16)
	for entity := range s.Entities("") {
		digestEntity(w, entity)
	}
	for edge := range s.Edges() {
		digestEdge(w, edge)
	}
	_ = w.Flush()
	return hex.EncodeToString(hash.Sum(nil))
}

// put writes to what cannot fail: a hash takes everything.
func put(w *bufio.Writer, format string, values ...any) { _, _ = fmt.Fprintf(w, format, values...) }

// digestEntity writes texts quoted, so that no two entities read the same.
func digestEntity(w *bufio.Writer, entity *catalog.Entity) {
	d := &entity.Descriptor
	put(w, "entity %q %q %q %q %q %q %q %q %q", d.Ref, d.Kind, d.Namespace, d.Name, d.Title, d.Description,
		d.Type, d.Lifecycle, d.Owner)
	put(w, " %q %q %q %q", d.Labels, d.Annotations, d.Tags, d.Links)
	for _, alias := range entity.Aliases {
		put(w, " alias %q %q", alias.Alias, alias.MatchedBy)
	}
	if d.Profile != nil {
		put(w, " profile %q", *d.Profile)
	}
	if d.SLO != nil {
		put(w, " slo %v", *d.SLO)
	}
	if d.Capacity != nil {
		put(w, " capacity %v", *d.Capacity)
	}
	if entity.Found {
		put(w, " found")
	}
	if entity.Entry != catalog.EntryUnknown {
		put(w, " entry %d", entity.Entry)
	}
	for _, hint := range entity.OwnerHints {
		put(w, " hint %q %q %d %q", hint.Name, hint.Location, hint.Line, hint.Reason)
	}
	digestFacts(w, entity.Facts)
	put(w, " %t %t %t %d", entity.Placeholder, entity.Discovered, entity.Stale, entity.Line)
	digestOrigin(w, entity.Origin)
}

// digestFacts writes facts as they are stored, which is one way for equal ones. What cannot be stored is in no graph.
func digestFacts(w *bufio.Writer, facts *catalog.Facts) {
	if facts == nil {
		return
	}
	if modes, err := documentCodec(); err == nil {
		packed, _ := modes.encoding.Marshal(facts)
		put(w, " facts %x", packed)
	}
}

func digestEdge(w *bufio.Writer, edge *catalog.Edge) {
	put(w, "edge %q %q %s %s %s %t %q %q", edge.From, edge.To, edge.Type, edge.Strength, edge.Role, edge.Stale,
		edge.AnyOf, edge.Environment)
	if edge.Details != nil {
		put(w, " details %q %v %v %q", edge.Details.Fallback, edge.Details.CallsPerRequest, edge.Details.Timeout,
			edge.Details.Protocol)
	}
	for i := range edge.Evidence {
		evidence := &edge.Evidence[i]
		if i > 0 && isSamePlace(evidence, &edge.Evidence[i-1]) && evidence.Stale == edge.Evidence[i-1].Stale {
			continue // one more flow
		}
		put(w, "\nevidence %s %t %d", evidence.Kind, evidence.Stale, evidence.Line)
		digestOrigin(w, evidence.Origin)
	}
	put(w, "\n")
}

func digestOrigin(w *bufio.Writer, origin *catalog.Origin) {
	if origin != nil {
		put(w, " at %q %q", origin.Location, origin.Environment)
	}
	put(w, "\n")
}
