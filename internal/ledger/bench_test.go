package ledger_test

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/ledger"
)

const manyFlows = 100_000

// busy are counts of many flows in an hour, each with as many calls and a few operations.
func busy(hour traffic.Hour, calls int) *traffic.Counts {
	random := rand.New(rand.NewPCG(1, 1))
	c := &traffic.Counts{}
	at := catalog.Instant(hour) * 3600
	for i := range manyFlows {
		f := c.Flow(traffic.FlowKey{
			From: catalog.Alias(fmt.Sprintf("otel:shop/service-%d", i/10)), Way: traffic.Call,
			To: catalog.Alias(fmt.Sprintf("otel:shop/service-%d", i*7%10000)),
		})
		f.Requests, f.First, f.Last, f.Protocol = float64(calls), at, at+3000, "http"
		f.Together.NoneFailed = uint64(calls)
		for range calls {
			f.Latency.Add(random.ExpFloat64()/20, 1)
		}
		for o := range 3 {
			f.AddOperation(fmt.Sprintf("GET /things/{id}/%d", o), float64(calls/3), 0)
		}
	}
	for i := range manyFlows / 10 {
		v := c.Service(traffic.ServiceKey{Alias: catalog.Alias(fmt.Sprintf("otel:shop/service-%d", i))})
		v.Requests, v.First, v.Last = 100, at, at+3000
	}
	return c
}

func heap() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc) / (1 << 20)
}

// BenchmarkFlush writes and shows 100,000 flows that have all changed, to a store in memory.
func BenchmarkFlush(b *testing.B) {
	before := heap()
	rows := newStore()
	rows.alone = true
	at := newClock()
	l := ledger.New(ledger.Config{Store: rows, Now: at.Now})
	l.Source(ledger.Source{ID: "traces", MaxBytes: 4 << 30})
	hour := hourOf(at.Now())
	l.Hear("traces", hour, busy(hour, 50))
	l.Step(b.Context())
	size := 0
	for _, row := range rows.rows {
		size += len(row.Data)
	}
	open, row := heap()-before-float64(size)/(1<<20), float64(size)/manyFlows
	for b.Loop() {
		b.StopTimer()
		more := busy(hour, 3)
		b.StartTimer()
		l.Hear("traces", hour, more)
		if !l.Step(b.Context()) {
			b.Fatal("a step failed")
		}
	}
	b.StopTimer()
	at.advance(4 * time.Hour)
	l.Step(b.Context())
	size = 0
	for _, row := range rows.rows {
		size += len(row.Data)
	}
	b.ReportMetric(open, "MiB")
	b.ReportMetric(row, "B/flow-row")
	b.ReportMetric(heap()-before-float64(size)/(1<<20), "MiB-summed")
	runtime.KeepAlive(l)
}

// repeated is a store that tells the rows of one hour for many.
type repeated struct {
	*store
	hours int
}

func (r *repeated) Traffic(_ context.Context, after uint64) iter.Seq2[graph.TrafficRow, error] {
	return func(yield func(graph.TrafficRow, error) bool) {
		for hour := range r.hours {
			for _, row := range r.rows {
				row.Hour -= traffic.Hour(r.hours - hour)
				row.Writer = "@p@1.1"
				row.Sequence += uint64(hour) << 32
				if row.Sequence > after && !yield(row, nil) {
					return
				}
			}
		}
	}
}

// BenchmarkLoad adds up 100,000 flows that were all busy for a week: the rows of 30 hours that are not summed up yet, and of six
// days that are.
func BenchmarkLoad(b *testing.B) {
	rows := &repeated{store: newStore(), hours: 36}
	at := newClock()
	l := ledger.New(ledger.Config{Store: rows.store, Now: at.Now})
	l.Source(ledger.Source{ID: "traces", MaxBytes: 4 << 30})
	hour := hourOf(at.Now())
	l.Hear("traces", hour, busy(hour, 50))
	l.Step(b.Context())
	l = nil
	before := heap()
	for b.Loop() {
		l = ledger.New(ledger.Config{Store: rows, Now: at.Now})
		l.Source(ledger.Source{ID: "traces", MaxBytes: 4 << 30})
		if err := l.Load(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(heap()-before, "MiB")
	runtime.KeepAlive(l)
}
