package sqlitestore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"iter"
	"sync"

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
		return nil, errors.Join(s.explain(err), conn.Close())
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

// Load implements [graph.Store].
func (s *Store) Load(ctx context.Context, at graph.AsOf) (graph.Revision, iter.Seq2[graph.Record, error]) {
	v, err := s.view(ctx)
	if err != nil {
		return 0, func(yield func(graph.Record, error) bool) { yield(graph.Record{}, err) }
	}
	// The view ends with the stream, or with ctx where the stream is never run.
	end := sync.OnceFunc(v.end)
	stop := context.AfterFunc(ctx, end)
	return graph.Revision(v.head), func(yield func(graph.Record, error) bool) {
		if !stop() {
			if err = context.Cause(ctx); err == nil {
				err = errors.New("the stream of a load can be run through only once")
			}
			yield(graph.Record{}, err)
			return
		}
		defer end()
		rows := ahead(v.records(ctx, "SELECT "+recordColumns+" FROM records ORDER BY kind, source, scope, key"), row.size)
		for record, err := range ahead(s.unpacked(rows), loaded.size) {
			if !yield(record.Record, err) || err != nil {
				return
			}
		}
		// A frozen file has no transactions: if somebody wrote it meanwhile, what was read may be of two states.
		if s.frozen {
			if err := s.usable(); err != nil {
				yield(graph.Record{}, err)
			}
		}
	}
}

// loaded is a record with the size that it has packed.
type loaded struct {
	graph.Record
	bytes int
}

func (l loaded) size() int { return l.bytes }

func (r row) size() int { return len(r.data) }

func (s *Store) unpacked(rows iter.Seq2[row, error]) iter.Seq2[loaded, error] {
	return func(yield func(loaded, error) bool) {
		for r, err := range rows {
			l := loaded{bytes: len(r.data)}
			if err == nil {
				if l.Record, err = r.record(); err != nil {
					err = s.explain(err)
				}
			}
			if !yield(l, err) || err != nil {
				return
			}
		}
	}
}
