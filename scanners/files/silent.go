package files

import (
	"context"
	"path"
	"slices"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/catalog/descriptor"
	"github.com/orrery-catalog/orrery/scanners"
	"github.com/orrery-catalog/orrery/scanners/folder"
)

// spoke says whether a file said something when it was read last.
func (r *run) spoke(f file) bool {
	memory, ok := r.sink.(scanners.Memory)
	return ok && len(memory.Said(r.shown(f.name))) > 0
}

// silent tells of a file that does not speak of entities, if it did so before and nobody can tell that it was meant to stop:
// an editor or a full disk may have cut it off. To delete it is what says that it is gone.
func (r *run) silent(ctx context.Context, f file, data []byte) error {
	if !r.spoke(f) {
		r.config.Repository.note(Note{Name: f.name, Real: f.real, Silent: true})
		return nil
	}
	if why := descriptor.Illegible(data); why != "" {
		return r.refuse(ctx, f.name, "illegible-file", "this file described entities and cannot be understood any more: "+why,
			"mend it; or delete it, if they are gone")
	}
	r.config.Repository.note(Note{Name: f.name, Real: f.real, Silent: true})
	return nil
}

// broke remembers that a file which held Locations could not be read in full, unless the scope says all of them again.
func (r *run) broke(scope scanners.Scope) {
	if scope.State == scanners.Read || scope.State == scanners.Unchanged {
		return
	}
	memory, ok := r.sink.(scanners.Memory)
	if !ok {
		return
	}
	for _, subject := range memory.Said(scope.Name) {
		if !strings.HasPrefix(subject, strings.ToLower(catalog.KindLocation)+":") {
			continue
		}
		if !slices.ContainsFunc(scope.Documents, func(d *catalog.Document) bool {
			return len(d.Claims) > 0 && string(d.Claims[0].Subject.Ref) == subject
		}) {
			r.mu.Lock()
			r.broken = append(r.broken, scope.Name)
			r.mu.Unlock()
		}
	}
}

// unreached tells of the files that are there and were not come to, where a Location could not be read that may have named
// them: they have not gone.
func (r *run) unreached(ctx context.Context) error {
	if len(r.broken) == 0 {
		return nil
	}
	memory, ok := r.sink.(scanners.Memory)
	if !ok {
		return nil
	}
	why := "the Location in " + slices.Min(r.broken) + " may name it and cannot be read"
	for _, scope := range memory.Scopes() {
		name, inside := r.tree.Name(scope)
		if !inside || strings.HasSuffix(scope, "/") || r.reported[scope] || folder.Matches(r.config.Exclude, name) ||
			path.Base(name) == "CODEOWNERS" {
			continue
		}
		if real, info, err := folder.Resolve(r.tree, name); err != nil || !info.Mode().IsRegular() || r.opened[r.shown(real)] {
			continue
		}
		if err := r.refuse(ctx, name, "unreached-file", "nothing leads to this file at present: "+why, "mend the Location"); err != nil {
			return err
		}
	}
	return nil
}
