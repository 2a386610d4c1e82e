package health_test

import (
	"testing"

	"github.com/orrery-catalog/orrery/catalog"
)

func endpoints(n int32, edits ...func(*catalog.Service)) *catalog.Facts {
	s := service("web", "8080")
	s.ReadyEndpoints = &n
	for _, edit := range edits {
		edit(&s)
	}
	ready := int32(1)
	return edited(facts(serving()), func(f *catalog.Facts) { f.Services, f.Workload.Ready = []catalog.Service{s}, &ready })
}

func TestServiceWithoutEndpoints(t *testing.T) {
	judge(t, "service-without-endpoints", map[string]judgement{
		"no service":   {facts: facts(serving()), want: "NOT_APPLICABLE"},
		"manifests":    {facts: edited(facts(serving()), behind(service("web", "8080"))), want: "NOT_APPLICABLE"},
		"one":          {facts: endpoints(1), want: "PASS"},
		"none":         {facts: endpoints(0), want: "FAIL ERROR", says: "Service shop/web has no ready endpoint"},
		"not told":     {facts: endpoints(0, func(s *catalog.Service) { s.ReadyEndpoints = nil }), want: "UNKNOWN"},
		"not ready":    {facts: endpoints(0, func(s *catalog.Service) { s.PublishNotReady = true }), want: "NOT_APPLICABLE"},
		"scaled to 0":  {facts: edited(endpoints(0), func(f *catalog.Facts) { *f.Workload.Wanted = 0 }), want: "NOT_APPLICABLE"},
		"two services": {facts: edited(endpoints(1), func(f *catalog.Facts) { f.Services = append(f.Services, endpoints(0).Services...) }), want: "PASS; FAIL ERROR"},
	})
}

func TestServicePortUnresolved(t *testing.T) {
	to := func(targets ...string) *catalog.Facts {
		return edited(facts(serving()), behind(service("web", targets...)))
	}
	judge(t, "service-port-unresolved", map[string]judgement{
		"no service": {facts: facts(serving()), want: "NOT_APPLICABLE"},
		"by number":  {facts: to("8080"), want: "PASS"},
		"undeclared": {facts: to("9999"), want: "PASS"},
		"by name":    {facts: to("http"), want: "PASS"},
		"no name":    {facts: to("http", "admin"), want: "FAIL ERROR", says: "port 81 of Service shop/web leads to a port admin"},
		"protocol": {
			facts: edited(to("http"), func(f *catalog.Facts) { f.Services[0].Ports[0].Protocol = "UDP" }), want: "FAIL ERROR",
		},
		"of an init container": {
			facts: edited(facts(serving(role(catalog.InitContainer)), silent(named("b"))), behind(service("web", "http"))), want: "FAIL ERROR",
		},
		"of a native sidecar": {
			facts: edited(facts(serving(role(catalog.SidecarContainer)), silent(named("b"))), behind(service("web", "http"))), want: "PASS",
		},
		"of no other workload": {
			facts: edited(facts(silent()), behind(service("web", "http"))), want: "FAIL ERROR",
			others: []*catalog.Facts{edited(facts(silent()), behind(service("web", "http"))), edited(facts(serving()), behind(service("other", "http")))},
		},
		"of another workload": {
			facts: edited(facts(silent()), behind(service("web", "http"))), others: []*catalog.Facts{to("http")}, want: "FAIL WARNING",
		},
	})
}
