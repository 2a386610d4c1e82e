package graphtest_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/descriptor"
	"github.com/orrery-catalog/orrery/graph/graphtest"
)

// The files must say what the documents say, down to the lines.
func TestCompanyFilesSayWhatItsDocumentsSay(t *testing.T) {
	for _, company := range []graphtest.Company{{Services: 130, Edges: 200, Seed: 4}, {Services: 60, Edges: 600, Seed: 5}} {
		dir := t.TempDir()
		if err := company.WriteFiles(dir); err != nil {
			t.Fatal(err)
		}
		files := 0
		seen := map[string]bool{}
		var read []*catalog.Document
		for want := range company.Documents() {
			if path := want.ID.Scope; !seen[path] {
				seen[path] = true
				files++
				read = append(read, parseFile(t, dir, path)...)
			}
		}
		if onDisk := strings.Count(readAll(t, dir), "\n@"); onDisk != files {
			t.Errorf("%d files, but the documents name %d", onDisk, files)
		}
		want := slices.Collect(company.Documents())
		sameOrder := cmpopts.SortSlices(func(a, b catalog.EdgeClaim) int {
			return strings.Compare(string(a.Target.Ref)+a.Type.String(), string(b.Target.Ref)+b.Type.String())
		})
		if diff := cmp.Diff(want, read, cmpopts.EquateEmpty(), sameOrder); diff != "" {
			t.Errorf("%+v: documents (-) and what the files say (+) differ:\n%.4000s", company, diff)
		}
	}
}

func parseFile(t *testing.T, dir, path string) []*catalog.Document {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(path)))
	if err != nil {
		t.Fatal(err)
	}
	var documents []*catalog.Document
	for _, parsed := range descriptor.Parse(data, descriptor.Options{Location: path}).Documents {
		if len(parsed.Problems) > 0 {
			t.Errorf("%v", parsed.Problems)
		}
		if document := parsed.Document; document != nil {
			document.ID = catalog.DocumentID{Source: graphtest.SourceID, Scope: path, Key: string(parsed.Ref)}
			document.Priority = catalog.DefaultPriorityFiles
			documents = append(documents, document)
		}
	}
	return documents
}

// readAll is the whole content of a folder as one text: each path on a line after an @, then what is in it.
func readAll(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	root := os.DirFS(dir)
	err := fs.WalkDir(root, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(root, path)
		all.WriteString("\n@" + path + "\n" + string(content))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}
