package graph

import (
	"context"
	"fmt"
	"iter"

	"github.com/orrery-catalog/orrery/catalog/traffic"
)

// TrafficStore is a Store that also keeps what was counted of traffic. Rows belong to no revision: counters change all the
// time and only ever add up, so that any process writes its own without a lease. Engines implement it; the suite in graphtest
// holds for it too. Strings of a key are kept byte for byte.
type TrafficStore interface {
	Store

	// WriteTraffic writes rows, each in place of that of its key: all or nothing. A row with Data of length 0 is empty: it is
	// told to readers for a day at least and then forgotten. Where Expect is set, nothing is written (ErrConflict) unless each
	// of those rows is still the one of that Sequence. Once it has returned nil, the rows survive a crash of the process and of
	// the machine. The store keeps nothing of the write's memory.
	// Errors: ErrConflict, ErrReadOnly, ErrTooLarge, ErrBadChange, ErrUnavailable; with all of them nothing has changed. Only
	// where the store went away during the commit itself (ErrUnavailable) is it open whether it took place. Then the same write
	// can be tried again, as long as nobody else writes its rows; with Expect, ErrConflict tells that it did take place.
	WriteTraffic(ctx context.Context, write TrafficWrite) error

	// Traffic streams the rows that were written after the sequence, each as it is now, in the order of Sequence; after 0 all
	// but those that were empty when it began. A row with a smaller Sequence than one that was yielded never comes later, so that whoever goes
	// on after the last that was yielded misses none. The stream ends with the newest row there is. Where rows are written
	// meanwhile, a key may come again, but who read to the end has the state of one moment, and no write by half. The error, if
	// any, is the last pair. Rows belong to the caller.
	// ErrCompacted where a row that was emptied after the sequence is forgotten by now, and where the sequence is greater than
	// any the store gave (another database, or an older copy, stands in its place): read again after 0.
	Traffic(ctx context.Context, after uint64) iter.Seq2[TrafficRow, error]
}

// The bounds of a write. What is larger is to be written in several, which are not atomic together.
const (
	MaxTrafficRows  = 4096    // in Put and Expect together
	MaxTrafficBytes = 8 << 20 // of Data and the strings of keys, in Put and Expect together
)

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
	Sequence uint64 // grows with every write of any row of the store; given by the store; never 0
}

// TrafficWrite is one atomic step.
type TrafficWrite struct {
	Put    []TrafficRow // each key once; Sequence is not looked at
	Expect []TrafficRow // only key and Sequence count; 0 = there is no such row, or an empty one
}

// Size is about how many bytes the row takes of [MaxTrafficBytes].
func (r *TrafficRow) Size() int { return len(r.Source) + len(r.Writer) + len(r.Data) }

// Check finds what no store can write: a row that is put twice (ErrBadChange), and what is over a bound (ErrTooLarge).
// Engines call it before they write.
func (w *TrafficWrite) Check() error {
	if rows := len(w.Put) + len(w.Expect); rows > MaxTrafficRows {
		return fmt.Errorf("a write of %d rows of traffic is %w (at most %d)", rows, ErrTooLarge, MaxTrafficRows)
	}
	bytes, seen := 0, make(map[TrafficKey]struct{}, len(w.Put))
	for i := range w.Put {
		row := &w.Put[i]
		if len(row.Data) > MaxStateBytes {
			return fmt.Errorf("the row of traffic %+v has %d bytes: %w (at most %d)", row.TrafficKey, len(row.Data), ErrTooLarge, MaxStateBytes)
		}
		bytes += row.Size()
		if _, twice := seen[row.TrafficKey]; twice {
			return fmt.Errorf("%w: it puts the row of traffic %+v twice", ErrBadChange, row.TrafficKey)
		}
		seen[row.TrafficKey] = struct{}{}
	}
	for i := range w.Expect {
		bytes += len(w.Expect[i].Source) + len(w.Expect[i].Writer)
	}
	if bytes > MaxTrafficBytes {
		return fmt.Errorf("a write of %d bytes of traffic is %w (at most %d)", bytes, ErrTooLarge, MaxTrafficBytes)
	}
	return nil
}
