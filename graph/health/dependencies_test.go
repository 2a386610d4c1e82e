package health_test

import (
	"testing"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph/health"
)

func TestProbeCallsDependency(t *testing.T) {
	judge(t, "probe-calls-dependency", map[string]judgement{
		"no probes":     {facts: facts(serving()), want: "main NOT_APPLICABLE"},
		"itself":        {facts: facts(serving(live(tcp("8080")), ready(run("redis-cli 1a")))), want: "main PASS"},
		"liveness":      {facts: facts(serving(live(run("pg_isready 1a", "ledger-db")))), want: "main FAIL ERROR", says: "the liveness probe calls ledger-db"},
		"startup":       {facts: facts(serving(started(run("sh 1a", "a", "b")))), want: "main FAIL ERROR", says: "a, b"},
		"readiness":     {facts: facts(serving(ready(run("curl 1a", "pricing.shop")))), want: "main FAIL WARNING"},
		"the worst one": {facts: facts(serving(ready(run("curl 1a", "pricing.shop")), started(run("curl 1a", "pricing.shop")))), want: "main FAIL ERROR"},
	})
}

func TestLivenessOnDependencyEndpoint(t *testing.T) {
	ask := func(path string) *catalog.Facts { return facts(serving(live(get("8080", path)))) }
	judge(t, "liveness-on-dependency-endpoint", map[string]judgement{
		"no liveness":        {facts: facts(serving(ready(get("8080", "/readyz")))), want: "main NOT_APPLICABLE"},
		"TCP":                {facts: facts(serving(live(tcp("8080")))), want: "main NOT_APPLICABLE"},
		"its own":            {facts: ask("/livez"), want: "main PASS"},
		"that of readiness":  {facts: ask("/readyz"), want: "main FAIL WARNING"},
		"with a query":       {facts: ask("readyz?verbose"), want: "main FAIL WARNING"},
		"below":              {facts: ask("/health/ready"), want: "main FAIL WARNING"},
		"Prometheus":         {facts: ask("/-/ready"), want: "main FAIL WARNING"},
		"Spring, all":        {facts: ask("/actuator/health"), want: "main FAIL WARNING"},
		"Spring, its group":  {facts: ask("/actuator/health/liveness"), want: "main PASS"},
		"Spring, the other":  {facts: ask("/actuator/health/readiness"), want: "main FAIL WARNING"},
		"Quarkus, all":       {facts: ask("/q/health"), want: "main FAIL WARNING"},
		"Quarkus, its group": {facts: ask("/q/health/live"), want: "main PASS"},
		"a word within":      {facts: ask("/already"), want: "main PASS"},
		"by policy":          {facts: ask("/status/deep"), policy: health.Policy{DependencyPaths: []string{"/**/deep"}}, want: "main FAIL WARNING"},
		"policy instead":     {facts: ask("/readyz"), policy: health.Policy{DependencyPaths: []string{"/**/deep"}}, want: "main PASS"},
	})
}

func TestUnconventionalPath(t *testing.T) {
	judge(t, "health-path-unconventional", map[string]judgement{
		"no probes":     {facts: facts(serving()), want: "main NOT_APPLICABLE"},
		"TCP and exec":  {facts: facts(serving(live(tcp("8080")), ready(run("x")))), want: "main NOT_APPLICABLE"},
		"gRPC":          {facts: facts(serving(live(grpc("8080", "")))), want: "main PASS"},
		"as agreed":     {facts: facts(serving(live(get("8080", "/livez")), ready(get("8080", "readyz?x=1")), started(get("8080", "/healthz")))), want: "main PASS"},
		"liveness":      {facts: facts(serving(live(get("8080", "/health")), ready(get("8080", "/readyz")))), want: "main FAIL WARNING", says: "liveness is at /health, not at /livez or /healthz"},
		"crossed":       {facts: facts(serving(ready(get("8080", "/livez")))), want: "main FAIL WARNING", says: "readiness"},
		"one with gRPC": {facts: facts(serving(live(grpc("8080", "")), ready(get("8080", "/")))), want: "main FAIL WARNING"},
		"by policy": {
			facts:  facts(serving(live(get("8080", "/api/health/live")))),
			policy: health.Policy{LivenessPaths: []string{"/*/health/live"}}, want: "main PASS",
		},
	})
}
