package ingest

import "context"

// ScanParts scans parts of a source, as a watch does.
func (c *Catalog) ScanParts(ctx context.Context, id string, parts ...string) SourceResult {
	source, err := c.source(id)
	if err != nil {
		return SourceResult{ID: id, Err: err}
	}
	return c.scanSource(ctx, source, order{parts: parts})
}
