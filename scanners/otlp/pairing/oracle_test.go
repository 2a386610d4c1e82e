package pairing_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners/otlp/pairing"
	"github.com/orrery-catalog/orrery/scanners/otlp/spans"
)

// oracle counts in the slow and obvious way, for spans that name what they call in one of the ways of callees. It shares
// nothing with what it judges.
type oracle struct {
	all    []*spans.Span
	byID   map[spans.Link]*spans.Span
	lines  map[string]float64
	last   map[request][2]uint64 // when the last call began, and when it was served
	lastOf map[request]bool      // whether it failed
}

// request is one of a caller in which it called somebody.
type request struct {
	span *spans.Span
	call string
}

// callees are the ways in which generated spans name what they call.
var callees = []struct{ attributes, name, protocol string }{
	{"", "", "http"},
	{"", "", "http"},
	{"server.address=alpha.example.com", "host:alpha.example.com", "http"},
	{"net.peer.name=beta", "host:beta", "http"},
	{"peer.service=fraud", "n/fraud", "http"},
	{"db.system=postgresql server.address=pg db.name=o", "db:postgresql:pg/o", "postgresql"},
	{"db.system.name=redis server.address=cache", "db:redis:cache/0", "redis"},
	{"rpc.system=grpc server.address=gamma", "host:gamma", "grpc"},
}

func key(trace spans.TraceID, id spans.SpanID) spans.Link { return spans.Link{TraceID: trace, ID: id} }

func service(s *spans.Span) string { return s.Resource.Namespace + "/" + s.Resource.Service }
func failed(s *spans.Span) bool    { return s.Status == spans.StatusError }
func refused(s *spans.Span) bool   { return s.HTTPStatus >= 400 && s.HTTPStatus < 500 }

func (o *oracle) parent(s *spans.Span) *spans.Span { return o.byID[key(s.TraceID, s.Parent)] }

// callee is what a span names, and by which protocol.
func callee(s *spans.Span) (name, protocol string) {
	switch {
	case string(s.MessagingDestination) != "":
		return "topic:kafka:" + string(s.MessagingDestination), "kafka"
	case string(s.DBSystem) == "postgresql":
		return "db:postgresql:pg/o", "postgresql"
	case string(s.DBSystem) == "redis":
		return "db:redis:cache/0", "redis"
	case len(s.PeerService) > 0:
		return "n/" + string(s.PeerService), "http"
	case len(s.ServerAddress) > 0 && len(s.RPCSystem) > 0:
		return "host:" + string(s.ServerAddress), "grpc"
	case len(s.ServerAddress) > 0:
		return "host:" + string(s.ServerAddress), "http"
	}
	return "", "http"
}

func calls(s *spans.Span) bool {
	return s.Kind == spans.KindClient || s.Kind == spans.KindProducer || s.Kind != spans.KindServer && len(s.DBSystem) > 0 ||
		s.Kind == spans.KindUnspecified && len(s.PeerService) > 0
}

// begins says whether a request begins at the service with the span.
func (o *oracle) begins(s *spans.Span) bool {
	p := o.parent(s)
	switch {
	case p == nil, service(p) != service(s):
		return true
	case s.Kind == spans.KindServer && o.caller(s) != nil:
		return true
	}
	return s.Kind == spans.KindConsumer
}

// request is the span with which the request began that the span is part of.
func (o *oracle) request(s *spans.Span) *spans.Span {
	for !o.begins(s) {
		s = o.parent(s)
	}
	return s
}

// caller is the nearest span around this one that calls, in the request of its parent.
func (o *oracle) caller(s *spans.Span) *spans.Span {
	for at := o.parent(s); at != nil; at = o.parent(at) {
		if calls(at) {
			return at
		}
		if o.begins(at) {
			return nil
		}
	}
	return nil
}

// around lists the spans around one that call, of the same request, from the inside.
func (o *oracle) around(s *spans.Span) (all []*spans.Span) {
	for !o.begins(s) {
		if s = o.parent(s); calls(s) {
			all = append(all, s)
		}
	}
	return all
}

func (o *oracle) add(line string, n float64) { o.lines[line] += n }

func (o *oracle) call(from, arrow, to, protocol string, weight float64, failed bool, began, by, served *spans.Span) {
	o.add(strings.Join([]string{"requests", from, arrow, to}, " "), weight)
	if failed {
		o.add(strings.Join([]string{"errors", from, arrow, to}, " "), weight)
	}
	o.lines[strings.Join([]string{"protocol", protocol, from, arrow, to}, " ")] = 1
	if began == nil || o.parent(began) == nil && began.Parent != (spans.SpanID{}) && began.Kind != spans.KindServer &&
		began.Kind != spans.KindConsumer || began == by {
		return
	}
	which := requestOf(began, from, arrow, to)
	if last, ok := o.last[which]; !ok || last[0] < by.Start || last[0] == by.Start && last[1] < served.Start {
		o.last[which], o.lastOf[which] = [2]uint64{by.Start, served.Start}, failed
	}
}

func requestOf(began *spans.Span, from, arrow, to string) request {
	return request{began, strings.Join([]string{from, arrow, to}, " ")}
}

func weight(s *spans.Span) float64 {
	if s.Weight > 0 {
		return s.Weight
	}
	return 1
}

// count counts all there is to count.
func (o *oracle) count(all []*spans.Span) []string {
	*o = oracle{
		byID: map[spans.Link]*spans.Span{}, lines: map[string]float64{}, last: map[request][2]uint64{}, lastOf: map[request]bool{},
	}
	for _, s := range all {
		if o.byID[key(s.TraceID, s.ID)] != nil {
			o.add("lost duplicate", 1)
			continue
		}
		o.byID[key(s.TraceID, s.ID)] = s
		o.all = append(o.all, s)
	}
	answered := map[*spans.Span]string{}
	for _, s := range o.all {
		p := o.parent(s)
		switch {
		case p == nil && s.Parent != (spans.SpanID{}):
			o.add("lost missing_parent", 1)
		case p == nil && s.Kind != spans.KindConsumer:
			o.add("entry "+service(s), weight(s))
		}
		switch c := o.caller(s); {
		case o.consumes(s):
			o.consume(s)
		case p == nil:
		case service(p) != service(s):
			o.answer(s, p, c)
			if c != nil {
				answered[c] = service(s)
			}
		case s.Kind == spans.KindServer && c != nil:
			o.add("lost self_call", 1)
			answered[c] = service(s)
		}
	}
	for _, s := range o.all {
		if calls(s) && answered[s] == "" {
			o.leaf(s, answered)
		}
	}
	o.countTogether()
	o.countReach()
	return o.written()
}

// answer counts a call that another service answered.
func (o *oracle) answer(s, p, c *spans.Span) {
	protocol := "http"
	if !calls(s) && len(s.RPCSystem) > 0 {
		protocol = "grpc"
	}
	bad, w, by := failed(s) && (s.Kind != spans.KindClient || !refused(s)), weight(s), s
	if c != nil {
		by, w = c, max(w, weight(c))
		if failed(c) && !refused(c) && (c.HTTPStatus != 0 || !refused(s)) {
			bad = true
		}
		if len(c.RPCSystem) > 0 {
			protocol = "grpc"
		}
		if c.Kind == spans.KindProducer {
			protocol = "kafka"
		}
		name, _ := callee(c)
		for _, outer := range append([]*spans.Span{c}, o.around(c)...) {
			outerName, outerProtocol := callee(outer)
			if len(outer.DBSystem) > 0 && (name == "" || outerName == name) {
				protocol = outerProtocol
				break
			}
		}
	}
	o.call(service(p), ">", service(s), protocol, w, bad, o.request(p), by, s)
}

// leaf counts a call that nobody answered.
func (o *oracle) leaf(s *spans.Span, answered map[*spans.Span]string) {
	name, protocol := callee(s)
	around := o.around(s)
	if name == "" {
		if len(around) > 0 {
			return
		}
		for _, inner := range o.all {
			innerName, _ := callee(inner)
			if calls(inner) && slices.Contains(o.around(inner), s) && (answered[inner] != "" || innerName != "") {
				return
			}
		}
		o.add("lost unmatched_client", 1)
		return
	}
	for _, outer := range around {
		outerName, _ := callee(outer)
		if outerName == name {
			return
		}
		if outerName != "" {
			break
		}
	}
	for _, inner := range o.all { // answered, within this call, and nothing else between
		if !calls(inner) || answered[inner] == "" || !slices.Contains(o.around(inner), s) {
			continue
		}
		innerName, _ := callee(inner)
		covers := true
		for _, between := range o.around(inner) {
			if between == s {
				break
			}
			betweenName, _ := callee(between)
			covers = covers && (innerName == "" || betweenName == "" || betweenName == innerName)
		}
		if covers && (innerName == "" || innerName == name) {
			return
		}
	}
	arrow := ">"
	if s.Kind == spans.KindProducer {
		arrow = "=>"
	}
	if name == service(s) {
		o.add("lost self_call", 1)
		return
	}
	o.call(service(s), arrow, name, protocol, weight(s), failed(s) && !refused(s), o.request(s), s, s)
}

// senders lists who sent the messages that a span consumed.
func (o *oracle) senders(s *spans.Span) (all []*spans.Span) {
	for _, link := range s.Links {
		all = append(all, o.byID[key(link.TraceID, link.ID)])
	}
	if c := o.caller(s); c != nil && c.Kind == spans.KindProducer && !slices.Contains(all, c) {
		all = append(all, c)
	}
	return all
}

// consumes says whether a span is the reaction to a message: a service below a sender is, unless it answers a call.
func (o *oracle) consumes(s *spans.Span) bool {
	c := o.caller(s)
	return s.Kind == spans.KindConsumer || c != nil && c.Kind == spans.KindProducer && service(c) != service(s) &&
		s.Kind != spans.KindServer
}

func (o *oracle) consume(s *spans.Span) {
	senders := o.senders(s)
	if len(senders) == 0 {
		senders = append(senders, nil)
	}
	for _, sender := range senders {
		topic, _ := callee(s)
		if sender != nil {
			topic, _ = callee(sender)
			o.add("delivery "+service(sender)+" "+topic+" "+service(s), weight(s))
		} else {
			o.add("lost unlinked_consumer", 1)
		}
		o.call(service(s), "<=", topic, "kafka", weight(s), failed(s), nil, s, s)
	}
}

func (o *oracle) countTogether() {
	for which, bad := range o.lastOf {
		word := map[[2]bool]string{{true, true}: "both", {true, false}: "call", {false, true}: "request", {false, false}: "none"}
		o.add("together "+which.call+" "+word[[2]bool{bad, failed(which.span)}], 1)
	}
}

// countReach walks from each root over children and messages.
func (o *oracle) countReach() {
	for _, start := range o.all {
		if start.Parent != (spans.SpanID{}) || start.Kind == spans.KindConsumer {
			continue
		}
		seen, touched := map[*spans.Span]bool{}, map[string]bool{}
		var visit func(s *spans.Span)
		visit = func(s *spans.Span) {
			if seen[s] {
				return
			}
			seen[s] = true
			for _, other := range o.all {
				sent := o.consumes(other) && slices.Contains(o.senders(other), s)
				if sent {
					topic, _ := callee(s)
					touched[topic] = true
				}
				if sent || other.TraceID == s.TraceID { // one root a trace: all of it is of one request
					visit(other)
				}
			}
		}
		visit(start)
		for s := range seen {
			touched[service(s)] = true
			for line := range o.touchedBy(s) {
				touched[line] = true
			}
		}
		delete(touched, service(start))
		for line := range touched {
			o.add("reach "+service(start)+" "+line, weight(start))
		}
	}
}

// touchedBy is what the span itself called and nobody answered.
func (o *oracle) touchedBy(s *spans.Span) map[string]bool {
	alone := &oracle{all: o.all, byID: o.byID, lines: map[string]float64{}, last: map[request][2]uint64{}, lastOf: map[request]bool{}}
	answered := map[*spans.Span]string{}
	for _, other := range o.all {
		if c := o.caller(other); c != nil && !o.consumes(other) &&
			(service(other) != service(c) || other.Kind == spans.KindServer) {
			answered[c] = service(other)
		}
	}
	if o.consumes(s) && len(o.senders(s)) == 0 {
		alone.consume(s)
	}
	if calls(s) && answered[s] == "" {
		alone.leaf(s, answered)
	}
	touched := map[string]bool{}
	for line := range alone.lines {
		if words := strings.Fields(line); words[0] == "requests" {
			touched[words[3]] = true
		}
	}
	return touched
}

func (o *oracle) written() (all []string) {
	protocols := map[string]string{}
	for line, n := range o.lines {
		if words := strings.Fields(line); words[0] == "protocol" { // http where nothing says more, else the first
			rest := strings.Join(words[2:], " ")
			if was := protocols[rest]; was == "" || was == "http" || words[1] != "http" && words[1] < was {
				protocols[rest] = words[1]
			}
			continue
		}
		all = append(all, fmt.Sprintf("%s %g", line, math.Round(n*1000)/1000))
	}
	for rest, protocol := range protocols {
		all = append(all, "protocol "+rest+" "+protocol)
	}
	slices.Sort(all)
	return all
}

// counted writes what was counted as the oracle does.
func counted(t testing.TB, pairer *pairing.Pairer) (all []string) {
	t.Helper()
	counts := together(pairer.Drain(0))
	add := func(n float64, words ...any) {
		if n != 0 {
			all = append(all, strings.TrimSpace(fmt.Sprintln(append(words, fmt.Sprintf("%g", math.Round(n*1000)/1000))...)))
		}
	}
	node := func(alias catalog.Alias) string { return strings.TrimPrefix(string(alias), "otel:") }
	for key, flow := range counts.Flows {
		between := node(key.From) + " " + arrows[key.Way] + " " + node(key.To)
		add(flow.Requests, "requests", between)
		add(flow.Errors, "errors", between)
		all = append(all, "protocol "+between+" "+flow.Protocol)
		add(float64(flow.Together.BothFailed), "together", between, "both")
		add(float64(flow.Together.CallFailed), "together", between, "call")
		add(float64(flow.Together.RequestFailed), "together", between, "request")
		add(float64(flow.Together.NoneFailed), "together", between, "none")
	}
	for key, d := range counts.Deliveries {
		add(d.Messages, "delivery", node(key.Producer), node(key.Topic), node(key.Consumer))
	}
	for key, service := range counts.Services {
		add(service.Entries, "entry", node(key.Alias))
	}
	for key, n := range counts.Reach {
		add(n, "reach", node(key.Entry), node(key.Touched))
	}
	for reason, n := range counts.Lost {
		add(float64(n), "lost", reason)
	}
	slices.Sort(all)
	return all
}

// randomTraces makes a few traces of any shape, some of them linked.
func randomTraces(t testing.TB, rng *rand.Rand) (all []*spans.Span) {
	pick := func(of ...string) string { return of[rng.IntN(len(of))] }
	var producers []string
	for trace := range 1 + rng.IntN(3) {
		size := 1 + rng.IntN(10)
		services, roots := make([]string, size), 0
		kindsOf := make([]string, size)
		for i := range size {
			parent := ""
			if i > 0 {
				above := rng.IntN(i)
				parent = fmt.Sprintf("<s%d", above)
				services[i] = services[above]
				if rng.IntN(5) < 2 {
					services[i] = pick("n/a", "n/b", "n/c")
				}
				if rng.IntN(25) == 0 {
					parent = "<missing"
				}
				kindsOf[i] = pick("none", "internal", "server", "client", "client", "producer")
				if kindsOf[above] == "producer" && parent != "<missing" {
					kindsOf[i] = pick("internal", "consumer", "consumer")
					if kindsOf[i] == "internal" {
						services[i] = services[above]
					}
				}
			} else {
				services[i] = pick("n/a", "n/b", "n/c")
				kindsOf[i] = pick("none", "internal", "server", "client", "producer", "consumer")
				if rng.IntN(10) == 0 {
					parent = "<missing"
				} else {
					roots++
				}
			}
			line := fmt.Sprintf("%d/s%d%s %s %s start=%d weight=%d", trace+1, i, parent, kindsOf[i], services[i], len(all)+1, 1<<rng.IntN(3))
			switch kindsOf[i] {
			case "producer":
				line += " messaging.system=kafka messaging.destination=" + pick("one", "two")
				producers = append(producers, fmt.Sprintf("%d/s%d", trace+1, i))
			case "consumer":
				line += " messaging.system=kafka messaging.destination=" + pick("one", "two")
				if i == 0 {
					for range rng.IntN(3) {
						if len(producers) > 0 {
							line += " link=" + producers[rng.IntN(len(producers))]
						}
					}
				}
			case "client", "internal", "none":
				if how := callees[rng.IntN(len(callees))]; kindsOf[i] != "none" || !strings.Contains(how.attributes, "peer") {
					line += " " + how.attributes
				}
				line += pick("", "", " http.status_code=404", " http.status_code=500")
			}
			line += pick("", "", " ERROR")
			all = append(all, scriptedSpan(t, line, len(all)))
		}
	}
	return all
}

// TestAgainstTheOracle pairs random traces in any order, some spans twice, and compares with the slow and obvious way.
func TestAgainstTheOracle(t *testing.T) {
	rounds := 5_000
	if testing.Short() {
		rounds = 500
	}
	for seed := range uint64(rounds) {
		rng := rand.New(rand.NewPCG(seed, 7))
		all := randomTraces(t, rng)
		for range rng.IntN(3) {
			all = append(all, all[rng.IntN(len(all))])
		}
		var slow oracle
		want := slow.count(all)
		rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		pairer := pairing.New(pairing.Config{Shards: 2})
		addAll(t, pairer, all)
		pairer.SettleAll()
		if diff := cmp.Diff(want, counted(t, pairer)); diff != "" {
			for _, s := range slow.all {
				t.Logf("%x/%x<%x %d %s %s %v %d links=%x", s.TraceID[6:8], s.ID[:2], s.Parent[:2], s.Kind, service(s), s.ServerAddress, failed(s), s.HTTPStatus, s.Links)
				name, _ := callee(s)
				t.Log("   ", name)
			}
			t.Fatalf("seed %d: the oracle (-) and what was counted (+) differ:\n%s", seed, diff)
		}
	}
}
