package recorded_test

import (
	"testing"

	"github.com/orrery-catalog/orrery/scanners/otlp/recorded"
	"github.com/orrery-catalog/orrery/scanners/otlp/spans"
)

// FuzzRead reads anything: it ends, and whoever takes spans gets whole ones.
func FuzzRead(f *testing.F) {
	for _, seed := range [][]byte{
		[]byte(otlp(id1)), []byte(otlp(id1) + "\n" + otlp(id2)[:60]), []byte(indented(otlp(id1))),
		[]byte(half(long1, true)), []byte(half("trace-1", false)), []byte(`[[{"traceId":"1","id":"a"}]]`),
		[]byte(`[{"traceId":"1","id":"a","kind":"CLIENT","localEndpoint":{"serviceName":"a"}},
			{"traceId":"1","id":"a","kind":"SERVER","shared":true,"localEndpoint":{"serviceName":"b"}}]`),
		[]byte(`[{"traceId":"1","id":"a","annotations":[{"timestamp":1,"value":"cs","endpoint":{"serviceName":"a"}}],
			"binaryAnnotations":[{"key":"sa","value":true,"endpoint":{"serviceName":"b"}}]}]`),
		{0, 0, 0, 2, 0x0a, 0},
		{2, 0x0a, 0},
		{0x0a, 0},
		[]byte(magicGzip), []byte(magicZstd),
	} {
		f.Add(seed, uint16(1<<10))
		f.Add(seed, uint16(50))
	}
	f.Fuzz(func(t *testing.T, data []byte, held uint16) {
		_, problems, _, err := recorded.ReadSpans(t.Context(), "file", data, int(held)+1, func(s *spans.Span) error {
			if s.Resource == nil {
				t.Error("a span is of nobody")
			}
			if s.BadID && s.ID != (spans.SpanID{}) || s.BadTraceID && s.TraceID != (spans.TraceID{}) {
				t.Error("a bad id is not zero")
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		if len(problems) > 25 {
			t.Errorf("%d problems are told", len(problems))
		}
	})
}

const (
	magicGzip = "\x1f\x8b\x08\x00"
	magicZstd = "\x28\xb5\x2f\xfd\x04"
)
