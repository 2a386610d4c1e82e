package graph

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
)

// Revision is the number of a committed state of the store. 0 is the empty store; each Change makes the next one.
type Revision uint64

// Errors that callers decide on. Engines wrap them.
var (
	// ErrConflict says that Change.Base is not the store's newest revision: load again, compute again.
	ErrConflict = errors.New("the store has moved on since the change was computed")
	// ErrFenced says that a newer lease than the change's was granted: this process must stop writing.
	ErrFenced = errors.New("the lease was taken over by another process")
	// ErrLeaseHeld says that another holder has the lease. The error in the chain names it: see [LeaseHeldError].
	ErrLeaseHeld = errors.New("the lease is held")
	// ErrReadOnly says that the store was opened for reading.
	ErrReadOnly = errors.New("the store is open for reading only")
	// ErrUnavailable says that the store cannot be reached or cannot be written now; trying again later may help.
	ErrUnavailable = errors.New("the store is unavailable")
	// ErrTooLarge says that a state document is over [MaxStateBytes] or a packed document over [MaxDocumentBytes]. Trying
	// again does not help.
	ErrTooLarge = errors.New("too large for the store")
	// ErrCompacted says that the revisions asked for are no longer kept: load again.
	ErrCompacted = errors.New("the revisions are no longer kept")
	// ErrBadChange says that a change contradicts itself: see [Change.Check]. It is a mistake of the program.
	ErrBadChange = errors.New("the change contradicts itself")
	// ErrNoRevision says that nothing was in the store by the time that was asked for, or not that revision yet.
	ErrNoRevision = errors.New("the store had no revision then")
	// ErrNoPast says that past states cannot be told, because no store keeps them.
	ErrNoPast = errors.New("past states are kept in a store, and this catalog has none")
	// ErrClosed says that Close was called.
	ErrClosed = errors.New("the store is closed")
)

// LeaseHeldError tells who holds a lease. It wraps [ErrLeaseHeld].
type LeaseHeldError struct {
	Name   string
	Holder string    // as the holder described itself
	Until  time.Time // when it ends unless renewed; zero = with its process
}

func (e *LeaseHeldError) Error() string {
	if e.Until.IsZero() {
		return e.Name + " is held by " + e.Holder
	}
	return e.Name + " is held by " + e.Holder + " until " + e.Until.UTC().Format(time.RFC3339)
}

// Unwrap makes errors.Is(err, ErrLeaseHeld) true.
func (e *LeaseHeldError) Unwrap() error { return ErrLeaseHeld }

// MaxStateBytes is the largest state document a store takes.
const MaxStateBytes = 1 << 20

// Store keeps the documents of all sources, durably and by revisions. All methods may be called from many goroutines.
// Any string is kept byte for byte, also with NULs or bytes that are no UTF-8. After Close, every method's error wraps
// ErrClosed. Every implementation passes the suite in graphtest.
type Store interface {
	// Apply commits the change as a whole or not at all and returns the new revision. A change that holds nothing makes a
	// revision too. Once it has returned nil, the change survives a crash of the process and of the machine. The store
	// keeps nothing of the change's memory. Errors: ErrConflict, ErrFenced, ErrReadOnly, ErrTooLarge, ErrBadChange,
	// ErrUnavailable; with all of them nothing has changed. Only where the store went away during the commit itself
	// (ErrUnavailable) is it open whether it took place: a second Apply of the same change then tells, by ErrConflict.
	Apply(ctx context.Context, change Change) (Revision, error)

	// Load streams a state: everything that was true at the returned revision, documents by ID, then states by source and
	// name. The stream can be run through once, and must be drained or broken off, or ctx ended; its error, if any, is the
	// last pair. Applying what Follow gives after the revision on top keeps the state true, even while others write during
	// the load. Yielded documents belong to the caller. A past state is kept as long as history is, counted from when it was
	// replaced: ErrCompacted where it is older, ErrNoRevision where the store has none by then, or not yet that revision.
	Load(ctx context.Context, at AsOf) (Revision, iter.Seq2[Record, error])

	// Follow yields the changes after the revision, in order, each exactly once and only when whole, and then waits for
	// more until ctx ends (which ends the stream without an error). Each comes as it was made, even if a later one replaced
	// its documents. It can start wherever a state can be loaded. ErrCompacted where they are no longer kept, and where the revision is newer than the store's newest
	// (another database stands in its place): load again. Yielded documents belong to the caller.
	Follow(ctx context.Context, after Revision) iter.Seq2[Commit, error]

	// History yields recorded field changes, the newest revision first, those of one revision in the order of its Change.
	// An unknown Ref gives an empty stream. What is no longer kept is left out, unless After is set: then it is
	// ErrCompacted, before anything else, where a revision behind After is no longer kept.
	History(ctx context.Context, query HistoryQuery) iter.Seq2[Recorded, error]

	// Ready is nil while the store answers. It must turn non-nil when the database stops answering, and back.
	Ready(ctx context.Context) error

	// Lease takes or renews the named lease for the holder (a description that others are shown; it must tell processes
	// apart). The returned token grows each time that the lease passes to another holder, and when it is taken again after
	// it was given back. While somebody else holds it: a *LeaseHeldError. A ttl of 0 gives the lease back; where nobody
	// holds it that does nothing.
	Lease(ctx context.Context, name, holder string, ttl time.Duration) (FencingToken, error)

	// Capabilities tells limits and names, for people and logs. No test may depend on them.
	Capabilities() Capabilities

	// Close frees what the store holds. Streams under way end with an error.
	Close() error
}

// Projector is a Store that also writes the merged graph, for people who ask the database itself. Orrery never reads it
// back to answer questions.
type Projector interface {
	Store

	// Project brings the written graph from one snapshot to a later one. Where from is nil, or the written graph is not
	// that of from, everything in it is compared and what differs written anew: whatever was left behind by a process that
	// died, or by one of another configuration, is healed. A graph that is ahead of to is left alone, as is one that is at
	// its revision already, unless from is nil. A large
	// change arrives in several transactions; the revision that the graph says to be of moves with the last of them. The
	// lease is checked in each transaction. Errors: ErrFenced, ErrReadOnly, ErrUnavailable; the next call goes on from there.
	Project(ctx context.Context, lease string, fence FencingToken, from, to *Snapshot) error
}

// TrafficProjector is a Projector whose written graph also tells how much traffic there is. That changes all the time, and
// is brought up to date apart, at a pace that the caller sets.
type TrafficProjector interface {
	Projector

	// ProjectTraffic writes the present numbers of relations that are there, in the order of the entities that they were
	// written with: of those behind after, of about limit relations. It returns the last of these entities, "" at the end. Where the
	// written graph is not that of the snapshot it changes nothing and returns after. The lease is checked as in Project, and
	// the errors are the same.
	ProjectTraffic(ctx context.Context, lease string, fence FencingToken, of *Snapshot, after catalog.Ref, limit int) (catalog.Ref, error)
}

// Freshness tells how far a Snapshot can be taken for what the store holds.
type Freshness struct {
	// Confirmed is when the Snapshot was last known to be all that the store held; zero = never.
	Confirmed time.Time
	// Since is when the first attempt failed after that, and Err why the last one did; nil = all is well.
	Since time.Time
	Err   error
}

// AsOf names a state of the store: the newest one, the one of a Revision, or that of a Time, which is the newest revision
// whose own time is not later. Only one of the fields may be set.
type AsOf struct {
	Revision Revision
	Time     time.Time
}

// LeaseScans is the lease of the one process that scans sources into a replicated store.
const LeaseScans = "scans"

// FencingToken orders the holders of a lease: a change with an older token than the newest granted is refused.
type FencingToken uint64

// Change is one atomic step of the store.
type Change struct {
	Base  Revision     // the newest revision when the change was computed
	Lease string       // name of the lease under which it was computed; "" = none
	Fence FencingToken // of that lease; anything but its newest token is refused
	Time  time.Time    // of the change, not of the commit; kept to the microsecond, in UTC
	// Put replaces documents by ID; Remove takes them away (an absent one is no error). Each ID may be named once in both
	// together.
	Put    []*catalog.Document
	Remove []catalog.DocumentID
	// States replaces small documents of state; a nil Data removes one. Each may be named once.
	States []State
	// Recorded is the history that the change makes.
	Recorded []FieldChange
	// Origin says that this is where a copied store begins: it makes the revision Base+1, whatever number the store was at,
	// and no earlier state can be loaded or followed, as if it was no longer kept. Of what was before, only the history is
	// told; the revisions that are passed over have none. In a store that had no revision, what was before counts as no
	// longer kept, and without Recorded that of the new revision, too. Several in a row carry over the history of revisions
	// whose states are gone. Allowed as long as the store holds no document and no state, and Base is not behind its newest
	// revision; ErrConflict otherwise.
	Origin bool
}

// State is a small document that belongs to a source and survives restarts: ETags, last error, next run.
type State struct {
	Source string `json:"source"`
	Name   string `json:"name"`
	Data   []byte `json:"data"` // at most MaxStateBytes
}

// Record is one piece of a loaded state: exactly one field is set.
type Record struct {
	Document *catalog.Document
	State    *State
}

// Commit is a change with the revision it made, each list in the order of Load. Removals of what was absent are left out;
// so is Recorded: History has it.
type Commit struct {
	Revision Revision
	Time     time.Time
	Put      []*catalog.Document
	Remove   []catalog.DocumentID
	States   []State
}

// FieldChange is one recorded change of one field of an entity. The birth of an entity is one record with Field "".
type FieldChange struct {
	Ref    catalog.Ref
	Field  string
	Old    string // "" = was not there
	New    string // "" = is no longer there
	Source string
}

// Recorded is a FieldChange in the history.
type Recorded struct {
	FieldChange
	Revision Revision
	Time     time.Time
	Position int // among those of its Change, from 0
}

// HistoryQuery narrows the history; zero fields do not narrow.
type HistoryQuery struct {
	Since, Until time.Time // Since inclusive, Until exclusive
	Refs         []catalog.Ref
	After        Revision // only revisions after it
	Through      Revision // only revisions up to it; 0 = all
	From         int      // of the revision Through, only the records at this Position or behind it
	Limit        int      // newest first
}

// Capabilities describes an engine.
type Capabilities struct {
	Engine     string // "sqlite", "neo4j"
	Version    string // of the database
	Place      string // where the data is, without secrets
	Replicated bool   // other processes may write at the same time: who scans needs the lease [LeaseScans]
}
