package edges_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/orrery-catalog/orrery/scanners/kubernetes/edges"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// BenchmarkInfer measures one namespace of some size, in which each workload needs three others, and has a policy. The
// metric is the time for a workload, which must not grow with their number.
func BenchmarkInfer(b *testing.B) {
	for _, size := range []int{100, 1000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			inv := inventory.New("test")
			var manifests strings.Builder
			for i := range size {
				other := func(n int) string { return fmt.Sprintf("w%d", (i*7+n)%size) }
				manifests.WriteString(workload(fmt.Sprintf("w%d", i), env(
					"A_HOST", other(1), "B_URL", "http://"+other(2)+".default.svc.cluster.local", "C", "http://10.0.0.1/", "D", "https://api.example.info",
				)))
				fmt.Fprintf(&manifests, "---\n{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: w%[1]d}, "+
					"spec: {podSelector: {matchLabels: {app: w%[1]d}}, ingress: [{from: [{podSelector: {matchLabels: {app: %[2]s}}}]}]}}\n", i, other(3))
			}
			put(b, inv, "test.yaml", []byte(manifests.String()))
			b.ResetTimer()
			for b.Loop() {
				edges.Infer(inv, "default")
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(size), "ns/workload")
		})
	}
}
