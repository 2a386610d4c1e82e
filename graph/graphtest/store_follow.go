package graphtest

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/graph"
)

func testFollowFromAnywhere(t *testing.T, engine Engine) {
	h, random := newHistory(t, engine), rand.New(rand.NewPCG(1, 2))
	for range 40 {
		h.apply(t, randomChange(random))
	}
	for after := range graph.Revision(40) {
		h.requireCommits(t, h.store, after)
	}
	h.store = engine.Reopen(t, h.store)
	h.requireCommits(t, h.store, 0)
}

// testFollowWaits follows from the newest revision: nothing may come until there is something, and the end of the context
// ends the stream without an error.
func testFollowWaits(t *testing.T, engine Engine) {
	h := newHistory(t, engine)
	h.apply(t, graph.Change{Put: storedDocuments(0, 3, 0)})
	ctx, cancel := context.WithCancel(t.Context())
	commits, ended := make(chan graph.Commit), make(chan struct{})
	go func() {
		defer close(ended)
		for commit, err := range h.store.Follow(ctx, 1) {
			if err != nil {
				t.Errorf("follow: %v", err)
			}
			commits <- commit
		}
	}()
	for version := range 5 {
		h.apply(t, graph.Change{Put: storedDocuments(0, 3, version+1)})
		select {
		case commit := <-commits:
			requireCommit(t, h.commits[version+1], commit)
		case <-time.After(patience):
			t.Fatal("a follower was not told of a change")
		}
	}
	select {
	case commit := <-commits:
		t.Errorf("revision %d came from nowhere", commit.Revision)
	case <-ended:
		t.Error("the stream ended by itself")
	default:
	}
	cancel()
	select {
	case <-ended:
	case <-time.After(patience):
		t.Fatal("the stream goes on after its context ended")
	}
	for commit, err := range h.store.Follow(ctx, 0) {
		t.Errorf("a stream whose context has ended gave revision %d, %v", commit.Revision, err)
	}
}

// testFollowWhileOthersWrite has followers at work, in and outside of the writing process, while changes of all sizes are
// made: each of them must get every change as it was made.
func testFollowWhileOthersWrite(t *testing.T, engine Engine) {
	h, random := newHistory(t, engine), rand.New(rand.NewPCG(3, 4))
	const changes = 60
	readers := []graph.Store{h.store, h.store, engine.Join(t, h.store)}
	got := make([][]graph.Commit, len(readers))
	var all sync.WaitGroup
	for i, reader := range readers {
		all.Go(func() {
			for commit, err := range follow(t, reader, 0) {
				if err != nil {
					t.Errorf("follower %d: %v", i, err)
					return
				}
				if got[i] = append(got[i], commit); len(got[i]) == changes {
					return
				}
			}
		})
	}
	for version := range changes {
		change := randomChange(random)
		if version%10 == 0 {
			change = graph.Change{Put: storedDocuments(0, 1000, version)}
		}
		h.apply(t, change)
	}
	all.Wait()
	for i, commits := range got {
		if len(commits) != changes {
			t.Fatalf("follower %d got %d changes of %d", i, len(commits), changes)
		}
		for n, commit := range commits {
			requireCommit(t, h.commits[n], commit)
		}
	}
}

// testFollowElsewhere does the whole of what a reading process does, next to the writing one.
func testFollowElsewhere(t *testing.T, engine Engine) {
	h := newHistory(t, engine)
	h.apply(t, graph.Change{Put: storedDocuments(0, 50, 0), Recorded: []graph.FieldChange{birth(3)}})
	reader := engine.Join(t, h.store)
	for range 3 {
		h.checkThrough(t, reader)
	}
	h.requireHistory(t, reader)
	if err := reader.Ready(t.Context()); err != nil {
		t.Errorf("a reader is not ready: %v", err)
	}
	if err := reader.Close(); err != nil {
		t.Error(err)
	}
	h.check(t)
}

func testFollowFromTheFuture(t *testing.T, engine Engine) {
	h := newHistory(t, engine)
	h.apply(t, graph.Change{})
	for _, after := range []graph.Revision{2, 1000, 1 << 62, 1<<64 - 1} {
		for _, err := range follow(t, h.store, after) {
			if !errors.Is(err, graph.ErrCompacted) {
				t.Errorf("follow after %d: %v, want ErrCompacted", after, err)
			}
			break
		}
	}
}
