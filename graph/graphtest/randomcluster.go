package graphtest

import (
	"fmt"
	"math/rand/v2"

	"github.com/orrery-catalog/orrery/catalog"
)

// RandomCluster makes what small clusters, live or in manifests, say: workloads of all kinds with facts that meet, on nodes
// in zones, in two environments, some of them stale; and what their configuration says that they need. Some of the workloads
// have names of entities of [RandomCatalog], so that they belong to these. The keys of documents come back from one
// call to the next with other contents.
func RandomCluster(random *rand.Rand) []*catalog.Document {
	c := &randomCluster{Rand: random}
	for _, cluster := range []string{"eu", "us"} {
		if c.IntN(4) == 0 {
			continue
		}
		environment := c.pick("production", "production", "staging", "")
		for i := range c.IntN(3) {
			c.node(cluster, fmt.Sprint("n", i), environment)
		}
		for range c.IntN(5) {
			c.workload(cluster, environment)
		}
	}
	return c.documents
}

type randomCluster struct {
	*rand.Rand
	documents []*catalog.Document
}

func (c *randomCluster) pick(from ...string) string { return from[c.IntN(len(from))] }

// add makes a document; one that was made before under the same key stays.
func (c *randomCluster) add(cluster, scope, environment string, claims ...catalog.Claim) {
	id := catalog.DocumentID{Source: "cluster-" + cluster, Scope: scope, Key: scope}
	for _, other := range c.documents {
		if other.ID == id {
			return
		}
	}
	c.documents = append(c.documents, &catalog.Document{
		ID: id, Priority: catalog.DefaultPriorityClusters, Environment: environment, Location: "k8s://" + cluster + "/" + scope,
		Stale: c.IntN(6) == 0, Claims: claims,
	})
}

func runsOn(target catalog.Ref, evidence catalog.EvidenceKind) catalog.EdgeClaim {
	return catalog.EdgeClaim{Target: catalog.Subject{Ref: target}, Type: catalog.RunsOn, Evidence: evidence}
}

func (c *randomCluster) evidence() catalog.EvidenceKind {
	return []catalog.EvidenceKind{catalog.Observed, catalog.Declared}[c.IntN(2)]
}

func nodeRef(cluster, name string) catalog.Ref {
	return catalog.NewRef(catalog.KindNode, "", cluster+"."+name)
}

func (c *randomCluster) node(cluster, name, environment string) {
	zone := c.pick("z0", "z1")
	found := []catalog.Claim{{Subject: catalog.Subject{Ref: nodeRef(cluster, name)}, Found: true, Facts: &catalog.Facts{
		Node: &catalog.Node{Cluster: cluster, Name: name, Zone: zone},
	}}}
	for _, place := range []catalog.Ref{catalog.NewRef(catalog.KindZone, "", zone), catalog.NewRef(catalog.KindCluster, "", cluster)} {
		found[0].Edges = append(found[0].Edges, runsOn(place, c.evidence()))
		found = append(found, catalog.Claim{Subject: catalog.Subject{Ref: place}, Found: true})
	}
	c.add(cluster, "nodes/"+name, environment, found...)
}

func (c *randomCluster) alias(cluster string) (catalog.Alias, catalog.Workload) {
	w := catalog.Workload{
		Cluster: cluster, Namespace: c.pick("default", "shop"), Kind: c.pick(append(catalog.WorkloadKinds(), "deployment")...),
		Name: c.pick("c0", "c1", "r0", "w0", "w1"),
	}
	return catalog.Alias(fmt.Sprintf("k8s:%s/%s/%s/%s", w.Cluster, w.Namespace, w.Kind, w.Name)), w
}

func (c *randomCluster) workload(cluster, environment string) {
	alias, w := c.alias(cluster)
	ref := catalog.DiscoveredRef(alias)
	key := w.Namespace + "/" + w.Kind + "/" + w.Name
	w.Version = c.pick("1", "2")
	ready := int32(c.IntN(3))
	w.Ready, w.Recreate = &ready, c.IntN(4) == 0
	w.Containers = []catalog.Container{{Name: "main", Image: "acme/" + w.Name + ":" + w.Version, Ports: []catalog.ContainerPort{{Number: 80}}}}
	if c.IntN(2) == 0 {
		w.Containers[0].Readiness = &catalog.Probe{Handler: catalog.ProbeHTTP, Port: "80", Path: c.pick("/readyz", "/"), Line: int32(c.IntN(9))}
	}
	c.add(cluster, "workloads/"+key, environment,
		catalog.Claim{Subject: catalog.Subject{Ref: ref}, Found: true, Facts: &catalog.Facts{Workload: &w}},
		catalog.Claim{
			Subject: catalog.Subject{Alias: alias}, Labels: map[string]string{"app.kubernetes.io/name": c.pick("c0", "c1", "x")},
			Edges: []catalog.EdgeClaim{runsOn(ref, c.evidence())},
		},
	)
	placed := catalog.Claim{Subject: catalog.Subject{Ref: ref}}
	for range c.IntN(3) {
		placed.Edges = append(placed.Edges, runsOn(nodeRef(cluster, c.pick("n0", "n1", "n2")), c.evidence()))
	}
	c.add(cluster, "placement/"+key, environment, placed)
	service := c.pick("web", "api")
	c.add(cluster, "services/"+service, environment, catalog.Claim{Subject: catalog.Subject{Ref: ref}, Facts: &catalog.Facts{
		Services: []catalog.Service{{Namespace: w.Namespace, Name: service, Type: c.pick("ClusterIP", "NodePort"), ReadyEndpoints: &ready}},
	}})
	needs := catalog.Claim{Subject: catalog.Subject{Alias: alias}}
	for range c.IntN(3) {
		other, _ := c.alias(cluster)
		needs.Edges = append(needs.Edges, catalog.EdgeClaim{
			Target: catalog.Subject{Alias: other}, Type: catalog.DependsOn, Evidence: catalog.Inferred,
			AnyOf: c.pick("", "service shop/web"), Protocol: c.pick("", "http", "grpc"),
		})
	}
	c.add(cluster, "edges/"+key, environment, needs)
}
