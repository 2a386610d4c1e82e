package facts

import (
	"fmt"

	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// budget says of workloads what protects them from being stopped all at once.
func (d *Deriver) budget(s scope) result {
	o := d.inv.Get(inventory.PodDisruptionBudgets, s.namespace, s.name)
	if o == nil {
		return result{}
	}
	budget, ok := o.Value.(*policyv1.PodDisruptionBudget)
	if !ok {
		return result{}
	}
	selector, err := v1.LabelSelectorAsSelector(budget.Spec.Selector)
	if err != nil {
		return result{}
	}
	told := catalog.DisruptionBudget{Name: s.name}
	if least := budget.Spec.MinAvailable; least != nil {
		told.MinAvailable = clip(least.String(), maxName)
	}
	if most := budget.Spec.MaxUnavailable; most != nil {
		told.MaxUnavailable = clip(most.String(), maxName)
	}
	selected := d.inv.Selected(s.namespace, selector)
	if len(selected) == 0 {
		if !d.coversWorkloads(s.namespace) {
			return result{}
		}
		return result{loose: []catalog.LooseEnd{looseEnd(o, "PodDisruptionBudget", "budget-selects-nothing", "spec.selector",
			fmt.Sprintf("no workload of namespace %s has pods that match %s", s.namespace, v1.FormatLabelSelector(budget.Spec.Selector)))}}
	}
	var r result
	var left cuts
	for _, w := range keep(&left, selected, maxGoverned, "workloads") {
		r.documents = append(r.documents, &catalog.Document{
			Ordinal: len(r.documents), Location: o.Location,
			Claims: []catalog.Claim{{
				Subject: catalog.Subject{Ref: w.Ref}, Line: o.Line(""), Facts: &catalog.Facts{Budgets: []catalog.DisruptionBudget{told}},
			}},
		})
	}
	r.tellCut(left, o)
	return r
}
