package facts

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// workload says what a workload is. There are two claims: one about the workload itself, and one about whom its alias
// stands for, which runs on it. Identity decides who that is; where it is the workload itself, Merge drops that edge.
func (d *Deriver) workload(s scope) result {
	w := d.inv.Workload(s.namespace, s.kind, s.name)
	if w == nil {
		d.onNode.set(workloadKey{s.namespace, s.kind, s.name}, nil)
		return result{}
	}
	var left cuts
	facts := d.describe(w, &left)
	line := w.Object.Line("")
	stands := d.identity(w, &left)
	stands.Subject, stands.Line = catalog.Subject{Alias: w.Alias}, line
	stands.Edges = []catalog.EdgeClaim{{
		Target: catalog.Subject{Ref: w.Ref}, Type: catalog.RunsOn, Evidence: d.evidence, Line: line,
	}}
	location := d.locationOf(w)
	document := &catalog.Document{
		Location: location,
		Claims: []catalog.Claim{
			{Subject: catalog.Subject{Ref: w.Ref}, Line: line, Found: true, Facts: &catalog.Facts{Workload: facts}},
			stands,
		},
		Problems: append(d.equals(w), left.problems(catalog.Problem{Location: location, Line: line, Ref: w.Ref})...),
	}
	return result{documents: []*catalog.Document{document}}
}

// locationOf is where a workload is defined. One that is only seen by the pods of a controller of an unknown kind is named
// by that controller, which stays.
func (d *Deriver) locationOf(w *inventory.Workload) string {
	if d.live() && w.Object.Name != w.Name() {
		return strings.Join([]string{d.inv.Cluster(), w.Kind, w.Object.Namespace, w.Name()}, "/")
	}
	return w.Object.Location
}

// describe makes the facts of a workload.
func (d *Deriver) describe(w *inventory.Workload, left *cuts) *catalog.Workload {
	spec := &w.Template.Spec
	facts := &catalog.Workload{
		Cluster: d.inv.Cluster(), Namespace: w.Object.Namespace, Kind: w.Kind, Name: w.Name(),
		Version:     version(w),
		Wanted:      d.wanted(w),
		Containers:  containers(w, left),
		Spread:      spread(w, left),
		Recreate:    recreates(w.Object),
		HostNetwork: spec.HostNetwork,
		GracePeriod: corev1.DefaultTerminationGracePeriodSeconds,
	}
	if spec.TerminationGracePeriodSeconds != nil {
		facts.GracePeriod = *spec.TerminationGracePeriodSeconds
	}
	if d.live() {
		facts.Ready = w.Ready
	}
	nodes := d.nodesOf(w)
	zones := make(map[catalog.Ref]bool)
	for _, node := range nodes {
		if zone := d.zoneOf(node); zone != "" {
			zones[zone] = true
		}
	}
	facts.Nodes, facts.Zones = int32(len(nodes)), int32(len(zones))
	d.onNode.set(keyOf(w), nodes)
	return facts
}

// wanted is the number of replicas that is asked for. Nobody asks for one where an autoscaler decides, unless it is
// written.
func (d *Deriver) wanted(w *inventory.Workload) *int32 {
	var written *int32
	switch value := w.Object.Value.(type) {
	case *appsv1.Deployment:
		written = value.Spec.Replicas
	case *appsv1.StatefulSet:
		written = value.Spec.Replicas
	default:
		return w.Wanted
	}
	if written == nil && len(d.scalers[keyOf(w)]) > 0 {
		return nil
	}
	return w.Wanted
}

// recreates says whether an update stops what runs before it starts the new.
func recreates(o *inventory.Object) bool {
	deployment, ok := o.Value.(*appsv1.Deployment)
	return ok && deployment.Spec.Strategy.Type == appsv1.RecreateDeploymentStrategyType
}

// version is what the label says, else the tag of the image of the first container, else its digest.
func version(w *inventory.Workload) string {
	if label := w.Labels["app.kubernetes.io/version"]; label != "" {
		return clip(label, maxName)
	}
	if len(w.Template.Spec.Containers) == 0 {
		return ""
	}
	return clip(versionOf(imageOf(w.Template.Spec.Containers[0].Image)), maxName)
}

// versionOf takes the tag from the name of an image, or the first 12 digits of its digest.
func versionOf(image string) string {
	name, digest, _ := strings.Cut(image, "@")
	if colon := strings.LastIndexByte(name, ':'); colon > strings.LastIndexByte(name, '/') {
		return name[colon+1:]
	}
	_, digits, _ := strings.Cut(digest, ":")
	return digits[:min(len(digits), 12)]
}

// equals is the problem of a workload that selects exactly what others select: they take each other's pods.
func (d *Deriver) equals(w *inventory.Workload) []catalog.Problem {
	selector := selectorOf(w.Object)
	same := d.selectors[selector]
	if len(same) < 2 || !same[keyOf(w)] {
		return nil
	}
	first := d.firsts[selector]
	if first == nil {
		for key := range same {
			first = append(first, key.kind+" "+key.name)
		}
		slices.Sort(first)
		first = slices.Clone(first[:min(len(first), maxNamed)])
		d.firsts[selector] = first
	}
	own := w.Kind + " " + w.Name()
	others := slices.DeleteFunc(slices.Clone(first), func(name string) bool { return name == own })
	return []catalog.Problem{{
		Location: w.Object.Location, Line: w.Object.Line("spec.selector"), Field: "spec.selector", Severity: catalog.Warning,
		Code: "duplicate-selector", Ref: w.Ref,
		Message: fmt.Sprintf("%d workloads of namespace %s select the same pods (%s), this one and %s: what selects these means all of them",
			len(same), selector.namespace, clip(selector.selector, maxText), strings.Join(others[:min(len(others), maxShown)], ", ")),
		Fix: "give the pods of each a label of its own, in spec.selector and in the template",
	}}
}

// some names the first of a list.
func some(names []string) string {
	if len(names) <= maxShown {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:maxShown], ", ") + " and " + strconv.Itoa(len(names)-maxShown) + " more"
}

// sortedKeys are those of a map, in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
