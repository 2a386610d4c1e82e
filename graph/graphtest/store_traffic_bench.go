package graphtest

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/graph"
)

// benchTraffic writes rows as a process does that flushes what it counts, and loads as many as a large company has.
func benchTraffic(b *testing.B, engine Engine) {
	rows := func(writer, n, bytesEach int) graph.TrafficWrite {
		var write graph.TrafficWrite
		for part := range n {
			write.Put = append(write.Put, graph.TrafficRow{
				TrafficKey: graph.TrafficKey{Source: "traces", Writer: fmt.Sprint("host/4711/", writer), Hour: traffic.Hour(492_000 + part>>16), Part: uint16(part)},
				Data:       bytes.Repeat([]byte{byte(part), byte(writer), 7}, bytesEach/3),
			})
		}
		return write
	}
	for _, flush := range []struct{ rows, bytes int }{{1, 16 << 10}, {128, 16 << 10}, {2000, 1 << 10}} {
		b.Run(fmt.Sprintf("Flush/%dx%d", flush.rows, flush.bytes), func(b *testing.B) {
			store, write := trafficOf(b, engine.Open(b)), rows(0, flush.rows, flush.bytes)
			for b.Loop() {
				if err := store.WriteTraffic(b.Context(), write); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(flush.rows*b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
	all := 100_000
	if testing.Short() {
		all = 10_000
	}
	b.Run("Load", func(b *testing.B) {
		store := trafficOf(b, engine.Open(b))
		for writer := range all / 2000 {
			if err := store.WriteTraffic(b.Context(), rows(writer, 2000, 1<<10)); err != nil {
				b.Fatal(err)
			}
		}
		for b.Loop() {
			n := 0
			for _, err := range store.Traffic(b.Context(), 0) {
				if err != nil {
					b.Fatal(err)
				}
				n++
			}
			if n != all {
				b.Fatalf("%d rows of %d", n, all)
			}
		}
		b.ReportMetric(float64(all*b.N)/b.Elapsed().Seconds(), "rows/s")
	})
	b.Run("Poll", func(b *testing.B) {
		store := trafficOf(b, engine.Open(b))
		if err := store.WriteTraffic(b.Context(), rows(0, 2000, 1<<10)); err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			for _, err := range store.Traffic(b.Context(), 2000) {
				b.Fatal("there is nothing new", err)
			}
		}
	})
}
