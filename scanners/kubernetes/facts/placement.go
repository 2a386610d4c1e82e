package facts

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// placement says on which nodes the running replicas of a workload are.
func (d *Deriver) placement(s scope) result {
	w := d.inv.Workload(s.namespace, s.kind, s.name)
	if w == nil {
		return result{}
	}
	nodes := d.nodesOf(w)
	if len(nodes) == 0 {
		return result{}
	}
	var left cuts
	claim := catalog.Claim{Subject: catalog.Subject{Ref: w.Ref}}
	for _, node := range keep(&left, nodes, maxGoverned, "nodes") {
		claim.Edges = append(claim.Edges, catalog.EdgeClaim{
			Target: catalog.Subject{Ref: catalog.NodeRef(d.inv.Cluster(), node)}, Type: catalog.RunsOn, Evidence: d.evidence,
		})
	}
	location := d.locationOf(w)
	return result{documents: []*catalog.Document{{
		Location: location, Claims: []catalog.Claim{claim},
		Problems: left.problems(catalog.Problem{Location: location, Ref: w.Ref}),
	}}}
}

// nodesOf are the names of the nodes that a workload runs on, sorted: those of its running pods. Files have no states, so
// that all pods count there that name their node, as what was written from a cluster does; so does the template itself. The
// pods that it looks at are known as the workload's from then on.
func (d *Deriver) nodesOf(w *inventory.Workload) []string {
	if node := w.Template.Spec.NodeName; !d.live() && fits(node) {
		return []string{node}
	}
	key := keyOf(w)
	nodes := make(map[string]bool)
	for _, o := range d.inv.PodsOf(w) {
		if remembered, ok := d.known[o.Key]; ok {
			remembered.owner = key
			d.known[o.Key] = remembered
		}
		pod, ok := o.Value.(*corev1.Pod)
		if ok && d.runs(pod) && fits(pod.Spec.NodeName) {
			nodes[pod.Spec.NodeName] = true
		}
	}
	return slices.Sorted(maps.Keys(nodes))
}

// runs says whether a pod has begun and not ended. A file may not say.
func (d *Deriver) runs(pod *corev1.Pod) bool {
	phase := pod.Status.Phase
	return (phase == corev1.PodRunning || phase == "" && !d.live()) && pod.DeletionTimestamp == nil
}

// node says that a node is there, and in which zone.
func (d *Deriver) node(s scope) result {
	o := d.inv.Get(inventory.Nodes, "", s.name)
	if o == nil {
		return result{}
	}
	node, ok := o.Value.(*corev1.Node)
	if !ok {
		return result{}
	}
	line := o.Line("")
	told := &catalog.Node{Cluster: d.inv.Cluster(), Name: s.name}
	told.Region, told.Zone = zoneLabels(node)
	if d.live() {
		told.Ready = ready(node)
	}
	runsOn := func(ref catalog.Ref) catalog.EdgeClaim {
		return catalog.EdgeClaim{Target: catalog.Subject{Ref: ref}, Type: catalog.RunsOn, Evidence: d.evidence, Line: line}
	}
	claims := []catalog.Claim{{
		Subject: catalog.Subject{Ref: catalog.NodeRef(d.inv.Cluster(), s.name)}, Line: line, Found: true,
		Facts: &catalog.Facts{Node: told}, Edges: []catalog.EdgeClaim{runsOn(catalog.ClusterRef(d.inv.Cluster()))},
	}}
	if told.Zone != "" {
		zone := catalog.ZoneRef(told.Region, told.Zone)
		claims[0].Edges = append(claims[0].Edges, runsOn(zone))
		claims = append(claims, catalog.Claim{Subject: catalog.Subject{Ref: zone}, Line: line, Found: true})
	}
	return result{documents: []*catalog.Document{{Location: o.Location, Claims: claims}}}
}

// zoneOf is the zone of a node; "" = unknown.
func (d *Deriver) zoneOf(name string) catalog.Ref {
	o := d.inv.Get(inventory.Nodes, "", name)
	if o == nil {
		return ""
	}
	if node, ok := o.Value.(*corev1.Node); ok {
		if region, zone := zoneLabels(node); zone != "" {
			return catalog.ZoneRef(region, zone)
		}
	}
	return ""
}

// zoneLabels reads the labels by their names of today, else by those of before Kubernetes 1.17.
func zoneLabels(node *corev1.Node) (region, zone string) {
	first := func(keys ...string) string {
		for _, key := range keys {
			if value := node.Labels[key]; value != "" {
				return clip(value, maxName)
			}
		}
		return ""
	}
	return first(corev1.LabelTopologyRegion, corev1.LabelFailureDomainBetaRegion),
		first(corev1.LabelTopologyZone, corev1.LabelFailureDomainBetaZone)
}

// ready is the condition of a node; nil = none is told, or its kubelet has not been heard of.
func ready(node *corev1.Node) *bool {
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady && condition.Status != corev1.ConditionUnknown {
			is := condition.Status == corev1.ConditionTrue
			return &is
		}
	}
	return nil
}
