package spans_test

import (
	"encoding/binary"
	"errors"
	"math"
	"math/rand"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/orrery-catalog/orrery/scanners/otlp/spans"
)

func TestProtobufReadsWhatPdataReads(t *testing.T) {
	t.Parallel()
	reader := newReader()
	rng := rand.New(rand.NewSource(1))
	for round := range 300 {
		request := marshal(t, randomTraces(rng))
		compare(t, reader, request)
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
	}
}

func TestProtobufReadsDamagedRequestsAsPdataDoes(t *testing.T) {
	t.Parallel()
	reader := newReader()
	rng := rand.New(rand.NewSource(2))
	for range 60 {
		request := marshal(t, randomTraces(rng))
		for range 60 {
			compare(t, reader, damage(rng, request))
			if t.Failed() {
				t.FailNow()
			}
		}
	}
}

func FuzzProtobuf(f *testing.F) {
	rng := rand.New(rand.NewSource(3))
	for range 200 {
		if request := marshal(f, randomTraces(rng)); len(request) < 600 { // longer ones take the fuzzer too long
			f.Add(request)
		}
	}
	f.Add([]byte{0x0b, 0x0c})                   // a group
	f.Add([]byte{0x0a, 0x02, 0x12, 0x00, 0x0c}) // the end of none
	f.Fuzz(func(t *testing.T, request []byte) { compare(t, newReader(), request) })
}

// compare reads the request by pdata and by reader. What pdata takes reads the same, and what reader does not take, pdata does
// not either.
func compare(t *testing.T, reader *spans.Reader, request []byte) {
	t.Helper()
	var got []spans.Span
	err := reader.Protobuf(request, func(span *spans.Span) error {
		got = append(got, kept(span))
		return nil
	})
	var malformed *spans.MalformedError
	if err != nil && !errors.As(err, &malformed) {
		t.Fatalf("%v is no malformed request", err)
	}
	if err != nil && len(got) > 0 {
		t.Errorf("%d spans of a malformed request: %v", len(got), err)
	}
	if count, countErr := spans.CountProtobuf(request); err == nil && (count != len(got) || countErr != nil) {
		t.Errorf("%d spans counted (%v) and %d read", count, countErr, len(got))
	}
	if exportRequest.misread(request) {
		return
	}
	read := ptraceotlp.NewExportRequest()
	if refused := read.UnmarshalProto(request); refused != nil {
		return
	}
	if err != nil {
		t.Fatalf("pdata takes what is refused: %v", err)
	}
	// cmp is too slow to ask it each time.
	if want := asPdataSays(read.Traces()); !reflect.DeepEqual(want, got) {
		t.Errorf("pdata says -, we say +:\n%s", cmp.Diff(want, got))
	}
}

// message names the messages within a message, by the numbers of their fields.
type message map[uint64]message

var exportRequest = func() message {
	value := message{}
	keyValue := message{2: value}
	value[5], value[6] = message{1: value}, message{1: keyValue}
	event, link := message{3: keyValue}, message{4: keyValue}
	span := message{9: keyValue, 11: event, 13: link, 15: message{}}
	return message{1: {1: {1: keyValue, 3: message{2: message{}}}, 2: {1: {3: keyValue}, 2: span}}}
}()

// misread says whether pdata misreads the message, or one within it: it believes that a group is over with its first field,
// and of a number that is too large it takes the lower part.
func (m message) misread(written []byte) bool {
	for len(written) > 0 {
		tag, size := binary.Uvarint(written)
		if size < 0 || tag > math.MaxUint32 || tag&7 == 3 {
			return true
		}
		written = written[size:]
		length := len(written)
		switch tag & 7 {
		case 0:
			_, length = binary.Uvarint(written)
		case 1:
			length = 8
		case 2:
			n, size := binary.Uvarint(written)
			if size < 0 {
				return true
			}
			written = written[size:]
			length = int(min(n, math.MaxInt))
		case 5:
			length = 4
		}
		if length < 0 {
			return true
		}
		length = min(length, len(written))
		if within, found := m[tag>>3]; found && tag&7 == 2 && within.misread(written[:length]) {
			return true
		}
		if size == 0 {
			return false
		}
		written = written[length:]
	}
	return false
}

// kept is a copy of the span that shares nothing with it.
func kept(span *spans.Span) spans.Span {
	s := *span
	s.Links = append([]spans.Link(nil), s.Links...)
	// pdata does not tell an id that is not there from one that is zero.
	s.BadTraceID = s.BadTraceID || s.TraceID == spans.TraceID{}
	s.BadID = s.BadID || s.ID == spans.SpanID{}
	for _, text := range textsOf(&s) {
		*text = append([]byte(nil), *text...)
	}
	return s
}

func textsOf(s *spans.Span) []*[]byte {
	return []*[]byte{
		&s.Name, &s.TraceState, &s.PeerService, &s.PeerNamespace, &s.ServerAddress, &s.NetworkAddress, &s.URL, &s.DBSystem,
		&s.DBNamespace, &s.DBIndex, &s.DBTable, &s.DBConnectionString, &s.DBOperation, &s.RPCSystem, &s.RPCMethod, &s.HTTPMethod,
		&s.HTTPRoute, &s.MessagingSystem, &s.MessagingDestination, &s.MessagingOperation, &s.MessagingRoutingKey,
	}
}

// asPdataSays reads spans by pdata, the slow and plain way.
func asPdataSays(traces ptrace.Traces) (all []spans.Span) {
	for _, resourceSpans := range traces.ResourceSpans().All() {
		resource := resourceSaid(said{resourceSpans.Resource().Attributes()})
		for _, scopeSpans := range resourceSpans.ScopeSpans().All() {
			for _, span := range scopeSpans.Spans().All() {
				s := spans.Span{
					Resource: &resource, TraceID: spans.TraceID(span.TraceID()), ID: spans.SpanID(span.SpanID()),
					Parent: spans.SpanID(span.ParentSpanID()), Start: uint64(span.StartTimestamp()), End: uint64(span.EndTimestamp()),
					Name: []byte(text(span.Name())), TraceState: []byte(span.TraceState().AsRaw()),
					HasRemoteParent: span.Flags()&0x100 != 0, IsRemoteParent: span.Flags()&0x200 != 0,
					Attributes: attributesSaid(said{span.Attributes()}),
				}
				if kind := span.Kind(); kind >= 0 && kind <= ptrace.SpanKindConsumer {
					s.Kind = spans.Kind(kind)
				}
				if code := span.Status().Code(); code >= 0 && code <= ptrace.StatusCodeError {
					s.Status = spans.Status(code)
				}
				for _, link := range span.Links().All() {
					s.Links = append(s.Links, spans.Link{TraceID: spans.TraceID(link.TraceID()), ID: spans.SpanID(link.SpanID())})
				}
				s.BadTraceID, s.BadID = span.TraceID().IsEmpty(), span.SpanID().IsEmpty()
				all = append(all, kept(&s))
			}
		}
	}
	return all
}
