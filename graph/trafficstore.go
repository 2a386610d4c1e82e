package graph

import (
	"context"
	"iter"

	"github.com/orrery-catalog/orrery/catalog/traffic"
)

// TrafficStore is a Store that also keeps what was counted of traffic. Rows belong to no revision: counters change all the
// time and only ever add up, so that any process writes its own without a lease. Engines implement it; the suite in graphtest
// holds for it too.
type TrafficStore interface {
	Store

	// WriteTraffic writes rows, each in place of that of its key, and empties others: all or nothing. A row with Data of
	// length 0 is empty: it is told to readers for a day at least and then forgotten. Where Expect is set, nothing is written
	// (ErrConflict) unless each of those rows is still the one of that Sequence. Once it has returned nil, the rows survive a crash.
	// Errors: ErrConflict, ErrReadOnly, ErrTooLarge, ErrUnavailable; the same write can be tried again, whether it took place or not,
	// as long as nobody else writes its rows.
	WriteTraffic(ctx context.Context, write TrafficWrite) error

	// Traffic streams the rows that were written after the sequence, each as it is now, in the order of Sequence; after 0 all
	// that are not empty. A row with a smaller Sequence than one that was yielded never comes later. The stream ends with the newest row there is; its error, if any, is the last pair.
	Traffic(ctx context.Context, after uint64) iter.Seq2[TrafficRow, error]
}

// TrafficKey tells rows apart.
type TrafficKey struct {
	Source string
	Writer string // who counted: a process, a file, a query; "" = the sum of several, that took their place
	Hour   traffic.Hour
	Part   uint16 // of what is too large for one row, or changes apart
}

// TrafficRow is a packed piece of [traffic.Counts].
type TrafficRow struct {
	TrafficKey
	Data     []byte // at most MaxStateBytes; none = it is empty
	Sequence uint64 // grows with every write of any row of the store; given by the store
}

// TrafficWrite is one atomic step.
type TrafficWrite struct {
	Put    []TrafficRow // Sequence is not looked at
	Expect []TrafficRow // only key and Sequence count; 0 = there is no such row
}
