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

// Audit compares how much a source says that it holds with what there is.
func (l *Ledger) Audit(source string) (known, inSets [2]int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.sources[source]
	known[0], inSets[0] = s.known, s.inSets
	for key, at := range s.flows {
		known[1] += int64(knownFlow(key))
		for name := range at.sum.Operations {
			known[1] += int64(operationSize(name))
		}
	}
	for key := range s.services {
		known[1] += int64(knownService(key))
	}
	for key := range s.deliveries {
		known[1] += int64(knownDelivery(key))
	}
	for key := range s.reach {
		known[1] += int64(knownReach(key))
	}
	for _, hours := range s.summed {
		for _, parts := range hours {
			known[1] += int64(len(parts) * summedBytes)
		}
	}
	for _, t := range s.sets {
		inSets[1] += setBytes
		for _, p := range t.pieces {
			inSets[1] += int64(sizeOf(&p.counts))
		}
	}
	return known, inSets
}
