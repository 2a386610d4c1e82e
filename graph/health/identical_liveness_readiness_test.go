package health_test

import (
	"testing"

	"github.com/orrery-catalog/orrery/catalog"
)

func TestIdenticalProbes(t *testing.T) {
	both := func(l, r *catalog.Probe, edits ...func(*catalog.Container)) *catalog.Facts {
		return facts(serving(append(edits, live(l), ready(r))...))
	}
	ports := func(c *catalog.Container) {
		c.Ports = []catalog.ContainerPort{{Name: "http", Number: 8080}, {Name: "admin", Number: 9090}, {Name: "also", Number: 8080, Protocol: "UDP"}}
	}
	judge(t, "identical-liveness-readiness", map[string]judgement{
		"equal":               {facts: both(get("8080", "/health"), get("8080", "/health")), want: "main FAIL ERROR", says: "in every respect"},
		"TCP":                 {facts: both(tcp("8080"), tcp("8080")), want: "main FAIL ERROR"},
		"gRPC":                {facts: both(grpc("8080", ""), grpc("8080", "")), want: "main FAIL ERROR"},
		"gRPC services":       {facts: both(grpc("8080", "live"), grpc("8080", "ready")), want: "main PASS"},
		"exec":                {facts: both(run("check 1a"), run("check 1a")), want: "main FAIL ERROR"},
		"exec with arguments": {facts: both(run("check 1a"), run("check 2b")), want: "main PASS"},
		"one alone":           {facts: facts(serving(live(tcp("8080")))), want: "main NOT_APPLICABLE"},
		"handlers":            {facts: both(tcp("8080"), get("8080", "/")), want: "main PASS"},
		"paths":               {facts: both(get("8080", "/livez"), get("8080", "/readyz")), want: "main PASS"},
		"queries":             {facts: both(get("8080", "/health"), get("8080", "/health?full=1")), want: "main PASS"},
		"a slash before":      {facts: both(get("8080", "health"), get("8080", "/health")), want: "main FAIL ERROR"},
		"no path":             {facts: both(get("8080", ""), get("8080", "/")), want: "main FAIL ERROR"},
		"a slash behind":      {facts: both(get("8080", "/health"), get("8080", "/health/")), want: "main PASS"},
		"a fragment":          {facts: both(get("8080", "/health#a"), get("8080", "/health")), want: "main FAIL ERROR"},
		"escaped":             {facts: both(get("8080", "/a%20b"), get("8080", "/a b")), want: "main FAIL ERROR"},
		"schemes":             {facts: both(get("8080", "/h"), get("8080", "/h", func(p *catalog.Probe) { p.Scheme = "HTTPS" })), want: "main PASS"},
		"scheme in any case":  {facts: both(get("8080", "/h"), get("8080", "/h", func(p *catalog.Probe) { p.Scheme = "" })), want: "main FAIL ERROR"},
		"hosts":               {facts: both(get("8080", "/h"), get("8080", "/h", host("other"))), want: "main PASS"},
		"headers": {
			facts: both(get("8080", "/h"), get("8080", "/h", func(p *catalog.Probe) { p.Headers = []string{"Cookie=1a"} })),
			want:  "main FAIL WARNING", says: "only headers differ",
		},
		"timings":         {facts: both(get("8080", "/h", timed(300, 3, 1, 3)), get("8080", "/h", timed(180, 3, 1, 3))), want: "main FAIL WARNING", says: "only initialDelaySeconds differ"},
		"thresholds":      {facts: both(get("8080", "/h", timed(0, 10, 1, 6)), get("8080", "/h")), want: "main FAIL WARNING", says: "only failureThreshold differ"},
		"ports":           {facts: both(tcp("8080"), tcp("9090"), ports), want: "main PASS"},
		"name and number": {facts: both(tcp("http"), tcp("8080"), ports), want: "main FAIL ERROR"},
		// By number, two names that differ would both be nothing.
		"two names":             {facts: both(tcp("http"), tcp("admin"), ports), want: "main PASS"},
		"two names of one port": {facts: both(tcp("http"), tcp("also"), ports), want: "main FAIL ERROR"},
		"unresolved names":      {facts: both(tcp("a"), tcp("b")), want: "main PASS"},
		"an unresolved name":    {facts: both(tcp("a"), tcp("a")), want: "main FAIL ERROR"},
		"a native sidecar": {
			facts: facts(serving(named("proxy"), role(catalog.SidecarContainer), live(tcp("8080")), ready(tcp("8080"))), serving()),
			want:  "proxy FAIL ERROR; main NOT_APPLICABLE",
		},
	})
}
