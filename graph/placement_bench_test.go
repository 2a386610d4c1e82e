package graph_test

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// Every benchmark of placement is of this many workloads in three clusters, of three replicas each.
const (
	placedWorkloads = 10_000
	placedClusters  = 3
	placedNodes     = 200 // of each cluster
)

func placedOn(cluster, node int) catalog.Ref {
	return catalog.Ref(fmt.Sprintf("node:default/c%d.n%d", cluster, node))
}

// placed are the documents of workloads, as three clusters say them and a store gives them back: no two share a string.
func placed(b *testing.B) []*catalog.Document {
	b.Helper()
	var documents []*catalog.Document
	add := func(cluster int, scope string, claims ...catalog.Claim) {
		packed, err := graph.EncodeDocument(&catalog.Document{
			ID:       catalog.DocumentID{Source: fmt.Sprint("c", cluster), Scope: scope, Key: scope},
			Priority: catalog.DefaultPriorityClusters, Environment: graph.ProductionEnvironment, Location: "k8s://" + scope, Claims: claims,
		})
		if err != nil {
			b.Fatal(err)
		}
		document, err := graph.DecodeDocument(packed)
		if err != nil {
			b.Fatal(err)
		}
		documents = append(documents, document)
	}
	runsOn := func(target catalog.Ref) catalog.EdgeClaim {
		return catalog.EdgeClaim{Target: catalog.Subject{Ref: target}, Type: catalog.RunsOn, Evidence: catalog.Observed}
	}
	for cluster := range placedClusters {
		for node := range placedNodes {
			zone := catalog.Ref(fmt.Sprintf("zone:default/z%d", node%6))
			add(cluster, fmt.Sprint("nodes/n", node),
				catalog.Claim{
					Subject: catalog.Subject{Ref: placedOn(cluster, node)}, Found: true,
					Facts: &catalog.Facts{Node: &catalog.Node{Cluster: fmt.Sprint("c", cluster), Name: fmt.Sprint("n", node)}},
					Edges: []catalog.EdgeClaim{runsOn(zone), runsOn(catalog.Ref(fmt.Sprintf("cluster:default/c%d", cluster)))},
				},
				catalog.Claim{Subject: catalog.Subject{Ref: zone}, Found: true},
			)
		}
	}
	for i := range placedWorkloads {
		cluster, replicas, name := i%placedClusters, int32(3), fmt.Sprintf("service-%05d", i)
		alias := catalog.Alias(fmt.Sprintf("k8s:c%d/shop/deployment/%s", cluster, name))
		ref := catalog.DiscoveredRef(alias)
		probe := &catalog.Probe{
			Handler: catalog.ProbeHTTP, Port: "http", Path: "/readyz", Scheme: "HTTP", Period: 10, Timeout: 1, SuccessThreshold: 1, FailureThreshold: 3,
		}
		facts := &catalog.Facts{Workload: &catalog.Workload{
			Cluster: fmt.Sprint("c", cluster), Namespace: "shop", Kind: "deployment", Name: name, Version: "1.2.3", Wanted: &replicas,
			Ready: &replicas, Nodes: 3, Zones: 3, Containers: []catalog.Container{{
				Name: "server", Image: "registry.acme.example/" + name + ":1.2.3", Readiness: probe, Liveness: probe,
				Ports: []catalog.ContainerPort{{Name: "http", Number: 8080, Protocol: "TCP"}},
			}},
		}}
		needs := catalog.Claim{Subject: catalog.Subject{Alias: alias}}
		for j := range 3 {
			other := (i + placedClusters*(j+1)*7) % placedWorkloads
			needs.Edges = append(needs.Edges, catalog.EdgeClaim{
				Target: catalog.Subject{Alias: catalog.Alias(fmt.Sprintf("k8s:c%d/shop/deployment/service-%05d", other%placedClusters, other))},
				Type:   catalog.DependsOn, Evidence: catalog.Inferred, Protocol: "http",
			})
		}
		add(cluster, "workloads/shop/deployment/"+name,
			catalog.Claim{Subject: catalog.Subject{Ref: ref}, Found: true, Facts: facts},
			catalog.Claim{Subject: catalog.Subject{Alias: alias}, Edges: []catalog.EdgeClaim{runsOn(ref)}})
		on := catalog.Claim{Subject: catalog.Subject{Ref: ref}}
		for j := range 3 {
			on.Edges = append(on.Edges, runsOn(placedOn(cluster, (i/placedClusters+j*67)%placedNodes)))
		}
		add(cluster, "placement/shop/deployment/"+name, on)
		add(cluster, "services/shop/"+name, catalog.Claim{Subject: catalog.Subject{Ref: ref}, Facts: &catalog.Facts{Services: []catalog.Service{{
			Namespace: "shop", Name: name, Type: "ClusterIP", ReadyEndpoints: &replicas,
			Ports: []catalog.ServicePort{{Name: "http", Port: 80, Target: "http", Protocol: "TCP"}},
		}}}})
		add(cluster, "edges/shop/deployment/"+name, needs)
	}
	return documents
}

// BenchmarkPlacedMemory tells how much memory the model and the snapshot take for a workload, with its documents.
func BenchmarkPlacedMemory(b *testing.B) {
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		merger := catalog.NewMerger(catalog.MergeOptions{})
		s := graph.Build(graph.Input{}).Apply(merger.Apply(nil, slices.Values(placed(b))), 1, time.Time{}, nil)
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/placedWorkloads, "B/workload")
		runtime.KeepAlive(merger)
		runtime.KeepAlive(s)
	}
}

// BenchmarkPlaced fails a node, a zone, a cluster, and moves replicas of a workload.
func BenchmarkPlaced(b *testing.B) {
	merger := catalog.NewMerger(catalog.MergeOptions{})
	documents := placed(b)
	s := graph.Build(graph.Input{}).Apply(merger.Apply(nil, slices.Values(documents)), 1, time.Time{}, nil)
	for _, failed := range []catalog.Ref{placedOn(0, 0), "zone:default/z0", "cluster:default/c0"} {
		b.Run(failed.Kind(), func(b *testing.B) {
			for b.Loop() {
				blast, err := s.BlastRadius([]catalog.Ref{failed}, graph.BlastOptions{})
				if err != nil {
					b.Fatal(err)
				}
				blast.Page(0, 100)
				b.ReportMetric(float64(blast.Len()), "impacted")
			}
		})
	}
	b.Run("replica-moves", func(b *testing.B) {
		placement := slices.IndexFunc(documents, func(d *catalog.Document) bool { return d.ID.Scope == "placement/shop/deployment/service-00000" })
		node := 0
		for b.Loop() {
			moved := *documents[placement]
			moved.Claims = []catalog.Claim{{Subject: moved.Claims[0].Subject, Edges: slices.Clone(moved.Claims[0].Edges)}}
			node = (node + 1) % 50
			moved.Claims[0].Edges[0].Target.Ref = placedOn(0, node)
			change := merger.Apply(nil, slices.Values([]*catalog.Document{&moved}))
			if records := s.FieldChanges(change); len(records) > 0 {
				b.Fatalf("where it runs is in the history: %+v", records)
			}
			s = s.Apply(change, s.Revision()+1, time.Time{}, nil)
		}
	})
}
