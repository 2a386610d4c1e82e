package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/internal/demo"
	"github.com/orrery-catalog/orrery/internal/testenv"
)

// neo4jGraph is the graph setting of a configuration for a catalog of its own in the Neo4j that all tests share.
func neo4jGraph(t *testing.T) string {
	t.Helper()
	server := testenv.Neo4j(t)
	return neo4jGraphOn(server, testenv.LabelPrefix(t, server))
}

func neo4jGraphOn(server testenv.Neo4jServer, labelPrefix string) string {
	settings := []string{"engine: neo4j", fmt.Sprintf("uri: %q", server.URI), fmt.Sprintf("database: %q", server.Database)}
	if labelPrefix != "" {
		settings = append(settings, "labelPrefix: "+labelPrefix)
	}
	if server.Username != "" {
		settings = append(settings, fmt.Sprintf("username: %q", server.Username), fmt.Sprintf("password: %q", server.Password))
	}
	return "{" + strings.Join(settings, ", ") + "}"
}

// configuredOn writes a configuration with one source, files, and returns its file.
func configuredOn(t *testing.T, graph, source, folder string) string {
	t.Helper()
	return write(t, fmt.Sprintf("listen: 127.0.0.1:0\ngraph: %s\nsources:\n  - {id: %s, kind: files, paths: [%q]}\n", graph, source, folder),
		t.TempDir(), "orrery.yaml")
}

// TestNeo4jExamples scans the demo company as it was and as it is into both engines, and holds that every example of the
// documentation gets the documented answer from a server on each. Times and numbers of revisions are those of the scans.
func TestNeo4jExamples(t *testing.T) {
	t.Parallel()
	examples, err := filepath.Glob("../../schema/examples/*.graphql")
	if err != nil || len(examples) == 0 {
		t.Fatalf("there are no examples: %v", err)
	}
	onSQLite := exampleAnswers(t, "{path: orrery.db}", examples)
	onNeo4j := exampleAnswers(t, neo4jGraph(t), examples)
	for _, example := range examples {
		want, err := os.ReadFile(strings.TrimSuffix(example, ".graphql") + ".json")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(onSQLite[example], onNeo4j[example]); diff != "" {
			t.Errorf("%s (-SQLite +Neo4j):\n%s", example, diff)
		}
		switch filepath.Base(example) {
		case "status.graphql", "traffic.graphql", "observed-reach.graphql", "path.graphql", "drift.graphql":
			continue // the documentation has a source of traffic, which nobody scans here
		case "provenance.graphql", "suggested-owners.graphql", "problems-of-a-team.graphql", "dangling-references.graphql":
			continue // the documentation has files in version control, and one with CODEOWNERS that is not of the demo
		}
		if diff := cmp.Diff(timeless(t, want, ""), onNeo4j[example]); diff != "" {
			t.Errorf("%s (-documented +Neo4j):\n%s", example, diff)
		}
	}
}

// exampleAnswers are the answers by the name of the example, on a store that saw the demo company change.
func exampleAnswers(t *testing.T, graph string, examples []string) map[string]string {
	t.Helper()
	parent := t.TempDir()
	folder, cluster := filepath.Join(parent, "company"), filepath.Join(parent, demo.Cluster)
	if err := os.CopyFS(cluster, demo.Manifests()); err != nil {
		t.Fatal(err)
	}
	file := write(t, fmt.Sprintf("listen: 127.0.0.1:0\ngraph: %s\nsources:\n  - {id: demo, kind: files, paths: [%q]}\n"+
		"  - {id: %s, kind: kubernetes, paths: [%q]}\n", graph, folder, demo.Cluster, cluster), t.TempDir(), "orrery.yaml")
	copyDemo(t, folder, strings.NewReplacer(
		"      strength: soft\n      fallback: only orders under 50 EUR are taken\n", "", "availability: 99.99", "availability: 99.9"))
	must(t, "scan", "--config", file)
	between := time.Now().UTC().Format(time.RFC3339Nano)
	copyDemo(t, folder, strings.NewReplacer())
	must(t, "scan", "--config", file)
	server := serve(t, "--config", file)
	answers := map[string]string{}
	for _, example := range examples {
		query, err := os.ReadFile(example)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := post(t.Context(), server.url, documentedTime.ReplaceAllString(string(query), between))
		if err != nil {
			t.Fatal(err)
		}
		answers[example] = strings.ReplaceAll(timeless(t, answer, folder), parent+"/", "")
	}
	return answers
}

func copyDemo(t *testing.T, folder string, edit *strings.Replacer) {
	t.Helper()
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(folder, demo.Files()); err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{"*.yaml", "*/*.yaml", "*/*/*.yaml"} {
		names, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			write(t, edit.Replace(string(data)), name)
		}
	}
}

var (
	someTime = regexp.MustCompile(`"\d{4}-\d\d-\d\dT[^"]*"`)
	// documentedTime is between the two states of the demo company, where an example asks for the past.
	documentedTime = regexp.MustCompile(`2026-01-31T(09|11):00:00Z`)
	someRevision   = regexp.MustCompile(`"revision": \d+`)
)

// timeless is an answer without what differs between two catalogs of the same files.
func timeless(t *testing.T, answer []byte, folder string) string {
	t.Helper()
	var told struct {
		Data   any `json:"data"`
		Errors any `json:"errors"`
	}
	if err := json.Unmarshal(answer, &told); err != nil {
		t.Fatalf("%v: %s", err, answer)
	}
	indented, err := json.MarshalIndent(told, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	text := string(indented)
	if folder != "" {
		text = strings.ReplaceAll(text, folder+"/", "")
	}
	return someRevision.ReplaceAllString(someTime.ReplaceAllString(text, `"TIME"`), `"revision": REVISION`)
}

// post asks a server and gives what it answers, errors included.
func post(ctx context.Context, url, query string) ([]byte, error) {
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/graphql", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d: %s", response.StatusCode, answer)
	}
	return answer, err
}

// TestNeo4jDemoEqual holds that the questions about the demo company have the same answers, in all formats, on Neo4j, and
// the exports the same digest.
func TestNeo4jDemoEqual(t *testing.T) {
	t.Parallel()
	company := demoFolder(t)
	file := configuredOn(t, neo4jGraph(t), "files", company)
	must(t, "scan", "--config", file)
	server := serve(t, "--config", file)
	for _, question := range append(questions, "export --digest") {
		args := strings.Fields(question)
		if question != "export --digest" {
			args = append(args, "--format", "json")
		}
		want := must(t, append([]string{"--catalog", company}, args...)...)
		if len(want) < 2 {
			t.Errorf("%s: there is no answer", question)
		}
		if diff := cmp.Diff(want, must(t, append([]string{"--server", server.url}, args...)...)); diff != "" {
			t.Errorf("%s differs between --catalog and a server on Neo4j:\n%s", question, diff)
		}
	}
	// Without a server, each question loads the store: some are enough.
	for _, question := range []string{"owner checkout-service --format json", "deps checkout-service --format json", "blast-radius ledger-db --format json", "export --digest"} {
		args := strings.Fields(question)
		want := must(t, append([]string{"--catalog", company}, args...)...)
		if diff := cmp.Diff(want, must(t, append([]string{"--config", file}, args...)...)); diff != "" {
			t.Errorf("%s differs between --catalog and Neo4j:\n%s", question, diff)
		}
	}
}

// TestNeo4jCorporaEqual holds the same for all real catalogs.
func TestNeo4jCorporaEqual(t *testing.T) {
	if testing.Short() {
		t.Skip("scans all real catalogs")
	}
	t.Parallel()
	catalogs := filepath.Join(testenv.Corpora(t), "catalogs")
	file := configuredOn(t, neo4jGraph(t), "files", catalogs)
	must(t, "scan", "--config", file)
	server := serve(t, "--config", file)
	places := map[string]*source{}
	for name, d := range map[string]*data{"--catalog": {catalog: []string{catalogs}}, "--config": {config: file}, "--server": {server: server.url}} {
		place, err := (&program{env: lookup(nil), stderr: io.Discard}).open(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		defer place.close()
		places[name] = place
	}
	for _, ref := range someRefs(t, catalogs, 200) {
		for question, ask := range map[string]func(context.Context, *pinned) (answer, error){
			"owner":                      func(ctx context.Context, q *pinned) (answer, error) { return askOwner(ctx, q, ref) },
			"deps":                       depsOf(ref, "NEEDS"),
			"deps --direction needed-by": depsOf(ref, "NEEDED_BY"),
			"blast-radius":               blastOf(ref),
		} {
			want := rendered(t, places["--catalog"], ask)
			for _, name := range []string{"--config", "--server"} {
				if diff := cmp.Diff(want, rendered(t, places[name], ask)); diff != "" {
					t.Errorf("%s %s differs between --catalog and %s on Neo4j:\n%s", question, ref, name, diff)
				}
			}
		}
	}
	want := must(t, "export", "--digest", "--catalog", catalogs)
	for _, place := range [][]string{{"--config", file}, {"--server", server.url}} {
		if got := must(t, append(place, "export", "--digest")...); got != want {
			t.Errorf("the digest of %s is %s, not %s", place[0], got, want)
		}
	}
}
