package peers

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/orrery-catalog/orrery/internal/testenv"
)

// An ourCheck is one of the checks that `orrery health --format json` tells of.
type ourCheck struct {
	ID, Outcome, Severity, Workload, Container, Message, Location string
}

// health is what Orrery says of the manifests, and catalog files, of a folder.
func health(t *testing.T, program, dir string) []ourCheck {
	t.Helper()
	out := run(t, program, "health", "--catalog", dir, "--format", "json")
	var report struct{ Services []struct{ Checks []ourCheck } }
	if err := json.Unmarshal(out, &report); err != nil {
		t.Fatalf("orrery health: %v\n%s", err, out)
	}
	var checks []ourCheck
	for _, s := range report.Services {
		checks = append(checks, s.Checks...)
	}
	return checks
}

// TestOrrery holds that Orrery's answer is the right one in every case, by its command line, and tells where which peer
// differs. What it says of real systems is held where the command is.
func TestOrrery(t *testing.T) {
	if testing.Short() {
		t.Skip("quick tests do not wait until Orrery is built")
	}
	program := filepath.Join(t.TempDir(), "orrery")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./cmd/orrery")
	build.Dir = testenv.ProjectRoot(t)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	for _, c := range comparisons(t) {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			dir := c.manifest(t)
			if c.Tier > 0 {
				entry := fmt.Sprintf("apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: %s\n  annotations: {orrery.dev/tier: %q}\n"+
					"spec: {type: service, lifecycle: production, owner: store}\n", c.name(), fmt.Sprint(c.Tier))
				if err := os.WriteFile(filepath.Join(dir, "catalog-info.yaml"), []byte(entry), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			got, severity := c.ours(health(t, program, dir))
			right := got == c.Right && (c.Severity == "" || severity == c.Severity)
			switch known := c.Why[ourselves]; {
			case !right && known == "":
				t.Errorf("%s of %s %s: %s %s, right is %s %s: %s", c.Check, c.Workload, c.Container, got, severity, c.Right, c.Severity, c.Rule)
			case right && known != "":
				t.Errorf("Orrery says what is right by now: remove why.%s from the case (it says %q)", ourselves, known)
			}
			for _, p := range peers {
				if why := c.Why[p.name]; why != "" {
					t.Logf("%s: %s: %s", p.name, c.said[p.name], why)
				}
			}
		})
	}
}

// name is that of the object that is asked about.
func (q question) name() string { return q.Workload[strings.LastIndexByte(q.Workload, '/')+1:] }

// ours is Orrery's answer among all that it says: the worst of the rows about what is asked. Of objects that are no
// workloads only what is wrong is told, and a case has one of a kind.
func (q question) ours(said []ourCheck) (outcome, severity string) {
	kind, named, _ := strings.Cut(q.Workload, " ")
	namespace, name, _ := strings.Cut(named, "/")
	_, runs := kubescapePods[kind]
	runs = runs || kind == "ReplicationController" || kind == "Rollout"
	outcome = "NOT_APPLICABLE"
	if !runs {
		outcome = "PASS"
	}
	for _, c := range said {
		isIt := !runs || c.Container == q.Container && strings.HasPrefix(c.Workload, "workload:"+namespace+"/") && strings.HasSuffix(c.Workload, "."+name)
		if c.ID == q.Check && isIt && outcome != "FAIL" {
			outcome, severity = c.Outcome, c.Severity
		}
	}
	if outcome != "FAIL" {
		severity = ""
	}
	return outcome, severity
}
