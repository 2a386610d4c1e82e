package kubernetes

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/facts"
	"github.com/orrery-catalog/orrery/scanners/kubernetes/inventory"
)

// clusterScope says what concerns the cluster as a whole, and what of it could not be read.
const clusterScope = "cluster"

// scopeFolders begin the names of all other scopes that are made from objects.
func scopeFolders() []string {
	return []string{"nodes/", "workloads/", "placement/", "services/", "routes/", "autoscalers/", "budgets/", "edges/"}
}

// report tells what a picture shows, in the light of what could be read and what could be read before.
type report struct {
	picture *picture
	now     readings
	before  state
	sink    scanners.Sink
}

// whole reports everything.
func (r *report) whole(ctx context.Context) error {
	names := r.picture.scopes()
	if !slices.Contains(names, clusterScope) {
		names = append(names, clusterScope)
	}
	reported := make(map[string]bool, len(names))
	for _, name := range names {
		reported[name] = r.held(name) == ""
		if !reported[name] && name != clusterScope {
			continue // the folder says it
		}
		if err := r.one(ctx, name); err != nil {
			return err
		}
	}
	for _, name := range r.picture.departed() {
		if r.held(name) == "" && !reported[name] {
			reported[name] = true
			if err := r.one(ctx, name); err != nil {
				return err
			}
		}
	}
	for _, folder := range scopeFolders() {
		why := r.held(folder)
		if why == "" {
			continue
		}
		if err := r.gone(ctx, folder, reported); err != nil {
			return err
		}
		if err := r.sink.Report(ctx, scanners.Scope{Name: folder, State: scanners.Unreadable, Error: why}); err != nil {
			return err
		}
	}
	return nil
}

// gone reports what is gone in a folder that is held, but does not rest on what cannot be read.
func (r *report) gone(ctx context.Context, folder string, reported map[string]bool) error {
	memory, ok := r.sink.(scanners.Memory)
	if !ok {
		return nil
	}
	for _, name := range memory.Scopes() {
		if !strings.HasPrefix(name, folder) || reported[name] || r.held(name) != "" {
			continue
		}
		if err := r.sink.Report(ctx, scanners.Scope{Name: name, State: scanners.Read}); err != nil {
			return err
		}
	}
	return nil
}

// one reports a scope that is there, or that was taken away.
func (r *report) one(ctx context.Context, name string) error {
	if why := r.held(name); why != "" {
		held := scanners.Scope{Name: name, State: scanners.Unreadable, Error: why}
		if name == clusterScope {
			held.Documents = r.unread()
		}
		return r.sink.Report(ctx, held)
	}
	documents, there := r.picture.scope(name)
	if name == clusterScope {
		documents = append(documents, r.unread()...)
		there = len(documents) > 0
	}
	if !there {
		if name != clusterScope && r.picture.reported(name) {
			return r.sink.Report(ctx, scanners.Scope{Name: name, State: scanners.Gone})
		}
		return nil
	}
	for i, document := range documents {
		document.Ordinal = i
	}
	return r.sink.Report(ctx, scanners.Scope{Name: name, State: scanners.Read, Documents: documents})
}

// held says why what was said before of a scope, or a folder of them, stands: a kind that it is made from could be read
// before and cannot be read now. "" = there is none.
func (r *report) held(name string) string {
	for _, kind := range facts.Inputs(name) {
		if r.before.had(kind) && !r.now.read(kind) {
			return r.whyNot(inventory.ResourceOf(kind))
		}
	}
	return ""
}

// whyNot says why a kind cannot be read, and what to do about it.
func (r *report) whyNot(resource *inventory.Resource) string {
	now := r.now[resource.Kind]
	switch {
	case now.state == refused:
		return fmt.Sprintf("%s may not be read: add %s to a role of this user", resource.Path(), rule(resource))
	case now.err == nil:
		return resource.Path() + " were not read yet"
	}
	return fmt.Sprintf("%s could not be read: %s", resource.Path(), oneLine(now.err))
}

// unread are the problems of what could not be read.
func (r *report) unread() []*catalog.Document {
	at := r.picture.cluster
	var problems []catalog.Problem
	for _, resource := range inventory.Resources() {
		if r.now.read(resource.Kind) {
			continue
		}
		problem := catalog.Problem{
			Location: at, Severity: catalog.Warning, Code: "kind-not-readable", Message: r.whyNot(&resource),
			Fix: "let it be read; until then what follows from it is missing",
		}
		if r.before.had(resource.Kind) {
			problem.Fix = "let it be read again; until then what followed from it stands as it was, marked stale"
		}
		problems = append(problems, problem)
	}
	for _, odd := range r.picture.oddities() {
		problems = append(problems, catalog.Problem{
			Location: location(at, odd.key), Severity: catalog.Warning, Code: "object-not-understood",
			Message: fmt.Sprintf("%s is not understood: %s", location(at, odd.key), odd.why),
			Fix:     "mend it; until then what was known of it before stands",
		})
	}
	if len(problems) == 0 {
		return nil
	}
	return []*catalog.Document{{Location: at, Problems: problems}}
}
