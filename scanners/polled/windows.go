package polled

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/scanners"
)

// Windows says which windows of time are asked, and when again. Windows lie one behind the other since 1970 UTC, so that
// each moment is of exactly one; what is told of one replaces what was told of it before.
type Windows struct {
	Length   time.Duration // of a window, in whole hours
	Lookback time.Duration // how far back is asked
	// Settle is how long after its end a window is asked in each reading; what comes later is missed unless Again is set.
	Settle time.Duration
	// Again is how often an older window is asked, as long as it is within Lookback; 0 = once is enough.
	Again time.Duration
	// Forgetful programs tell less of a window later, as they push out what is old: a smaller answer is no correction then.
	Forgetful bool
}

// Answer is what was told of a window.
type Answer struct {
	Counts *traffic.Counts
	// Partial says that something is missing in it, so that the window is asked again.
	Partial bool
}

// State is what is remembered between readings: for each writer its windows by the hour they begin with. The zero value
// is empty.
type State map[string]map[string]told

type told struct {
	Asked    int64   `json:"asked"`    // seconds since 1970 UTC
	Requests float64 `json:"requests"` // what was handed over
	Partial  bool    `json:"partial,omitempty"`
}

// ParseState reads what Encode wrote. What cannot be read is forgotten: everything is then asked anew.
func ParseState(data []byte) State {
	var state State
	if json.Unmarshal(data, &state) != nil || state == nil {
		return make(State)
	}
	return state
}

// Encode writes the state.
func (s State) Encode() []byte {
	data, err := json.Marshal(s)
	if err != nil { // a number that JSON does not have: it is forgotten
		return nil
	}
	return data
}

// Read asks for the windows of a writer that are due, the newest first, and hands over what is told. The end of a window is
// that of the whole window, also where it lies after now; from and end are in UTC.
func (w Windows) Read(ctx context.Context, now time.Time, writer string, state State, into scanners.TrafficSink,
	ask func(ctx context.Context, from, end time.Time) (Answer, error),
) error {
	before := state[writer]
	after := make(map[string]told)
	state[writer] = after
	oldest := now.Add(-w.Lookback).Truncate(w.Length)
	for from := now.Truncate(w.Length).UTC(); !from.Before(oldest) && from.Unix() >= 0; from = from.Add(-w.Length) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		key := strconv.FormatInt(from.Unix()/int64(time.Hour/time.Second), 10)
		last, known := before[key]
		end := from.Add(w.Length)
		if known && !w.due(now, end, last) {
			after[key] = last
			continue
		}
		answer, err := ask(ctx, from, end)
		if err != nil {
			return fmt.Errorf("the traffic from %s to %s: %w", from.Format(time.RFC3339), end.Format(time.RFC3339), err)
		}
		next := told{Asked: now.Unix(), Requests: requests(answer.Counts), Partial: answer.Partial}
		if known && next.Requests < last.Requests && (w.Forgetful || answer.Partial) {
			last.Asked, last.Partial = next.Asked, next.Partial
			after[key] = last
			continue
		}
		hour := traffic.Hour(from.Unix() / int64(time.Hour/time.Second))
		if err := into.Replace(ctx, writer, hour, answer.Counts); err != nil {
			return err
		}
		after[key] = next
	}
	return nil
}

// due says whether a window is to be asked again.
func (w Windows) due(now, end time.Time, last told) bool {
	asked := time.Unix(last.Asked, 0)
	switch {
	case last.Partial, asked.Before(end.Add(w.Settle)), asked.After(now):
		return true
	default:
		return w.Again > 0 && now.Sub(asked) >= w.Again
	}
}

func requests(counts *traffic.Counts) float64 {
	sum := 0.0
	if counts != nil {
		for _, flow := range counts.Flows {
			sum += flow.Requests
		}
	}
	return sum
}

// Problems reports what is wrong with an answer, or that nothing is any more.
func Problems(ctx context.Context, into scanners.TrafficSink, scope string, problems ...catalog.Problem) error {
	read := scanners.Scope{Name: scope, State: scanners.Read}
	if len(problems) > 0 {
		read.Documents = []*catalog.Document{{Problems: problems}}
	}
	return into.Report(ctx, read)
}
