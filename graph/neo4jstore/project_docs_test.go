package neo4jstore

import (
	"encoding/json"
	"flag"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/neo4j/neo4j-go-driver/v5/neo4j"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/descriptor"
	"github.com/orrery-catalog/orrery/catalog/traffic"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/graph/graphtest"
	"github.com/orrery-catalog/orrery/internal/demo"
	"github.com/orrery-catalog/orrery/internal/testenv"
)

var update = flag.Bool("update", false, "write the golden files anew")

// documented is a query of the documentation with what it answers.
type documented struct {
	Title string
	Rows  []map[string]any
}

// TestDocumentedQueries runs every query of docs/neo4j.md on the demo company and some traffic.
func TestDocumentedQueries(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(testenv.ProjectRoot(t), "docs", "neo4j.md"))
	if err != nil {
		t.Fatal(err)
	}
	store := openProjector(t, 0)
	writeDemo(t, store)
	var answers []documented
	for title, query := range queriesOf(string(page)) {
		rows := ask(t, store, prefixed(query), nil)
		if len(rows) == 0 {
			t.Errorf("%s: no rows", title)
		}
		answers = append(answers, documented{title, rows})
	}
	if len(answers) < 15 {
		t.Errorf("only %d queries were found", len(answers))
	}
	got, err := json.MarshalIndent(answers, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "documented.golden")
	if *update {
		if err := os.WriteFile(golden, append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)+"\n"); diff != "" {
		t.Errorf("the answers are other ones; look at them, and run with -update (-golden +got):\n%s", diff)
	}
}

// queriesOf yields the blocks of Cypher in a page with the heading before each.
func queriesOf(page string) func(func(string, string) bool) {
	return func(yield func(string, string) bool) {
		title, query, inside := "", "", false
		for line := range strings.Lines(page) {
			switch {
			case inside && strings.HasPrefix(line, "```"):
				if inside = false; !yield(title, query) {
					return
				}
			case inside:
				query += line
			case strings.HasPrefix(line, "```cypher"):
				inside, query = true, ""
			case strings.HasPrefix(line, "#"):
				title = strings.TrimSpace(strings.TrimLeft(line, "#"))
			}
		}
	}
}

var documentedLabel = regexp.MustCompile(`:([A-Z][A-Za-z]*[a-z]|API)\b`)

// prefixed writes the query as it is with a label prefix.
func prefixed(query string) string { return documentedLabel.ReplaceAllString(query, ":@$1") }

// writeDemo commits the demo company with some traffic, then a change to it, and has both written.
func writeDemo(t *testing.T, store *Store) {
	t.Helper()
	merger := catalog.NewMerger(catalog.MergeOptions{})
	snapshot := graph.Build(graph.Input{})
	commit := func(at time.Time, documents []*catalog.Document) {
		t.Helper()
		change := merger.Apply(nil, slices.Values(documents))
		revision, err := store.Apply(t.Context(), graph.Change{
			Base: snapshot.Revision(), Time: at, Put: documents, Recorded: snapshot.FieldChanges(change),
		})
		if err != nil {
			t.Fatal(err)
		}
		next := snapshot.Apply(change, revision, at, []graph.Source{
			{ID: "repos", Kind: "files", State: graph.SourceOK, LastGood: at}, {ID: "traces", Kind: "otlp", State: graph.SourceFailed, Error: "no route to host"},
		})
		next = next.WithTraffic(callsSeen())
		if err := store.Project(t.Context(), "", 0, snapshot, next); err != nil {
			t.Fatal(err)
		}
		snapshot = next
	}
	now := time.Now()
	documents := append(demoDocuments(t), seen()...)
	commit(now.Add(-48*time.Hour), documents)
	var changed []*catalog.Document
	for _, document := range demoDocuments(t) {
		if d := document.Claims[0].Descriptor; d != nil && d.Ref == "component:default/payments" {
			d.Owner, d.Lifecycle = "group:default/checkout", "deprecated"
			changed = append(changed, document)
		}
	}
	commit(now.Add(-time.Hour), changed)
}

func demoDocuments(t *testing.T) []*catalog.Document {
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
		for _, parsed := range descriptor.Parse(data, descriptor.Options{Location: name}).Documents {
			if document := parsed.Document; document != nil && len(document.Claims) > 0 {
				document.ID = catalog.DocumentID{Source: "repos", Scope: name, Key: string(parsed.Ref)}
				document.Location, document.Priority = name, catalog.DefaultPriorityFiles
				documents = append(documents, document)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return documents
}

// seen is what is seen between some services: some of it declared, some not, and some of a program that nobody knows.
func seen() []*catalog.Document {
	var documents []*catalog.Document
	for _, call := range []struct{ from, to, environment string }{
		{"order-service", "payments", "production"},
		{"checkout-service", "order-service", "production"},
		{"wishlist-service", "ledger", "production"},
		{"wishlist-service", "currency-service", "staging"},
		{"nightly-export", "ledger", "production"},
	} {
		documents = append(documents, &catalog.Document{
			ID:          catalog.DocumentID{Source: "traces", Scope: "otlp", Key: call.from + " " + call.to},
			Environment: call.environment,
			Claims: []catalog.Claim{{
				Subject: catalog.Subject{Alias: catalog.Alias("otel:" + call.from)},
				Edges: []catalog.EdgeClaim{{
					Target: catalog.Subject{Alias: catalog.Alias("otel:" + call.to)}, Type: catalog.DependsOn, Evidence: catalog.Observed,
					Flow: flowSeen(call.from, call.to).ID(),
				}},
			}},
		})
	}
	return documents
}

func flowSeen(from, to string) traffic.FlowKey {
	return traffic.FlowKey{From: catalog.Alias("otel:" + from), To: catalog.Alias("otel:" + to), Way: traffic.Call}
}

// callsSeen is what was counted of two of those.
func callsSeen() *graphtest.Traffic {
	until := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	numbers := &graphtest.Traffic{}
	count := func(from, to string, requests, errors float64, together traffic.Together) {
		flow := &graph.FlowNumbers{
			FlowKey: flowSeen(from, to), Requests: 2 * requests, Errors: errors, First: until.AddDate(0, 0, -2), Last: until, Together: together,
			Recent: graph.Recent{Since: until.Add(-1000 * time.Second), Until: until, Requests: requests, Errors: errors},
		}
		flow.Recent.Latency.Add(0.25, requests)
		numbers.Count("traces", flow)
	}
	count("checkout-service", "order-service", 20_000, 50, traffic.Together{BothFailed: 48, CallFailed: 2, NoneFailed: 900})
	count("order-service", "payments", 5_000, 100, traffic.Together{CallFailed: 100, NoneFailed: 900})
	count("wishlist-service", "ledger", 10, 0, traffic.Together{})
	return numbers
}

// TestDocumentedPlans requires that the queries which walk far never try every path.
func TestDocumentedPlans(t *testing.T) {
	store := openProjector(t, 0)
	writeDemo(t, store) // plans follow from how much there is: of nothing, the planner takes any
	page, err := os.ReadFile(filepath.Join(testenv.ProjectRoot(t), "docs", "neo4j.md"))
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for title, query := range queriesOf(string(page)) {
		if strings.Contains(query, "[:DEPENDS_ON*") || strings.Contains(query, "[needs:DEPENDS_ON*") {
			checked++
			t.Run(title, func(t *testing.T) { requirePruning(t, store, prefixed(query)) })
		}
	}
	if checked < 5 {
		t.Errorf("only %d queries were found", checked)
	}
}

// requirePruning fails where a query tries every path.
func requirePruning(t testing.TB, s *Store, cypher string) {
	t.Helper()
	session := s.driver.NewSession(t.Context(), neo4j.SessionConfig{DatabaseName: s.config.Database})
	defer func() { _ = session.Close(t.Context()) }()
	result, err := session.Run(t.Context(), "EXPLAIN "+s.cypher(cypher), map[string]any{"ref": ""})
	if err != nil {
		t.Fatal(err)
	}
	summary, err := result.Consume(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var operators []string
	for plans := []neo4j.Plan{summary.Plan()}; len(plans) > 0; plans = plans[1:] {
		operators = append(operators, plans[0].Operator())
		plans = append(plans, plans[0].Children()...)
	}
	for _, operator := range operators {
		if strings.HasPrefix(operator, "VarLengthExpand") && !strings.HasPrefix(operator, "VarLengthExpand(Pruning,BFS") {
			t.Errorf("the plan of %s has %s", cypher, operator)
		}
	}
}
