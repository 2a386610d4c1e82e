package health_test

import (
	"testing"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph/health"
)

func TestNoLiveness(t *testing.T) {
	judge(t, "no-liveness", map[string]judgement{
		"there":             {facts: facts(serving(live(run("redis-cli 1a2b")))), want: "main PASS", says: "exec redis-cli"},
		"readiness alone":   {facts: facts(serving(ready(tcp("8080")))), want: "main FAIL WARNING"},
		"startup alone":     {facts: facts(silent(started(tcp("8080")))), want: "main FAIL WARNING"},
		"no probe at all":   {facts: facts(serving()), want: "main NOT_APPLICABLE"},
		"that is not asked": {facts: facts(silent()), policy: health.Policy{Disabled: []string{"no-probes"}}, want: "main FAIL WARNING"},
		"graded by policy": {
			facts:  facts(serving(ready(tcp("8080")))),
			policy: health.Policy{Severities: map[string]catalog.Severity{"no-liveness": catalog.Error}}, want: "main FAIL ERROR",
		},
	})
}
