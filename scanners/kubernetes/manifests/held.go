package manifests

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/facts"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// fileScopes begin the names of scopes that tell of files.
const fileScopes = "files/"

// miss notes that objects of these kinds may be missing.
func (w *world) miss(kinds had) {
	for kind, namespaces := range kinds {
		if w.missing[kind] == nil {
			w.missing[kind] = make(map[string]bool)
		}
		for _, namespace := range namespaces {
			w.missing[kind][namespace] = true
		}
	}
}

// held are the beginnings of the names of scopes that may have been made from what is missing, sorted. Of one that ends in
// "/" it stands for all that begin with it. What is made of one object alone is not doubtful while the object is there.
func (w *world) held() []string {
	held := make(map[string]bool)
	for kind, namespaces := range w.missing {
		for _, part := range []string{"routes/", "edges/", "cluster"} { // may lead from any namespace to any other
			if slices.Contains(facts.Inputs(part), kind) {
				held[part] = true
			}
		}
		for namespace := range namespaces {
			for _, part := range []string{"services/", "placement/", "autoscalers/", "budgets/"} {
				if slices.Contains(facts.Inputs(part), kind) {
					held[part+namespace+"/"] = true
				}
			}
			for _, workload := range catalog.WorkloadKinds() {
				if part := "workloads/" + namespace + "/" + workload + "/"; slices.Contains(facts.Inputs(part), kind) {
					held[part] = true
				}
			}
		}
		if kind == inventory.Nodes {
			held["nodes/"] = true
		}
	}
	return slices.Sorted(maps.Keys(held))
}

// alone says whether a scope is made of one object.
func alone(scope string) bool {
	return strings.HasPrefix(scope, "workloads/") || strings.HasPrefix(scope, "nodes/")
}

// why says in one line why something is missing.
func (w *world) why() string {
	for _, location := range slices.Sorted(maps.Keys(w.files)) {
		if file := w.files[location]; file.lost && len(w.history[strings.TrimSuffix(location, "/")]) > 0 {
			return "it may rest on " + location + ": " + file.reason()
		}
	}
	return "it may rest on files that cannot be read"
}

func (p *parsed) reason() string {
	if p.broken == "" && len(p.problems) > 0 {
		return p.problems[0].Message
	}
	return p.broken
}

// report tells everything. What is doubtful is left as it was told before, where it was; a receiver that does not remember
// has not got any more to lose.
func (w *world) report(ctx context.Context, sink scanners.Sink) error {
	w.deriver.Derive()
	held, why := w.held(), w.why()
	var before []string // sorted
	memory, remembers := sink.(scanners.Memory)
	if remembers {
		before = memory.Scopes()
	}
	for _, scope := range w.deriver.Scopes() {
		_, told := slices.BinarySearch(before, scope)
		doubtful := slices.ContainsFunc(held, func(part string) bool { return stands(part, scope) })
		if doubtful && !alone(scope) && (told || !remembers) {
			continue
		}
		if err := w.reportScope(ctx, sink, scope); err != nil {
			return err
		}
	}
	for _, part := range held {
		if remembers && !slices.ContainsFunc(before, func(scope string) bool { return stands(part, scope) }) {
			continue
		}
		if err := tell(ctx, sink, scanners.Scope{Name: part, State: scanners.Unreadable, Error: why}); err != nil {
			return err
		}
	}
	for _, location := range slices.Sorted(maps.Keys(w.files)) {
		if err := w.reportFile(ctx, sink, location); err != nil {
			return err
		}
	}
	return nil
}

// stands says whether what is reported of a scope, or of all that begin with a name, is about another scope.
func stands(part, scope string) bool {
	return part == scope || strings.HasSuffix(part, "/") && strings.HasPrefix(scope, part)
}

// reportScope tells a scope as it is now; one that is not there says nothing any more.
func (w *world) reportScope(ctx context.Context, sink scanners.Sink, name string) error {
	documents, _ := w.deriver.Scope(name)
	return tell(ctx, sink, scanners.Scope{Name: name, Documents: documents})
}

// reportFile tells what is wrong with a file, if anything is.
func (w *world) reportFile(ctx context.Context, sink scanners.Sink, location string) error {
	scope, told := w.fileScope(location)
	if !told {
		return nil
	}
	return tell(ctx, sink, scope)
}

// tell reports a scope, unless the scan has been told to stop.
func tell(ctx context.Context, sink scanners.Sink, scope scanners.Scope) error {
	if err := sink.Report(ctx, scope); err != nil {
		return err
	}
	return context.Cause(ctx)
}

func (w *world) fileScope(location string) (scope scanners.Scope, told bool) {
	problems := w.problems(location)
	if len(problems) == 0 {
		return scanners.Scope{}, false
	}
	scope = scanners.Scope{
		Name:      fileScopes + location,
		Documents: []*catalog.Document{{Location: strings.TrimSuffix(location, "/"), Problems: problems}},
	}
	if broken := w.files[location].broken; broken != "" {
		scope.State, scope.Error = scanners.Unreadable, broken
	}
	return scope, true
}
