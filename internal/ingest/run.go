package ingest

import (
	"context"
	"errors"
	"sync"
)

// Run keeps the Catalog up to date until ctx ends, and then returns nil when all its work has stopped. It scans each source
// by its schedule and, where that is configured, as it changes; one with neither once. Where others write to the store too,
// it follows them, and scans only while it holds the lease of scans. Read-only it follows only. Failures are logged and
// shown by the sources; they do not end it. It may run once at a time.
func (c *Catalog) Run(ctx context.Context) error {
	c.running.Store(true)
	defer c.running.Store(false)
	c.awaitStore(ctx)
	defer c.leaveNews(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	following := c.config.Store != nil && (c.config.ReadOnly || c.replicated())
	if following {
		running.Go(func() { c.followStore(ctx) })
	}
	if c.config.Store != nil {
		running.Go(func() { c.probe(ctx, following) })
	}
	if c.config.Traffic != nil {
		running.Go(func() { c.followTraffic(ctx) })
	}
	switch {
	case c.config.ReadOnly:
	case c.replicated():
		for _, source := range c.sources {
			c.setRuntime(source.ID, elsewhere(source))
		}
		running.Go(func() { c.passOn(ctx) })
		running.Go(func() {
			c.lead(ctx, func(t *term) {
				var projecting sync.WaitGroup
				defer projecting.Wait()
				projecting.Go(func() { c.project(t) })
				if c.awaitNewest(t.ctx) {
					c.keep(t.ctx, t)
				}
			})
		})
	default:
		c.keep(ctx, nil)
	}
	<-ctx.Done()
	return nil
}

// keep scans the sources until ctx ends, under a term if there is one.
func (c *Catalog) keep(ctx context.Context, t *term) {
	c.retire(ctx, t)
	slots := make(chan struct{}, parallelScans)
	var running sync.WaitGroup
	for _, source := range c.sources {
		running.Go(func() { newKeeper(c, source, slots, t).run(ctx) })
	}
	running.Wait()
	<-ctx.Done()
}

// scanNow scans a source, the named parts of it or, without any, all. Whole scans wait until there is a slot; those of
// parts are short and somebody looks for their outcome, and so it is with a scan that somebody waits for. It returns
// whether the scan was good.
func (k *keeper) scanNow(ctx context.Context, parts []string, answers news, awaited bool) bool {
	if len(parts) == 0 && !awaited {
		select {
		case k.slots <- struct{}{}:
			defer func() { <-k.slots }()
		case <-ctx.Done():
			return false
		}
	}
	if k.term != nil && k.term.wait(ctx) != nil {
		return false
	}
	var result SourceResult
	if awaited { // maybe by callers in this process too
		done, err := k.catalog.shareScan(ctx, k.source)
		if errors.Is(err, errLeftBehind) {
			k.catalog.refuse(ctx, k.term, k.source.ID, err)
		}
		result = SourceResult{
			ID: k.source.ID, Err: err, Scopes: done.Scopes, Unreadable: done.Unreadable, Put: done.Put, Removed: done.Removed,
			Duration: done.Duration, Revision: done.Revision, Held: done.Held,
		}
	} else {
		result = k.catalog.scanSource(ctx, k.source, order{parts: parts, answers: answers, term: k.term})
	}
	log := k.catalog.config.Log.With().Str("source", result.ID).Dur("took", result.Duration).Logger()
	switch {
	case ctx.Err() != nil && (result.Err == nil || errors.Is(result.Err, context.Cause(ctx))): // asked to end
	case result.Err != nil:
		log.Error().Err(result.Err).Msg("scan failed; the last good data stands")
	case len(parts) > 0:
		log.Debug().Int("parts", len(parts)).Int("put", result.Put).Int("removed", result.Removed).
			Uint64("revision", uint64(result.Revision)).Msg("scanned what changed")
	default:
		log.Info().Int("scopes", result.Scopes).Int("unreadable", result.Unreadable).Int("put", result.Put).
			Int("removed", result.Removed).Uint64("revision", uint64(result.Revision)).Msg("scanned")
	}
	if result.Held != nil && (len(parts) == 0 || !k.held) { // not with every event of a busy cluster
		log.Warn().Int("entities", result.Held.Entities).Int("of", result.Held.Of).Str("digest", result.Held.Digest).
			Msg("removals wait for approval: see orrery sources show " + result.ID)
	}
	k.held = result.Held != nil
	return result.Err == nil
}
