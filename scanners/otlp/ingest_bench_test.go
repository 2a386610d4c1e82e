package otlp_test

import (
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/scanners/otlp/otlptest"
	"github.com/orrery-catalog/orrery/scanners/otlp/pairing"
	"github.com/orrery-catalog/orrery/scanners/otlp/spans"
)

// BenchmarkIngest measures the way from the bytes of requests to counted edges, all of it on one goroutine. Each request is
// of traces that were not seen before; what is still open at the end is settled within the time that is measured.
func BenchmarkIngest(b *testing.B) {
	requests, err := otlptest.Requests(1, 100, 60, time.Now())
	if err != nil {
		b.Fatal(err)
	}
	const settle, tickEvery = 2 * time.Second, 500 * time.Millisecond
	reader := spans.NewReader(spans.NewResources(16 << 20))
	pairer := pairing.New(pairing.Config{Settle: settle, MaxBytes: 1 << 30})
	var taken int
	var calls float64
	drain := func() {
		for _, counts := range pairer.Drain(0) {
			for _, flow := range counts.Flows {
				calls += flow.Requests
			}
			calls += float64(counts.Lost[traffic.LostSelfCall])
		}
	}
	b.ReportAllocs()
	ticked, number, most := time.Now(), 0, int64(0)
	for b.Loop() {
		request := requests[number%len(requests)]
		number++
		request.Fresh(uint64(number))
		if err := reader.Protobuf(request.Bytes, pairer.Add); err != nil {
			b.Fatal(err)
		}
		taken += request.Spans
		if time.Since(ticked) > tickEvery {
			most = max(most, pairer.Stats().Bytes)
			pairer.Tick()
			drain()
			ticked = time.Now()
		}
	}
	b.StartTimer()
	pairer.SettleAll()
	drain()
	b.StopTimer()
	b.ReportMetric(float64(taken)/b.Elapsed().Seconds(), "spans/s")
	b.ReportMetric(float64(most)/(1<<20), "MiB-held")
	if want := float64(number * otlptest.TracesPerRequest * otlptest.CallsPerTrace); calls != want {
		b.Errorf("%.0f calls of %.0f are counted", calls, want)
	}
}
