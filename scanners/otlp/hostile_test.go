package otlp_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/metrics"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/orrery-catalog/orrery/scanners/otlp"
	"github.com/orrery-catalog/orrery/scanners/otlp/pairing"
)

// open is a receiver that takes requests by its handler, without a network.
func open(t testing.TB, config otlp.Config) *otlp.Receiver {
	t.Helper()
	receiver, err := otlp.New(config)
	if err != nil {
		t.Fatal(err)
	}
	receiver.Open()
	return receiver
}

// TestDamagedRequests cuts and flips each place of a request: it is taken or refused, and nothing else.
func TestDamagedRequests(t *testing.T) {
	for name, format := range map[string]func(testing.TB, ptrace.Traces) []byte{typeProtobuf: inProtobuf, typeJSON: inJSON} {
		handler := open(t, otlp.Config{}).Handler()
		whole := format(t, call(1))
		for at := range whole {
			flipped := bytes.Clone(whole)
			flipped[at] ^= 1 << (at % 8)
			for _, damaged := range [][]byte{whole[:at], flipped} {
				if response := serve(handler, damaged, "Content-Type", name); response.Code != http.StatusOK && response.Code != http.StatusBadRequest {
					t.Fatalf("%s, byte %d: %d %s", name, at, response.Code, response.Body)
				}
			}
		}
	}
}

// TestOddSpans sends what is well-formed and makes no sense: all of it is taken.
func TestOddSpans(t *testing.T) {
	r := listen(t, otlp.Config{Pairing: pairing.Config{MaxBytes: 16 << 20}})
	traces := ptrace.NewTraces()
	of := traces.ResourceSpans().AppendEmpty()
	of.Resource().Attributes().PutStr("service.name", "shop")
	list := of.ScopeSpans().AppendEmpty().Spans()
	for i, start := range []uint64{0, 1, 4102444800_000000000, 1<<64 - 1, 1_790_000_000_000_000_000} {
		for parent := range 3 { // in a loop, and of itself
			span := list.AppendEmpty()
			span.SetTraceID(pcommon.TraceID{9, byte(i)})
			span.SetSpanID(pcommon.SpanID{byte(parent + 1)})
			span.SetParentSpanID(pcommon.SpanID{byte((parent+1)%3 + 1)})
			span.SetStartTimestamp(pcommon.Timestamp(start))
			span.SetEndTimestamp(pcommon.Timestamp(start - 5))
			span.SetKind(ptrace.SpanKind(i))
			span.Attributes().PutStr("server.address", "\xff\xfe")
		}
	}
	list.AppendEmpty().Attributes().PutStr("peer.service", string(make([]byte, 10<<20)))
	response, answer := post(t, "http://"+r.http+"/v1/traces", bytes.NewReader(inProtobuf(t, traces)), "Content-Type", typeProtobuf)
	if response.StatusCode != http.StatusOK {
		t.Errorf("%s: %q", response.Status, answer)
	}
}

// TestMemoryIsBounded sends a million service names, attributes of megabytes and bombs from many connections at once.
func TestMemoryIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a while")
	}
	const held, request = 32 << 20, 4 << 20
	r := listen(t, otlp.Config{MaxRequestBytes: request, Pairing: pairing.Config{MaxBytes: held, Settle: 200 * time.Millisecond}})
	url := "http://" + r.http + "/v1/traces"
	large := manyTraces(1, 1)
	large.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).Attributes().PutStr("url.full", string(make([]byte, 3<<20)))
	bomb := gzipped(t, make([]byte, 100<<20))
	template, names, ids := manyServices(t)
	stop, peak := peakOfHeap()
	var senders sync.WaitGroup
	for sender := range 4 {
		senders.Go(func() {
			random := rand.New(rand.NewSource(int64(sender)))
			for range 1_000_000 / 4 / len(names) {
				body := bytes.Clone(template)
				for i := range names {
					copy(body[names[i]:], fmt.Sprintf("%08x", random.Uint32()))
					binary.BigEndian.PutUint64(body[ids[i]:], random.Uint64())
				}
				post(t, url, bytes.NewReader(body), "Content-Type", typeProtobuf)
			}
		})
		senders.Go(func() {
			for range 5 {
				post(t, url, bytes.NewReader(inProtobuf(t, large)), "Content-Type", typeProtobuf)
				post(t, url, bytes.NewReader(bomb), "Content-Type", typeProtobuf, "Content-Encoding", "gzip")
			}
		})
	}
	senders.Wait()
	close(stop)
	// Twice what may be in use, as garbage is let grow to as much, and what the senders themselves have.
	if most, got := int64(2*(held+8*request)+64<<20), <-peak; got > most {
		t.Errorf("the heap grew by %d MiB, over %d", got>>20, most>>20)
	} else {
		t.Logf("the heap grew by %d MiB", got>>20)
	}
	if used := r.RequestMemory(); used != 0 {
		t.Errorf("%d bytes of requests are still counted", used)
	}
}

// manyServices is a request of 1,000 services with a span each, and where in it 8 letters of their names and the trace ids stand.
func manyServices(t *testing.T) (request []byte, names, ids []int) {
	const mark = "name-00000000"
	trace := pcommon.TraceID{0xAB, 0xCD, 0xEF, 0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD}
	traces := ptrace.NewTraces()
	for range 1000 {
		of := traces.ResourceSpans().AppendEmpty()
		of.Resource().Attributes().PutStr("service.name", mark)
		span := of.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
		span.SetTraceID(trace)
		span.SetSpanID(pcommon.SpanID{1})
	}
	request = inProtobuf(t, traces)
	for at := range request {
		switch {
		case bytes.HasPrefix(request[at:], []byte(mark)):
			names = append(names, at+len(mark)-8)
		case bytes.HasPrefix(request[at:], trace[:]):
			ids = append(ids, at)
		}
	}
	return request, names, ids
}

// peakOfHeap watches the heap until stop is closed, and tells by how much it grew at most.
func peakOfHeap() (stop chan struct{}, peak chan int64) {
	stop, peak = make(chan struct{}), make(chan int64, 1)
	runtime.GC()
	heap := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(heap)
	before, most := heap[0].Value.Uint64(), uint64(0)
	go func() {
		ticker := time.NewTicker(5 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-stop:
				peak <- int64(most) - int64(before)
				return
			case <-ticker.C:
				metrics.Read(heap)
				most = max(most, heap[0].Value.Uint64())
			}
		}
	}()
	return stop, peak
}

// endless never ends.
type endless struct{ read int64 }

func (e *endless) Read(into []byte) (int, error) {
	e.read += int64(len(into))
	return len(into), nil
}

// TestSenderThatNeverStops sends more than is ever read.
func TestSenderThatNeverStops(t *testing.T) {
	r := listen(t, otlp.Config{MaxRequestBytes: 1 << 20})
	sent := &endless{}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+r.http+"/v1/traces", io.MultiReader(sent))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", typeProtobuf)
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	response, err := transport.RoundTrip(request)
	if err == nil { // else the connection was cut
		_ = response.Body.Close()
		if response.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("%s", response.Status)
		}
	}
	if used := r.RequestMemory(); used != 0 {
		t.Errorf("%d bytes of requests are still counted", used)
	}
}

func FuzzHTTP(f *testing.F) {
	for _, packed := range []string{"", "gzip", "zstd"} {
		for _, as := range []string{typeProtobuf, typeJSON} {
			f.Add(inProtobuf(f, call(1)), as, packed)
			f.Add(gzipped(f, inJSON(f, call(1))), as, packed)
			f.Add(zstandard(f, inProtobuf(f, call(2))), as, packed)
		}
	}
	receiver := open(f, otlp.Config{MaxRequestBytes: 1 << 20, Pairing: pairing.Config{MaxBytes: 4 << 20}})
	f.Fuzz(func(t *testing.T, body []byte, as, packed string) {
		response := serve(receiver.Handler(), body, "Content-Type", as, "Content-Encoding", packed)
		switch response.Code {
		case 200, 400, 413, 415, 429:
		default:
			t.Errorf("%d %q", response.Code, response.Body)
		}
		if used := receiver.RequestMemory(); used != 0 {
			t.Fatalf("%d bytes of the request are still counted", used)
		}
	})
}

func FuzzGRPC(f *testing.F) {
	good := inProtobuf(f, call(1))
	f.Add(append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(good))), good...), "")
	for packing, body := range map[string][]byte{"gzip": gzipped(f, good), "zstd": zstandard(f, good)} {
		f.Add(append(binary.BigEndian.AppendUint32([]byte{1}, uint32(len(body))), body...), packing)
	}
	receiver := open(f, otlp.Config{MaxRequestBytes: 1 << 20, Pairing: pairing.Config{MaxBytes: 4 << 20}})
	f.Fuzz(func(t *testing.T, body []byte, packed string) {
		request := httptest.NewRequest(http.MethodPost, exportMethod, bytes.NewReader(body))
		request.Header.Set("Content-Type", "application/grpc")
		request.Header.Set("Grpc-Encoding", packed)
		response := httptest.NewRecorder()
		receiver.GRPCHandler().ServeHTTP(response, request)
		switch said := response.Result(); said.Trailer.Get("Grpc-Status") + said.Header.Get("Grpc-Status") {
		case "0", "3", "8", "12":
		default:
			t.Errorf("%d %v %q", response.Code, said.Header, response.Body)
		}
		if used := receiver.RequestMemory(); used != 0 {
			t.Fatalf("%d bytes of the request are still counted", used)
		}
	})
}
