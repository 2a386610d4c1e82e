package neo4jstore

import (
	"context"
	"fmt"
	"time"

	"github.com/orrery-catalog/orrery/graph"
)

// Lease implements [graph.Store]. Time is that of the server.
func (s *Store) Lease(ctx context.Context, name, holder string, ttl time.Duration) (graph.FencingToken, error) {
	if ttl < 0 {
		return 0, fmt.Errorf("the lease %s cannot be taken for %s", name, ttl)
	}
	var token int64
	err := s.write(ctx, func(tx *transaction) (err error) {
		token, err = tx.lease(name, holder, ttl)
		return err
	})
	if err != nil {
		return 0, err
	}
	return graph.FencingToken(token), nil
}

func (tx *transaction) lease(name, holder string, ttl time.Duration) (int64, error) {
	parameters := map[string]any{"name": indexed(name), "title": readable(name), "writer": tx.store.writer}
	// The lock is taken by writing: a change under the lease is in nobody's way, or comes before or after.
	if err := tx.take(`MERGE (l:@Lease {name: $name}) ON CREATE SET l.token = 0, l.until = 0, l.title = $title
		SET l.locked = $writer`, parameters); err != nil {
		return 0, err
	}
	record, err := tx.single(`MATCH (l:@Lease {name: $name}) RETURN l.holder AS holder, l.token AS token, l.until AS until,
		datetime.realtime().epochMillis AS now`, parameters)
	if err != nil || record == nil {
		return 0, errorOr(err, errAgain)
	}
	r := reader{record: record}
	by, token, until, now := r.text("holder"), r.number("token"), r.number("until"), r.number("now")
	if r.err != nil {
		return 0, r.err
	}
	held, mine := by != "", by == holderKey(holder)
	if held && !mine && now < until {
		return 0, &graph.LeaseHeldError{Name: "the lease " + name, Holder: holderOf(by), Until: time.UnixMilli(until).UTC()}
	}
	if ttl == 0 {
		if !mine {
			return token, nil
		}
		return token, tx.run("MATCH (l:@Lease {name: $name}) REMOVE l.holder", parameters)
	}
	if !mine {
		token++
	}
	parameters["holder"], parameters["token"], parameters["until"] = holderKey(holder), token, now+max(ttl.Milliseconds(), 1)
	return token, tx.run("MATCH (l:@Lease {name: $name}) SET l.holder = $holder, l.token = $token, l.until = $until", parameters)
}

// holderKey writes the holder so that any bytes come back, and never as "".
func holderKey(holder string) string { return key(holder, "") }

func holderOf(written string) string {
	all, err := parts(written)
	if err != nil {
		return written
	}
	return all[0]
}

func errorOr(err, other error) error {
	if err != nil {
		return err
	}
	return other
}
