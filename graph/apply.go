package graph

import (
	"cmp"
	"slices"
	"sort"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
)

// Apply is the graph at a later revision. It shares with s all that the change does not touch; nil changes nothing.
func (s *Snapshot) Apply(change *catalog.ModelChange, revision Revision, time time.Time, sources []Source) *Snapshot {
	if change == nil || change.IsEmpty() {
		renewed := *s
		renewed.revision, renewed.time, renewed.sources = revision, time, sources
		return &renewed
	}
	model := &catalog.Model{}
	entities := make(map[catalog.Ref]*catalog.Entity)
	for _, e := range s.model.Entities {
		entities[e.Ref] = e
	}
	for _, e := range change.Entities {
		entities[e.Ref] = e.Entity
	}
	for _, e := range entities {
		if e != nil {
			model.Entities = append(model.Entities, e)
		}
	}
	slices.SortFunc(model.Entities, func(a, b *catalog.Entity) int { return cmp.Compare(a.Ref, b.Ref) })
	for _, edge := range s.model.Edges {
		i := sort.Search(len(change.Edges), func(i int) bool { return change.Edges[i].From >= edge.From })
		if i == len(change.Edges) || change.Edges[i].From != edge.From {
			model.Edges = append(model.Edges, edge)
		}
	}
	for _, row := range change.Edges {
		model.Edges = append(model.Edges, row.Edges...)
	}
	slices.SortStableFunc(model.Edges, func(a, b catalog.Edge) int { return cmp.Compare(a.From, b.From) })
	for _, p := range s.model.Problems {
		if _, gone := slices.BinarySearchFunc(change.Mended, p, catalog.CompareProblems); !gone {
			model.Problems = append(model.Problems, p)
		}
	}
	model.Problems = append(model.Problems, change.Problems...)
	slices.SortFunc(model.Problems, catalog.CompareProblems)
	next := Build(Input{Revision: revision, Time: time, Model: model, Sources: sources})
	next.index = s.index.after(next, change)
	return next
}
