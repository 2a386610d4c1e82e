package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/scanners"
)

// ErrHeardBefore says that a delivery was heard before, here or by another process.
var ErrHeardBefore = scanners.ErrHeardBefore

// maxPartBytes bounds the names of parts that are scanned alone, so that they fit in a document of state however they are
// written there.
const maxPartBytes = 128 << 10

// Heard tells that parts of a source have changed, by names as [scanners.PartScanner] takes them; without any, all may
// have. It returns at once. While Run runs here, they are scanned as soon as no other scan of the source is under way,
// together with what else was heard until then: here or, where another process scans, there, to which they go by way of the
// store as soon as that takes them. What cannot be scanned alone, or fails, makes a scan of the whole source, which is tried
// again until it is good. What was heard is lost only with the process, and then found by the next scan of the whole.
//
// delivery is the id under which somebody else knows the news; "" = it has none. The newest 1,000 of a source are kept with
// the scans that they caused. Errors: [ErrHeardBefore] for one that is known, [graph.ErrUnknownSource], [graph.ErrReadOnly],
// or why ctx has ended.
func (c *Catalog) Heard(ctx context.Context, source, delivery string, names ...string) error {
	if c.config.ReadOnly {
		return graph.ErrReadOnly
	}
	if _, err := c.source(source); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	c.inbox.mu.Lock()
	defer c.inbox.mu.Unlock()
	now := c.inbox.of[source]
	var deliveries []digest
	if delivery != "" {
		id := digestOf(delivery)
		if _, waits := now.Deliveries[id]; waits || c.delivered(source, id) {
			return fmt.Errorf("source %s: %w", source, ErrHeardBefore)
		}
		deliveries = append(deliveries, id)
	}
	now.hear(names, deliveries)
	c.inbox.of[source] = now
	c.call(source)
	c.inbox.wake()
	return nil
}

// delivered says whether a delivery was stored.
func (c *Catalog) delivered(source string, id digest) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	h := c.state.of(source)
	_, waits := h.requested.Heard.Deliveries[id]
	return waits || h.delivered.has(id)
}

// inbox keeps what was heard in this process, until a scan has answered it or it is in the store for another process.
type inbox struct {
	news chan struct{} // has one when there may be something to pass on

	mu sync.Mutex
	of map[string]tidings // by source; guarded by mu
}

func newInbox() *inbox {
	return &inbox{news: make(chan struct{}, 1), of: make(map[string]tidings)}
}

func (b *inbox) wake() {
	select {
	case b.news <- struct{}{}:
	default: // there is one already
	}
}

// answered forgets what was heard of a source up to a number.
func (b *inbox) answered(source string, number uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.of[source]
	now.answer(number)
	b.of[source] = now
}

// waiting is what waits for a source.
func (b *inbox) waiting(source string) tidings {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.of[source]
	return now.clone()
}

// news are what was heard of a source and is not scanned yet, here and by way of the store.
type news struct {
	whole       bool
	parts       []string // sorted; none where whole is set
	deliveries  []digest // heard here
	here, there uint64   // the newest numbers
}

func (n news) none() bool { return !n.whole && len(n.parts) == 0 }

// with are the parts and more, sorted.
func (n news) with(more []string) []string {
	parts := slices.Concat(n.parts, more)
	slices.Sort(parts)
	return slices.Compact(parts)
}

// news is what was heard of a source until now.
func (c *Catalog) news(source string) news {
	here := c.inbox.waiting(source)
	c.mu.RLock()
	defer c.mu.RUnlock()
	there := c.state.of(source).requested.Heard
	n := news{
		whole: here.Whole > 0 || there.Whole > 0, deliveries: here.delivered(here.Number), here: here.Number, there: there.Number,
	}
	if !n.whole {
		n.parts = slices.Sorted(maps.Keys(here.Parts))
		n.parts = n.with(slices.Collect(maps.Keys(there.Parts)))
	}
	return n
}

// hears makes a step of a scan the answer to what was heard. It returns whether that is worth a revision.
func (s *step) hears(held *holding, answers news) (bool, error) {
	before := held.requested.Heard
	ids := slices.Concat(before.delivered(answers.there), answers.deliveries)
	if len(ids) > 0 {
		s.states = append(s.states, graph.State{Source: s.source, Name: deliveredName, Data: held.delivered.with(ids)})
	}
	next := held.requested
	next.Heard = before.clone()
	next.Heard.answer(answers.there)
	if before.Whole == next.Heard.Whole && len(before.Parts) == len(next.Heard.Parts) && len(before.Deliveries) == len(next.Heard.Deliveries) {
		return len(ids) > 0, nil
	}
	data, err := json.Marshal(next)
	s.states = append(s.states, graph.State{Source: s.source, Name: requestedName, Data: data})
	return true, err
}

// passOnPause is the longest pause between two attempts to pass on what was heard.
const passOnPause = 5 * time.Second

// passOn lets the process that scans hear what was heard here, by way of the store, until ctx ends.
func (c *Catalog) passOn(ctx context.Context) {
	defer c.outage.ends(toHear)
	waits := backoff.NewExponentialBackOff()
	waits.MaxInterval = passOnPause
	for {
		select {
		case <-c.inbox.news:
		case <-ctx.Done():
			return
		}
		for ctx.Err() == nil && c.leads() == nil { // the keepers of who leads hear by themselves
			err := c.passOnce(ctx)
			if err == nil {
				c.outage.works(toHear)
				waits.Reset()
				break
			}
			if ctx.Err() == nil {
				c.outage.fails(toHear, err)
			}
			pause(ctx, waits.NextBackOff())
		}
	}
}

// passOnce puts what was heard here into the store.
func (c *Catalog) passOnce(ctx context.Context) error {
	var failed []error
	for _, source := range c.sources {
		waiting := c.inbox.waiting(source.ID)
		if waiting.none() {
			continue
		}
		_, err := c.commit(ctx, nil, func(s *state) (step, error) {
			next := s.of(source.ID).requested
			next.Heard = next.Heard.clone()
			var parts []string // none = all
			if waiting.Whole == 0 {
				parts = slices.Collect(maps.Keys(waiting.Parts))
			}
			next.Heard.hear(parts, waiting.delivered(waiting.Number))
			return next.step(s, source.ID, c.config.Now())
		})
		if err != nil {
			failed = append(failed, err)
			continue
		}
		c.inbox.answered(source.ID, waiting.Number)
	}
	return errors.Join(failed...)
}

// leaveNews puts what was heard and not scanned by the end of ctx into the store, for who scans next. What the store does not
// take is found by the next scan of the whole.
func (c *Catalog) leaveNews(ctx context.Context) {
	if c.config.Store == nil || c.config.ReadOnly {
		return
	}
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), leaseCall, errNoAnswer)
	defer cancel()
	if err := c.passOnce(ctx); err != nil {
		c.config.Log.Warn().Err(err).Msg("what was heard last could not be stored; the next scan finds it")
	}
}
