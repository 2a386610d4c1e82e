package resolve

import (
	"context"
	"iter"
	"strings"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/schema/gen"
)

// Complete offers described entities before those that are only referred to, each entity once.
func (queryResolver) Complete(ctx context.Context, prefix string, first *int, _ *time.Time) ([]*gen.Completion, error) {
	limit := 20
	if first != nil {
		limit = *first
	}
	if limit < 0 || limit > maxListed {
		return nil, badInput("first is %d; it must be from 0 to %d", limit, maxListed)
	}
	snapshot := snapshotOf(ctx)
	prefix = strings.ToLower(prefix)
	var fits iter.Seq2[string, *catalog.Entity]
	switch {
	case strings.Contains(prefix, ":"):
		fits = refsFrom(snapshot, prefix)
	case strings.Contains(prefix, "/"):
		fits = qualifiedFrom(snapshot, prefix)
	default:
		fits = namesFrom(snapshot, prefix)
	}
	var described, others []*gen.Completion
	for text, entity := range fits {
		switch {
		case len(described) == limit:
			return described, nil
		case entity.Placeholder:
			if len(others) < limit {
				others = append(others, &gen.Completion{Text: text, Entity: entity})
			}
		default:
			described = append(described, &gen.Completion{Text: text, Entity: entity})
		}
	}
	return append(described, others[:min(len(others), limit-len(described))]...), nil
}

// namesFrom yields the entities whose name begins so, by name.
func namesFrom(snapshot *graph.Snapshot, prefix string) iter.Seq2[string, *catalog.Entity] {
	before := catalog.Ref("\x00:/" + prefix) // of all entities of that very name the first
	return func(yield func(string, *catalog.Entity) bool) {
		for e := range snapshot.EntitiesByName(before) {
			if name := e.Ref.Name(); !strings.HasPrefix(name, prefix) || !yield(name, e) {
				return
			}
		}
	}
}

// qualifiedFrom yields the entities whose `namespace/name` begins so, by ref.
func qualifiedFrom(snapshot *graph.Snapshot, prefix string) iter.Seq2[string, *catalog.Entity] {
	return func(yield func(string, *catalog.Entity) bool) {
		for e := range snapshot.Entities("") {
			if _, text, _ := strings.Cut(string(e.Ref), ":"); strings.HasPrefix(text, prefix) && !yield(text, e) {
				return
			}
		}
	}
}

// refsFrom yields the entities whose ref begins so, by ref; first in the short form that leaves the default namespace out.
func refsFrom(snapshot *graph.Snapshot, prefix string) iter.Seq2[string, *catalog.Entity] {
	return func(yield func(string, *catalog.Entity) bool) {
		kind, rest, _ := strings.Cut(prefix, ":")
		full := kind + ":" + catalog.DefaultNamespace + "/"
		for e := range startingWith(snapshot, full+rest) {
			if !yield(kind+":"+e.Ref.Name(), e) {
				return
			}
		}
		for e := range startingWith(snapshot, prefix) {
			// In the short form already, unless so much was typed that only the whole ref fits.
			short := strings.HasPrefix(string(e.Ref), full+rest) || strings.HasPrefix(string(e.Ref), full) && rest == ""
			if !short && !yield(string(e.Ref), e) {
				return
			}
		}
	}
}

// startingWith yields the entities whose ref begins so.
func startingWith(snapshot *graph.Snapshot, prefix string) iter.Seq[*catalog.Entity] {
	last := len(prefix) - 1 // there is a colon at least
	before := prefix[:last] + string([]byte{prefix[last] - 1, 0xff})
	return func(yield func(*catalog.Entity) bool) {
		for e := range snapshot.Entities(catalog.Ref(before)) {
			if !strings.HasPrefix(string(e.Ref), prefix) || !yield(e) {
				return
			}
		}
	}
}
