package schema_test

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/internal/demo"
	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/folder"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/manifests"
)

// gathered are the documents that a scanner reports.
type gathered struct {
	mu        sync.Mutex
	documents []*catalog.Document
}

func (g *gathered) Report(_ context.Context, scope scanners.Scope) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, document := range scope.Documents {
		document.ID = catalog.DocumentID{Source: demo.Cluster, Scope: scope.Name, Key: document.ID.Key}
		g.documents = append(g.documents, document)
	}
	return nil
}

// demoCluster is what the manifests of the demo company say.
func demoCluster(t *testing.T, since time.Time) []*catalog.Document {
	t.Helper()
	scanner, err := manifests.New(manifests.Config{
		Cluster: demo.Cluster, Roots: []folder.Root{{FS: demo.Manifests(), Display: demo.Cluster}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var found gathered
	if _, err := scanner.Scan(t.Context(), nil, &found); err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(found.documents, func(a, b *catalog.Document) int {
		return cmp.Or(cmp.Compare(a.ID.Scope, b.ID.Scope), cmp.Compare(a.Ordinal, b.Ordinal))
	})
	for i, document := range found.documents {
		if i > 0 && document.ID.Scope == found.documents[i-1].ID.Scope {
			document.ID.Key += "#" // no two of a scope have one key
		}
		document.Priority, document.Environment = catalog.DefaultPriorityManifests, "production"
		for j := range document.Claims {
			document.Claims[j].FirstSeen = catalog.InstantOf(since)
		}
	}
	return found.documents
}
