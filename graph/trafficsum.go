package graph

import (
	"cmp"
	"iter"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/traffic"
)

// TrafficSum is what was counted of several flows, or of a service, together.
type TrafficSum struct {
	Requests, Errors float64 // of all hours that are kept, corrected for sampling
	First, Last      time.Time
	Sampled          bool
	// Since and Until bound the newest traffic, which rates and latencies are told of; zero = there is none.
	Since, Until time.Time
	// Rate is how many requests a second came then, and FailedRate how many of them failed. Latency is how long they took.
	Rate, FailedRate float64
	Latency          traffic.Sketch
	Together         traffic.Together
	Operations       []OperationNumbers // the most requested first, then by name; at most [traffic.MaxOperations]
}

// ErrorRate is the share of the newest requests that failed, from 0 to 1; ok is false where there were none.
func (t *TrafficSum) ErrorRate() (share float64, ok bool) {
	if t.Rate <= 0 {
		return 0, false
	}
	return min(t.FailedRate/t.Rate, 1), true
}

// EdgeTraffic sums up what was counted of the flows that are evidence of a relation, each once; nil where there is none, or
// nothing is kept of it. Flows of sources of one kind add up, as each receives its own share of the traffic. Of kinds of
// sources that with the most requests counts, as others (a mesh besides traces, its metrics besides those of a service graph)
// tell the same traffic once more.
func (s *Snapshot) EdgeTraffic(edge *catalog.Edge) *TrafficSum { return s.trafficOf(edge.Evidence) }

// PlaceTraffic is the same for the flows that were seen at one place.
func (s *Snapshot) PlaceTraffic(flows []catalog.Evidence) *TrafficSum { return s.trafficOf(flows) }

// EvidencePlaces takes the evidence of a relation apart by place, which is what people see of it: all flows that a source
// tells of at one, or one piece of other evidence.
func EvidencePlaces(evidence []catalog.Evidence) iter.Seq[[]catalog.Evidence] {
	return func(yield func([]catalog.Evidence) bool) {
		for rest := evidence; len(rest) > 0; {
			count := 1
			for count < len(rest) && isSamePlace(&rest[0], &rest[count]) {
				count++
			}
			if !yield(rest[:count:count]) {
				return
			}
			rest = rest[count:]
		}
	}
}

func isSamePlace(a, b *catalog.Evidence) bool {
	return a.Flow != 0 && b.Flow != 0 && a.Kind == b.Kind && a.Line == b.Line && a.Origin.IsSamePlace(b.Origin)
}

// PlaceSeen is when the evidence of one place was there first and last (zero = unknown), and whether all of it is stale.
func (s *Snapshot) PlaceSeen(evidence []catalog.Evidence) (first, last time.Time, stale bool) {
	var seen TrafficSum
	stale = true
	for i := range evidence {
		seen.span(s.FirstSeen(&evidence[i]), s.LastSeen(&evidence[i]))
		stale = stale && evidence[i].Stale
	}
	return seen.First, seen.Last, stale
}

func (s *Snapshot) trafficOf(evidence []catalog.Evidence) *TrafficSum {
	if s.traffic == nil {
		return nil
	}
	kinds := map[string]*flowSum{}
	seen := map[flowOf]bool{}
	for i := range evidence {
		e := &evidence[i]
		if e.Flow == 0 || seen[flowOf{e.Origin.Source, e.Flow}] {
			continue
		}
		seen[flowOf{e.Origin.Source, e.Flow}] = true
		flow := s.traffic.Flow(e.Origin.Source, e.Flow)
		if flow == nil {
			continue
		}
		kind := s.sourceKind(e.Origin.Source)
		if kind == "prometheus" { // a mesh names workloads, service graphs services: each tells the same requests
			kind += " " + flow.From.World()
		}
		if kinds[kind] == nil {
			kinds[kind] = &flowSum{operations: map[string]traffic.Operation{}}
		}
		kinds[kind].add(flow)
	}
	var most *flowSum
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		if most == nil || kinds[kind].Requests > most.Requests {
			most = kinds[kind]
		}
	}
	if most == nil {
		return nil
	}
	return most.sum()
}

// flowOf tells flows apart.
type flowOf struct {
	source string
	id     catalog.FlowID
}

// sourceKind is "" for a source that is not configured.
func (s *Snapshot) sourceKind(id string) string {
	i, found := slices.BinarySearchFunc(s.sources, id, func(source Source, id string) int { return cmp.Compare(source.ID, id) })
	if !found {
		return ""
	}
	return s.sources[i].Kind
}

// flowSum is a TrafficSum under way.
type flowSum struct {
	TrafficSum
	operations map[string]traffic.Operation
}

func (t *flowSum) add(flow *FlowNumbers) {
	t.Requests += flow.Requests
	t.Errors += flow.Errors
	t.Sampled = t.Sampled || flow.Sampled
	t.span(flow.First, flow.Last)
	t.Together.Merge(flow.Together)
	t.addRecent(&flow.Recent)
	for _, operation := range flow.Operations {
		sum := t.operations[operation.Name]
		t.operations[operation.Name] = traffic.Operation{
			Requests: sum.Requests + operation.Requests, Errors: sum.Errors + operation.Errors,
		}
	}
}

func (t *TrafficSum) span(first, last time.Time) {
	if !first.IsZero() && (t.First.IsZero() || first.Before(t.First)) {
		t.First = first
	}
	if last.After(t.Last) {
		t.Last = last
	}
}

// addRecent adds rates, so that what was seen over other spans of time counts by how much came in each.
func (t *TrafficSum) addRecent(recent *Recent) {
	seconds := recent.Until.Sub(recent.Since).Seconds()
	if recent.Until.IsZero() || seconds <= 0 {
		return
	}
	t.Rate += recent.Requests / seconds
	t.FailedRate += recent.Errors / seconds
	if t.Since.IsZero() || recent.Since.Before(t.Since) {
		t.Since = recent.Since
	}
	if recent.Until.After(t.Until) {
		t.Until = recent.Until
	}
	t.Latency.Merge(&recent.Latency)
}

func (t *flowSum) sum() *TrafficSum {
	for name, operation := range t.operations {
		t.Operations = append(t.Operations, OperationNumbers{Name: name, Requests: operation.Requests, Errors: operation.Errors})
	}
	slices.SortFunc(t.Operations, func(a, b OperationNumbers) int {
		return cmp.Or(cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.Name, b.Name))
	})
	if len(t.Operations) > traffic.MaxOperations {
		t.Operations = t.Operations[:traffic.MaxOperations:traffic.MaxOperations]
	}
	return &t.TrafficSum
}

// EntityTraffic sums up what an entity served in an environment ("" = production), by all of its names, and how many of the
// requests began there; nil where nothing was counted.
func (s *Snapshot) EntityTraffic(e *catalog.Entity, environment string) (sum *TrafficSum, entries float64) {
	if s.traffic == nil {
		return nil, 0
	}
	for i := range e.Aliases {
		numbers := s.traffic.Service(cmp.Or(environment, ProductionEnvironment), e.Aliases[i].Alias)
		if numbers == nil {
			continue
		}
		if sum == nil {
			sum = &TrafficSum{}
		}
		sum.Requests += numbers.Requests
		sum.Errors += numbers.Errors
		sum.span(numbers.First, numbers.Last)
		sum.addRecent(&numbers.Recent)
		entries += numbers.Entries
	}
	return sum, entries
}

// FirstSeen is since when a piece of evidence is there: since its first traffic, or since its source says so without a
// break. Zero = unknown.
func (s *Snapshot) FirstSeen(evidence *catalog.Evidence) time.Time {
	if flow := s.flow(evidence); flow != nil && !flow.First.IsZero() {
		return flow.First
	}
	return evidence.FirstSeen.Time()
}

// flow is what is known of the traffic that a piece of evidence is; nil for none.
func (s *Snapshot) flow(evidence *catalog.Evidence) *FlowNumbers {
	if s.traffic == nil || evidence.Flow == 0 {
		return nil
	}
	return s.traffic.Flow(evidence.Origin.Source, evidence.Flow)
}

// flowEnvironments lists where traffic along a relation was seen.
func flowEnvironments(edge *catalog.Edge) []string {
	var all []string
	for i := range edge.Evidence {
		if edge.Evidence[i].Flow != 0 {
			all = append(all, edge.Evidence[i].Origin.Environment)
		}
	}
	return distinct(all)
}

// Delivered is what was counted in an environment of the messages that a consumer got from a producer by a topic, given their
// relations to it; nil where nothing was.
func (s *Snapshot) Delivered(environment string, consumer, producer *catalog.Edge) *traffic.Delivery {
	if s.traffic == nil {
		return nil
	}
	var sum *traffic.Delivery
	for _, topic := range s.aliasesOf(consumer.To) {
		for _, receiver := range s.aliasesOf(consumer.From) {
			for _, sender := range s.aliasesOf(producer.From) {
				delivery := s.traffic.Delivery(environment, receiver.Alias, topic.Alias, sender.Alias)
				if delivery == nil {
					continue
				}
				if sum == nil {
					sum = &traffic.Delivery{}
				}
				sum.Merge(delivery)
			}
		}
	}
	return sum
}

func (s *Snapshot) aliasesOf(ref catalog.Ref) []catalog.EntityAlias {
	if a := s.find(ref); a >= 0 {
		return s.entity(a).Aliases
	}
	return nil
}

// Lost is all input of a source that could not be used, by reason: of its scans, and of the traffic that it counted. The
// caller may not change it.
func (s *Snapshot) Lost(source *Source) map[string]int64 {
	if s.traffic == nil {
		return nonNil(source.Lost)
	}
	counted := s.traffic.Lost(source.ID)
	if len(counted) == 0 {
		return nonNil(source.Lost)
	}
	all := maps.Clone(nonNil(source.Lost))
	for reason, n := range counted {
		all[reason] += int64(min(n, math.MaxInt64))
	}
	return all
}

func nonNil(lost map[string]int64) map[string]int64 {
	if lost == nil {
		return map[string]int64{}
	}
	return lost
}

// NeedTraffic is what was counted along a need: of a call that of its relation, by way of a topic the messages, of which
// only Requests, First and Last are known. nil where nothing was.
func (s *Snapshot) NeedTraffic(need *Need) *TrafficSum {
	switch {
	case need.Edge == nil || need.Edge.From != need.From:
		return nil
	case need.Producer == nil:
		return s.EdgeTraffic(need.Edge)
	}
	var sum *TrafficSum
	for _, environment := range flowEnvironments(need.Edge) {
		delivered := s.Delivered(environment, need.Edge, need.Producer)
		if delivered == nil {
			continue
		}
		if sum == nil {
			sum = &TrafficSum{}
		}
		sum.Requests += delivered.Messages
		sum.span(delivered.First.Time(), delivered.Last.Time())
	}
	return sum
}

// NeedBehaves is as [Snapshot.Behaves], of the relation that a need rests on; Unstated where that is none of its own.
func (s *Snapshot) NeedBehaves(need *Need) catalog.Strength {
	if need.Edge == nil || need.Edge.From != need.From || need.Producer != nil {
		return catalog.Unstated
	}
	return s.Behaves(need.Edge)
}
