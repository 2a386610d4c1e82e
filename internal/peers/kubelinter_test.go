package peers

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

var kubeLinter = peer{
	name:  "kube-linter",
	find:  onPath("kube-linter", "version"),
	judge: judgeByKubeLinter,
	asks: map[string][]ask{
		"no-probes":                 asks("no-readiness-probe", "no-liveness-probe"),
		"no-readiness":              asks("no-readiness-probe"),
		"no-liveness":               asks("no-liveness-probe"),
		"probe-port-unresolved":     asks("liveness-port", "readiness-port", "startup-port"),
		"too-few-replicas":          asks("minimum-three-replicas"),
		"disruption-budget-blocks":  {{check: "pdb-min-available", kind: "PodDisruptionBudget"}, {check: "pdb-max-unavailable", kind: "PodDisruptionBudget"}},
		"no-spread":                 asks("no-anti-affinity"),
		"recreate-strategy":         asks("no-rolling-update-strategy"),
		"service-selects-nothing":   asks("dangling-service"),
		"service-port-unresolved":   asks("invalid-target-ports"),
		"route-to-nowhere":          asks("dangling-ingress"),
		"autoscaler-without-target": asks("dangling-horizontalpodautoscaler"),
	},
}

// containerNamed finds the container in a message of kube-linter, which tells it nowhere else.
var containerNamed = regexp.MustCompile(`container "([^"]+)"`)

func judgeByKubeLinter(t *testing.T, p peer, program, dir string) []verdict {
	t.Helper()
	// Only the checks that are compared: some of the others would fetch schemas from the internet.
	out := run(t, program, "lint", "--format", "json", "--do-not-auto-add-defaults", "--include", strings.Join(p.checks(), ","), dir)
	var report struct {
		Reports []struct {
			Check      string
			Diagnostic struct{ Message string }
			Object     struct {
				K8sObject struct {
					Namespace, Name  string
					GroupVersionKind struct{ Kind string }
				}
			}
		}
	}
	if err := json.Unmarshal(out, &report); err != nil {
		t.Fatalf("kube-linter: %v\n%s", err, out)
	}
	var said []verdict
	for _, r := range report.Reports {
		o := r.Object.K8sObject
		v := verdict{
			Tool: "kube-linter", Check: r.Check, Object: objectName(o.GroupVersionKind.Kind, o.Namespace, o.Name),
			Outcome: "FAIL", Message: r.Diagnostic.Message,
		}
		if named := containerNamed.FindStringSubmatch(v.Message); named != nil {
			v.Container = named[1]
		}
		said = append(said, v)
	}
	return said
}
