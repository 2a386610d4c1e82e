package graph

import (
	"cmp"
	"slices"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
)

// LastSeen is when a piece of evidence was seen last: traffic, when it was counted last, and what is not stale, in the last
// good scan of its source. Zero = unknown.
func (s *Snapshot) LastSeen(evidence *catalog.Evidence) time.Time {
	if flow := s.flow(evidence); flow != nil && !flow.Last.IsZero() {
		return flow.Last
	}
	return s.lastSeen(evidence.LastSeen, evidence.Stale, evidence.Origin)
}

// EntityLastSeen is when what is known of an entity was seen last, by the same rule. Zero = unknown, as of a placeholder.
func (s *Snapshot) EntityLastSeen(e *catalog.Entity) time.Time {
	origin := e.Origin
	for i := 0; origin == nil && i < len(e.Aliases); i++ {
		origin = e.Aliases[i].Origin
	}
	return s.lastSeen(e.LastSeen, e.Stale, origin)
}

func (s *Snapshot) lastSeen(at catalog.Instant, stale bool, origin *catalog.Origin) time.Time {
	if at != 0 || stale || origin == nil {
		return at.Time()
	}
	sources := s.Sources()
	i, found := slices.BinarySearchFunc(sources, origin.Source, func(source Source, id string) int {
		return cmp.Compare(source.ID, id)
	})
	if !found {
		return time.Time{}
	}
	return sources[i].LastGood
}
