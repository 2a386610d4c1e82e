package scantest

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/scanners"
)

// Counted is a TrafficSink that keeps what it is given, and the problems that were reported last. The zero value is empty; it
// is safe for use from several goroutines.
type Counted struct {
	mu     sync.Mutex
	held   map[string]map[traffic.Hour]*traffic.Counts // by writer; "" = what was added
	scopes map[string][]catalog.Problem
	// Replaced is how often something was replaced; to be read when nobody counts.
	Replaced int
}

var _ scanners.TrafficSink = (*Counted)(nil)

// Add adds to what the writer "" counted.
func (c *Counted) Add(hour traffic.Hour, counts *traffic.Counts) {
	c.mu.Lock()
	defer c.mu.Unlock()
	sum := clone(c.held[""][hour])
	sum.Merge(counts)
	c.put("", hour, sum)
}

// Replace keeps the counts of the writer; nil = none.
func (c *Counted) Replace(ctx context.Context, writer string, hour traffic.Hour, counts *traffic.Counts) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Replaced++
	c.put(writer, hour, counts)
	return context.Cause(ctx)
}

func (c *Counted) put(writer string, hour traffic.Hour, counts *traffic.Counts) {
	if c.held == nil {
		c.held = make(map[string]map[traffic.Hour]*traffic.Counts)
	}
	if c.held[writer] == nil {
		c.held[writer] = make(map[traffic.Hour]*traffic.Counts)
	}
	if counts.Empty() {
		delete(c.held[writer], hour)
		return
	}
	c.held[writer][hour] = counts
}

// Hours lists the hours of which something is held of the writer, in order.
func (c *Counted) Hours(writer string) []traffic.Hour {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Sorted(maps.Keys(c.held[writer]))
}

// Stands does nothing: nothing ages here.
func (c *Counted) Stands(string) {}

// Report keeps the problems of the scope.
func (c *Counted) Report(ctx context.Context, scope scanners.Scope) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.scopes == nil {
		c.scopes = make(map[string][]catalog.Problem)
	}
	c.scopes[scope.Name] = nil
	for _, document := range scope.Documents {
		c.scopes[scope.Name] = append(c.scopes[scope.Name], document.Problems...)
	}
	return context.Cause(ctx)
}

// Of is what is held of a writer and an hour; empty where nothing is.
func (c *Counted) Of(writer string, hour traffic.Hour) *traffic.Counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	return clone(c.held[writer][hour])
}

// Sum is what all hours of a writer come to.
func (c *Counted) Sum(writer string) *traffic.Counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	sum := new(traffic.Counts)
	for _, counts := range c.held[writer] {
		sum.Merge(clone(counts))
	}
	return sum
}

// Problems lists those of all scopes.
func (c *Counted) Problems() []catalog.Problem {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := slices.Concat(slices.Collect(maps.Values(c.scopes))...)
	slices.SortFunc(all, catalog.CompareProblems)
	return all
}

// clone copies counts as deep as Merge changes them.
func clone(counts *traffic.Counts) *traffic.Counts {
	own := new(traffic.Counts)
	if counts == nil {
		return own
	}
	for key, flow := range counts.Flows {
		into := own.Flow(key)
		*into = *flow
		into.Latency, into.Operations = flow.Latency.Clone(), maps.Clone(flow.Operations)
	}
	for key, service := range counts.Services {
		into := own.Service(key)
		*into = *service
		into.Latency, into.Aliases = service.Latency.Clone(), slices.Clone(service.Aliases)
	}
	for key, delivery := range counts.Deliveries {
		*own.Delivery(key) = *delivery
	}
	own.Reach, own.Lost = maps.Clone(counts.Reach), maps.Clone(counts.Lost)
	return own
}
