package traffic

import (
	"math"
	"slices"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
)

// Merge adds what the other Counts say. The other may not be used any more.
func (c *Counts) Merge(other *Counts) {
	if other == nil {
		return
	}
	c.Flows = united(c.Flows, other.Flows, (*Flow).Merge)
	c.Services = united(c.Services, other.Services, (*Service).Merge)
	c.Deliveries = united(c.Deliveries, other.Deliveries, (*Delivery).Merge)
	if c.Reach == nil {
		c.Reach = other.Reach
	} else {
		for key, n := range other.Reach {
			c.Reach[key] += n
		}
	}
	for reason, n := range other.Lost {
		c.Lose(reason, n)
	}
}

func united[K comparable, V any](to, from map[K]*V, merge func(to, from *V)) map[K]*V {
	if to == nil {
		return from
	}
	for key, value := range from {
		if there := to[key]; there != nil {
			merge(there, value)
		} else {
			to[key] = value
		}
	}
	return to
}

// Empty says whether nothing was counted.
func (c *Counts) Empty() bool {
	return c == nil || len(c.Flows)+len(c.Services)+len(c.Deliveries)+len(c.Reach)+len(c.Lost) == 0
}

// Flow is what was counted of the flow so far, to be added to.
func (c *Counts) Flow(key FlowKey) *Flow { return ofKey(&c.Flows, key) }

// Service is what was counted of the service so far, to be added to.
func (c *Counts) Service(key ServiceKey) *Service { return ofKey(&c.Services, key) }

// Delivery is what was counted of the delivery so far, to be added to.
func (c *Counts) Delivery(key DeliveryKey) *Delivery { return ofKey(&c.Deliveries, key) }

func ofKey[K comparable, V any](in *map[K]*V, key K) *V {
	value := (*in)[key]
	if value == nil {
		if *in == nil {
			*in = make(map[K]*V)
		}
		value = new(V)
		(*in)[key] = value
	}
	return value
}

// Touch adds requests that began at the entry point and touched something.
func (c *Counts) Touch(key ReachKey, requests float64) {
	if c.Reach == nil {
		c.Reach = make(map[ReachKey]float64)
	}
	c.Reach[key] += requests
}

// Lose adds to what could not be used.
func (c *Counts) Lose(reason string, n uint64) {
	if n == 0 {
		return
	}
	if c.Lost == nil {
		c.Lost = make(map[string]uint64)
	}
	c.Lost[reason] += n
}

// Merge adds what the other Flow says, which may not be used any more.
func (f *Flow) Merge(other *Flow) {
	f.Requests += other.Requests
	f.Errors += other.Errors
	f.Latency.Merge(&other.Latency)
	f.Protocol = prevailing(f.Protocol, other.Protocol)
	f.Sampled = f.Sampled || other.Sampled
	f.First, f.Last = span(f.First, f.Last, other.First, other.Last)
	f.Together.Merge(other.Together)
	if f.Operations == nil && len(other.Operations) <= MaxOperations {
		f.Operations = other.Operations
	} else {
		for name, operation := range other.Operations {
			f.AddOperation(name, operation.Requests, operation.Errors)
		}
	}
}

// MaxOperationBytes is how much of the name of an operation is kept.
const MaxOperationBytes = 128

// AddOperation adds to an operation of the called, or to OtherOperations once there are MaxOperations of them.
func (f *Flow) AddOperation(name string, requests, errors float64) {
	if f.Operations == nil {
		f.Operations = make(map[string]Operation)
	}
	if len(name) > MaxOperationBytes {
		name = strings.ToValidUTF8(name[:MaxOperationBytes], "")
	}
	if _, there := f.Operations[name]; !there && len(f.Operations) >= MaxOperations-1 {
		name = OtherOperations
	}
	was := f.Operations[name]
	f.Operations[name] = Operation{was.Requests + requests, was.Errors + errors}
}

// prevailing is the word for both, whatever their order. "http" is what is assumed where nothing says more.
func prevailing(a, b string) string {
	switch {
	case a == "" || a == "http" && b != "":
		return b
	case b == "" || b == "http":
		return a
	}
	return min(a, b)
}

// span unites two spans of time; 0 = unknown.
func span(first, last, otherFirst, otherLast catalog.Instant) (catalog.Instant, catalog.Instant) {
	if first == 0 || otherFirst != 0 && otherFirst < first {
		first = otherFirst
	}
	return first, max(last, otherLast)
}

// Merge adds what the other Service says, which may not be used any more.
func (s *Service) Merge(other *Service) {
	s.Requests += other.Requests
	s.Errors += other.Errors
	s.Entries += other.Entries
	s.Latency.Merge(&other.Latency)
	s.First, s.Last = span(s.First, s.Last, other.First, other.Last)
	s.AddAliases(other.Aliases...)
}

// MaxAliases is how many other names of a service are kept: the first in their order.
const MaxAliases = 16

// AddAliases adds other names of the service.
func (s *Service) AddAliases(aliases ...catalog.Alias) {
	for _, alias := range aliases {
		i, there := slices.BinarySearch(s.Aliases, alias)
		if there || i == MaxAliases {
			continue
		}
		s.Aliases = slices.Insert(slices.Clip(s.Aliases), i, alias)
		s.Aliases = s.Aliases[:min(len(s.Aliases), MaxAliases)]
	}
}

// Merge adds what the other Delivery says.
func (d *Delivery) Merge(other *Delivery) {
	d.Messages += other.Messages
	d.First, d.Last = span(d.First, d.Last, other.First, other.Last)
}

// Merge adds what the other says.
func (t *Together) Merge(other Together) {
	t.BothFailed = plus(t.BothFailed, other.BothFailed)
	t.CallFailed = plus(t.CallFailed, other.CallFailed)
	t.RequestFailed = plus(t.RequestFailed, other.RequestFailed)
	t.NoneFailed = plus(t.NoneFailed, other.NoneFailed)
}

// plus adds without starting again at 0.
func plus(a, b uint64) uint64 {
	if sum := a + b; sum >= a {
		return sum
	}
	return math.MaxUint64
}

// The rule by which a call's failures tell its strength.
const (
	minFailures = 10  // requests in which the call failed
	hardShare   = 0.5 // by how much more often the request failed in them than in others, at least
	softShare   = 0.2 // the same, at most
	rounding    = 1e-9
)

// Behaves is the strength that the failures of the call tell: HARD where the caller's requests fail with it, SOFT where they
// do not, and Unstated where it is between, or too few calls failed. Where the call failed in every request, the others count
// as never failed.
func (t Together) Behaves() catalog.Strength {
	failed := float64(t.BothFailed) + float64(t.CallFailed)
	if failed < minFailures {
		return catalog.Unstated
	}
	more := float64(t.BothFailed) / failed
	if others := float64(t.RequestFailed) + float64(t.NoneFailed); others > 0 {
		more -= float64(t.RequestFailed) / others
	}
	switch {
	case more >= hardShare-rounding:
		return catalog.Hard
	case more <= softShare+rounding:
		return catalog.Soft
	}
	return catalog.Unstated
}
