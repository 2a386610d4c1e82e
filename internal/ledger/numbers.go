package ledger

import (
	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/graph"
)

// counted are the sets that are counted beside what is summed up.
func (s *source) counted(yield func(*set) bool) {
	for _, t := range s.sets {
		if !t.hidden && !yield(t) {
			return
		}
	}
}

// flowNumbers adds up what is held of a flow; nil = nothing any more. It notes what the documents say of it.
func (s *source) flowNumbers(key traffic.FlowKey, at *flow) *graph.FlowNumbers {
	sum := traffic.Flow{}
	addFlow(&sum, &at.sum)
	held, stands, where := at.held, at.stands, at.where
	var recent recent
	recent.of(s)
	recent.days(&at.days)
	hash := hashFlow(key)
	for t := range s.counted {
		for p := range t.find(hash) {
			f := p.counts.Flows[key]
			if f == nil {
				continue
			}
			addFlow(&sum, f)
			recent.add(t.hour, f.Requests, f.Errors, &f.Latency)
			standing := s.standing(t.writer)
			where, stands, held = together(held, where, placeOf(t.writer, standing)), stands || standing, true
		}
	}
	if !held {
		return nil
	}
	at.last, at.ages, at.place = sum.Last, !stands, where
	at.protocol = sum.Protocol
	return &graph.FlowNumbers{
		FlowKey: key, Requests: sum.Requests, Errors: sum.Errors, First: sum.First.Time(), Last: sum.Last.Time(),
		Sampled:  sum.Sampled,
		Together: sum.Together, Recent: recent.done(), Operations: operations(sum.Operations),
	}
}

// serviceSum adds up what is held of a service; nil = nothing any more. It notes what the documents say of it.
func (s *source) serviceSum(key traffic.ServiceKey, at *service, recent *recent) *traffic.Service {
	sum := &traffic.Service{}
	addService(sum, &at.sum)
	held, stands, where := at.held, at.stands, at.where
	recent.days(&at.days)
	hash := hashService(key)
	for t := range s.counted {
		for p := range t.find(hash) {
			v := p.counts.Services[key]
			if v == nil {
				continue
			}
			addService(sum, v)
			recent.add(t.hour, v.Requests, v.Errors, &v.Latency)
			standing := s.standing(t.writer)
			where, stands, held = together(held, where, placeOf(t.writer, standing)), stands || standing, true
		}
	}
	if !held {
		return nil
	}
	at.last, at.ages, at.place = sum.Last, !stands, where
	at.aliases, at.entry = sum.Aliases, catalog.EntryInner
	if sum.Entries > 0 {
		at.entry = catalog.EntryPoint
	}
	return sum
}

func (s *source) deliverySum(key traffic.DeliveryKey, at *delivery) (traffic.Delivery, bool) {
	sum, held := at.sum, at.held
	hash := hashDelivery(key)
	for t := range s.counted {
		for p := range t.find(hash) {
			if d := p.counts.Deliveries[key]; d != nil {
				sum.Merge(d)
				held = true
			}
		}
	}
	return sum, held
}

func (s *source) reachSum(key traffic.ReachKey, at *reach) (float64, bool) {
	sum, held := at.sum, at.held
	hash := hashReach(key)
	for t := range s.counted {
		for p := range t.find(hash) {
			if n, ok := p.counts.Reach[key]; ok {
				sum += n
				held = true
			}
		}
	}
	return sum, held
}

func (s *source) lostSum() map[string]uint64 {
	sum := make(map[string]uint64, len(s.lost))
	for reason, n := range s.lost {
		sum[reason] += n
	}
	for t := range s.counted {
		for _, p := range t.pieces {
			for reason, n := range p.counts.Lost {
				sum[reason] += n
			}
		}
	}
	return sum
}
