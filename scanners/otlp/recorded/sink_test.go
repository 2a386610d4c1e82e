package recorded_test

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/scanners"
)

// ledger is a TrafficSink that keeps what it is told, as the real one does.
type ledger struct {
	mu       sync.Mutex
	rows     map[string]map[traffic.Hour]*traffic.Counts // by writer
	stands   map[string]int                              // how often it was said
	replaced int
	scopes   map[string]scanners.Scope // as the last reading told
	told     map[string]scanners.Scope // by the reading that goes on
	refuse   error
}

func newLedger() *ledger {
	return &ledger{
		rows: make(map[string]map[traffic.Hour]*traffic.Counts), stands: make(map[string]int), told: make(map[string]scanners.Scope),
	}
}

func (l *ledger) Add(traffic.Hour, *traffic.Counts) { panic("files only replace") }

func (l *ledger) Replace(_ context.Context, writer string, hour traffic.Hour, counts *traffic.Counts) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refuse != nil {
		return l.refuse
	}
	l.replaced++
	if counts == nil {
		delete(l.rows[writer], hour)
		return nil
	}
	if l.rows[writer] == nil {
		l.rows[writer] = make(map[traffic.Hour]*traffic.Counts)
	}
	l.rows[writer][hour] = counts
	return nil
}

func (l *ledger) Hours(writer string) []traffic.Hour {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Sorted(maps.Keys(l.rows[writer]))
}

func (l *ledger) Stands(writer string) { l.stands[writer]++ }

func (l *ledger) Report(_ context.Context, scope scanners.Scope) error {
	if held, ok := l.scopes[scope.Name]; ok && scope.State == scanners.Unchanged {
		scope = held
	}
	l.told[scope.Name] = scope
	return nil
}

// end ends a reading: what was not told is gone.
func (l *ledger) end() { l.scopes, l.told = l.told, make(map[string]scanners.Scope) }

// problems are those that are told now.
func (l *ledger) problems() []catalog.Problem {
	var all []catalog.Problem
	for _, name := range slices.Sorted(maps.Keys(l.scopes)) {
		for _, document := range l.scopes[name].Documents {
			all = append(all, document.Problems...)
		}
	}
	return all
}

// total is what all writers counted.
func (l *ledger) total() *traffic.Counts {
	total := new(traffic.Counts)
	for _, hours := range l.rows {
		for _, counts := range hours {
			total.Merge(counts)
		}
	}
	return total
}
