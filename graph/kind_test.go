package graph_test

import (
	"slices"
	"testing"
	"time"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// TestJobsByFacts says that facts tell whether a workload keeps running where its name was cut, as soon as they come and
// when they change.
func TestJobsByFacts(t *testing.T) {
	const long, other = catalog.Ref("workload:shop/gke-a-very-long-name-of-a-cluster-1a2b3c4d"), catalog.Ref("workload:shop/eu.deployment.cart")
	runs := described("component:shop/cart", func(d *catalog.Document, c *catalog.Claim) {
		d.Environment = graph.ProductionEnvironment
		for _, ref := range []catalog.Ref{long, other} {
			c.Edges = append(c.Edges, needs(ref, func(e *catalog.EdgeClaim) { e.Type = catalog.RunsOn }))
		}
	})
	found := func(kind string) *catalog.Document {
		return described(long, func(d *catalog.Document, c *catalog.Claim) {
			c.Descriptor, c.Found, c.Facts = nil, true, &catalog.Facts{Workload: &catalog.Workload{Kind: kind}}
		})
	}
	merger := catalog.NewMerger(catalog.MergeOptions{})
	s := graph.Build(graph.Input{})
	for i, step := range []struct {
		put  *catalog.Document
		want graph.Impact // on the component, when the other workload fails
	}{
		{runs, graph.Degraded}, // what nobody knows counts as running
		{found("job"), graph.Outage},
		{found("deployment"), graph.Degraded},
		{found("cronjob"), graph.Outage},
	} {
		before := s
		s = s.Apply(merger.Apply(nil, slices.Values([]*catalog.Document{step.put})), graph.Revision(i+1), time.Time{}, nil)
		fresh := graph.Build(graph.Input{Revision: graph.Revision(i + 1), Model: merger.Model()})
		for _, asked := range []*graph.Snapshot{s, fresh} {
			blast, err := asked.BlastRadius([]catalog.Ref{other}, graph.BlastOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if hit := blast.Page(0, -1); len(hit) != 1 || hit[0].Impact != step.want {
				t.Errorf("step %d: %+v, want %s", i, hit, step.want)
			}
		}
		if differing := s.Differing(before); !slices.Contains(differing, "component:shop/cart") {
			t.Errorf("step %d: nobody is told that what the component needs is another thing: %v", i, differing)
		}
	}
}

// TestWorkloadsDoNotRedirect says that a workload keeps its Ref when an entity takes its alias.
func TestWorkloadsDoNotRedirect(t *testing.T) {
	const alias, w = catalog.Alias("k8s:eu/shop/deployment/cart"), catalog.Ref("workload:shop/eu.deployment.cart")
	cluster := &catalog.Document{
		ID: catalog.DocumentID{Source: "eu", Scope: "w", Key: "w"},
		Claims: []catalog.Claim{
			{Subject: catalog.Subject{Ref: w}, Found: true},
			{Subject: catalog.Subject{Alias: alias}, Edges: []catalog.EdgeClaim{needs(w, func(e *catalog.EdgeClaim) { e.Type = catalog.RunsOn })}},
		},
	}
	component := described("component:default/basket", func(_ *catalog.Document, c *catalog.Claim) {
		c.Aliases = []catalog.AliasClaim{{Alias: alias}, {Alias: "otel:shop/cart"}}
	})
	s := graph.Build(graph.Input{Model: catalog.Merge(slices.Values([]*catalog.Document{cluster, component}), catalog.MergeOptions{})})
	if e, err := s.Resolve(string(w)); err != nil || e.Ref != w {
		t.Errorf("%+v, %v", e, err)
	}
	if formers := s.FormerRefs("component:default/basket"); !slices.Equal(formers, []catalog.Ref{"component:shop/cart"}) {
		t.Errorf("%v", formers)
	}
}
