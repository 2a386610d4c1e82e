package health

import (
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
)

func noSpread() *Check {
	return &Check{
		ID:        "no-spread",
		Title:     "Replicas are not spread",
		Rationale: "Replicas in one zone, or on one machine, fail together: they protect from a crash of the process and from nothing else.",
		Fix:       "Add a topologySpreadConstraint over topology.kubernetes.io/zone (maxSkew 1), and one over kubernetes.io/hostname.",
		Reference: "Where the replicas are counts most, then what is asked of the scheduler; its own defaults are only a preference. Tiers 1 and 2 should be spread over zones; tiers 3 and 4 need no spread.",
		Severity:  catalog.Warning, About: SubjectWorkload,
		workload: func(w *workload) []verdict {
			replicas, known := w.least()
			switch {
			case w.isDaemonSet():
				return one(notApplicable("a DaemonSet has a replica on each node"))
			case !w.mustStayUp():
				return one(notApplicable("tier %d may do without", w.tier))
			case !known:
				return one(unknown("how many replicas it has is not known"))
			case replicas < 2:
				return one(notApplicable("it may have a single replica, which cannot be spread"))
			default:
				return one(judgeSpread(w))
			}
		},
	}
}

func judgeSpread(w *workload) verdict {
	several := w.Ready != nil && *w.Ready > 1
	zones, nodes := asksFor(w.Spread, isZoneKey), asksFor(w.Spread, isNodeKey)
	switch {
	case w.Zones > 1:
		return pass("its replicas are in %d zones", w.Zones)
	case several && w.Nodes == 1:
		return fail("all its replicas are on one node")
	case several && w.Zones == 1:
		return fail("all its replicas are in one zone")
	case zones:
		return pass("it asks to be spread over zones")
	case nodes && w.tier == 0:
		return pass("it asks to be spread over nodes")
	case nodes:
		return fail("it asks to be spread over nodes only; tier %d should be over zones", w.tier)
	case w.Nodes > 1:
		return pass("its replicas are on %d nodes, the zones of which are not known", w.Nodes)
	default:
		return fail("nothing asks the scheduler to keep its replicas apart")
	}
}

func asksFor(spread []catalog.Spread, is func(key string) bool) bool {
	for _, s := range spread {
		if is(s.TopologyKey) {
			return true
		}
	}
	return false
}

// isZoneKey knows the labels for zones and regions, also the old ones.
func isZoneKey(key string) bool {
	switch key {
	case "topology.kubernetes.io/zone", "topology.kubernetes.io/region",
		"failure-domain.beta.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/region":
		return true
	}
	return strings.HasSuffix(key, "/zone") || strings.HasSuffix(key, "/zone-id")
}

func isNodeKey(key string) bool { return key == "kubernetes.io/hostname" }
