package ledger

import (
	"math"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/traffic"
)

// maxPending is how much weight of sets of a source this process holds that may not be written yet, as a multiple of what
// the limits let in at once: what is counted while the store is away.
const maxPending = 4

// maxReasons is how many reasons are told apart why something is lost.
const maxReasons = 64

// add takes what a listener counted in an hour.
func (s *source) add(hour traffic.Hour, counts *traffic.Counts) {
	if counts.Empty() {
		return
	}
	clock := s.ledger.hour()
	if hour == 0 || hour > clock { // nobody knows, or a clock is ahead
		hour = clock
		limitTimes(counts, s.ledger.now())
	}
	if horizon := hourOf(s.newest.Time().Add(-s.config.RemoveAfter)); s.newest > 0 && hour < horizon {
		lose := &traffic.Counts{}
		lose.Lose(traffic.LostLate, lostRequests(counts))
		for reason, n := range counts.Lost {
			lose.Lose(reason, n)
		}
		hour, counts = clock, lose
	}
	s.admit(counts)
	s.index(counts)
	s.touched.counts(counts)
	hour = s.coarse(hour)
	for key, f := range counts.Flows {
		p := s.room(hour, hashFlow(key), weighsFlow, flowBytes+flowNames(key), func(p *piece) bool { return p.counts.Flows[key] != nil })
		to := p.counts.Flow(key)
		was := to.Latency.Size()
		to.Latency.Merge(&f.Latency)
		mergeFlow(to, f)
		s.grow(p, to.Latency.Size()-was+s.addOperations(to, f.Operations))
	}
	for key, v := range counts.Services {
		p := s.room(hour, hashService(key), weighsService, serviceBytes+serviceNames(key),
			func(p *piece) bool { return p.counts.Services[key] != nil })
		to := p.counts.Service(key)
		was := sizeOfService(to)
		to.Merge(v)
		s.grow(p, sizeOfService(to)-was)
	}
	for key, d := range counts.Deliveries {
		p := s.room(hour, hashDelivery(key), weighsDelivery, deliveryBytes+deliveryNames(key),
			func(p *piece) bool { return p.counts.Deliveries[key] != nil })
		p.counts.Delivery(key).Merge(d)
	}
	for key, n := range counts.Reach {
		p := s.room(hour, hashReach(key), weighsReach, reachBytes+reachNames(key),
			func(p *piece) bool { _, there := p.counts.Reach[key]; return there })
		p.counts.Touch(key, n)
	}
	for reason, n := range counts.Lost {
		s.room(hour, 0, 0, 0, func(*piece) bool { return true }).counts.Lose(reason, n)
	}
}

// room is the piece for an entry of a listener. Where the piece would become too large for a row, a larger set follows.
func (s *source) room(hour traffic.Hour, hash uint64, weight, bytes int, has func(*piece) bool) *piece {
	for {
		t := s.open(hour)
		number := part(t.size, hash)
		if t.pieces[number] == nil {
			s.grow(t.piece(number), pieceBytes)
		}
		p := t.piece(number)
		if !has(p) {
			if p.weight+weight > maxWeight {
				delete(s.current, hour)
				s.sizes = min(max(sizeFor(t.weight()), t.size)*4, maxSize)
				continue
			}
			p.weight += weight
			s.pending += weight
			s.grow(p, bytes)
		}
		p.changes++
		return p
	}
}

// open is the set that takes what is counted in an hour: one that this process may write still.
func (s *source) open(hour traffic.Hour) *set {
	if t := s.current[hour]; t != nil && (t.epoch == 0 || !t.tried || s.ledger.hour() <= t.epoch+writable) {
		return t
	}
	s.ledger.writers++
	// The name is complete when it is written first.
	t := &set{
		writer: liveWriter(s.ledger.config.Writer, 0, s.ledger.writers), hour: hour, pieces: make(map[uint16]*piece), size: s.sizes,
	}
	s.sets[setID{t.writer, hour}] = t
	s.inSets += setBytes
	s.current[hour] = t
	return t
}

// stamp gives a set that is written for the first time its final name. It gets another one while nothing was sent of it.
func (s *source) stamp(t *set) {
	if t.epoch > 0 && (t.tried || t.epoch == s.ledger.hour()) || isReplaced(t.writer) {
		return
	}
	delete(s.sets, setID{t.writer, t.hour})
	t.epoch = max(s.ledger.hour(), 1)
	s.ledger.writers++
	t.writer = liveWriter(s.ledger.config.Writer, t.epoch, s.ledger.writers)
	s.sets[setID{t.writer, t.hour}] = t
}

// admit takes out of counts what is over a limit, or has a name that no row takes, and counts it as lost.
func (s *source) admit(c *traffic.Counts) {
	config := s.ledger.config
	full := s.pending >= maxPending*(config.MaxFlows*weighsFlow+config.MaxServices*weighsService+
		config.MaxDeliveries*weighsDelivery+config.MaxReach*weighsReach)
	most := func(most int) int {
		if full {
			return 0
		}
		return most
	}
	room := s.config.MaxBytes - s.bytes()
	lost := make(map[string]float64)
	limit(c.Flows, s.flows, most(config.MaxFlows), &room, knownFlow, func(k traffic.FlowKey) bool { return fits(k.Environment, k.From, k.To) },
		func(f *traffic.Flow, fits bool) { lost[reason(fits, traffic.LostTooManyFlows)] += f.Requests })
	limit(c.Services, s.services, most(config.MaxServices), &room, knownService,
		func(k traffic.ServiceKey) bool { return fits(k.Environment, k.Alias) },
		func(v *traffic.Service, fits bool) {
			lost[reason(fits, traffic.LostTooManyServices)] += max(1, v.Requests)
		})
	limit(c.Deliveries, s.deliveries, most(config.MaxDeliveries), &room, knownDelivery,
		func(k traffic.DeliveryKey) bool { return fits(k.Environment, k.Consumer, k.Topic, k.Producer) },
		func(d *traffic.Delivery, fits bool) { lost[reason(fits, traffic.LostTooManyFlows)] += d.Messages })
	limit(c.Reach, s.reach, most(config.MaxReach), &room, knownReach,
		func(k traffic.ReachKey) bool { return fits(k.Environment, k.Entry, k.Touched) },
		func(n float64, fits bool) { lost[reason(fits, LostTooManyReached)] += n })
	for key, v := range c.Services {
		for _, alias := range v.Aliases {
			if len(alias) > maxNameBytes {
				v.Aliases = nil
				c.Services[key] = v
				break
			}
		}
	}
	for reason, n := range lost {
		c.Lose(reason, uint64(math.Ceil(min(n, 1e15))))
	}
	for reason, n := range c.Lost {
		if _, known := s.lostNow[reason]; len(reason) > maxEnvironmentBytes || !known && len(s.lostNow) >= maxReasons {
			delete(c.Lost, reason)
			c.Lost[traffic.LostUnreadable] += n
		}
	}
}

// LostTooManyReached counts requests whose reach is beyond the limit of what a source tells apart.
const LostTooManyReached = "too_many_reached"

func reason(fits bool, tooMany string) string {
	if !fits {
		return traffic.LostTooLarge
	}
	return tooMany
}

// limit takes entries out that are not known and over the limit or beyond the room, or do not fit.
func limit[K comparable, V, H any](
	c map[K]V, known map[K]H, most int, room *int64, size func(K) int, fits func(K) bool, lose func(v V, fits bool),
) {
	added := 0
	for key, value := range c {
		_, there := known[key]
		switch {
		case there:
		case !fits(key):
			lose(value, false)
			delete(c, key)
		case len(known)+added >= most || *room <= 0:
			lose(value, true)
			delete(c, key)
		default:
			added++
			*room -= int64(size(key))
		}
	}
}

func fits(environment string, aliases ...catalog.Alias) bool {
	if len(environment) > maxEnvironmentBytes {
		return false
	}
	for _, alias := range aliases {
		if len(alias) > maxNameBytes {
			return false
		}
	}
	return true
}

func lostRequests(c *traffic.Counts) uint64 {
	sum := 0.0
	for _, f := range c.Flows {
		sum += f.Requests
	}
	for _, v := range c.Services {
		sum += v.Entries
	}
	return uint64(math.Ceil(min(sum, 1e15)))
}

// limitTimes takes times that lie ahead for now.
func limitTimes(c *traffic.Counts, now catalog.Instant) {
	for _, f := range c.Flows {
		f.First, f.Last = min(f.First, now), min(f.Last, now)
	}
	for _, v := range c.Services {
		v.First, v.Last = min(v.First, now), min(v.Last, now)
	}
	for _, d := range c.Deliveries {
		d.First, d.Last = min(d.First, now), min(d.Last, now)
	}
}
