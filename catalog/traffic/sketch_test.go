package traffic_test

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/orrery-catalog/orrery/catalog/traffic"
)

func BenchmarkSketchAdd(b *testing.B) {
	var s traffic.Sketch
	values := make([]float64, 1024)
	for i := range values {
		values[i] = math.Exp(rand.NormFloat64()*2 - 4)
		s.Add(values[i], 1)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		s.Add(values[i&1023], 1)
	}
}

// streams are shapes of durations, from ordinary to hostile.
func streams(random *rand.Rand) map[string][]float64 {
	made := map[string]func() float64{
		"constant":       func() float64 { return 0.123 },
		"normal service": func() float64 { return math.Exp(random.NormFloat64()*0.7 - 3) },
		"with timeouts": func() float64 {
			if random.IntN(100) == 0 {
				return 30
			}
			return math.Exp(random.NormFloat64()*0.3 - 6)
		},
		"everything there is": func() float64 { return math.Exp(random.Float64()*math.Log(3.6e8)) * 1e-5 },
		"two ends":            func() float64 { return []float64{traffic.ShortestDuration, traffic.LongestDuration}[random.IntN(2)] },
	}
	streams := make(map[string][]float64)
	for name, next := range made {
		for range 20000 {
			streams[name] = append(streams[name], next())
		}
	}
	return streams
}

func TestQuantilesAreAsExactAsStated(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for name, durations := range streams(random) {
		t.Run(name, func(t *testing.T) {
			var s traffic.Sketch
			for _, d := range durations {
				s.Add(d, 1)
			}
			decoded, err := traffic.DecodeSketch(s.Encode())
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d bytes", len(s.Encode()))
			if decoded.Count() < 0.99*20000 || decoded.Count() > 1.01*20000 {
				t.Errorf("%v durations once encoded", decoded.Count())
			}
			slices.Sort(durations)
			for _, q := range []float64{0, 0.01, 0.25, 0.5, 0.9, 0.95, 0.99, 1} {
				want := durations[int(q*float64(len(durations)-1))]
				if got, ok := s.Quantile(q); !ok || math.Abs(got-want) > traffic.Accuracy*want*1.0001 {
					t.Errorf("quantile %v is %v, want %v", q, got, want)
				}
				rank := func(q float64) float64 { return durations[int(min(1, max(0, q))*float64(len(durations)-1))] }
				low, high := rank(q-0.001), rank(q+0.001) // counts are rounded, too
				if got, ok := decoded.Quantile(q); !ok || got < low*(1-traffic.PackedAccuracy) || got > high*(1+traffic.PackedAccuracy) {
					t.Errorf("encoded, quantile %v is %v, want %v to %v", q, got, low, high)
				}
			}
		})
	}
}

// TestAnySketchFits adds anything at all.
func TestAnySketchFits(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	anything := func() float64 { return math.Float64frombits(random.Uint64()) }
	for range 3000 {
		var s traffic.Sketch
		wide, heavy := random.Float64()*20, random.Float64()*40
		for range random.IntN(3000) {
			switch random.IntN(10) {
			case 0:
				s.Add(anything(), anything())
			case 1:
				s.AddBucket(anything(), anything(), anything())
			default:
				s.Add(1e-5*math.Exp(random.Float64()*wide), math.Exp(random.Float64()*heavy))
			}
		}
		packed := s.Encode()
		if len(packed) > traffic.MaxSketchBytes || len(packed) == 0 && !s.Empty() {
			t.Fatalf("%d bytes of %v", len(packed), s.Count())
		}
		decoded, err := traffic.DecodeSketch(packed)
		if err != nil {
			t.Fatal(err)
		}
		if want, got := s.Count(), decoded.Count(); math.Abs(got-want) > 0.02*want {
			t.Fatalf("%v durations once encoded, of %v", got, want)
		}
	}
}

// TestAnyOrderOfMergingGivesTheSame splits streams over sketches, some of them packed, and merges these in any order.
func TestAnyOrderOfMergingGivesTheSame(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	for name, durations := range streams(random) {
		var whole traffic.Sketch
		parts := make([]traffic.Sketch, 1+random.IntN(9))
		for _, d := range durations {
			weight := float64(1 + random.IntN(4))
			whole.Add(d, weight)
			parts[random.IntN(len(parts))].Add(d, weight)
		}
		for range 5 {
			random.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
			var exact, rounded traffic.Sketch
			var list []*traffic.Sketch
			for i := range parts {
				clone := parts[i].Clone()
				exact.Merge(&clone)
				packed := parts[i].Packed()
				rounded.Merge(&packed)
				list = append(list, &packed)
			}
			if !bytes.Equal(exact.Encode(), whole.Encode()) {
				t.Errorf("%s: merged, it is something else", name)
			}
			sum := traffic.Sum(list...)
			if merged := rounded.Packed(); !bytes.Equal(sum.Encode(), merged.Encode()) {
				t.Errorf("%s: summed up, it is something else than merged", name)
			}
			for _, q := range []float64{0.01, 0.5, 0.9, 0.99} {
				want, _ := whole.Quantile(q)
				low, _ := whole.Quantile(q - 0.002)
				high, _ := whole.Quantile(q + 0.002)
				if got, ok := sum.Quantile(q); !ok || got < low*(1-traffic.PackedAccuracy) || got > high*(1+traffic.PackedAccuracy) {
					t.Errorf("%s: quantile %v is %v, want %v", name, q, got, want)
				}
			}
		}
	}
}

func TestBucketsOfHistograms(t *testing.T) {
	var s traffic.Sketch
	s.AddBucket(0, 0.1, 50)
	s.AddBucket(0.1, 0.2, 40)
	s.AddBucket(0.2, math.Inf(1), 10)
	if n := s.Count(); math.Abs(n-100) > 1e-6 {
		t.Errorf("%v durations", n)
	}
	for q, want := range map[float64]float64{0.25: 0.05, 0.5: 0.1, 0.7: 0.15, 0.99: 0.2} {
		if got, _ := s.Quantile(q); math.Abs(got-want) > 0.05*want {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
}

func TestAddingAllocatesNothing(t *testing.T) {
	var s traffic.Sketch
	s.Add(0.001, 1)
	s.Add(1, 1)
	if n := testing.AllocsPerRun(1000, func() { s.Add(0.1, 1) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzDecodeSketch(f *testing.F) {
	var s traffic.Sketch
	f.Add(s.Encode())
	s.Add(0.1, 1)
	f.Add(slices.Clone(s.Encode()))
	s.Add(3, 1e9)
	s.Add(0.003, 0.3)
	f.Add(slices.Clone(s.Encode()))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := traffic.DecodeSketch(data)
		if err != nil {
			return
		}
		s.Quantile(0.5)
		var open traffic.Sketch
		open.Merge(&s)
		open.Add(1, 1)
		if packed := open.Encode(); len(packed) == 0 || len(packed) > traffic.MaxSketchBytes {
			t.Errorf("%d bytes", len(packed))
		}
	})
}
