package neo4jstore_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/graph"
)

// TestOriginAfterBrokenChange: a copy does not begin on top of what is there, also where a change was broken off before.
func TestOriginAfterBrokenChange(t *testing.T) {
	broken := behindProxy(t)
	config := broken.config
	store := open(t, config)
	store.Hasty(1, 50*time.Millisecond)
	if _, err := store.Apply(t.Context(), marked(0, "there")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := store.Apply(ctx, marked(1, "broken"))
		ended <- err
	}()
	waitFor(t, "the change to begin", func() bool { return attemptStep(t, config) > 1 })
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	copied := marked(9, "copied")
	copied.Put, copied.Origin = copied.Put[:1], true
	if revision, err := store.Apply(t.Context(), copied); !errors.Is(err, graph.ErrConflict) {
		t.Errorf("a copy onto what is there: revision %d, %v", revision, err)
	}
	if revision, mark, err := loadMark(t.Context(), store); err != nil || revision != 1 || mark != "there" {
		t.Errorf("revision %d of the change %s: %v", revision, mark, err)
	}
}
