package ledger

import (
	"context"

	"github.com/orrery-catalog/orrery/catalog/traffic"
)

// Hear counts as a listener of the source does.
func (l *Ledger) Hear(source string, hour traffic.Hour, counts *traffic.Counts) {
	into := &listening{reading{source: l.sources[source]}}
	into.Add(hour, counts)
}

// Step writes, follows and shows, as Run does every few seconds.
func (l *Ledger) Step(ctx context.Context) bool { return l.step(ctx) }

// Tidy compacts rows, as Run does every hour.
func (l *Ledger) Tidy(ctx context.Context) error { return l.tidy(ctx) }

// Press has a source let go early of what it can, and refuse nothing: as if rows took half of its memory.
func (l *Ledger) Press(source string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.sources[source]
	s.inRows = s.config.MaxBytes * 3 / 5
}
