package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/scanners"
)

// parallelScans is how many sources are scanned at the same time.
const parallelScans = 4

// Result tells what a Scan did.
type Result struct {
	Sources []SourceResult // in the order in which they were asked for, or by ID
}

// SourceResult tells what the scan of one source did.
type SourceResult struct {
	ID  string
	Err error // nil = the scan was committed; otherwise it changed nothing
	// Scopes were reported, Unreadable of them could not be read at all.
	Scopes, Unreadable int
	// Put and Removed count the documents that the commit wrote and took away.
	Put, Removed int
	Duration     time.Duration
	Revision     graph.Revision // that the commit made
}

// SourceError says which source could not be scanned.
type SourceError struct {
	Source string
	Err    error
}

func (e *SourceError) Error() string { return "source " + e.Source + ": " + e.Err.Error() }

// Unwrap gives the reason.
func (e *SourceError) Unwrap() error { return e.Err }

// Scan scans the named sources, or all, each into one atomic change, and publishes a Snapshot of what was committed. A
// source that fails keeps its last good claims and does not keep the others from being scanned; the error then joins one
// *SourceError for each. Other errors: [graph.ErrUnknownSource], graph.ErrReadOnly. The Result is complete in any case but
// these. What ends because ctx does leaves no trace.
func (c *Catalog) Scan(ctx context.Context, ids ...string) (Result, error) {
	if c.config.ReadOnly {
		return Result{}, graph.ErrReadOnly
	}
	sources := c.sources
	if len(ids) > 0 {
		sources = make([]Source, len(ids))
		for i, id := range ids {
			var err error
			if sources[i], err = c.source(id); err != nil {
				return Result{}, err
			}
		}
	}
	results := make([]SourceResult, len(sources))
	var group errgroup.Group
	group.SetLimit(parallelScans)
	for i, source := range sources {
		group.Go(func() error {
			results[i] = c.scanSource(ctx, source, nil)
			return nil
		})
	}
	_ = group.Wait() // each result has its own error
	var failed []error
	for _, result := range results {
		if result.Err != nil {
			failed = append(failed, &SourceError{Source: result.ID, Err: result.Err})
		}
	}
	return Result{Sources: results}, errors.Join(failed...)
}

// scanSource scans one source, when no other scan of it is under way: the named parts of it (see
// [scanners.PartScanner]), or all of it without any, and where its scanner cannot read parts.
func (c *Catalog) scanSource(ctx context.Context, source Source, parts []string) SourceResult {
	partly, canPart := source.Scanner.(scanners.PartScanner)
	if len(parts) == 0 || !canPart {
		parts = nil
	}
	result := SourceResult{ID: source.ID}
	select {
	case c.turns[source.ID] <- struct{}{}:
		defer func() { <-c.turns[source.ID] }()
	case <-ctx.Done():
		result.Err = context.Cause(ctx)
		return result
	}
	started := c.config.Now()
	scan := newScan(source, parts, c.config.Notify, c.share)
	c.config.Notify(Event{Source: source.ID})
	c.mu.RLock()
	cursor := c.state.cursor[source.ID]
	c.mu.RUnlock()
	next, err := []byte(nil), scanners.ErrWhole
	if parts != nil {
		if next, err = partly.ScanParts(ctx, cursor, parts, scan); errors.Is(err, scanners.ErrWhole) {
			scan.close()
			scan = newScan(source, nil, c.config.Notify, c.share)
		}
	}
	if errors.Is(err, scanners.ErrWhole) {
		next, err = source.Scanner.Scan(ctx, cursor, scan)
	}
	cursor = next
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err == nil && len(cursor) > graph.MaxStateBytes {
		err = fmt.Errorf("the scanner's state has %d bytes: %w", len(cursor), graph.ErrTooLarge)
	}
	scan.close()
	result.Scopes, result.Unreadable = len(scan.scopes), scan.unreadable
	result.Duration = c.config.Now().Sub(started)

	var counts difference
	if err == nil {
		counts, err = c.commit(ctx, func(s *state) (step, error) {
			scopes, err := scan.settle(s.held[source.ID])
			if err != nil {
				return step{}, err
			}
			return c.step(source, scopes, cursor, status{Unreadable: scan.unreadable, Error: scan.summary()}, result.Duration)
		})
	}
	if err != nil && ctx.Err() == nil {
		// The failure itself is worth keeping, so that it shows after a restart. Where it cannot be, the caller is still told
		// what led here.
		if _, statusErr := c.commit(ctx, func(s *state) (step, error) {
			was := s.status[source.ID]
			was.Failed, was.Error = true, oneLine(err.Error())
			return c.step(source, nil, s.cursor[source.ID], was, result.Duration)
		}); statusErr != nil {
			c.config.Log.Warn().Err(statusErr).Str("source", source.ID).Msg("that the scan failed could not be stored")
		}
	}
	result.Err, result.Put, result.Removed, result.Revision = err, counts.put, counts.removed, counts.revision
	if publishErr := c.publish(); publishErr != nil {
		result.Err = errors.Join(result.Err, publishErr)
	}
	c.config.Notify(Event{
		Source: source.ID, Scopes: len(scan.scopes), Documents: scan.documents, Done: true, Err: result.Err,
	})
	return result
}

// step is what the end of a scan writes.
func (c *Catalog) step(source Source, scopes map[string][]entry, cursor []byte, now status, took time.Duration) (step, error) {
	now.Kind, now.LastScan, now.Duration = source.Kind, c.config.Now().UTC().Truncate(time.Microsecond), took
	if !now.Failed {
		now.LastGood = now.LastScan
	}
	data, err := json.Marshal(now)
	if err != nil {
		return step{}, err
	}
	states := []graph.State{{Source: source.ID, Name: statusName, Data: data}}
	if string(cursor) != string(c.state.cursor[source.ID]) {
		states = append(states, graph.State{Source: source.ID, Name: cursorName, Data: cursor})
	}
	return step{source: source.ID, time: now.LastScan, scopes: scopes, states: states}, nil
}
