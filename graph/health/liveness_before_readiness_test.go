package health_test

import (
	"testing"

	"github.com/orrery-catalog/orrery/catalog"
)

func TestLivenessBeforeReadiness(t *testing.T) {
	both := func(l, r func(*catalog.Probe)) *catalog.Facts {
		return facts(serving(live(get("8080", "/livez", l)), ready(get("8080", "/readyz", r))))
	}
	judge(t, "liveness-before-readiness", map[string]judgement{
		"one alone":       {facts: facts(serving(live(tcp("8080")))), want: "main NOT_APPLICABLE"},
		"more tolerant":   {facts: both(timed(0, 10, 1, 6), timed(0, 10, 1, 3)), want: "main PASS", says: "60 s of failures, readiness 30 s"},
		"as tolerant":     {facts: both(timed(0, 10, 1, 3), timed(0, 10, 1, 3)), want: "main FAIL WARNING"},
		"less tolerant":   {facts: both(timed(0, 5, 1, 3), timed(0, 10, 1, 3)), want: "main FAIL WARNING"},
		"by more periods": {facts: both(timed(0, 20, 1, 2), timed(0, 10, 1, 3)), want: "main PASS"},
		"a delay is none": {facts: both(timed(300, 10, 1, 3), timed(0, 10, 1, 3)), want: "main FAIL WARNING"},
		"out of bounds":   {facts: both(timed(0, 2147483647, 1, 2147483647), timed(0, 10, 1, 3)), want: "main PASS"},
	})
}
