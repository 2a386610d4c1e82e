package graph_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got; -update writes it anew):\n%s", path, diff)
	}
}

// exported is the shop, with what files do not tell: sources, an observed relation, numbers that JSON does not have.
func exported(t *testing.T) *graph.Snapshot {
	var model catalog.Model
	model.Entities = slices.Collect(read(t, shop).Entities(""))
	for edge := range read(t, shop).Edges() {
		model.Edges = append(model.Edges, *edge)
	}
	origin := &catalog.Origin{Source: "traces", Location: "otlp", Environment: "production"}
	i, _ := slices.BinarySearchFunc(model.Edges, "component:logistics/shipping", func(e catalog.Edge, ref catalog.Ref) int {
		return strings.Compare(string(e.From), string(ref))
	})
	model.Edges = slices.Insert(model.Edges, i, catalog.Edge{
		From: "component:logistics/shipping", To: "component:default/checkout", Type: catalog.DependsOn, Strength: catalog.Hard,
		Environment: "production", Stale: true, Evidence: []catalog.Evidence{{Kind: catalog.Observed, Stale: true, Origin: origin}},
		Details: &catalog.EdgeDetails{CallsPerRequest: nan()},
	})
	model.Entities[0].Aliases = []catalog.EntityAlias{{Alias: "otel:checkout", MatchedBy: catalog.MatchedByName}}
	return graph.Build(graph.Input{Revision: 7, Time: time.Unix(0, 0), Model: &model, Sources: []graph.Source{
		{ID: "repos", Kind: "files", State: graph.SourceOK},
		{ID: "traces", Kind: "otlp", State: graph.SourceFailed, Error: "no <answer>", Lost: map[string]int64{"no-service": 3}},
	}})
}

func nan() float64 {
	var zero float64
	return zero / zero
}

func TestExport(t *testing.T) {
	var b bytes.Buffer
	if err := graph.WriteExport(&b, exported(t)); err != nil {
		t.Fatal(err)
	}
	if !json.Valid(b.Bytes()) {
		t.Error("this is no JSON")
	}
	golden(t, "export.json", b.Bytes())
}

// TestExportLines says that the lines hold what the document does.
func TestExportLines(t *testing.T) {
	s := exported(t)
	var document, lines bytes.Buffer
	if err := errors.Join(graph.WriteExport(&document, s), graph.WriteExportLines(&lines, s)); err != nil {
		t.Fatal(err)
	}
	got := map[string][]any{}
	for line := range strings.Lines(lines.String()) {
		var object map[string]any
		if err := json.Unmarshal([]byte(line), &object); err != nil || len(object) != 1 {
			t.Fatalf("%q: %v", line, err)
		}
		for name, value := range object {
			got[name] = append(got[name], value)
		}
	}
	var want struct {
		Revision                 any
		Entities, Edges, Sources []any
	}
	if err := json.Unmarshal(document.Bytes(), &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string][]any{
		"revision": {want.Revision}, "entity": want.Entities, "edge": want.Edges, "source": want.Sources,
	}, got); diff != "" {
		t.Error(diff)
	}
}

func TestExportOfNothing(t *testing.T) {
	var b bytes.Buffer
	if err := graph.WriteExport(&b, graph.Build(graph.Input{})); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{
		"revision": 0.0, "entities": []any{}, "edges": []any{}, "sources": []any{},
	}, got); diff != "" {
		t.Error(diff)
	}
}

// full takes some bytes and then no more.
type full struct{ room int }

var errFull = errors.New("no space left")

func (f *full) Write(p []byte) (int, error) {
	if f.room -= len(p); f.room < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestExportTellsWhenItCannotWrite(t *testing.T) {
	for _, write := range []func(*full, *graph.Snapshot) error{
		func(w *full, s *graph.Snapshot) error { return graph.WriteExport(w, s) },
		func(w *full, s *graph.Snapshot) error { return graph.WriteExportLines(w, s) },
	} {
		if err := write(&full{room: 10}, exported(t)); !errors.Is(err, errFull) {
			t.Errorf("got %v", err)
		}
	}
}

func TestDigest(t *testing.T) {
	base := graph.Digest(read(t, shop))
	if again := graph.Digest(read(t, shop)); again != base || len(base) != 64 {
		t.Errorf("%s and %s for the same", base, again)
	}
	if other := graph.Digest(readAs(t, "elsewhere", shop)); other != base {
		t.Error("the id of a source counts")
	}
	for _, change := range [][2]string{
		{"title: The checkout", "title: A checkout"},
		{"\"1\"", "\"2\""},
		{"strength: soft", "strength: async"},
		{"anyOf: psp", "anyOf: other"},
		{"fallback: cached", "fallback: old"},
		{"300ms", "301ms"},
		{"role: publish", "role: consume"},
		{"system: shop", "system: shops"},
		{"type: runbook", "type: dashboard"},
		{"members: [ada]", "members: []"},
		{"lifecycle: deprecated", "lifecycle: deprecating"},
	} {
		if !strings.Contains(shop, change[0]) {
			t.Fatalf("the shop has no %q", change[0])
		}
		if graph.Digest(read(t, strings.Replace(shop, change[0], change[1], 1))) == base {
			t.Errorf("%q instead of %q makes no difference", change[1], change[0])
		}
	}
}
