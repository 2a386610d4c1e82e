package health_test

import (
	"testing"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph/health"
)

func TestLiveProbeFailed(t *testing.T) {
	on := health.Policy{ProbedClusters: []string{"prod"}}
	probed := func(results ...catalog.ProbeResult) *catalog.Facts {
		for i := range results {
			results[i].Container, results[i].Purpose, results[i].Endpoint = "main", "READINESS", "http://web/readyz"
		}
		return edited(facts(serving(ready(get("8080", "/readyz")))), func(f *catalog.Facts) { f.Probed = results })
	}
	judge(t, "live-probe-failed", map[string]judgement{
		"off":         {facts: probed(), want: "main NOT_APPLICABLE"},
		"not yet":     {facts: probed(), policy: on, want: "main UNKNOWN"},
		"nothing":     {facts: facts(serving(ready(tcp("8080")))), policy: on, want: "main NOT_APPLICABLE"},
		"healthy":     {facts: probed(catalog.ProbeResult{Healthy: true}), policy: on, want: "main PASS"},
		"not healthy": {facts: probed(catalog.ProbeResult{Failures: []string{"status 503", "no body"}}), policy: on, want: "main FAIL ERROR", says: "readiness at http://web/readyz: status 503; no body"},
		"without why": {facts: probed(catalog.ProbeResult{}), policy: on, want: "main FAIL ERROR"},
		"form":        {facts: probed(catalog.ProbeResult{Healthy: true, Failures: []string{"text/html"}}), policy: on, want: "main FAIL WARNING"},
		"the worst":   {facts: probed(catalog.ProbeResult{Healthy: true, Failures: []string{"text/html"}}, catalog.ProbeResult{}), policy: on, want: "main FAIL ERROR"},
		"of others":   {facts: edited(probed(), func(f *catalog.Facts) { f.Probed = []catalog.ProbeResult{{Container: "b"}} }), policy: on, want: "main UNKNOWN"},
	})
}

func TestLogFormat(t *testing.T) {
	on := health.Policy{LogClusters: []string{"prod"}}
	logged := func(samples ...catalog.LogSample) *catalog.Facts {
		return edited(facts(serving()), func(f *catalog.Facts) { f.Logs = samples })
	}
	judge(t, "log-format", map[string]judgement{
		"off":        {facts: logged(), want: "main NOT_APPLICABLE"},
		"not yet":    {facts: logged(), policy: on, want: "main UNKNOWN"},
		"as agreed":  {facts: logged(catalog.LogSample{Container: "main", Format: "json"}), policy: on, want: "main PASS"},
		"fields":     {facts: logged(catalog.LogSample{Container: "main", Format: "json", Missing: []string{"correlation", "level"}}), policy: on, want: "main FAIL WARNING", says: "correlation, level"},
		"form":       {facts: logged(catalog.LogSample{Container: "main", Format: "logfmt", Missing: []string{"format"}}), policy: on, want: "main FAIL WARNING", says: "does not log logfmt"},
		"unreadable": {facts: logged(catalog.LogSample{Container: "main", Unreadable: "forbidden"}), policy: on, want: "main UNKNOWN", says: "forbidden"},
	})
}
