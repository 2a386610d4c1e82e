package spans_test

import (
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/orrery-catalog/orrery/scanners/otlp/otlptest"
	"github.com/orrery-catalog/orrery/scanners/otlp/spans"
)

// BenchmarkProtobuf reads requests on one core, by the Reader and by pdata.
func BenchmarkProtobuf(b *testing.B) {
	requests, err := otlptest.Requests(1, 50, 60, time.Now())
	if err != nil {
		b.Fatal(err)
	}
	measure := func(b *testing.B, read func(request []byte) error) {
		b.ReportAllocs()
		total, bytes, i := 0, 0, 0
		for b.Loop() {
			request := requests[i%len(requests)]
			if err := read(request.Bytes); err != nil {
				b.Fatal(err)
			}
			total += request.Spans
			bytes += len(request.Bytes)
			i++
		}
		b.ReportMetric(float64(total)/b.Elapsed().Seconds(), "spans/s")
		b.ReportMetric(float64(bytes)/float64(total), "B/span")
	}
	b.Run("reader", func(b *testing.B) {
		reader, read := newReader(), 0
		measure(b, func(request []byte) error {
			return reader.Protobuf(request, func(*spans.Span) error { read++; return nil })
		})
	})
	b.Run("check", func(b *testing.B) {
		measure(b, func(request []byte) error { _, err := spans.CountProtobuf(request); return err })
	})
	b.Run("pdata", func(b *testing.B) {
		measure(b, func(request []byte) error { return ptraceotlp.NewExportRequest().UnmarshalProto(request) })
	})
}
