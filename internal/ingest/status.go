package ingest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/scanners"
)

// The state documents that a Catalog keeps for each source.
const (
	statusName = "status" // a status in JSON
	cursorName = "cursor" // what the scanner returned, and the first of the names of its chunks

	requestedName = "requested"  // a request in JSON
	deliveredName = "deliveries" // that were heard
)

// newestName is the state document, of no source, that holds the time of the newest revision.
const newestName = "newest"

// maxBroken and maxBrokenBytes are how many scopes that could not be read a status names.
const (
	maxBroken      = 100
	maxBrokenBytes = 64 << 10
)

// status is how the last scan of a source went. It survives restarts.
type status struct {
	Kind       string        `json:"kind"`
	Failed     bool          `json:"failed,omitzero"`     // the last scan changed nothing
	Unreadable int           `json:"unreadable,omitzero"` // scopes that the last good scan could not read at all
	Broken     []broken      `json:"broken,omitempty"`    // the first of them, by scope
	Error      string        `json:"error,omitzero"`      // one line
	LastScan   time.Time     `json:"lastScan,omitzero"`   // its end
	LastGood   time.Time     `json:"lastGood,omitzero"`
	LastWhole  time.Time     `json:"lastWhole,omitzero"` // end of the last scan of all of it, good or not
	Duration   time.Duration `json:"durationNanoseconds,omitzero"`
	Given      given         `json:"given,omitzero"`
	// HeldSince is when the first of what is held was missed, HeldOf how many entities the source had then.
	HeldSince time.Time `json:"heldSince,omitzero"`
	HeldOf    int       `json:"heldOf,omitzero"`
	// Counted is how many entities a watched source had before scans removed some, the first of them at CountedSince.
	Counted      int       `json:"counted,omitzero"`
	CountedSince time.Time `json:"countedSince,omitzero"`
	Retired      bool      `json:"retired,omitzero"` // everything is held since the source is not configured
	Budgets      []budget  `json:"budgets,omitempty"`
	Resume       time.Time `json:"resume,omitzero"` // when the source is to be scanned on; zero = by its schedule alone
	Answer       answer    `json:"answer,omitzero"` // to the newest request that a scan has answered
}

// given is what documents were given by the configuration of their source.
type given struct {
	Priority    int    `json:"priority"`
	Environment string `json:"environment,omitzero"`
}

func givenBy(source Source) given {
	return given{cmp.Or(source.Priority, catalog.DefaultPriorityFiles), source.Environment}
}

// broken is a scope that could not be read.
type broken struct {
	Scope string `json:"scope"`
	Error string `json:"error"`
}

// decodeStatus reads a stored status. One that cannot be read counts as never scanned: the next scan writes it anew.
func decodeStatus(data []byte) status {
	var s status
	if json.Unmarshal(data, &s) != nil {
		return status{}
	}
	return s
}

func decodeTime(data []byte) time.Time {
	var t time.Time
	if t.UnmarshalText(data) != nil {
		return time.Time{}
	}
	return t
}

// setBack is how far a clock may be behind the newest revision and yet be taken for one that was set a little; farther, the
// revision was made by a clock that was far ahead, which later ones must not follow.
const setBack = 2 * time.Hour

// now is the time of a change that follows the state: that of the clock, unless the clock was set back a little.
func (s *state) now(clock time.Time) time.Time {
	clock = clock.UTC().Truncate(time.Microsecond)
	if next := s.time.Add(time.Microsecond); clock.Before(next) && next.Sub(clock) <= setBack {
		return next
	}
	return clock
}

// newest is the time of the newest commit. In a store that was written before it was kept, it is the end of the latest
// scan.
func (s *state) newest() time.Time {
	newest := s.time
	for _, h := range s.sources {
		if s.time.IsZero() && h.status.LastScan.After(newest) {
			newest = h.status.LastScan
		}
	}
	return newest
}

// summary tells what a good scan could not read: by what it reported and, of what it was not asked for, by what was known
// before.
func (s *scan) summary(was status) (now status) {
	for name, statement := range s.scopes {
		if statement.state == scanners.Unreadable {
			cutText(&statement.failure)
			now.Broken = append(now.Broken, broken{name, statement.failure})
		}
	}
	if s.parts != nil {
		for _, b := range was.Broken {
			if _, reported := s.scopes[b.Scope]; !reported && s.above(b.Scope).state == scanners.Unchanged {
				now.Broken = append(now.Broken, b)
			}
		}
		now.Unreadable = was.Unreadable - len(was.Broken) // those that are not named
	}
	now.Unreadable += len(now.Broken)
	slices.SortFunc(now.Broken, func(a, b broken) int { return strings.Compare(a.Scope, b.Scope) })
	if len(now.Broken) > 0 {
		now.Error = oneLine(fmt.Sprintf("%d could not be read, of them %s: %s", now.Unreadable, now.Broken[0].Scope, now.Broken[0].Error))
		cutText(&now.Error)
	}
	bytes := 0
	for i, b := range now.Broken {
		if bytes += len(b.Scope) + len(b.Error); i == maxBroken || bytes > maxBrokenBytes {
			now.Broken = now.Broken[:i:i]
			break
		}
	}
	return now
}

// describeAll describes the configured sources and those that are only in the store, by ID. The caller holds mu.
func (c *Catalog) describeAll() []graph.Source {
	ids := c.state.sourceIDs()
	for _, source := range c.sources {
		ids = append(ids, source.ID)
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	described := make([]graph.Source, 0, len(ids))
	for _, id := range ids {
		configured, err := c.source(id)
		source := c.state.of(id).describe(id, configured, err == nil)
		c.runtimes[id].describe(&source)
		described = append(described, source)
	}
	return described
}

func (h *holding) describe(id string, configured Source, known bool) graph.Source {
	was := h.status
	source := graph.Source{
		ID: id, Kind: was.Kind, State: graph.SourceOK, Error: was.Error,
		LastScan: was.LastScan, LastGood: was.LastGood, Duration: was.Duration,
		Documents: h.documents, Stale: h.stale, Entities: h.entities, Scopes: h.scopes.Len(),
		Unconfigured: !known, Held: h.awaits(),
	}
	if len(h.lost) > 0 && (!known || !configured.Ages) { // what of traffic could not be used is counted with the traffic
		source.Lost = maps.Clone(h.lost)
	}
	for _, b := range was.Budgets {
		source.Budgets = append(source.Budgets, graph.Budget(b))
	}
	if known {
		source.Kind, source.Environment = configured.Kind, configured.Environment
	}
	stale := h.stale - len(h.held)
	switch {
	case !known:
		source.State, source.Error = graph.SourceStale, "it is no longer configured; its last good data stands"
		if source.Held != nil {
			source.State = graph.SourceHeld
		}
	case was.LastScan.IsZero():
		source.State = graph.SourcePending
	case was.Failed:
		source.State = graph.SourceFailed
	case source.Held != nil:
		source.State = graph.SourceHeld
		if source.Error == "" {
			source.Error = fmt.Sprintf("%d of %d entities are no longer there, and stand until their removal is approved",
				source.Held.Entities, source.Held.Of)
		}
	case stale > 0 || was.Unreadable > 0:
		source.State = graph.SourceStale
		if source.Error == "" {
			source.Error = fmt.Sprintf("%d could not be read again: what was read last stands", stale)
		}
	}
	return source
}

// oneLine makes an error fit for a list.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
