package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/orrery-catalog/orrery/graph"
)

// requestLife is how long a request for a scan starts one. Who waits for the answer asks again before it ends.
const requestLife = 10 * time.Minute

// request is what a process that does not hold the lease of scans asks the holder for, by a state document of the source.
// There is one a source: a later one takes the place of an earlier, and the scan that answers it answers all before it.
type request struct {
	Number uint64    `json:"number"` // from 1, one more than the one before; 0 = there was none for all of the source yet
	Time   time.Time `json:"time"`
	Heard  tidings   `json:"heard,omitzero"` // what others heard and is not scanned yet; nobody waits for an answer to it
}

func (r request) none() bool { return r.Number == 0 && r.Heard.Number == 0 }

// step is the step that stores a request.
func (r request) step(s *state, source string, now time.Time) (step, error) {
	data, err := json.Marshal(r)
	return step{
		source: source, time: s.now(now),
		states: []graph.State{{Source: source, Name: requestedName, Data: data}},
	}, err
}

// answer tells how the scan of all of a source went that began after a request.
type answer struct {
	Number     uint64         `json:"number"` // of the request
	Error      string         `json:"error,omitzero"`
	Revision   graph.Revision `json:"revision"`
	Put        int            `json:"put"`
	Removed    int            `json:"removed"`
	Scopes     int            `json:"scopes"`
	Unreadable int            `json:"unreadable"`
	Duration   time.Duration  `json:"durationNanoseconds"`
}

// decodeRequest reads a stored request; one that cannot be read counts as none.
func decodeRequest(data []byte) request {
	var r request
	if json.Unmarshal(data, &r) != nil {
		return request{}
	}
	return r
}

// answers makes a step with a status the answer to a request, if it was not answered before. What the step changes is
// filled in when it is known.
func (s *step) answers(number uint64, result SourceResult) {
	if number <= s.status.Answer.Number {
		return
	}
	s.status.Answer = answer{Number: number, Scopes: result.Scopes, Unreadable: result.Unreadable, Duration: result.Duration}
	if s.status.Failed {
		s.status.Answer.Error = s.status.Error
	}
	s.answer = &s.status.Answer
}

// requested says whether somebody waits for a scan of the source to begin.
func (c *Catalog) requested(source string, now time.Time) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	h := c.state.of(source)
	return h.requested.Number > h.status.Answer.Number && now.Sub(h.requested.Time).Abs() < requestLife
}

// refuse answers the requests for a scan of a source that could not be made, and of which nothing else is stored. Where that
// cannot be either, they wait for the next scan.
func (c *Catalog) refuse(ctx context.Context, t *term, source string, why error) {
	_, _ = c.commitWaiting(ctx, t, func(s *state) (step, error) {
		h := s.of(source)
		if h.requested.Number <= h.status.Answer.Number {
			return step{source: source}, errNothing
		}
		now := h.status
		now.Answer = answer{Number: h.requested.Number, Error: oneLine(why.Error())}
		cutText(&now.Answer.Error)
		return step{source: source, time: s.now(c.config.Now()), status: &now}, nil
	})
}

// called wakes the keepers of the sources for which scans were requested.
func (c *Catalog) called(states []graph.State) {
	for _, state := range states {
		if state.Name == requestedName {
			c.call(state.Source)
		}
	}
}

// call wakes the keeper of a source, if it has one.
func (c *Catalog) call(source string) {
	if call := c.calls[source]; call != nil {
		select {
		case call <- struct{}{}:
		default: // it will wake anyway
		}
	}
}

// ask lets the process that holds the lease of scans scan a source, and waits for its answer. Callers take turns, and
// begun is called at the beginning of this one's.
func (c *Catalog) ask(ctx context.Context, source Source, begun func()) (result graph.ScanResult, err error) {
	if err := c.asking.take(ctx, source.ID); err != nil {
		return graph.ScanResult{}, err
	}
	defer c.asking.end(source.ID)
	begun()
	c.progress.tell(graph.ScanProgress{Source: source.ID})
	defer func() {
		done := graph.ScanProgress{Source: source.ID, Scopes: result.Scopes, Done: true}
		if err != nil {
			done.Error = oneLine(err.Error())
		}
		c.progress.tell(done)
	}()
	timeout := source.Timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	// One scan may be under way, and another has to follow.
	ctx, cancel := context.WithTimeoutCause(ctx, 2*timeout+requestLife, errors.New("no process has scanned the source: the one that scans may not have it in its configuration"))
	defer cancel()
	if !c.running.Load() {
		var following sync.WaitGroup
		defer following.Wait()
		defer cancel()
		following.Go(func() { c.followStore(ctx) })
	}
	number, err := c.requestWaiting(ctx, source)
	if err != nil {
		return graph.ScanResult{}, err
	}
	again := time.NewTicker(requestLife / 2)
	defer again.Stop()
	for {
		changed := c.Changed()
		if result, answered, err := c.answered(source, number); answered {
			return result, err
		}
		select {
		case <-changed:
		case <-again.C:
			if err := c.renewRequest(ctx, source); err != nil && !errors.Is(err, graph.ErrUnavailable) {
				return graph.ScanResult{}, err
			}
		case <-ctx.Done():
			return graph.ScanResult{}, context.Cause(ctx)
		}
	}
}

// requestWaiting writes a request, and waits for that as long as the store is away, as a scan here would: a command does so
// for a while.
func (c *Catalog) requestWaiting(ctx context.Context, source Source) (uint64, error) {
	for began := time.Now(); ; {
		number, err := c.request(ctx, source)
		if !errors.Is(err, graph.ErrUnavailable) || ctx.Err() != nil || !c.running.Load() && time.Since(began) > borrowPatience {
			return number, err
		}
		pause(ctx, someOf(leaseRetry))
	}
}

// request writes a request, and returns its number.
func (c *Catalog) request(ctx context.Context, source Source) (number uint64, err error) {
	_, err = c.commit(ctx, nil, func(s *state) (step, error) {
		h := s.of(source.ID)
		number = max(h.requested.Number, h.status.Answer.Number) + 1
		return c.requesting(s, source, number)
	})
	return number, err
}

// renewRequest keeps what is requested from growing too old, until it is answered.
func (c *Catalog) renewRequest(ctx context.Context, source Source) error {
	_, err := c.commit(ctx, nil, func(s *state) (step, error) {
		h := s.of(source.ID)
		if h.requested.Number <= h.status.Answer.Number {
			return step{source: source.ID}, errNothing
		}
		return c.requesting(s, source, h.requested.Number)
	})
	return err
}

func (c *Catalog) requesting(s *state, source Source, number uint64) (step, error) {
	next := s.of(source.ID).requested
	next.Number, next.Time = number, c.config.Now().UTC()
	return next.step(s, source.ID, c.config.Now())
}

// answered is the answer to a request, if there is one.
func (c *Catalog) answered(source Source, number uint64) (graph.ScanResult, bool, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	h := c.state.of(source.ID)
	a := h.status.Answer
	if a.Number < number {
		return graph.ScanResult{}, false, nil
	}
	if a.Error != "" {
		return graph.ScanResult{}, true, fmt.Errorf("the process that scans: %s", a.Error)
	}
	return graph.ScanResult{
		Source: source.ID, Revision: a.Revision, Put: a.Put, Removed: a.Removed, Scopes: a.Scopes, Unreadable: a.Unreadable,
		Duration: a.Duration, Held: h.awaits(),
	}, true, nil
}
