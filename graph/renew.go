package graph

import "time"

// Renew is the same graph at a later revision, one that changed no document. It shares everything with s, so that a scan
// that found nothing new costs next to nothing.
func (s *Snapshot) Renew(revision Revision, time time.Time, sources []Source) *Snapshot {
	renewed := *s
	renewed.revision, renewed.time, renewed.sources = revision, time, sources
	return &renewed
}
