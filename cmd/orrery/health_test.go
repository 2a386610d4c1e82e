package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const runningFolder = "testdata/running"

// TestHealthGolden holds what people and scripts see of health.
func TestHealthGolden(t *testing.T) {
	t.Parallel()
	for name, command := range map[string]string{
		"health.txt":         "health --catalog " + runningFolder,
		"health.json":        "health --catalog " + runningFolder + " --format json",
		"health-explain.txt": "health checkout --explain --catalog " + runningFolder,
		"health-checks.txt":  "health --list-checks",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			golden(t, name, must(t, strings.Fields(command)...))
		})
	}
}

// TestHealthFilters holds which services are shown, and the exit status.
func TestHealthFilters(t *testing.T) {
	t.Parallel()
	for arguments, want := range map[string]string{
		"":                                   "0 cluster:default/manifests FAIL, component:default/checkout FAIL, component:default/pricing PASS, workload:shop/manifests.cronjob.cleanup NOT_APPLICABLE, workload:shop/manifests.statefulset.worker FAIL",
		"--fail":                             "1 cluster:default/manifests FAIL, component:default/checkout FAIL, component:default/pricing PASS, workload:shop/manifests.cronjob.cleanup NOT_APPLICABLE, workload:shop/manifests.statefulset.worker FAIL",
		"pricing --fail":                     "0 component:default/pricing PASS",
		"--owner pricing --fail":             "0 component:default/pricing PASS",
		"--outcome pass":                     "0 component:default/pricing PASS",
		"--tier 1":                           "0 component:default/checkout FAIL",
		"--environment staging":              "0 ",
		"group:payments":                     "0 ",
		"--check no-liveness":                "0 component:default/checkout FAIL, component:default/pricing PASS, workload:shop/manifests.cronjob.cleanup NOT_APPLICABLE, workload:shop/manifests.statefulset.worker FAIL",
		"--severity error --outcome unknown": "0 ",
		"--check no-liveness --outcome FAIL": "0 component:default/checkout FAIL",
		"checkout --check no-spread":         "0 component:default/checkout FAIL",
		"--outcome maybe":                    "2",
		"--check nope":                       "2",
		"nobody":                             "3",
		"checkout --list-checks":             "2",
		"checkout pricing":                   "2",
	} {
		t.Run(arguments, func(t *testing.T) {
			t.Parallel()
			args := append(append([]string{"health"}, strings.Fields(arguments)...), "--catalog", runningFolder, "--format", "json")
			got := orrery(t, args...)
			text := fmt.Sprint(got.status)
			if got.status <= statusNo {
				var report healthReport
				if err := json.Unmarshal([]byte(got.stdout), &report); err != nil {
					t.Fatalf("%v in %s", err, got.stdout)
				}
				var services []string
				for _, s := range report.Services {
					services = append(services, s.Ref+" "+s.Outcome)
				}
				text += " " + strings.Join(services, ", ")
			}
			if diff := cmp.Diff(want, text); diff != "" {
				t.Errorf("%s\n%s", diff, got.stderr)
			}
		})
	}
}

// TestHealthPolicy judges a store by the policy of its configuration, also while a server runs on it.
func TestHealthPolicy(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	absolute, err := filepath.Abs(runningFolder)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "orrery.yaml")
	text := fmt.Sprintf(`listen: 127.0.0.1:0
graph: {path: orrery.db}
health:
  disable: [identical-liveness-readiness, service-port-unresolved, no-spread]
  errors: [no-disruption-budget]
  replicas: {tier1: 1}
  exemptions:
    - {check: probe-calls-dependency, workload: shop/worker, reason: the database is its own, expires: '2999-01-01'}
    - {check: no-probes, container: exporter, reason: to be replaced, expires: '2020-01-01'}
sources:
  - {id: files, kind: files, paths: [%q]}
  - {id: prod, kind: kubernetes, paths: [%q]}
`, absolute, absolute)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, "scan", "--config", file)
	judged := func(place ...string) string {
		var report healthReport
		if err := json.Unmarshal([]byte(must(t, append([]string{"health", "--format", "json"}, place...)...)), &report); err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for _, s := range report.Services {
			fmt.Fprintf(&b, "%s %s", s.Ref, s.Outcome)
			for _, c := range s.Checks {
				if c.Exemption != nil {
					fmt.Fprintf(&b, " exempt:%s(%s)", c.ID, c.Exemption.Reason)
				}
				if c.Outcome == "FAIL" && c.ID == "no-probes" {
					fmt.Fprintf(&b, " %s:%s", c.ID, *c.Container)
				}
			}
			b.WriteString("\n")
		}
		for _, p := range report.Problems {
			fmt.Fprintf(&b, "%s:%d %s\n", filepath.Base(*p.File), *p.Line, p.Code)
		}
		return b.String()
	}
	want := `cluster:default/prod FAIL
component:default/checkout PASS no-probes:exporter
component:default/pricing PASS
workload:shop/prod.cronjob.cleanup NOT_APPLICABLE
workload:shop/prod.statefulset.worker PASS exempt:probe-calls-dependency(the database is its own)
orrery.yaml:9 exemption-expired
`
	if diff := cmp.Diff(want, judged("--config", file)); diff != "" {
		t.Error(diff)
	}
	server := serve(t, "--config", file)
	if diff := cmp.Diff(want, judged("--server", server.url)); diff != "" {
		t.Errorf("by the server: %s", diff)
	}
	if list := must(t, "health", "--list-checks", "--config", file); strings.Contains(list, "no-spread") || !strings.Contains(list, "no-disruption-budget  ERROR") {
		t.Errorf("the checks of the configuration are\n%s", list)
	}
	if shown := must(t, "health", "k8s:prod/shop/statefulset/worker", "--config", file); !strings.Contains(shown, "exempt  main: exempted: the database is its own") {
		t.Errorf("the exemption is not shown:\n%s", shown)
	}
}
