package health_test

import (
	"testing"
)

func TestTimeoutOverPeriod(t *testing.T) {
	judge(t, "timeout-over-period", map[string]judgement{
		"no probes": {facts: facts(serving()), want: "main NOT_APPLICABLE"},
		"defaults":  {facts: facts(serving(live(tcp("8080")), ready(tcp("8080")))), want: "main PASS"},
		"over":      {facts: facts(serving(live(tcp("8080")), ready(get("8080", "/", timed(0, 5, 10, 3))))), want: "main FAIL WARNING", says: "readiness"},
		"equal":     {facts: facts(serving(live(get("8080", "/", timed(0, 5, 5, 3))))), want: "main FAIL WARNING"},
		"startup":   {facts: facts(serving(started(get("8080", "/", timed(0, 1, 2, 3))))), want: "main FAIL WARNING", says: "startup"},
	})
}
