package otlp_test

import (
	"bytes"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/scanners/otlp"
	"github.com/orrery-catalog/orrery/scanners/otlp/otlptest"
	"github.com/orrery-catalog/orrery/scanners/otlp/pairing"
)

// BenchmarkReceive sends requests over loopback, with the sender on the same cores.
func BenchmarkReceive(b *testing.B) {
	requests, err := otlptest.Requests(1, 64, 50, time.Now())
	if err != nil {
		b.Fatal(err)
	}
	for _, transport := range []string{"http", "grpc"} {
		b.Run(transport, func(b *testing.B) {
			r := listen(b, otlp.Config{Pairing: pairing.Config{Settle: time.Second, MaxBytes: 1 << 30}})
			client := dial(b, r.grpc)
			pool := &http.Transport{MaxIdleConnsPerHost: 8}
			defer pool.CloseIdleConnections()
			var number, spans, size atomic.Int64
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					n := number.Add(1)
					request := *requests[int(n)%len(requests)]
					request.Bytes = bytes.Clone(request.Bytes)
					request.Fresh(uint64(n))
					if transport == "grpc" {
						if _, err := export(b, client, request.Bytes); err != nil {
							b.Error(err)
						}
					} else {
						sent, err := http.NewRequestWithContext(b.Context(), http.MethodPost, "http://"+r.http+"/v1/traces", bytes.NewReader(request.Bytes))
						if err != nil {
							b.Error(err)
							return
						}
						sent.Header.Set("Content-Type", typeProtobuf)
						response, err := pool.RoundTrip(sent)
						if err != nil {
							b.Error(err)
							return
						}
						_, _ = io.Copy(io.Discard, response.Body)
						_ = response.Body.Close()
						if response.StatusCode != http.StatusOK {
							b.Error(response.Status)
						}
					}
					spans.Add(int64(request.Spans))
					size.Add(int64(len(request.Bytes)))
				}
			})
			b.ReportMetric(float64(spans.Load())/b.Elapsed().Seconds(), "spans/s")
			b.ReportMetric(float64(size.Load())/float64(b.N), "bytes/request")
		})
	}
}
