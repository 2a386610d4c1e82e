package schema_test

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/json"
	"flag"
	"fmt"
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
			{
				ID: "harbour-outfitters", Kind: "github", State: graph.SourceOK, LastScan: when, LastGood: when,
				Budgets: []graph.Budget{
					{Name: "core", Limit: 5000, Remaining: 4913, Reset: when.Add(48 * time.Minute), Used: 87},
					{Name: "graphql", Limit: 5000, Remaining: 4988, Reset: when.Add(48 * time.Minute), Used: 12},
				},
			},
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
		documents = append(documents, readDemo(name, were.Replace(string(data)), since)...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	// Its team is no more, and CODEOWNERS knows who looks after it now.
	left := readDemo("size-guide/catalog-info.yaml", "apiVersion: backstage.io/v1alpha1\nkind: Component\n"+
		"metadata: {name: size-guide}\nspec: {type: website, lifecycle: production, owner: group:sizing}\n", since)
	left[0].Claims[0].OwnerHints = []catalog.OwnerHint{
		{
			Name: "@harbour-outfitters/storefront", Location: "size-guide/CODEOWNERS", Line: 2, Reason: "it owns catalog-info.yaml",
			Version: versionOf("size-guide/CODEOWNERS"),
		},
		{Name: "@a-contractor", Location: "size-guide/CODEOWNERS", Line: 2, Version: versionOf("size-guide/CODEOWNERS")},
	}
	return append(documents, left...)
}

func readDemo(name, text string, since time.Time) []*catalog.Document {
	var documents []*catalog.Document
	for i, parsed := range descriptor.Parse([]byte(text), descriptor.Options{Location: name}).Documents {
		document := parsed.Document
		if document == nil {
			document = &catalog.Document{Problems: parsed.Problems}
		}
		document.ID = catalog.DocumentID{Source: "demo", Scope: name, Key: string(parsed.Ref)}
		document.Ordinal, document.Location, document.Priority = i, name, catalog.DefaultPriorityFiles
		document.Version = versionOf(name)
		for i := range document.Claims {
			document.Claims[i].FirstSeen = catalog.InstantOf(since)
		}
		documents = append(documents, document)
	}
	return documents
}

// versionOf is where a file of the demo company would be: each folder is a repository.
func versionOf(name string) *catalog.Version {
	folder, rest, _ := strings.Cut(name, "/")
	return &catalog.Version{
		Repository: "github.com/harbour-outfitters/" + folder, Path: rest, Commit: fmt.Sprintf("%x", sha1.Sum([]byte(name))),
		Web: "https://github.com/harbour-outfitters/" + folder + "/blob/",
	}
}
