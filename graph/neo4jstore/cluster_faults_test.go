package neo4jstore_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/neo4j/neo4j-go-driver/v5/neo4j"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/boltpeer"
)

// fault is what goes wrong at one message.
type fault struct {
	name   string
	action boltpeer.Action
	elect  bool // another member is the leader from this message on
	only   func(boltpeer.Message) bool
}

func inTransaction(m boltpeer.Message) bool {
	return m == boltpeer.Begin || m == boltpeer.Run || m == boltpeer.Pull || m == boltpeer.Commit
}

func statement(m boltpeer.Message) bool { return m == boltpeer.Run || m == boltpeer.Pull }

func commit(m boltpeer.Message) bool { return m == boltpeer.Commit }

func anyRequest(m boltpeer.Message) bool {
	return inTransaction(m) || m == boltpeer.Route || m == boltpeer.Reset || m == boltpeer.Logon
}

// faults are all that a change must survive without its caller noticing.
var faults = []fault{
	{"leader changes", boltpeer.Action{}, true, anyRequest},
	{"cut before", boltpeer.Action{Cut: true}, false, anyRequest},
	{"cut after", boltpeer.Action{Cut: true, After: true}, false, anyRequest},
	{"cut after, and leader changes", boltpeer.Action{Cut: true, After: true}, true, commit},
	{"not a leader", boltpeer.Action{Failure: boltpeer.NotALeader}, false, inTransaction},
	{"read only", boltpeer.Action{Failure: boltpeer.ForbiddenOnReadOnly}, false, inTransaction},
	{"deadlock", boltpeer.Action{Failure: boltpeer.DeadlockDetected}, false, inTransaction},
	{"database unavailable", boltpeer.Action{Failure: boltpeer.DatabaseUnavailable}, false, inTransaction},
	{"out of memory", boltpeer.Action{Failure: boltpeer.MemoryPool}, false, inTransaction},
	{"entity not found", boltpeer.Action{Failure: boltpeer.EntityNotFound}, false, statement},
	{"replication failed, and yet took place", boltpeer.Action{Failure: boltpeer.ReplicationFailure, After: true}, false, commit},
	{"replication failed", boltpeer.Action{Failure: boltpeer.ReplicationFailure}, false, commit},
}

// strike lets the fault happen at the message of that number, from 0, among those it may happen at. The returned function
// ends that and tells how many such messages there were.
func (c *scripted) strike(f fault, at int) (end func() int) {
	var mu sync.Mutex
	n := 0
	c.Script(func(request boltpeer.Request) boltpeer.Action {
		if !f.only(request.Message) {
			return boltpeer.Action{}
		}
		mu.Lock()
		defer mu.Unlock()
		n++
		if n != at+1 {
			return boltpeer.Action{}
		}
		if f.elect {
			c.electAnother()
		}
		return f.action
	})
	return func() int {
		c.Script(nil)
		mu.Lock()
		defer mu.Unlock()
		return n
	}
}

// electAnother makes the next core the leader.
func (c *scripted) electAnother() {
	c.Elect(map[string]string{"core1": "core2", "core2": "core3", "core3": "core1"}[c.Leader()])
}

// requireClean requires that the database has nothing of a revision that is none, and no document twice.
func (c *scripted) requireClean(t testing.TB, l *ledger) {
	t.Helper()
	driver := c.server.Driver(t)
	for query, want := range map[string]int64{
		"MATCH (n:%[1]sClaim) WHERE n.from > $revision RETURN count(n)":                                      0,
		"MATCH (n:%[1]sClaim) WHERE n.until > $revision RETURN count(n)":                                     int64(len(l.held)),
		"MATCH (n:%[1]sClaim) WHERE n.until > $revision AND n.until < $forever RETURN count(n)":              0,
		"MATCH (n:%[1]sState) WHERE n.from > $revision OR $revision < n.until < $forever RETURN count(n)":    0,
		"MATCH (n:%[1]sRevision) WHERE n.number > $revision RETURN count(n)":                                 0,
		"MATCH (n:%[1]sFieldChange) RETURN count(n)":                                                         int64(l.revision),
		"MATCH (n:%[1]sStore) RETURN n.revision":                                                             int64(l.revision),
		"MATCH (n:%[1]sClaim) WITH n.id AS id, n.from AS from, count(*) AS n WHERE n > 1 RETURN count(from)": 0,
	} {
		query = fmt.Sprintf(query, c.prefix)
		result, err := neo4j.ExecuteQuery(t.Context(), driver, query, map[string]any{"revision": int64(l.revision), "forever": int64(math.MaxInt64)},
			neo4j.EagerResultTransformer, neo4j.ExecuteQueryWithDatabase(c.server.Database))
		if err != nil {
			t.Fatal(err)
		}
		if got := result.Records[0].Values[0]; got != want {
			t.Errorf("%s gives %v, want %d", query, got, want)
		}
	}
}

// TestClusterChangeSurvives lets each fault happen at each message of a change in turn, and requires that the change is
// there once, as if nothing had been.
func TestClusterChangeSurvives(t *testing.T) {
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			c := startScripted(t)
			store := c.open(t, "core1")
			var l ledger
			l.apply(t, store, l.next(20))
			for at := 0; ; at++ {
				end := c.strike(f, at)
				documents := l.next(20 + at%3)
				revision, err := store.Apply(t.Context(), l.change(documents))
				messages := end()
				if err != nil {
					t.Fatalf("%s at message %d of %d: apply on top of revision %d: %v", f.name, at, messages, l.revision, err)
				}
				if revision != l.revision+1 {
					t.Fatalf("%s at message %d: apply on top of revision %d made revision %d", f.name, at, l.revision, revision)
				}
				l.committed(documents)
				l.requireLoad(t, store)
				if messages <= at {
					break
				}
			}
			direct := c.direct(t)
			l.requireLoad(t, direct)
			l.requireCommits(t, direct)
			c.requireClean(t, &l)
			t.Logf("%d revisions", l.revision)
		})
	}
}

// TestClusterLargeChangeSurvives is TestClusterChangeSurvives for a change of several transactions, at their beginnings
// and ends.
func TestClusterLargeChangeSurvives(t *testing.T) {
	if testing.Short() {
		t.Skip("large changes take long")
	}
	const documents = 2_500
	ends := func(m boltpeer.Message) bool { return m == boltpeer.Begin || m == boltpeer.Commit }
	for _, f := range []fault{
		{"leader changes", boltpeer.Action{}, true, ends},
		{"cut before", boltpeer.Action{Cut: true}, false, ends},
		{"cut after", boltpeer.Action{Cut: true, After: true}, true, ends},
	} {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			c := startScripted(t)
			store := c.open(t, "core1")
			var l ledger
			l.apply(t, store, l.next(documents))
			for at := 0; ; at++ {
				c.Forget()
				end := c.strike(f, at)
				change := l.next(documents)
				revision, err := store.Apply(t.Context(), l.change(change))
				messages := end()
				if err != nil || revision != l.revision+1 {
					t.Fatalf("%s at message %d of %d: apply on top of revision %d: %d, %v", f.name, at, messages, l.revision, revision, err)
				}
				l.committed(change)
				if at == 0 && c.written() < 3 {
					t.Fatalf("%d transactions: the change is not large enough for this test", c.written())
				}
				if messages <= at {
					break
				}
			}
			direct := c.direct(t)
			l.requireLoad(t, direct)
			l.requireCommits(t, direct)
			c.requireClean(t, &l)
			t.Logf("%d revisions", l.revision)
		})
	}
}

// written is how many transactions have committed something.
func (c *scripted) written() int {
	n := 0
	for _, request := range c.Requests() {
		if request.Message == boltpeer.Commit && request.Write && request.Answer == "SUCCESS" {
			n++
		}
	}
	return n
}

// TestClusterReadsSurvive lets each fault happen at each message of every way to read.
func TestClusterReadsSurvive(t *testing.T) {
	for _, f := range faults {
		if f.elect || f.action.Failure == boltpeer.ReplicationFailure {
			continue // nothing is committed
		}
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			c := startScripted(t)
			store := c.open(t, "core1")
			var l ledger
			for range 3 {
				l.apply(t, store, l.next(20))
			}
			for at := 0; ; at++ {
				end := c.strike(f, at)
				l.requireLoad(t, store)
				l.requireCommits(t, store)
				if messages := end(); messages <= at {
					break
				}
			}
		})
	}
}

// TestClusterLeaseSurvives lets each fault happen at each message of the taking, renewing and giving back of a lease: the
// token grows exactly when the lease passes.
func TestClusterLeaseSurvives(t *testing.T) {
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			c := startScripted(t)
			store := c.open(t, "core1")
			last := graph.FencingToken(0)
			for at := 0; ; at++ {
				end := c.strike(f, at)
				taken, err := store.Lease(t.Context(), graph.LeaseScans, "one", time.Minute)
				if err != nil || taken <= last {
					t.Fatalf("message %d: taken with token %d after %d, %v", at, taken, last, err)
				}
				renewed, err := store.Lease(t.Context(), graph.LeaseScans, "one", time.Minute)
				if err != nil || renewed != taken {
					t.Fatalf("message %d: renewed with token %d after %d, %v", at, renewed, taken, err)
				}
				var held *graph.LeaseHeldError
				if _, err := store.Lease(t.Context(), graph.LeaseScans, "two", time.Minute); !errors.As(err, &held) || held.Holder != "one" {
					t.Fatalf("message %d: another holder got %v", at, err)
				}
				if _, err := store.Lease(t.Context(), graph.LeaseScans, "one", 0); err != nil {
					t.Fatalf("message %d: given back: %v", at, err)
				}
				last = taken
				if messages := end(); messages <= at {
					break
				}
			}
		})
	}
}

// applyAgain makes a change of which it is open whether it took place, and tells whether it had. What was just started may
// be too slow for a while.
func (l *ledger) applyAgain(t testing.TB, store graph.Store, documents map[string]int) (was bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	for {
		_, err := store.Apply(ctx, l.change(documents))
		switch {
		case errors.Is(err, graph.ErrUnavailable) && ctx.Err() == nil:
			continue
		case err != nil && !errors.Is(err, graph.ErrConflict):
			t.Fatalf("the second apply on top of revision %d: %v", l.revision, err)
		}
		l.committed(documents)
		return err != nil
	}
}

// TestClusterUnknownOutcome: where the store goes away during the commit itself and stays away, the change may have taken
// place or not. A second Apply of it then makes it, or tells by ErrConflict that it did.
func TestClusterUnknownOutcome(t *testing.T) {
	for _, after := range []bool{false, true} {
		t.Run(fmt.Sprintf("after=%t", after), func(t *testing.T) {
			c := startScripted(t)
			store := c.open(t, "core1")
			var l ledger
			l.apply(t, store, l.next(20))
			var gone atomic.Bool
			c.Script(func(request boltpeer.Request) boltpeer.Action {
				if gone.Load() {
					return boltpeer.Action{Cut: true}
				}
				if request.Message != boltpeer.Commit || !request.Write {
					return boltpeer.Action{}
				}
				gone.Store(true)
				return boltpeer.Action{Cut: true, After: after}
			})
			documents := l.next(20)
			start := time.Now()
			_, err := store.Apply(t.Context(), l.change(documents))
			if !errors.Is(err, graph.ErrUnavailable) {
				t.Fatalf("apply while the cluster is away: %v", err)
			}
			if took := time.Since(start); took > 30*time.Second {
				t.Errorf("apply while the cluster is away took %v", took)
			}
			c.Script(nil)
			l.applyAgain(t, store, documents)
			l.requireLoad(t, store)
			l.requireCommits(t, c.direct(t))
			c.requireClean(t, &l)
		})
	}
}
