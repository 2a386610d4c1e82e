package ledger

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/orrery-catalog/orrery/graph"
)

const (
	// flushEvery is how often what was counted is written, and what others count is read.
	flushEvery = 5 * time.Second
	// tidyEvery is how often it is looked for rows to be compacted.
	tidyEvery = time.Hour
	// stopTime is how long the last write may take when the program ends.
	stopTime = 10 * time.Second
)

// Run listens, writes what is counted every few seconds and when it ends, follows what other processes write, and compacts
// rows while this process leads. It returns nil after ctx ends. Failures are logged and shown by the sources; they do not
// end it. It may run once at a time.
func (l *Ledger) Run(ctx context.Context) error {
	var listening sync.WaitGroup
	for _, s := range l.sorted() {
		if s.config.Listener != nil {
			listening.Go(func() { l.listen(ctx, s) })
		}
	}
	l.keep(ctx)
	listening.Wait() // they have handed over all
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	if err := l.Flush(ending); err != nil {
		l.config.Log.Error().Err(err).Msg("the last of the traffic could not be written and is lost")
	}
	return nil
}

// keep writes and follows until ctx ends.
func (l *Ledger) keep(ctx context.Context) {
	ticks := time.NewTicker(flushEvery)
	defer ticks.Stop()
	tidied := time.Time{}
	for {
		if now := l.config.Now(); l.step(ctx) && now.Sub(tidied) >= tidyEvery && (l.config.Leads == nil || l.config.Leads()) {
			tidied = now
			if err := l.tidy(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, graph.ErrConflict) {
				l.config.Log.Warn().Err(err).Msg("rows of traffic could not be compacted")
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
	}
}

// step writes, follows and shows. It returns whether that worked.
func (l *Ledger) step(ctx context.Context) bool {
	err := l.Load(ctx)
	if err == nil {
		err = l.hold(ctx)
	}
	if err != nil {
		l.tellReading(ctx, err)
		return false
	}
	defer l.release()
	if l.shared {
		err = l.follow(ctx)
	}
	if err == nil {
		err = l.sumUpStale(ctx, false)
	}
	l.tellReading(ctx, err)
	flushErr := l.flush(ctx)
	l.publish()
	return err == nil && flushErr == nil
}

// tellReading logs when reading begins to fail, and when it works again.
func (l *Ledger) tellReading(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch was := l.blind; {
	case err != nil && !was:
		l.config.Log.Warn().Err(err).Msg("traffic of the store cannot be read for now")
	case err == nil && was:
		l.config.Log.Info().Msg("traffic of the store can be read again")
	}
	l.blind = err != nil
}

// listen keeps a listener listening until ctx ends.
func (l *Ledger) listen(ctx context.Context, s *source) {
	into := &listening{reading{source: s, stands: make(map[string]bool)}}
	waits := backoff.NewExponentialBackOff()
	waits.MaxInterval = time.Minute
	for {
		began := time.Now()
		err := s.config.Listener.Listen(ctx, into)
		if ctx.Err() != nil {
			if err != nil {
				l.config.Log.Error().Err(err).Str("source", s.config.ID).Msg("listening did not end well")
			}
			return
		}
		if err == nil {
			err = errors.New("listening ended by itself")
		}
		if time.Since(began) >= time.Minute {
			waits.Reset()
		}
		l.setDeaf(s, err)
		l.config.Log.Error().Err(err).Str("source", s.config.ID).Msg("cannot listen for traffic")
		if !pause(ctx, waits.NextBackOff()) {
			return
		}
		l.setDeaf(s, nil)
	}
}

func (l *Ledger) setDeaf(s *source, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.deaf = err
}

// pause waits; false if ctx ended first.
func pause(ctx context.Context, length time.Duration) bool {
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
