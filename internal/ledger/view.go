package ledger

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/btree"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/graph"
)

// view are the numbers at one moment. Nobody changes it: the next one shares with it what stays the same.
type view struct {
	version    uint64
	flows      map[string]*btree.Map[catalog.FlowID, *graph.FlowNumbers] // by source
	services   *btree.Map[string, *graph.ServiceNumbers]                 // by nameOf
	deliveries *btree.Map[string, *traffic.Delivery]
	reach      *btree.Map[string, float64]
	lost       map[string]map[string]uint64 // by source
}

var _ graph.Traffic = (*view)(nil)

// nameOf is a key of several words.
func nameOf(environment string, aliases ...catalog.Alias) string {
	var name strings.Builder
	name.WriteString(environment)
	for _, alias := range aliases {
		name.WriteByte(0)
		name.WriteString(string(alias))
	}
	return name.String()
}

// Flow implements [graph.Traffic].
func (v *view) Flow(source string, id catalog.FlowID) *graph.FlowNumbers {
	if flows := v.flows[source]; flows != nil {
		numbers, _ := flows.Get(id)
		return numbers
	}
	return nil
}

// Service implements [graph.Traffic].
func (v *view) Service(environment string, alias catalog.Alias) *graph.ServiceNumbers {
	return get(v.services, nameOf(environment, alias))
}

// Delivery implements [graph.Traffic].
func (v *view) Delivery(environment string, consumer, topic, producer catalog.Alias) *traffic.Delivery {
	return get(v.deliveries, nameOf(environment, consumer, topic, producer))
}

// Reach implements [graph.Traffic].
func (v *view) Reach(environment string, entry, touched catalog.Alias) float64 {
	return get(v.reach, nameOf(environment, entry, touched))
}

// Lost implements [graph.Traffic].
func (v *view) Lost(source string) map[string]uint64 { return v.lost[source] }

// Version implements [graph.Traffic].
func (v *view) Version() uint64 { return v.version }

func get[V any](in *btree.Map[string, V], name string) (value V) {
	if in != nil {
		value, _ = in.Get(name)
	}
	return value
}

// next is a view that shares all with this one, to be changed before it is shown.
func (v *view) next() *view {
	n := &view{
		version: v.version + 1, flows: make(map[string]*btree.Map[catalog.FlowID, *graph.FlowNumbers], len(v.flows)),
		services: copyOf(v.services), deliveries: copyOf(v.deliveries), reach: copyOf(v.reach),
		lost: make(map[string]map[string]uint64, len(v.lost)),
	}
	for source, flows := range v.flows {
		n.flows[source] = copyOf(flows)
	}
	for source, lost := range v.lost {
		n.lost[source] = lost
	}
	return n
}

func copyOf[K cmp.Ordered, V any](m *btree.Map[K, V]) *btree.Map[K, V] {
	if m == nil {
		return new(btree.Map[K, V])
	}
	return m.Copy()
}

// publish shows what has changed since the last view, and tells those who hear of scopes. The caller holds storing.
func (l *Ledger) publish() {
	l.mu.Lock()
	defer l.mu.Unlock()
	var next *view
	for _, s := range l.sources {
		s.settle()
		if now := s.recentDay(); now != s.shownDay { // what counts as recent has changed of everything
			s.shownDay = now
			s.touchAll()
		}
		if s.touched.any() {
			if next == nil {
				next = l.view.Load().next()
			}
			l.show(next, s)
		}
	}
	for _, s := range l.sources {
		s.tellChanges()
	}
	if next != nil {
		l.view.Store(next)
		l.wake()
	}
}

// show brings the entries of a view up to date that have changed in a source.
func (l *Ledger) show(v *view, s *source) {
	changed := s.touched
	s.touched = touched{}
	flows := v.flows[s.config.ID]
	if flows == nil {
		flows = new(btree.Map[catalog.FlowID, *graph.FlowNumbers])
		v.flows[s.config.ID] = flows
	}
	for key := range changed.flows {
		at := s.flows[key]
		if at == nil { // it was in a sum that is no more
			flows.Delete(key.ID())
			s.forgetFlow(key)
			continue
		}
		if numbers := s.flowNumbers(key, at); numbers != nil {
			flows.Set(at.id, numbers)
			s.noteFlow(key, at)
		} else {
			flows.Delete(at.id)
			delete(s.flows, key)
			s.known -= int64(knownFlow(key) + at.operations)
			s.forgetFlow(key)
		}
	}
	for key := range changed.services {
		if at := s.services[key]; at == nil || s.serviceSum(key, at, new(recent)) == nil {
			if at != nil {
				delete(s.services, key)
				s.known -= int64(knownService(key))
			}
			s.forgetService(key)
		} else {
			s.noteService(key, at)
		}
		environment := l.environment(s, key.Environment)
		put(v.services, nameOf(environment, key.Alias), l.serviceNumbers(environment, key.Alias))
	}
	for key := range changed.deliveries {
		if at := s.deliveries[key]; at != nil {
			if _, held := s.deliverySum(key, at); !held {
				delete(s.deliveries, key)
				s.known -= int64(knownDelivery(key))
			}
		}
		environment := l.environment(s, key.Environment)
		put(v.deliveries, nameOf(environment, key.Consumer, key.Topic, key.Producer), l.deliveryNumbers(environment, key))
	}
	for key := range changed.reach {
		if at := s.reach[key]; at != nil {
			if _, held := s.reachSum(key, at); !held {
				delete(s.reach, key)
				s.known -= int64(knownReach(key))
			}
		}
		environment := l.environment(s, key.Environment)
		name := nameOf(environment, key.Entry, key.Touched)
		if n := l.reachNumbers(environment, key); n > 0 {
			v.reach.Set(name, n)
		} else {
			v.reach.Delete(name)
		}
	}
	if changed.lost {
		s.lostNow = s.lostSum()
		v.lost[s.config.ID] = s.lostNow
	}
}

func put[V any](in *btree.Map[string, *V], name string, value *V) {
	if value == nil {
		in.Delete(name)
	} else {
		in.Set(name, value)
	}
}

// as yields the sources with the names that their spans have for an environment.
func (l *Ledger) as(environment string) func(yield func(s *source, written string) bool) {
	return func(yield func(*source, string) bool) {
		for _, s := range l.sources {
			for written := range s.environments[environment] {
				if !yield(s, written) {
					return
				}
			}
		}
	}
}

// serviceNumbers adds up what all sources hold of a service.
func (l *Ledger) serviceNumbers(environment string, alias catalog.Alias) *graph.ServiceNumbers {
	var all *traffic.Service
	var recent recent
	for s, written := range l.as(environment) {
		key := traffic.ServiceKey{Alias: alias, Environment: written}
		if at := s.services[key]; at != nil {
			recent.of(s)
			if sum := s.serviceSum(key, at, &recent); sum == nil {
				continue
			} else if all == nil {
				all = sum
			} else {
				all.Merge(sum)
			}
		}
	}
	if all == nil {
		return nil
	}
	return &graph.ServiceNumbers{
		Requests: all.Requests, Errors: all.Errors, Entries: all.Entries,
		First: all.First.Time(), Last: all.Last.Time(), Recent: recent.done(),
	}
}

func (l *Ledger) deliveryNumbers(environment string, key traffic.DeliveryKey) *traffic.Delivery {
	var all *traffic.Delivery
	for s, written := range l.as(environment) {
		key.Environment = written
		if at := s.deliveries[key]; at != nil {
			if sum, held := s.deliverySum(key, at); held {
				if all == nil {
					all = new(traffic.Delivery)
				}
				all.Merge(&sum)
			}
		}
	}
	return all
}

func (l *Ledger) reachNumbers(environment string, key traffic.ReachKey) float64 {
	all := 0.0
	for s, written := range l.as(environment) {
		key.Environment = written
		if at := s.reach[key]; at != nil {
			sum, _ := s.reachSum(key, at)
			all += sum
		}
	}
	return all
}

// recent adds up the newest two days of one or more sources, each counted from its newest.
type recent struct {
	source *source
	first  traffic.Hour // day of the source
	sum    graph.Recent
	parts  []*traffic.Sketch
}

// of goes on with another source.
func (r *recent) of(s *source) { r.source, r.first = s, s.recentDay() }

func (r *recent) days(of *days) {
	for i := range of {
		if at := &of[i]; at.day > 0 {
			r.add(at.day*24, at.requests, at.errors, &at.latency)
		}
	}
}

func (r *recent) add(hour traffic.Hour, requests, errors float64, latency *traffic.Sketch) {
	if r.source == nil || hour == 0 || day(hour) < r.first {
		return
	}
	r.sum.Requests += requests
	r.sum.Errors += errors
	r.parts = append(r.parts, latency)
	since, until := r.source.recently()
	if r.sum.Since.IsZero() || since.Before(r.sum.Since) {
		r.sum.Since = since
	}
	if until.After(r.sum.Until) {
		r.sum.Until = until
	}
}

func (r *recent) done() graph.Recent {
	r.sum.Latency = traffic.Sum(r.parts...)
	return r.sum
}

// recently is the time that counts as recent, in whole minutes: from the beginning of the day before the newest, or of
// all that was seen, to the newest.
func (s *source) recently() (since, until time.Time) {
	since = time.Unix(int64(s.recentDay())*24*3600, 0).UTC()
	if oldest := s.oldest.Time().Truncate(time.Minute); oldest.After(since) {
		since = oldest
	}
	return since, s.newest.Time().Truncate(time.Minute).Add(time.Minute)
}

// operations lists operations by requests, then by name.
func operations(of map[string]traffic.Operation) []graph.OperationNumbers {
	list := make([]graph.OperationNumbers, 0, len(of))
	for name, operation := range of {
		list = append(list, graph.OperationNumbers{Name: name, Requests: operation.Requests, Errors: operation.Errors})
	}
	slices.SortFunc(list, func(a, b graph.OperationNumbers) int {
		return cmp.Or(cmp.Compare(b.Requests, a.Requests), strings.Compare(a.Name, b.Name))
	})
	return list
}
