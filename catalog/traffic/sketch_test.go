package traffic_test

import (
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
