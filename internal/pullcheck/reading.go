package pullcheck

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/orrery-catalog/orrery/catalog"
	"github.com/orrery-catalog/orrery/scanners"
)

// reading is what was read at the head of a pull request.
type reading struct {
	pull     *pull
	scopes   []scanners.Scope  // until they are tried
	prefix   string            // of the names of scopes and locations in the repository
	web      string            // what links to files at the head begin with
	cut      bool              // not all changed files are known
	both     []string          // paths of files that have changed on both sides
	files    map[string]string // path in the repository, by location
	gone     map[string]bool   // locations that are there no more
	problems []catalog.Problem // of the files themselves
	unread   []unread
	said     map[catalog.Ref]place // whom the files describe, and where first
}

// unread is a file that could not be read, for no reason that lies in it.
type unread struct{ path, why string }

// place is a line of a file of the repository.
type place struct {
	path string // "" = it is elsewhere
	line int32
}

func newReading(host, webURL string, p *pull) *reading {
	return &reading{
		pull: p, prefix: host + "/" + p.fullName() + "/", web: webURL + "/" + p.fullName() + "/blob/" + p.head + "/",
		files: make(map[string]string), gone: make(map[string]bool), said: make(map[catalog.Ref]place),
	}
}

// paths are those of the catalog files of the repository that were read.
func (r *reading) paths() []string {
	var paths []string
	for _, scope := range r.scopes {
		if path, here := r.pathOf(scope.Name); here {
			paths = append(paths, path)
		}
	}
	return paths
}

// take notes what the scopes say, before they are given away.
func (r *reading) take() {
	for _, scope := range r.scopes {
		if scope.State == scanners.Gone || scope.State == scanners.Unchanged {
			r.gone[scope.Name] = scope.State == scanners.Gone
			continue
		}
		path, here := r.pathOf(scope.Name)
		if here {
			r.files[scope.Name] = path
		}
		found := 0
		for _, document := range scope.Documents {
			r.document(document)
			found += len(document.Problems)
		}
		if scope.State == scanners.Unreadable && found == 0 {
			r.unread = append(r.unread, unread{path, scope.Error})
		}
	}
	slices.SortFunc(r.problems, catalog.CompareProblems)
}

func (r *reading) document(document *catalog.Document) {
	if v := document.Version; v != nil && strings.EqualFold(v.Repository, strings.TrimSuffix(r.prefix, "/")) {
		r.files[document.Location] = v.Path
	} else if path, here := r.pathOf(document.Location); here {
		r.files[document.Location] = path
	}
	r.problems = append(r.problems, document.Problems...)
	for i := range document.Claims {
		claim := &document.Claims[i]
		if ref := claim.Subject.Ref; ref != "" && claim.Descriptor != nil {
			if _, known := r.said[ref]; !known {
				r.said[ref] = r.at(document.Location, claim.Line)
			}
		}
	}
}

// pathOf is the path in the repository that a location names.
func (r *reading) pathOf(location string) (string, bool) {
	n := len(r.prefix)
	if len(location) <= n || !strings.EqualFold(location[:n], r.prefix) {
		return "", false
	}
	return location[n:], true
}

// at is the place of a line of a location, if it is one of what was read.
func (r *reading) at(location string, line int32) place {
	return place{r.files[location], line}
}

// link leads to a line of a file at the head.
func (r *reading) link(path string, line int32) string {
	link := r.web + (&url.URL{Path: path}).EscapedPath()
	if line > 0 {
		link += "#L" + strconv.Itoa(int(line))
	}
	return link
}
