// Package scanners defines what a scanner is: something that reads one place of the world and reports what it says as
// claims. A scanner does not schedule, merge, store or delete; it reads. Each kind of source has a package of its own
// below this one, and passes the suite in scantest.
package scanners

import (
	"context"
	"errors"

	"github.com/orrery-catalog/orrery/catalog"
)

// Scanner reads one configured source.
type Scanner interface {
	// Scan reads the source and reports each scope to the sink, as it goes. previous is what the last good scan returned
	// (nil at first); the returned state is kept for the next one (at most 64 MiB, of which only those pieces of 16 KiB are
	// written that differ from before: what changes often is best kept together). A nil error means that the listing was
	// complete: a scope of the source that was not reported is gone. After an error nothing of the scan is used. Scan stops
	// soon after ctx ends. A root that cannot be read is an error, never an empty scan.
	Scan(ctx context.Context, previous []byte, sink Sink) (next []byte, err error)
}

// ErrWhole says that what was named cannot be read alone, so that the whole source must be scanned.
var ErrWhole = errors.New("the whole source must be scanned")

// PartScanner is a Scanner that can read a part of its source alone.
type PartScanner interface {
	Scanner
	// ScanParts reads the named scopes again, and all below those whose name ends in "/". What is named, or lies below a
	// named one, and is not reported is gone. It may report others that had to be read again because of them: one that says
	// nothing any more is then Read without Documents. Everything else stays as it is. Names that the source does not have
	// are no error. With an error that wraps [ErrWhole] the caller scans the whole; so it is where the Scanner has not scanned
	// yet, as after a restart, and previous does not tell it enough. Otherwise it is like Scan.
	ScanParts(ctx context.Context, previous []byte, names []string, sink Sink) (next []byte, err error)
}

// Watcher is a Scanner that hears of changes as they happen.
type Watcher interface {
	PartScanner
	// Watch tells which scopes may have changed, by names as ScanParts takes them; without any name, all may have. It does
	// so once without a name as soon as it hears of everything, so that nothing that came before is missed. It calls changed
	// from one goroutine, which must return soon, until ctx ends (then it returns nil) or it can no longer hear of
	// everything (then it returns why).
	Watch(ctx context.Context, changed func(names ...string)) error
}

// Sink takes what a scanner finds. It may be called from several goroutines.
type Sink interface {
	// Report takes one scope. It blocks while the receiver is behind. Its error ends the scan and must be returned.
	Report(ctx context.Context, scope Scope) error
}

// Memory is a Sink that knows what the source said before the scan: a scanner asks before it takes silence for an answer.
// Its methods may be called from several goroutines.
type Memory interface {
	Sink
	// Said lists whom what is held of a scope is about, by Ref or alias; none where nothing is held of it.
	Said(scope string) []string
	// Scopes lists the scopes of which something is held, sorted.
	Scopes() []string
}

// Scope is one piece that a source was read in (a file, a repository, one kind of one cluster), as far as it went.
type Scope struct {
	// Name is unique within the source and stable between scans. One that ends in "/" also stands for every scope whose
	// name begins with it and that the scan does not report: a folder that cannot be listed is Unreadable with all that was
	// in it.
	Name  string
	State ScopeState
	// Documents are what the scope says now, in any order, told apart by Ordinal; the receiver fills ID, Priority (where 0)
	// and Environment (where ""), and owns them from here on. Problems that belong to no claim come as documents without
	// claims; those are all that an Unreadable scope has. Unchanged and Gone have none.
	Documents []*catalog.Document
	// Error says in one line why the scope, or a part of it, could not be read; "" with Read, Unchanged and Gone.
	Error string
}

// ScopeState says how far a scope was read.
type ScopeState uint8

// The states of a scope.
const (
	// Read: everything the scope says is in Documents; what it said earlier is replaced.
	Read ScopeState = iota
	// Partly: some documents could not be parsed. Those in Documents replace what the scope said earlier about the same
	// subjects; what it said about others stands, marked stale.
	Partly
	// Unchanged: the scope says what it said when it was read last. What is stale because the scope itself could not be read
	// stays so; what is stale because a folder around it could not be read is not any more.
	Unchanged
	// Unreadable: the scope is there and could not be read; what it said earlier stands, marked stale.
	Unreadable
	// Gone: somebody took it away, and the source itself said so, such as a cluster that is watched. A scope that is merely
	// not found is not reported: that may be a mistake of who looks, so that a person is asked where it is much at once.
	Gone
)
