package health_test

import (
	"fmt"
	"testing"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph/health"
)

// fleet are so many services, each on a workload of its own, all in one namespace and with a port that is not there.
func fleet(n int) *world {
	w := &world{}
	for i := range n {
		e := w.entity(catalog.NewRef("component", "", fmt.Sprintf("service-%06d", i)))
		on := w.entity(catalog.NewRef("workload", "shop", fmt.Sprintf("prod.deployment.service-%06d", i)))
		on.Facts = edited(facts(serving(live(get("http", "/livez")), ready(get("8080", "/readyz"))), serving(named("proxy"))), func(f *catalog.Facts) {
			f.Services = []catalog.Service{service(fmt.Sprintf("service-%d", i), "http", "nope")}
		})
		w.relate(e.Ref, catalog.RunsOn, on.Ref, "production")
	}
	return w
}

// BenchmarkJudge tells that the cost of a service does not grow with their number.
func BenchmarkJudge(b *testing.B) {
	for _, n := range []int{1_000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s, j := fleet(n).snapshot(), health.DefaultJudge()
			for b.Loop() {
				if got := j.All(s, "", noon); len(got) != n {
					b.Fatalf("%d services", len(got))
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/service")
		})
	}
}
