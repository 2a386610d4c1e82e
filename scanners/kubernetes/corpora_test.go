package kubernetes_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
	"github.com/orrery-catalog/orrery/internal/ingest"
	"github.com/orrery-catalog/orrery/internal/testenv"
	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/folder"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/manifests"
)

// difference is a field in which what a live cluster says may differ from what its manifests say.
type difference struct {
	what, why string
	is        func(said) bool
}

// said names one thing that an export says, or that the snapshot behind it says of a workload.
type said struct {
	of    string // "entity", "edge" or "facts"
	ref   string // of the entity, or of where the edge comes from
	to    string // of an edge
	field string
}

func field(of, name string) func(said) bool {
	return func(s said) bool { return s.of == of && (s.field == name || strings.HasSuffix(s.field, "."+name)) }
}

func kind(ref string) string { return ref[:strings.IndexByte(ref, ':')] }

// differences are all that there may be, at most 15.
func differences() []difference {
	return []difference{
		{"nodes and their zones", "no manifest has them", func(s said) bool {
			at := s.ref
			if s.of == "edge" && kind(s.ref) != "node" {
				at = s.to // placement
			}
			return slices.Contains([]string{"node", "zone"}, kind(at))
		}},
		{"the entity of the cluster", "manifests have it only where something leads to nothing", func(s said) bool {
			return s.of == "entity" && kind(s.ref) == "cluster"
		}},
		{"edge evidence.location", "a path in the cluster, and a file", field("edge", "location")},
		{"edge evidence.line", "a cluster has no lines", field("edge", "line")},
		{"workload.ready", "status", field("facts", "Ready")},
		{"workload.nodes", "placement", field("facts", "Nodes")},
		{"workload.zones", "placement", field("facts", "Zones")},
		{"services.readyEndpoints", "status", field("facts", "ReadyEndpoints")},
		{"location of a Service or route", "a path in the cluster, and a file", field("facts", "Location")},
		{"line of a container, probe, Service or route", "a cluster has no lines", field("facts", "Line")},
	}
}

// TestLiveEqualsManifests applies real manifests to a real cluster, lets its controllers run them, and compares the export
// with that of the same manifests read from files.
func TestLiveEqualsManifests(t *testing.T) {
	dir := filepath.Join(testenv.Corpora(t), "kubernetes")
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(differences()) > 15 {
		t.Fatalf("%d differences are allowed, more than 15", len(differences()))
	}
	used := make(map[string]int)
	for _, entry := range entries {
		if !entry.IsDir() || testing.Short() && entry.Name() != "bookinfo" && entry.Name() != "sock-shop" {
			continue
		}
		t.Run(entry.Name(), func(t *testing.T) {
			files := filepath.Join(dir, entry.Name(), "manifests")
			own := testenv.OwnKube(t, testenv.KubeOptions{Controllers: true})
			testenv.ApplyMeshCRDs(t, own.KubeCluster)
			testenv.ApplyFiles(t, own.KubeCluster, "default", files)
			settled(t, own.KubeCluster)
			fromFiles, err := manifests.New(manifests.Config{Cluster: "test", Roots: []folder.Root{{Path: files}}})
			if err != nil {
				t.Fatal(err)
			}
			live, read := exported(t, scanner(t, of(own.KubeCluster))), exported(t, fromFiles)
			if len(read) < 50 {
				t.Fatalf("the manifests say only %d things", len(read))
			}
			for _, at := range slices.SortedFunc(maps.Keys(union(live, read)), compareSaid) {
				if live[at] == read[at] {
					continue
				}
				rule := slices.IndexFunc(differences(), func(d difference) bool { return d.is(at) })
				if rule < 0 {
					t.Errorf("%+v: live %q, from manifests %q", at, live[at], read[at])
					continue
				}
				used[differences()[rule].what]++
			}
		})
	}
	for _, d := range differences() {
		if t.Logf("%-50s %5d times: %s", d.what, used[d.what], d.why); used[d.what] == 0 && !t.Failed() {
			t.Errorf("nothing differs in %s: take it off the list", d.what)
		}
	}
}

func union(a, b map[said]string) map[said]string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

func compareSaid(a, b said) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) }

// settled waits until all that is to run runs, and for a while nothing more comes.
func settled(t *testing.T, cluster testenv.KubeCluster) {
	t.Helper()
	still, before := 0, -1
	eventually(t, "that everything runs", func() bool {
		ready := 0
		for _, path := range []string{"/apis/apps/v1/deployments", "/apis/apps/v1/statefulsets", "/apis/discovery.k8s.io/v1/endpointslices"} {
			answer, err := cluster.Ask(t.Context(), "GET", path, "")
			if err != nil {
				t.Fatal(err)
			}
			var list struct {
				Items []struct {
					Spec      struct{ Replicas int }
					Status    struct{ ReadyReplicas int }
					Endpoints []struct{ Conditions struct{ Ready bool } }
				}
			}
			if err := json.Unmarshal(answer, &list); err != nil {
				t.Fatal(err)
			}
			for _, item := range list.Items {
				if item.Spec.Replicas != item.Status.ReadyReplicas {
					return false
				}
				for _, endpoint := range item.Endpoints {
					if !endpoint.Conditions.Ready {
						return false
					}
					ready++
				}
			}
		}
		if still++; ready != before {
			still, before = 0, ready
		}
		return still >= 20
	})
}

// exported is what a source leads to, through everything that Orrery does with it.
func exported(t *testing.T, scanner scanners.Scanner) map[said]string {
	t.Helper()
	all, err := ingest.New(t.Context(), ingest.Config{Sources: []ingest.Source{{
		ID: "cluster", Kind: "kubernetes", Scanner: scanner, Priority: catalog.DefaultPriorityClusters, Environment: "production",
	}}, Now: func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }})
	if err != nil {
		t.Fatal(err)
	}
	result, err := all.Scan(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range result.Sources {
		if source.Err != nil || source.Unreadable > 0 {
			t.Fatalf("the scan: %v, %d scopes could not be read", source.Err, source.Unreadable)
		}
	}
	var text bytes.Buffer
	snapshot := all.Snapshot()
	if err := graph.WriteExport(&text, snapshot); err != nil {
		t.Fatal(err)
	}
	var export struct{ Entities, Edges []map[string]any }
	if err := json.Unmarshal(text.Bytes(), &export); err != nil {
		t.Fatal(err)
	}
	says := make(map[said]string)
	for _, entity := range export.Entities {
		flatten(says, said{of: "entity", ref: entity["ref"].(string)}, entity)
	}
	for _, edge := range export.Edges {
		flatten(says, said{of: "edge", ref: edge["from"].(string), to: edge["to"].(string), field: edge["type"].(string)}, edge)
	}
	for entity := range snapshot.Entities("") {
		if entity.Facts == nil {
			continue
		}
		text, err := json.Marshal(entity.Facts)
		if err != nil {
			t.Fatal(err)
		}
		var facts any
		if err := json.Unmarshal(text, &facts); err != nil {
			t.Fatal(err)
		}
		flatten(says, said{of: "facts", ref: string(entity.Ref)}, facts)
	}
	return says
}

// flatten adds all that a value of JSON says, by the path of its fields.
func flatten(into map[said]string, at said, value any) {
	in := func(name string) said {
		inner := at
		inner.field = strings.TrimPrefix(at.field+"."+name, ".")
		return inner
	}
	switch value := value.(type) {
	case map[string]any:
		for name, inner := range value {
			flatten(into, in(name), inner)
		}
	case []any:
		for i, inner := range value {
			flatten(into, in(fmt.Sprint(i)), inner)
		}
	default:
		into[at] = fmt.Sprint(value)
	}
}
