package manifests

import (
	"context"
	"slices"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/facts"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// miss notes that objects that were read once are missing now, if they are: what they were may still be so.
func (w *world) miss(was had) {
	for kind, namespaces := range was {
		for namespace, names := range namespaces {
			for _, name := range names {
				if w.inv.Get(kind, namespace, name) == nil {
					w.missing.note(kind, namespace, name)
				}
			}
		}
	}
}

// misses says whether an object may be missing.
func (w *world) misses(kind inventory.Kind, namespace, name string) bool {
	names := w.missing[kind][namespace]
	return slices.Contains(names, name) || slices.Contains(names, anyName)
}

// doubtful says whether what a scope says now, or that it says nothing, may rest on what is missing.
func (w *world) doubtful(scope string) bool {
	words := strings.Split(scope, "/")
	if missing, there, ok := w.subject(words); ok && (alone(scope) || !there) {
		return missing && !there
	}
	across := words[0] == "routes" || words[0] == "edges" || words[0] == "cluster" // these lead from any namespace to any other
	for _, kind := range facts.Inputs(scope) {
		if across && len(w.missing[kind]) > 0 || len(words) > 1 && len(w.missing[kind][words[1]]) > 0 {
			return true
		}
	}
	return false
}

// subject says whether the object that a scope is about is there, or may be missing, if the words of its name tell.
func (w *world) subject(words []string) (missing, there, ok bool) {
	of := func(kind inventory.Kind, namespace, name string) (missing, there, ok bool) {
		return w.misses(kind, namespace, name), w.inv.Get(kind, namespace, name) != nil, kind != ""
	}
	switch {
	case words[0] == "nodes" && len(words) == 2:
		return of(inventory.Nodes, "", words[1])
	case len(words) == 3:
		kind := map[string]inventory.Kind{
			"services": inventory.Services, "autoscalers": inventory.HorizontalPodAutoscalers, "budgets": inventory.PodDisruptionBudgets,
		}[words[0]]
		return of(kind, words[1], words[2])
	case len(words) == 4 && words[0] == "routes":
		kind := map[string]inventory.Kind{
			"ingress": inventory.Ingresses, "httproute": inventory.HTTPRoutes, "grpcroute": inventory.GRPCRoutes,
			"virtualservice": inventory.VirtualServices,
		}[words[1]]
		return of(kind, words[2], words[3])
	case len(words) == 4 && slices.Contains(catalog.WorkloadKinds(), words[2]):
		// What makes a workload bears its name, but for what belongs to controllers of other kinds.
		for i, kind := range facts.Inputs("workloads/" + words[1] + "/" + words[2]) {
			missing = missing || w.misses(kind, words[1], words[3]) || i > 0 && len(w.missing[kind][words[1]]) > 0
		}
		return missing, w.inv.Workload(words[1], words[2], words[3]) != nil, true
	}
	return false, false, false
}

// report tells everything. What may rest on what is missing, and says something else than before, is left as it was told.
func (w *world) report(ctx context.Context, before history, sink scanners.Sink) error {
	w.deriver.Derive()
	told := make(map[string]bool) // before
	for scope := range before.Sums {
		told[scope] = true
	}
	if memory, ok := sink.(scanners.Memory); ok {
		for _, scope := range memory.Scopes() {
			told[scope] = true
		}
	}
	held := func(scope string) bool {
		return told[scope] && w.doubtful(scope) && (before.Sums[scope] == "" || before.Sums[scope] != w.sum(scope))
	}
	for _, scope := range w.deriver.Scopes() {
		if held(scope) {
			continue
		}
		delete(told, scope)
		w.toldOf(scope)
		if err := w.reportScope(ctx, sink, scope); err != nil {
			return err
		}
	}
	if len(w.missing) > 0 {
		if err := w.reportHeld(ctx, before, sink, told); err != nil {
			return err
		}
	}
	for _, location := range w.locations() {
		if scope, told := w.fileScope(location); told {
			if err := tell(ctx, sink, scope); err != nil {
				return err
			}
		}
	}
	return nil
}

// reportHeld tells which scopes, of those that were told before and were not told now, stay as they were.
func (w *world) reportHeld(ctx context.Context, before history, sink scanners.Sink, told map[string]bool) error {
	why := w.why()
	for scope := range told {
		if strings.HasPrefix(scope, fileScopes) || !w.doubtful(scope) {
			continue
		}
		if sum := before.Sums[scope]; sum != "" {
			w.history.Sums[scope] = sum
		}
		if err := tell(ctx, sink, scanners.Scope{Name: scope, State: scanners.Unreadable, Error: why}); err != nil {
			return err
		}
	}
	return nil
}

// why says in one line why something is missing.
func (w *world) why() string {
	for _, location := range w.locations() {
		file := w.files[location]
		if file.lost && (strings.HasSuffix(location, "/") || len(w.history.Files[location]) > 0) {
			return "it may rest on " + location + ": " + file.reason()
		}
	}
	return "it may rest on files that cannot be read"
}
