package ingest

import (
	"context"
	"errors"
	"sync"
)

// Run keeps the Catalog up to date until ctx ends, and then returns nil when all its work has stopped. It scans each source
// by its schedule and, where that is configured, as it changes; one with neither once. Read-only it follows what others
// write. Failures are logged and shown by the sources; they do not end it.
func (c *Catalog) Run(ctx context.Context) error {
	if c.config.ReadOnly {
		c.followStore(ctx)
		return nil
	}
	c.retire(ctx)
	slots := make(chan struct{}, parallelScans)
	var running sync.WaitGroup
	for _, source := range c.sources {
		running.Go(func() { newKeeper(c, source, slots).run(ctx) })
	}
	running.Wait()
	<-ctx.Done()
	return nil
}

// scanNow scans a source, the named parts of it or, without any, all. Whole scans wait until there is a slot; those of
// parts are short and somebody looks for their outcome. It returns whether the scan was good.
func (k *keeper) scanNow(ctx context.Context, parts []string) bool {
	if len(parts) == 0 {
		select {
		case k.slots <- struct{}{}:
			defer func() { <-k.slots }()
		case <-ctx.Done():
			return false
		}
	}
	result := k.catalog.scanSource(ctx, k.source, parts)
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
	if result.Held != nil {
		log.Warn().Int("entities", result.Held.Entities).Int("of", result.Held.Of).Str("digest", result.Held.Digest).
			Msg("removals wait for approval: see orrery sources show " + result.ID)
	}
	return result.Err == nil
}
