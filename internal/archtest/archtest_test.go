// Package archtest holds the import directions of the project by an ordinary test.
package archtest

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/orrery-catalog/orrery/internal/testenv"
)

const module = "github.com/orrery-catalog/orrery/"

// allowed names, for each folder of ours, which of our other folders its code (tests apart) may import. The longest
// matching folder counts; a folder may always import what is below itself. With "!" the folder itself is meant, without
// those below it.
var allowed = map[string][]string{
	"catalog":            {},
	"catalog/descriptor": {"catalog"},
	"catalog/traffic":    {"catalog"},
	"catalog/codeowners": {"catalog"},
	"scanners":           {"catalog"},
	"graph":              {"catalog", "graph/search"},
	"graph/search":       {"catalog"},
	"graph/health":       {"catalog", "graph"},
	"graph/drift":        {"catalog", "graph"},
	"graph/sqlitestore":  {"catalog", "graph"},
	"graph/neo4jstore":   {"catalog", "graph"},
	"graph/graphtest":    {"catalog", "graph"},
	// The oracle must not share a line with what it judges, the parser included.
	"graph/graphtest/oracle": {"catalog!"},
	"schema/gen":             {"catalog", "graph", "schema/gen"},
	"schema/resolve":         {"catalog", "graph", "schema/gen"},
	"schema":                 {},
	"web":                    {},
	"internal":               {"catalog", "graph", "scanners", "schema", "web", "internal"},
	"cmd":                    {"catalog", "graph", "scanners", "schema", "web", "internal", "cmd"},
}

// shared are parts of scanners that others than cmd may name: how GitHub is reached, by what checks and proposes there, and
// what reads catalog files, by the scanners of what holds repositories.
var shared = map[string][]string{
	"scanners/github/connect": {"internal/pullcheck", "internal/onboard"},
	"scanners/github/webhook": {"internal/pullcheck"},
	"scanners/files":          {"scanners/github", "scanners/git"},
	// What a repository runs is read as a cluster's manifests are.
	"scanners/kubernetes/manifests": {"internal/onboard"},
	"scanners/kubernetes/inventory": {"internal/onboard"},
	"scanners/kubernetes/edges":     {"internal/onboard"},
	"scanners/kubernetes/hosts":     {"internal/onboard"},
}

// engines are named by cmd alone.
var engines = []string{"graph/sqlitestore", "graph/neo4jstore", "scanners/files", "scanners/backstage", "scanners/kubernetes", "scanners/otlp", "scanners/prometheus", "scanners/jaeger", "scanners/zipkin", "scanners/github", "scanners/git"}

func TestImportDirections(t *testing.T) {
	for _, p := range packages(t) {
		folder := strings.TrimPrefix(p.ImportPath, module)
		rule, ok := longestRule(folder)
		if !ok {
			t.Errorf("%s: no rule says what this folder may import; folders are fixed by the design", folder)
			continue
		}
		for _, imported := range p.Imports {
			target, ours := strings.CutPrefix(imported, module)
			if !ours || under(target, rule) && ruleIs(target, rule) {
				continue
			}
			if !mayImport(rule, target) {
				t.Errorf("%s imports %s, which %q may not", folder, target, rule)
			}
			for _, engine := range engines {
				if under(target, engine) && !under(folder, "cmd") && !under(folder, engine) && !slices.Contains(shared[target], folder) {
					t.Errorf("%s imports %s: only cmd names concrete engines and scanners", folder, target)
				}
			}
		}
	}
}

func TestNoVaguePackageNames(t *testing.T) {
	for _, p := range packages(t) {
		switch p.Name {
		case "util", "utils", "common", "helpers", "types", "models":
			t.Errorf("%s: the package name %s says nothing", p.ImportPath, p.Name)
		}
	}
}

func mayImport(rule, target string) bool {
	for _, folder := range allowed[rule] {
		if exact, ok := strings.CutSuffix(folder, "!"); ok && target == exact || !ok && under(target, folder) {
			return true
		}
	}
	return false
}

func longestRule(folder string) (string, bool) {
	best, ok := "", false
	for rule := range allowed {
		if under(folder, rule) && len(rule) > len(best) {
			best, ok = rule, true
		}
	}
	return best, ok
}

// ruleIs says whether target falls under the same rule, so that a folder may import what is below itself.
func ruleIs(target, rule string) bool {
	other, ok := longestRule(target)
	return ok && other == rule
}

func under(folder, parent string) bool {
	return folder == parent || strings.HasPrefix(folder, parent+"/")
}

type goPackage struct {
	ImportPath, Name string
	Imports          []string
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Name,Imports", "./...")
	list.Dir = testenv.ProjectRoot(t)
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var found []goPackage
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return found
		} else if err != nil {
			t.Fatal(err)
		}
		found = append(found, p)
	}
}
