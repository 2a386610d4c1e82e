package neo4jstore

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/neo4j/neo4j-go-driver/v5/neo4j"

	"github.com/orrery-catalog/orrery/graph"
)

const (
	connectTimeout = 5 * time.Second
	readyTimeout   = 2 * time.Second
	// transactionTimeout is after which the server ends a transaction, and frees its locks, whatever became of the client:
	// less than a lease lasts, so that a process that was paused in one stops nobody for longer.
	transactionTimeout = 8 * time.Second
	// answerTimeout is how long the client waits for a transaction as a whole.
	answerTimeout = transactionTimeout + 2*time.Second
	// catchUpTimeout is how long a member of a cluster that only reads may take to reach what this process has seen. After
	// it, the leader is asked, which is never behind.
	catchUpTimeout = 3 * time.Second
	// catchUpFor is how long the leader is asked in the place of members that lagged behind.
	catchUpFor = 30 * time.Second
	// rollbackTimeout bounds the parting from a transaction that is given up.
	rollbackTimeout = time.Second
	// retryFor bounds how long transactions are run again that met others, and reconnectFor where the connection failed.
	retryFor     = 10 * time.Second
	reconnectFor = 2 * time.Second
	// fetchSize is how many records are asked for at once: with large documents, it bounds memory.
	fetchSize = 200
)

// transaction is what the functions given to read, write and fenced work in. It is for one goroutine, and ends with the
// function. Cypher is written with @ before each label, which stands for the label prefix, and may use the parameter
// $store, the id of the Store node.
type transaction struct {
	store *Store
	ctx   context.Context
	tx    neo4j.ExplicitTransaction
}

// stream runs a statement and yields its rows as they arrive. It must be drained or broken off before the next statement.
func (tx *transaction) stream(cypher string, parameters map[string]any) iter.Seq2[*neo4j.Record, error] {
	return func(yield func(*neo4j.Record, error) bool) {
		parameters = maps.Clone(parameters)
		if parameters == nil {
			parameters = make(map[string]any, 1)
		}
		parameters["store"] = storeID
		result, err := tx.tx.Run(tx.ctx, tx.store.cypher(cypher), parameters)
		if err != nil {
			yield(nil, fromDriver(err))
			return
		}
		var record *neo4j.Record
		for result.NextRecord(tx.ctx, &record) {
			if !yield(record, nil) {
				return
			}
		}
		if err := result.Err(); err != nil {
			yield(nil, fromDriver(err))
		}
	}
}

// run runs a statement to its end and drops its rows.
func (tx *transaction) run(cypher string, parameters map[string]any) error {
	for _, err := range tx.stream(cypher, parameters) {
		if err != nil {
			return err
		}
	}
	return nil
}

// single runs a statement that gives one row at most; nil where it gives none.
func (tx *transaction) single(cypher string, parameters map[string]any) (*neo4j.Record, error) {
	var only *neo4j.Record
	for record, err := range tx.stream(cypher, parameters) {
		if err != nil {
			return nil, err
		}
		only = record
	}
	return only, nil
}

// cypher puts the label prefix where @ stands.
func (s *Store) cypher(statement string) string {
	return strings.ReplaceAll(statement, "@", s.config.LabelPrefix)
}

// value reads a column of a row; the zero value where it is null.
func value[T any](record *neo4j.Record, column string) (T, error) {
	var zero T
	raw, ok := record.Get(column)
	if !ok {
		return zero, fmt.Errorf("the answer of the server has no column %s", column)
	}
	if raw == nil {
		return zero, nil
	}
	typed, ok := raw.(T)
	if !ok {
		return zero, fmt.Errorf("the column %s of the answer of the server is a %T, not a %T", column, raw, zero)
	}
	return typed, nil
}

// read runs work in a transaction that only reads, on any member of a cluster, and prepares the store where that is
// still to be done. It sees at least what this Store wrote or saw before. work is run again where the connection or the
// server fails in a way that passes, so that it must not keep anything of a run that failed. Errors come explained:
// graph.ErrUnavailable, graph.ErrClosed, the cause of ctx, or what work gave.
//
// Isolation is read committed: see the comment on the package before relying on two statements seeing the same.
func (s *Store) read(ctx context.Context, work func(*transaction) error) error {
	if err := s.prepare(ctx); err != nil {
		return err
	}
	return s.transact(ctx, neo4j.AccessModeRead, work)
}

// write is read for a transaction that writes, on the leader. An error of work undoes it. It may be run again even after it
// was committed (where the answer got lost), so that work must be idempotent.
func (s *Store) write(ctx context.Context, work func(*transaction) error) error {
	if s.config.ReadOnly {
		return s.explain(ctx, graph.ErrReadOnly)
	}
	if err := s.prepare(ctx); err != nil {
		return err
	}
	return s.transact(ctx, neo4j.AccessModeWrite, work)
}

// fenced is write for a transaction that holds the lock of the Store node, which orders all writers, and that of the
// lease, and is refused with graph.ErrFenced unless fence is the newest token of that lease; "" is no lease. work gets the
// Store node as it is under the lock.
func (s *Store) fenced(ctx context.Context, lease string, fence graph.FencingToken, work func(*transaction, head) error) error {
	return s.write(ctx, func(tx *transaction) error {
		now, err := tx.lock(lease, fence)
		if err != nil {
			return err
		}
		return work(tx, now)
	})
}

// transact runs the transaction, again where that may help.
func (s *Store) transact(ctx context.Context, mode neo4j.AccessMode, work func(*transaction) error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	waits := &backoff.ExponentialBackOff{
		InitialInterval: 10 * time.Millisecond, RandomizationFactor: 0.5, Multiplier: 2, MaxInterval: 300 * time.Millisecond,
	}
	start := time.Now()
	if mode == neo4j.AccessModeRead && start.UnixNano() < s.leaderUntil.Load() {
		mode = neo4j.AccessModeWrite
	}
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		bounded, cancel := context.WithTimeoutCause(ctx, answerTimeout, errSlow)
		defer cancel()
		err := s.once(bounded, mode, work)
		switch {
		case err == nil:
			return struct{}{}, nil
		case s.life.Err() != nil, ctx.Err() != nil, !repeatable(err):
			return struct{}{}, backoff.Permanent(err)
		case errors.Is(err, errBehind):
			mode = neo4j.AccessModeWrite
			s.leaderUntil.Store(time.Now().Add(catchUpFor).UnixNano())
			return struct{}{}, err
		case disconnected(err) && time.Since(start) > reconnectFor:
			return struct{}{}, backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(waits), backoff.WithMaxElapsedTime(retryFor))
	return s.explain(ctx, err)
}

// once runs the transaction one time. Errors are those of the driver and of work. ctx should end in bounded time.
func (s *Store) once(ctx context.Context, mode neo4j.AccessMode, work func(*transaction) error) (err error) {
	if err := s.guard.open(); err != nil {
		return err
	}
	bookmarks, err := s.enter()
	if err != nil {
		return err
	}
	defer s.uses.Done()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.life, cancel)() //nolint:contextcheck // it ends with whichever ends first

	session := s.driver.NewSession(ctx, neo4j.SessionConfig{
		AccessMode: mode, DatabaseName: s.config.Database, BookmarkManager: bookmarks, FetchSize: fetchSize,
	})
	defer func() {
		parting, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
		defer cancel()
		_ = session.Close(parting) // it rolls back what was not committed; the server does it otherwise
		s.guard.note(err)
		if (strangeBookmark(err) || errors.Is(err, errNeverThere)) && !errors.Is(err, errBehind) {
			s.leaderUntil.Store(time.Now().Add(catchUpFor).UnixNano()) // so that reads do not go back behind what was seen
			s.forget(bookmarks)
		}
	}()
	tx, err := s.begin(ctx, mode, session)
	if err != nil {
		return err
	}
	if err := work(&transaction{store: s, ctx: ctx, tx: tx}); err != nil {
		return err
	}
	return fromDriver(tx.Commit(ctx))
}

// errBehind says that a member which only reads does not know what this process has seen, and may never.
var errBehind = errors.New("a member of the cluster lags behind")

// errNeverThere says that the leader began no transaction in time. It knows at once what this process has seen, unless an
// older copy of the database was played back: then it would wait until that has as many transactions.
var errNeverThere = errors.New("the leader began no transaction in time")

// leaderBegins says whether there is a leader that begins a transaction at once for who has seen nothing.
func (s *Store) leaderBegins(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyTimeout/2)
	defer cancel()
	session := s.driver.NewSession(ctx, neo4j.SessionConfig{AccessMode: neo4j.AccessModeWrite, DatabaseName: s.config.Database})
	tx, err := session.BeginTransaction(ctx, neo4j.WithTxTimeout(transactionTimeout))
	if err == nil {
		err = tx.Rollback(ctx)
	}
	_ = session.Close(ctx) // whatever is left of it ends with the connection
	return err == nil
}

// begin begins a transaction, once the member has reached what this process has seen.
func (s *Store) begin(ctx context.Context, mode neo4j.AccessMode, session neo4j.SessionWithContext) (neo4j.ExplicitTransaction, error) {
	beginning, began := ctx, time.Now()
	if mode == neo4j.AccessModeRead {
		var cancel context.CancelFunc
		beginning, cancel = context.WithTimeout(ctx, catchUpTimeout)
		defer cancel()
	}
	tx, err := session.BeginTransaction(beginning, neo4j.WithTxTimeout(transactionTimeout),
		neo4j.WithTxMetadata(map[string]any{"app": s.config.Holder}))
	switch {
	case err == nil:
		return tx, nil
	case mode == neo4j.AccessModeRead && (code(err) == codeBookmarkTimeout || beginning.Err() != nil && ctx.Err() == nil):
		return nil, fmt.Errorf("%w: %w", errBehind, fromDriver(err))
	case mode == neo4j.AccessModeWrite && errors.Is(ctx.Err(), context.DeadlineExceeded) && time.Since(began) > readyTimeout/2 && s.leaderBegins(ctx):
		return nil, fmt.Errorf("%w: %w", errNeverThere, fromDriver(err))
	}
	return nil, fromDriver(err)
}

// enter counts a use of the driver, which Close waits for.
func (s *Store) enter() (neo4j.BookmarkManager, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, graph.ErrClosed
	}
	s.uses.Add(1)
	return s.bookmarks, nil
}

// forget begins anew with what this process has seen: it was another database.
func (s *Store) forget(bookmarks neo4j.BookmarkManager) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bookmarks == bookmarks {
		s.bookmarks = neo4j.NewBookmarkManager(neo4j.BookmarkManagerConfig{})
	}
}

// await makes what was committed under the bookmarks visible to every transaction that begins after it.
func (s *Store) await(ctx context.Context, bookmarks []string) error {
	manager, err := s.enter()
	if err != nil {
		return err
	}
	defer s.uses.Done()
	return fromDriver(manager.UpdateBookmarks(ctx, nil, bookmarks))
}

// seen is what this process has written and seen, as a cluster takes it.
func (s *Store) seen(ctx context.Context) ([]string, error) {
	manager, err := s.enter()
	if err != nil {
		return nil, err
	}
	defer s.uses.Done()
	known, err := manager.GetBookmarks(ctx)
	return known, fromDriver(err)
}
