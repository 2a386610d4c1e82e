package health_test

import (
	"testing"

	"github.com/orrery-catalog/orrery/graph/health"
)

func TestNoReadiness(t *testing.T) {
	judge(t, "no-readiness", map[string]judgement{
		"there":             {facts: facts(serving(ready(get("8080", "/readyz")))), want: "main PASS", says: "HTTP GET :8080/readyz"},
		"liveness alone":    {facts: facts(serving(live(tcp("8080")))), want: "main FAIL ERROR"},
		"startup alone":     {facts: facts(serving(started(tcp("8080")))), want: "main FAIL ERROR"},
		"no probe at all":   {facts: facts(serving()), want: "main NOT_APPLICABLE", says: "no-probes"},
		"that is not asked": {facts: facts(serving()), policy: health.Policy{Disabled: []string{"no-probes"}}, want: "main FAIL ERROR"},
		"serves nothing":    {facts: facts(silent(live(run("check")))), want: "main NOT_APPLICABLE"},
		// Declared or not, the only container is who serves.
		"undeclared, one container": {facts: edited(facts(silent(live(run("check")))), behind(service("web", "9000"))), want: "main FAIL ERROR"},
		"undeclared, two containers": {
			facts: edited(facts(silent(live(run("check"))), silent(named("b"), live(run("check")))), behind(service("web", "9000"))),
			want:  "main UNKNOWN; b UNKNOWN",
		},
		"undeclared, one of two probes it": {
			facts: edited(facts(silent(live(tcp("9000"))), silent(named("b"), live(run("check")))), behind(service("web", "9000"))),
			want:  "main FAIL ERROR; b NOT_APPLICABLE",
		},
		"declared by one of two": {
			facts: edited(facts(serving(live(tcp("8080"))), silent(named("b"), live(run("check")))), behind(service("web", "8080"))),
			want:  "main FAIL ERROR; b NOT_APPLICABLE",
		},
		"by name": {
			facts: edited(facts(silent(live(run("check"))), serving(named("b"), live(tcp("http")))), behind(service("web", "http"))),
			want:  "main NOT_APPLICABLE; b FAIL ERROR",
		},
		"by a name that none has": {
			facts: edited(facts(silent(live(run("check")))), behind(service("web", "nope"))), want: "main NOT_APPLICABLE",
		},
		"a headless service with a dummy port": {
			facts: edited(facts(silent(live(run("check")))), behind(service("web", "55555"))), want: "main FAIL ERROR",
		},
		"a probe of the neighbour does not count": {
			facts: facts(serving(live(tcp("8080"))), serving(named("b"), ready(tcp("8080")))), want: "main FAIL ERROR; b PASS",
		},
	})
}
