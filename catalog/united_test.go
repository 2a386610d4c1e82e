package catalog_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orrery-catalog/orrery/catalog"
)

const (
	cartAlias    = catalog.Alias("k8s:eu/shop/deployment/cart")
	cartWorkload = catalog.Ref("workload:shop/eu.deployment.cart")
)

// finding is what a cluster says of the workload cart: that it is there, and, by the alias, that whoever it belongs to runs
// on it.
func finding(location string, facts *catalog.Facts) *catalog.Document {
	d := document(location,
		catalog.Claim{Subject: catalog.Subject{Ref: cartWorkload}, Line: 3, Found: true, Facts: facts, FirstSeen: 10},
		catalog.Claim{Subject: catalog.Subject{Alias: cartAlias}, Edges: []catalog.EdgeClaim{{
			Target: catalog.Subject{Ref: cartWorkload}, Type: catalog.RunsOn, Evidence: catalog.Declared, Line: 3,
		}}},
	)
	d.Environment, d.Priority = "production", catalog.DefaultPriorityManifests
	return d
}

func TestFound(t *testing.T) {
	// A workload of nobody is what its alias stands for: it runs on nothing, and least of all on itself.
	model := merge(finding("m", nil))
	cart := entity(t, model, cartWorkload)
	if !cart.Found || !cart.Discovered || cart.Placeholder || cart.Lifecycle != "discovered" || cart.Kind != "Workload" ||
		cart.Origin == nil || cart.Origin.Location != "m" || cart.Line != 3 || cart.FirstSeen != 10 || cart.Stale {
		t.Errorf("%+v", cart)
	}
	if len(model.Entities) != 1 || len(model.Edges) != 0 || len(model.Problems) != 0 {
		t.Errorf("%d entities, %d edges\n%s", len(model.Entities), len(model.Edges), lines(model.Problems))
	}

	// One whose alias is somebody's is found and no more: that entity runs on it, in the environment of the cluster.
	model = merge(finding("m", nil), stating("component:default/basket", cartAlias))
	cart = entity(t, model, cartWorkload)
	if !cart.Found || cart.Discovered || cart.Placeholder || cart.Lifecycle != "" || len(cart.Aliases) != 0 {
		t.Errorf("%+v", cart)
	}
	checkText(t, drawing(model.Edges), `
		component:default/basket runsOn workload:shop/eu.deployment.cart HARD production [DECLARED m:3]
	`)

	// What can no longer be read is stale, as of then, until another source finds it too.
	stale := finding("m", nil)
	stale.Stale, stale.LastSeen = true, 50
	if cart = entity(t, merge(stale), cartWorkload); !cart.Stale || cart.LastSeen != 50 {
		t.Errorf("%+v", cart)
	}
	if cart = entity(t, merge(stale, finding("z", nil)), cartWorkload); cart.Stale || cart.Origin.Location != "z" {
		t.Errorf("%+v", cart)
	}

	// Where somebody describes it, that counts; and what is only referred to is a placeholder still.
	cart = entity(t, merge(finding("m", nil), document("c", describe(cartWorkload))), cartWorkload)
	if cart.Found || cart.Discovered || cart.Placeholder || cart.Origin.Location != "c" {
		t.Errorf("%+v", cart)
	}
	placed := document("p", catalog.Claim{Subject: catalog.Subject{Ref: cartWorkload}, Edges: []catalog.EdgeClaim{
		with(dependsOn("node:default/eu.n1"), func(e *catalog.EdgeClaim) { e.Type = catalog.RunsOn }),
	}})
	if cart = entity(t, merge(placed), cartWorkload); cart.Found || !cart.Placeholder {
		t.Errorf("%+v", cart)
	}
}

func TestFactsUnite(t *testing.T) {
	live := finding("live", &catalog.Facts{
		Workload: &catalog.Workload{Cluster: "eu", Version: "2"},
		Services: []catalog.Service{{Namespace: "shop", Name: "z"}, {Namespace: "shop", Name: "cart", Type: "ClusterIP"}},
	})
	live.Priority = catalog.DefaultPriorityClusters
	file := finding("a.yaml", &catalog.Facts{
		Workload:    &catalog.Workload{Cluster: "eu", Version: "1"},
		Services:    []catalog.Service{{Namespace: "shop", Name: "cart", Type: "NodePort"}, {Namespace: "alone", Name: "cart"}},
		Autoscalers: []catalog.Autoscaler{{Name: "cart", Min: 2, Max: 5}},
	})
	want := &catalog.Facts{
		Workload: &catalog.Workload{Cluster: "eu", Version: "2"},
		Services: []catalog.Service{
			{Namespace: "alone", Name: "cart"}, {Namespace: "shop", Name: "cart", Type: "ClusterIP"}, {Namespace: "shop", Name: "z"},
		},
		Autoscalers: []catalog.Autoscaler{{Name: "cart", Min: 2, Max: 5}},
	}
	got := entity(t, merge(file, live), cartWorkload).Facts
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	// They go with the documents that say them, and what says nothing leaves none.
	merger := catalog.NewMerger(catalog.MergeOptions{})
	merger.Apply(nil, slices.Values([]*catalog.Document{file, live}))
	change := merger.Apply([]catalog.DocumentID{live.ID}, slices.Values([]*catalog.Document{}))
	if len(change.Entities) != 1 || change.Entities[0].Entity.Facts.Workload.Version != "1" {
		t.Errorf("%+v", change)
	}
	merger.Apply(nil, slices.Values([]*catalog.Document{finding("a.yaml", &catalog.Facts{})}))
	if facts := entity(t, merger.Model(), cartWorkload).Facts; facts != nil {
		t.Errorf("%+v", facts)
	}
}

func TestServicesLeadToSeveralWorkloads(t *testing.T) {
	const service = catalog.Alias("dns:cart.shop.svc")
	model := merge(stating(cartWorkload, service), stating("workload:shop/eu.statefulset.cart", service))
	if len(model.Problems) > 0 || holder(model, service) != "" {
		t.Errorf("it is %s\n%s", holder(model, service), lines(model.Problems))
	}
	model = merge(stating(cartWorkload, service), stating("component:default/a", service))
	if len(model.Problems) != 2 {
		t.Errorf("%d problems", len(model.Problems))
	}
}
