package health

import (
	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/graph"
)

// targets knows which ports of Services any workload behind them has. Each namespace is looked through once, when first
// asked about: a Service leads to pods of its own namespace only.
type targets struct {
	snapshot *graph.Snapshot
	found    map[string]map[target]bool // by namespace
}

// target is a port of a Service by its name in the pods.
type target struct{ cluster, service, port, protocol string }

func newTargets(s *graph.Snapshot) *targets {
	return &targets{snapshot: s, found: make(map[string]map[target]bool)}
}

// resolved says whether any workload behind the Service has the port.
func (t *targets) resolved(cluster string, s *catalog.Service, port catalog.ServicePort) bool {
	found, looked := t.found[s.Namespace]
	if !looked {
		found = t.look(s.Namespace)
		t.found[s.Namespace] = found
	}
	return found[target{cluster, s.Name, port.Target, protocol(port.Protocol)}]
}

func (t *targets) look(namespace string) map[target]bool {
	found := make(map[target]bool)
	first := catalog.NewRef(catalog.KindWorkload, namespace, "")
	for entity := range t.snapshot.Entities(first) {
		if entity.Ref.Kind() != first.Kind() || entity.Ref.Namespace() != first.Namespace() {
			break
		}
		if !isWorkload(entity) {
			continue
		}
		w := entity.Facts.Workload
		for i := range entity.Facts.Services {
			s := &entity.Facts.Services[i]
			for _, port := range s.Ports {
				if hasPort(w, port) {
					found[target{w.Cluster, s.Name, port.Target, protocol(port.Protocol)}] = true
				}
			}
		}
	}
	return found
}
