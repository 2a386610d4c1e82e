package schema_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io/fs"
	"iter"
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
	company := demoCompany(t)
	exec := resolve.NewExecutor(resolve.Config{Snapshots: company, Past: company})
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

// company is a catalog that has changed once.
type company struct {
	was, is *graph.Snapshot
	changes []graph.Recorded
}

func (c *company) Snapshot() *graph.Snapshot { return c.is }

func (c *company) At(_ context.Context, at graph.AsOf) (*graph.Snapshot, error) {
	if at.Time.Before(c.was.Time()) {
		return nil, graph.ErrNoRevision
	}
	return c.was, nil
}

func (c *company) History(_ context.Context, query graph.HistoryQuery) iter.Seq2[graph.Recorded, error] {
	return func(yield func(graph.Recorded, error) bool) {
		for _, r := range c.changes {
			if len(query.Refs) > 0 && !slices.Contains(query.Refs, r.Ref) || r.Time.Before(query.Since) || query.Through < r.Revision {
				continue
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

// demoCompany is the demo company, which learned half an hour ago to do without its fraud check.
func demoCompany(t *testing.T) *company {
	t.Helper()
	began, noon := time.Date(2026, 1, 31, 8, 0, 0, 0, time.UTC), time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	learned := strings.NewReplacer("      strength: soft\n      fallback: only orders under 50 EUR are taken\n", "", "availability: 99.99", "availability: 99.9")
	before, after := demoDocuments(t, began, learned), demoDocuments(t, began, strings.NewReplacer())
	cluster := demoCluster(t, began)
	seen, numbers := demoTraffic(noon)
	sources := func(when time.Time) []graph.Source {
		return []graph.Source{
			{ID: demo.Cluster, Kind: "kubernetes", State: graph.SourceOK, LastScan: when, LastGood: when, Documents: len(cluster)},
			{ID: "demo", Kind: "files", State: graph.SourceOK, LastScan: when, LastGood: when, Documents: len(before)},
			{ID: "traces", Kind: "otlp", State: graph.SourceOK, LastScan: when, LastGood: when, Documents: len(seen)},
		}
	}
	merger := catalog.NewMerger(catalog.MergeOptions{})
	merger.Apply(nil, slices.Values(slices.Concat(before, cluster, seen)))
	c := &company{was: graph.Build(graph.Input{Revision: 1, Time: began, Model: merger.Model(), Sources: sources(began)})}
	change := merger.Apply(nil, slices.Values(after))
	when := noon.Add(-30 * time.Minute)
	c.is = graph.Build(graph.Input{Revision: 2, Time: when, Model: merger.Model(), Sources: sources(noon)}).WithTraffic(numbers)
	for i, recorded := range c.was.FieldChanges(change) {
		c.changes = append(c.changes, graph.Recorded{FieldChange: recorded, Revision: 2, Time: when, Position: i})
	}
	return c
}

// demoDocuments are the documents of the demo company, as they were.
func demoDocuments(t *testing.T, since time.Time, were *strings.Replacer) []*catalog.Document {
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
		result := descriptor.Parse([]byte(were.Replace(string(data))), descriptor.Options{Location: name})
		for i, parsed := range result.Documents {
			document := parsed.Document
			if document == nil {
				document = &catalog.Document{Problems: parsed.Problems}
			}
			document.ID = catalog.DocumentID{Source: "demo", Scope: name, Key: string(parsed.Ref)}
			document.Ordinal, document.Location, document.Priority = i, name, catalog.DefaultPriorityFiles
			for i := range document.Claims {
				document.Claims[i].FirstSeen = catalog.InstantOf(since)
			}
			documents = append(documents, document)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return documents
}
