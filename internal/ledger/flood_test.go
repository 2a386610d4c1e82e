package ledger_test

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/ledger"
	"github.com/orrery-catalog/orrery/scanners"
)

// sink is a store elsewhere: it takes rows and none of the memory here.
type sink struct{ graph.Store }

func (sink) Capabilities() graph.Capabilities                       { return graph.Capabilities{} }
func (sink) WriteTraffic(context.Context, graph.TrafficWrite) error { return nil }
func (sink) Traffic(context.Context, uint64) iter.Seq2[graph.TrafficRow, error] {
	return func(func(graph.TrafficRow, error) bool) {}
}

func TestAFloodTakesNoMoreMemoryThanIsGiven(t *testing.T) {
	const maxBytes = 16 << 20
	call := func(c *traffic.Counts, from, to string, hour traffic.Hour, operations int) {
		first := catalog.Instant(hour) * 3600
		f := c.Flow(traffic.FlowKey{From: catalog.Alias(from), To: catalog.Alias(to), Way: traffic.Call})
		f.Merge(&traffic.Flow{Requests: 1, First: first, Last: first + 1, Protocol: "http"})
		f.Latency.Add(rand.ExpFloat64()/10, 1)
		for i := range operations {
			f.AddOperation(fmt.Sprintf("GET /%s/%s/%d", to, strings.Repeat("x", 90), i), 1, 0)
		}
	}
	floods := map[string]struct {
		turn   func(c *traffic.Counts, clock traffic.Hour, i int) traffic.Hour // makes what is heard in the turn i
		refuse string
	}{
		"hosts": {refuse: traffic.LostTooManyFlows, turn: func(c *traffic.Counts, clock traffic.Hour, i int) traffic.Hour {
			for j := range 500 {
				call(c, "otel:a", fmt.Sprintf("host:h%d.%d", i, j), clock, 0)
			}
			return clock
		}},
		"hosts with operations": {refuse: traffic.LostTooManyFlows, turn: func(c *traffic.Counts, clock traffic.Hour, i int) traffic.Hour {
			for j := range 500 {
				call(c, "otel:a", fmt.Sprintf("host:h%d.%d", i, j), clock, 30)
			}
			return clock
		}},
		"services": {refuse: traffic.LostTooManyServices, turn: func(c *traffic.Counts, clock traffic.Hour, i int) traffic.Hour {
			for j := range 500 {
				name := fmt.Sprintf("otel:s%d.%d", i, j)
				call(c, name, "otel:b", clock, 0)
				c.Service(traffic.ServiceKey{Alias: catalog.Alias(name)}).Merge(&traffic.Service{Requests: 1})
				c.Touch(traffic.ReachKey{Entry: "otel:b", Touched: catalog.Alias(name)}, 1)
			}
			return clock
		}},
		"past hours": {turn: func(c *traffic.Counts, clock traffic.Hour, i int) traffic.Hour {
			hour := clock - traffic.Hour(i*7%300)
			for j := range 1000 {
				call(c, "otel:a", fmt.Sprintf("host:h%d", j), hour, 3)
			}
			return hour
		}},
	}
	for name, flood := range floods {
		for _, away := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, away %t", name, away), func(t *testing.T) {
				at, before := newClock(), heap()
				rows := newStore()
				config := ledger.Config{Store: sink{}, Now: at.Now}
				if away {
					config.Store = rows
				}
				l := ledger.New(config)
				l.Source(ledger.Source{ID: "traces", MaxBytes: maxBytes})
				if !l.Step(t.Context()) {
					t.Fatal("a step failed")
				}
				if away {
					rows.fails(graph.ErrUnavailable)
				}
				most, heard := 0.0, 0.0
				for i := range 160 {
					clock := hourOf(at.Now())
					counts := &traffic.Counts{}
					hour := flood.turn(counts, clock, i)
					heard += float64(len(counts.Flows))
					l.Hear("traces", hour, counts)
					if i%3 == 0 {
						l.Step(t.Context())
					}
					if i%16 == 15 {
						most = max(most, heap()-before)
						at.advance(time.Hour)
					}
				}
				l.Step(t.Context())
				t.Logf("%.1f MiB at most, of %d; lost: %v", most, maxBytes>>20, l.Numbers().Lost("traces"))
				if most > 2*maxBytes/(1<<20) {
					t.Errorf("it takes %.1f MiB", most)
				}
				lost := l.Numbers().Lost("traces")
				if flood.refuse != "" && lost[flood.refuse] == 0 {
					t.Errorf("nothing was refused: %v", lost)
				}
				if flood.refuse == "" && !away {
					sum := 0.0
					for j := range 1000 {
						key := traffic.FlowKey{From: "otel:a", To: catalog.Alias(fmt.Sprintf("host:h%d", j)), Way: traffic.Call}
						sum += l.Numbers().Flow("traces", key.ID()).Requests
					}
					if len(lost) > 0 || sum != heard {
						t.Errorf("%v of %v calls are counted, and lost are %v", sum, heard, lost)
					}
				}
				runtime.KeepAlive(l)
			})
		}
	}
}

// archive is a reader of many files of many flows.
type archive struct{ each func() }

func (a archive) ReadTraffic(ctx context.Context, _ []byte, into scanners.TrafficSink) ([]byte, error) {
	for i := range 200 {
		c := &traffic.Counts{}
		for j := range 500 {
			name := catalog.Alias(fmt.Sprintf("host:h%d", j))
			f := c.Flow(traffic.FlowKey{From: "otel:a", To: name, Way: traffic.Call})
			f.Merge(&traffic.Flow{Requests: 1, First: 1e9, Last: 1e9})
			f.Latency.Add(rand.ExpFloat64(), 1)
		}
		if err := into.Replace(ctx, fmt.Sprintf("file%d", i), traffic.Hour(400_000+i), c); err != nil {
			return nil, err
		}
		if i%20 == 0 {
			a.each()
		}
	}
	return nil, nil
}

func TestManyFilesTakeNoMoreMemoryThanIsGiven(t *testing.T) {
	const maxBytes = 8 << 20
	before, most := heap(), 0.0
	l := ledger.New(ledger.Config{Store: sink{}})
	source := l.Source(ledger.Source{
		ID: "files", MaxBytes: maxBytes, Reader: archive{func() { most = max(most, heap()-before) }},
	})
	if _, err := source.Scan(t.Context(), nil, new(said)); err != nil {
		t.Fatal(err)
	}
	t.Logf("%.1f MiB at most, of %d", most, maxBytes>>20)
	if most > 2*maxBytes/(1<<20) {
		t.Errorf("it takes %.1f MiB", most)
	}
	key := traffic.FlowKey{From: "otel:a", To: "host:h7", Way: traffic.Call}
	if f := l.Numbers().Flow("files", key.ID()); f == nil || f.Requests != 200 {
		t.Errorf("of 200 calls are counted %+v", f)
	}
}
