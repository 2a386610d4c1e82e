package schema_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/descriptor"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/demo"
	"github.com/orrery-catalog/orrery/schema/resolve"
)

var update = flag.Bool("update", false, "write the golden answers anew")

// The examples are documentation: each is asked of the demo company, and its answer stands beside it.
func TestExamples(t *testing.T) {
	exec := resolve.NewExecutor(resolve.Config{Snapshots: demoCompany(t)})
	names, err := filepath.Glob("examples/*.graphql")
	if err != nil || len(names) < 12 {
		t.Fatalf("%d examples, %v", len(names), err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".graphql"), func(t *testing.T) {
			query, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			ctx := graphql.StartOperationTrace(t.Context())
			operation, refused := exec.CreateOperationContext(ctx, &graphql.RawParams{Query: string(query)})
			if refused != nil {
				t.Fatal(refused)
			}
			responses, ctx := exec.DispatchOperation(ctx, operation)
			got := indented(t, responses(ctx))
			golden := strings.TrimSuffix(name, ".graphql") + ".json"
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func indented(t *testing.T, response *graphql.Response) []byte {
	t.Helper()
	text, err := json.Marshal(response)
	if err != nil {
		t.Fatal(err)
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, text, "", "  "); err != nil {
		t.Fatal(err)
	}
	pretty.WriteByte('\n')
	return pretty.Bytes()
}

type fixed struct{ snapshot *graph.Snapshot }

func (f fixed) Snapshot() *graph.Snapshot { return f.snapshot }

// demoCompany is the demo company at its first revision.
func demoCompany(t *testing.T) fixed {
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
		result := descriptor.Parse(data, descriptor.Options{Location: name})
		for i, parsed := range result.Documents {
			document := parsed.Document
			if document == nil {
				document = &catalog.Document{Problems: parsed.Problems}
			}
			document.ID = catalog.DocumentID{Source: "demo", Scope: name, Key: string(parsed.Ref)}
			document.Ordinal, document.Location, document.Priority = i, name, catalog.DefaultPriorityFiles
			documents = append(documents, document)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	when := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	return fixed{graph.Build(graph.Input{
		Revision: 1, Time: when,
		Model: catalog.Merge(slices.Values(documents), catalog.MergeOptions{}),
		Sources: []graph.Source{{
			ID: "demo", Kind: "files", State: graph.SourceOK, LastScan: when, LastGood: when, Documents: len(documents),
		}},
	})}
}
