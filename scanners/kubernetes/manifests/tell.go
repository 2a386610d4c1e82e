package manifests

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners"
)

// fileScopes begin the names of scopes that tell of files.
const fileScopes = "files/"

// locations are those of the files, sorted.
func (w *world) locations() []string { return slices.Sorted(maps.Keys(w.files)) }

// reportScope tells a scope as it is now; one that is not there says nothing any more.
func (w *world) reportScope(ctx context.Context, sink scanners.Sink, name string) error {
	documents, _ := w.deriver.Scope(name)
	return tell(ctx, sink, scanners.Scope{Name: name, Documents: documents})
}

// tell reports a scope, unless the scan has been told to stop.
func tell(ctx context.Context, sink scanners.Sink, scope scanners.Scope) error {
	if err := sink.Report(ctx, scope); err != nil {
		return err
	}
	return context.Cause(ctx)
}

// fileScope says what is wrong with a file; told = something is.
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

// reason says in one line why something in a file was not read.
func (p *parsed) reason() string {
	if p.broken == "" && len(p.problems) > 0 {
		return p.problems[0].Message
	}
	return p.broken
}

// stands says whether what is said of a scope, or of all that begin with a name, is about another scope.
func stands(part, scope string) bool {
	return part == scope || strings.HasSuffix(part, "/") && strings.HasPrefix(scope, part)
}
