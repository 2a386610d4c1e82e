package sqlitestore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/orrery-catalog/orrery/graph"
)

// writerPragmas make a commit that was reported survive a loss of power, keep a few thousand rows in memory, and cut the
// log after a large commit was worked in.
var writerPragmas = [...]string{
	"synchronous = FULL", "fullfsync = ON", "checkpoint_fullfsync = ON",
	"cache_size = -32768", "temp_store = MEMORY", "journal_size_limit = 67108864",
}

// writer is the one connection that writes, taken in turns.
type writer struct {
	db      *sql.DB
	pragmas []string
	turn    chan struct{} // holds one token while nobody writes; empty for ever after close
	// conn and prepared belong to who has the turn. conn is nil before the first write and after one that failed.
	conn     *sql.Conn
	prepared map[string]*sql.Stmt
}

func newWriter(dsn string, pragmas []string) *writer {
	w := &writer{db: sql.OpenDB(connector(dsn)), turn: make(chan struct{}, 1)}
	w.pragmas = append(append(w.pragmas, writerPragmas[:]...), pragmas...)
	w.turn <- struct{}{}
	return w
}

// do runs step in a transaction: all of it is committed, or none where an error comes back. Once step has returned nil,
// the end of ctx no longer matters.
func (w *writer) do(ctx context.Context, step func(*transaction) error) error {
	select {
	case <-w.turn:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { w.turn <- struct{}{} }()
	if err := w.connect(ctx); err != nil {
		return err
	}
	tx := &transaction{writer: w, ctx: ctx, unending: context.WithoutCancel(ctx)}
	err := tx.run("BEGIN IMMEDIATE")
	if err == nil {
		if err = step(tx); err == nil {
			err = tx.run("COMMIT")
		}
		if err != nil {
			err = errors.Join(err, w.rollback(tx))
		}
	}
	return err
}

// rollback undoes a transaction that failed. SQLite has undone some by itself; where it is not sure in which state the
// connection is, a new one is.
func (w *writer) rollback(tx *transaction) error {
	if err := tx.run("ROLLBACK"); err != nil {
		return w.disconnect()
	}
	return nil
}

func (w *writer) connect(ctx context.Context) error {
	if w.conn != nil {
		return nil
	}
	conn, err := w.db.Conn(ctx)
	if err != nil {
		return err
	}
	w.conn, w.prepared = conn, make(map[string]*sql.Stmt)
	for _, pragma := range w.pragmas {
		if err == nil {
			_, err = conn.ExecContext(ctx, "PRAGMA "+pragma)
		}
	}
	var mode string
	if err == nil {
		err = conn.QueryRowContext(ctx, "PRAGMA journal_mode = WAL").Scan(&mode)
	}
	if err == nil && mode != "wal" {
		err = fmt.Errorf("%w: its disk does not allow a write-ahead log (SQLite stays in %s mode)", graph.ErrUnavailable, mode)
	}
	if err != nil {
		return errors.Join(err, w.disconnect())
	}
	return nil
}

// disconnect really closes the connection: one given back to the pool would come again.
func (w *writer) disconnect() error {
	var err error
	for _, statement := range w.prepared {
		err = errors.Join(err, statement.Close())
	}
	if w.conn != nil {
		discarded := w.conn.Raw(func(any) error { return driver.ErrBadConn })
		if !errors.Is(discarded, driver.ErrBadConn) {
			err = errors.Join(err, discarded)
		}
	}
	w.conn, w.prepared = nil, nil
	return err
}

// close waits for its turn and never gives it on.
func (w *writer) close() error {
	<-w.turn
	return errors.Join(w.disconnect(), w.db.Close())
}

// transaction is a turn of the writer.
type transaction struct {
	*writer
	ctx context.Context // of the caller: the loops between statements end with it
	// unending is for the statements. Each takes little time, and the driver would watch a context that can end.
	unending context.Context
}

// run executes a statement that gives no rows. It is prepared once a connection, unless it has no arguments.
func (tx *transaction) run(query string, args ...any) error {
	if len(args) == 0 {
		_, err := tx.conn.ExecContext(tx.unending, query)
		return err
	}
	statement, err := tx.statement(query)
	if err != nil {
		return err
	}
	_, err = statement.ExecContext(tx.unending, args...)
	return err
}

// scan reads the one row of a query; sql.ErrNoRows where there is none.
func (tx *transaction) scan(query string, args []any, into ...any) error {
	statement, err := tx.statement(query)
	if err != nil {
		return err
	}
	return statement.QueryRowContext(tx.unending, args...).Scan(into...)
}

// number reads the one number that a query gives.
func (tx *transaction) number(query string, args ...any) (int64, error) {
	var n int64
	err := tx.scan(query, args, &n)
	return n, err
}

func (tx *transaction) statement(query string) (*sql.Stmt, error) {
	if statement, ok := tx.prepared[query]; ok {
		return statement, nil
	}
	statement, err := tx.conn.PrepareContext(tx.unending, query)
	if err != nil {
		return nil, err
	}
	tx.prepared[query] = statement
	return statement, nil
}

// ctxErr is why the caller no longer wants the transaction.
func (tx *transaction) ctxErr() error {
	if tx.ctx.Err() != nil {
		return context.Cause(tx.ctx)
	}
	return nil
}
