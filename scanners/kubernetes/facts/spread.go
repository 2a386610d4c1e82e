package facts

import (
	"cmp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// spread are the wishes of a workload to keep its own replicas apart. Wishes to be apart from others are none.
func spread(w *inventory.Workload, left *cuts) []catalog.Spread {
	var wishes []catalog.Spread
	own := labels.Set(w.Template.Labels)
	for i := range w.Template.Spec.TopologySpreadConstraints {
		constraint := &w.Template.Spec.TopologySpreadConstraints[i]
		if selects(constraint.LabelSelector, own) {
			wishes = append(wishes, catalog.Spread{
				TopologyKey: clip(constraint.TopologyKey, maxLabel), MaxSkew: constraint.MaxSkew,
				Required: constraint.WhenUnsatisfiable != corev1.ScheduleAnyway,
			})
		}
	}
	if affinity := w.Template.Spec.Affinity; affinity != nil && affinity.PodAntiAffinity != nil {
		apart := affinity.PodAntiAffinity
		for i := range apart.RequiredDuringSchedulingIgnoredDuringExecution {
			wishes = appendApart(wishes, w, &apart.RequiredDuringSchedulingIgnoredDuringExecution[i], true)
		}
		for i := range apart.PreferredDuringSchedulingIgnoredDuringExecution {
			wishes = appendApart(wishes, w, &apart.PreferredDuringSchedulingIgnoredDuringExecution[i].PodAffinityTerm, false)
		}
	}
	slices.SortFunc(wishes, func(a, b catalog.Spread) int {
		return cmp.Or(strings.Compare(a.TopologyKey, b.TopologyKey), cmp.Compare(a.MaxSkew, b.MaxSkew), compareBools(b.Required, a.Required))
	})
	return keep(left, slices.Compact(wishes), maxNamed, "wishes to spread")
}

func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

func appendApart(wishes []catalog.Spread, w *inventory.Workload, term *corev1.PodAffinityTerm, required bool) []catalog.Spread {
	namespace := w.Object.Namespace
	here := len(term.Namespaces) == 0 && term.NamespaceSelector == nil || slices.Contains(term.Namespaces, namespace) ||
		term.NamespaceSelector != nil && selects(term.NamespaceSelector, labels.Set{corev1.LabelMetadataName: namespace})
	if !here || !selects(term.LabelSelector, labels.Set(w.Template.Labels)) {
		return wishes
	}
	return append(wishes, catalog.Spread{TopologyKey: clip(term.TopologyKey, maxLabel), Required: required})
}

// selects says whether a selector matches; nil matches nothing, an empty one everything.
func selects(selector *v1.LabelSelector, set labels.Set) bool {
	parsed, err := v1.LabelSelectorAsSelector(selector)
	return err == nil && parsed.Matches(set)
}
