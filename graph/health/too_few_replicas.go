package health

import (
	"fmt"

	"github.com/orrery-catalog/orrery/catalog"
)

func tooFewReplicas() *Check {
	return &Check{
		ID:        "too-few-replicas",
		Title:     "Fewer replicas than the tier asks for",
		Rationale: "With one replica, every crash, every update of its node and every eviction is an outage of the service.",
		Fix:       "Raise replicas to what the tier asks for, or add an autoscaler with that minimum.",
		Reference: "By replicas of the policy: by default 2 for tiers 1 and 2. ERROR for these, WARNING for others. Workloads that one Service leads to count together.",
		Severity:  catalog.Error, About: SubjectWorkload,
		workload: func(w *workload) []verdict {
			asked := w.policy.Replicas[w.tier]
			switch {
			case w.isDaemonSet():
				return one(notApplicable("a DaemonSet has a replica on each node"))
			case len(w.facts.Autoscalers) > 0:
				return one(notApplicable("its autoscaler decides on the replicas"))
			case w.Wanted == nil:
				return one(unknown("how many replicas are wanted is not known"))
			case *w.Wanted == 0:
				return one(notApplicable("it is scaled to zero"))
			}
			together := alternatives(w)
			has := fmt.Sprintf("%d %s", *w.Wanted, plural(int(*w.Wanted), "replica"))
			if together.workloads > 1 {
				has += fmt.Sprintf(", %d together with the other workloads of its Service", together.replicas)
			}
			if together.replicas >= asked {
				return one(pass("%s; %s at least %d", has, asking(w.tier), asked))
			}
			return one(fail("%s; %s at least %d", has, asking(w.tier), asked).as(severityByTier(w.tier)))
		},
	}
}

// alternatives are the workload and those that share a Service with it, by the Service that leads to the most.
func alternatives(w *workload) group {
	most := group{replicas: int(*w.Wanted), workloads: 1}
	for i := range w.facts.Services {
		if g := w.groups[serviceKey(&w.facts.Services[i])]; g.replicas > most.replicas {
			most = g
		}
	}
	return most
}
