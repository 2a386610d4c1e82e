package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/internal/testenv"
)

// TestCorporaEqualAnswers scans all real catalogs into a store, and asks the same of the folder, of the store while a
// server runs on it, and of the server, by the program and by plain GraphQL.
func TestCorporaEqualAnswers(t *testing.T) {
	t.Parallel()
	catalogs := filepath.Join(testenv.Corpora(t), "catalogs")
	file := configured(t, catalogs)
	must(t, "scan", "--config", file)
	server := serve(t, "--config", file)

	places := map[string]*source{}
	var names []string
	for name, d := range map[string]*data{
		"--catalog": {catalog: []string{catalogs}}, "--config": {config: file}, "--server": {server: server.url},
	} {
		p := &program{env: lookup(nil), stderr: io.Discard}
		place, err := p.open(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		defer place.close()
		places[name] = place
		names = append(names, name)
	}
	slices.Sort(names)

	refs := someRefs(t, catalogs, 200)
	asked := map[string]int{} // answers with something in them
	for _, ref := range refs {
		for question, ask := range map[string]func(context.Context, *pinned) (answer, error){
			"owner":                      func(ctx context.Context, q *pinned) (answer, error) { return askOwner(ctx, q, ref) },
			"deps":                       depsOf(ref, "NEEDS"),
			"deps --direction needed-by": depsOf(ref, "NEEDED_BY"),
			"blast-radius":               blastOf(ref),
		} {
			want := rendered(t, places["--catalog"], ask)
			for _, name := range names {
				if diff := cmp.Diff(want, rendered(t, places[name], ask)); diff != "" {
					t.Errorf("%s %s differs between --catalog and %s:\n%s", question, ref, name, diff)
				}
			}
			if strings.Contains(want, `"DECLARED"`) || strings.Contains(want, `"owner": {`) {
				asked[question]++
			}
		}
		for _, compare := range []func(*testing.T, string, *source, string){compareOwner, compareDeps, compareBlast} {
			compare(t, server.url, places["--config"], ref)
		}
	}
	for _, question := range []string{"owner", "deps", "deps --direction needed-by", "blast-radius"} {
		if asked[question] < 20 {
			t.Errorf("%s: only %d answers have something in them: %v", question, asked[question], asked)
		}
	}
	// The same through the command line, for a few of them: each reads the catalogs anew.
	for _, ref := range refs[:3] {
		for _, question := range []string{"owner", "deps", "blast-radius"} {
			want := must(t, question, ref, "--format", "json", "--catalog", catalogs)
			for _, place := range [][]string{{"--config", file}, {"--server", server.url}} {
				if diff := cmp.Diff(want, must(t, append(place, question, ref, "--format", "json")...)); diff != "" {
					t.Errorf("%s %s differs between --catalog and %s:\n%s", question, ref, place[0], diff)
				}
			}
		}
	}
	want := must(t, "export", "--digest", "--catalog", catalogs)
	if got := must(t, "export", "--digest", "--server", server.url); got != want {
		t.Errorf("the digest of the server is %s, not %s", got, want)
	}
}

func depsOf(ref, direction string) func(context.Context, *pinned) (answer, error) {
	return func(ctx context.Context, q *pinned) (answer, error) {
		return askDeps(ctx, q, map[string]any{"ref": ref, "direction": direction})
	}
}

func blastOf(ref string) func(context.Context, *pinned) (answer, error) {
	return func(ctx context.Context, q *pinned) (answer, error) {
		return askBlast(ctx, q, map[string]any{"of": []string{ref}})
	}
}

// someRefs draws entities of a catalog, those that are only referred to included; the same in each run.
func someRefs(t *testing.T, folder string, count int) []string {
	t.Helper()
	var refs []string
	for _, which := range [][]string{nil, {"--placeholders"}} {
		var listed struct{ Entities []refNode }
		if err := json.Unmarshal([]byte(must(t, append([]string{"list", "--format", "json", "--catalog", folder}, which...)...)), &listed); err != nil {
			t.Fatal(err)
		}
		for _, e := range listed.Entities {
			refs = append(refs, e.Ref)
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	random.Shuffle(len(refs), func(i, j int) { refs[i], refs[j] = refs[j], refs[i] })
	if len(refs) < count {
		t.Fatalf("there are only %d entities", len(refs))
	}
	return refs[:count]
}

// rendered is an answer as the program prints it, in all formats.
func rendered(t *testing.T, place *source, ask func(context.Context, *pinned) (answer, error)) string {
	t.Helper()
	var out bytes.Buffer
	p := &program{stdout: &out, env: lookup(nil)}
	a := answerOf(t, place, ask)
	for _, format := range []string{formatJSON, formatTable, formatDot, formatMermaid} {
		if err := p.show(a, format); err != nil {
			t.Fatal(err)
		}
	}
	return out.String()
}

func answerOf(t *testing.T, place *source, ask func(context.Context, *pinned) (answer, error)) (a answer) {
	t.Helper()
	err := place.consistently(func(q *pinned) (err error) {
		a, err = ask(t.Context(), q)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// The functions below ask a server by plain GraphQL, without any code of the client, and compare with what the program
// says, in plain words.

func compareOwner(t *testing.T, url string, place *source, ref string) {
	t.Helper()
	var plain struct {
		Entity struct {
			Ref      string
			Owner    *struct{ Ref, Name string }
			OnCall   []struct{ Kind, Target string }
			Runbooks []string
			Source   *struct {
				Location string
				Line     int
			}
		}
	}
	postGraphQL(t, url, `query($ref: String!) { entity(ref: $ref) {
		ref owner { ref name } onCall { kind target } runbooks source { location line } } }`, ref, &plain)
	want := []string{plain.Entity.Ref, fmt.Sprint(plain.Entity.Runbooks), fmt.Sprint(plain.Entity.OnCall)}
	if o := plain.Entity.Owner; o != nil {
		want = append(want, o.Ref, o.Name)
	}
	if s := plain.Entity.Source; s != nil {
		want = append(want, fmt.Sprintf("%s:%d", s.Location, s.Line))
	}
	told := answerOf(t, place, func(ctx context.Context, q *pinned) (answer, error) { return askOwner(ctx, q, ref) }).(*ownership)
	got := []string{told.Ref, fmt.Sprint(told.Runbooks), fmt.Sprint(told.OnCall)}
	if told.Owner != nil {
		got = append(got, told.Owner.Ref, told.Owner.Name)
	}
	if told.Source != nil {
		got = append(got, told.Source.text())
	}
	sameWords(t, "owner "+ref, want, got)
}

func compareDeps(t *testing.T, url string, place *source, ref string) {
	t.Helper()
	var plain struct {
		Dependencies struct {
			Edges struct {
				Nodes []struct {
					From, To struct{ Ref string }
					Strength string
					AnyOf    *string
					Evidence []struct{ Kind string }
				}
			}
			Entities struct {
				Nodes []struct {
					Distance int
					Entity   struct{ Ref string }
				}
			}
		}
	}
	postGraphQL(t, url, `query($ref: String!) { dependencies(of: $ref) {
		edges(first: 1000) { nodes { from { ref } to { ref } strength anyOf evidence { kind } } }
		entities(first: 1000) { nodes { distance entity { ref } } } } }`, ref, &plain)
	var want, got []string
	for _, e := range plain.Dependencies.Edges.Nodes {
		want = append(want, fmt.Sprint(e.From.Ref, " needs ", e.To.Ref, " ", e.Strength, " ", shown(e.AnyOf), " ", len(e.Evidence)))
	}
	for _, e := range plain.Dependencies.Entities.Nodes {
		want = append(want, fmt.Sprint(e.Distance, " ", e.Entity.Ref))
	}
	told := answerOf(t, place, depsOf(ref, "NEEDS")).(*walk)
	for _, e := range told.Edges {
		got = append(got, fmt.Sprint(e.From, " needs ", e.To, " ", e.Strength, " ", shown(e.AnyOf), " ", len(e.Evidence)))
	}
	for _, e := range told.Entities {
		got = append(got, fmt.Sprint(e.Distance, " ", e.Ref))
	}
	sameWords(t, "deps "+ref, want, got)
}

func compareBlast(t *testing.T, url string, place *source, ref string) {
	t.Helper()
	var plain struct {
		BlastRadius struct {
			Totals   struct{ Outage, Degraded, Delayed int }
			Impacted struct {
				Nodes []struct {
					Impact   string
					Distance int
					Entity   struct{ Ref string }
					Path     []struct{ To struct{ Ref string } }
				}
			}
		}
	}
	postGraphQL(t, url, `query($ref: String!) { blastRadius(of: [$ref]) { totals { outage degraded delayed }
		impacted(first: 1000) { nodes { impact distance entity { ref } path { to { ref } } } } } }`, ref, &plain)
	want := []string{fmt.Sprint(plain.BlastRadius.Totals)}
	for _, hit := range plain.BlastRadius.Impacted.Nodes {
		path := []string{hit.Entity.Ref}
		for _, step := range hit.Path {
			path = append(path, step.To.Ref)
		}
		want = append(want, fmt.Sprint(hit.Impact, " ", hit.Distance, " ", hit.Entity.Ref, " ", path))
	}
	told := answerOf(t, place, blastOf(ref)).(*blast)
	got := []string{fmt.Sprint(told.Totals)}
	for _, hit := range told.Impacted {
		got = append(got, fmt.Sprint(hit.Impact, " ", hit.Distance, " ", hit.Ref, " ", hit.Path))
	}
	sameWords(t, "blast-radius "+ref, want, got)
}

func sameWords(t *testing.T, question string, want, got []string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-GraphQL +orrery):\n%s", question, diff)
	}
}

// postGraphQL sends an operation with one variable, ref.
func postGraphQL(t *testing.T, url, query, ref string, answer any) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": map[string]string{"ref": ref}})
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.Post(url+"/graphql", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	envelope := struct {
		Data   any
		Errors []struct{ Message string }
	}{Data: answer}
	if err := json.NewDecoder(response.Body).Decode(&envelope); err != nil || len(envelope.Errors) > 0 {
		t.Fatalf("%s: %v %v", query, err, envelope.Errors)
	}
}
