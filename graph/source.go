package graph

import (
	"errors"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
)

// Errors of what can be asked of a source.
var (
	// ErrUnknownSource says that no such source is configured, nor holds anything.
	ErrUnknownSource = errors.New("there is no such source")
	// ErrNothingHeld says that no removal of the source waits for a person.
	ErrNothingHeld = errors.New("no removal waits for approval")
	// ErrHeldMoved says that what waits is no longer what was shown: look again.
	ErrHeldMoved = errors.New("what waits for approval has changed since it was shown")
)

// SourceState says how a source is doing.
type SourceState string

// The states of a source.
const (
	SourcePending SourceState = "PENDING" // never scanned
	SourceOK      SourceState = "OK"
	SourceStale   SourceState = "STALE"  // scanned, but parts of it could not be renewed
	SourceFailed  SourceState = "FAILED" // the last scan failed, or what is sent to it is not heard; the last good data stands
	SourceHeld    SourceState = "HELD"   // removals wait for a person; everything else is up to date
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
	Stale     int              // of them, those that could not be renewed or that the last scan did not find
	Entities  int              // entities and aliases that it says something about
	Scopes    int              // files, repositories ... that hold something
	Lost      map[string]int64 // input that could not be used, by reason
	// Unconfigured says that the source is in the store only: what it said leaves by the rule for removals.
	Unconfigured bool
	Environment  string // that what it observes belongs to; "" = unknown, of an unconfigured one
	// Schedule is as configured; "" = none. NextScan is when it is scanned next; zero = not by itself.
	Schedule string
	NextScan time.Time
	// Watched says that changes are seen as they happen; WatchError why that was lost, and it is scanned instead.
	Watched    bool
	WatchError string
	Held       *HeldRemoval // nil = none waits
	Budgets    []Budget     // how much the place lets itself be asked, by name; none = it does not say
}

// Budget is how much a place lets itself be asked in a time, as it was known after the last scan.
type Budget struct {
	Name             string // of what is counted apart, such as core or graphql
	Limit, Remaining int    // requests
	Reset            time.Time
	Used             int // by the last scan
}

// HeldRemoval is what a scan did not find, and did not dare to remove without a person's word.
type HeldRemoval struct {
	Digest   string    // of what would be removed: an approval covers this and no more
	Since    time.Time // when the first of it was missed
	Entities int       // that would be removed
	Of       int       // entities that the source had
	Refs     []catalog.Ref
	Reason   string // which limit held it
}

// MaxHeldRefs is how many Refs a HeldRemoval names.
const MaxHeldRefs = 100

// ScanResult is how the scan of a source ended.
type ScanResult struct {
	Source   string
	Revision Revision // that shows it
	// Put and Removed count documents, Scopes those that were reported, and Unreadable those of them that could not be read.
	Put, Removed, Scopes, Unreadable int
	Duration                         time.Duration
	Held                             *HeldRemoval // nil = nothing waits
}

// ScanProgress tells how far the scan of one source is.
type ScanProgress struct {
	Source    string
	Scopes    int // read so far
	Documents int // found in them
	Done      bool
	Error     string // with Done: why the scan changed nothing; "" = it is committed
}
