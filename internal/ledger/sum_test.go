package ledger_test

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/ledger"
)

// plain is a plain sum of all that was counted.
type plain struct {
	traffic.Counts
}

func (p *plain) add(c *traffic.Counts) {
	packed, err := traffic.Pack(c)
	if err != nil {
		panic(err)
	}
	again, err := traffic.Unpack(packed)
	if err != nil {
		panic(err)
	}
	p.Merge(again)
}

func hourOf(t time.Time) traffic.Hour { return traffic.Hour(t.Unix() / 3600) }

// someCounts are counts of a few services in an hour.
func someCounts(random *rand.Rand, hour traffic.Hour, entries int) *traffic.Counts {
	alias := func(world string) catalog.Alias {
		return catalog.Alias(fmt.Sprintf("%s:s%d", world, random.IntN(entries)))
	}
	instant := func() catalog.Instant { return catalog.Instant(uint32(hour)*3600 + random.Uint32N(3600)) }
	c := &traffic.Counts{}
	for range 1 + random.IntN(entries) {
		f := c.Flow(traffic.FlowKey{From: alias("otel"), To: alias("otel"), Way: traffic.Way(1 + random.IntN(4)), Environment: "prod"})
		first, last := instant(), instant()
		f.Merge(&traffic.Flow{
			Requests: float64(1 + random.IntN(9)), Errors: float64(random.IntN(2)), Protocol: []string{"", "http", "grpc"}[random.IntN(3)],
			First: min(first, last), Last: max(first, last),
			Together: traffic.Together{BothFailed: random.Uint64N(2), NoneFailed: random.Uint64N(9)},
		})
		f.Latency.Add(random.ExpFloat64()/10, 1)
		f.AddOperation(fmt.Sprintf("GET /%d", random.IntN(20)), 1, 0)
	}
	for range random.IntN(3) {
		v := c.Service(traffic.ServiceKey{Alias: alias("otel"), Environment: "prod"})
		v.Merge(&traffic.Service{Requests: 2, Entries: float64(random.IntN(2)), First: instant(), Last: instant()})
		v.AddAliases(alias("k8s"))
	}
	for range random.IntN(2) {
		c.Delivery(traffic.DeliveryKey{Consumer: alias("otel"), Topic: alias("topic"), Producer: alias("otel")}).Merge(
			&traffic.Delivery{Messages: 3, First: instant(), Last: instant()})
		c.Touch(traffic.ReachKey{Entry: alias("otel"), Touched: alias("otel"), Environment: "prod"}, 2)
	}
	if random.IntN(4) == 0 {
		c.Lose(traffic.LostDuplicate, 1)
	}
	return c
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(1, math.Abs(a), math.Abs(b)) }

// check compares what is shown with the plain sum.
func (p *plain) check(t *testing.T, shown graph.Traffic, source string) {
	t.Helper()
	for key, want := range p.Flows {
		got := shown.Flow(source, key.ID())
		switch {
		case got == nil:
			t.Fatalf("nothing is known of %v", key)
		case !near(got.Requests, want.Requests) || !near(got.Errors, want.Errors) || got.Together != want.Together || got.FlowKey != key:
			t.Fatalf("%v: %+v, want %+v", key, got, want)
		case !got.First.Equal(want.First.Time()) || !got.Last.Equal(want.Last.Time()) || got.Sampled != want.Sampled:
			t.Fatalf("%v: from %v to %v, want %v to %v", key, got.First, got.Last, want.First.Time(), want.Last.Time())
		}
		operations := 0.0
		for _, operation := range got.Operations {
			operations += operation.Requests
			if !near(want.Operations[operation.Name].Requests, operation.Requests) {
				t.Fatalf("%v %s: %v, want %v", key, operation.Name, operation.Requests, want.Operations[operation.Name])
			}
		}
	}
	for key, want := range p.Services {
		got := shown.Service(key.Environment, key.Alias)
		if got == nil || !near(got.Requests, want.Requests) || !near(got.Entries, want.Entries) || !got.Last.Equal(want.Last.Time()) {
			t.Fatalf("%v: %+v, want %+v", key, got, want)
		}
	}
	for key, want := range p.Deliveries {
		got := shown.Delivery(cmp.Or(key.Environment, "prod"), key.Consumer, key.Topic, key.Producer)
		if got == nil || !near(got.Messages, want.Messages) || got.Last != want.Last {
			t.Fatalf("%v: %+v, want %+v", key, got, want)
		}
	}
	for key, want := range p.Reach {
		if got := shown.Reach(key.Environment, key.Entry, key.Touched); !near(got, want) {
			t.Fatalf("%v: %v, want %v", key, got, want)
		}
	}
	for reason, want := range p.Lost {
		if got := shown.Lost(source)[reason]; got != want {
			t.Fatalf("lost %s: %d, want %d", reason, got, want)
		}
	}
}

// TestAnySplitGivesTheSameSum lets several processes count, each its part of a stream, with writes, reads, restarts,
// compactions and an absent store in any order.
func TestAnySplitGivesTheSameSum(t *testing.T) {
	for seed := range uint64(25) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			at, rows := newClock(), newStore()
			entries := []int{3, 8, 60}[random.IntN(3)]
			open := func() *ledger.Ledger {
				l := ledger.New(ledger.Config{Store: rows, Now: at.Now})
				l.Source(ledger.Source{ID: "traces", Environment: "prod"})
				return l
			}
			all := []*ledger.Ledger{open(), open(), open()}
			var want plain
			settle := func() { // what is not written within a day may be lost
				for _, l := range all {
					if err := l.Flush(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
			}
			for range 200 {
				i := random.IntN(len(all))
				if seed%2 == 1 {
					all[i].Press("traces")
				}
				switch random.IntN(12) {
				default:
					hour := hourOf(at.Now()) - traffic.Hour(random.IntN(3))
					if random.IntN(10) == 0 {
						hour -= traffic.Hour(random.IntN(24 * 10))
					}
					counts := someCounts(random, hour, entries)
					want.add(counts)
					all[i].Hear("traces", hour, counts)
				case 6:
					settle()
					at.advance(time.Duration(random.Int64N(int64(3 * time.Hour))))
				case 7:
					if !all[i].Step(t.Context()) {
						t.Fatal("a step failed")
					}
				case 8:
					if all[i].Step(t.Context()) {
						if err := all[i].Tidy(t.Context()); err != nil {
							t.Fatal(err)
						}
					}
				case 9: // killed after a flush
					if err := all[i].Flush(t.Context()); err != nil {
						t.Fatal(err)
					}
					all[i] = open()
				case 10:
					settle()
					at.advance(24 * time.Hour)
				case 11:
					rows.fails(graph.ErrUnavailable)
					rows.doubtful = random.IntN(2) == 0
					all[i].Step(t.Context())
					rows.fails(nil)
				}
			}
			for range 3 {
				for _, l := range all {
					if !l.Step(t.Context()) {
						t.Fatal("a step failed")
					}
				}
				at.advance(time.Minute)
			}
			all = append(all, open())
			all[3].Step(t.Context())
			for i, l := range all {
				t.Logf("process %d, %d rows", i, rows.count())
				want.check(t, l.Numbers(), "traces")
				if known, inSets := l.Audit("traces"); known[0] != known[1] || inSets[0] != inSets[1] {
					t.Errorf("it holds %d and %d in sets, and tells of %d and %d", known[1], inSets[1], known[0], inSets[0])
				}
			}
			// Compacted, it is the same.
			at.advance(5 * 24 * time.Hour)
			if err := all[0].Tidy(t.Context()); err != nil {
				t.Fatal(err)
			}
			all = append(all, open())
			slices.Reverse(all)
			for _, l := range all {
				l.Step(t.Context())
				at.advance(time.Minute)
				l.Step(t.Context())
				want.check(t, l.Numbers(), "traces")
			}
		})
	}
}

// TestRowsOfARemovedSourceAge holds that the rows of a source that is no longer configured stay as long as its traffic is not
// old, in case it comes back, and then go.
func TestRowsOfARemovedSourceAge(t *testing.T) {
	at, rows := newClock(), newStore()
	open := func(ids ...string) *ledger.Ledger {
		l := ledger.New(ledger.Config{Store: rows, Now: at.Now})
		for _, id := range ids {
			l.Source(ledger.Source{ID: id, Environment: "prod"})
		}
		return l
	}
	hear := func(l *ledger.Ledger, id string) {
		l.Hear(id, hourOf(at.Now()), someCounts(rand.New(rand.NewPCG(1, 1)), hourOf(at.Now()), 8))
		if err := l.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	both := open("traces", "other")
	hear(both, "traces")
	hear(both, "other")
	of := func(source string) (n int) {
		for row, err := range rows.Traffic(t.Context(), 0) {
			if err != nil {
				t.Fatal(err)
			}
			if row.Source == source {
				n++
			}
		}
		return n
	}
	one := open("traces")
	tidy := func() {
		if !one.Step(t.Context()) {
			t.Fatal("a step failed")
		}
		if err := one.Tidy(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	at.advance(80 * 24 * time.Hour)
	hear(one, "traces")
	tidy()
	if of("other") == 0 {
		t.Error("what a source had is gone before it is old")
	}
	at.advance(11 * 24 * time.Hour)
	hear(both, "other") // by a process that has it in its configuration still
	tidy()
	if of("other") == 0 {
		t.Error("what a source has that another process knows is gone")
	}
	at.advance(91 * 24 * time.Hour)
	hear(one, "traces")
	tidy()
	if of("other") != 0 || of("traces") == 0 {
		t.Errorf("%d rows are left, and %d of the source that is there", of("other"), of("traces"))
	}
}
