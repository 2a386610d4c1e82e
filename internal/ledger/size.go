package ledger

import (
	"github.com/orrery-catalog/orrery/catalog/traffic"
)

// About how many bytes entries take: in a piece, and to be known at all, which is their sum, what is shown of them and their
// part of a document. The lengths of names, sketches and operations come on top.
const (
	flowBytes      = 300
	serviceBytes   = 250
	deliveryBytes  = 180
	reachBytes     = 90
	operationBytes = 90
	pieceBytes     = 400
	setBytes       = 300
	summedBytes    = 40

	knownFlowBytes     = 1400
	knownServiceBytes  = 1800
	knownDeliveryBytes = 500
	knownReachBytes    = 300
)

func flowNames(k traffic.FlowKey) int { return len(k.From) + len(k.To) + len(k.Environment) }

func serviceNames(k traffic.ServiceKey) int { return len(k.Alias) + len(k.Environment) }

func deliveryNames(k traffic.DeliveryKey) int {
	return len(k.Consumer) + len(k.Topic) + len(k.Producer) + len(k.Environment)
}

func reachNames(k traffic.ReachKey) int { return len(k.Entry) + len(k.Touched) + len(k.Environment) }

// Each name is held in what is known, and in the view or a document.
func knownFlow(k traffic.FlowKey) int         { return knownFlowBytes + 2*flowNames(k) }
func knownService(k traffic.ServiceKey) int   { return knownServiceBytes + 3*serviceNames(k) }
func knownDelivery(k traffic.DeliveryKey) int { return knownDeliveryBytes + 2*deliveryNames(k) }
func knownReach(k traffic.ReachKey) int       { return knownReachBytes + 2*reachNames(k) }

func operationSize(name string) int {
	return operationBytes + min(len(name), traffic.MaxOperationBytes)
}

// size is about how many bytes a flow takes in a piece.
func size(f *traffic.Flow) int {
	size := f.Latency.Size()
	for name := range f.Operations {
		size += operationSize(name)
	}
	return size
}

func sizeOf(c *traffic.Counts) int {
	bytes := pieceBytes
	for key, f := range c.Flows {
		bytes += flowBytes + flowNames(key) + size(f)
	}
	for key, v := range c.Services {
		bytes += serviceBytes + serviceNames(key) + sizeOfService(v)
	}
	for key := range c.Deliveries {
		bytes += deliveryBytes + deliveryNames(key)
	}
	for key := range c.Reach {
		bytes += reachBytes + reachNames(key)
	}
	return bytes
}

func sizeOfService(v *traffic.Service) int {
	bytes := v.Latency.Size()
	for _, alias := range v.Aliases {
		bytes += 16 + len(alias)
	}
	return bytes
}

func (t *set) bytes() int {
	bytes := setBytes
	for _, p := range t.pieces {
		bytes += p.bytes
	}
	return bytes
}

// sizePieces tells the pieces of a set that is taken into the source how large they are.
func (t *set) sizePieces() {
	for _, p := range t.pieces {
		p.bytes = sizeOf(&p.counts)
	}
}

// bytes is about how much memory all takes that is held of the source.
func (s *source) bytes() int64 { return s.known + s.inSets + s.inRows }

// full says that nothing new is told apart any more.
func (s *source) full() bool { return s.bytes() >= s.config.MaxBytes }

// pressed says that what can be let go of is: it comes before anything is refused.
func (s *source) pressed() bool { return s.bytes() >= s.config.MaxBytes/2 }

// grow takes note that a piece has grown.
func (s *source) grow(p *piece, bytes int) {
	p.bytes += bytes
	s.inSets += int64(bytes)
}

// addOperations adds operations to those of a flow, and returns how many bytes they take more. While the source is full, those
// that are not there yet count as others.
func (s *source) addOperations(to *traffic.Flow, operations map[string]traffic.Operation) (grown int) {
	full := s.full()
	for name, operation := range operations {
		if _, there := to.Operations[name]; !there && full {
			name = traffic.OtherOperations
		}
		before := len(to.Operations)
		to.AddOperation(name, operation.Requests, operation.Errors)
		if len(to.Operations) > before {
			grown += operationSize(name)
		}
	}
	return grown
}

// dropPiece forgets a piece of a set.
func (s *source) dropPiece(t *set, part uint16) {
	if p := t.pieces[part]; p != nil {
		s.inSets -= int64(p.bytes)
		delete(t.pieces, part)
	}
}

// newestHour is that of the newest of the source.
func (s *source) newestHour() traffic.Hour {
	if s.newest > 0 {
		return hourOf(s.newest.Time())
	}
	return s.ledger.hour()
}

// counting says whether a set takes what is counted while the source is pressed, here or by another process.
func (s *source) counting(t *set) bool {
	if t.own() {
		return s.current[t.hour] == t && s.coarse(t.hour) == t.hour
	}
	newest := s.newestHour()
	return t.hour == newest || t.hour == s.coarse(newest)
}

// fit takes out of a row what is new, once the source is full.
func (s *source) fit(c *traffic.Counts) {
	if s.full() {
		s.admit(c)
	}
}

// coarse is the hour under which a source that is pressed counts: the first of the day, as sums of days do, and for all days
// before the recent ones the last of those. So few sets are held whatever the hours are.
func (s *source) coarse(hour traffic.Hour) traffic.Hour {
	if !s.pressed() {
		return hour
	}
	newest := day(s.newestHour())
	return max(24*min(newest, max(day(hour), max(newest, 2)-2)), 1)
}

// foldOld makes the operations of flows one that were not seen in the recent days.
func (s *source) foldOld() {
	first := s.recentDay()
	for key, at := range s.flows {
		if len(at.sum.Operations) == 0 || day(hourOf(at.sum.Last.Time())) >= first {
			continue
		}
		if _, folded := at.sum.Operations[traffic.OtherOperations]; folded && len(at.sum.Operations) == 1 {
			continue
		}
		var other traffic.Operation
		for _, operation := range at.sum.Operations {
			other.Requests += operation.Requests
			other.Errors += operation.Errors
		}
		at.sum.Operations = map[string]traffic.Operation{traffic.OtherOperations: other}
		s.known -= int64(at.operations)
		at.operations = operationSize(traffic.OtherOperations)
		s.known += int64(at.operations)
		mark(&s.touched.flows, map[traffic.FlowKey]struct{}{key: {}})
	}
}
