package health

import "github.com/orrery-catalog/orrery/catalog"

func autoscalerBelowTier() *Check {
	return &Check{
		ID:        "autoscaler-below-tier",
		Title:     "An autoscaler goes below what the tier asks for",
		Rationale: "In a quiet hour the autoscaler leaves fewer replicas than can lose one.",
		Fix:       "Raise minReplicas to what the tier asks for.",
		Reference: "By replicas of the policy, as too-few-replicas. An autoscaler that states no minimum has 1.",
		Severity:  catalog.Error, About: SubjectWorkload,
		workload: func(w *workload) []verdict {
			if len(w.facts.Autoscalers) == 0 {
				return one(notApplicable("it has no autoscaler"))
			}
			asked := w.policy.Replicas[w.tier]
			var list []verdict
			for _, scaler := range w.facts.Autoscalers {
				v := pass("%s leaves at least %d; %s at least %d", scaler.Name, scaler.Min, asking(w.tier), asked)
				if int(scaler.Min) < asked {
					v = fail("%s goes down to %d; %s at least %d", scaler.Name, scaler.Min, asking(w.tier), asked).as(severityByTier(w.tier))
				}
				list = append(list, v)
			}
			return list
		},
	}
}
