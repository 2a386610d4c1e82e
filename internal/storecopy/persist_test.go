package storecopy_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"testing"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/storecopy"
)

// flaky is a store that goes away now and then, also in the middle of a stream and after a commit that took place.
type flaky struct {
	graph.TrafficStore
	dice *rand.Rand // nil = it is well
}

func (f *flaky) fails() error {
	if f.dice != nil && f.dice.IntN(25) == 0 {
		return fmt.Errorf("%w: for a moment", graph.ErrUnavailable)
	}
	return nil
}

func (f *flaky) Apply(ctx context.Context, change graph.Change) (graph.Revision, error) {
	if err := f.fails(); err != nil {
		return 0, err
	}
	revision, err := f.TrafficStore.Apply(ctx, change)
	if err == nil {
		if err := f.fails(); err != nil {
			return 0, err
		}
	}
	return revision, err
}

func (f *flaky) History(ctx context.Context, query graph.HistoryQuery) iter.Seq2[graph.Recorded, error] {
	return broken(f, f.TrafficStore.History(ctx, query))
}

func (f *flaky) WriteTraffic(ctx context.Context, write graph.TrafficWrite) error {
	if err := f.fails(); err != nil {
		return err
	}
	return errors.Join(f.TrafficStore.WriteTraffic(ctx, write), f.fails())
}

func (f *flaky) Traffic(ctx context.Context, after uint64) iter.Seq2[graph.TrafficRow, error] {
	return broken(f, f.TrafficStore.Traffic(ctx, after))
}

// broken ends the stream with an error, some day.
func broken[T any](f *flaky, stream iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		if err := f.fails(); err != nil {
			var none T
			yield(none, err)
			return
		}
		stream(yield)
	}
}

// TestCopyPersists has the copy go away all the time.
func TestCopyPersists(t *testing.T) {
	t.Parallel()
	from, w := randomStore(t, 8)
	to := &flaky{TrafficStore: empty(t)}
	if _, err := storecopy.Copy(t.Context(), from, to, storecopy.Options{Progress: func(graph.Revision, graph.Revision) {
		if to.dice == nil { // from the first change on
			to.dice = rand.New(rand.NewPCG(1, 2))
		}
	}}); err != nil {
		t.Fatal(err)
	}
	requireEqual(t, from, to.TrafficStore, w.random)
}
