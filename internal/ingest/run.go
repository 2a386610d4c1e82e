package ingest

import (
	"context"
	"errors"
)

// Run keeps the Catalog up to date until ctx ends, and then returns nil when all its work has stopped: it scans all
// sources once or, read-only, follows what others write. Failures are logged and shown by the sources; they do not end
// it.
func (c *Catalog) Run(ctx context.Context) error {
	if c.config.ReadOnly {
		c.followStore(ctx)
		return nil
	}
	result, _ := c.Scan(ctx) // the errors are in the result
	for _, source := range result.Sources {
		log := c.config.Log.With().Str("source", source.ID).Dur("took", source.Duration).Logger()
		switch {
		case errors.Is(source.Err, context.Canceled): // asked to end
		case source.Err != nil:
			log.Error().Err(source.Err).Msg("scan failed; the last good data stands")
		default:
			log.Info().Int("scopes", source.Scopes).Int("unreadable", source.Unreadable).Int("put", source.Put).
				Int("removed", source.Removed).Uint64("revision", uint64(source.Revision)).Msg("scanned")
		}
	}
	<-ctx.Done()
	return nil
}
