package neo4jstore

import (
	"context"
	"time"
)

// Hasty makes changes take many transactions, of so many rows, and attempts die soon.
func (s *Store) Hasty(batchRows int, attemptLife time.Duration) {
	s.batchRows, s.attemptLife = batchRows, attemptLife
}

// Seen are the bookmarks of what the Store has seen.
func (s *Store) Seen(ctx context.Context) ([]string, error) { return s.seen(ctx) }

// Saw makes the Store take the bookmarks for those of what it has seen.
func (s *Store) Saw(ctx context.Context, bookmarks []string) error {
	s.forget(s.bookmarks)
	return s.await(ctx, bookmarks)
}
