package health_test

import (
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph/health"
)

func TestSlowStart(t *testing.T) {
	image := func(image string) func(*catalog.Container) {
		return func(c *catalog.Container) { c.Image = image }
	}
	quick := live(tcp("8080"))
	judge(t, "slow-start-unprotected", map[string]judgement{
		"no liveness":        {facts: facts(serving(ready(get("8080", "/", timed(120, 10, 1, 3))))), want: "main NOT_APPLICABLE"},
		"nothing is known":   {facts: facts(serving(quick)), want: "main UNKNOWN", says: "after 30 s"},
		"a long delay":       {facts: facts(serving(live(get("8080", "/", timed(30, 10, 1, 3))))), want: "main FAIL WARNING", says: "liveness waits 30 s"},
		"a shorter delay":    {facts: facts(serving(live(get("8080", "/", timed(29, 10, 1, 3))))), want: "main UNKNOWN"},
		"by policy":          {facts: facts(serving(live(get("8080", "/", timed(29, 10, 1, 3))))), policy: health.Policy{SlowStart: 20 * time.Second}, want: "main FAIL WARNING"},
		"readiness waits":    {facts: facts(serving(live(get("8080", "/", timed(0, 60, 1, 3))), ready(get("8080", "/", timed(45, 10, 1, 3))))), want: "main FAIL WARNING", says: "readiness waits 45 s"},
		"dead before ready":  {facts: facts(serving(live(get("8080", "/", timed(0, 5, 1, 3))), ready(get("8080", "/", timed(15, 10, 1, 3))))), want: "main FAIL WARNING", says: "before readiness is first asked"},
		"a startup probe":    {facts: facts(serving(live(get("8080", "/", timed(30, 10, 1, 3))), started(get("8080", "/", timed(0, 10, 1, 30))))), want: "main PASS", says: "300 s"},
		"a short one":        {facts: facts(serving(live(get("8080", "/", timed(120, 10, 1, 3))), started(tcp("8080")))), want: "main FAIL WARNING", says: "gives up after 30 s"},
		"one try":            {facts: facts(serving(quick, started(get("8080", "/", timed(0, 1, 1, 1))))), want: "main FAIL WARNING", says: "sooner than liveness alone"},
		"as much as alone":   {facts: facts(serving(quick, started(tcp("8080")))), want: "main PASS"},
		"a slow image":       {facts: facts(serving(quick, image("quay.io/keycloak/keycloak:24.0@sha256:00"))), want: "main FAIL WARNING", says: "as keycloak does"},
		"a registry's port":  {facts: facts(serving(quick, image("localhost:5000/keycloak"))), want: "main FAIL WARNING"},
		"a name within":      {facts: facts(serving(quick, image("acme/keycloak-proxy:1"))), want: "main UNKNOWN"},
		"one of two by glob": {facts: facts(serving(quick, image("gitlab/gitlab-ee:17"))), want: "main FAIL WARNING"},
		"no image":           {facts: facts(serving(quick, image(""))), want: "main UNKNOWN"},
	})
}
