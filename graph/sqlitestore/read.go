package sqlitestore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"iter"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// view is a read transaction: it sees one state of the store, whatever others write meanwhile. It must be ended.
type view struct {
	store *Store
	conn  *sql.Conn
	head  int64
	// unending is to end the transaction with, whatever has become of the caller's context.
	unending context.Context
}

func (s *Store) view(ctx context.Context) (*view, error) {
	if err := s.usable(); err != nil {
		return nil, err
	}
	conn, err := s.read.Conn(ctx)
	if err != nil {
		return nil, s.explain(err)
	}
	v := &view{store: s, conn: conn, unending: context.WithoutCancel(ctx)}
	if _, err := conn.ExecContext(ctx, "BEGIN"); err != nil {
		v.end() // where ctx ended meanwhile, it has begun all the same
		return nil, s.explain(err)
	}
	// The transaction begins to be one with the first read.
	if err := conn.QueryRowContext(ctx, selectHead).Scan(&v.head); err != nil {
		v.end()
		return nil, s.explain(err)
	}
	return v, nil
}

// end gives the connection back. Nothing was written, so that nothing can be lost here.
func (v *view) end() {
	if _, err := v.conn.ExecContext(v.unending, "ROLLBACK"); err != nil {
		_ = v.conn.Raw(func(any) error { return driver.ErrBadConn }) // never to be used again
	}
	_ = v.conn.Close()
}

// recordColumns are those of records and superseded. The driver does not tell an empty value from NULL.
const recordColumns = "kind, source, scope, key, data IS NULL, data"

// records streams the rows of a query for recordColumns.
func (v *view) records(ctx context.Context, query string, args ...any) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		// The driver would watch a context that can end for each row; the loop does.
		rows, err := v.conn.QueryContext(context.WithoutCancel(ctx), query, args...)
		if err != nil {
			yield(row{}, v.store.explain(err))
			return
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			if err := v.interrupted(ctx); err != nil {
				yield(row{}, err)
				return
			}
			var r row
			if err := rows.Scan(&r.kind, &r.id.Source, &r.id.Scope, &r.id.Key, &r.removed, &r.data); err != nil {
				yield(row{}, v.store.explain(err))
				return
			}
			if !yield(r, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(row{}, v.store.explain(err))
		}
	}
}

func (v *view) interrupted(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-v.store.closed:
		return graph.ErrClosed
	default:
		return nil
	}
}

// row is one record of a table.
type row struct {
	kind    int
	id      catalog.DocumentID // of a state: its source, and its name as scope
	removed bool               // by the revision; there are no data
	data    []byte
}

// record unpacks the data.
func (r row) record() (graph.Record, error) {
	if r.kind == kindState {
		return graph.Record{State: &graph.State{Source: r.id.Source, Name: r.id.Scope, Data: append([]byte{}, r.data...)}}, nil
	}
	document, err := graph.DecodeDocument(r.data)
	if corrupt := new(graph.CorruptError); errors.As(err, &corrupt) {
		corrupt.Document = r.id
		return graph.Record{}, corrupt
	} else if err != nil {
		return graph.Record{}, err
	}
	if document.ID != r.id {
		return graph.Record{}, &graph.CorruptError{Document: r.id, Reason: fmt.Errorf("it says of itself that it is %+v", document.ID)}
	}
	return graph.Record{Document: document}, nil
}
