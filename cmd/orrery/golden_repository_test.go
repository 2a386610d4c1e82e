package main

import (
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/descriptor"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/server"
)

// fixed is a catalog in which nothing happens.
type fixed struct{ snapshot *graph.Snapshot }

func (f fixed) Snapshot() *graph.Snapshot { return f.snapshot }

const repositoryFile = `
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: checkout}
spec: {type: service, lifecycle: production, owner: group:dissolved, dependsOn: [component:ledger, component:checkout]}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: ledger}
spec: {type: service, lifecycle: production, owner: group:payments}
`

// repository is a catalog file in a repository, with the CODEOWNERS beside it, and the team of its organisation.
func repository(t *testing.T) *graph.Snapshot {
	t.Helper()
	const location = "github.com/Acme/shop/services/my checkout/catalog-info.yaml"
	at := func(path string) *catalog.Version {
		return &catalog.Version{
			Repository: "github.com/Acme/shop", Path: path, Commit: strings.Repeat("c0ffee42", 5), Web: "https://github.com/Acme/shop/blob/",
		}
	}
	var documents []*catalog.Document
	for i, parsed := range descriptor.Parse([]byte(repositoryFile), descriptor.Options{Location: location}).Documents {
		if parsed.Document == nil {
			t.Fatalf("document %d: %v", i, parsed.Problems)
		}
		d := parsed.Document
		d.ID = catalog.DocumentID{Source: "acme", Scope: location, Key: string(d.Claims[0].Subject.Ref)}
		d.Location, d.Version, d.Problems = location, at("services/my checkout/catalog-info.yaml"), parsed.Problems
		d.Claims[0].OwnerHints = []catalog.OwnerHint{
			{
				Name: "@Acme/payments", Location: "github.com/Acme/shop/.github/CODEOWNERS", Line: 3, Reason: "/services/",
				Version: at(".github/CODEOWNERS"),
			},
			{Name: "@stranger", Location: "github.com/Acme/shop/.github/CODEOWNERS", Line: 3},
		}
		documents = append(documents, d)
	}
	documents = append(documents, &catalog.Document{
		ID:       catalog.DocumentID{Source: "acme", Scope: "teams/github.com/acme", Key: "group:default/payments"},
		Location: "https://github.com/orgs/acme/teams/payments", Priority: catalog.DefaultPriorityDiscoveredTeams,
		Claims: []catalog.Claim{{Subject: catalog.Subject{Ref: "group:default/payments"}, Descriptor: &catalog.Descriptor{
			Ref: "group:default/payments", Kind: "Group", Namespace: "default", Name: "payments", Type: "team",
			Annotations: map[string]string{"github.com/team-slug": "acme/payments"},
		}}},
	})
	return graph.Build(graph.Input{
		Revision: 7, Time: time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC),
		Model: catalog.Merge(slices.Values(documents), catalog.MergeOptions{}),
		Sources: []graph.Source{
			{ID: "acme", Kind: "github", State: graph.SourceOK, Documents: 3, Entities: 4, Scopes: 2, Budgets: []graph.Budget{
				{Name: "core", Limit: 5000, Remaining: 4321, Reset: time.Now().Add(30*time.Minute + 30*time.Second), Used: 87},
				{Name: "graphql", Limit: 5000, Remaining: 12, Used: 3},
			}},
			{ID: "files", Kind: "files", State: graph.SourceOK},
		},
	})
}

// TestGoldenRepository holds what is shown of where facts stand in version control, of whom CODEOWNERS suggests, and of how
// much a source may still ask.
func TestGoldenRepository(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(server.New(server.Config{Snapshots: fixed{repository(t)}}))
	t.Cleanup(s.Close)
	for name, command := range map[string]string{
		"repository-owner.txt":       "owner checkout",
		"repository-owner.json":      "owner checkout --format json",
		"repository-owned.txt":       "owner ledger",
		"repository-show.txt":        "show checkout",
		"repository-deps.json":       "deps checkout --depth 1 --format json",
		"repository-path.txt":        "path checkout ledger",
		"repository-problems.txt":    "problems",
		"repository-problems.json":   "problems --format json",
		"repository-drift.txt":       "drift",
		"repository-drift-patch.txt": "drift --patch",
		"repository-sources.txt":     "sources",
		"repository-source.txt":      "sources show acme",
		"repository-export.json":     "export",
	} {
		t.Run(name, func(t *testing.T) {
			golden(t, name, must(t, append(strings.Fields(command), "--server", s.URL)...))
		})
	}
}
