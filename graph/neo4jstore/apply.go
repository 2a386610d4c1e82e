package neo4jstore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"

	"github.com/orrery-catalog/orrery/graph"
)

const (
	// attemptLife is how long an attempt may be silent before others take it for dead: longer than one of its transactions
	// takes. Each counts anew.
	attemptLife = 15 * time.Second
	// othersMayTake bounds how long a change waits for another one that is being written.
	othersMayTake = time.Minute
	// maxRevision is the largest that the sequence of the history has room for.
	maxRevision = 1<<(63-positionBits) - 1
)

// errOthers says that another change is being written: what stands in its place decides.
var errOthers = errors.New("another change is being written")

// errLeftBehind says that an attempt died and left something behind.
var errLeftBehind = errors.New("a change was broken off")

// Apply implements [graph.Store].
func (s *Store) Apply(ctx context.Context, change graph.Change) (graph.Revision, error) {
	if s.life.Err() != nil {
		return 0, graph.ErrClosed
	}
	if s.config.ReadOnly {
		return 0, graph.ErrReadOnly
	}
	if err := change.Check(); err != nil {
		return 0, err
	}
	if change.Base >= maxRevision {
		if change.Origin {
			return 0, fmt.Errorf("%w: the revision %d is too large", graph.ErrBadChange, change.Base)
		}
		return 0, fmt.Errorf("%w: no store is at revision %d", graph.ErrConflict, change.Base)
	}
	select {
	case <-s.turn:
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	case <-s.life.Done():
		return 0, graph.ErrClosed
	}
	defer func() { s.turn <- struct{}{} }()
	a := &applier{store: s, change: &change, id: uuid.NewString(), revision: int64(change.Base) + 1}
	if err := a.apply(ctx); err != nil {
		return 0, err
	}
	s.announce()
	return graph.Revision(a.revision), nil
}

// applier writes one change.
type applier struct {
	store    *Store
	change   *graph.Change
	id       string // of the attempt
	revision int64
	step     int64 // the last transaction that was committed
}

func (a *applier) apply(ctx context.Context) error {
	for b, err := range batches(a.revision, a.change, a.store.batchRows) {
		if err == nil {
			err = a.write(ctx, b)
		}
		if err != nil {
			a.giveUp(ctx, err)
			return err
		}
	}
	if ctx.Err() != nil {
		a.giveUp(ctx, ctx.Err())
		return context.Cause(ctx)
	}
	return a.reveal(context.WithoutCancel(ctx)) // from here on, the end of ctx would leave open what became of it
}

// write commits the batch, after whatever has to be waited for or to be removed before.
func (a *applier) write(ctx context.Context, b *batch) error {
	for start := time.Now(); ; {
		err := a.store.fenced(ctx, a.change.Lease, a.change.Fence, func(tx *transaction, now head) error {
			return a.writeLocked(tx, now, b)
		})
		switch {
		case err == nil:
			a.step++
			return nil
		case timedOut(err) && !errors.Is(err, errAgain) && b.rows >= minSplit:
			first, second := b.split()
			if err := a.write(ctx, first); err != nil {
				return err
			}
			return a.write(ctx, second)
		case errors.Is(err, errLeftBehind):
			err = a.takeOver(ctx)
		case errors.Is(err, errOthers) && time.Since(start) < othersMayTake:
			err = sleep(ctx, a.store.life, 20*time.Millisecond+rand.N(100*time.Millisecond))
		case errors.Is(err, errOthers):
			err = fmt.Errorf("%w: another process has been writing a large change for %v: try again later", graph.ErrUnavailable, othersMayTake)
		}
		if err != nil {
			return err
		}
	}
}

// sleep waits for d, or for the end of ctx or of the store's life.
func sleep(ctx, life context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-life.Done():
		return context.Cause(life)
	}
}

func (a *applier) writeLocked(tx *transaction, now head, b *batch) error {
	step := a.step + 1
	switch mine := now.attempt.id == a.id; {
	case mine && now.attempt.step >= step: // it was committed, and the answer got lost
		return nil
	case !mine && a.step > 0:
		return a.overtaken(now)
	case !mine:
		if err := a.mayBegin(tx, now); err != nil {
			return err
		}
	case a.change.Origin && now.attempt.step == 0: // what was left behind had to go first
		if err := tx.requireEmpty(); err != nil {
			return err
		}
	}
	replaced, err := b.write(tx, a.revision)
	if err != nil {
		return err
	}
	if now.untidy {
		if err := tx.tidy(now, 2*b.rows+tidyRows); err != nil {
			return err
		}
	}
	if step > 1 {
		replaced += now.attempt.replaced
	}
	return a.register(tx, now, step, replaced)
}

// mayBegin decides whether an attempt of this change can be registered.
func (a *applier) mayBegin(tx *transaction, now head) error {
	base := int64(a.change.Base)
	switch {
	case a.change.Origin && base < now.revision:
		return fmt.Errorf("%w: it is at revision %d, and what is copied begins with %d", graph.ErrConflict, now.revision, a.revision)
	case !a.change.Origin && now.revision != base:
		return fmt.Errorf("%w: it is at revision %d, the change rests on %d", graph.ErrConflict, now.revision, base)
	}
	if other := now.attempt; other.id != "" {
		dead := other.writer == a.store.writer || // its Apply has returned: they take turns
			now.now > other.until || other.lease != "" && other.lease == indexed(a.change.Lease) && other.fence < int64(a.change.Fence)
		if dead {
			return errLeftBehind
		}
		return errOthers
	}
	if a.change.Origin {
		return tx.requireEmpty()
	}
	return nil
}

// requireEmpty refuses a copy on top of what is there.
func (tx *transaction) requireEmpty() error {
	for _, k := range kinds {
		record, err := tx.single("MATCH (v:"+k.label()+" {until: $forever}) RETURN 1 AS is LIMIT 1", map[string]any{"forever": int64(forever)})
		if err != nil {
			return err
		}
		if record != nil {
			return fmt.Errorf("%w: it is not empty, and only an empty one can begin with a copy", graph.ErrConflict)
		}
	}
	return nil
}

// register says in the Store node that this attempt is under way.
func (a *applier) register(tx *transaction, now head, step, replaced int64) error {
	return tx.run(`MATCH (s:@Store {id: $store}) SET s.attempt = $attempt, s.attemptWriter = $writer, s.attemptLease = $lease,
		s.attemptFence = $fence, s.attemptStep = $step, s.attemptReplaced = $replaced, s.attemptUntil = $until`, map[string]any{
		"attempt": a.id, "writer": a.store.writer, "lease": indexed(a.change.Lease), "fence": int64(a.change.Fence),
		"step": step, "replaced": replaced, "until": now.now + a.store.attemptLife.Milliseconds(),
	})
}

// overtaken says that this attempt is not the registered one any more: it was silent for too long.
func (a *applier) overtaken(now head) error {
	if now.revision >= a.revision {
		return fmt.Errorf("%w: another change was made while this one was paused: it is at revision %d", graph.ErrConflict, now.revision)
	}
	return fmt.Errorf("%w: another process took over while this one was paused: nothing was changed", graph.ErrUnavailable)
}

// takeOver makes this the registered attempt in the place of one that died, and removes what that has left behind.
func (a *applier) takeOver(ctx context.Context) error {
	for {
		more := true
		err := a.store.fenced(ctx, a.change.Lease, a.change.Fence, func(tx *transaction, now head) (err error) {
			if now.attempt.id != a.id {
				if err := a.mayBegin(tx, now); !errors.Is(err, errLeftBehind) {
					more = false // it has changed meanwhile: look again
					return nil
				}
			}
			if more, err = tx.removeLeftBehind(now.revision); err != nil {
				return err
			}
			return a.register(tx, now, 0, 0)
		})
		if err != nil || !more {
			return err
		}
	}
}

// giveUp lets others begin at once where this attempt has failed and the server can be reached. What it wrote is removed
// by the next writer.
func (a *applier) giveUp(ctx context.Context, why error) {
	if errors.Is(why, graph.ErrConflict) || errors.Is(why, graph.ErrFenced) || errors.Is(why, graph.ErrUnavailable) || errors.Is(why, graph.ErrClosed) {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
	defer cancel()
	// An attempt that cannot be given up is dead after attemptLife.
	_ = a.store.fenced(ctx, "", 0, func(tx *transaction, now head) error {
		if now.attempt.id != a.id {
			return nil
		}
		return tx.run("MATCH (s:@Store {id: $store}) SET s.attemptUntil = 0", nil)
	})
}

// reveal makes the revision that was written the newest one. By now, all transactions before have ended, so that whoever
// sees the revision sees all of it, on other members of a cluster as soon as they have reached the bookmarks.
func (a *applier) reveal(ctx context.Context) error {
	bookmarks, err := a.store.seen(ctx)
	if err != nil {
		return a.store.explain(ctx, err)
	}
	return a.store.fenced(ctx, a.change.Lease, a.change.Fence, func(tx *transaction, now head) error {
		if now.attempt.id != a.id {
			return a.revealed(tx, now)
		}
		replaced := now.replaced + now.attempt.replaced
		err := tx.run(`CREATE (r:@Revision {number: $number, time: $time, micros: $micros, replaced: $replaced,
			attempt: $attempt, bookmarks: $bookmarks})`, map[string]any{
			"number": a.revision, "time": readableTime(a.change.Time), "micros": a.change.Time.UnixMicro(), "replaced": replaced,
			"attempt": a.id, "bookmarks": bookmarks,
		})
		if err != nil {
			return err
		}
		keep, err := a.keep(tx, now, replaced)
		if err != nil {
			return err
		}
		return tx.run(`MATCH (s:@Store {id: $store}) SET s.revision = $revision, s.replaced = $replaced,
			s.past = $past, s.forgotten = $forgotten, s.untidy = $untidy
			REMOVE s.attempt, s.attemptWriter, s.attemptLease, s.attemptFence, s.attemptStep, s.attemptReplaced, s.attemptUntil`,
			map[string]any{
				"revision": a.revision, "replaced": replaced, "past": keep.past, "forgotten": keep.forgotten,
				"untidy": now.untidy || keep != kept{past: now.past, forgotten: now.forgotten},
			})
	})
}

// revealed tells an attempt that was overtaken from one whose answer got lost.
func (a *applier) revealed(tx *transaction, now head) error {
	record, err := tx.single("MATCH (r:@Revision {number: $number}) RETURN r.attempt AS attempt", map[string]any{"number": a.revision})
	if err != nil {
		return err
	}
	if record != nil && now.revision >= a.revision {
		if by, err := value[string](record, "attempt"); err != nil || by == a.id {
			return err
		}
	}
	return a.overtaken(now)
}

// readableTime is the time as people see it in the database, which knows no years of more than nine digits.
func readableTime(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
