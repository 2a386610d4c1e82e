package storecopy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/orrery-catalog/orrery/graph"
)

// Extent says how far a store goes.
type Extent struct {
	Newest     graph.Revision // 0 = the store is empty, and so are the other fields
	NewestTime time.Time
	Oldest     graph.Revision // the oldest whose state can be loaded
	OldestTime time.Time
	Forgotten  graph.Revision // the history is told after it
}

// Survey finds out how far the store goes, without reading a state. Each bound takes some 20 questions, each time some 60.
func Survey(ctx context.Context, store graph.Store) (Extent, error) {
	var e Extent
	var err error
	if e.Newest, err = Newest(ctx, store); err != nil || e.Newest == 0 {
		return e, err
	}
	if e.Oldest, err = oldestState(ctx, store, e.Newest); err != nil {
		return e, err
	}
	if e.Forgotten, err = forgotten(ctx, store, e.Newest); err != nil {
		return e, err
	}
	if e.NewestTime, err = timeOf(ctx, store, e.Newest); err != nil {
		return e, err
	}
	e.OldestTime, err = timeOf(ctx, store, e.Oldest)
	return e, err
}

// Newest is the newest revision of the store; 0 = it is empty.
func Newest(ctx context.Context, store graph.Store) (graph.Revision, error) {
	return loadable(ctx, store, graph.AsOf{})
}

// loadable gives the revision of a state that can be loaded; graph.ErrCompacted or graph.ErrNoRevision where it cannot.
// Nothing of the state is read.
func loadable(ctx context.Context, store graph.Store, at graph.AsOf) (graph.Revision, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	revision, records := store.Load(ctx, at)
	if revision > 0 {
		return revision, nil // the stream ends with ctx
	}
	for _, err := range records {
		return 0, err
	}
	return 0, nil
}

// gone says whether the error is that the store has no state from then, as one of the two that loads give.
func gone(err error) bool {
	return errors.Is(err, graph.ErrCompacted) || errors.Is(err, graph.ErrNoRevision)
}

// oldestState is the oldest revision whose state can be loaded: all from there on can.
func oldestState(ctx context.Context, store graph.Store, newest graph.Revision) (graph.Revision, error) {
	return first(1, newest, func(revision graph.Revision) (bool, error) {
		_, err := loadable(ctx, store, graph.AsOf{Revision: revision})
		if gone(err) {
			return false, nil
		}
		return err == nil, err
	})
}

// forgotten is the revision after which the history is told; 0 where all of it is. Whether the history of revision 1 is
// known to be empty or is no longer kept makes no difference to anybody.
func forgotten(ctx context.Context, store graph.Store, newest graph.Revision) (graph.Revision, error) {
	found, err := first(1, newest, func(after graph.Revision) (bool, error) {
		return remembered(ctx, store, after)
	})
	if found > 1 || err != nil {
		return found, err
	}
	// After 0 it is never refused: what is there tells.
	for _, err := range store.History(ctx, graph.HistoryQuery{Through: 1, Limit: 1}) {
		return 0, err
	}
	return found, nil
}

// remembered says whether the history of all revisions after the given one, which is greater than 0, is kept.
func remembered(ctx context.Context, store graph.Store, after graph.Revision) (bool, error) {
	for _, err := range store.History(ctx, graph.HistoryQuery{After: after, Limit: 1}) {
		if errors.Is(err, graph.ErrCompacted) {
			return false, nil
		}
		return err == nil, err
	}
	return true, nil
}

// timeOf is the time of a revision whose state can be loaded. Where no history tells it, it is when the newest state began
// to be that one or a later one. That is another time only where a later revision has an earlier one, and then the store
// answers all questions as if it was the revision's.
func timeOf(ctx context.Context, store graph.Store, revision graph.Revision) (time.Time, error) {
	for recorded, err := range store.History(ctx, graph.HistoryQuery{After: revision - 1, Through: revision, Limit: 1}) {
		if err == nil {
			return recorded.Time, nil
		}
		if !errors.Is(err, graph.ErrCompacted) {
			return time.Time{}, err
		}
	}
	// A time that is zero asks for the newest state.
	least, most := time.Time{}.UnixMicro()+1, time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC).UnixMicro()
	micros, err := first(least, most, func(micros int64) (bool, error) {
		at, err := loadable(ctx, store, graph.AsOf{Time: time.UnixMicro(micros)})
		if gone(err) {
			return false, nil
		}
		return err == nil && at >= revision, err
	})
	return time.UnixMicro(micros).UTC(), err
}

// first finds the first number from least to most for which the question is answered with yes, as it is for all after it;
// for most itself it is not asked.
func first[N graph.Revision | int64](least, most N, ask func(N) (bool, error)) (N, error) {
	for least < most {
		middle := least + (most-least)/2
		yes, err := ask(middle)
		switch {
		case err != nil:
			return 0, fmt.Errorf("look how far the store goes: %w", err)
		case yes:
			most = middle
		default:
			least = middle + 1
		}
	}
	return least, nil
}
