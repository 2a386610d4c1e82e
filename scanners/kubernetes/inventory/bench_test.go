package inventory_test

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// BenchmarkServicesOfPods joins services with the pods behind them, ten pods each, that nobody controls, so that each pod
// is a workload of its own. Ten times the input should cost ten times the time.
func BenchmarkServicesOfPods(b *testing.B) {
	for _, services := range []int{100, 1000} {
		b.Run(fmt.Sprintf("pods=%d,services=%d", 10*services, services), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				inv, behind := inventory.New("prod"), 0
				for i := range 10 * services {
					name := fmt.Sprintf("pod-%d", i)
					inv.Put(&inventory.Object{
						Key: inventory.Key{Kind: inventory.Pods, Namespace: "shop", Name: name},
						Value: &corev1.Pod{ObjectMeta: v1.ObjectMeta{Name: name, Namespace: "shop", Labels: map[string]string{
							"app": fmt.Sprintf("app-%d", i%services), "team": "all the same",
						}}},
					})
				}
				for i := range services {
					for _, w := range inv.Behind(&inventory.Object{
						Key: inventory.Key{Kind: inventory.Services, Namespace: "shop", Name: "service"},
						Value: &corev1.Service{Spec: corev1.ServiceSpec{Selector: map[string]string{
							"team": "all the same", "app": fmt.Sprintf("app-%d", i),
						}}},
					}) {
						behind += len(inv.PodsOf(w))
					}
				}
				if behind != 10*services {
					b.Fatalf("%d pods are behind the services, want %d", behind, 10*services)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*services), "ns/service")
		})
	}
}
