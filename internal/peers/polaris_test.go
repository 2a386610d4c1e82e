package peers

import (
	"encoding/json"
	"testing"
)

var polaris = peer{
	name:  "polaris",
	find:  onPath("polaris", "version"),
	judge: judgeByPolaris,
	asks: map[string][]ask{
		"no-probes":                asks("readinessProbeMissing", "livenessProbeMissing"),
		"no-readiness":             asks("readinessProbeMissing"),
		"no-liveness":              asks("livenessProbeMissing"),
		"too-few-replicas":         asks("deploymentMissingReplicas"),
		"no-disruption-budget":     asks("missingPodDisruptionBudget"),
		"disruption-budget-blocks": {{check: "pdbDisruptionsIsZero", kind: "PodDisruptionBudget"}},
		"no-spread":                asks("topologySpreadConstraint"),
	},
}

// polarisResults are what polaris says, by check.
type polarisResults map[string]struct {
	Success           bool
	Severity, Message string
}

func judgeByPolaris(t *testing.T, p peer, program, dir string) []verdict {
	t.Helper()
	out := run(t, program, "audit", "--format", "json", "--audit-path", dir)
	var report struct {
		Results []struct {
			Name, Namespace, Kind string
			Results               polarisResults
			PodResult             struct {
				Results          polarisResults
				ContainerResults []struct {
					Name    string
					Results polarisResults
				}
			}
		}
	}
	if err := json.Unmarshal(out, &report); err != nil {
		t.Fatalf("polaris: %v\n%s", err, out)
	}
	var said []verdict
	add := func(object, container string, results polarisResults) {
		for check, r := range results {
			if !p.has(check) {
				continue
			}
			v := verdict{Tool: "polaris", Check: check, Object: object, Container: container, Outcome: "PASS", Message: r.Message}
			if !r.Success {
				v.Outcome, v.Grade = "FAIL", r.Severity
			}
			said = append(said, v)
		}
	}
	for _, o := range report.Results {
		object := objectName(o.Kind, o.Namespace, o.Name)
		add(object, "", o.Results)
		add(object, "", o.PodResult.Results)
		for _, c := range o.PodResult.ContainerResults {
			add(object, c.Name, c.Results)
		}
	}
	return said
}
