package neo4jstore

import "time"

// Hasty makes changes take many transactions, of so many rows, and attempts die soon.
func (s *Store) Hasty(batchRows int, attemptLife time.Duration) {
	s.batchRows, s.attemptLife = batchRows, attemptLife
}
