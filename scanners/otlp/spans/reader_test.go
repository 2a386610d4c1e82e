package spans_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/scanners/otlp/otlptest"
	"github.com/orrery-catalog/orrery/scanners/otlp/spans"
)

// part writes a field of bytes, which are those of the parts it has.
func part(number int, parts ...[]byte) []byte {
	content := bytes.Join(parts, nil)
	written := binary.AppendUvarint(nil, uint64(number<<3|2))
	written = binary.AppendUvarint(written, uint64(len(content)))
	return append(written, content...)
}

func whole(number int, n uint64) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(nil, uint64(number<<3)), n)
}

func attribute(key, value string) []byte {
	return part(9, part(1, []byte(key)), part(2, part(1, []byte(value))))
}

func resource(name string) []byte {
	return part(1, part(1, part(1, []byte("service.name")), part(2, part(1, []byte(name)))))
}

// request has one span of the service, with the fields.
func request(service string, fields ...[]byte) []byte {
	return part(1, resource(service), part(2, part(2, fields...)))
}

var traceID, spanID = []byte("0123456789abcdef"), []byte("01234567")

func read(t testing.TB, reader *spans.Reader, request []byte) (all []spans.Span) {
	t.Helper()
	err := reader.Protobuf(request, func(span *spans.Span) error {
		all = append(all, kept(span))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestUnusualFormsOfProtobuf(t *testing.T) {
	t.Parallel()
	group := append(binary.AppendUvarint(nil, 99<<3|3), append(whole(1, 7), binary.AppendUvarint(nil, 99<<3|4)...)...)
	span := part(2, part(1, traceID), part(2, spanID), attribute("server.address", "checkout"))
	odd := func(fields ...[]byte) []byte {
		ids := append(part(1, traceID), part(2, spanID)...)
		return part(1, resource("shop"), part(2, part(2, append([][]byte{ids}, fields...)...)))
	}
	address, checkout := part(1, []byte("server.address")), part(1, []byte("checkout"))
	for name, request := range map[string][]byte{
		"as ever":                     part(1, resource("shop"), part(2, span)),
		"resource behind the spans":   part(1, part(2, span), resource("shop")),
		"resource in two parts":       part(1, part(1, whole(2, 7)), part(2, span), resource("shop")),
		"unknown fields":              part(1, whole(77, 1), resource("shop"), part(78), part(2, whole(79, 1<<40), span)),
		"groups":                      part(1, resource("shop"), group, part(2, group, span)),
		"ids as numbers too":          odd(whole(1, 3), whole(2, 3), part(9, address, part(2, checkout))),
		"the value before the key":    odd(part(9, part(2, checkout), address)),
		"an attribute that is broken": odd(part(9, []byte{0x0a, 99}), part(9, address, part(2, checkout))),
		"an array":                    odd(part(9, address, part(2, part(5, part(1, checkout), part(1, part(1, []byte("second"))))))),
	} {
		got := read(t, newReader(), request)
		if len(got) != 1 {
			t.Errorf("%s: %d spans", name, len(got))
			continue
		}
		s := got[0]
		if s.Resource.Service != "shop" || string(s.TraceID[:]) != string(traceID) || string(s.ID[:]) != string(spanID) ||
			string(s.ServerAddress) != "checkout" || s.BadTraceID || s.BadID {
			t.Errorf("%s: read as %+v of %+v", name, s, *s.Resource)
		}
	}
}

func TestMalformedProtobufIsToldWithItsPlace(t *testing.T) {
	t.Parallel()
	short := request("shop", part(1, traceID[:15]))
	link := request("shop", part(13, part(2, spanID[:7])))
	for _, test := range []struct {
		request []byte
		offset  int64
		reason  string
	}{
		{[]byte{0x00}, 0, "no field begins here"},
		{[]byte{0xff}, 0, "no field begins here"},
		{[]byte{0x0a, 0x05, 0x01}, 0, "not complete"},
		{[]byte{0x08, 0x01, 0x0a, 0x02, 0x12, 0x7f}, 4, "longer than what it stands in"},
		{[]byte{0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}, 0, "longer than what it stands in"},
		{[]byte{0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}, 0, "not complete"},
		{[]byte{0x0c}, 0, "in a way that there is not"},
		{[]byte{0x0f, 0x00}, 0, "in a way that there is not"},
		{[]byte{0x0b, 0x08}, 0, "a group is not complete"},
		{bytes.Repeat([]byte{0x0b}, 1<<20), 0, "nested too deep"},
		{short, int64(len(short) - 15), "an id has a wrong length"},
		{link, int64(len(link) - 7), "an id has a wrong length"},
	} {
		var malformed *spans.MalformedError
		err := newReader().Protobuf(test.request, func(*spans.Span) error {
			t.Errorf("%s: a span is read", test.reason)
			return nil
		})
		if !errors.As(err, &malformed) || malformed.Offset != test.offset || !strings.Contains(malformed.Reason, test.reason) {
			t.Errorf("got %v; want %q at byte %d", err, test.reason, test.offset)
		}
	}
}

func TestReadingStopsWithTheErrorOfItsCaller(t *testing.T) {
	t.Parallel()
	full, seen := errors.New("full"), 0
	two := append(request("a", part(1, traceID)), request("b", part(1, traceID))...)
	err := newReader().Protobuf(two, func(*spans.Span) error { seen++; return full })
	if !errors.Is(err, full) || seen != 1 {
		t.Errorf("got %v after %d spans", err, seen)
	}
}

func TestEqualResourcesAreOne(t *testing.T) {
	t.Parallel()
	resources := spans.NewResources(1 << 20)
	first := read(t, spans.NewReader(resources), append(request("a"), request("b")...))
	reader := spans.NewReader(resources)
	again := read(t, reader, append(request("b"), request("a")...))
	once := read(t, reader, request("a"))
	if first[0].Resource != again[1].Resource || first[1].Resource != again[0].Resource || once[0].Resource != again[1].Resource {
		t.Error("equal resources are several")
	}
	if first[0].Resource == first[1].Resource {
		t.Error("different resources are one")
	}
	none := read(t, reader, part(1, part(2, part(2, part(1, traceID)))))
	if diff := cmp.Diff(&spans.Resource{}, none[0].Resource); diff != "" {
		t.Errorf("spans without a resource: %s", diff)
	}
}

func TestASpanIsReadWithoutAllocation(t *testing.T) {
	requests, err := otlptest.Requests(1, 1, 60, time.Unix(1_700_000_000, 0))
	if err != nil {
		t.Fatal(err)
	}
	reader, seen := newReader(), 0
	each := func(*spans.Span) error { seen++; return nil }
	allocated := testing.AllocsPerRun(10, func() {
		if err := reader.Protobuf(requests[0].Bytes, each); err != nil {
			t.Error(err)
		}
	})
	if perResource := allocated / 60; perResource > 3 || seen == 0 {
		t.Errorf("%v allocations for %d spans", allocated, requests[0].Spans)
	}
}

func TestServiceNamesWithoutEndTakeNoMemory(t *testing.T) {
	resources := spans.NewResources(1 << 20)
	reader := spans.NewReader(resources)
	before := heap()
	var last *spans.Resource
	for i := range 100_000 {
		if err := reader.Protobuf(request(fmt.Sprintf("service-%d", i)), func(s *spans.Span) error {
			last = s.Resource
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if grown := heap() - before; grown > 24<<20 || last.Service != "service-99999" {
		t.Errorf("grown by %d MiB to %s", grown>>20, last.Service)
	}
	runtime.KeepAlive(resources)
	runtime.KeepAlive(reader)
}

func heap() int64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

func TestLargeTextsAreCutOffAndNotCopied(t *testing.T) {
	large := strings.Repeat("x", 10<<20)
	huge := request(large, part(5, []byte(large)), attribute("server.address", large), attribute("unknown", large))
	reader := newReader()
	var stats, after runtime.MemStats
	runtime.ReadMemStats(&stats)
	if err := reader.Protobuf(huge, func(s *spans.Span) error {
		if len(s.Name) != spans.MaxText || len(s.ServerAddress) != spans.MaxText ||
			len(s.Resource.Service) != spans.MaxResourceText {
			t.Errorf("texts of %d, %d and %d bytes", len(s.Name), len(s.ServerAddress), len(s.Resource.Service))
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if allocated := after.TotalAlloc - stats.TotalAlloc; allocated > 1<<20 {
		t.Errorf("%d bytes are allocated", allocated)
	}
}

func TestReaderLetsGoOfRequests(t *testing.T) {
	reader, before := newReader(), heap()
	func() {
		large := request("shop", part(5, bytes.Repeat([]byte("x"), 32<<20)), attribute("rpc.service", "s"))
		if got := read(t, reader, large); len(got) != 1 {
			t.Errorf("%d spans", len(got))
		}
	}()
	if held := heap() - before; held > 2<<20 {
		t.Errorf("%d MiB are held", held>>20)
	}
	runtime.KeepAlive(reader)
}

func TestLinksAreBounded(t *testing.T) {
	t.Parallel()
	links := bytes.Repeat(part(13, part(1, traceID), part(2, spanID)), spans.MaxLinks+10)
	if got := read(t, newReader(), request("a", links)); len(got[0].Links) != spans.MaxLinks {
		t.Errorf("%d links", len(got[0].Links))
	}
}
