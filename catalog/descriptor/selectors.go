package descriptor

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"

	"github.com/orrery-catalog/orrery/catalog"
)

// The annotations by which Backstage finds the workloads of an entity.
const (
	annotationKubernetesID        = catalog.LabelKubernetesID // the value of the label of that name
	annotationKubernetesSelector  = "backstage.io/kubernetes-label-selector"
	annotationKubernetesNamespace = "backstage.io/kubernetes-namespace" // of the workloads; any without it
)

// maxSelectorBytes is the length of the longest selector. Backstage itself puts it into a URL.
const maxSelectorBytes = 4096

// kubernetes is what the annotations say about workloads, before it is known whether all of them are there.
type kubernetes struct {
	id, selector *catalog.Selector
	namespace    string
}

// readKubernetes notes one of the annotations.
func (d *document) readKubernetes(name string, value *yaml.Node, path string) {
	text := strings.TrimSpace(value.Value)
	switch name {
	case annotationKubernetesNamespace:
		d.kubernetes.namespace = strings.ToLower(text)
	case annotationKubernetesID:
		requirement, err := labels.NewRequirement(catalog.LabelKubernetesID, selection.Equals, []string{text})
		if err != nil || text == "" {
			d.warn(value.Line, path, CodeInvalidValue, fmt.Sprintf("%s is no value that a label can have", quote(value.Value)),
				"write the value of the label "+catalog.LabelKubernetesID+" of the workloads")
			return
		}
		d.kubernetes.id = d.selectorOf(value, []labels.Requirement{*requirement})
	case annotationKubernetesSelector:
		d.kubernetes.selector = d.labelSelector(value, text, path)
	}
}

func (d *document) labelSelector(value *yaml.Node, text, path string) *catalog.Selector {
	const fix = "write it as for kubectl --selector, for example app=checkout,component in (web, worker)"
	if len(text) > maxSelectorBytes {
		d.warn(value.Line, path, CodeInvalidValue, fmt.Sprintf("the selector has %d bytes; those over %d are not read",
			len(text), maxSelectorBytes), fix)
		return nil
	}
	requirements, err := labels.ParseToRequirements(text)
	if err != nil {
		d.warn(value.Line, path, CodeInvalidValue, fmt.Sprintf("%s is no label selector: %v", quote(text), err), fix)
		return nil
	}
	names := func(r labels.Requirement) bool {
		return slices.Contains([]selection.Operator{selection.Equals, selection.DoubleEquals, selection.In}, r.Operator())
	}
	if !slices.ContainsFunc(requirements, names) {
		d.warn(value.Line, path, CodeInvalidValue,
			fmt.Sprintf("%s names no value that a label must have, so it selects nothing", quote(text)), fix)
		return nil
	}
	for _, r := range requirements {
		if r.Operator() == selection.GreaterThan || r.Operator() == selection.LessThan {
			d.warn(value.Line, path, CodeInvalidValue, fmt.Sprintf("%s compares numbers, which is not supported, so it selects nothing",
				quote(text)), fix)
			return nil
		}
	}
	return d.selectorOf(value, requirements)
}

// selectorOf writes requirements, none of which compares numbers, in our words.
func (d *document) selectorOf(value *yaml.Node, requirements []labels.Requirement) *catalog.Selector {
	selector := &catalog.Selector{Line: d.at(value.Line)}
	for _, r := range requirements {
		required := catalog.Requirement{Key: r.Key(), Values: slices.Sorted(slices.Values(r.ValuesUnsorted()))}
		switch r.Operator() {
		case selection.NotIn, selection.NotEquals, selection.DoesNotExist:
			required.Not = true
		}
		selector.Requirements = append(selector.Requirements, required)
	}
	return selector
}

// selectors are those of the annotations together. As in Backstage, a selector takes the place of the id, and both are
// bound to the namespace.
func (d *document) selectors() []catalog.Selector {
	selector := d.kubernetes.selector
	if selector == nil {
		selector = d.kubernetes.id
	}
	if selector == nil {
		return nil
	}
	selector.Namespace = d.kubernetes.namespace
	return []catalog.Selector{*selector}
}
