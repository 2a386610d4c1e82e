package traffic_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

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

func FuzzUnpack(f *testing.F) {
	random := rand.New(rand.NewPCG(9, 9))
	for range 20 {
		packed, err := traffic.Pack(randomCounts(random))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(packed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		counts, err := traffic.Unpack(data)
		if err != nil {
			return
		}
		packed, err := traffic.Pack(counts)
		if err != nil {
			t.Fatal(err)
		}
		if len(packed) > traffic.MaxPackedBytes { // words may be shared by what is there twice
			return
		}
		again, err := traffic.Unpack(packed)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(counts, again, sketches, cmpopts.EquateEmpty()); diff != "" {
			t.Error(diff)
		}
	})
}

// TestNewerFieldsArePassedOver adds a field that this version does not know.
func TestNewerFieldsArePassedOver(t *testing.T) {
	want := randomCounts(rand.New(rand.NewPCG(3, 3)))
	packed, err := traffic.Pack(want)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[int]any
	if err := cbor.Unmarshal(packed, &fields); err != nil {
		t.Fatal(err)
	}
	fields[99] = []string{"something new"}
	newer, err := cbor.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	got, err := traffic.Unpack(newer)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, sketches); diff != "" {
		t.Error(diff)
	}
}

// TestMergingIsASum merges random counts in two orders.
func TestMergingIsASum(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 4))
	for range 300 {
		list := make([][]byte, 1+random.IntN(5))
		for i := range list {
			list[i], _ = traffic.Pack(randomCounts(random))
		}
		sum := func() []byte {
			var all traffic.Counts
			for _, packed := range list {
				counts, err := traffic.Unpack(packed)
				if err != nil {
					t.Fatal(err)
				}
				all.Merge(counts)
			}
			packed, err := traffic.Pack(&all)
			if err != nil {
				t.Fatal(err)
			}
			return packed
		}
		before := sum()
		random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		if !bytes.Equal(before, sum()) {
			t.Fatal("in another order the sum is another")
		}
	}
}

func TestBehaves(t *testing.T) {
	for _, test := range []struct {
		bothFailed, callFailed, requestFailed, noneFailed uint64
		want                                              catalog.Strength
	}{
		{20, 0, 0, 180, catalog.Hard},
		{0, 20, 0, 180, catalog.Soft},
		{1, 1, 0, 198, catalog.Unstated},
		{9, 0, 0, 100, catalog.Unstated},
		{10, 0, 0, 0, catalog.Hard},
		{7, 3, 1, 4, catalog.Hard}, // 0.7 − 0.2 is half exactly
		{4, 6, 1, 4, catalog.Soft}, // 0.4 − 0.2 is a fifth exactly
		{5, 5, 1, 9, catalog.Unstated},
		{10, 0, 100, 0, catalog.Soft}, // all requests fail anyway
	} {
		together := traffic.Together{
			BothFailed: test.bothFailed, CallFailed: test.callFailed, RequestFailed: test.requestFailed, NoneFailed: test.noneFailed,
		}
		if got := together.Behaves(); got != test.want {
			t.Errorf("%+v behaves %v, want %v", together, got, test.want)
		}
	}
}

func TestOperationsAreBounded(t *testing.T) {
	var one, other traffic.Flow
	for i := range 200 {
		one.AddOperation(fmt.Sprintf("GET /%d", i), 1, 0)
		other.AddOperation(fmt.Sprintf("PUT /%d", i), 1, 1)
	}
	one.Merge(&other)
	sum := traffic.Operation{}
	for _, operation := range one.Operations {
		sum.Requests += operation.Requests
		sum.Errors += operation.Errors
	}
	if len(one.Operations) > traffic.MaxOperations || sum != (traffic.Operation{Requests: 400, Errors: 200}) {
		t.Errorf("%d operations with %+v", len(one.Operations), sum)
	}
}
