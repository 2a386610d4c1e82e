package prometheus_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/internal/testenv"
	"github.com/orrery-catalog/orrery/scanners/prometheus"
	"github.com/orrery-catalog/orrery/scanners/scantest"
)

// sample is what one scrape saw of a counter.
type sample struct {
	at    time.Time
	value float64
}

// counter is a simulated series, and what it truly counted by the time when a scrape saw it.
type counter struct {
	client, instance string
	samples          []sample
	grown            []sample // value: by how much, at the time of a sample
}

// past is a history of counters of several targets, and the most that may be lost of it by resets between scrapes.
type past struct {
	counters []*counter
	from     time.Time
	hours    int
}

// newPast makes counters that begin in the middle, are reset, pause, and whose targets come late.
func newPast(random *rand.Rand, scrape time.Duration) *past {
	p := &past{from: time.Date(2026, 3, 4, 10, 0, 0, 0, time.UTC), hours: 9}
	end := p.from.Add(time.Duration(p.hours) * time.Hour)
	for target := range 5 {
		begin := p.from.Add(time.Duration(random.IntN(120)) * time.Minute).Add(time.Duration(random.IntN(int(scrape))).Truncate(time.Millisecond))
		gapFrom := begin.Add(time.Duration(random.IntN(300)) * time.Minute)
		gapEnd := gapFrom.Add(time.Duration(random.IntN(45)) * time.Minute)
		first := true // of the target
		var list []*counter
		for i := range 4 {
			list = append(list, &counter{client: fmt.Sprintf("c%d-%d", target, i), instance: fmt.Sprintf("i%d", target)})
		}
		born := make([]time.Time, len(list))
		value := make([]float64, len(list))
		for i := range list {
			born[i] = begin
			if i > 0 && random.IntN(2) == 0 {
				born[i] = begin.Add(time.Duration(random.IntN(400)) * time.Minute)
			} else {
				value[i] = float64(random.IntN(1_000_000)) // before anybody looked
			}
		}
		resetAt := begin.Add(time.Duration(random.IntN(400)) * time.Minute)
		for at := begin; at.Before(end); at = at.Add(scrape) {
			if !at.Before(gapFrom) && at.Before(gapEnd) && !first {
				for i := range list {
					if !at.Before(born[i]) {
						value[i] += 3 // nobody looks, and it counts all the same
					}
				}
				continue
			}
			reset := !at.Before(resetAt)
			if reset {
				resetAt = end.Add(time.Hour)
			}
			for i, c := range list {
				if at.Before(born[i]) {
					continue
				}
				if reset {
					value[i] = 0
				}
				if random.IntN(3) > 0 {
					value[i] += float64(random.IntN(20))
				}
				grown := value[i]
				if n := len(c.samples); n > 0 && !reset {
					grown -= c.samples[n-1].value
				} else if n == 0 && first {
					grown = 0 // it is not known when
				}
				c.samples = append(c.samples, sample{at, value[i]})
				c.grown = append(c.grown, sample{at, grown})
			}
			first = false
		}
		p.counters = append(p.counters, list...)
	}
	return p
}

// text is the history as OpenMetrics.
func (p *past) text() string {
	var b strings.Builder
	b.WriteString("# TYPE traces_service_graph_request counter\n")
	for _, c := range p.counters {
		for _, s := range c.samples {
			fmt.Fprintf(&b, "traces_service_graph_request_total{job=\"tempo\",instance=%q,client=%q,server=\"pay\"} %v %.3f\n",
				c.instance, c.client, s.value, float64(s.at.UnixMilli())/1000)
		}
	}
	b.WriteString("# EOF\n")
	return b.String()
}

// truth is what the counter counted in an hour, as far as it was scraped by then.
func (c *counter) truth(hour, until time.Time) float64 {
	sum := 0.0
	for _, g := range c.grown {
		if g.at.After(hour) && !g.at.After(hour.Add(time.Hour)) && !g.at.After(until) {
			sum += g.value
		}
	}
	return sum
}

// TestAnyScheduleCountsTheTruth asks a real Prometheus of a simulated past, at times, with pauses and with losses of memory
// of any sort: what is held afterwards is by how much the counters truly grew.
func TestAnyScheduleCountsTheTruth(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts a Prometheus")
	}
	random := rand.New(rand.NewPCG(7, 7))
	p := newPast(random, time.Minute)
	address := testenv.Prometheus(t, testenv.PrometheusConf{History: p.text()})
	all := 0.0
	for schedule := range 6 {
		now := p.from.Add(time.Duration(random.IntN(90)) * time.Minute)
		reader := newReader(t, address, &now)
		held := new(scantest.Counted)
		asked := make(map[time.Time]time.Time) // when each hour was asked last
		var state []byte
		for over := false; !over; {
			over = !now.Before(p.from.Add(time.Duration(p.hours) * time.Hour))
			next, err := reader.ReadTraffic(t.Context(), state, held)
			if err != nil {
				t.Fatal(err)
			}
			for hour := now.Add(-lookback).Truncate(time.Hour); !hour.After(now); hour = hour.Add(time.Hour) {
				asked[hour] = now
			}
			switch lose := random.IntN(6); {
			case over:
			case lose == 0: // what was handed over was lost
				state, held = nil, new(scantest.Counted)
				clear(asked)
			case lose == 1: // a new process, which remembers
				reader = newReader(t, address, &now)
				state = next
			default:
				state = next
			}
			step := time.Duration(1+random.IntN(30)) * time.Minute
			if random.IntN(8) == 0 {
				step = time.Duration(random.IntN(240)) * time.Minute
			}
			now = now.Add(step + time.Duration(random.IntN(60_000))*time.Millisecond)
		}
		if len(asked) < 3 {
			t.Fatalf("schedule %d holds %d hours: it proves little", schedule, len(asked))
		}
		for hour, at := range asked {
			got := held.Of(prometheus.ServiceGraph, traffic.Hour(hour.Unix()/3600))
			for _, c := range p.counters {
				want := c.truth(hour, at)
				all += want
				have := 0.0
				if flow := got.Flows[traffic.FlowKey{From: catalog.Alias("otel:" + c.client), To: "otel:pay", Way: traffic.Call}]; flow != nil {
					have = flow.Requests
				}
				if math.Abs(have-want) > 1e-6 {
					t.Errorf("schedule %d, %s of %s as of %s: %v, want %v", schedule, c.client, hour.Format("15:04"), at.Format("15:04:05"), have, want)
				}
			}
		}
	}
	if all < 10_000 {
		t.Errorf("only %v requests were compared", all)
	}
}

// TestResetsBetweenStepsLoseLittle scrapes more often than the reader looks: of a counter that is reset at most what it
// counted since the step before is lost, and nothing is ever counted twice.
func TestResetsBetweenStepsLoseLittle(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts a Prometheus")
	}
	p := newPast(rand.New(rand.NewPCG(8, 8)), 10*time.Second)
	now := p.from.Add(time.Duration(p.hours)*time.Hour - time.Second)
	reader := newReader(t, testenv.Prometheus(t, testenv.PrometheusConf{History: p.text()}), &now)
	held := new(scantest.Counted)
	if _, err := reader.ReadTraffic(t.Context(), nil, held); err != nil {
		t.Fatal(err)
	}
	for _, c := range p.counters {
		want := 0.0
		for hour := now.Add(-lookback).Truncate(time.Hour); hour.Before(now); hour = hour.Add(time.Hour) {
			want += c.truth(hour, now)
		}
		got := 0.0
		if flow := held.Sum(prometheus.ServiceGraph).Flows[traffic.FlowKey{From: catalog.Alias("otel:" + c.client), To: "otel:pay", Way: traffic.Call}]; flow != nil {
			got = flow.Requests
		}
		if most := 20.0 * 6; got > want+1e-6 || got < want-most {
			t.Errorf("%s: %v, want at most %v, and %v less", c.client, got, want, most)
		}
	}
}

const lookback = 3 * time.Hour

func newReader(t *testing.T, address string, now *time.Time) *prometheus.Reader {
	t.Helper()
	reader, err := prometheus.New(prometheus.Config{
		URL: address, Lookback: lookback, Metrics: []string{prometheus.ServiceGraph}, Now: func() time.Time { return *now },
	})
	if err != nil {
		t.Fatal(err)
	}
	return reader
}
