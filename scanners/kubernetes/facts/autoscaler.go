package facts

import (
	"fmt"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// targetOf is the workload that an autoscaler scales; the zero value where that is of a kind that is no workload here.
func targetOf(o *inventory.Object) workloadKey {
	autoscaler, ok := o.Value.(*autoscalingv2.HorizontalPodAutoscaler)
	if !ok {
		return workloadKey{}
	}
	target := &autoscaler.Spec.ScaleTargetRef
	switch target.Kind {
	case "Deployment", "StatefulSet":
		return workloadKey{o.Namespace, strings.ToLower(target.Kind), target.Name}
	}
	return workloadKey{}
}

// autoscaler says of a workload what scales it.
func (d *Deriver) autoscaler(s scope) result {
	o := d.inv.Get(inventory.HorizontalPodAutoscalers, s.namespace, s.name)
	if o == nil {
		return result{}
	}
	autoscaler, ok := o.Value.(*autoscalingv2.HorizontalPodAutoscaler)
	target := targetOf(o)
	if !ok || target.name == "" {
		return result{}
	}
	w := d.inv.Workload(target.namespace, target.kind, target.name)
	if w == nil {
		kind := inventory.Deployments
		if target.kind == "statefulset" {
			kind = inventory.StatefulSets
		}
		if !d.inv.Covers(kind, s.namespace) {
			return result{}
		}
		return result{loose: []catalog.LooseEnd{looseEnd(o, "HorizontalPodAutoscaler", "autoscaler-without-target", "spec.scaleTargetRef",
			fmt.Sprintf("there is no %s %s in namespace %s to scale", target.kind, clip(target.name, maxName), s.namespace))}}
	}
	told := catalog.Autoscaler{Name: s.name, Min: 1, Max: autoscaler.Spec.MaxReplicas}
	if autoscaler.Spec.MinReplicas != nil {
		told.Min = *autoscaler.Spec.MinReplicas
	}
	return result{documents: []*catalog.Document{{Location: o.Location, Claims: []catalog.Claim{{
		Subject: catalog.Subject{Ref: w.Ref}, Line: o.Line(""), Facts: &catalog.Facts{Autoscalers: []catalog.Autoscaler{told}},
	}}}}}
}
