package storecopy

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"time"

	"github.com/orrery-catalog/orrery/graph"
)

// The history is read in windows of so many revisions, or fewer where these have more than so many records.
const (
	windowRevisions = 512
	windowRecords   = 20_000
)

// told is the history of one revision that has any.
type told struct {
	revision graph.Revision
	time     time.Time
	recorded []graph.FieldChange // at least one
}

// history reads forwards what the store remembers of the revisions after one, through another. In memory is one window.
func history(ctx context.Context, store graph.Store, after, through graph.Revision) iter.Seq2[told, error] {
	return func(yield func(told, error) bool) {
		for width := graph.Revision(windowRevisions); after < through; {
			query := graph.HistoryQuery{After: after, Through: min(after+width, through)}
			if width > 1 {
				query.Limit = windowRecords
			}
			window, err := collect(store.History(ctx, query))
			if err != nil {
				yield(told{}, err)
				return
			}
			if len(window) == query.Limit && query.Limit > 0 {
				width /= 2
				continue
			}
			slices.SortStableFunc(window, func(a, b graph.Recorded) int { return cmp.Compare(a.Revision, b.Revision) })
			for len(window) > 0 {
				next := told{revision: window[0].Revision, time: window[0].Time}
				for len(window) > 0 && window[0].Revision == next.revision {
					next.recorded = append(next.recorded, window[0].FieldChange)
					window = window[1:]
				}
				if !yield(next, nil) {
					return
				}
			}
			after, width = query.Through, min(2*width, windowRevisions)
		}
	}
}

func collect[T any](stream iter.Seq2[T, error]) ([]T, error) {
	var all []T
	for one, err := range stream {
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}
