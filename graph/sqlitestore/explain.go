package sqlitestore

import (
	"context"
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/orrery-catalog/orrery/graph"
)

// Primary result codes of SQLite (https://www.sqlite.org/rescode.html) that mean something to people.
const (
	readOnlyFile = sqlite3.SQLITE_READONLY
	cannotOpen   = sqlite3.SQLITE_CANTOPEN
)

// isCode says whether the error is one of SQLite with one of the primary codes.
func isCode(err error, codes ...int) bool {
	var failure *sqlite.Error
	if !errors.As(err, &failure) {
		return false
	}
	for _, code := range codes {
		if failure.Code()&0xff == code {
			return true
		}
	}
	return false
}

// explain turns an error of SQLite into one of the contract that says what to do. Other errors come back as they are.
func (s *Store) explain(err error) error {
	if errors.Is(err, graph.ErrUnavailable) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	select {
	case <-s.closed:
		return graph.ErrClosed // whatever closing under the call's feet gave
	default:
	}
	say := func(what string) error { return fmt.Errorf("%w: %s: %w", graph.ErrUnavailable, what, err) }
	switch {
	case isCode(err, sqlite3.SQLITE_FULL):
		return say("the disk that holds " + s.path + " is full; nothing was changed: free some space and try again")
	case isCode(err, sqlite3.SQLITE_IOERR):
		return say("the disk that holds " + s.path + " fails or is full; nothing was changed")
	case isCode(err, readOnlyFile):
		return say(s.path + " or its folder cannot be written: mount or own it for writing, or open the store for reading")
	case isCode(err, cannotOpen):
		return say(s.path + " cannot be opened: look at its permissions and those of its folder")
	case isCode(err, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
		return say("another program keeps " + s.path + " locked")
	case isCode(err, sqlite3.SQLITE_NOMEM):
		return say("memory is short")
	case isCode(err, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
		return s.damaged(err)
	case errors.As(err, new(*graph.CorruptError)):
		return s.damaged(err)
	}
	return err
}

func (s *Store) damaged(err error) error {
	return fmt.Errorf("%s is damaged: move it and its -wal away and restore a copy, or scan again: %w", s.path, err)
}
