package prometheus_test

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/scanners"
)

// sink keeps what is handed over.
type sink struct {
	mu    sync.Mutex
	held  map[string]map[traffic.Hour]*traffic.Counts
	scope map[string][]catalog.Problem
}

var _ scanners.TrafficSink = (*sink)(nil)

func newSink() *sink {
	return &sink{held: make(map[string]map[traffic.Hour]*traffic.Counts), scope: make(map[string][]catalog.Problem)}
}

func (s *sink) Add(traffic.Hour, *traffic.Counts) { panic("a reader of windows replaces") }
func (s *sink) Stands(string)                     {}

func (s *sink) Replace(_ context.Context, writer string, hour traffic.Hour, counts *traffic.Counts) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[writer] == nil {
		s.held[writer] = make(map[traffic.Hour]*traffic.Counts)
	}
	s.held[writer][hour] = counts
	return nil
}

func (s *sink) Hours(writer string) []traffic.Hour {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.held[writer]))
}

func (s *sink) Report(_ context.Context, scope scanners.Scope) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scope[scope.Name] = nil
	for _, document := range scope.Documents {
		s.scope[scope.Name] = append(s.scope[scope.Name], document.Problems...)
	}
	return nil
}

// sum is what all hours of a writer come to.
func (s *sink) sum(writer string) *traffic.Counts {
	all := new(traffic.Counts)
	for _, hour := range slices.Sorted(maps.Keys(s.held[writer])) {
		counts := s.held[writer][hour]
		if counts == nil {
			continue
		}
		for key, flow := range counts.Flows { // what is held stays as it is
			other := *flow
			other.Latency = flow.Latency.Clone()
			all.Flow(key).Merge(&other)
		}
		for key, service := range counts.Services {
			other := *service
			all.Service(key).Merge(&other)
		}
		for key, delivery := range counts.Deliveries {
			all.Delivery(key).Merge(delivery)
		}
		for reason, n := range counts.Lost {
			all.Lose(reason, n)
		}
	}
	return all
}

func (s *sink) problems() []catalog.Problem {
	var all []catalog.Problem
	for _, name := range slices.Sorted(maps.Keys(s.scope)) {
		all = append(all, s.scope[name]...)
	}
	return all
}
