package health_test

import (
	"testing"

	"github.com/orrery-catalog/orrery/catalog"
)

func TestNoProbes(t *testing.T) {
	judge(t, "no-probes", map[string]judgement{
		"serves":          {facts: facts(serving()), want: "main FAIL ERROR"},
		"serves nothing":  {facts: facts(silent()), want: "main FAIL WARNING"},
		"liveness":        {facts: facts(serving(live(tcp("8080")))), want: "main PASS"},
		"readiness":       {facts: facts(serving(ready(tcp("8080")))), want: "main PASS"},
		"startup alone":   {facts: facts(serving(started(tcp("8080")))), want: "main PASS"},
		"one of two":      {facts: facts(serving(ready(tcp("8080"))), serving(named("other"))), want: "main PASS; other FAIL ERROR"},
		"a sidecar alone": {facts: facts(serving(named("proxy"), role(catalog.SidecarContainer), ready(tcp("8080"))), serving()), want: "proxy PASS; main FAIL ERROR"},
		"a bare sidecar":  {facts: facts(serving(named("proxy"), role(catalog.SidecarContainer)), serving(ready(tcp("8080")))), want: "proxy FAIL ERROR; main PASS"},
		"an init container": {
			facts: facts(silent(named("migrate"), role(catalog.InitContainer)), serving(ready(tcp("8080")))),
			want:  "migrate NOT_APPLICABLE; main PASS",
		},
		// It cannot have a probe, and if it has one it says nothing of the container that serves.
		"an init container with a probe": {
			facts: facts(serving(named("migrate"), role(catalog.InitContainer), ready(tcp("8080"))), serving()),
			want:  "migrate NOT_APPLICABLE; main FAIL ERROR",
		},
		"a job": {facts: edited(facts(silent()), func(f *catalog.Facts) { f.Workload.Kind = "job" }), want: "main NOT_APPLICABLE"},
		"a cron job": {
			facts: edited(facts(silent()), func(f *catalog.Facts) { f.Workload.Kind = "cronjob" }), want: "main NOT_APPLICABLE",
		},
		"an undeclared port behind a service": {facts: edited(facts(silent()), behind(service("web", "8080"))), want: "main FAIL ERROR"},
		"UDP alone": {
			facts: facts(serving(func(c *catalog.Container) { c.Ports[0].Protocol = "UDP" })), want: "main FAIL WARNING",
		},
		"UDP behind a service": {
			facts: edited(facts(serving(func(c *catalog.Container) { c.Ports[0].Protocol = "UDP" })), behind(service("web", "8080"))), want: "main FAIL ERROR",
		},
	})
}
