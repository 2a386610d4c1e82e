package health_test

import (
	"testing"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph/health"
)

func scaled(f *catalog.Facts, leasts ...int32) *catalog.Facts {
	for _, least := range leasts {
		f.Autoscalers = append(f.Autoscalers, catalog.Autoscaler{Name: "web", Min: least, Max: 10})
	}
	return f
}

func ofKind(f *catalog.Facts, kind string) *catalog.Facts {
	f.Workload.Kind = kind
	return f
}

func unknownReplicas() *catalog.Facts {
	return edited(replicas(1), func(f *catalog.Facts) { f.Workload.Wanted = nil })
}

func TestTooFewReplicas(t *testing.T) {
	judge(t, "too-few-replicas", map[string]judgement{
		"one, tier 1":  {facts: replicas(1), tier: 1, want: "FAIL ERROR", says: "1 replica; tier 1 asks for at least 2"},
		"one, tier 2":  {facts: replicas(1), tier: 2, want: "FAIL ERROR"},
		"one, tier 3":  {facts: replicas(1), tier: 3, want: "PASS"},
		"one, no tier": {facts: replicas(1), want: "PASS"},
		"two, tier 1":  {facts: replicas(2), tier: 1, want: "PASS"},
		"by policy":    {facts: replicas(2), tier: 1, policy: health.Policy{Replicas: [5]int{1: 3}}, want: "FAIL ERROR"},
		"a milder one": {facts: replicas(1), tier: 4, policy: health.Policy{Replicas: [5]int{4: 2}}, want: "FAIL WARNING"},
		"zero":         {facts: replicas(0), tier: 1, want: "NOT_APPLICABLE"},
		"unknown":      {facts: unknownReplicas(), tier: 1, want: "UNKNOWN"},
		"daemon set":   {facts: ofKind(unknownReplicas(), "daemonset"), tier: 1, want: "NOT_APPLICABLE"},
		"job":          {facts: ofKind(replicas(1), "job"), tier: 1, want: "NOT_APPLICABLE"},
		"autoscaled":   {facts: scaled(replicas(1), 3), tier: 1, want: "NOT_APPLICABLE"},
		"a bare pod":   {facts: ofKind(replicas(1), "pod"), tier: 1, want: "FAIL ERROR"},
		"versions behind one service": {
			facts: edited(replicas(1), behind(service("web", "8080"))), tier: 1, want: "PASS", says: "2 together",
			others: []*catalog.Facts{edited(replicas(1), behind(service("web", "8080")))},
		},
		"another part of the service": {
			facts: edited(replicas(1), behind(service("web", "8080"))), tier: 1, want: "FAIL ERROR",
			others: []*catalog.Facts{edited(replicas(1), behind(service("worker", "8080")))},
		},
	})
}

func TestAutoscalerBelowTier(t *testing.T) {
	judge(t, "autoscaler-below-tier", map[string]judgement{
		"none":         {facts: replicas(1), tier: 1, want: "NOT_APPLICABLE"},
		"down to one":  {facts: scaled(replicas(3), 1), tier: 1, want: "FAIL ERROR", says: "goes down to 1"},
		"down to two":  {facts: scaled(replicas(1), 2), tier: 1, want: "PASS"},
		"without tier": {facts: scaled(replicas(3), 1), want: "PASS"},
		"two of them":  {facts: scaled(replicas(3), 2, 1), tier: 2, want: "PASS; FAIL ERROR"},
	})
}

func TestRecreateStrategy(t *testing.T) {
	recreated := func() *catalog.Facts {
		return edited(replicas(2), func(f *catalog.Facts) { f.Workload.Recreate = true })
	}
	judge(t, "recreate-strategy", map[string]judgement{
		"tier 1":  {facts: recreated(), tier: 1, want: "FAIL WARNING"},
		"rolling": {facts: replicas(2), tier: 1, want: "PASS"},
		"tier 2":  {facts: recreated(), tier: 2, want: "NOT_APPLICABLE"},
	})
}
