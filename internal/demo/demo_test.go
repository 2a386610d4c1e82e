package demo_test

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/descriptor"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/demo"
)

var update = flag.Bool("update", false, "write the golden files anew")

// parse reads every file of the demo as the file scanner would.
func parse(t *testing.T) []*catalog.Document {
	t.Helper()
	var documents []*catalog.Document
	files := demo.Files()
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Ext(name) != ".yaml" {
			return err
		}
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		result := descriptor.Parse(data, descriptor.Options{
			Location: name,
			Read:     func(relative string) ([]byte, error) { return fs.ReadFile(files, path.Join(path.Dir(name), relative)) },
		})
		for _, parsed := range result.Documents {
			document := parsed.Document
			if document == nil {
				document = &catalog.Document{Problems: parsed.Problems}
				document.ID.Key = "#problems"
			} else {
				document.ID.Key = string(parsed.Ref)
			}
			document.ID.Source, document.ID.Scope = "demo", name
			document.Priority, document.Location = catalog.DefaultPriorityFiles, name
			documents = append(documents, document)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return documents
}

func snapshot(t *testing.T) *graph.Snapshot {
	t.Helper()
	model := catalog.Merge(slices.Values(parse(t)), catalog.MergeOptions{})
	return graph.Build(graph.Input{Revision: 1, Model: model})
}

func TestDemoHasTheProblemsItIsMeantToHave(t *testing.T) {
	var lines []string
	for problem := range snapshot(t).Problems("") {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s:%d %s %s %s %s",
			problem.Location, problem.Line, problem.Severity, problem.Code, problem.Ref, problem.Field)))
	}
	golden(t, "testdata/problems.txt", strings.Join(lines, "\n")+"\n")
}

// The faults that no single file shows.
func TestDemoHasTheFaultsItIsMeantToHave(t *testing.T) {
	s := snapshot(t)

	want := [][]catalog.Ref{{"component:default/refund-service", "component:default/returns-service"}}
	if diff := cmp.Diff(want, s.Cycles()); diff != "" {
		t.Errorf("cycles (-want +got):\n%s", diff)
	}

	var missing, unowned, inversions, deprecated []string
	for entity := range s.Entities("") {
		if entity.Placeholder {
			missing = append(missing, string(entity.Ref))
		}
		if entity.Owner == "" && entity.Ref.Kind() == "component" {
			unowned = append(unowned, string(entity.Ref))
		}
		deps, err := s.Deps(entity.Ref, graph.DepsOptions{Depth: 1})
		if err != nil {
			t.Fatal(err)
		}
		for _, need := range deps.Edges {
			to, err := s.Entity(need.To)
			if err != nil {
				t.Fatal(err)
			}
			described := string(need.From) + " needs " + string(need.To)
			// Third parties and topics have no tier of their own.
			if need.Strength == catalog.Hard && tier(entity) == "1" && tier(to) > "2" {
				inversions = append(inversions, described)
			}
			if to.Lifecycle == "deprecated" && need.Strength == catalog.Hard && need.From.Kind() == "component" {
				deprecated = append(deprecated, described)
			}
		}
	}
	for _, fault := range []struct {
		name      string
		got, want []string
	}{
		{"missing", missing, []string{"component:default/gift-cards", "component:default/price-alerts"}},
		{"unowned", unowned, []string{"component:default/gift-cards", "component:default/price-alerts"}},
		{"tier inversions", inversions, []string{"component:default/checkout-service needs component:default/loyalty-service"}},
		{"deprecated", deprecated, []string{"component:default/label-service needs component:default/pdf-renderer"}},
	} {
		if diff := cmp.Diff(fault.want, fault.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", fault.name, diff)
		}
	}
}

func tier(entity *catalog.Entity) string { return entity.Annotations["orrery.dev/tier"] }

// The story that the documentation tells: what the payments database takes with it.
func TestBlastRadiusOfThePaymentsDatabase(t *testing.T) {
	blast, err := snapshot(t).BlastRadius([]catalog.Ref{"resource:default/payments-db"}, graph.BlastOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, hit := range blast.Journeys() {
		fmt.Fprintf(&text, "journey %-9s %s\n", hit.Impact, hit.Entity.Ref.Name())
	}
	for _, team := range blast.Teams() {
		fmt.Fprintf(&text, "team    %-9s %s, %d hit, %v\n", team.Worst, team.Owner.Ref.Name(), team.Impacted, team.OnCall)
	}
	for _, hit := range blast.Page(0, -1) {
		fmt.Fprintf(&text, "%-9s %d %s", hit.Impact, hit.Distance, hit.Entity.Ref)
		for _, need := range hit.Path {
			fmt.Fprintf(&text, " -> %s", need.To.Name())
		}
		text.WriteString("\n")
	}
	golden(t, "testdata/payments-db.txt", text.String())
}

func TestDemoIsAsLargeAsItIsSaidToBe(t *testing.T) {
	kinds := map[string]int{}
	for entity := range snapshot(t).Entities("") {
		if !entity.Placeholder {
			kinds[entity.Ref.Kind()]++
		}
		if entity.Type == "team" {
			kinds["team"]++
		}
	}
	want := map[string]int{
		"api": 12, "component": 63, "domain": 4, "external": 13, "group": 17, "journey": 4, "resource": 31, "system": 12, "team": 12,
		"template": 1, "user": 39,
	}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}
