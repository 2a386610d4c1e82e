package peers

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const kubeScoreModule = "github.com/zegl/kube-score"

var kubeScore = peer{
	name: "kube-score",
	find: func(t *testing.T) (string, string) {
		modfile := "-modfile=" + filepath.Join("tools", "go.mod")
		version, err := exec.CommandContext(t.Context(), "go", "list", modfile, "-m", "-f", "{{.Version}}", kubeScoreModule).Output()
		if err != nil {
			t.Fatalf("go list: %v", err)
		}
		program := filepath.Join(t.TempDir(), "kube-score")
		out, err := exec.CommandContext(t.Context(), "go", "build", modfile, "-o", program, kubeScoreModule+"/cmd/kube-score").CombinedOutput()
		if err != nil {
			t.Fatalf("go build: %v\n%s", err, out)
		}
		return program, strings.TrimSpace(string(version))
	},
	judge: judgeByKubeScore,
	asks: map[string][]ask{
		"no-probes":                    asks("pod-probes"),
		"no-readiness":                 {{check: "pod-probes", word: "readinessProbe"}},
		"no-liveness":                  {{check: "pod-probes", word: "livenessProbe"}},
		"identical-liveness-readiness": asks("pod-probes-identical"),
		"too-few-replicas":             asks("deployment-replicas"),
		"no-disruption-budget":         asks("deployment-has-poddisruptionbudget", "statefulset-has-poddisruptionbudget"),
		"no-spread":                    asks("pod-topology-spread-constraints", "deployment-has-host-podantiaffinity", "statefulset-has-host-podantiaffinity"),
		"recreate-strategy":            asks("deployment-strategy"),
		"service-selects-nothing":      asks("service-targets-pod"),
		"route-to-nowhere":             asks("ingress-targets-service"),
		"autoscaler-without-target":    asks("horizontalpodautoscaler-has-target"),
	},
}

// kubeScoreGrades are those of github.com/zegl/kube-score/scorecard that are no "all OK".
var kubeScoreGrades = map[int]string{1: "CRITICAL", 5: "WARNING", 7: "ALMOST_OK"}

func judgeByKubeScore(t *testing.T, p peer, program, dir string) []verdict {
	t.Helper()
	out := run(t, program, append([]string{"score", "--output-format", "json"}, manifests(t, dir)...)...)
	var objects []struct {
		Type   struct{ Kind string }            `json:"type_meta"`
		Meta   struct{ Name, Namespace string } `json:"object_meta"`
		Checks []struct {
			Check    struct{ ID string }
			Grade    int
			Skipped  bool
			Comments []struct{ Path, Summary string }
		}
	}
	if err := json.Unmarshal(out, &objects); err != nil {
		t.Fatalf("kube-score: %v\n%s", err, out)
	}
	var said []verdict
	for _, o := range objects {
		for _, c := range o.Checks {
			if !p.has(c.Check.ID) {
				continue
			}
			v := verdict{Tool: "kube-score", Check: c.Check.ID, Object: objectName(o.Type.Kind, o.Meta.Namespace, o.Meta.Name), Outcome: "PASS"}
			var words []string
			for _, comment := range c.Comments {
				words = append(words, comment.Summary)
			}
			v.Message = strings.Join(words, "; ")
			if grade, bad := kubeScoreGrades[c.Grade]; bad {
				v.Outcome, v.Grade = "FAIL", grade
			}
			if c.Skipped {
				v.Outcome, v.Grade = "SKIPPED", ""
			}
			said = append(said, v)
		}
	}
	return said
}
