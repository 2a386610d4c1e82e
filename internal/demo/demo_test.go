package demo_test

import (
	"flag"
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

func TestDemoHasTheProblemsItIsMeantToHave(t *testing.T) {
	model := catalog.Merge(slices.Values(parse(t)), catalog.MergeOptions{})
	var lines []string
	for _, problem := range model.Problems {
		lines = append(lines, problem.String())
	}
	golden(t, "testdata/problems.txt", strings.Join(lines, "\n")+"\n")
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
