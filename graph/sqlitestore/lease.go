package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/orrery-catalog/orrery/graph"
)

// Lease implements [graph.Store].
func (s *Store) Lease(ctx context.Context, name, holder string, ttl time.Duration) (graph.FencingToken, error) {
	if err := s.usable(); err != nil {
		return 0, err
	}
	if s.write == nil {
		return 0, graph.ErrReadOnly
	}
	if ttl < 0 {
		return 0, fmt.Errorf("the lease %s cannot be taken for %s", name, ttl)
	}
	var token int64
	err := s.write.do(ctx, func(tx *transaction) (err error) {
		token, err = lease(tx, name, holder, ttl, time.Now())
		return err
	})
	if err != nil {
		return 0, s.explain(err)
	}
	return graph.FencingToken(token), nil
}

func lease(tx *transaction, name, holder string, ttl time.Duration, now time.Time) (token int64, err error) {
	var (
		by    sql.NullString
		until int64
	)
	err = tx.scan("SELECT holder, token, until FROM leases WHERE name = ?", []any{name}, &by, &token, &until)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, err
	}
	if end := time.UnixMicro(until).UTC(); by.Valid && by.String != holder && now.Before(end) {
		return 0, &graph.LeaseHeldError{Name: "the lease " + name, Holder: by.String, Until: end}
	}
	mine := by.Valid && by.String == holder
	if ttl == 0 {
		if !mine {
			return token, nil
		}
		return token, tx.run("UPDATE leases SET holder = NULL WHERE name = ?", name)
	}
	if !mine {
		token++
	}
	return token, tx.run(`INSERT INTO leases (name, holder, token, until) VALUES (?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET holder = excluded.holder, token = excluded.token, until = excluded.until`,
		name, holder, token, now.Add(ttl).UnixMicro())
}

// checkFence refuses a change that was computed under a lease which has passed to somebody else.
func checkFence(tx *transaction, name string, fence graph.FencingToken) error {
	if name == "" {
		return nil
	}
	newest, err := tx.number("SELECT coalesce(max(token), 0) FROM leases WHERE name = ?", name)
	if err != nil {
		return err
	}
	if newest == 0 || graph.FencingToken(newest) != fence {
		return fmt.Errorf("%w: the newest token of %s is %d, the change has %d", graph.ErrFenced, name, newest, fence)
	}
	return nil
}
