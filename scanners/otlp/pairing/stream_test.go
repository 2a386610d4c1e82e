package pairing_test

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/scanners/otlp/pairing"
	"github.com/orrery-catalog/orrery/scanners/otlp/spans"
)

// truth is what really happened in a generated stream.
type truth struct {
	calls map[[2]string]float64 // by caller and callee
	reach map[[2]string]float64 // requests, by entry point and what they touched
	spans int
}

// arrival is a span and when it comes.
type arrival struct {
	at   time.Time
	span *spans.Span
}

// stream generates requests of a company of services that call each other, databases and topics, one each 10 ms. Of its spans
// some share is late, some is lost, and of the traces a share is sampled.
type stream struct {
	rng                 *rand.Rand
	late, lost, sampled float64
	truth               truth
	arrivals            []arrival
	next                uint64
	state               []byte
	kept                bool
	touched             map[string]bool
	begin               time.Time
}

const streamServices = 60

// request generates one request that begins at the service.
func (s *stream) request(entry int, begin time.Time) {
	s.begin, s.touched, s.kept = begin, map[string]bool{}, s.rng.Float64() < s.sampled
	var trace spans.TraceID
	s.next++
	binary.BigEndian.PutUint64(trace[8:], s.rng.Uint64())
	binary.BigEndian.PutUint64(trace[:], s.next)
	root := s.span(trace, spans.SpanID{}, spans.KindServer, entry, nil)
	s.work(trace, root, entry, 0)
	for node := range s.touched {
		if node != streamName(entry) {
			s.truth.reach[[2]string{streamName(entry), node}]++
		}
	}
}

// work generates what a service calls.
func (s *stream) work(trace spans.TraceID, parent spans.SpanID, service, depth int) {
	called := func(to string) {
		s.truth.calls[[2]string{streamName(service), to}]++
		s.touched[to] = true
	}
	for n := range s.rng.IntN(4) {
		if depth > 4 {
			return
		}
		switch s.rng.IntN(10) {
		case 0, 1, 2:
			to := fmt.Sprintf("db:postgresql:pg-%d/orders", service%9)
			s.span(trace, parent, spans.KindClient, service, func(set func(key, value string)) {
				set("db.system.name", "postgresql")
				set("server.address", fmt.Sprintf("pg-%d", service%9))
				set("db.namespace", "orders")
			})
			called(to)
		case 3:
			topic := fmt.Sprintf("topic:kafka:t%d", service%5)
			name := func(set func(key, value string)) {
				set("messaging.system", "kafka")
				set("messaging.destination.name", fmt.Sprintf("t%d", service%5))
			}
			sender := s.span(trace, parent, spans.KindProducer, service, name)
			called(topic)
			consumer := (service*7 + 3) % streamServices
			var other spans.TraceID
			s.next++
			binary.BigEndian.PutUint64(other[8:], s.rng.Uint64())
			binary.BigEndian.PutUint64(other[:], s.next)
			reaction := s.span(other, spans.SpanID{}, spans.KindConsumer, consumer, name, spans.Link{TraceID: trace, ID: sender})
			s.truth.calls[[2]string{streamName(consumer), topic}]++
			s.touched[streamName(consumer)] = true
			s.work(other, reaction, consumer, depth+3)
		default:
			to := (service*3 + n + 1) % streamServices
			if to == service {
				continue
			}
			client := s.span(trace, parent, spans.KindClient, service, func(set func(key, value string)) {
				set("http.request.method", "GET")
			})
			server := s.span(trace, client, spans.KindServer, to, nil)
			called(streamName(to))
			s.work(trace, server, to, depth+1)
		}
	}
}

func streamName(service int) string { return fmt.Sprintf("company/s%02d", service) }

func (s *stream) span(
	trace spans.TraceID, parent spans.SpanID, kind spans.Kind, service int, describe func(set func(key, value string)), links ...spans.Link,
) (id spans.SpanID) {
	s.next++
	binary.BigEndian.PutUint64(id[:], s.next*0x9E3779B97F4A7C15|1)
	s.truth.spans++
	if !s.kept || s.rng.Float64() < s.lost {
		return id
	}
	resource := resources.Intern(spans.Resource{Namespace: "company", Service: fmt.Sprintf("s%02d", service)})
	span := &spans.Span{
		Resource: resource, TraceID: trace, ID: id, Parent: parent, Kind: kind, Links: links, TraceState: s.state,
		Start: uint64(s.begin.UnixNano()), End: uint64(s.begin.Add(time.Millisecond).UnixNano()),
	}
	if describe != nil {
		var setter spans.Setter
		setter.Begin(&span.Attributes)
		describe(func(key, value string) { setter.Set(key, spans.Text([]byte(value))) })
	}
	delay := time.Duration(s.rng.Int64N(int64(4 * time.Second)))
	if s.rng.Float64() < s.late {
		delay += 12*time.Second + time.Duration(s.rng.Int64N(int64(20*time.Second)))
	}
	s.arrivals = append(s.arrivals, arrival{s.begin.Add(delay), span})
	return id
}

// TestStreamsWithKnownTruth says how far what is counted is from what happened.
func TestStreamsWithKnownTruth(t *testing.T) {
	for _, how := range []struct {
		name                string
		late, lost, sampled float64
		state               string
		each, sum, reach    float64 // by which share the calls of each edge, all calls, and all reach may be off
		recall              float64 // at least
	}{
		{"whole", 0, 0, 1, "", 0, 0, 0, 1},
		{"late 1 %", 0.01, 0, 1, "", 0.002, 0.002, 0.01, 1},
		{"lost 1 %", 0, 0.01, 1, "", 0.03, 0.03, 0.04, 1},
		{"sampled 10 %", 0, 0, 0.1, "ot=th:e6666666666668", 0.25, 0.08, 0.1, 0.95},
		{"late 1 %, lost 1 %, sampled 10 %", 0.01, 0.01, 0.1, "ot=th:e6666666666668", 0.25, 0.1, 0.1, 0.95},
	} {
		t.Run(how.name, func(t *testing.T) {
			s := &stream{
				rng: rand.New(rand.NewPCG(3, 4)), late: how.late, lost: how.lost, sampled: how.sampled, state: []byte(how.state),
				truth: truth{calls: map[[2]string]float64{}, reach: map[[2]string]float64{}},
			}
			const requests = 10_000
			for i := range requests {
				s.request(i%4, noon.Add(time.Duration(i)*10*time.Millisecond))
			}
			counts := played(t, s.arrivals)
			calls, reach := map[[2]string]float64{}, map[[2]string]float64{}
			for key, flow := range counts.Flows {
				calls[[2]string{streamNode(key.From), streamNode(key.To)}] += flow.Requests
			}
			for key, n := range counts.Reach {
				reach[[2]string{streamNode(key.Entry), streamNode(key.Touched)}] += n
			}
			each, sum, precision, recall := compared(s.truth.calls, calls)
			eachReach, sumReach, _, _ := compared(s.truth.reach, reach)
			var lost uint64
			for _, n := range counts.Lost {
				lost += n
			}
			t.Logf("%d spans happened, %d came; %.2f %% could not be used %v; edges: precision %.4f, recall %.4f of %d; "+
				"calls: %.2f %% off, each edge %.2f %%; reach: %.2f %% off, each %.2f %%", s.truth.spans, len(s.arrivals), 100*float64(lost)/float64(len(s.arrivals)), counts.Lost,
				precision, recall, len(s.truth.calls), 100*sum, 100*each, 100*sumReach, 100*eachReach)
			if precision < 1 || recall < how.recall || each > how.each || sum > how.sum || sumReach > how.reach {
				t.Error("that is too far from the truth")
			}
		})
	}
}

func streamNode(alias catalog.Alias) string {
	if alias.World() == catalog.WorldOTel {
		return string(alias[len(catalog.WorldOTel)+1:])
	}
	return string(alias)
}

// played sends the spans at their times.
func played(t *testing.T, arrivals []arrival) *traffic.Counts {
	t.Helper()
	slices.SortFunc(arrivals, func(a, b arrival) int { return cmp.Compare(a.at.UnixNano(), b.at.UnixNano()) })
	clock := newClock()
	pairer := pairing.New(pairing.Config{Settle: settle, Shards: 4, Now: clock.now})
	all := &traffic.Counts{}
	for _, arrival := range arrivals {
		for arrival.at.Sub(clock.now()) >= time.Second {
			clock.pass(time.Second)
			pairer.Tick()
			all.Merge(together(pairer.Drain(0)))
		}
		addAll(t, pairer, []*spans.Span{arrival.span})
	}
	pairer.SettleAll()
	all.Merge(together(pairer.Drain(0)))
	return all
}

// compared says by which share of the truth what was counted differs, each by itself and the sums, how many of the counted are
// true, and how many of the true are counted.
func compared(truth, counted map[[2]string]float64) (each, sum, precision, recall float64) {
	all, other, wrong, right := 0.0, 0.0, 0.0, 0.0
	for key, n := range truth {
		all += n
		wrong += math.Abs(n - counted[key])
		if counted[key] > 0 {
			right++
		}
	}
	for key, n := range counted {
		other += n
		if truth[key] == 0 {
			wrong += n
		}
	}
	return wrong / all, math.Abs(other-all) / all, right / float64(len(counted)), right / float64(len(truth))
}
