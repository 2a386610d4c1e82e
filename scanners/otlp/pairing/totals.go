package pairing

import (
	"cmp"
	"hash/maphash"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/traffic"
)

// totals is what a shard has counted and nobody has drained yet, by numbers of its names.
type totals struct {
	byOrigin map[uint32]map[traffic.Hour]*total
	last     *total
	lastOf   struct {
		origin uint32
		hour   traffic.Hour
	}
	held int64 // bytes
}

// total is what was counted of one origin in one hour.
type total struct {
	flows      map[flowKey]*traffic.Flow
	services   map[uint32]*traffic.Service
	deliveries map[deliveryKey]*traffic.Delivery
	reach      map[reachKey]float64
	lost       map[string]uint64
	operations int64 // bytes of those of the flows
}

type flowKey struct {
	from, to uint32 // a service, a node
	way      traffic.Way
}

type deliveryKey struct{ consumer, topic, producer uint32 } // a service, two nodes

type reachKey struct{ entry, touched uint32 } // a service, a node

// About how much memory one of them takes.
const (
	flowBytes     = 1500
	totalBytes    = 1000
	deliveryBytes = 120
	reachBytes    = 60

	operationBytes = 50
)

func (t *totals) reset()       { *t = totals{byOrigin: map[uint32]map[traffic.Hour]*total{}} }
func (t *totals) empty() bool  { return len(t.byOrigin) == 0 }
func (t *totals) bytes() int64 { return t.held }

// at is the total to add to.
func (t *totals) at(origin uint32, hour traffic.Hour) *total {
	if t.last != nil && t.lastOf.origin == origin && t.lastOf.hour == hour {
		return t.last
	}
	hours := t.byOrigin[origin]
	if hours == nil {
		hours = map[traffic.Hour]*total{}
		t.byOrigin[origin] = hours
	}
	found := hours[hour]
	if found == nil {
		found = &total{
			flows: map[flowKey]*traffic.Flow{}, services: map[uint32]*traffic.Service{},
			deliveries: map[deliveryKey]*traffic.Delivery{}, reach: map[reachKey]float64{}, lost: map[string]uint64{},
		}
		hours[hour] = found
		t.held += totalBytes
	}
	t.last, t.lastOf.origin, t.lastOf.hour = found, origin, hour
	return found
}

// flow is the flow to add to; nil where there are too many.
func (s *shard) flow(in *total, key flowKey) *traffic.Flow {
	flow := in.flows[key]
	if flow == nil {
		if !s.roomForTotals(len(in.flows)) {
			return nil
		}
		flow = &traffic.Flow{}
		in.flows[key] = flow
		s.totals.held += flowBytes
	}
	return flow
}

// roomForTotals says whether another flow may be told apart where there are so many.
func (s *shard) roomForTotals(there int) bool {
	const share = 2 // of the memory, so that spans have some too
	return there < s.pairer.config.MaxFlows && s.totals.held < s.maxBytes/share
}

// operation adds to an operation of the flow, or to the others where there is no room for one that is not told apart yet.
func (s *shard) operation(in *total, flow *traffic.Flow, name string, weight, errors float64) {
	if _, there := flow.Operations[name]; !there && !s.roomForTotals(0) {
		name = traffic.OtherOperations
	}
	before := len(flow.Operations)
	flow.AddOperation(name, weight, errors)
	if len(flow.Operations) > before {
		grown := int64(operationBytes + min(len(name), traffic.MaxOperationBytes))
		in.operations += grown
		s.totals.held += grown
	}
}

func (s *shard) serviceTotal(in *total, number uint32) *traffic.Service {
	found := in.services[number]
	if found == nil {
		found = &traffic.Service{}
		in.services[number] = found
		s.totals.held += flowBytes
	}
	return found
}

func (s *shard) touch(in *total, key reachKey, weight float64) {
	if _, there := in.reach[key]; !there {
		if !s.roomForTotals(len(in.flows)) {
			return
		}
		s.totals.held += reachBytes
	}
	in.reach[key] += weight
}

func (s *shard) deliver(in *total, key deliveryKey, weight float64, start uint64) {
	delivery := in.deliveries[key]
	if delivery == nil {
		if !s.roomForTotals(len(in.deliveries)) {
			in.lost[traffic.LostTooManyFlows]++
			return
		}
		delivery = &traffic.Delivery{}
		in.deliveries[key] = delivery
		s.totals.held += deliveryBytes
	}
	delivery.Messages += weight
	seen(&delivery.First, &delivery.Last, start)
}

// seen widens a span of time.
func seen(first, last *catalog.Instant, start uint64) {
	at := catalog.InstantOf(time.Unix(0, int64(start)))
	if *first == 0 || at < *first {
		*first = at
	}
	*last = max(*last, at)
}

// drain takes away what was counted of the origin, with names for numbers.
func (t *totals) drain(origin uint32, names *names, into map[traffic.Hour]*traffic.Counts) {
	for hour, from := range t.byOrigin[origin] {
		counts := &traffic.Counts{}
		if len(from.flows) > 0 {
			counts.Flows = make(map[traffic.FlowKey]*traffic.Flow, len(from.flows))
		}
		for key, flow := range from.flows {
			caller := &names.services[key.from]
			counts.Flows[traffic.FlowKey{
				From: caller.Alias, To: names.nodes[key.to], Way: key.way, Environment: caller.Environment,
			}] = flow
		}
		if len(from.services) > 0 {
			counts.Services = make(map[traffic.ServiceKey]*traffic.Service, len(from.services))
		}
		for number, service := range from.services {
			service.AddAliases(names.services[number].aliases...)
			counts.Services[names.services[number].ServiceKey] = service
		}
		for key, delivery := range from.deliveries {
			consumer := &names.services[key.consumer]
			counts.Delivery(traffic.DeliveryKey{
				Consumer: consumer.Alias, Topic: names.nodes[key.topic], Producer: names.nodes[key.producer],
				Environment: consumer.Environment,
			}).Merge(delivery)
		}
		for key, requests := range from.reach {
			entry := &names.services[key.entry]
			counts.Touch(traffic.ReachKey{
				Entry: entry.Alias, Touched: names.nodes[key.touched], Environment: entry.Environment,
			}, requests)
		}
		for reason, n := range from.lost {
			counts.Lose(reason, n)
		}
		t.held -= from.operations + totalBytes + flowBytes*int64(len(from.flows)+len(from.services)) +
			deliveryBytes*int64(len(from.deliveries)) + reachBytes*int64(len(from.reach))
		add(into, hour, counts)
	}
	delete(t.byOrigin, origin)
	t.last = nil
}

func add(into map[traffic.Hour]*traffic.Counts, hour traffic.Hour, counts *traffic.Counts) {
	if there := into[hour]; there != nil {
		there.Merge(counts)
		return
	}
	into[hour] = counts
}

// limits holds the flows and services of an hour to a number, over all that was drained of it.
type limits struct {
	maxFlows, maxServices int

	mu    sync.Mutex
	seed  maphash.Seed
	known map[limitKey]map[uint64]struct{}
	count int
}

type limitKey struct {
	origin   uint32
	hour     traffic.Hour
	services bool
}

// apply takes what is over the limits out of what was drained, and counts it.
func (l *limits) apply(origin uint32, drained map[traffic.Hour]*traffic.Counts) {
	const hours = 8 // of full limits are remembered
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.known == nil || l.count > hours*(l.maxFlows+l.maxServices) {
		l.seed, l.known, l.count = maphash.MakeSeed(), map[limitKey]map[uint64]struct{}{}, 0
	}
	for hour, counts := range drained {
		lost := within(l, limitKey{origin, hour, false}, counts.Flows, l.maxFlows,
			func(flow *traffic.Flow) float64 { return flow.Requests })
		counts.Lose(traffic.LostTooManyFlows, lost)
		lost = within(l, limitKey{origin, hour, true}, counts.Services, l.maxServices,
			func(service *traffic.Service) float64 { return service.Requests })
		counts.Lose(traffic.LostTooManyServices, lost)
	}
}

// within deletes what is over the limit from all: of the new ones, those with the fewest requests. It returns how many requests
// those had, at least one each.
func within[K comparable, V any](l *limits, key limitKey, all map[K]V, most int, requests func(V) float64) (lost uint64) {
	if len(all) == 0 {
		return 0
	}
	known := l.known[key]
	if known == nil {
		known = make(map[uint64]struct{}, len(all))
		l.known[key] = known
	}
	var unknown []K
	for each := range all {
		if _, there := known[maphash.Comparable(l.seed, each)]; !there {
			unknown = append(unknown, each)
		}
	}
	room := max(0, most-len(known))
	if len(unknown) > room {
		slices.SortFunc(unknown, func(a, b K) int { return cmp.Compare(requests(all[b]), requests(all[a])) })
		for _, each := range unknown[room:] {
			lost += max(1, uint64(math.Round(requests(all[each]))))
			delete(all, each)
		}
		unknown = unknown[:room]
	}
	for _, each := range unknown {
		known[maphash.Comparable(l.seed, each)] = struct{}{}
	}
	l.count += len(unknown)
	return lost
}
