package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
)

// otlpToken is what who sends traces must know.
const otlpToken = "secret-of-the-traces"

// shop is a stream of traces of which it is known what they say: a request to the storefront calls the checkout, and that
// the payments. The payments fail in each tenth, and the checkout with them. The two ends of each call come in requests of
// their own, as they do from the processes of services.
type shop struct {
	next   uint64 // number of the next trace
	failed int
}

// traces are requests for so many traces, by service; each goes to the replica that the trace belongs to.
func (s *shop) traces(t *testing.T, count, replicas int) (requests [][]ptraceotlp.ExportRequest) {
	t.Helper()
	services := []string{"storefront", "checkout", "payments"}
	all := make([]map[string]ptrace.SpanSlice, replicas)
	requests = make([][]ptraceotlp.ExportRequest, replicas)
	for replica := range all {
		all[replica] = make(map[string]ptrace.SpanSlice)
		for _, service := range services {
			traces := ptrace.NewTraces()
			resource := traces.ResourceSpans().AppendEmpty()
			resource.Resource().Attributes().PutStr("service.name", service)
			all[replica][service] = resource.ScopeSpans().AppendEmpty().Spans()
			requests[replica] = append(requests[replica], ptraceotlp.NewExportRequestFromTraces(traces))
		}
	}
	for range count {
		s.next++
		var id pcommon.TraceID
		binary.BigEndian.PutUint64(id[8:], s.next)
		hash := fnv.New32a()
		_, _ = hash.Write(id[:])
		of := all[hash.Sum32()%uint32(replicas)]
		fails := s.next%10 == 0
		if fails {
			s.failed++
		}
		parent := byte(0)
		add := func(service string, kind ptrace.SpanKind, own byte, failed bool) {
			span := of[service].AppendEmpty()
			span.SetTraceID(id)
			span.SetSpanID(pcommon.SpanID{7: own})
			if parent > 0 {
				span.SetParentSpanID(pcommon.SpanID{7: parent})
			}
			span.SetKind(kind)
			start := time.Now().Add(time.Duration(own) * time.Millisecond)
			span.SetStartTimestamp(pcommon.NewTimestampFromTime(start))
			span.SetEndTimestamp(pcommon.NewTimestampFromTime(start.Add(20 * time.Millisecond)))
			if failed {
				span.Status().SetCode(ptrace.StatusCodeError)
			}
			parent = own
		}
		add("storefront", ptrace.SpanKindServer, 1, false)
		add("storefront", ptrace.SpanKindClient, 2, fails)
		add("checkout", ptrace.SpanKindServer, 3, fails)
		add("checkout", ptrace.SpanKindClient, 4, fails)
		add("payments", ptrace.SpanKindServer, 5, fails)
	}
	return requests
}

// send sends OTLP over HTTP and requires that all is taken.
func send(t *testing.T, url string, requests ...ptraceotlp.ExportRequest) {
	t.Helper()
	for _, request := range requests {
		body, err := request.MarshalProto()
		if err != nil {
			t.Fatal(err)
		}
		sendBytes(t, url, body)
	}
}

// sendBytes is send for a request in protobuf; what is to be sent again is.
func sendBytes(t *testing.T, url string, body []byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for postTraces(ctx, t, url, body) {
		select { // as senders do: it has begun to serve, and not yet to take traces
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("%s takes no traces: %v", url, context.Cause(ctx))
		}
	}
}

// postTraces sends a request once, requires that all of it is taken, and says whether it is to be sent again.
func postTraces(ctx context.Context, t *testing.T, url string, body []byte) (again bool) {
	t.Helper()
	post, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/traces", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	post.Header.Set("Content-Type", "application/x-protobuf")
	post.Header.Set("Authorization", "Bearer "+otlpToken)
	answer, err := http.DefaultClient.Do(post)
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	_, err = text.ReadFrom(answer.Body)
	_ = answer.Body.Close()
	if answer.StatusCode == http.StatusServiceUnavailable {
		return true
	}
	taken := ptraceotlp.NewExportResponse()
	if err == nil && answer.StatusCode == http.StatusOK {
		err = taken.UnmarshalProto(text.Bytes())
	}
	if rejected := taken.PartialSuccess().RejectedSpans(); err != nil || answer.StatusCode != http.StatusOK || rejected > 0 {
		t.Fatalf("%s answers %s (%q), and rejects %d spans: %v", url, answer.Status, text.String(), rejected, err)
	}
	return false
}

// called is what a graph says of a call: how often it was made, and how often it failed.
type called struct{ requests, errors int }

// calls are those that a replica shows, by caller and callee; nil where it does not answer.
func (r *replica) calls() map[string]called {
	body, status := get(r.t, r.url+"/v1/export")
	if status != http.StatusOK {
		return nil
	}
	var exported struct {
		Edges []struct {
			From, To, Type string
			Evidence       []struct{ Requests, Errors *int }
		}
	}
	if err := json.Unmarshal([]byte(body), &exported); err != nil {
		r.t.Fatal(err)
	}
	calls := make(map[string]called)
	for _, edge := range exported.Edges {
		for _, evidence := range edge.Evidence {
			if evidence.Requests == nil || evidence.Errors == nil {
				continue
			}
			name := func(ref string) string { return ref[strings.LastIndex(ref, "/")+1:] }
			sum := calls[name(edge.From)+" "+name(edge.To)]
			sum.requests += *evidence.Requests
			sum.errors += *evidence.Errors
			calls[name(edge.From)+" "+name(edge.To)] = sum
		}
	}
	return calls
}

// freePorts are addresses that nobody listens on by now.
func freePorts(t *testing.T, count int) []string {
	t.Helper()
	addresses := make([]string, count)
	for i := range addresses {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		addresses[i] = listener.Addr().String()
	}
	return addresses
}

// tracedReplicas starts three replicas on one store, each of which takes OTLP by gRPC at its address.
func tracedReplicas(t *testing.T, addresses []string) (running []*replica, file func(int) string) {
	t.Helper()
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	graph, dir := neo4jGraph(t), t.TempDir()
	file = func(number int) string {
		return write(t, fmt.Sprintf("listen: 127.0.0.1:0\ngraph: %s\nsources:\n  - {id: traces, kind: otlp, grpc: %q, token: %q, settle: 1s}\n",
			graph, addresses[number], otlpToken), dir, fmt.Sprintf("orrery-%d.yaml", number))
	}
	for number := range addresses {
		running = append(running, startReplica(t, file(number)))
	}
	return running, file
}

// requireCalls waits until all of the replicas show the same numbers of both calls, from least to most, and returns them.
func requireCalls(t *testing.T, running []*replica, least, most called) (shown called) {
	t.Helper()
	eventually(t, fmt.Sprintf("all show from %v to %v calls", least, most), func() bool {
		for number, r := range running {
			calls := r.calls()
			if calls == nil {
				return false
			}
			checkout, payments := calls["storefront checkout"], calls["checkout payments"]
			if checkout.requests > most.requests || checkout.errors > most.errors || len(calls) > 2 {
				t.Fatalf("replica %d shows the calls %v, and at most %v took place", number, calls, most)
			}
			if number == 0 {
				shown = checkout
			}
			if checkout != shown || payments != shown || shown.requests < least.requests || shown.errors < least.errors {
				return false
			}
		}
		return true
	})
	return shown
}

// TestNeo4jTracesOfReplicas splits one stream by trace id between three replicas: each of them shows the exact sums of all.
// One is killed with what it has counted since its last write; that is lost, and nothing else.
func TestNeo4jTracesOfReplicas(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for writes and the end of leases")
	}
	t.Parallel()
	var s shop
	running, file := tracedReplicas(t, freePorts(t, 3))
	sendAll := func(requests [][]ptraceotlp.ExportRequest) {
		t.Helper()
		var sending sync.WaitGroup
		for number, r := range running {
			sending.Go(func() { send(t, r.url, requests[number]...) })
		}
		sending.Wait()
	}
	sendAll(s.traces(t, 3000, 3))
	all := called{int(s.next), s.failed}
	requireCalls(t, running, all, all)

	// More arrives everywhere, and the one that writes the documents dies.
	requests := s.traces(t, 600, 3)
	dies := 0
	eventually(t, "one replica scans", func() bool {
		for number, r := range running {
			if r.scans() {
				dies = number
				return true
			}
		}
		return false
	})
	sendAll(requests)
	running[dies].kill()
	lost := called{}
	for spans := requests[dies][2].Traces().ResourceSpans().At(0).ScopeSpans().At(0).Spans(); lost.requests < spans.Len(); lost.requests++ {
		if spans.At(lost.requests).Status().Code() == ptrace.StatusCodeError {
			lost.errors++
		}
	}
	others := append(append([]*replica{}, running[:dies]...), running[dies+1:]...)
	most := called{int(s.next), s.failed}
	requireCalls(t, others, called{most.requests - lost.requests, most.errors - lost.errors}, most)

	// Another one takes its place, and its part of the stream.
	running[dies] = startReplica(t, file(dies))
	sendAll(s.traces(t, 900, 3))
	most = called{int(s.next), s.failed}
	shown := requireCalls(t, running, called{most.requests - lost.requests, most.errors - lost.errors}, most)
	t.Logf("of %d calls, the replica that was killed had counted %d since it wrote last, and %d are lost", most.requests,
		lost.requests, most.requests-shown.requests)
}
