package graph

import "time"

// SourceState says how a source is doing.
type SourceState string

// The states of a source.
const (
	SourcePending SourceState = "PENDING" // never scanned
	SourceOK      SourceState = "OK"
	SourceStale   SourceState = "STALE"  // scanned, but parts of it could not be renewed
	SourceFailed  SourceState = "FAILED" // the last scan failed; the last good data stands
)

// Source is one configured place that data comes from, with how its last scan went.
type Source struct {
	ID, Kind  string
	State     SourceState
	Error     string           // of the last scan, one line; "" = none
	LastScan  time.Time        // end of the last scan, good or not; zero = never
	LastGood  time.Time        // end of the last good scan; zero = never
	Duration  time.Duration    // of the last scan
	Documents int              // claims-bearing documents it holds now
	Lost      map[string]int64 // input that could not be used, by reason
}
