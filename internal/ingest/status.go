package ingest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/orrery-catalog/orrery/graph"
)

// The state documents that a Catalog keeps for each source.
const (
	statusName = "status" // a status in JSON
	cursorName = "cursor" // what the scanner returned
)

// status is how the last scan of a source went. It survives restarts.
type status struct {
	Kind       string        `json:"kind"`
	Failed     bool          `json:"failed,omitzero"`     // the last scan changed nothing
	Unreadable int           `json:"unreadable,omitzero"` // scopes that the last good scan could not read at all
	Error      string        `json:"error,omitzero"`      // one line
	LastScan   time.Time     `json:"lastScan,omitzero"`   // its end
	LastGood   time.Time     `json:"lastGood,omitzero"`
	Duration   time.Duration `json:"durationNanoseconds,omitzero"`
}

// decodeStatus reads a stored status. One that cannot be read counts as never scanned: the next scan writes it anew.
func decodeStatus(data []byte) status {
	var s status
	if json.Unmarshal(data, &s) != nil {
		return status{}
	}
	return s
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
		source := c.state.describe(id, configured, err == nil)
		c.runtimes[id].describe(&source)
		described = append(described, source)
	}
	return described
}

func (s *state) describe(id string, configured Source, known bool) graph.Source {
	was := s.status[id]
	source := graph.Source{
		ID: id, Kind: was.Kind, State: graph.SourceOK, Error: was.Error,
		LastScan: was.LastScan, LastGood: was.LastGood, Duration: was.Duration,
	}
	if known {
		source.Kind = configured.Kind
	}
	var stale int
	for _, entries := range s.held[id] {
		for _, e := range entries {
			if e.claims {
				source.Documents++
			}
			if e.stale {
				stale++
			}
		}
	}
	switch {
	case !known:
		source.State, source.Error = graph.SourceStale, "it is no longer configured; its last good data stands"
	case was.LastScan.IsZero():
		source.State = graph.SourcePending
	case was.Failed:
		source.State = graph.SourceFailed
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
