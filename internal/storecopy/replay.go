package storecopy

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"golang.org/x/sync/semaphore"

	"github.com/orrery-catalog/orrery/graph"
)

// So far a reader goes ahead of who writes: revisions, and documents, states and records of history together. It keeps
// both busy, and keeps the reader well away from where FROM forgets its oldest revisions meanwhile.
const (
	aheadRevisions = 256
	aheadPieces    = 20_000
)

// step is one revision with all that belongs to it.
type step struct {
	commit   graph.Commit
	recorded []graph.FieldChange
}

// pieces is about how much memory the step takes.
func (s step) pieces() int64 {
	n := len(s.commit.Put) + len(s.commit.Remove) + len(s.commit.States) + len(s.recorded)
	return int64(min(max(n, 1), aheadPieces))
}

// steps reads the revisions after one, through another, that the store has. It waits for none that is
// still to be made.
func steps(ctx context.Context, store graph.Store, after, through graph.Revision) iter.Seq2[step, error] {
	return func(yield func(step, error) bool) {
		if after >= through {
			return
		}
		next, stop := iter.Pull2(history(ctx, store, after, through))
		defer stop()
		memory, err, more := next()
		for commit, failed := range store.Follow(ctx, after) {
			if failed != nil {
				yield(step{}, failed)
				return
			}
			if after++; commit.Revision != after {
				yield(step{}, fmt.Errorf("revision %d came where %d was to come", commit.Revision, after))
				return
			}
			one := step{commit: commit}
			if more && err != nil {
				yield(step{}, err)
				return
			}
			if more && memory.revision == after {
				one.recorded = memory.recorded
				memory, err, more = next()
			}
			if !yield(one, nil) || after == through {
				return
			}
		}
		if ctx.Err() != nil {
			yield(step{}, context.Cause(ctx))
		} else {
			yield(step{}, errors.New("the stream of changes ended by itself"))
		}
	}
}

// ahead runs a stream of steps in a goroutine of its own, which begins at once and is gone when stop returns. The stream
// can be run through once.
func ahead(ctx context.Context, stream func(context.Context) iter.Seq2[step, error]) (out iter.Seq2[step, error], stop func()) {
	type piece struct {
		step step
		err  error
	}
	ctx, cancel := context.WithCancel(ctx)
	pieces, room := make(chan piece, aheadRevisions), semaphore.NewWeighted(aheadPieces)
	go func() {
		defer close(pieces)
		for s, err := range stream(ctx) {
			if room.Acquire(ctx, s.pieces()) != nil {
				return
			}
			select {
			case pieces <- piece{s, err}:
			case <-ctx.Done():
				return
			}
		}
	}()
	out = func(yield func(step, error) bool) {
		for p := range pieces {
			room.Release(p.step.pieces())
			if !yield(p.step, p.err) {
				return
			}
		}
	}
	return out, func() {
		cancel()
		for range pieces { // until the goroutine is gone
		}
	}
}
