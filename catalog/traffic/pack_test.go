package traffic_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/traffic"
)

// randomCounts are Counts of a few names, so that two of them have much in common.
func randomCounts(random *rand.Rand) *traffic.Counts {
	alias := func(world string) catalog.Alias {
		return catalog.Alias(fmt.Sprintf("%s:s%d", world, random.IntN(6)))
	}
	environment := func() string { return []string{"", "prod", "staging"}[random.IntN(3)] }
	instant := func() catalog.Instant { return catalog.Instant(random.IntN(1_800_000_000)) }
	sketch := func(to *traffic.Sketch) {
		for range random.IntN(20) {
			to.Add(random.ExpFloat64()/10, float64(1+random.IntN(3)))
		}
	}
	c := &traffic.Counts{}
	for range random.IntN(8) {
		f := c.Flow(traffic.FlowKey{
			From: alias("otel"), To: alias("db"), Way: traffic.Way(1 + random.IntN(4)), Environment: environment(),
		})
		f.Requests, f.Errors, f.Sampled = f.Requests+float64(random.IntN(9)), f.Errors+float64(random.IntN(9))/4, random.IntN(2) == 0
		sketch(&f.Latency)
		f.Protocol = []string{"", "http", "grpc", "redis"}[random.IntN(4)]
		f.First, f.Last = instant(), instant()
		for range random.IntN(5) {
			f.AddOperation(fmt.Sprintf("GET /%d", random.IntN(40)), 1, 0)
		}
		f.Together = traffic.Together{
			BothFailed: random.Uint64N(5), CallFailed: random.Uint64N(5), RequestFailed: random.Uint64N(5), NoneFailed: random.Uint64N(100),
		}
	}
	for range random.IntN(5) {
		s := c.Service(traffic.ServiceKey{Alias: alias("otel"), Environment: environment()})
		s.Requests, s.Errors, s.Entries = float64(random.IntN(9)), float64(random.IntN(3)), float64(random.IntN(2))
		sketch(&s.Latency)
		s.First, s.Last = instant(), instant()
		for range random.IntN(3) {
			s.AddAliases(alias("k8s"))
		}
	}
	for range random.IntN(4) {
		d := c.Delivery(traffic.DeliveryKey{Consumer: alias("otel"), Topic: alias("topic"), Producer: alias("otel"), Environment: environment()})
		d.Messages, d.First, d.Last = float64(random.IntN(9)), instant(), instant()
	}
	for range random.IntN(4) {
		c.Touch(traffic.ReachKey{Entry: alias("otel"), Touched: alias("db"), Environment: environment()}, float64(random.IntN(5)))
	}
	for range random.IntN(3) {
		c.Lose([]string{traffic.LostLate, traffic.LostDuplicate}[random.IntN(2)], random.Uint64N(10))
	}
	return c
}

// sketches compare by what they say.
var sketches = cmp.Comparer(func(a, b traffic.Sketch) bool { return bytes.Equal(a.Encode(), b.Encode()) })

func TestWhatIsPackedComesBack(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		want := randomCounts(random)
		packed, err := traffic.Pack(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := traffic.Unpack(packed)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, sketches); diff != "" {
			t.Fatal(diff)
		}
		again, err := traffic.Pack(got)
		if err != nil || !bytes.Equal(packed, again) {
			t.Fatal("packed again, it is something else", err)
		}
	}
}
