package scanners

import (
	"context"

	"github.com/orrery-catalog/orrery/catalog/traffic"
)

// TrafficReader reads traffic that somebody else recorded or counted: files of traces, the metrics of a mesh.
type TrafficReader interface {
	// ReadTraffic hands over what was counted since the last time. previous is what the last good reading returned (nil at
	// first, and also after that where what was handed over may be lost: everything is to be handed over again); the
	// returned state is kept for the next one (at most 1 MiB). After an error what was handed over stands: it is true all
	// the same. It stops soon after ctx ends.
	ReadTraffic(ctx context.Context, previous []byte, into TrafficSink) (next []byte, err error)
}

// TrafficListener hears traffic as it is sent to it.
type TrafficListener interface {
	// Listen counts what it hears until ctx ends, then hands over all that it has and returns nil. It hands over at least
	// every few seconds. An error says why it cannot listen.
	Listen(ctx context.Context, into TrafficSink) error
}

// DeafError says why a source does not hear what is sent to it: somebody has to mend that, reading again does not help.
type DeafError struct{ Err error }

// Error implements error.
func (e *DeafError) Error() string { return e.Err.Error() }

// Unwrap gives the reason.
func (e *DeafError) Unwrap() error { return e.Err }

// TrafficSink takes what is counted. Its methods may be called from several goroutines. The receiver owns what it is given.
type TrafficSink interface {
	// Add adds to what was counted. It only touches memory.
	Add(hour traffic.Hour, counts *traffic.Counts)
	// Replace says all that a writer (a file, a query) counted in the hour; what it said of that hour before is forgotten. nil
	// = nothing.
	Replace(ctx context.Context, writer string, hour traffic.Hour, counts *traffic.Counts) error
	// Hours lists the hours of which something is held of the writer, in order.
	Hours(writer string) []traffic.Hour
	// Stands says that what the writer counted does not age: the file is there still. It is to be said in each reading.
	Stands(writer string)
	// Report tells what is wrong with a scope, by documents without claims.
	Report(ctx context.Context, scope Scope) error
}
