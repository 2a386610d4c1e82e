package resolve_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

const everythingOfSources = `{sources{nodes{id kind state error lastScan lastGood durationSeconds documents staleDocuments
	entities scopes lost{reason count} configured environment schedule nextScan watched watchError
	held{digest since entities of reason refs}}}}`

func TestSources(t *testing.T) {
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.FixedZone("", 3600))
	var refs []catalog.Ref
	for i := range 120 {
		refs = append(refs, catalog.NewRef("component", "", fmt.Sprintf("gone-%03d", i)))
	}
	c := newClient(graph.Build(graph.Input{Revision: 1, Sources: []graph.Source{
		{ID: "left", Kind: "files", State: graph.SourcePending, Unconfigured: true},
		{
			ID: "repos", Kind: "files", State: graph.SourceHeld, Error: "too much is gone", LastScan: noon,
			LastGood: noon.Add(-time.Hour), Duration: 1500 * time.Millisecond, Documents: 9, Stale: 4, Entities: 8, Scopes: 7,
			Lost: map[string]int64{"not-yaml": 1, "binary": 2}, Environment: "staging", Schedule: "@every 5m",
			NextScan: noon.Add(time.Minute), Watched: true, WatchError: "no inotify",
			Held: &graph.HeldRemoval{
				Digest: "abc", Since: noon, Entities: 120, Of: 300, Refs: refs, Reason: "40 % of its entities",
			},
		},
	}}))
	nodes := at(c.data(t, everythingOfSources, nil), "sources.nodes").([]any)
	want := map[string]any{
		"id": "left", "kind": "files", "state": "PENDING", "error": nil, "lastScan": nil, "lastGood": nil,
		"durationSeconds": nil, "documents": 0.0, "staleDocuments": 0.0, "entities": 0.0, "scopes": 0.0, "lost": []any{},
		"configured": false, "environment": nil, "schedule": nil, "nextScan": nil, "watched": false, "watchError": nil,
		"held": nil,
	}
	if diff := cmp.Diff(want, nodes[0]); diff != "" {
		t.Errorf("a source of which nothing is known (-want +got):\n%s", diff)
	}
	removal := at(nodes[1], "held").(map[string]any)
	named := removal["refs"].([]any)
	if len(named) != 100 || named[99] != "component:default/gone-099" {
		t.Errorf("%d refs are named, the last is %v", len(named), named[len(named)-1])
	}
	delete(removal, "refs")
	want = map[string]any{
		"id": "repos", "kind": "files", "state": "HELD", "error": "too much is gone", "lastScan": "2026-03-01T11:00:00Z",
		"lastGood": "2026-03-01T10:00:00Z", "durationSeconds": 1.5, "documents": 9.0, "staleDocuments": 4.0,
		"entities": 8.0, "scopes": 7.0,
		"lost":       []any{map[string]any{"reason": "binary", "count": 2.0}, map[string]any{"reason": "not-yaml", "count": 1.0}},
		"configured": true, "environment": "staging", "schedule": "@every 5m", "nextScan": "2026-03-01T11:01:00Z",
		"watched": true, "watchError": "no inotify",
		"held": map[string]any{
			"digest": "abc", "since": "2026-03-01T11:00:00Z", "entities": 120.0, "of": 300.0, "reason": "40 % of its entities",
		},
	}
	if diff := cmp.Diff(want, nodes[1]); diff != "" {
		t.Errorf("a source of which all is known (-want +got):\n%s", diff)
	}
}
