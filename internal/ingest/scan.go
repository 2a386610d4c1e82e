package ingest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"golang.org/x/sync/errgroup"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/tracing"
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
	// Held is what waits for a person to approve its removal; nil = nothing.
	Held *graph.HeldRemoval
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
// *SourceError for each. Other errors: [graph.ErrUnknownSource], graph.ErrReadOnly, and where other processes may write to
// the store too, those of taking the lease of scans: a [*graph.LeaseHeldError] while another process scans. The Result is
// complete in any case but these. What ends because ctx does leaves no trace.
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
	var t *term
	if c.replicated() {
		var release func()
		var err error
		if t, release, err = c.borrow(ctx); err != nil {
			return Result{}, err
		}
		defer release()
		var unbind func()
		ctx, unbind = t.bind(ctx)
		defer unbind()
		if t != c.leads() {
			defer c.projectNow(t, c.Snapshot())
		}
	}
	if len(ids) == 0 {
		c.retire(ctx, t)
	}
	results := make([]SourceResult, len(sources))
	var group errgroup.Group
	group.SetLimit(parallelScans)
	for i, source := range sources {
		group.Go(func() error {
			results[i] = c.scanSource(ctx, source, order{term: t})
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

// ScanSource scans one source and waits for the end. Callers that wait while the source is being scanned share the next
// scan. Where another process holds the lease of scans, it is asked to scan. Errors: [graph.ErrUnknownSource],
// [graph.ErrReadOnly], those of the store, or why the scan changed nothing.
func (c *Catalog) ScanSource(ctx context.Context, id string) (graph.ScanResult, error) {
	if c.config.ReadOnly {
		return graph.ScanResult{}, graph.ErrReadOnly
	}
	source, err := c.source(id)
	if err != nil {
		return graph.ScanResult{}, err
	}
	return c.shareScan(ctx, source)
}

// shareScan scans a source together with the others that wait for that.
func (c *Catalog) shareScan(ctx context.Context, source Source) (graph.ScanResult, error) {
	return c.shares.join(ctx, source.ID, func(ctx context.Context, begun func()) (graph.ScanResult, error) {
		return c.scanHereOrThere(ctx, source, begun)
	})
}

// scanHereOrThere scans a source under the lease of this process, or asks the one that has it. begun is called when the
// scan begins.
func (c *Catalog) scanHereOrThere(ctx context.Context, source Source, begun func()) (graph.ScanResult, error) {
	if !c.replicated() {
		return c.scanSource(ctx, source, order{begun: begun}).shared()
	}
	for {
		if c.leads() == nil && c.running.Load() { // it will lead when it can
			return c.ask(ctx, source, begun)
		}
		t, release, err := c.borrow(ctx)
		if errors.Is(err, graph.ErrLeaseHeld) {
			return c.ask(ctx, source, begun)
		} else if err != nil {
			return graph.ScanResult{}, err
		}
		since := c.Snapshot()
		bound, unbind := t.bind(ctx)
		result := c.scanSource(bound, source, order{term: t, begun: begun})
		unbind()
		if t != c.leads() {
			c.projectNow(t, since)
		}
		release()
		if ctx.Err() == nil && errors.Is(result.Err, errLeaseLost) {
			continue // whoever has it now is asked
		}
		return result.shared()
	}
}

func (r SourceResult) shared() (graph.ScanResult, error) {
	return graph.ScanResult{
		Source: r.ID, Revision: r.Revision, Put: r.Put, Removed: r.Removed, Scopes: r.Scopes, Unreadable: r.Unreadable,
		Duration: r.Duration, Held: r.Held,
	}, r.Err
}

// order says how a source is to be scanned.
type order struct {
	parts []string // the parts of it, see [scanners.PartScanner]; none = all
	// answers is what was heard that the parts have; a scan of all answers what was heard until it began.
	answers news
	term    *term  // under which it is committed; nil = the store has no other writers
	begun   func() // called when the scan has its turn; it may be nil
}

// scanSource scans one source, when no other scan of it is under way: all of it also where its scanner cannot read parts.
func (c *Catalog) scanSource(ctx context.Context, source Source, order order) (result SourceResult) {
	result = SourceResult{ID: source.ID}
	if err := c.turns.take(ctx, source.ID); err != nil {
		result.Err = err
		return result
	}
	if order.begun != nil {
		order.begun()
	}
	ctx, span := tracing.Begin(ctx, "scan", attribute.String("orrery.source", source.ID))
	defer func() {
		span.Set(attribute.Int("orrery.documents.put", result.Put), attribute.Int("orrery.documents.removed", result.Removed))
		span.End(result.Err)
	}()
	started := c.config.Now()
	c.progress.tell(graph.ScanProgress{Source: source.ID})
	c.mu.RLock()
	held := c.state.of(source.ID)
	cursor, asked := held.cursor.whole(), held.requested.Number
	c.mu.RUnlock()
	heard := c.news(source.ID)
	read := c.read(ctx, source, order.parts, cursor)
	if read.answers = order.answers; read.scan.parts == nil {
		read.asked, read.answers = asked, heard
	}
	read.note(source.Scanner, c.config.Now())
	if !read.left {
		defer c.turns.end(source.ID)
	}
	if read.err == nil && len(read.cursor) > maxCursorBytes {
		read.err = fmt.Errorf("the scanner's state has %d bytes, and may have %d: %w", len(read.cursor), maxCursorBytes, graph.ErrTooLarge)
	}
	result.Duration = max(0, c.config.Now().Sub(started))
	if result.Err = c.commitScan(ctx, order.term, source, read, &result); result.Err == nil {
		c.inbox.answered(source.ID, read.answers.here)
	}
	c.metrics.scanned(result)
	done := read.scan.progress()
	if done.Done = true; result.Err != nil {
		done.Error = oneLine(result.Err.Error())
	}
	c.progress.tell(done)
	return result
}

// commitScan commits what a scan found, or that it failed.
func (c *Catalog) commitScan(ctx context.Context, t *term, source Source, read reading, result *SourceResult) error {
	scan, err := read.scan, read.err
	if err == nil {
		result.Scopes = len(scan.scopes)
		for _, statement := range scan.scopes {
			if statement.state == scanners.Unreadable {
				result.Unreadable++
			}
		}
		var done difference
		done, err = c.commitWaiting(ctx, t, func(s *state) (step, error) {
			return c.settled(s, source, read, *result)
		})
		result.Put, result.Removed, result.Revision, result.Held = done.put, done.removed, done.revision, done.held
	}
	if err == nil || ctx.Err() != nil {
		return err
	}
	// The failure itself is worth keeping, so that it shows after a restart. Where it cannot be, the caller is still told
	// what led here.
	_, statusErr := c.commitWaiting(ctx, t, func(s *state) (step, error) {
		now := s.of(source.ID).status
		now.Failed, now.Error, now.Retired = true, oneLine(err.Error()), false
		cutText(&now.Error)
		now.scanned(source, c.config.Now(), result.Duration, scan.parts == nil)
		now.goesOn(now, read)
		next := step{source: source.ID, time: s.now(c.config.Now()), status: &now}
		next.answers(read.asked, *result)
		return next, nil
	})
	if statusErr != nil {
		c.config.Log.Warn().Err(statusErr).Str("source", source.ID).Msg("that the scan failed could not be stored")
	}
	return err
}

// settled is the step that a good scan makes.
func (c *Catalog) settled(s *state, source Source, read reading, result SourceResult) (step, error) {
	scan, cursor := read.scan, read.cursor
	held := s.of(source.ID)
	was := held.status
	clock := c.config.Now()
	work, err := scan.settle(source, held, catalog.InstantOf(was.LastGood), was.counts(clock))
	if err != nil {
		return step{}, err
	}
	if err := work.restamp(scan, was.Given); err != nil {
		return step{}, err
	}
	next := step{source: source.ID, time: s.now(clock), scopes: work.scopes, states: held.cursor.changes(source.ID, cursor)}
	cursorMoves := len(next.states) > 0
	answered, err := next.hears(held, read.answers)
	if err != nil {
		return step{}, err
	}
	now := scan.summary(was)
	now.goesOn(was, read)
	if scan.parts != nil && len(work.scopes) == 0 && !was.Failed && was.Unreadable == now.Unreadable && was.Error == now.Error &&
		was.Resume.Equal(now.Resume) && !cursorMoves && !answered {
		return step{source: source.ID}, errNothing // files were touched, and say what they said
	}
	now.LastWhole, now.Given, now.Answer = was.LastWhole, givenBy(source), was.Answer
	now.count(was, held.entities, (source.Watch || scan.parts != nil) && len(work.missing) > 0 && !source.Ages, clock)
	if now.Counted > 0 {
		now.Counted -= work.departed()
	}
	now.scanned(source, c.config.Now(), result.Duration, scan.parts == nil)
	next.status = &now
	next.answers(read.asked, result)
	if work.heldOf > 0 {
		now.HeldSince, now.HeldOf = was.HeldSince, work.heldOf
		if now.HeldSince.IsZero() {
			now.HeldSince = next.time
		}
	}
	return next, nil
}

// scanned notes when a scan ended and how long it took.
func (s *status) scanned(source Source, end time.Time, took time.Duration, whole bool) {
	s.Kind, s.LastScan, s.Duration = source.Kind, end.UTC().Truncate(time.Microsecond), took
	if whole {
		s.LastWhole = s.LastScan
	}
	if !s.Failed {
		s.LastGood = s.LastScan
	}
}
